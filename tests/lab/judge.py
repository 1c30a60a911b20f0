"""Judges what was seen: each cell by the law and by what limitations leave of it, and what servers write by what the other side saw."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.lab import limited, told
from tests.lab.evidence import used
from tests.lab.kinds import client_peer
from tlsconf import law
from tlsconf.law import Incoming, Outcome, Outgoing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.lab.limited import Build
    from tests.lab.scenarios import Inbound, Outbound, Scenario
    from tests.lab.told import World
    from tlsconf.plan import Limitation

Event = dict[str, Any]  # what `world.py` writes down
Answer = dict[str, Any]  # what `client.py` says
TOLD: Final = ("/log", "/received", "/requirements", "/nothing-lost")  # how the names of cells end that are about what is told of messages


class Result(NamedTuple):
    """What became of a cell.

    `law` is what the law says, `expected` what is left of it where `limitations` change it, `seen` what was seen; `detail` is what the
    server said where that is another thing.
    """

    cell: str
    law: str
    seen: str
    detail: str = ""
    expected: str = ""
    limitations: tuple[str, ...] = ()

    @property
    def is_kept(self) -> bool:
        """Tell whether the law is kept."""
        return self.seen == self.law

    @property
    def is_limited(self) -> bool:
        """Tell whether what was seen is what a limitation says."""
        return not self.is_kept and bool(self.limitations) and self.seen == self.expected

    @property
    def is_broken(self) -> bool:
        """Tell whether neither the law nor a limitation says so, or a limitation says what does not happen."""
        return self.seen != (self.expected if self.limitations else self.law)


class Judge(NamedTuple):
    """What a scenario's cells are judged by: the build, its limitations, and whether the site has a TLS table of its own."""

    scenario: Scenario
    build: Build
    limitations: tuple[Limitation, ...]
    has_own_table: bool

    def sent(self, cell: Outbound, events: Iterable[Event], queued: frozenset[str], log: str) -> Result:
        """Judge what became of a recipient; `queued` are recipients in lower case."""
        hop = self.scenario.routes.get(cell.domain)
        decision = law.decide_outbound(self.build.policy, Outgoing(cell.domain.lower().encode("idna").decode(), hop))
        kind, _ = self.scenario.hosts[cell.host]
        peer = kind.peer(decision.mx, decision.parameters)
        kept = law.outcome(decision, peer)
        applies = limited.decision_for(self.build.policy, hop, decision, self.limitations)
        case = limited.Sent(self.build, applies, kind, peer, self._is_passenger(cell))
        expected, case, ids = limited.sent_outcome(case, self.limitations)
        if applies != decision:
            ids = (limited.PORT_NOT_SEEN, *ids)
        if cell.plain_by_site and self.has_own_table:
            kept, expected, ids = Outcome.CLEAR, Outcome.CLEAR, ()
        found = [event for event in events if address(cell).lower() in recipients(event)]
        seen = _sent_outcome(cell, found, case.decision, is_queued=address(cell).lower() in queued)
        return Result(cell.id, str(kept), seen, "" if seen == expected else _excerpt(log, address(cell)), str(expected), ids)

    def _is_passenger(self, cell: Outbound) -> bool:
        """Tell whether Sendmail makes the connection for another recipient: the one whose domain sorts first, labels from the right."""
        together = [other for other in self.scenario.outbound if other.message == cell.message]
        return cell != min(together, key=lambda other: other.domain.split(".")[::-1])

    def received(self, cell: Inbound, answer: Answer) -> Result:
        """Judge how far a client came."""
        sender = cell.sender.lower() if cell.sender else None
        decision = law.decide_inbound(self.build.policy, Incoming(sender, ip_address(cell.source)))
        peer = client_peer(cell.session, decision.parameters)
        kept = law.outcome(decision, peer)
        expected, ids = limited.received_outcome(limited.Received(self.build, decision, cell.session, peer), self.limitations)
        if cell.refused_by_site:
            kept, expected = (Outcome.REFUSED if outcome is Outcome.ACCEPTED else outcome for outcome in (kept, expected))
        seen = _received_outcome(answer, in_tls=peer.starttls, by_site=cell.refused_by_site)
        detail = "" if seen == expected else f"{answer['stage']} {answer['code']} {answer['text']}"
        return Result(cell.id, str(kept), seen, detail, str(expected), ids)

    def told(self, world: World, log: str) -> tuple[Result, ...]:
        """Compare what `tlsconf logs` and `tlsconf headers` say of all messages with what others saw."""
        name = self.scenario.name
        found, unknown = told.read_log(log)
        return (
            _all_right(f"out/{name}/log", "as the hosts and the queue have it", [*told.sent_wrong(world, found), *unknown]),
            _all_right(f"in/{name}/log", "as the clients saw it", told.received_wrong(world, found)),
            _all_right(f"in/{name}/received", "as the clients saw it", told.headers_wrong(world)),
            _all_right(f"all/{name}/requirements", "told where they are not kept", told.breaches_wrong(world, found)),
        )

    def accounted(self, events: Iterable[Event], queued: frozenset[str], taken: frozenset[str]) -> Result:
        """Say whether everything that was taken was delivered once or is in the queue, recipient by recipient."""
        delivered = [recipient for event in events for recipient in recipients(event)]
        wrong = [
            f"{recipient}: delivered {delivered.count(recipient)} times, {'in' if recipient in queued else 'not in'} the queue"
            for recipient in sorted(taken)
            if (delivered.count(recipient), recipient in queued) not in {(1, False), (0, True)}
        ]
        wrong += [f"{recipient}: nobody sent it" for recipient in sorted({*delivered, *queued} - taken)]
        return _all_right(f"all/{self.scenario.name}/nothing-lost", "all", wrong)


def recipients(event: Event) -> list[str]:
    """Return the recipients of an event in lower case; an event that is no message has none."""
    return [recipient.lower() for recipient in event["to"]] if event["event"] == "message" else []


def address(cell: Outbound) -> str:
    """Return a cell's recipient."""
    return f"{token(cell.id)}@{cell.domain}"


def token(cell: str) -> str:
    """Return a cell's id as the local part of an address."""
    return re.sub(r"[^a-z0-9]+", "-", cell.lower().replace("ü", "ue")).strip("-")


def _sent_outcome(cell: Outbound, found: list[Event], decision: law.OutboundDecision, *, is_queued: bool) -> str:
    if not found:
        return str(Outcome.HELD) if is_queued else "lost"
    if len(found) > 1:
        return f"delivered {len(found)} times"
    (event,) = found
    if event["host"] != cell.host:
        return f"delivered to {event['host']}"
    if event["version"] is None:
        return str(Outcome.CLEAR)
    version, suite = used(event["version"], event["cipher"])
    parameters = decision.parameters
    is_allowed = version is not None and version >= parameters.minimum_version and suite in parameters.cipher_suites
    return str(Outcome.TLS) if is_allowed else f"{event['version']} with {event['cipher']}"


def _received_outcome(answer: Answer, *, in_tls: bool, by_site: bool) -> str:
    """Return the outcome of an attempt, or what was seen that is none; a refusal for lack of TLS is 530 5.7.x, of too little 5.7.x."""
    code, text = answer["code"], answer["text"]
    if answer["stage"] == "accepted":
        return str(Outcome.ACCEPTED)
    if answer["stage"] in {"starttls", "handshake"}:
        return str(Outcome.HANDSHAKE_REFUSED)
    if code is None or answer["stage"] == "connect":
        return f"no answer: {text}"
    if code // 100 == 4 and not in_tls:  # RFC 5321 section 4.2.1: transient
        return str(Outcome.DEFERRED)
    if by_site and code // 100 == 5:
        return str(Outcome.REFUSED)
    is_for_tls = (in_tls or code == 530) and re.match(r"5\.7\.\d", text)  # RFC 3207 section 4
    return str(Outcome.REFUSED) if is_for_tls else f"{code} {text}"


def _all_right(cell: str, words: str, wrong: list[str]) -> Result:
    return Result(cell, words, words if not wrong else f"{len(wrong)} not so", "; ".join(wrong[:5]))


def _excerpt(log: str, word: str) -> str:
    return " / ".join(line[16:260] for line in log.splitlines() if word.lower() in line.lower())[:700]
