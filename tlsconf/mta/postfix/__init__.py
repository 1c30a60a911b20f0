"""Postfix: parameters for `postconf -e`, and tables of its own."""

from tlsconf.mta.postfix.limitations import LIMITATIONS
from tlsconf.mta.postfix.settings import plan
from tlsconf.mta.postfix.syntax import parse, quote

__all__ = ["LIMITATIONS", "parse", "plan", "quote"]
