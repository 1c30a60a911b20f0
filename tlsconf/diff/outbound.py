"""How mail that is sent fares differently, by the destinations that rules cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tlsconf import law, peers
from tlsconf.diff import coverage, sessions
from tlsconf.diff.aspect import Aspect, effects, stops_mail
from tlsconf.diff.change import Change, Effect, Kind
from tlsconf.domains import covering
from tlsconf.law import OutboundDecision, Outcome, Tlsa
from tlsconf.platforms import PLATFORMS
from tlsconf.policy import Level, NextHop, Verify

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Sequence

    from tlsconf.diagnostics import Span
    from tlsconf.diff.aspect import Path
    from tlsconf.diff.side import Side
    from tlsconf.peers import Named
    from tlsconf.policy import OutboundRule, Parameters, Policy

Pair = tuple["OutboundRule | None", "OutboundRule | None"]  # what decides in the old policy, and in the new one


class _Table(NamedTuple):
    domains: dict[str, OutboundRule]
    hops: dict[NextHop, OutboundRule]
    smarthost: NextHop | None

    def rule(self, cell: Hashable) -> OutboundRule | None:
        """Return the rule that decides for a part of all destinations."""
        if self.smarthost is not None:
            return self.hops.get(self.smarthost)
        if isinstance(cell, NextHop):
            return self.hops.get(cell)
        return next((self.domains[wider] for wider in covering(str(cell)) if wider in self.domains), None)


class _Found(NamedTuple):
    """An aspect, with the parts of all destinations that it is for and the rules that decide there."""

    aspect: Aspect
    cells: dict[Hashable, Pair]


def compare(old: Side, new: Side) -> Iterator[Change]:
    """Yield the changes of what is sent."""
    cells = _cells(old.policy, new.policy)
    pairs: dict[tuple[str | None, str | None], list[Hashable]] = {}
    for cell, (one, other) in cells.items():
        pairs.setdefault((one.name if one else None, other.name if other else None), []).append(cell)
    found: dict[tuple[Hashable, ...], _Found] = {}
    for names, members in pairs.items():
        pair = cells[members[0]]
        for aspect in _aspects(old.policy, new.policy, pair):
            # What a rule says itself is a change of that rule; what all share is one change, for whomever it concerns.
            key = (aspect._replace(own=False, paths=()), names if aspect.own else aspect.paths)
            entry = found.setdefault(key, _Found(aspect, {}))
            entry.cells.update(dict.fromkeys(members, pair))
    for entry in found.values():
        yield _change(old, new, entry, cells)
    yield from _smarthost(old, new)


def _cells(old: Policy, new: Policy) -> dict[Hashable, Pair]:
    """Return what decides for each part of all destinations: domains, fixed next hops, and all others."""
    tables = [_Table(*law.outbound_index(policy), policy.outbound.smarthost) for policy in (old, new)]
    cells: list[Hashable] = [coverage.OTHERS]
    if not all(table.smarthost for table in tables):
        cells += dict.fromkeys(pattern for table in tables for pattern in table.domains)
        cells += dict.fromkeys(hop for table in tables if table.smarthost is None for hop in table.hops)
    return {cell: (tables[0].rule(cell), tables[1].rule(cell)) for cell in cells}


def _aspects(old: Policy, new: Policy, pair: Pair) -> Iterator[Aspect]:
    before, after = law.outbound_decision(old, pair[0]), law.outbound_decision(new, pair[1])
    if before.tls is not after.tls:
        yield from _with_held(_level(before, after), before, after)
        return
    if before.tls is Level.NONE:
        return
    if before.verify is not after.verify:
        alike = after._replace(parameters=before.parameters, authenticated=before.authenticated)  # how these differ is told apart
        yield from _with_held(_verify(before, after), before, alike)
    elif before.verify is Verify.HOSTNAME and set(before.mx) != set(after.mx):
        yield from _mx(before, after)
    own = tuple(dict.fromkeys(("outbound", "rules", rule.name, "minimum_version") for rule in pair if rule and rule.minimum_version))
    yield from _sessions(before.tls, before.parameters, after.parameters, own)
    if before.tls is Level.OPPORTUNISTIC and before.verify is after.verify is Verify.DANE:
        yield from _sessions(Level.REQUIRED, before.authenticated, after.authenticated, own)


def _level(before: OutboundDecision, after: OutboundDecision) -> Aspect:
    raised = law.LEVELS.index(after.tls) > law.LEVELS.index(before.tls)
    comparable = law.at_least_as_strong(after, before) if raised else law.at_least_as_strong(before, after)
    name = "lowered" if not raised else "raised" if comparable else "changed"
    kind = Kind.STRONGER if raised and comparable else Kind.WEAKER
    message = f"TLS: {_terms(before)} → {_terms(after)}"
    return Aspect(f"outbound-tls-{name}", kind, message, (("tls",),), own=True, incomparable=not comparable)


def _verify(before: OutboundDecision, after: OutboundDecision) -> Aspect:
    raised, lowered = law.verifies_as_much(after.verify, before.verify), law.verifies_as_much(before.verify, after.verify)
    name = "raised" if raised else "lowered" if lowered else "changed"
    message = f"verification: {_terms(before)} → {_terms(after)}"
    kind = Kind.STRONGER if raised else Kind.WEAKER
    return Aspect(f"outbound-verify-{name}", kind, message, (("verify",),), own=True, incomparable=not raised and not lowered)


def _terms(decision: OutboundDecision) -> str:
    return decision.tls if decision.verify is Verify.NONE else f"{decision.tls} + {decision.verify}"


def _mx(before: OutboundDecision, after: OutboundDecision) -> Iterator[Aspect]:
    narrower, wider = _names_within(after.mx, before.mx), _names_within(before.mx, after.mx)
    if narrower and wider:
        return  # the same names in other words
    name = "narrowed" if narrower else "widened" if wider else "changed"
    kind = Kind.STRONGER if narrower else Kind.WEAKER
    shown = [", ".join(decision.mx) or "the host, by the name that DNS gave" for decision in (before, after)]
    message = f"the certificate must be for: {shown[0]} → {shown[1]}"
    yield Aspect(f"outbound-mx-{name}", kind, message, (("mx",),), own=True, incomparable=not narrower and not wider)
    if not wider:
        names = Effect("certificate for a name that counted before, and for none that counts now", Outcome.TLS, Outcome.HELD)
        yield Aspect("outbound-may-be-held", Kind.DELIVERY_RISK, _HELD, (("mx",),), own=True, effects=(names,))


def _names_within(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Tell whether every name that some patterns match is matched by others; no patterns mean the name that DNS gave, which is neither."""
    return bool(some) == bool(others) and all(any(wider in others for wider in covering(pattern)) for pattern in some)


_HELD = "mail that left before may be held now"


def _with_held(aspect: Aspect, before: OutboundDecision, after: OutboundDecision) -> Iterator[Aspect]:
    """Yield an aspect with what the law says of it, and apart from it what mail stops."""
    found = list(effects(before, after, [*peers.without_tls(), ("valid certificate", peers.able()), *peers.by_certificate()]))
    suites = _moved(before, after)
    found += _little(before, after, [peers.by_version(), suites], peers.without_tls())
    if Verify.DANE in {before.verify, after.verify}:
        found += effects(before, after, peers.by_tlsa())
        found += _little(before, after, [_matching(peers.by_version()), _matching(suites)], _matching(peers.without_tls()))
    yield aspect._replace(effects=tuple(effect for effect in found if not stops_mail(effect)))
    if held := tuple(effect for effect in found if stops_mail(effect)):
        yield aspect._replace(id="outbound-may-be-held", kind=Kind.DELIVERY_RISK, message=_HELD, effects=held, incomparable=False)


def _little(
    before: OutboundDecision, after: OutboundDecision, groups: Sequence[Sequence[Named]], nothing: Sequence[Named]
) -> Iterator[Effect]:
    """Yield how hosts fare that can do little, where it is not how those before them fare, or those that can do nothing."""
    told = {(effect.old, effect.new) for effect in effects(before, after, nothing)}
    for group in groups:
        found = [effect for effect in effects(before, after, group) if (effect.old, effect.new) not in told]
        yield from found
        told |= {(effect.old, effect.new) for effect in found}


def _matching(hosts: Sequence[Named]) -> list[Named]:
    return [(f"TLSA record that matches, {name}", peer._replace(tlsa=Tlsa.MATCHING)) for name, peer in hosts]


def _moved(before: OutboundDecision, after: OutboundDecision) -> tuple[Named, ...]:
    """Return hosts that have one suite alone, of those that came or went."""
    moved = law.sessions(before.parameters) ^ law.sessions(after.parameters)
    moved |= law.sessions(before.authenticated) ^ law.sessions(after.authenticated)
    return peers.by_suite(sorted({suite for _, suite in moved}))


def _sessions(level: Level, before: Parameters, after: Parameters, own: tuple[Path, ...]) -> Iterator[Aspect]:
    decisions = [OutboundDecision(None, level, Verify.NONE, parameters, parameters) for parameters in (before, after)]
    scope = sessions.Scope("outbound", level is Level.REQUIRED, decisions[0], decisions[1], own)
    for aspect in sessions.compare(scope, before, after):
        held = tuple(effect for effect in aspect.effects if stops_mail(effect))
        yield aspect._replace(effects=tuple(effect for effect in aspect.effects if not stops_mail(effect)))
        if held:
            yield aspect._replace(id="outbound-may-be-held", kind=Kind.DELIVERY_RISK, message=_HELD, effects=held, incomparable=False)


def _change(old: Side, new: Side, found: _Found, cells: dict[Hashable, Pair]) -> Change:
    aspect = found.aspect
    rules = [rule.name for pair in found.cells.values() for rule in pair if rule is not None] if aspect.own else []
    return Change(
        aspect.id,
        aspect.kind,
        _subject(found.cells, cells, new.policy),
        aspect.message,
        _place(old, new, 0, found),
        _place(old, new, 1, found),
        aspect.incomparable,
        tuple(dict.fromkeys(rules)),
        aspect.effects,
    )


def _subject(some: Collection[Hashable], cells: dict[Hashable, Pair], policy: Policy) -> str:
    patterns = {cell: None for cell in cells if isinstance(cell, str) and cell != coverage.OTHERS}
    hops = {cell: None for cell in cells if isinstance(cell, NextHop)}
    names, excepted = coverage.described(some, coverage.domain_above(patterns), list(patterns))  # type: ignore[arg-type]
    routed, kept = coverage.described(some, lambda _: coverage.OTHERS, list(hops))
    if coverage.OTHERS not in some:
        mail = [f"mail to {names}"] if names else []
        return " and ".join([*mail, *([f"mail by way of {routed}"] if routed else [])]) + (f" (except {excepted})" if excepted else "")
    if policy.outbound.smarthost is not None:
        return f"all mail, which goes to {policy.outbound.smarthost}"
    if len(some) == 1 and len(cells) > 1:
        return "mail to every destination that no rule names"
    less = ", ".join(part for part in (excepted, kept) if part)
    return "mail to every destination" + (f" except {less}" if less else "") + (f", and mail to {names}" if names else "")


def _place(old: Side, new: Side, index: int, found: _Found) -> Span:
    """Return where one side says what decides: in the rule, in its pattern where the rule is there on both sides and covers other mail."""
    side, other = (old, new) if index == 0 else (new, old)
    aspect = found.aspect
    cell, pair = next(iter(found.cells.items()))
    rule, there = pair[index], pair[1 - index]
    whole = [("outbound", "rules", rule.name)] if rule else []
    if not aspect.own:
        return side.span(*aspect.paths)
    if aspect.paths[0][:2] == ("outbound", "rules"):  # floors: a rule's own, or that of all
        general = [path for path in aspect.paths if path[0] == "tls"]
        return side.span(*(path for path in aspect.paths if path not in general), *(whole or general))
    if rule is None:
        gone = side.removal("outbound", there.name) if there else None
        return gone or side.span(*(("outbound", *path) for path in aspect.paths), ("outbound",))
    same = there is not None and there.name == rule.name
    if not same and any(rule.name == one.name for one in other.policy.outbound.rules) and isinstance(cell, str):
        pattern = next((wider for wider in covering(cell) if wider in rule.domains), None)
        span = pattern and side.resolved.pattern_span("outbound", rule.name, "domains", pattern)
        if span:
            return span
    own: list[Path] = [("outbound", "rules", rule.name, *path) for path in aspect.paths]
    says = ((each, ("outbound", "rules", decides.name, "verify")) for each, decides in zip((old, new), pair, strict=True) if decides)
    if aspect.paths == (("verify",),) and all(each.resolved.said(path) is None for each, path in says):
        own.append(("outbound", "verify"))  # both rules have it from there
    return side.span(*own, *whole)


def trust_anchors(old: Side, new: Side) -> Iterator[Change]:
    """Yield the change of trust anchors, which each host may have of its own, where certificates are held against them."""
    before, after = old.policy.outbound.trust_anchors, new.policy.outbound.trust_anchors
    cells = _cells(old.policy, new.policy)
    concerned = [
        cell
        for cell, (one, other) in cells.items()
        if law.outbound_decision(old.policy, one).verify is law.outbound_decision(new.policy, other).verify is Verify.HOSTNAME
    ]
    if before == after or not concerned:
        return
    # The distributions' own files hold much the same authorities; what another file holds isn't known here.
    known = {None, *(platform.trust_anchors for platform in PLATFORMS.values())}
    comparable = before in known and after in known
    path, unsaid = ("outbound", "trust_anchors"), "the platform's own"
    yield Change(
        "outbound-trust-anchors-changed",
        Kind.NEUTRAL if comparable else Kind.WEAKER,
        _subject(concerned, cells, new.policy),
        f"trust anchors: {before or unsaid} → {after or unsaid}" + ("" if comparable else "; what each file holds is not known here"),
        old.span(path, ("platform",)),
        new.span(path, ("platform",)),
        incomparable=not comparable,
    )


def _smarthost(old: Side, new: Side) -> Iterator[Change]:
    before, after = old.policy.outbound.smarthost, new.policy.outbound.smarthost
    if before == after:
        return
    message = f"all mail goes to {after} first" if after else "mail goes to the recipients' own hosts"
    was = f"it went to {before}" if before else "it went to the recipients' own hosts"
    path = ("outbound", "smarthost")
    yield Change("smarthost-changed", Kind.NEUTRAL, "all mail", f"{message}; {was}", old.span(path), new.span(path))
