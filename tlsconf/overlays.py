"""Holds a profile against bases that may only be strengthened, but for the exceptions that these bases name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.diagnostics import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tlsconf.diff.change import Change
    from tlsconf.document import Document
    from tlsconf.exceptions import Allowed
    from tlsconf.prepared import Planned
    from tlsconf.resolve import Resolved

_LIMITATION: Final = "limitation-added"


def check(resolved: Resolved, planned: Sequence[Planned], *, all_targets: bool) -> list[Finding]:
    """Return what weakens a base without an exception, exceptions that match nothing, and what is wrong with their files.

    `all_targets` tells whether all targets were planned: else it isn't known what some of them need. No date counts here: what is rendered
    is the same on every day.
    """
    findings: list[Finding] = []
    own = resolved.documents[-1]
    if "exceptions" in own.data:
        _load(own, findings)
    for base in resolved.binding:
        allowed = [item for item in _load(base, findings) if item.said.profile == own.data["name"]]
        changes = _weakening(resolved, base, planned)
        findings += [_refused(own, base, change) for change in changes if not any(_matches(item, change) for item in allowed)]
        judged = [item for item in allowed if all_targets or item.said.change != _LIMITATION]
        findings += [_in_vain(item) for item in judged if not any(_matches(item, change) for change in changes)]
    return findings


def expired(resolved: Resolved, on: date) -> list[Finding]:
    """Return the exceptions of a profile that no longer hold on a day; of a base, all that lie in its file."""
    own = resolved.documents[-1]
    ignored: list[Finding] = []  # `check` tells what is wrong with the files
    found = [item for base in resolved.binding for item in _load(base, ignored) if item.said.profile == own.data["name"]]
    found += _load(own, ignored)
    return [
        Finding(
            f"the exception for `{item.said.profile}` expired on {item.said.expires}: {item.said.change}"
            + (f" of the rule `{item.said.rule}`" if item.said.rule else ""),
            item.expires,
            f"no such change any more, or a new date that {item.said.owner} answers for ({item.said.ticket})",
        )
        for item in found
        if item.said.expires < on
    ]


def _load(base: Document, findings: list[Finding]) -> tuple[Allowed, ...]:
    if "exceptions" not in base.data:
        return ()
    from tlsconf import exceptions  # only where a base names some

    return exceptions.load(base, findings)


def _weakening(resolved: Resolved, base: Document, planned: Sequence[Planned]) -> list[Change]:
    from tlsconf import diff  # only where a base asks for it
    from tlsconf.diff.change import Kind
    from tlsconf.resolve import base_of

    changes = diff.overlay_changes(base_of(resolved, base), resolved)
    found = [change for change in changes if change.incomparable or change.kind in {Kind.WEAKER, Kind.PLAINTEXT_RISK}]
    return [*found, *dict.fromkeys(_acceptances(resolved, base, planned))]


def _acceptances(resolved: Resolved, base: Document, planned: Sequence[Planned]) -> Iterator[Change]:
    """Yield the promises that a server can't keep and that an overlay, not the base, takes into account."""
    from tlsconf.diff.change import Change, Kind
    from tlsconf.mta import acceptance

    above = resolved.documents[resolved.documents.index(base) + 1 :]
    for item in planned:
        origins = resolved.acceptances(item.target.name, item.policy.host)
        for accepted, origin in zip(item.target.accept, origins, strict=True):
            limits = [
                limit
                for limit in item.plan.limitations
                if limit.kind in acceptance.STOPPING and not acceptance.not_accepted((limit,), (accepted,))
            ]
            if limits and any(origin.document is document for document in above):
                message = f"{accepted.id} ({limits[0].kind}): {limits[0].message}"
                subject = f"the server {item.target.name}"
                was, now = base.span(("overlays",)), origin.span()
                yield Change(_LIMITATION, Kind.WEAKER, subject, message, was, now, rules=accepted.rules)


def _matches(item: Allowed, change: Change) -> bool:
    return item.said.change == change.id and (item.said.rule in change.rules if item.said.rule else not change.rules)


def _refused(own: Document, base: Document, change: Change) -> Finding:
    kind = f"{change.kind}, incomparable" if change.incomparable else str(change.kind)
    message = f"`{base.data['name']}` may only be strengthened; {change.subject}: {change.message} ({kind}: {change.id})"
    rule = f", rule: {change.rules[-1]}" if change.rules else ""
    where = f"in {base.data['exceptions']}" if "exceptions" in base.data else f"in a file that `{base.data['name']}` names"
    expected = f"what the base says, or stronger; or an exception {where}: {{profile: {own.data['name']}{rule}, change: {change.id}, …}}"
    related = (("allowed: this, or what is stronger", change.old),) if change.old is not None else ()
    return Finding(message, change.new or own.span(("extends",)), expected, related)


def _in_vain(item: Allowed) -> Finding:
    message = f"the exception for `{item.said.profile}` matches nothing: {item.said.change}"
    return Finding(message, item.span, "no exception, or the id and the rule of a change that needs one")
