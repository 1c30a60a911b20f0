"""Mail to destinations that need TLS may go without.

What: mail to names that the patterns under `domains` match is sent by a rule, or by the default, that does not require TLS. Where a
pattern of yours is more specific than that of the standard, and weaker, it is told as an exception, in a note: the most specific pattern
wins. With a smarthost, judged is what applies to the smarthost: all mail goes there.

Why: opportunistic TLS stops when somebody on the way takes the offer out; a rule that requires TLS keeps the mail instead.

Example: no rule for `*.gov.uk`, and `outbound: {tls: opportunistic}`.

Remedy: a rule with `tls: required` and these domains; the shipped profile `uk-government` has one for `*.gov.uk`.

Source: GOV.UK, "Set up government email services securely"; RFC 3207 section 6.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tlsconf import law
from tlsconf.audit.flaw import Flaw, named
from tlsconf.audit.parameters import DomainPatterns  # noqa: TC001  (pydantic reads it)
from tlsconf.domains import covering
from tlsconf.policy import Level
from tlsconf.profile import Strict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlsconf.diagnostics import KeyPath, Span
    from tlsconf.policy import OutboundRule
    from tlsconf.resolve import Resolved


class Parameters(Strict):
    """The destinations."""

    domains: DomainPatterns = Field(description="Patterns as in a profile: `example.com`, `*.example.com`.")


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each destination without a requirement, and each exception."""
    policy = resolved.policies[0]
    table, hops = law.outbound_index(policy)
    smarthost = policy.outbound.smarthost
    if smarthost is not None:
        rule = hops.get(smarthost)
        if (rule.tls if rule else policy.outbound.tls) is not Level.REQUIRED:
            message = f"TLS is not required of {smarthost}, where mail to {named(parameters.domains)} goes"
            yield Flaw(message, _level(resolved, rule), f"a rule with `tls: required` and `next_hops` of {smarthost}")
        return
    for domain in parameters.domains:
        rule = next((table[pattern] for pattern in covering(domain) if pattern in table), None)
        if (rule.tls if rule else policy.outbound.tls) is not Level.REQUIRED:
            yield Flaw(f"TLS is not required for mail to {domain}", _level(resolved, rule), f"a rule with `tls: required` for {domain}")
        elif domain.startswith("*."):
            yield from _exceptions(resolved, policy.outbound.rules, domain)


def _exceptions(resolved: Resolved, rules: Sequence[OutboundRule], domain: str) -> Iterator[Flaw]:
    for rule in rules:
        names = [] if rule.tls is Level.REQUIRED else [name for name in rule.domains if name != domain and name.endswith(domain[1:])]
        if names:
            message = f"an exception: for mail to {named(names)}, TLS is `{rule.tls}` by the rule `{rule.name}`"
            place = resolved.pattern_span("outbound", rule.name, "domains", names[0])
            yield Flaw(message, place, "take it out once they have TLS", "note")


def _level(resolved: Resolved, rule: OutboundRule | None) -> Span:
    """Return where the level that applies was said, or who should say it."""
    paths: list[KeyPath] = [("outbound", "tls"), ("outbound", "smarthost")]
    if rule is not None:
        paths.insert(0, ("outbound", "rules", rule.name, "tls"))
    origin = next((origin for origin in map(resolved.said, paths) if origin is not None), None)
    return resolved.documents[-1].span(("name",), key=True) if origin is None else origin.span()
