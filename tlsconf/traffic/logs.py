"""Lines of logs into passages: each line to the server that wrote it, whatever is mixed in one file."""

from __future__ import annotations

from contextlib import ExitStack, closing
from importlib import import_module
from typing import TYPE_CHECKING, Final

from tlsconf.mta import NAMES
from tlsconf.traffic.entry import Entry, NotUnderstoodError
from tlsconf.traffic.inside import Inside, is_loopback
from tlsconf.traffic.sources import Source
from tlsconf.traffic.syslog import Clock, framed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tlsconf.traffic.entry import Server
    from tlsconf.traffic.evidence import Passage
    from tlsconf.traffic.reading import Reading

    Reader = Callable[[Entry], Sequence[Passage]]

_MOST_PROGRAMS: Final = 5_000  # names that are kept: a hostile log can make up any number


def passages(names: Sequence[str], reading: Reading, year: int | None = None) -> Iterator[Passage]:
    """Yield what files say, the oldest file first.

    `names` are paths, or `-` for stdin; each may be compressed. What was read, what was not understood and what went wrong is kept in
    `reading`. `year`: in which the first line of each file was written, for times that have none. Raises `EnvironmentFailedError` for
    a file that can't be opened, before anything is read.
    """
    with ExitStack() as stack:
        sources = [stack.enter_context(closing(Source(name))) for name in dict.fromkeys(names)]
        reading.begin(sum(source.size for source in sources))
        began = [_first_time(source, reading, Clock(source.modified, year)) for source in sources]
        readers = _Readers()
        inside = Inside()
        for _, source in sorted(zip(began, sources, strict=True), key=lambda item: item[0]):
            for passage in _passages(source, Clock(source.modified, year), readers, reading):
                if passage.next_id is not None or is_loopback(passage.address):
                    yield from inside.sift(passage)
                else:
                    yield passage
        yield from inside.rest()


def _passages(source: Source, clock: Clock, readers: _Readers, reading: Reading) -> Iterator[Passage]:
    is_wanted = readers.__getitem__
    undated = 0
    for lines in source.pieces(reading):
        for line in lines:
            frame = framed(line, is_wanted)
            if frame is None:
                continue
            stamp, server, program, pid, text = frame
            when = clock.at(stamp)
            if when is None:
                undated += 1
                continue
            read = readers[program]
            if read is not None:
                try:
                    found = read(Entry(when, server.decode("utf-8", "surrogateescape"), pid, text))
                except NotUnderstoodError:
                    reading.not_understood(line)
                else:
                    if found:
                        yield from found
        reading.advance(len(lines), source.stored)
    reading.finish(source.stored)
    if undated:
        reading.trouble(f"{source.name}: {undated} {'line has' if undated == 1 else 'lines have'} no time that can be read: left out")


def _first_time(source: Source, reading: Reading, clock: Clock) -> float:
    """Return the first time in a file: that of any program's line."""
    is_log = False
    lines = source.first_lines(reading)
    for line in lines:
        frame = framed(line, lambda _: True)
        is_log |= frame is not None
        when = clock.at(frame.stamp) if frame else None
        if when is not None:
            return when
    if lines and not is_log:
        forms = "syslog with PROGRAM[PID], the journal in JSON, Exim's main log"
        reading.trouble(f"{source.name}: none of its first {len(lines)} lines has the form of a mail log ({forms})")
    return float("inf")


class _Readers(dict[bytes, "Reader | None"]):
    """What reads the lines of each program, by its name; `None` for those of no use. Each is asked for once."""

    def __init__(self) -> None:
        super().__init__()
        self._servers: list[Server] = [import_module(f"tlsconf.mta.{name}.logs").server() for name in NAMES]

    def __missing__(self, program: bytes) -> Reader | None:
        if len(self) >= _MOST_PROGRAMS:
            self.clear()
        name = program.decode("ascii", "replace")
        read = next((read for server in self._servers if (read := server.reader(name)) is not None), None)
        return self.setdefault(program, read)
