"""How mail that is received fares differently, by the senders and clients that rules cover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tlsconf import law, peers
from tlsconf.diff import coverage, sessions
from tlsconf.diff.aspect import Aspect, effects, stops_mail
from tlsconf.diff.change import Change, Effect, Kind
from tlsconf.domains import covering
from tlsconf.law import InboundDecision, Outcome
from tlsconf.policy import InboundRule, Level, OnPlaintext

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Iterator

    from tlsconf.diagnostics import Span
    from tlsconf.diff.side import Side
    from tlsconf.policy import Inbound, Policy

_WHOM: Final = {"senders": "mail from {}", "clients": "clients {}"}
_REFUSED: Final = "mail that was accepted may be refused now"


class _Terms(NamedTuple):
    """What a part of all senders or clients meets: the rules that match, and whether the client is exempt."""

    rules: tuple[InboundRule, ...]
    exempt: bool = False

    @property
    def key(self) -> Hashable:
        """Return what tells these from others: rules by name, which may hold very many senders."""
        return self.exempt, tuple(rule.name for rule in self.rules)


def compare(old: Side, new: Side) -> Iterator[Change]:
    """Yield the changes of what is received."""
    yield from _listener(old, new)
    for kind, whom in _WHOM.items():
        cells, above = _cells(kind, old.policy.inbound, new.policy.inbound)
        groups: dict[tuple[Hashable, Hashable], dict[Hashable, None]] = {}
        for cell, (one, other) in cells.items():
            groups.setdefault((one.key, other.key), {})[cell] = None
        for members in groups.values():
            before, after = cells[next(iter(members))]
            names, excepted = coverage.described(members, above, [cell for cell in cells if cell != coverage.OTHERS])
            others = "every other sender" if kind == "senders" else "not named by any rule"
            subject = whom.format(names or others) + (f" (except {excepted})" if excepted and names else "")
            for aspect in _aspects(old.policy, new.policy, before, after):
                rules = tuple(dict.fromkeys(rule.name for terms in (before, after) for rule in terms.rules)) if aspect.own else ()
                where = [_place(old, aspect, before, after, kind), _place(new, aspect, after, before, kind)]
                yield Change(
                    aspect.id, aspect.kind, subject, aspect.message, where[0], where[1], aspect.incomparable, rules, aspect.effects
                )


def _cells(kind: str, old: Inbound, new: Inbound) -> tuple[dict[Hashable, tuple[_Terms, _Terms]], Callable[[Any], Hashable]]:
    """Return what each part of all senders, or of all clients, meets on both sides, and which part lies above which."""
    if kind == "senders":
        patterns = dict.fromkeys(pattern for inbound in (old, new) for rule in inbound.rules for pattern in rule.senders)
        tables = [_table((rule, rule.senders) for rule in inbound.rules) for inbound in (old, new)]
        found = {pattern: tuple(_Terms(_matching(table, covering(pattern))) for table in tables) for pattern in patterns}
        return found, coverage.domain_above(patterns)  # type: ignore[return-value]
    networks = dict.fromkeys(coverage.parts(network for inbound in (old, new) for network in _networks(inbound)))
    clients = [_table((rule, rule.clients) for rule in inbound.rules) for inbound in (old, new)]
    exempt = [frozenset(inbound.exempt_clients) for inbound in (old, new)]
    wider = coverage.holding(network for inbound in (old, new) for network in _networks(inbound))
    terms = {
        network: tuple(
            _Terms(_matching(table, wider(network)), not free.isdisjoint(wider(network)))
            for table, free in zip(clients, exempt, strict=True)
        )
        for network in networks
    }
    return terms, coverage.network_above(networks)  # type: ignore[return-value]


def _table(subjects: Iterable[tuple[InboundRule, Iterable[Any]]]) -> dict[Any, list[InboundRule]]:
    table: dict[Any, list[InboundRule]] = {}
    for rule, patterns in subjects:
        for pattern in patterns:
            table.setdefault(pattern, []).append(rule)
    return table


def _matching(table: dict[Any, list[InboundRule]], wider: Iterable[Any]) -> tuple[InboundRule, ...]:
    return tuple({rule.name: rule for pattern in wider for rule in table.get(pattern, ())}.values())


def _networks(inbound: Inbound) -> Iterable[Any]:
    return (*inbound.exempt_clients, *(network for rule in inbound.rules for network in rule.clients))


def _aspects(old: Policy, new: Policy, before: _Terms, after: _Terms) -> Iterator[Aspect]:
    if before.exempt != after.exempt:
        strict = old if after.exempt else new  # the side on which requirements touch these clients
        if strict.inbound.tls is Level.REQUIRED or strict.inbound.rules:
            yield from _exemption(added=after.exempt)
        else:
            name = "added" if after.exempt else "removed"
            yield Aspect(f"inbound-exemption-{name}", Kind.NEUTRAL, "nothing is required of anybody", (("exempt_clients",),), own=True)
        return
    if before.exempt:
        return
    required = [policy.inbound.tls is Level.REQUIRED or bool(terms.rules) for policy, terms in ((old, before), (new, after))]
    if required[0] != required[1]:
        if (old.inbound.tls is Level.REQUIRED) == (new.inbound.tls is Level.REQUIRED):  # else it is told of the default
            yield from _requirement(raised=required[1])
        return
    if required[0]:
        yield from _floor(old, new, before, after)
        yield from _answer(old, new, before, after)


def _exemption(*, added: bool) -> Iterator[Aspect]:
    paths = (("exempt_clients",),)
    if added:
        yield Aspect("inbound-exemption-added", Kind.WEAKER, "requirements apply → exempt from all of them", paths, own=True)
    else:
        yield Aspect("inbound-exemption-removed", Kind.STRONGER, "exempt → requirements apply", paths, own=True)
        found = (Effect("speaks no TLS, where a requirement applies", Outcome.ACCEPTED, Outcome.REFUSED),)
        yield Aspect("inbound-may-be-refused", Kind.DELIVERY_RISK, _REFUSED, paths, own=True, effects=found)


def _requirement(*, raised: bool) -> Iterator[Aspect]:
    paths = (("tls",),)
    if raised:
        yield Aspect("inbound-requirement-raised", Kind.STRONGER, "TLS: not required → required", paths, own=True)
        found = (Effect("speaks no TLS", Outcome.ACCEPTED, Outcome.REFUSED),)
        yield Aspect("inbound-may-be-refused", Kind.DELIVERY_RISK, _REFUSED, paths, own=True, effects=found)
    else:
        found = (Effect("speaks no TLS", Outcome.REFUSED, Outcome.ACCEPTED),)
        yield Aspect("inbound-requirement-lowered", Kind.WEAKER, "TLS: required → not required", paths, own=True, effects=found)


def _floor(old: Policy, new: Policy, before: _Terms, after: _Terms) -> Iterator[Aspect]:
    # A rule's floor has effect only above that of the listener, whose own changes are told apart.
    listeners = max(min((version for version, _ in law.sessions(law.listener(policy))), default=None) or 0 for policy in (old, new))
    floors = [max((rule.minimum_version or 0 for rule in terms.rules), default=0) for terms in (before, after)]
    counted = [floor if floor > listeners else 0 for floor in floors]
    if counted[0] == counted[1]:
        return
    raised = counted[1] > counted[0]
    shown = [str(floor) if floor else "that of every client" for floor in counted]
    message = f"minimum version of the rules: {shown[0]} → {shown[1]}"
    paths = (("minimum_version",),)
    rules = [
        InboundDecision(policy.inbound.tls, law.listener(policy), terms.rules, exempt=False)
        for policy, terms in ((old, before), (new, after))
    ]
    found = tuple(effects(rules[0], rules[1], peers.by_version()))
    kind = Kind.STRONGER if raised else Kind.WEAKER
    name = "raised" if raised else "lowered"
    yield Aspect(f"inbound-rule-floor-{name}", kind, message, paths, own=True, effects=tuple(e for e in found if not stops_mail(e)))
    if refused := tuple(effect for effect in found if stops_mail(effect)):
        yield Aspect("inbound-may-be-refused", Kind.DELIVERY_RISK, _REFUSED, paths, own=True, effects=refused)


def _answer(old: Policy, new: Policy, before: _Terms, after: _Terms) -> Iterator[Aspect]:
    outcomes = [
        law.outcome(InboundDecision(policy.inbound.tls, law.listener(policy), terms.rules, exempt=False), peers.without_tls()[0][1])
        for policy, terms in ((old, before), (new, after))
    ]
    if outcomes[0] is not outcomes[1]:
        kind = Kind.DELIVERY_RISK if outcomes[1] is Outcome.REFUSED else Kind.NEUTRAL
        words = {Outcome.REFUSED: OnPlaintext.REJECT, Outcome.DEFERRED: OnPlaintext.DEFER}
        message = f"the answer to clear text: {words[outcomes[0]]} → {words[outcomes[1]]}"
        yield Aspect("inbound-answer-changed", kind, message, (("on_plaintext",),), own=True)


def _place(side: Side, aspect: Aspect, terms: _Terms, others: _Terms, kind: str) -> Span:
    general = [("inbound", *path) for path in aspect.paths]
    if aspect.paths == (("exempt_clients",),):
        return side.span(*general, ("inbound",))
    if not terms.rules:
        gone = next((found for rule in others.rules if (found := side.removal("inbound", rule.name))), None)
        return gone or side.span(("inbound", "tls"), ("inbound",))
    rules = [("inbound", "rules", rule.name, *path) for rule in terms.rules for path in aspect.paths]
    whole = [("inbound", "rules", rule.name, kind) for rule in terms.rules]
    return side.span(*rules, *whole)


def _listener(old: Side, new: Side) -> Iterator[Change]:
    before, after = old.policy.inbound.tls, new.policy.inbound.tls
    parameters = [law.listener(side.policy) for side in (old, new)]
    decisions = [
        InboundDecision(side.policy.inbound.tls, found, (), exempt=False) for side, found in zip((old, new), parameters, strict=True)
    ]
    scope = sessions.Scope("inbound", after is Level.REQUIRED, decisions[0], decisions[1])
    found: Iterable[Aspect] = ()
    if before is not after:
        found = _level(decisions)
    elif before is not Level.NONE:
        found = sessions.compare(scope, *parameters)
    rules = bool(new.policy.inbound.rules and (old.policy.inbound.rules or before is Level.REQUIRED))
    for aspect in found:
        where = [side.span(*aspect.paths) for side in (old, new)]
        stopped = tuple(effect for effect in aspect.effects if stops_mail(effect))
        shown = aspect.effects if aspect.kind is Kind.PLAINTEXT_RISK else tuple(e for e in aspect.effects if not stops_mail(e))
        subject = "mail from every client" + (_not_from(old.policy.inbound, new.policy.inbound) if before is not after else "")
        yield Change(aspect.id, aspect.kind, subject, aspect.message, where[0], where[1], aspect.incomparable, effects=shown)
        if stopped and (rules or Level.REQUIRED is after):
            subject = subject if after is Level.REQUIRED else "mail that a rule requires TLS for"
            yield Change("inbound-may-be-refused", Kind.DELIVERY_RISK, subject, _REFUSED, where[0], where[1], effects=stopped)


def _not_from(old: Inbound, new: Inbound) -> str:
    """Return in words whom a change of the default leaves alone: those of whom rules require TLS anyway, and exempt clients."""
    less = []
    for kind, whom in _WHOM.items():
        cells, above = _cells(kind, old, new)
        same = {cell for cell, (one, other) in cells.items() if (one.exempt and other.exempt) or (one.rules and other.rules)}
        if names := coverage.described(same, above, list(cells))[0]:
            less.append(whom.format(names))
    return f" (except {' and '.join(less)})" if less else ""


def _level(decisions: Collection[InboundDecision]) -> Iterator[Aspect]:
    before, after = decisions
    raised = law.LEVELS.index(after.tls) > law.LEVELS.index(before.tls)
    low, high = (before, after) if raised else (after, before)
    comparable = low.tls is Level.NONE or law.sessions(high.parameters) <= law.sessions(low.parameters)
    kind = Kind.STRONGER if raised and comparable else Kind.WEAKER
    name = "lowered" if not raised else "raised" if comparable else "changed"
    gone = law.sessions(before.parameters) - law.sessions(after.parameters)
    suites = sorted({suite for _, suite in gone})
    shown = [("speaks no TLS", peers.able()._replace(starttls=False)), *peers.by_version(), *peers.by_suite(suites)]
    found = tuple(effects(before, after, shown))
    message = f"TLS: {before.tls} → {after.tls}"
    yield Aspect(f"inbound-tls-{name}", kind, message, (("inbound", "tls"),), own=False, incomparable=not comparable, effects=found)
