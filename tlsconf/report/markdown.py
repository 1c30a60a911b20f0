"""A report as the comment of a pull request: Markdown as GitHub and GitLab read it (GFM)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.report.lines import few
from tlsconf.report.places import place_text
from tlsconf.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlsconf.report.notice import Notice, Report

_MOST_ROWS: Final = 100  # nobody reads more in a comment
_MOST_BYTES: Final = 60_000  # a comment on GitHub holds 65,536 characters
_MOST_DETAILS: Final = 12
_MOST_CHARACTERS: Final = 600  # of a message or a detail
_HEAD: Final = "| | What | For | Where |\n| --- | --- | --- | --- |"
# Words that no renderer takes for anything else: letters and digits with plain punctuation, no web address, number of a commit or issue.
_PLAIN: Final = re.compile(
    r"""(?!(?:www\.|gh-\d|[0-9a-f]{7,40}\b))[^\W_]+(?:[.,'-][^\W_]+)*|[\u2192\u2013\u2014+]|\d+%|""", re.IGNORECASE
)  # arrows, dashes and a plus alone, too
_AROUND: Final = re.compile(r"""(["'(]*)(.*?)(["',.:;?\u2026)]*)""")
_QUOTED: Final = re.compile(r"`([^`]+)`")
_APART: Final = {"|": "&#124;", "`": "&#96;"}  # what can't be inside a code span of a table in every renderer


def report_markdown(report: Report) -> str:
    """Return a heading, the summary, and a table with a row for each notice, the worst first.

    What comes from profiles may be somebody else's: no character of it becomes a link, an image, HTML, a mention or a reference. A
    table too long for a comment ends early, and says how many rows are left out.
    """
    head = [f"## {_inline(report.title)}", "", _inline(report.summary)]
    if not report.complete:
        head[2] = f"**Not everything could be looked at.** {head[2]}"
    if not report.notices:
        return "\n".join(head)
    rows = list(_fitting(report.notices, len("\n".join([*head, _HEAD]).encode())))
    left_out = len(report.notices) - len(rows)
    foot = ["", f"{left_out} more rows, none of them worse, are left out here."] if left_out else []
    return "\n".join([*head, "", _HEAD, *rows, *foot])


def _fitting(notices: Sequence[Notice], used: int) -> Iterator[str]:
    for notice in notices[:_MOST_ROWS]:
        row = _row(notice)
        used += len(row.encode()) + 1
        if used > _MOST_BYTES:
            return
        yield row


def _row(notice: Notice) -> str:
    label = _inline(notice.label)
    what = f"{_inline(notice.message)}<br>{_code(notice.id)}{_folded(notice.details)}"
    return f"| {f'**{label}**' if notice.level == 'error' else label} | {what} | {_names(notice.profiles)} | {_where(notice)} |"


def _folded(details: Sequence[str]) -> str:
    """Return details as one line that unfolds."""
    if not details:
        return ""
    lines = "<br>".join(map(_inline, few(details, _MOST_DETAILS)))
    return f"<details><summary>details</summary>{lines}</details>"


def _names(profiles: Sequence[str]) -> str:
    *names, last = few(profiles) or [""]
    return "<br>".join([*map(_code, names), last if len(names) < len(profiles) - 1 else _code(last)])


def _where(notice: Notice) -> str:
    if notice.place is not None and notice.before is not None:
        return f"{_code(place_text(notice.before))} → {_code(place_text(notice.place))}"
    if notice.before is not None:
        return f"was {_code(place_text(notice.before))}"
    return "" if notice.place is None else _code(place_text(notice.place))


def _inline(text: str) -> str:
    """Return text of which the parts in backticks, and all words that a renderer might read something into, are in code font."""
    if len(text) > _MOST_CHARACTERS:
        text = f"{text[:_MOST_CHARACTERS]}…"
    pieces = _QUOTED.split(printable(text).strip())  # every second one was in backticks
    text = "".join(_code(piece) if number % 2 else _words(piece) for number, piece in enumerate(pieces))
    return text.replace("``", "` `")  # two spans, which would be read as one


def _words(text: str) -> str:
    return " ".join(_word(*found.groups()) if (found := _AROUND.fullmatch(word)) else _code(word) for word in text.split(" "))


def _word(before: str, word: str, after: str) -> str:
    return f"{before}{word if _PLAIN.fullmatch(word) else _code(word)}{after}"


def _code(text: str) -> str:
    """Return text in code font, where nothing has a meaning but the backtick, and the bar in a table: these stand between two spans."""
    pieces = re.split(r"([|`])", printable(text))
    return "".join(_APART.get(piece) or f"`{piece}`" for piece in pieces if piece)
