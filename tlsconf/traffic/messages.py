"""Messages one after another out of files, mailboxes (mbox), Maildirs and streams: of each, the few headers that say how it came."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

STDIN: Final = "-"
_LONGEST_LINE: Final = 64 * 1024  # RFC 5322 section 2.1.1 has 998; the rest of a longer one is passed over
_LONGEST_HEADER: Final = 64 * 1024
_MOST: Final = 1024 * 1024  # octets of the headers of one message, and no more are looked at
_MOST_HOPS: Final = 1000  # servers take a message of a hundred for a loop (RFC 5321 section 6.3)
_MAIL: Final = ("cur", "new")  # where a Maildir has its messages; those in `tmp` are not whole yet
# A separator has a date in the form of ctime(3); a line of text that begins with `From ` has none.
_SEPARATOR: Final = re.compile(rb"From (.{0,1000}?) {0,3}(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]?\d \d\d:\d\d")
_BLANK: Final = (b"\n", b"\r\n")
_ARCHIVES: Final = {b"\x1f\x8b": "zcat", b"\xfd7zXZ\0": "xzcat", b"\x28\xb5\x2f\xfd": "zstdcat", b"BZh": "bzcat"}


class Message(NamedTuple):
    """The headers of one message that say how it came.

    `file` is as it was named, or found below a folder, `number` counts from 1 in it. `received` has the newest first, unfolded. `sender` is
    of the envelope as the last server wrote it (Return-Path: above the rest, or the mailbox's own line), `<>` as the empty text, `None`
    where nobody did. `cut`: there were more headers than are looked at.
    """

    file: str
    number: int
    message_id: str | None
    sender: str | None
    received: tuple[str, ...]
    cut: bool


def messages(name: str) -> Iterator[Message]:
    """Yield the messages of a file, of a folder and those below it, or of standard input (`-`); memory for one at a time.

    Raises `EnvironmentFailedError` for what can't be read; of a folder, all that can be is yielded before.
    """
    if name == STDIN:
        yield from _standard_input()
        return
    path = Path(name)
    if not os.path.isdir(path):  # noqa: PTH112  (unlike that of `Path`, it takes any name: one that is too long is no folder)
        yield from _file(path)
        return
    failures: list[str] = []
    for found in _below(path, failures):
        try:
            yield from _file(found)
        except EnvironmentFailedError as error:
            failures.append(str(error))
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise EnvironmentFailedError(failures[0] + more)


def _standard_input() -> Iterator[Message]:
    if sys.stdin is None:
        message = "standard input is closed"
        raise EnvironmentFailedError(message)
    try:
        yield from _messages("standard input", sys.stdin.buffer)
    except OSError as error:
        message = f"standard input: {error.strerror}"
        raise EnvironmentFailedError(message) from None


def _below(folder: Path, failures: list[str]) -> Iterator[Path]:
    """Yield the files of a folder that may hold messages, in order; links to folders are not followed."""
    for place, folders, files in os.walk(folder, onerror=lambda error: failures.append(f"{error.filename}: {error.strerror}")):
        maildir = all(name in folders for name in _MAIL)
        folders[:] = sorted(name for name in folders if not (maildir and name == "tmp"))
        if not maildir:  # which has nothing of mail beside its folders
            found = (Path(place, name) for name in sorted(files) if not name.startswith("."))
            yield from (path for path in found if not path.is_fifo())  # which nobody may ever write to


def _file(path: Path) -> Iterator[Message]:
    try:
        kind = path.stat().st_mode
        if not (stat.S_ISREG(kind) or stat.S_ISFIFO(kind)):
            message = f"{path}: neither a file nor a folder"
            raise EnvironmentFailedError(message)
        with path.open("rb") as stream:
            yield from _messages(str(path), stream)
    except (OSError, ValueError) as error:  # a null character in the name
        message = f"{path}: {getattr(error, 'strerror', None) or error}"
        raise EnvironmentFailedError(message) from None


def _messages(name: str, stream: IO[bytes]) -> Iterator[Message]:
    lines = _lines(stream)
    first = next((line for line in lines if line not in _BLANK), b"").removeprefix(b"\xef\xbb\xbf")
    if first.startswith(tuple(_ARCHIVES)):
        program = next(program for magic, program in _ARCHIVES.items() if first.startswith(magic))
        message = f"{name}: it is compressed: unpack it first, as in `{program} FILE | tlsconf headers`"
        raise EnvironmentFailedError(message)
    if not first.startswith(b"From "):
        yield _message(name, 1, None, first, lines)
        return
    number = 0
    separator: bytes | None = first
    while separator is not None:
        number += 1
        yield _message(name, number, _sender(separator), next(lines, b""), lines)
        separator = _next_separator(lines)


def _next_separator(lines: Iterator[bytes]) -> bytes | None:
    blank = True
    for line in lines:
        if blank and line.startswith(b"From ") and _SEPARATOR.match(line):
            return line
        blank = line in _BLANK
    return None


def _message(name: str, number: int, sender: str | None, first: bytes, lines: Iterator[bytes]) -> Message:
    """Return the message whose first line was read; the line that ends its headers is the last that is taken."""
    received: list[str] = []
    message_id = None
    octets, cut = 0, False
    for header, value in _headers(first, lines):
        octets += len(header) + len(value)
        cut = octets > _MOST or len(received) == _MOST_HOPS
        if cut:
            break
        if header == b"received":
            received.append(_text(value))
        elif header == b"message-id" and message_id is None:
            message_id = _text(value) or None
        elif header == b"return-path" and not received:  # a later one was there before the last server had the message
            sender = _text(value).strip("<> ")
    return Message(name, number, message_id, sender, tuple(received), cut)


def _headers(first: bytes, lines: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yield names in lower case and values of headers until the blank line; a line that is none is passed over."""
    name, value = b"", b""
    line = first
    while line and line not in _BLANK:
        if line[:1] in {b" ", b"\t"}:
            if len(value) < _LONGEST_HEADER:
                value += line
        else:
            if name:
                yield name, value
            name, colon, value = line.partition(b":")
            name = name.rstrip(b" \t").lower() if colon else b""
        line = next(lines, b"")
    if name:
        yield name, value


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield lines, the end of a very long one left out."""
    while line := stream.readline(_LONGEST_LINE):
        yield line
        while not line.endswith(b"\n") and (line := stream.readline(_LONGEST_LINE)):
            pass


def _sender(separator: bytes) -> str | None:
    """Return the envelope sender of a mailbox's own line, `None` for `-`; those of no sender have a name without a domain."""
    found = _SEPARATOR.match(separator)
    text = _text(found[1]) if found else "-"
    return None if text in {"-", ""} else "" if text.upper() in {"MAILER-DAEMON", "<>"} else text


def _text(value: bytes) -> str:
    return " ".join(value.decode("utf-8", "backslashreplace").split())
