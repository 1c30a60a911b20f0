"""`tlsconf logs`: what TLS mail used, by what servers wrote into their logs."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

import typer

from tlsconf.cli import suggest
from tlsconf.cli.terminal import a_day, say, warn
from tlsconf.errors import EnvironmentFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tlsconf.traffic.counts import Counts
    from tlsconf.traffic.evidence import Passage
    from tlsconf.traffic.judge import Judge
    from tlsconf.traffic.reading import Reading

_YEARS: Final = range(1970, 9999)
_BAR: Final = 36  # columns
_CLEAR_REST: Final = "\x1b[K"  # of the line (ECMA-48, EL)


class Format(StrEnum):
    """How the answer is written."""

    TEXT = "text"
    JSON = "json"
    CSV = "csv"
    HTML = "html"


class Direction(StrEnum):
    """Which mail is looked at."""

    SENT = "sent"
    RECEIVED = "received"
    BOTH = "both"


def logs(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Logs of Postfix, Exim or Sendmail, plain, gzip, xz or zstd, in any order; - is stdin."),
    ],
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="PROFILE", help="Also say which messages went against the rules of this profile.")
    ] = None,
    direction: Annotated[Direction, typer.Option("--direction", help="Only mail that was sent, or received.")] = Direction.BOTH,
    since: Annotated[str | None, typer.Option("--since", metavar="YYYY-MM-DD", help="Only from this day on.")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="YYYY-MM-DD", help="Only up to this day, which counts.")] = None,
    year: Annotated[
        int | None, typer.Option("--year", metavar="YEAR", help="The year of each file's first line, where lines have none.")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.TEXT,
    suggest_: Annotated[
        str | None,
        typer.Option("--suggest", metavar="PROFILE", help="Instead: print rules, as YAML, for domains that always used TLS."),
    ] = None,
    messages: Annotated[
        int | None, typer.Option("--messages", metavar="N", min=1, help="Suggest from so many messages to a domain on (20).")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", metavar="N", min=1, help="Suggest from so many different days on (7).")] = None,
    simulate: Annotated[  # noqa: FBT002  (typer makes the option of it)
        bool, typer.Option("--simulate", help="Instead: say what the profile would have done with this mail; exit 1 if it holds some.")
    ] = False,
) -> None:
    """Count what TLS mail used, by peer domain and direction, from the logs of mail servers."""
    from tlsconf.traffic.counts import count
    from tlsconf.traffic.logs import passages
    from tlsconf.traffic.reading import Reading

    if year is not None and year not in _YEARS:
        message = f"--year {year}: write it with four digits, as 2027"
        raise UsageError(message)
    period = _period(since, until)
    asked = suggest.question(suggest.Options(profile, suggest_, simulate, messages, days, format_))
    if asked is not None:
        with _progress() as progress:
            reading = Reading(progress)
            text, is_no = suggest.answer(asked, _chosen(passages(files, reading, year), direction, period))
        say(text)
        _finish(reading, is_no=is_no, tell_unknown=True)
    judge = None if profile is None else _judge(profile)
    with _progress() as progress:
        reading = Reading(progress)
        counts = count(_chosen(passages(files, reading, year), direction, period), judge)
    _write(counts, reading, format_)
    _finish(reading, is_no=any(row.breaches for row in counts.rows.values()), tell_unknown=format_ is not Format.TEXT)


def _finish(reading: Reading, *, is_no: bool, tell_unknown: bool) -> NoReturn:
    """Say what went wrong with the logs, and end with the exit code."""
    for sentence in (*reading.troubles, *reading.lost):
        warn(f"tlsconf: {sentence}")
    if tell_unknown and reading.unknown:
        warn(f"tlsconf: lines about TLS that were not understood: {reading.unknown}")
    if reading.lost:  # what is known was said, and the answer is not whole
        raise typer.Exit(EnvironmentFailedError.exit_code)
    raise typer.Exit(int(is_no))


def _write(counts: Counts, reading: Reading, format_: Format) -> None:
    from tlsconf.report import traffic

    match format_:
        case Format.TEXT:
            say(traffic.traffic_text(counts, reading))
        case Format.JSON:
            say(traffic.traffic_json(counts, reading))
        case Format.CSV:
            say(traffic.traffic_csv(counts))
        case Format.HTML:
            from tlsconf.report.traffic_html import traffic_html

            say(traffic_html(counts, reading))


def _judge(profile: str) -> Judge:
    from tlsconf.resolve import resolve
    from tlsconf.traffic.judge import Judge

    return Judge(resolve(profile, bases=True).policies[0])  # the rules are the same for every host


def _period(since: str | None, until: str | None) -> tuple[float, float]:
    """Return the first second that counts, and the first that does not any more."""
    from datetime import datetime, time, timedelta

    def begin(day: str, later: int = 0) -> float:
        return datetime.combine(a_day(day) + timedelta(later), time()).timestamp()  # in this machine's zone, as the logs

    try:
        period = (float("-inf") if since is None else begin(since), float("inf") if until is None else begin(until, 1))
    except (OverflowError, ValueError):
        message = "--since and --until: there is no such time on this machine"
        raise UsageError(message) from None
    if period[0] >= period[1]:
        message = f"--since {since} is after --until {until}"
        raise UsageError(message)
    return period


def _chosen(found: Iterable[Passage], direction: Direction, period: tuple[float, float]) -> Iterable[Passage]:
    wanted = {Direction.SENT: {True}, Direction.RECEIVED: {False}, Direction.BOTH: {True, False}}[direction]
    begin, end = period
    return (passage for passage in found if passage.sent in wanted and begin <= passage.when < end)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """Yield what moves a bar on a terminal, by bytes; at the end it is gone. Where nobody knows how much is to come, it counts."""
    if not sys.stderr.isatty():
        yield None
        return
    shown = ""

    def move(done: int, size: int) -> None:
        nonlocal shown
        share = min(done / size, 1) if size else 0
        text = f"reading [{'#' * int(_BAR * share):-<{_BAR}}] {share:4.0%}" if size else f"reading: {done // 10**6} MB"
        if text != shown:
            shown = text
            sys.stderr.write(f"\r{text}{_CLEAR_REST}")
            sys.stderr.flush()

    try:
        yield move
    finally:
        if shown:
            sys.stderr.write(f"\r{_CLEAR_REST}")
            sys.stderr.flush()
