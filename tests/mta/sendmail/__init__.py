"""Tests of the Sendmail back-end."""
