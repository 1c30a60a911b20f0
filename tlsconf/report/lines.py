"""A report as lines for people at a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.report.places import move_text
from tlsconf.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlsconf.report.notice import Notice, Report

_FEW: Final = 5  # profiles that are named


def report_text(report: Report) -> str:
    """Return for each notice `LABEL ID: MESSAGE` and, indented, its places and details; then the summary.

    Where a report is about several profiles, each notice names its own.
    """
    return "\n".join(printable(line) for line in _lines(report))


def few(names: Sequence[str], most: int = _FEW) -> list[str]:
    """Return the first few of the names, and how many more there are."""
    return list(names) if len(names) <= most + 1 else [*names[:most], f"and {len(names) - most} more"]


def _lines(report: Report) -> Iterator[str]:
    several = len({profile for notice in report.notices for profile in notice.profiles}) > 1
    for notice in report.notices:
        yield f"{notice.label} {notice.id}: {notice.message}"
        yield from (f"    {line}" for line in _below(notice, several=several))
    yield report.summary


def _below(notice: Notice, *, several: bool) -> Iterator[str]:
    if notice.place or notice.before:
        yield move_text(notice)
    yield from notice.details
    if several and notice.profiles:
        yield f"for {', '.join(few(notice.profiles))}"
