"""What goes to stderr: errors, warnings and progress; colour only on a terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TypeVar

from tlsconf.errors import ProfileError, TlsconfError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tlsconf.pipeline import Prepared

T = TypeVar("T")
_MANY = 3  # profiles from which on a progress bar is worth its line


def say(text: str) -> None:
    """Print a line of result on stdout."""
    sys.stdout.write(f"{text}\n")


def warn(text: str) -> None:
    """Print a line for people on stderr."""
    sys.stderr.write(f"{text}\n")


def report_failure(error: TlsconfError) -> int:
    """Print a failure and return its exit code."""
    sys.stdout.flush()
    if isinstance(error, ProfileError):
        from tlsconf.report.text import findings_text

        sys.stderr.write(findings_text(error.findings, colour=_colour()))
    else:
        from tlsconf.report.text import printable

        warn(f"tlsconf: {printable(str(error))}")
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
