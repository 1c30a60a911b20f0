"""What looks at machines."""
