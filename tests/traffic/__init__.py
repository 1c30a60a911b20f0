"""What headers and logs say."""
