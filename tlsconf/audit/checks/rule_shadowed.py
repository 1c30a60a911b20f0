"""A rule, or a part of one, changes nothing.

What: a rule is for nobody, because other rules took over all that it names, or because a smarthost takes all mail (a warning); or what it
says for a name is what would hold for that name without it (a note).

Why: whoever reads the profile counts on a rule that has no effect. Later, a change of the other rule changes more than it seems to.

Example: `hmrc.gov.uk` in a rule on the same terms as the rule that has `*.gov.uk`.

Remedy: take the rule, or the names, out; or leave them, where they shall hold even if the wider rule goes one day.

Source: the law of this language: the most specific pattern wins, and a received message has to satisfy every rule that matches it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tlsconf import law
from tlsconf.audit.flaw import Flaw, named
from tlsconf.audit.parameters import NoParameters
from tlsconf.domains import covering
from tlsconf.lists import rules_of
from tlsconf.policy import Level, OnPlaintext

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlsconf.policy import InboundRule, Policy
    from tlsconf.resolve import Resolved
    from tlsconf.tls import Version

Parameters = NoParameters


def check(resolved: Resolved, _parameters: NoParameters) -> Iterator[Flaw]:
    """Yield each rule, or part of one, without effect."""
    policy = resolved.policies[0]
    yield from _for_nobody(resolved, policy)
    yield from _outbound(resolved, policy)
    yield from _inbound(resolved, policy)


def _for_nobody(resolved: Resolved, policy: Policy) -> Iterator[Flaw]:
    busy = {*(rule.name for rule in policy.outbound.rules), *policy.outbound.set_aside}
    for node in rules_of(resolved.root, "outbound"):
        name = node.values["name"].value
        if name not in busy:
            message = f"the rule `{name}` is for nobody: its lists are empty, or other rules have all that it names"
            yield Flaw(message, node.origin.span(), "take it out, or say for whom it is")
    for idle in policy.inbound.rules:
        if not idle.senders and not idle.clients:
            yield Flaw(
                f"the rule `{idle.name}` is for nobody: its lists are empty",
                _rule(resolved, "inbound", idle.name),
                "take it out, or say for whom it is",
            )
    smarthost = policy.outbound.smarthost
    for rule in policy.outbound.rules:
        if smarthost is not None and smarthost not in rule.next_hops:
            message = f"the rule `{rule.name}` never applies: all mail goes to {smarthost}"
            yield Flaw(message, _rule(resolved, "outbound", rule.name), "take it out, or name the smarthost in it")


def _outbound(resolved: Resolved, policy: Policy) -> Iterator[Flaw]:
    rules = {rule.name: rule for rule in policy.outbound.rules}
    terms: dict[str | None, Any] = {name: law.outbound_decision(policy, rule)[1:] for name, rule in rules.items()}  # all but the name
    terms[None] = law.outbound_decision(policy, None)[1:]
    owners = {pattern: rule.name for rule in rules.values() for pattern in rule.domains}
    for rule in rules.values():
        found: dict[str | None, list[Any]] = {}  # the rule that would hold in its place -> names on the same terms
        for pattern in rule.domains:
            wider = next((owners[other] for other in covering(pattern) if other != pattern and other in owners), None)
            if terms[wider] == terms[rule.name]:
                found.setdefault(wider, []).append(pattern)
        if policy.outbound.smarthost is None and rule.next_hops and terms[None] == terms[rule.name]:
            found[None] = list(rule.next_hops)
        is_whole = len(found) == 1 and sum(map(len, found.values())) == len(rule.domains) + len(rule.next_hops)
        for other, names in found.items():
            what = f"the rule `{rule.name}`" if is_whole else f"{named(names)} in the rule `{rule.name}`"
            cover = "the default" if other is None else "a wider pattern in it" if other == rule.name else f"the rule `{other}`"
            span = resolved.pattern_span("outbound", rule.name, "domains", names[0]) if rule.domains else None
            message = f"{what} says what {cover} says anyway"
            yield Flaw(message, span or _rule(resolved, "outbound", rule.name), "take it out, unless it shall hold by itself", "note")


def _inbound(resolved: Resolved, policy: Policy) -> Iterator[Flaw]:
    floor = law.listener(policy).minimum_version
    rules = [rule for rule in policy.inbound.rules if rule.senders or rule.clients]
    for number, rule in enumerate(rules):
        if policy.inbound.tls is Level.REQUIRED and _floor(rule, floor) == floor:
            cover = "`inbound.tls: required`"
        else:
            implied = ((place, other) for place, other in enumerate(rules) if place != number and _implies(other, rule, floor))
            name = next((other.name for place, other in implied if place < number or not _implies(rule, other, floor)), None)
            if name is None:
                continue
            cover = f"the rule `{name}`"
        message = f"the rule `{rule.name}` asks for nothing that {cover} does not ask for already"
        yield Flaw(message, _rule(resolved, "inbound", rule.name), "take it out, unless it shall hold by itself", "note")


def _implies(one: InboundRule, other: InboundRule, floor: Version) -> bool:
    """Tell whether every message that `other` refuses is refused by `one` too, in the same way."""
    return (
        _floor(one, floor) >= _floor(other, floor)
        and (one.on_plaintext is OnPlaintext.REJECT or other.on_plaintext is OnPlaintext.DEFER)
        and bool(one.senders) is bool(other.senders)
        and _names_within(other.senders, frozenset(one.senders))
        and _networks_within(other.clients, one.clients)
    )


def _floor(rule: InboundRule, listener: Version) -> Version:
    return max(rule.minimum_version or listener, listener)


def _names_within(names: Sequence[str], wide: frozenset[str]) -> bool:
    return all(any(wider in wide for wider in covering(name)) for name in names)


def _networks_within(networks: Sequence[Any], wide: Sequence[Any]) -> bool:
    """Tell whether each network lies in one of the others; the lengths that occur are few, the networks may be many."""
    known, lengths = frozenset(wide), {network.prefixlen for network in wide}
    return all(
        any(network.supernet(new_prefix=length) in known for length in lengths if length <= network.prefixlen) for network in networks
    )


def _rule(resolved: Resolved, side: str, name: str) -> Any:
    return resolved.origin((side, "rules", name)).span()
