"""What a change of a profile means: weaker, stronger, or a risk, and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf.diff import inbound, outbound, targets
from tlsconf.diff.change import Change, Kind
from tlsconf.diff.side import Side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.plan import Plan
    from tlsconf.prepared import Prepared
    from tlsconf.resolve import Resolved


def compare(old: Prepared | None, new: Prepared | None) -> list[Change]:
    """Return every change from one profile to another, the worst first; `None` stands for a profile that is not there."""
    if old is None or new is None:
        return [] if old is new else [_only(old, new)]
    changes = [*_profile(old.resolved, new.resolved), *_guard(old.resolved, new.resolved)]
    changes += [*_policy(old.resolved, new.resolved), *_hosts(old, new)]
    kinds = list(Kind)
    return sorted(dict.fromkeys(changes), key=lambda change: kinds.index(change.kind))


def overlay_changes(base: Resolved, overlay: Resolved) -> list[Change]:
    """Return the changes that an overlay makes to what its base says of mail."""
    side = Side(base.policies[0], base)
    anchors = (change for policy in overlay.policies for change in outbound.trust_anchors(side, Side(policy, overlay)))
    return [*_policy(base, overlay), *dict.fromkeys(anchors)]


def _policy(old: Resolved, new: Resolved) -> Iterator[Change]:
    """Yield the changes of what is sent and received: the same for every host of a profile, but for its trust anchors."""
    one, other = Side(old.policies[0], old), Side(new.policies[0], new)
    yield from outbound.compare(one, other)
    yield from inbound.compare(one, other)


def _only(old: Prepared | None, new: Prepared | None) -> Change:
    if new is not None:
        place = new.resolved.documents[-1].span(("name",), key=True)
        return Change("profile-added", Kind.NEUTRAL, "the whole profile", "it is new, and there is nothing to compare it with", None, place)
    assert old is not None  # noqa: S101  (one of the two is there)
    place = old.resolved.documents[-1].span(("name",), key=True)
    return Change("profile-removed", Kind.WEAKER, "the whole profile", "it is gone: nothing holds its servers to it any more", place, None,
                  incomparable=True)  # fmt: skip


def _profile(old: Resolved, new: Resolved) -> Iterator[Change]:
    before, after = old.policies[0].name, new.policies[0].name
    if before != after:
        was, now = (resolved.documents[-1].span(("name",)) for resolved in (old, new))
        yield Change("profile-renamed", Kind.NEUTRAL, "the whole profile", f"name: {before} → {after}", was, now)


def _guard(old: Resolved, new: Resolved) -> Iterator[Change]:
    """Yield what became of those, the bases and the profile itself, that let their overlays only strengthen them, known by their names."""
    before, after = ({str(d.data.get("name")): d for d in found.documents if d.data.get("overlays") == "stronger"} for found in (old, new))
    for name, document in before.items():
        if name not in after:
            message = f"`{name}` lets its overlays weaken it, or is no longer a base: it let them only strengthen it"
            place = new.documents[-1].span(("extends",), key=True)
            yield Change("overlays-freed", Kind.WEAKER, "the whole profile", message, document.span(("overlays",)), place)
    for name, document in after.items():
        if name not in before:
            message = f"`{name}` lets its overlays only strengthen it"
            place = old.documents[-1].span(("extends",), key=True)
            yield Change("overlays-bound", Kind.STRONGER, "the whole profile", message, place, document.span(("overlays",)))


def _hosts(old: Prepared, new: Prepared) -> Iterator[Change]:
    """Yield the changes of hosts and their targets; what all hosts share is told once."""
    before, after = ({policy.host: Side(policy, found.resolved) for policy in found.resolved.policies} for found in (old, new))
    if None in before or None in after:  # a profile without hosts is compared with each host of the other
        pairs = [(host, before.get(host, before.get(None)), after.get(host, after.get(None))) for host in dict.fromkeys([*before, *after])]
        pairs = [(host, one, other) for host, one, other in pairs if one is not None and other is not None]
    else:
        yield from _without_partner(before, after)
        pairs = [(host, side, after[host]) for host, side in before.items() if host in after]
    found: dict[Change, list[str | None]] = {}
    for host, one, other in pairs:
        assert one is not None  # noqa: S101
        assert other is not None  # noqa: S101
        changes = targets.compare(one, other, (_plans(old, one.policy.host), _plans(new, other.policy.host)))
        for change in [*changes, *outbound.trust_anchors(one, other)]:
            found.setdefault(change, []).append(host)
    for change, hosts in found.items():
        names = [host for host in hosts if host is not None]
        whose = "" if len(names) in {0, len(pairs)} else f" (on {', '.join(names)})"
        yield change._replace(subject=change.subject + whose)


def _without_partner(before: dict[str | None, Side], after: dict[str | None, Side]) -> Iterator[Change]:
    for host in dict.fromkeys([*before, *after]):
        if host in before and host in after:
            continue
        name, message = ("removed", "no longer rendered for") if host in before else ("added", "rendered for")
        was, now = (found[host if host in found else next(iter(found))].span(("hosts", str(host)), ("hosts",)) for found in (before, after))
        yield Change(f"host-{name}", Kind.NEUTRAL, f"the host {host}", message, was, now)


def _plans(prepared: Prepared, host: str | None) -> dict[str, Plan]:
    return {item.target.name: item.plan for item in prepared.planned if item.policy.host == host}
