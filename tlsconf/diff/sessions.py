"""How what a session may be differs: floors, suites, groups and their order."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tlsconf import law, peers
from tlsconf.diff.aspect import Aspect, effects
from tlsconf.diff.change import Kind
from tlsconf.tls import HYBRID_GROUPS, strength

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tlsconf.diff.aspect import Path
    from tlsconf.law import InboundDecision, OutboundDecision
    from tlsconf.policy import Parameters
    from tlsconf.tls import Version


class Scope(NamedTuple):
    """Whose sessions are compared: `side` is `outbound` or `inbound`, `required` where no session means no mail.

    `old` and `new` are decisions in which nothing but the parameters differs; `own_floor` are the paths of the floors of single rules.
    """

    side: str
    required: bool
    old: OutboundDecision | InboundDecision
    new: OutboundDecision | InboundDecision
    own_floor: tuple[Path, ...] = ()

    def paths(self, key: str) -> tuple[Path, ...]:
        """Return where a value may have been said, the nearest first."""
        return (("tls", key),) if self.required else (("tls", "opportunistic", key), ("tls", key))


class _Step(NamedTuple):
    narrower: bool
    wider: bool


def compare(scope: Scope, old: Parameters, new: Parameters) -> Iterator[Aspect]:
    """Yield the aspects in which two parameters differ in force."""
    if old == new:
        return
    before, after = law.sessions(old), law.sessions(new)
    floors = tuple(min((version for version, _ in found), default=None) for found in (before, after))
    if floors[0] != floors[1] and None not in floors:
        yield _floor(scope, old, new, floors[0], floors[1])  # type: ignore[arg-type]
    elif old.minimum_version != new.minimum_version:
        message = f"minimum version: {old.minimum_version} → {new.minimum_version}; no suite of the list makes a difference of it"
        name = "raised" if new.minimum_version > old.minimum_version else "lowered"
        paths = (*scope.own_floor, *scope.paths("minimum_version"))
        yield Aspect(f"{scope.side}-floor-{name}", Kind.NEUTRAL, message, paths, bool(scope.own_floor))
    common = max((floor for floor in floors if floor is not None), default=None)
    yield from _suites(scope, old, new, _usable(before, common), _usable(after, common))
    yield from _groups(scope, old.groups, new.groups)
    yield from _preference(scope, old, new)


def _usable(sessions: Iterable[tuple[Version, str]], floor: Version | None) -> frozenset[str]:
    """Return the suites at or above a floor: those that a floor alone takes away are told with the floor."""
    return frozenset(suite for version, suite in sessions if floor is None or version >= floor)


def _kind(scope: Scope, step: _Step) -> tuple[Kind, bool]:
    """Judge a step. Where nobody requires TLS, what is shut out goes in clear: there, no step is stronger for everybody."""
    if not step.narrower and not step.wider:
        return Kind.NEUTRAL, False
    if not scope.required:
        return (Kind.PLAINTEXT_RISK if step.narrower else Kind.WEAKER), True
    return (Kind.WEAKER if step.wider else Kind.STRONGER), step.narrower and step.wider


def _floor(scope: Scope, old: Parameters, new: Parameters, before: Version, after: Version) -> Aspect:
    raised = after > before
    kind, incomparable = _kind(scope, _Step(narrower=raised, wider=not raised))
    shown = [f"{p.minimum_version}" if p.minimum_version == v else f"{p.minimum_version} (with these suites, {v})" for p, v in
             ((old, before), (new, after))]  # fmt: skip
    return Aspect(
        f"{scope.side}-floor-{'raised' if raised else 'lowered'}",
        kind,
        f"minimum version: {shown[0]} → {shown[1]}{_aside(scope, kind)}",
        (*scope.own_floor, *scope.paths("minimum_version")),
        bool(scope.own_floor),
        incomparable,
        tuple(effects(scope.old, scope.new, peers.by_version())),
    )


def _suites(scope: Scope, old: Parameters, new: Parameters, before: frozenset[str], after: frozenset[str]) -> Iterator[Aspect]:
    gone = [suite for suite in old.cipher_suites if suite in before - after]
    come = [suite for suite in new.cipher_suites if suite in after - before]
    if gone or come:
        kind, incomparable = _kind(scope, _Step(bool(gone), bool(come)))
        message = _moved(gone, come, "allowed")
        if come and before:
            weakest = min(strength(suite) for suite in before)
            weaker = [suite for suite in come if strength(suite) < weakest]
            message += "; weaker than all before: " + ", ".join(weaker) if weaker else "; none of these is weaker than the weakest before"
        found = tuple(effects(scope.old, scope.new, peers.by_suite([*gone, *come])))
        message = f"cipher suites: {message}{_aside(scope, kind)}"
        paths = scope.paths("cipher_suites")
        yield Aspect(f"{scope.side}-suites-{_name(gone, come)}", kind, message, paths, own=False, incomparable=incomparable, effects=found)
    elif set(old.cipher_suites) != set(new.cipher_suites) and law.sessions(old) == law.sessions(new):
        gone, come = ([suite for suite in one if suite not in other] for one, other in
                      ((old.cipher_suites, new.cipher_suites), (new.cipher_suites, old.cipher_suites)))  # fmt: skip
        message = f"cipher suites: {_moved(gone, come, 'allowed')}; the floor leaves no version for them"
        yield Aspect(f"{scope.side}-suites-{_name(gone, come)}", Kind.NEUTRAL, message, scope.paths("cipher_suites"), own=False)


def _groups(scope: Scope, old: tuple[str, ...], new: tuple[str, ...]) -> Iterator[Aspect]:
    gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
    paths = scope.paths("groups")
    had, has = HYBRID_GROUPS.intersection(old), HYBRID_GROUPS.intersection(new)
    if had and not has:
        message = f"groups: {', '.join(sorted(had))} no longer offered, and no other hybrid one"
        yield Aspect(f"{scope.side}-hybrid-lost", Kind.WEAKER, message, paths, own=False)
    elif has and not had:
        yield Aspect(f"{scope.side}-hybrid-gained", Kind.STRONGER, f"groups: {', '.join(sorted(has))} now offered", paths, own=False)
    gone = [name for name in gone if has or name not in had]
    come = [name for name in come if had or name not in has]
    if not gone and not come:
        return
    # Groups of 112 bits or more are one strength: what counts is that both sides have one in common.
    kind = Kind.NEUTRAL if not gone else Kind.DELIVERY_RISK if scope.required else Kind.PLAINTEXT_RISK
    risk = (
        ""
        if not gone
        else "; a peer that has only those gets no session" + ("" if scope.required else ", and may send or get mail in clear")
    )
    message = f"groups: {_moved(gone, come, 'offered')}{risk}"
    yield Aspect(f"{scope.side}-groups-{_name(gone, come)}", kind, message, paths, own=False)


def _preference(scope: Scope, old: Parameters, new: Parameters) -> Iterator[Aspect]:
    if old.prefer_server_order != new.prefer_server_order and scope.side == "inbound":
        whose = ("the client's", "the server's")
        message = f"whose order of suites decides: {whose[old.prefer_server_order]} → {whose[new.prefer_server_order]}"
        yield Aspect(f"{scope.side}-preference-changed", Kind.NEUTRAL, message, scope.paths("prefer_server_order"), own=False)
    for key, words in (("cipher_suites", "cipher suites"), ("groups", "groups")):
        before, after = getattr(old, key), getattr(new, key)
        if [name for name in before if name in after] != [name for name in after if name in before]:
            message = f"order of {words}: {', '.join(before)} → {', '.join(after)}"
            yield Aspect(f"{scope.side}-preference-changed", Kind.NEUTRAL, message, scope.paths(key), own=False)


def _name(gone: list[str], come: list[str]) -> str:
    return "replaced" if gone and come else "narrowed" if gone else "widened"


def _moved(gone: list[str], come: list[str], what: str) -> str:
    parts = [f"{when} {what}: {', '.join(names)}" for when, names in (("no longer", gone), ("now", come)) if names]
    return "; ".join(parts)


def _aside(scope: Scope, kind: Kind) -> str:
    if kind is Kind.PLAINTEXT_RISK:
        return "; nobody requires TLS here, so what can't agree any more goes in clear"
    if kind is Kind.WEAKER and not scope.required:
        return "; some mail that went in clear may be encrypted now, in sessions that were not allowed"
    return ""
