"""Exim, built with GnuTLS or with OpenSSL."""

from __future__ import annotations

from tlsconf.mta.exim.limitations import LIMITATIONS
from tlsconf.mta.exim.settings import plan
from tlsconf.mta.exim.syntax import parse, quote

__all__ = ["LIMITATIONS", "parse", "plan", "quote"]
