"""Hold what a profile means against standards, and find what no standard names."""
