"""Mail is sent without an attempt at TLS.

What: `outbound.tls` is `none`, or a rule has `tls: none`.

Why: opportunistic TLS costs nothing where the other side has none, and hides mail from all who only listen.

Example: `outbound: {tls: none}`.

Remedy: `tls: opportunistic`. A rule with `none` for one broken host is told as a warning at the most.

Source: GOV.UK, "Using Transport Layer Security (TLS) in your organisation"; RFC 7435 section 3.
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
    """Yield the default and each rule that uses no TLS."""
    outbound = resolved.policies[0].outbound
    remedy = "`tls: opportunistic`"
    if outbound.tls is Level.NONE:
        yield Flaw("mail that no rule names is sent without TLS", resolved.origin(("outbound", "tls")).span(), remedy)
    for rule in outbound.rules:
        if rule.tls is Level.NONE:
            span = resolved.origin(("outbound", "rules", rule.name, "tls")).span()
            yield Flaw(f"mail of the rule `{rule.name}` is sent without TLS", span, remedy, "warning")
