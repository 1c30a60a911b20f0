"""An exception from a base has run out.

What: a base says `overlays: stronger`, the profile is weaker in one thing by an exception in the base's file, and that exception's day
`expires` is over, on the day that `--on` names (default: today).

Why: an exception is a promise to put a thing right by a day. What is rendered does not change on that day, so that no mail stops; the audit
does.

Example: `expires: 2026-06-30`, audited in July.

Remedy: make the profile as strong as its base; or let the base's owners give the exception a new day.

Source: the organisation's own file of exceptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf import overlays
from tlsconf.audit.flaw import Flaw

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from tlsconf.resolve import Resolved


def check(resolved: Resolved, on: date) -> Iterator[Flaw]:
    """Yield each exception that has run out on a day."""
    for finding in overlays.expired(resolved, on):
        yield Flaw(finding.message, finding.span, finding.expected)
