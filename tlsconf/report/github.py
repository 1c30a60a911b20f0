"""A report as annotations of a change on GitHub: workflow commands, one a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.report.lines import few
from tlsconf.report.places import checkout, move_text, spot
from tlsconf.report.text import printable

if TYPE_CHECKING:
    from pathlib import Path

    from tlsconf.report.notice import Level, Notice, Report

_COMMANDS: Final[dict[Level, str]] = {"error": "error", "warning": "warning", "note": "notice"}
_MOST_NOTES: Final = 9  # GitHub shows ten of each command and step, and the tenth is the summary


def report_github(report: Report) -> str:
    """Return `::error`, `::warning` and `::notice` commands, the worst first and the summary last.

    Of errors and warnings GitHub shows ten a step, and the log has the others. A place that is no file of the checkout is told in
    the message, and the annotation stands at the profile. A run that is not complete ends with an error.
    """
    top = checkout()
    notes = [notice for notice in report.notices if notice.level == "note"]
    shown = [notice for notice in report.notices if notice.level != "note"] + notes[:_MOST_NOTES]
    left_out = len(report.notices) - len(shown)
    summary = report.summary + (f" ({left_out} notes are not shown here)" if left_out else "")
    last = _command("notice" if report.complete else "error", {"title": report.title}, [summary])
    return "\n".join([*(_annotation(notice, top) for notice in shown), last])


def _annotation(notice: Notice, top: Path) -> str:
    at = spot(notice, top)
    properties = {"title": f"{notice.label}: {notice.id}"}
    if at is not None and at.span is not None:
        where = {"line": str(at.span.line), "col": str(at.span.column), "endColumn": str(at.span.column + max(1, at.span.length))}
        properties = {"file": at.path, **where, **properties}
    elif at is not None:
        properties = {"file": at.path, "line": "1", **properties}
    lines = [notice.message]
    if notice.before or (notice.place and (at is None or at.span is None)):
        lines.append(move_text(notice))
    lines += notice.details
    if len(notice.profiles) > 1:
        lines.append(f"for {', '.join(few(notice.profiles))}")
    return _command(_COMMANDS[notice.level], properties, lines)


def _command(name: str, properties: dict[str, str], lines: list[str]) -> str:
    """Return a workflow command; what would end a property or the line is spelt as a percent sign and two digits."""
    given = ",".join(f"{key}={_escape(printable(value)).replace(':', '%3A').replace(',', '%2C')}" for key, value in properties.items())
    return f"::{name} {given}::" + "%0A".join(_escape(printable(line)) for line in lines)


def _escape(text: str) -> str:
    return text.replace("%", "%25")  # what is printable has no line ends
