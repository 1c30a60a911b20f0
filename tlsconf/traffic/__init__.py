"""What TLS real mail used, by what servers wrote down: headers and logs."""
