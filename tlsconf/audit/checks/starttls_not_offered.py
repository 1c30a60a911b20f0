"""The server offers no TLS to those who send to it.

What: `inbound.tls` is `none`.

Why: every sender that could encrypt sends in clear, and senders that require TLS hold their mail.

Example: `inbound: {tls: none}`.

Remedy: `inbound: {tls: opportunistic}`, and a certificate under `server`.

Source: NCSC Mail Check, advisory U1; GOV.UK, "Using Transport Layer Security (TLS) in your organisation".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import NoParameters
from tlsconf.policy import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved

Parameters = NoParameters


def check(resolved: Resolved, _parameters: NoParameters) -> Iterator[Flaw]:
    """Yield a flaw where nobody is offered TLS."""
    if resolved.policies[0].inbound.tls is Level.NONE:
        yield Flaw("no TLS is offered to senders", resolved.origin(("inbound", "tls")).span(), "`tls: opportunistic`")
