"""The server would send mail to itself, or has a rule for its own name.

What: the smarthost, or a next hop of a rule, is `server.hostname` or the loopback address, on a port that mail servers listen on; or a rule
for receiving hosts names `server.hostname` under `domains` or `mx`.

Why: mail that a server sends to itself loops until it is returned. Rules go by the recipient's domain, the part behind the `@`: whoever
writes the name of a mail server there, and first of all of this one, most likely meant the domain it receives for, whose mail this server
does not send either.

Example: `server: {hostname: mx.example.com}` with `outbound: {smarthost: "[mx.example.com]:25"}`.

Remedy: name the relay, or the recipient's domain; take the name out. Another port (such as 10025 of a content filter) is no loop.

Source: RFC 5321 section 6.3 (loops), section 5.1 (a server leaves itself out of the hosts it sends to).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import NoParameters

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.policy import NextHop
    from tlsconf.resolve import Resolved

Parameters = NoParameters

_PORTS: Final = frozenset({25, 465, 587})  # where mail servers listen for others and for users


def check(resolved: Resolved, _parameters: NoParameters) -> Iterator[Flaw]:
    """Yield each place where a host of the profile is told to speak to itself."""
    for policy in resolved.policies:
        own = policy.server.hostname
        if _is(policy.outbound.smarthost, own):
            span = resolved.origin(("outbound", "smarthost")).span()
            yield Flaw(f"the smarthost is this server itself, {policy.outbound.smarthost}: mail would loop", span, "another host")
        for rule in policy.outbound.rules:
            hop = next((hop for hop in rule.next_hops if _is(hop, own)), None)
            if hop is not None and hop != policy.outbound.smarthost:
                span = resolved.origin(("outbound", "rules", rule.name, "next_hops")).span(key=True)
                yield Flaw(f"the rule `{rule.name}` is for mail to this server itself, {hop}", span, f"`next_hops` without {hop}")
            for kind, patterns in (("domains", rule.domains), ("mx", rule.mx)):
                if own in patterns:
                    message = f"the rule `{rule.name}` names this server itself, {own}, under `{kind}`"
                    yield Flaw(message, resolved.pattern_span("outbound", rule.name, kind, str(own)), f"`{kind}` without {own}")


def _is(hop: NextHop | None, own: str | None) -> bool:
    return hop is not None and hop.port in _PORTS and (hop.host in {own, "localhost", "::1"} or hop.host.startswith("127."))
