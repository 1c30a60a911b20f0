"""What goes to stderr: errors, warnings and progress; colour only on a terminal."""

from __future__ import annotations

import os
import sys
from io import StringIO, TextIOWrapper
from typing import TYPE_CHECKING, Any, TypeVar

from tlsconf.errors import EnvironmentFailedError, ProfileError, TlsconfError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from tlsconf.prepared import Prepared

T = TypeVar("T")
_MANY = 3  # profiles from which on a progress bar is worth its line


def open_streams() -> None:
    """Let stdout hold any text, whatever the locale, and give streams that were closed something to write into."""
    sys.stdout = sys.stdout or StringIO()
    sys.stderr = sys.stderr or StringIO()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")


def say(text: str) -> None:
    """Print lines of result on stdout; what a terminal obeys in them is spelt out."""
    _write(_printable_lines(text))


def show(text: str) -> None:
    """Print the text of a file on stdout, as it is unless a terminal would obey it."""
    _write(_printable_lines(text) if sys.stdout.isatty() else text)


def warn(text: str) -> None:
    """Print lines for people on stderr."""
    sys.stderr.write(f"{_printable_lines(text)}\n")


def flush() -> None:
    """Hand over what was printed. Raises `EnvironmentFailedError` where it can't be taken."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _give_up(error)


def _write(text: str) -> None:
    try:
        sys.stdout.write(f"{text}\n")
    except OSError as error:
        _give_up(error)


def _give_up(error: OSError) -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if not isinstance(error, BrokenPipeError):  # else the reader has seen enough, and the answer is still the exit code
        message = f"standard output: {error.strerror}"
        raise EnvironmentFailedError(message) from None


def _printable_lines(text: str) -> str:
    if text.isprintable():
        return text
    from tlsconf.report.text import printable

    return "\n".join(map(printable, text.split("\n")))


def report_usage(error: Any) -> int:
    """Print what typer says of a wrong command line and return its exit code."""
    text = StringIO()
    error.show(file=text)
    warn(text.getvalue().rstrip("\n"))
    code: int = error.exit_code
    return code


def report_failure(error: TlsconfError) -> int:
    """Print a failure and return its exit code."""
    flush()
    if isinstance(error, ProfileError):
        from tlsconf.report.text import findings_text

        sys.stderr.write(findings_text(error.findings, colour=_colour()))
    else:
        warn(f"tlsconf: {error}")
    return error.exit_code


def report_notes(prepared: Prepared) -> None:
    """Print what a profile's owner must know though nothing is wrong: limitations, rules set aside, warnings of a target."""
    from tlsconf.pipeline import limitations

    name = prepared.resolved.documents[-1].name
    for note in prepared.resolved.notes:
        warn(f"{name}: note: {note}")
    for note in dict.fromkeys(note for planned in prepared.planned for note in planned.plan.notes if note.startswith("warning: ")):
        warn(f"{name}: {note}")
    for where, item in limitations(prepared):
        rules = f", rules {', '.join(item.rules)}" if item.rules else ""
        warn(f"{name}: limitation {item.id} ({item.kind}): {where}{rules}: {item.message}")


def a_day(text: str | None) -> date:
    """Read a date of the command line; today where none is given. Raises `UsageError`."""
    from datetime import datetime

    if text is None:
        return datetime.now().astimezone().date()
    try:
        return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  (a day has no zone)
    except ValueError:
        message = f"`{text}` is no date: write it as 2027-03-31"
        raise UsageError(message) from None


def progress(items: Sequence[T], label: str) -> Iterator[T] | Iterable[T]:
    """Return the items, with a bar on stderr where they are many and somebody watches."""
    if len(items) < _MANY or not sys.stderr.isatty():
        return items
    return _with_bar(items, label)


def _with_bar(items: Sequence[T], label: str) -> Iterator[T]:
    import typer

    with typer.progressbar(items, label=label, file=sys.stderr) as bar:
        yield from bar


def _colour() -> bool:
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")
