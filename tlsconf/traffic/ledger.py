"""What passages tell of the other side, summed up: so that one reading of the logs can be held against several policies."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law
from tlsconf.traffic.evidence import Failure, Session
from tlsconf.traffic.judge import client_of, hop_of, named_hops
from tlsconf.traffic.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tlsconf.law import InboundDecision
    from tlsconf.policy import NextHop, Policy
    from tlsconf.tls import Version
    from tlsconf.traffic.evidence import Passage

_REMEMBERED: Final = 50_000
_MOST_SUBJECTS: Final = 50_000
_MOST_SERVERS: Final = 100
_MOST_HOSTS: Final = 5  # of one kind of evidence, kept as examples
_MOST_DAYS: Final = 4_000
_A_DAY: Final = 86_400


class Subject(NamedTuple):
    """Which messages a decision is for.

    `hop` where they were sent to a fixed next hop that a rule names; `rules` and `exempt` as the law has them for received ones.
    """

    sent: bool
    domain: str | None
    hop: NextHop | None = None
    rules: tuple[str, ...] = ()
    exempt: bool = False


class Seen(NamedTuple):
    """What was seen of the other side, in which server's log: a session by its version, suite and proof, or none, and what went wrong."""

    server: str
    session: Session | None
    failure: Failure | None


class Ability(NamedTuple):
    """What a server did at its best in one direction: whether it ever used TLS, and the highest version."""

    uses_tls: bool = False
    highest: Version | None = None


class Sums:
    """How often something was seen: `messages`, `first` and `last` in POSIX seconds, `days` one bit for each day, some of the `hosts`."""

    __slots__ = ("days", "first", "hosts", "last", "messages")

    def __init__(self) -> None:
        """Begin with nothing."""
        self.messages = self.days = 0
        self.first = float("inf")
        self.last = float("-inf")
        self.hosts: tuple[str, ...] = ()

    def include(self, other: Sums) -> None:
        """Add what others have summed up."""
        self.messages += other.messages
        self.days |= other.days
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.hosts = (*self.hosts, *(host for host in other.hosts if host not in self.hosts))[:_MOST_HOSTS]


class Ledger:
    """What passages add up to, by subject and by what was seen; of bounded size.

    `beyond` counts the messages for subjects that did not fit, `handshakes` those of clients that failed before there was a message.
    """

    def __init__(self, policy: Policy, most_subjects: int = _MOST_SUBJECTS) -> None:
        """Begin with nothing. The policy's next hops, and its rules for received mail, tell subjects apart."""
        self.seen: dict[Subject, dict[Seen, Sums]] = {}
        self.inbound: dict[tuple[tuple[str, ...], bool], InboundDecision] = {}
        self.abilities: dict[tuple[str, bool], Ability] = {}  # by server, and whether it sends
        self.beyond = self.handshakes = 0
        self._most = most_subjects
        self._hops = named_hops(policy)
        self._failed: Memory[tuple[str, str, str | None], bool] = Memory()
        self._origin: int | None = None
        self._today = (0.0, 0.0, 0)  # from, until, number of the day

        @lru_cache(maxsize=_REMEMBERED)
        def received(domain: str | None, address: str | None) -> Subject:
            decision = law.decide_inbound(policy, law.Incoming(domain, client_of(address)))
            rules = tuple(rule.name for rule in decision.rules)
            self.inbound.setdefault((rules, decision.exempt), decision)
            return Subject(sent=False, domain=domain, rules=rules, exempt=decision.exempt)

        self._received = received

    def add(self, passage: Passage) -> None:
        """Take a passage in: one that brought its message on, or one that failed because of TLS, once for each message."""
        if passage.result != "delivered" and not self._is_new_failure(passage):
            return
        subject = (
            Subject(sent=True, domain=passage.domain, hop=hop_of(passage, self._hops))
            if passage.sent
            else self._received(passage.domain, passage.address)
        )
        kinds = self.seen.get(subject)
        if kinds is None:
            if len(self.seen) >= self._most:
                self.beyond += 1
                return
            kinds = self.seen.setdefault(subject, {})
        server = self._server(passage)
        session = passage.session
        if session is not None:
            session = Session(version=session.version, suite=session.suite, proof=session.proof)
        seen = Seen(server, session, passage.failure)
        sums = kinds.get(seen)
        if sums is None:
            sums = kinds.setdefault(seen, Sums())
        sums.messages += 1
        sums.days |= self._day(passage.when)
        sums.first = min(sums.first, passage.when)
        sums.last = max(sums.last, passage.when)
        host = passage.host or passage.address
        if host is not None and host not in sums.hosts and len(sums.hosts) < _MOST_HOSTS:
            sums.hosts += (host,)

    def _is_new_failure(self, passage: Passage) -> bool:
        if passage.failure is None:
            return False
        if not passage.sent and passage.failure is Failure.HANDSHAKE:
            self.handshakes += 1
            return False
        if passage.queue_id is None:
            return True
        key = (passage.server, passage.queue_id, passage.domain)
        known = self._failed.get(key)
        self._failed.put(key, True)  # noqa: FBT003  (a set would do, and none is bounded)
        return not known

    def _server(self, passage: Passage) -> str:
        """Return the name of the server, and remember what it did; those beyond the limit have no name and no abilities."""
        server, session = passage.server, passage.session
        key = (server, passage.sent)
        ability = self.abilities.get(key)
        if ability is None:
            if len(self.abilities) >= _MOST_SERVERS:
                return ""
            ability = self.abilities.setdefault(key, Ability())
        if session is not None:
            version = session.version
            if not ability.uses_tls or (version is not None and (ability.highest is None or version > ability.highest)):
                self.abilities[key] = Ability(uses_tls=True, highest=version if version is not None else ability.highest)
        return server

    def _day(self, when: float) -> int:
        """Return the bit of a day of this machine's zone.

        One before the day of the first message, or many years after it, counts as the nearest that has a bit: never as one more.
        """
        begin, end, bit = self._today
        if not begin <= when < end:
            import time
            from calendar import timegm

            year, month, day = time.localtime(when)[:3]
            begin = time.mktime((year, month, day, 0, 0, 0, 0, 0, -1))
            end = time.mktime((year, month, day + 1, 0, 0, 0, 0, 0, -1))
            number = timegm((year, month, day, 0, 0, 0)) // _A_DAY
            if self._origin is None:
                self._origin = number
            bit = 1 << min(max(number - self._origin, 0), _MOST_DAYS)
            self._today = (begin, end, bit)
        return bit


def ledger(policy: Policy, found: Iterable[Passage]) -> Ledger:
    """Sum passages up, told apart as a policy needs it."""
    made = Ledger(policy)
    for passage in found:
        made.add(passage)
    return made
