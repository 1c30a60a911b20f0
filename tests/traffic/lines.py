"""Reads lines as if they stood in a log file."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tlsconf.traffic.logs import passages
from tlsconf.traffic.reading import Reading

if TYPE_CHECKING:
    from tlsconf.traffic.evidence import Passage

SAMPLES = Path(__file__).parent / "samples"
YEAR = 2026


def read(text: str | bytes) -> tuple[list[Passage], Reading]:
    """Return what a file with this content says, and how reading it went."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(text if isinstance(text, bytes) else text.encode())
        file.flush()
        return read_files(file.name)


def read_files(*names: str | Path) -> tuple[list[Passage], Reading]:
    """Return what files say, and how reading them went."""
    reading = Reading()
    return list(passages([str(name) for name in names], reading, YEAR)), reading


def understood(text: str) -> list[Passage]:
    """Return what lines say that are all understood."""
    found, reading = read(text)
    assert reading.examples == []
    assert reading.troubles == reading.lost == []
    return found
