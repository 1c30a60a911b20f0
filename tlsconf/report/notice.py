"""What every format of a report is made from, whatever command found it: values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tlsconf.diagnostics import Span

Level = Literal["error", "warning", "note"]


class Notice(NamedTuple):
    """One thing to know.

    `label` is its kind or severity in the words of the command, `level` the same in those of code-scanning tools. `place` is where it
    stands now, `before` where it stood; both may be `None`. `profiles` are those that it holds for; `details` are further lines.
    """

    id: str
    label: str
    level: Level
    message: str
    place: Span | None
    before: Span | None = None
    profiles: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


class Report(NamedTuple):
    """The notices of one run, the worst first; `summary` is one line, `meanings` has a sentence for each id.

    `complete` is false where something could not be compared or judged, so that no format calls the run clean.
    """

    title: str
    summary: str
    notices: tuple[Notice, ...]
    meanings: Mapping[str, str]
    complete: bool = True
