"""What passages add up to: by peer domain and direction, and by day; the memory it takes depends on the domains, not on the lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.tls import Version

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tlsconf.traffic.evidence import Failure, Passage, Proof
    from tlsconf.traffic.judge import Breach, Judge

CLEAR: Final = "clear text"  # takes the place of a version where there was no TLS
UNKNOWN: Final = "unknown"  # takes the place of a version or a cipher that nobody wrote down
OTHERS: Final = "all others"  # the domain of the row that stands for those beyond the limit, and the name of ciphers beyond theirs

_VERSION_NAMES: Final = {version: str(version) for version in Version}
_MOST_DOMAINS: Final = 50_000
_MOST_CIPHERS: Final = 40  # of one row: what a hostile log can add to it
_MOST_DAYS: Final = 4_000
_MOST_BREACHES: Final = 20  # kept as examples


class Row:
    """What one domain and direction adds up to.

    `messages` were delivered, or taken in; `tls` of them in a TLS session. `versions` and `ciphers` (IANA names where known, else as
    written) and `proofs` count messages: `versions` has `CLEAR` beside the versions, the other two only sessions. `failures` count
    attempts, delivered after all or not. `deferred`, `bounced` and `refused` count attempts, for whatever reason. `breaches` count
    messages that went against a rule of the profile. `first` and `last` are in POSIX seconds.
    """

    __slots__ = (
        "bounced",
        "breaches",
        "ciphers",
        "deferred",
        "failures",
        "first",
        "last",
        "messages",
        "proofs",
        "refused",
        "tls",
        "versions",
    )

    def __init__(self) -> None:
        """Begin with nothing."""
        self.messages = self.tls = self.deferred = self.bounced = self.refused = self.breaches = 0
        self.versions: dict[str, int] = {}
        self.ciphers: dict[str, int] = {}
        self.proofs: dict[Proof, int] = {}
        self.failures: dict[Failure, int] = {}
        self.first = float("inf")
        self.last = float("-inf")

    @property
    def clear(self) -> int:
        """Return how many messages went without TLS."""
        return self.messages - self.tls

    @property
    def share(self) -> float | None:
        """Return the share of messages that used TLS, 0 to 1; `None` where there was no message."""
        return self.tls / self.messages if self.messages else None

    def add(self, passage: Passage) -> None:
        """Count a passage."""
        when, session = passage.when, passage.session
        self.first = min(self.first, when)
        self.last = max(self.last, when)
        if passage.failure is not None:
            self.failures[passage.failure] = self.failures.get(passage.failure, 0) + 1
        if passage.result != "delivered":
            setattr(self, passage.result, getattr(self, passage.result) + 1)
            return
        self.messages += 1
        version = version_name(passage)
        self.versions[version] = self.versions.get(version, 0) + 1
        if session is not None:
            self.tls += 1
            cipher = session.suite or session.cipher or UNKNOWN
            if cipher not in self.ciphers and len(self.ciphers) >= _MOST_CIPHERS:
                cipher = OTHERS
            self.ciphers[cipher] = self.ciphers.get(cipher, 0) + 1
            self.proofs[session.proof] = self.proofs.get(session.proof, 0) + 1

    def include(self, other: Row) -> None:
        """Add what another row has counted."""
        for name in ("messages", "tls", "deferred", "bounced", "refused", "breaches"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("versions", "ciphers", "proofs", "failures"):
            own = getattr(self, name)
            for key, number in getattr(other, name).items():
                own[key] = own.get(key, 0) + number
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)


class Key(NamedTuple):
    """What a row is for. `domain` is `None` for `<>`, for address literals and where nobody said one; or `OTHERS`."""

    domain: str | None
    sent: bool


class Day(NamedTuple):
    """A day, `YYYY-MM-DD` in this machine's zone, and a direction."""

    date: str
    sent: bool


class Counts:
    """What passages add up to.

    `rows` by domain and direction; `days`: messages by day and by version (`CLEAR` and `UNKNOWN` among them); `breaches`: the first
    messages that went against a rule, at most twenty.
    """

    def __init__(self, judge: Judge | None = None, most_domains: int = _MOST_DOMAINS) -> None:
        """Begin with nothing. `judge` says what goes against a profile; domains beyond `most_domains` share one row a direction."""
        self.rows: dict[Key, Row] = {}
        self.days: dict[Day, dict[str, int]] = {}
        self.breaches: list[Breach] = []
        self._judge = judge
        self._most = most_domains
        self._today = (0.0, 0.0, "")  # from, until, date

    def add(self, passage: Passage) -> None:
        """Count a passage."""
        row = self.rows.get((passage.domain, passage.sent))  # type: ignore[call-overload]  # equal to a Key, and made sooner
        if row is None:
            domain = passage.domain if len(self.rows) < self._most else OTHERS
            row = self.rows.setdefault(Key(domain, passage.sent), Row())
        row.add(passage)
        if passage.result != "delivered":
            return
        day = Day(self._date(passage.when), passage.sent)
        versions = self.days.get(day)
        if versions is None and len(self.days) < _MOST_DAYS:
            versions = self.days.setdefault(day, {})
        if versions is not None:
            version = version_name(passage)
            versions[version] = versions.get(version, 0) + 1
        breach = None if self._judge is None else self._judge.breach(passage)
        if breach is not None:
            row.breaches += 1
            if len(self.breaches) < _MOST_BREACHES:
                self.breaches.append(breach)

    def total(self, *, sent: bool) -> Row:
        """Return what one direction adds up to."""
        whole = Row()
        for key, row in self.rows.items():
            if key.sent == sent:
                whole.include(row)
        return whole

    def ordered(self) -> list[tuple[Key, Row]]:
        """Return the rows: what was sent before what was received, most messages first, then by domain."""
        return sorted(self.rows.items(), key=lambda item: (not item[0].sent, -item[1].messages, item[0].domain or ""))

    def _date(self, when: float) -> str:
        begin, end, date = self._today
        if not begin <= when < end:
            import time

            here = time.localtime(when)
            date = time.strftime("%Y-%m-%d", here)
            begin = time.mktime((here.tm_year, here.tm_mon, here.tm_mday, 0, 0, 0, 0, 0, -1))
            end = time.mktime((here.tm_year, here.tm_mon, here.tm_mday + 1, 0, 0, 0, 0, 0, -1))
            self._today = (begin, end, date)
        return date


def count(found: Iterable[Passage], judge: Judge | None = None) -> Counts:
    """Count passages. `judge` says what goes against a profile."""
    counts = Counts(judge)
    for passage in found:
        counts.add(passage)
    return counts


def version_name(passage: Passage) -> str:
    """Return the version that a passage used, or `CLEAR` or `UNKNOWN`."""
    if passage.session is None:
        return CLEAR
    version = passage.session.version
    return UNKNOWN if version is None else _VERSION_NAMES[version]
