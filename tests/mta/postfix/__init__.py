"""Tests of the Postfix back-end that need no Postfix."""
