"""Tests of what a change of a profile means."""
