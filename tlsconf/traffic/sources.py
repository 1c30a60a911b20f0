"""Where lines come from: files and stdin, plain or compressed, in pieces of bounded size."""

from __future__ import annotations

import codecs
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from tlsconf.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tlsconf.traffic.reading import Reading

STDIN: Final = "-"
_PIECE: Final = 1 << 20  # bytes read at a time
_LONGEST: Final = 1 << 16  # bytes of a line that are kept: the rest of a longer one is dropped

_GZIP: Final = b"\x1f\x8b"
_XZ: Final = b"\xfd7zXZ\x00"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_MAGIC_LENGTH: Final = 6


class Source:
    """A file, or stdin. `size` is in bytes as stored, or 0 where nobody knows; `modified` in POSIX seconds."""

    def __init__(self, name: str) -> None:
        """Open it. Raises `EnvironmentFailedError`."""
        import os
        import time

        self.name = name
        if name == STDIN and sys.stdin is None:
            message = "standard input is closed"
            raise EnvironmentFailedError(message)
        try:
            raw: Any = sys.stdin.buffer if name == STDIN else open(name, "rb")  # noqa: PTH123, SIM115  (closed by `close`)
            status = None if name == STDIN else os.fstat(raw.fileno())
            self._head = raw.peek(_MAGIC_LENGTH)[:_MAGIC_LENGTH]
        except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
            message = f"{name}: {getattr(error, 'strerror', None) or error}"
            raise EnvironmentFailedError(message) from None
        self._raw = raw
        self.size = 0 if status is None else status.st_size
        self.modified = time.time() if status is None else status.st_mtime
        self.at_end: Callable[[], object] | None = None
        self.stored = 0  # bytes read so far, as stored
        self._first: list[bytes] = []
        self._lines: Iterator[list[bytes]] | None = None

    def read(self, size: int = -1) -> bytes:
        """Read bytes as stored: what a decompressor calls."""
        data: bytes = self._raw.read1(size if size >= 0 else _PIECE)
        self.stored += len(data)
        return data

    def first_lines(self, reading: Reading) -> list[bytes]:
        """Return the lines of the first piece, which `pieces` yields again."""
        if self._lines is None:
            self._lines = self._pieces(reading)
            self._first = next(self._lines, [])
        return self._first

    def pieces(self, reading: Reading) -> Iterator[list[bytes]]:
        """Yield lines, many at a time, without their ends; no line is longer than 64 KiB."""
        self.first_lines(reading)
        if self._first:
            yield self._first
        self._first = []
        yield from self._lines or ()

    def close(self) -> None:
        """Close a file, and end the program that reads it."""
        if self.at_end is not None:
            self.at_end()
        if self.name != STDIN:
            self._raw.close()

    def _pieces(self, reading: Reading) -> Iterator[list[bytes]]:
        rest = b""
        is_cut = False  # the line at hand was too long, and its rest is dropped
        cut = 0
        mark = codecs.BOM_UTF8  # some programs begin a file with it
        for data in self._data(reading):
            lines = (rest + data.removeprefix(mark)).split(b"\n")
            mark = b""
            rest = lines.pop()
            if is_cut and lines:
                del lines[0]
                is_cut = False
            if len(rest) > _LONGEST or is_cut:
                if not is_cut:
                    cut += 1
                    lines.append(rest[:_LONGEST])
                rest, is_cut = b"", True
            yield lines
        if rest:
            yield [rest]
        if cut:
            reading.trouble(
                f"{self.name}: {cut} {'line is' if cut == 1 else 'lines are'} longer than {_LONGEST} bytes: the rest was left out"
            )

    def _data(self, reading: Reading) -> Iterator[bytes]:
        """Yield bytes after decompression; what is wrong with an archive ends it and is kept as a trouble."""
        import lzma
        import zlib

        stream: Any = None
        try:
            stream = self._stream()
            while data := stream(_PIECE):
                yield data
        except EOFError:
            reading.lost.append(f"{self.name}: the archive ends too early; what comes before that counts")
        except (OSError, zlib.error, lzma.LZMAError, ValueError) as error:
            reading.lost.append(
                f"{self.name}: can't be read to its end: {getattr(error, 'strerror', None) or error}; what comes before counts"
            )

    def _stream(self) -> Callable[[int], bytes]:
        """Return what reads the file's bytes, decompressed if its first bytes say so."""
        if self._head.startswith(_GZIP):
            import gzip

            return gzip.GzipFile(fileobj=cast("Any", self)).read1
        if self._head.startswith(_XZ):
            import lzma

            return lzma.LZMAFile(cast("Any", self)).read1
        if self._head.startswith(_ZSTD):
            return _zstd(self)
        return self.read


def _zstd(source: Source) -> Callable[[int], bytes]:
    """Return what reads a zstd archive: with Python 3.14, the package `zstandard`, or the program. Raises `EnvironmentFailedError`."""
    import importlib
    import shutil

    with suppress(ImportError):
        module: Any = importlib.import_module("compression.zstd")
        read1: Callable[[int], bytes] = module.ZstdFile(source).read1
        return read1
    with suppress(ImportError):
        package: Any = importlib.import_module("zstandard")
        reader = package.ZstdDecompressor().stream_reader(source, read_across_frames=True)
        piece: Callable[[int], bytes] = reader.read1
        return piece
    program = shutil.which("zstd")
    if program is None:
        readers = "Python 3.14, the package `zstandard` or the program `zstd`"
        message = f"{source.name}: a zstd archive, for which {readers} is needed"
        raise EnvironmentFailedError(message)
    return _by_program(program, source)


def _by_program(program: str, source: Source) -> Callable[[int], bytes]:
    import shutil
    import subprocess
    from threading import Thread

    process = subprocess.Popen([program, "-dcq"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
    stdin, stdout = process.stdin, process.stdout
    if stdin is None or stdout is None:  # pragma: no cover  (they are pipes)
        raise EOFError

    def feed() -> None:
        with suppress(OSError):  # the program has stopped reading, and says so by its exit code
            shutil.copyfileobj(source, stdin)
        with suppress(OSError):
            stdin.close()

    feeder = Thread(target=feed, daemon=True)
    feeder.start()

    def read(size: int) -> bytes:
        data: bytes = stdout.read1(size)  # type: ignore[attr-defined]
        if not data and process.wait():
            raise EOFError
        return data

    def end() -> None:
        process.kill()  # where not everything was read
        process.wait()
        stdout.close()
        feeder.join(1)  # at once, but for a stdin that nobody has closed

    source.at_end = end
    return read
