"""What was rendered, given to the real programs of its release."""
