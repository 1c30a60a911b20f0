"""Tests of the Exim slice."""
