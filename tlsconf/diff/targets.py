"""How what servers are given differs: certificates, releases, and where they can't keep the profile's word."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf.diff import coverage
from tlsconf.diff.change import Change, Kind
from tlsconf.mta.acceptance import STOPPING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tlsconf.diff.side import Side
    from tlsconf.plan import Limitation, Plan
    from tlsconf.policy import Policy, Target


def compare(old: Side, new: Side, plans: tuple[Mapping[str, Plan], Mapping[str, Plan]]) -> Iterator[Change]:
    """Yield the changes of a host and its targets; `plans` are those of both sides, by target."""
    yield from _server(old, new)
    before, after = ({target.name: target for target in side.policy.targets} for side in (old, new))
    for name in dict.fromkeys([*before, *after]):
        path = ("targets", name)
        was, now = (side.span(path, ("targets",), ("name",)) for side in (old, new))
        subject = f"the server {name}"
        if name not in after:
            yield Change("target-removed", Kind.NEUTRAL, subject, "no longer rendered for; what it has stays as it is", was, now)
            continue
        if name not in before:
            yield Change("target-added", Kind.NEUTRAL, subject, f"rendered for: {_shown(after[name])}", was, now)
        elif _details(before[name]) != _details(after[name]):
            message = f"details: {_shown(before[name])} → {_shown(after[name])}"
            yield Change("target-changed", Kind.NEUTRAL, subject, message, was, now)
        limits = [plan[name].limitations if name in plan else () for plan in plans]
        yield from _limitations(old, new, name, (limits[0], limits[1]))


def _server(old: Side, new: Side) -> Iterator[Change]:
    before, after = old.policy.server, new.policy.server
    if before.hostname != after.hostname:
        message = f"host name: {before.hostname} → {after.hostname}"
        path = ("server", "hostname")
        yield Change("server-hostname-changed", Kind.NEUTRAL, "the host", message, old.span(path), new.span(path))
    if before.certificates != after.certificates:
        shown = [", ".join(certificate.chain for certificate in server.certificates) or "none" for server in (before, after)]
        path = ("server", "certificates")
        message = f"certificates: {shown[0]} → {shown[1]}"
        yield Change("server-certificates-changed", Kind.NEUTRAL, "the host", message, old.span(path), new.span(path))


def _details(target: Target) -> tuple[object, ...]:
    return target.release, target.tls_library, target.layout, target.map_type, dict(target.keep)


def _shown(target: Target) -> str:
    words = [f"release {target.release.text}", target.tls_library, target.layout, target.map_type]
    kept = [f"keep {name}: {', '.join(values)}" for name, values in target.keep.items()]
    return ", ".join(word for word in [*words, *kept] if word)


def _limitations(old: Side, new: Side, target: str, found: tuple[tuple[Limitation, ...], tuple[Limitation, ...]]) -> Iterator[Change]:
    before, after = (_touched(side.policy, limitations) for side, limitations in zip((old, new), found, strict=True))
    for side, other, mine, theirs, name in ((new, old, after, before, "added"), (old, new, before, after, "removed")):
        for identifier, (limitation, cells) in mine.items():
            there = theirs.get(identifier)
            unsafe = limitation.kind in STOPPING
            # What loses nothing is told once for a server; where a promise is not kept, it counts for whom.
            if there is not None and (not unsafe or cells <= there[1]):
                continue
            kind = Kind.WEAKER if unsafe else Kind.DELIVERY_RISK if limitation.kind == "stricter" else Kind.NEUTRAL
            if name == "removed":
                kind = Kind.STRONGER if unsafe else Kind.NEUTRAL
            path = ("targets", target)
            places = (side.span(path, ("targets",), ("name",)), other.span(path, ("targets",), ("name",)))
            was, now = places if side is old else places[::-1]
            rules = f", rules {', '.join(limitation.rules)}" if limitation.rules else ""
            message = f"{identifier} ({limitation.kind}){rules}: {limitation.message}"
            message = message if name == "added" else f"no longer: {message}"
            yield Change(f"limitation-{name}", kind, f"the server {target}", message, was, now, rules=limitation.rules)


def _touched(policy: Policy, limitations: tuple[Limitation, ...]) -> dict[str, tuple[Limitation, frozenset[object]]]:
    """Return each limitation by its id, with those it touches: so that a rule's name alone makes no difference."""
    whom: dict[str, tuple[object, ...]] = {rule.name: (*rule.domains, *rule.next_hops) for rule in policy.outbound.rules}
    whom |= {rule.name: (*rule.senders, *rule.clients) for rule in policy.inbound.rules}
    found: dict[str, tuple[Limitation, frozenset[object]]] = {}
    for limitation in limitations:
        cells = frozenset(cell for name in limitation.rules for cell in whom.get(name, (name,))) or frozenset({coverage.OTHERS})
        known = found.get(limitation.id)
        found[limitation.id] = (limitation, cells | known[1] if known else cells)
    return found
