"""What changed in profiles: a report for people, in which changes that several profiles share are one, and JSON, in which each is told."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tlsconf.diff.catalogue import CHANGES
from tlsconf.diff.change import Kind
from tlsconf.report.notice import Notice, Report
from tlsconf.report.text import unicode_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tlsconf.diagnostics import Span
    from tlsconf.diff.change import Change
    from tlsconf.report.notice import Level

FORMAT: Final = 1
_LEVELS: Final[dict[Kind, Level]] = {
    Kind.WEAKER: "error",
    Kind.PLAINTEXT_RISK: "error",
    Kind.DELIVERY_RISK: "warning",
    Kind.STRONGER: "note",
    Kind.NEUTRAL: "note",
}


class Compared(NamedTuple):
    """A profile, by its name, and how it differs from what it was."""

    profile: str
    changes: Sequence[Change]


def changes_report(compared: Sequence[Compared], failed: int) -> Report:
    """Return the changes by kind, the worst first, then what touches most profiles; `failed` profiles could not be compared.

    A kind's incomparable changes come after those that are nothing else.
    """
    profiles: dict[Change, list[str]] = {}
    for item in compared:
        for change in dict.fromkeys(item.changes):
            profiles.setdefault(change, []).append(item.profile)
    kinds = list(Kind)
    ordered = sorted(profiles, key=lambda change: (kinds.index(change.kind), change.incomparable, -len(profiles[change]), _order(change)))
    notices = tuple(_notice(change, tuple(profiles[change])) for change in ordered)
    meanings = {change.id: CHANGES[change.id] for change in ordered}
    return Report("What changes for mail", _summary(compared, profiles, failed), notices, meanings, complete=not failed)


def changes_json(compared: Sequence[Compared], failed: int) -> str:
    """Return an object with `format`, how many profiles were `compared` and `failed`, `counts` by kind, and `changes`.

    There is one change for each profile that it touches; `path`, `line` and `column` are its new place, the old one where there is none.
    """
    changes = [_object(item.profile, change) for item in compared for change in item.changes]
    counts = Counter(change["kind"] for change in changes)
    answer = {
        "format": FORMAT,
        "compared": len(compared),
        "failed": failed,
        "counts": {kind.value: counts[kind.value] for kind in Kind},
        "changes": changes,
    }
    return json.dumps(answer, indent=2)


def _summary(compared: Sequence[Compared], found: Iterable[Change], failed: int) -> str:
    counts = Counter(change.kind for change in found)
    told = ", ".join(f"{counts[kind]} {kind}" for kind in Kind if counts[kind])
    text = f"{len(compared)} {'profile' if len(compared) == 1 else 'profiles'} compared"
    if compared:
        text += f": {told or 'no change'}"
    return f"{text}; {failed} could not be compared" if failed else text


def _notice(change: Change, profiles: tuple[str, ...]) -> Notice:
    label = f"{change.kind}, incomparable" if change.incomparable else change.kind.value
    message = f"{change.subject}: {change.message}"
    return Notice(change.id, label, _LEVELS[change.kind], message, change.new, change.old, profiles, tuple(_details(change)))


def _details(change: Change) -> Iterator[str]:
    """Yield a line for each way in which what happens to mail changes, with all kinds of hosts or clients that it happens with."""
    peers: dict[str, list[str]] = {}
    for effect in change.effects:
        peers.setdefault(f"{effect.old} → {effect.new}", []).append(effect.peer)
    return (f"{move}: {'; '.join(names)}" for move, names in peers.items())


def _order(change: Change) -> tuple[str, int, int, str, str, str]:
    place = change.new or change.old
    where = ("", 0, 0) if place is None else (place.file, place.line, place.column)
    return (*where, change.id, change.subject, change.message)


def _object(profile: str, change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "kind": change.kind.value,
        "message": unicode_only(f"{change.subject}: {change.message}"),
        **(_where(change.new or change.old) or {"path": None, "line": None, "column": None}),
        "old": _where(change.old),
        "profile": unicode_only(profile),
        "subject": unicode_only(change.subject),
        "incomparable": change.incomparable,
        "rules": change.rules,
        "effects": [effect._asdict() for effect in change.effects],
    }


def _where(place: Span | None) -> dict[str, str | int] | None:
    return None if place is None else {"path": unicode_only(place.file), "line": place.line, "column": place.column}
