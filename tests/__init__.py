"""Tests of tlsconf; the tree mirrors the package."""
