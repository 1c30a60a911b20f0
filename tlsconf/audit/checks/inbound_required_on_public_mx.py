"""TLS is required of every sender.

What: `inbound.tls` is `required`. On a host to which an MX record points, mail from every sender without TLS is lost to you. Where a
smarthost takes what the host sends, the host may well be no public MX, and this is a note.

Why: RFC 3207 forbids it for a server that is publicly referenced, and the guidance of GOV.UK advises against it: the sender can make a rule
instead, and a rule of your own can require TLS of senders that are known to have it.

Example: `inbound: {tls: required}` on the host that MX records name.

Remedy: `inbound: {tls: opportunistic}`, with `rules` for the senders and clients that have to use TLS.

Source: RFC 3207 section 4; GOV.UK, "Set up government email services securely".
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
    """Yield a flaw where TLS is required of all."""
    policy = resolved.policies[0]
    if policy.inbound.tls is Level.REQUIRED:
        message = "TLS is required of every sender: if this is a public MX, mail of senders without TLS never arrives"
        remedy = "`tls: opportunistic`, and rules for those who have to use TLS"
        yield Flaw(message, resolved.origin(("inbound", "tls")).span(), remedy, "note" if policy.outbound.smarthost else None)
