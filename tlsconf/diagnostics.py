"""Where something is, and what is wrong with it: values only."""

from __future__ import annotations

from dataclasses import dataclass

KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of one line of a file: `line` and `column` count from 1, `length` is in characters."""

    file: str
    line: int
    column: int
    length: int
    source: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: one headline, where, what was expected, and places that belong to it."""

    message: str
    span: Span | None
    expected: str = ""
    related: tuple[tuple[str, Span], ...] = ()
