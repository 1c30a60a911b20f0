"""Frames of lines and their times."""

from __future__ import annotations

import time
from calendar import timegm
from typing import TYPE_CHECKING

import pytest

from tlsconf.traffic.syslog import EXIM, Clock, Framed, framed

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXT = b"to=<u@x.example>, [a]: b"


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in a zone that is not that of the logs."""
    monkeypatch.setenv("TZ", "EST5EDT,M3.2.0,M11.1.0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("frame", "stamp", "server", "pid"),
    [
        (b"Nov 23 11:23:20 mx postfix/smtp[7]: %b", b"Nov 23 11:23:20", b"mx", b"7"),
        (b"Nov  3 11:23:20 postfix/smtp[7]: %b", b"Nov  3 11:23:20", b"", b"7"),
        (b"2026-11-23T11:23:20.123456+00:00 mx postfix/smtp[7]: %b", b"2026-11-23T11:23:20.123456+00:00", b"mx", b"7"),
        (b"2026-11-23T11:23:20+0000 mx postfix/smtp[7]: %b", b"2026-11-23T11:23:20+0000", b"mx", b"7"),
        (b"2026-11-23 11:23:20 mx postfix/smtp[7]: %b", b"2026-11-23 11:23:20", b"mx", b"7"),
        (b"2026-11-23 11:23:20.123 +0000 postfix/smtp[7]: %b", b"2026-11-23 11:23:20.123 +0000", b"", b"7"),
        (b"Nov 23 11:23:20.123 mx postfix/smtp[7]: %b", b"Nov 23 11:23:20.123", b"mx", b"7"),
        (b"Nov 23 11:23:20 mx postfix/smtp[7]: [ID 197553 mail.info] %b", b"Nov 23 11:23:20", b"mx", b"7"),  # Solaris
        (b"<22>Nov 23 11:23:20 mx postfix/smtp[7]: %b", b"Nov 23 11:23:20", b"mx", b"7"),
        (b"<22>1 2026-11-23T11:23:20Z mx postfix/smtp 7 - - %b", b"2026-11-23T11:23:20Z", b"mx", b"7"),
        (b'<22>1 2026-11-23T11:23:20Z mx postfix/smtp 7 ID [a b="\\]"][c] \xef\xbb\xbf%b', b"2026-11-23T11:23:20Z", b"mx", b"7"),
    ],
)
def test_frames(frame: bytes, stamp: bytes, server: bytes, pid: bytes) -> None:
    assert framed(frame % TEXT, lambda _: True) == Framed(stamp, server, b"postfix/smtp", pid, TEXT)
    assert framed(frame % TEXT, lambda _: False) is None


@pytest.mark.parametrize("line", [b"Nov 23 11:23:20 mx kernel: a [b", b"Nov 23 11:23:20 mx postfix/smtp[7] x", b"Nov 23 11:23:20 mx a]: b"])
def test_lines_without_a_process(line: bytes) -> None:
    assert framed(line, lambda _: True) is None


@pytest.mark.parametrize(
    "text", [b"[123] 1xVS86-000000004NI-1kZl <= a@b", b"1xVS86-000000004NI-1kZl => a H=b [192.0.2.1]: x[1]: y", b"a b c[1]: d"]
)
def test_lines_of_exims_own_file_are_no_syslog(text: bytes) -> None:
    frame = framed(b"2026-11-23 11:23:20 " + text, lambda _: True)
    assert frame is not None
    assert (frame.program, frame.text) == (EXIM, text.removeprefix(b"[123] "))


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        (b"2026-11-23T11:23:20Z", timegm((2026, 11, 23, 11, 23, 20))),
        (b"2026-11-23T11:23:20.999999+01:00", timegm((2026, 11, 23, 10, 23, 20))),
        (b"2026-11-23T11:23:20-0530", timegm((2026, 11, 23, 16, 53, 20))),
        (b"2026-11-23 11:23:20", timegm((2026, 11, 23, 16, 23, 20))),
        (b"2026-07-23 11:23:20", timegm((2026, 7, 23, 15, 23, 20))),
        (b"2026-11-23 11:23:20 +0100", timegm((2026, 11, 23, 10, 23, 20))),
        (b"Nov 23 11:23:20", timegm((2026, 11, 23, 16, 23, 20))),
        (b"Nov 23 11:23:20.123", timegm((2026, 11, 23, 16, 23, 20))),
        (b"Nov  3 11:23:20", timegm((2026, 11, 3, 16, 23, 20))),
        (b"1795433000123456", 1795433000.123456),
    ],
)
def test_times(stamp: bytes, seconds: float) -> None:
    clock = Clock(timegm((2026, 11, 25, 0, 0, 0)))
    assert [clock.at(stamp), clock.at(stamp)] == [seconds, seconds]


def year_of(clock: Clock, stamp: bytes) -> int:
    when = clock.at(stamp)
    assert when is not None
    return time.localtime(when).tm_year


def test_a_year_is_the_last_that_is_not_after_the_file() -> None:
    modified = timegm((2027, 3, 1, 0, 0, 0))
    assert year_of(Clock(modified), b"Feb 28 11:23:20") == 2027
    assert year_of(Clock(modified), b"Mar  2 11:23:20") == 2026
    assert year_of(Clock(modified, 2020), b"Mar  2 11:23:20") == 2020


def test_january_follows_december() -> None:
    clock = Clock(timegm((2027, 1, 2, 0, 0, 0)))
    stamps = [b"Dec 31 23:59:59", b"Jan  1 00:00:01", b"Dec 31 23:59:59", b"Jan  1 00:00:02", b"Nov 23 11:23:20"]
    assert [year_of(clock, stamp) for stamp in stamps] == [2026, 2027, 2026, 2027, 2026]


def test_a_summer_without_mail() -> None:
    clock = Clock(0, 2026)
    assert [year_of(clock, stamp) for stamp in (b"Mar 28 10:00:00", b"Oct 31 10:00:00", b"Jan  1 10:00:00")] == [2026, 2026, 2027]
