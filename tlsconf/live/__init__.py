"""Looks at servers that are installed or running; nothing here changes anything."""
