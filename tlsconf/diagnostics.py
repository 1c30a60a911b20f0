"""Where something is, and what is wrong with it: values only."""

from __future__ import annotations

from typing import NamedTuple

KeyPath = tuple[str | int, ...]


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
