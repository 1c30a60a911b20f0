"""Sendmail: an m4 fragment for sendmail.mc, and tables of its own."""

from __future__ import annotations

from tlsconf.mta.sendmail.limitations import LIMITATIONS
from tlsconf.mta.sendmail.settings import plan
from tlsconf.mta.sendmail.syntax import parse, quote

__all__ = ["LIMITATIONS", "parse", "plan", "quote"]
