"""Tests of tlsconf.audit."""
