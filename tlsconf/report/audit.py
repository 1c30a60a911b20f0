"""What an audit found: as a report, which every format is made from, and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.report.notice import Notice, Report
from tlsconf.report.text import unicode_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tlsconf.audit.flaw import Severity
    from tlsconf.audit.run import Found
    from tlsconf.audit.standards import Standard

FORMAT: Final = 1
_ORDER: Final[tuple[Severity, ...]] = ("error", "warning", "note")


class Audited(NamedTuple):
    """A profile, by the name that the user gave it, and what was found in it."""

    profile: str
    found: Sequence[Found]


def worst(audited: Iterable[Audited]) -> Severity | None:
    """Return the worst severity of all that was found, or `None`."""
    severities = {found.severity for each in audited for found in each.found}
    return next((severity for severity in _ORDER if severity in severities), None)


def audit_report(audited: Sequence[Audited], standards: Sequence[Standard], failed: int) -> Report:
    """Return the report; what is found at one place for several profiles, such as their base, is one notice.

    `failed` is how many profiles could not be audited.
    """
    alike: dict[tuple[object, ...], tuple[Found, list[str]]] = {}
    for each in audited:
        for found in each.found:
            edition = found.standard.edition if found.standard else None
            _, profiles = alike.setdefault((found.id, edition, found.severity, found.flaw), (found, []))
            if each.profile not in profiles[-1:]:
                profiles.append(each.profile)
    ordered = sorted(alike.values(), key=lambda item: (_ORDER.index(item[0].severity), -len(item[1])))  # the rest as it was found
    notices = tuple(
        Notice(found.id, found.severity, found.severity, found.flaw.message, found.flaw.place, None, tuple(profiles), _details(found))
        for found, profiles in ordered
    )
    summary = _summary(audited, standards, [notice.level for notice in notices], failed)
    meanings = {found.id: found.meaning for found, _ in ordered}
    return Report("Audit of TLS profiles", summary, notices, meanings, complete=not failed)


def audit_json(audited: Sequence[Audited], standards: Sequence[Standard], failed: int) -> str:
    """Return an object with `format`, how many profiles were `audited` and how many `failed`, the `standards`, and the `findings`."""
    used = [{"id": standard.id, "edition": standard.edition, "title": standard.title} for standard in standards]
    findings = [_fields(each.profile, found) for each in audited for found in each.found]
    return json.dumps({"format": FORMAT, "audited": len(audited), "failed": failed, "standards": used, "findings": findings}, indent=2)


def _summary(audited: Sequence[Audited], standards: Sequence[Standard], levels: Sequence[str], failed: int) -> str:
    text = f"{len(audited)} {'profile' if len(audited) == 1 else 'profiles'} audited"
    if standards:
        text += f" against {', '.join(f'{standard.id} {standard.edition}' for standard in standards)}"
    if audited:
        counts = {level: levels.count(level) for level in _ORDER}
        told = ", ".join(f"{count} {level}" if count == 1 else f"{count} {level}s" for level, count in counts.items() if count)
        text += f": {told or 'nothing found'}"
    return f"{text}; {failed} could not be audited" if failed else text


def _details(found: Found) -> tuple[str, ...]:
    details = [found.meaning, f"source: {found.source}"]
    if found.flaw.remedy:
        details.append(f"remedy: {found.flaw.remedy}")
    return tuple(details)


def _fields(profile: str, found: Found) -> dict[str, str | int | None]:
    place = found.flaw.place
    return {
        "id": found.id,
        "severity": found.severity,
        "message": found.flaw.message,
        "path": unicode_only(place.file if place else profile),
        "line": place.line if place else None,
        "column": place.column if place else None,
        "profile": unicode_only(profile),
        "standard": f"{found.standard.id}-{found.standard.edition}" if found.standard else None,
        "requirement": found.requirement.id if found.requirement else None,
        "level": found.requirement.level if found.requirement else None,
        "source": found.source,
        "check": found.check,
        "remedy": found.flaw.remedy,
    }
