"""Where something is, and what is wrong with it: values only."""

from __future__ import annotations

from typing import Final, NamedTuple

KeyPath = tuple[str | int, ...]
_SHOWN: Final = 60  # fits a line


class Span(NamedTuple):
    """A stretch of one line of a file: `line` and `column` count from 1, `length` is in characters."""

    file: str
    line: int
    column: int
    length: int
    source: str = ""


class Finding(NamedTuple):
    """Something that is wrong: one headline, where, what was expected, and places that belong to it."""

    message: str
    span: Span | None
    expected: str = ""
    related: tuple[tuple[str, Span], ...] = ()


def short(text: str) -> str:
    """Return what is shown of a text in a message: its first line, not much of it. Of PEM text, that holds nothing secret."""
    line, newline, _ = text.partition("\n")
    return line if len(line) <= _SHOWN and not newline else f"{line[: _SHOWN - 3]}…"
