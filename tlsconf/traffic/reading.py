"""What reading logs came across beside passages: how much there was, what was not understood, what went wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SHOWN: Final = 5  # examples of what was not understood
_WIDTH: Final = 300  # of an example
_MOST_TROUBLES: Final = 100


class Reading:
    """What was come across: `lines`, and `unknown` lines about TLS that nobody understood, with the first few of them.

    `troubles` are sentences about what was left out: lines without end, times that are none. `lost` are those about files that could
    not be read to their end.
    """

    def __init__(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Begin with nothing. `progress` is called with the bytes read and the bytes that there are (0 where nobody knows)."""
        self._progress = progress
        self._size = 0
        self._done = 0  # bytes of the files that are behind
        self.lines = 0
        self.unknown = 0
        self.examples: list[str] = []
        self.troubles: list[str] = []
        self.lost: list[str] = []

    def begin(self, size: int) -> None:
        """Say how many bytes there are, as stored."""
        self._size = size

    def advance(self, lines: int, stored: int) -> None:
        """Count lines; of the file at hand, `stored` bytes have been read."""
        self.lines += lines
        if self._progress is not None:
            self._progress(self._done + stored, self._size)

    def finish(self, stored: int) -> None:
        """Say that a file of so many bytes is behind."""
        self._done += stored

    def not_understood(self, line: bytes) -> None:
        """Count a line about TLS that no server is known to write."""
        self.unknown += 1
        if len(self.examples) < _SHOWN:
            self.examples.append(line[:_WIDTH].decode("utf-8", "replace"))

    def trouble(self, sentence: str) -> None:
        """Keep a sentence about what was left out."""
        if len(self.troubles) < _MOST_TROUBLES:
            self.troubles.append(sentence)
