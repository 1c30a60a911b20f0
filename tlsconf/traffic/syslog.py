"""The frames in which lines of a log come: syslog (RFC 3164, RFC 5424, ISO times), the journal's JSON, Exim's own; and their times."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

EXIM: Final = b"exim"  # the program of lines that Exim writes into a file of its own

_MONTHS: Final = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_HALF_A_YEAR: Final = 183 * 86_400
_A_DAY: Final = 86_400
_FIRST_YEAR: Final = 1970
_LAST_YEAR: Final = 9998
_FEBRUARY: Final = 2

_MICROSECONDS: Final = len("2026-11-23T11:22:23.123456+00:00")

_ISO: Final = re.compile(rb"(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d):(\d\d)([.,]\d{1,9})?(?: ?(Z|[+-]\d\d:?\d\d))?")
_PRIORITY: Final = re.compile(rb"<\d{1,3}>")
_5424: Final = re.compile(rb"1 (\S+) (\S+) (\S+) (\S+) \S+ (?:-|(?:\[(?:[^\]\\]|\\.)*\])+)(?: (?:\xef\xbb\xbf)?(.*))?\Z", re.DOTALL)
# TIME HOST PROGRAM[PID]: TEXT, with `Nov 23 11:23:20` or `2026-11-23T11:23:20.123456+00:00`; the host may be several words, or none.
# Solaris has the number of the kind of message in front of the text.
_USUAL: Final = re.compile(
    rb"(\w{3} [ \d]\d .{8}(?:\.\d+)?|\d{4}-\S{5}T\S*) (?:([^\[]*) )?([^ \[]*)\[([^\]]*)\]: (?:\[ID \d+ \w+\.\w+\] )?(.*)\Z", re.DOTALL
)
# The same with a blank in the time, which is else the mark of Exim's own file.
_SPACED: Final = re.compile(rb"(\d{4}-\d\d-\d\d [^ ]*(?: [+-]\d\d:?\d\d)?) (?:([^ \[]+) )?([\w/.+-]+)\[(\d+)\]: (.*)\Z", re.DOTALL)
_EXIM_PID: Final = re.compile(rb"\[\d+\] ")
_IDENTIFIER: Final = re.compile(rb'"(?:SYSLOG_IDENTIFIER|_COMM)"\s*:\s*"([^"\\]*)"')


class Framed(NamedTuple):
    """A line without its frame. `stamp` is the time as written, or the microseconds of the journal."""

    stamp: bytes
    server: bytes
    program: bytes
    pid: bytes
    text: bytes


def framed(line: bytes, is_wanted: Callable[[bytes], object]) -> Framed | None:
    """Take a line apart; `None` for one that has no known frame, or whose program is not wanted: `is_wanted` returns nothing true."""
    usual = _USUAL.match(line)
    if usual is not None:
        return Framed._make(usual.groups(b"")) if is_wanted(usual[3]) else None
    if line[4:5] == b"-":
        if line[10:11] == b" " and b"]: " in line[19:150] and (spaced := _SPACED.match(line)):
            return Framed._make(spaced.groups(b"")) if is_wanted(spaced[3]) else None
        return _exim(line) if line[10:11] == b" " and is_wanted(EXIM) else None
    if line[:1] == b"{":
        return _journal(line, is_wanted)
    return _with_priority(line, is_wanted) if line[:1] == b"<" else None


def _with_priority(line: bytes, is_wanted: Callable[[bytes], object]) -> Framed | None:
    priority = _PRIORITY.match(line)
    if priority is None:
        return None
    rest = line[priority.end() :]
    if rest[:2] == b"1 ":
        return _modern(rest, is_wanted)
    return framed(rest, is_wanted) if rest[:1] != b"<" else None


def _exim(line: bytes) -> Framed | None:
    stamp = _ISO.match(line)
    if stamp is None:
        return None
    begin = stamp.end() + 1
    pid = _EXIM_PID.match(line, begin)
    return Framed(stamp[0], b"", EXIM, b"", line[pid.end() if pid else begin :])


def _modern(line: bytes, is_wanted: Callable[[bytes], object]) -> Framed | None:
    found = _5424.match(line)
    if found is None or not is_wanted(found[3]):
        return None
    return Framed(found[1], b"" if found[2] == b"-" else found[2], found[3], found[4], found[5] or b"")


def _journal(line: bytes, is_wanted: Callable[[bytes], object]) -> Framed | None:
    """Read an object of `journalctl -o json` (systemd, JOURNAL_EXPORT_FORMATS): a field that is no UTF-8 is an array of bytes."""
    if not any(is_wanted(name) for name in _IDENTIFIER.findall(line)):
        return None
    import json

    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    program = _field(entry, "SYSLOG_IDENTIFIER") or _field(entry, "_COMM")
    text = _field(entry, "MESSAGE")
    stamp = _field(entry, "_SOURCE_REALTIME_TIMESTAMP") or _field(entry, "__REALTIME_TIMESTAMP")
    if not text or not stamp or not is_wanted(program):
        return None
    return Framed(stamp, _field(entry, "_HOSTNAME"), program, _field(entry, "SYSLOG_PID") or _field(entry, "_PID"), text)


def _field(entry: dict[str, object], name: str) -> bytes:
    value = entry.get(name)
    if isinstance(value, list):
        if value and all(isinstance(item, int) and 0 <= item < 256 for item in value):  # noqa: PLR2004  (bytes)
            return bytes(value)
        value = value[-1] if value else None  # a field that was there several times
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else b""


class Clock:
    """Turns times as written into POSIX seconds.

    RFC 3164 has no year: the first time is in `year`, or in the last year in which it is not after `modified`, when the file was last
    written; from then on time goes forward, so that January follows December. A time without a zone is in that of this machine.
    """

    def __init__(self, modified: float, year: int | None = None) -> None:
        """Begin before the first line of a file."""
        self._modified, self._year = modified, year
        self._last = (b"", 0.0)
        self._hour = (b"", 0.0)
        self._before: float | None = None  # the last time without a year
        self._is_young = False  # whether that was early in its year

    def at(self, stamp: bytes) -> float | None:
        """Return a time, or `None` for what is no time; of rsyslog's microseconds nothing is kept, so that a second is read once."""
        if len(stamp) == _MICROSECONDS and stamp[19:20] == b".":
            stamp = stamp[:19] + stamp[26:]
        if stamp == self._last[0]:
            return self._last[1]
        try:
            when = self._at(stamp)
        except (ValueError, OverflowError, KeyError, IndexError):
            return None
        self._last = (stamp, when)
        return when

    def _at(self, stamp: bytes) -> float:
        if stamp[4:5] == b"-":
            return self._iso(stamp)
        if stamp[3:4] == b" ":
            hour = stamp[:9]
            if hour != self._hour[0]:
                self._hour = (hour, self._traditional(hour))
            if stamp[9:10] != b":" or stamp[12:13] != b":":
                raise ValueError(stamp)
            return self._hour[1] + _two(stamp[10:12]) * 60 + _two(stamp[13:15])
        if stamp.isdigit():
            return int(stamp[:20]) / 1e6  # the journal's
        raise ValueError(stamp)

    def _traditional(self, hour: bytes) -> float:
        """Return when an hour, `Nov 23 11`, began, in the year that it must be."""
        month, day = _MONTHS[hour[:3]], int(hour[4:6])
        if self._year is None:
            import time

            year = time.localtime(self._modified).tm_year
            self._year = year - (_local(year, month, day, _two(hour[7:9])) > self._modified + _A_DAY)
        when = _local(self._year, month, day, _two(hour[7:9]))
        if self._before is not None and when < self._before - _HALF_A_YEAR and self._year < _LAST_YEAR:
            self._year += 1
            when = _local(self._year, month, day, _two(hour[7:9]))
        elif self._before is not None and when > self._before + _HALF_A_YEAR and self._is_young:  # a line that was late over New Year
            return _local(self._year - 1, month, day, _two(hour[7:9]))
        self._before, self._is_young = when, month <= _FEBRUARY
        return when

    def _iso(self, stamp: bytes) -> float:
        found = _ISO.fullmatch(stamp)
        if found is None:
            raise ValueError(stamp)
        year, month, day, hour, minute, second = map(int, found.group(1, 2, 3, 4, 5, 6))
        fraction = float(b"0." + found[7][1:]) if found[7] else 0.0
        within = minute * 60 + second + fraction
        zone = found[8]
        if zone is None:
            key = stamp[:13]
            if key != self._hour[0]:
                self._hour = (key, _local(year, month, day, hour))
            return self._hour[1] + within
        from calendar import timegm

        _check(year, month, day, hour)
        away = 0 if zone == b"Z" else (_two(zone[1:3]) * 60 + _two(zone[-2:])) * (-60 if zone[:1] == b"-" else 60)
        return timegm((year, month, day, hour, 0, 0)) + within - away


def _two(digits: bytes) -> int:
    if not digits.isdigit():
        raise ValueError(digits)
    return int(digits)


def _check(year: int, month: int, day: int, hour: int) -> None:
    if not (_FIRST_YEAR <= year <= _LAST_YEAR and 1 <= month <= 12 and 1 <= day <= 31 and hour <= 23):  # noqa: PLR2004  (the calendar)
        raise ValueError(year)


def _local(year: int, month: int, day: int, hour: int) -> float:
    import time

    _check(year, month, day, hour)
    return time.mktime((year, month, day, hour, 0, 0, 0, 0, -1))
