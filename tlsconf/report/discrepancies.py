"""What an inspection found, as text for people and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.report.text import printable, unicode_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tlsconf.live.discrepancy import Discrepancy

FORMAT: Final = 1


class Inspected(NamedTuple):
    """A server that was looked at, the profile's host that it is (`None` where it has none), and what was found."""

    target: str
    host: str | None
    release: str
    found: Sequence[Discrepancy]

    @property
    def errors(self) -> int:
        """Return how many of what was found are errors."""
        return sum(item.severity == "error" for item in self.found)


def discrepancies_text(inspected: Iterable[Inspected]) -> str:
    """Return a block for each discrepancy, `error ID: PATH:LINE: message` and what to do, and a line for each server."""
    return "\n".join("".join(map(block, item.found)) + _summary(item) for item in inspected)


def discrepancies_json(inspected: Sequence[Inspected]) -> str:
    """Return an object with `format`, the servers `inspected`, and `findings`: the fields of a discrepancy, its target and release."""
    servers = [{"target": item.target, "host": item.host, "release": item.release} for item in inspected]
    findings = [{"target": item.target, "release": item.release, **unicode_fields(found)} for item in inspected for found in item.found]
    return json.dumps({"format": FORMAT, "inspected": servers, "findings": findings}, indent=2)


def unicode_fields(item: Discrepancy) -> dict[str, str | int | None]:
    """Return the fields without bytes that are no text, which JSON can't hold."""
    fields = item._asdict()
    return {key: unicode_only(value) if isinstance(value, str) else value for key, value in fields.items()}


def block(item: Discrepancy) -> str:
    """Return the lines of a discrepancy."""
    place = "" if item.path is None else f"{item.path}: " if item.line is None else f"{item.path}:{item.line}: "
    remedy = f"  {printable(item.remedy)}\n" if item.remedy else ""
    return f"{item.severity} {item.id}: {printable(place + item.message)}\n{remedy}"


def _summary(item: Inspected) -> str:
    subject = f"{item.target} {item.release}" if item.host is None else f"{item.target} {item.release} on {item.host}"
    warnings = len(item.found) - item.errors
    answer = f"{item.errors} error(s)" if item.errors else "does what the profile says"
    return printable(f"{subject}: {answer}" + (f", {warnings} warning(s)" if warnings else ""))
