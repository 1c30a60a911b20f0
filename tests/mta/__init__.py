"""Tests of the mail servers' slices."""
