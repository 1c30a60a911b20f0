"""Next hops that must prove who they are although they have no name: what limitations of several servers are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf.policy import Verify

if TYPE_CHECKING:
    from tlsconf.policy import NextHop, Policy


def addresses_to_verify(policy: Policy) -> dict[str | None, tuple[NextHop, ...]]:
    """Return the next hops that are addresses and need a verified name, by rule; `None` is the default, for a smarthost."""
    found: dict[str | None, tuple[NextHop, ...]] = {}
    for rule in policy.outbound.rules:
        hops = tuple(hop for hop in rule.next_hops if hop.is_address)
        if hops and rule.verify is Verify.HOSTNAME and not rule.mx:
            found[rule.name] = hops
    smarthost = policy.outbound.smarthost
    ruled = any(smarthost in rule.next_hops for rule in policy.outbound.rules)
    if smarthost is not None and smarthost.is_address and not ruled and policy.outbound.verify is Verify.HOSTNAME:
        found[None] = (smarthost,)
    return found
