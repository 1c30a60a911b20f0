"""Holds what `logs` and `headers` make of a run against what others wrote down: the hosts, the clients and the server's own queue."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.lab.evidence import Used, used
from tests.lab.inside import HOSTNAME
from tlsconf import law
from tlsconf.law import Certificate, Incoming, Outcome, Outgoing, Peer, Tlsa
from tlsconf.policy import Level, Verify
from tlsconf.traffic.evidence import Failure, Proof
from tlsconf.traffic.judge import Judge
from tlsconf.traffic.logs import passages
from tlsconf.traffic.messages import messages
from tlsconf.traffic.reading import Reading
from tlsconf.traffic.received import Kind, hop_of
from tlsconf.traffic.verdict import Answer, verdict_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tests.lab.kinds import Host
    from tests.lab.scenarios import Outbound, Scenario
    from tlsconf.law import OutboundDecision
    from tlsconf.policy import Policy
    from tlsconf.traffic.evidence import Passage, Session
    from tlsconf.traffic.messages import Message

_ID: Final = re.compile(r"\sid ([0-9A-Za-z-]+)")
_FOR_TLS: Final = re.compile("TLS|encryption")
_CLIENT: Final = "client.lab.example"
_PROVEN: Final = {Proof.VERIFIED, Proof.TRUSTED}  # Sendmail compares names in rulesets of its own, and its log knows only the chain


class World(NamedTuple):
    """What was seen of a run, without its log.

    `events` are those of `world.py`. `taken` are the messages that the server accepted, `cells` those of the scenario, both by recipient in
    lower case. `refused` are attempts of clients that came to nothing, `queued` ids and recipients of the queue, `addresses` those of the
    hosts, `limitations` the ids of the plan's.
    """

    scenario: Scenario
    policy: Policy
    events: Sequence[Mapping[str, Any]]
    cells: Mapping[str, Outbound]
    taken: Mapping[str, Attempt]
    refused: Sequence[Attempt]
    queued: frozenset[tuple[str, str]]
    addresses: Mapping[str, str]
    limitations: frozenset[str]


class Attempt(NamedTuple):
    """A client's attempt to hand over a message: the envelope sender's domain, whence it came, how far it came, and what TLS was used."""

    sender: str | None
    source: str
    stage: str
    code: int | None
    text: str
    used: Used


class Way(NamedTuple):
    """How a message went out of the server or came into it, for or from a domain."""

    sent: bool
    domain: str | None
    address: str
    queue_id: str | None
    result: str
    used: Used


def attempt(answer: Mapping[str, Any], sender: str | None, source: str) -> Attempt:
    """Return an attempt as `client.py` tells of it."""
    session = used(answer["version"], answer["cipher"])
    return Attempt(_a_labels(sender), source, answer["stage"], answer["code"], answer["text"], session)


def read_log(text: str) -> tuple[tuple[Passage, ...], list[str]]:
    """Return what `tlsconf logs` finds in a server's log, and what it says that it does not understand."""
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        reading = Reading()
        found = tuple(passages([file.name], reading))
    return found, [*(f"not understood: {line}" for line in reading.examples), *reading.troubles, *reading.lost]


def sent_wrong(world: World, found: Iterable[Passage]) -> list[str]:
    """Return what passages are wrong about of mail that was sent: what arrived, where and how, what is held and why."""
    said = [passage for passage in found if passage.sent]
    arrived = {_way_of(passage): passage for passage in said if passage.result == "delivered"}
    wrong = _differences(Counter(_way_of(passage) for passage in said if passage.result == "delivered"), Counter(set(_arrivals(world))))
    hosts = {address: (name, *world.scenario.hosts[name]) for name, address in world.addresses.items()}
    for way, passage in arrived.items():
        if way.address in hosts:
            wrong += [f"{way}: {words}" for words in _host_wrong(world, passage, *hosts[way.address])]
    held = {(identifier, _domain(recipient)) for identifier, recipient in world.queued}
    known = held | {(way.queue_id, way.domain) for way in _arrivals(world)}
    wrong += [f"{_way_of(passage)}: there is no such message" for passage in said if (passage.queue_id, passage.domain) not in known]
    return wrong + _held_wrong(world, [passage for passage in said if passage.result != "delivered"])


def received_wrong(world: World, found: Iterable[Passage]) -> list[str]:
    """Return what passages are wrong about of mail that came in: what was taken, and what was refused because of TLS."""
    said = [passage for passage in found if not passage.sent]
    ids = _ids(world)
    taken = {Way(False, one.sender, one.source, ids.get(to), "delivered", one.used) for to, one in world.taken.items()}  # noqa: FBT003
    wrong = _differences(Counter(_way_of(passage) for passage in said if passage.result == "delivered"), Counter(taken))
    refused = {(way, failure) for one in world.refused if (way := _refusal(one)) is not None for failure in [_client_failure(one)]}
    told = {(_way_of(passage), passage.failure) for passage in said if passage.result != "delivered"}
    return wrong + _differences(Counter(told), Counter(refused))


def breaches_wrong(world: World, found: Iterable[Passage]) -> list[str]:
    """Return where `logs --profile` does not tell of exactly those messages that went against a rule, by what others saw."""
    ids = _ids(world)
    judge = Judge(world.policy)
    told = {(p.sent, p.domain, p.queue_id) for p in found if p.result == "delivered" and judge.breach(p) is not None}
    there = {(False, one.sender, ids.get(to)) for to, one in world.taken.items() if _breaks_a_requirement(world.policy, one)}
    for event, recipient in _delivered(world):
        decision = _decision(world, recipient)
        if decision.tls is Level.REQUIRED and law.outcome(decision, _peer(_used(event))) is Outcome.HELD:
            there.add((True, _domain(recipient), _id(event)))
    return _differences(Counter(told), Counter(there))


def headers_wrong(world: World) -> list[str]:
    """Return what `tlsconf headers` is wrong about of messages that arrived, each with the envelope sender as an MDA writes it."""
    events = [event for event in world.events if event["event"] == "message" and event["to"]]
    wrong = []
    with tempfile.TemporaryDirectory() as folder:
        for number, event in enumerate(events):
            text = f"Return-Path: <{event['from']}>\r\n{event['text']}"
            (Path(folder) / f"{number:06}").write_bytes(text.encode())
        for event, message in zip(events, messages(folder), strict=True):
            recipients = [recipient.lower() for recipient in event["to"]]
            one = world.taken.get(recipients[0])
            words = ["nobody sent it"] if one is None else _header_wrong(world.policy, message, one, recipients)
            wrong += [f"{recipients[0]}: {word}" for word in words]
    return wrong


def _header_wrong(policy: Policy, message: Message, one: Attempt, recipients: list[str]) -> Iterator[str]:
    if len(message.received) != 1:
        yield f"{len(message.received)} hops"
        return
    hop = hop_of(message.received[0])
    if (hop.host, hop.helo, hop.address) != (HOSTNAME, _CLIENT, one.source):
        yield f"from {hop.helo} [{hop.address}] to {hop.host}"
    if hop.kind is not (Kind.TLS if one.used.version else Kind.CLEAR) or _used_of(hop.session) != one.used:
        yield f"header {hop.kind}, {hop.session}, client {one.used}"
    if hop.recipient is not None and hop.recipient.lower() not in recipients:
        yield f"for {hop.recipient}"
    verdict = verdict_of(policy, hop, message.sender, from_own=False)
    expected = Answer.BROKEN if _is_received_against(policy, one) else Answer.KEPT
    if verdict is None or verdict.answer is not expected:
        yield f"{verdict}, and it is {expected}"


def _breaks_a_requirement(policy: Policy, one: Attempt) -> bool:
    """Tell whether a message that was taken in used less than what is required of it."""
    decision = law.decide_inbound(policy, Incoming(one.sender, ip_address(one.source)))
    is_required = bool(decision.rules) or (decision.tls is Level.REQUIRED and not decision.exempt)
    return is_required and _is_received_against(policy, one)


def _is_received_against(policy: Policy, one: Attempt) -> bool:
    """Tell whether a message that was taken in is one that the law refuses."""
    decision = law.decide_inbound(policy, Incoming(one.sender, ip_address(one.source)))
    return law.outcome(decision, _peer(one.used)) is not Outcome.ACCEPTED


def _peer(session: Used) -> Peer:
    """Return a peer that can do nothing but the session that was seen, and proves whatever is asked."""
    if session.version is None or session.suite is None:
        return Peer(starttls=False)
    return Peer(versions=frozenset({session.version}), cipher_suites=frozenset({session.suite}), tlsa=Tlsa.MATCHING)


def _delivered(world: World) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yield each message that a host got, with each of its recipients."""
    for event in world.events:
        if event["event"] == "message":
            yield from ((event, recipient.lower()) for recipient in event["to"])


def _arrivals(world: World) -> Iterator[Way]:
    for event, recipient in _delivered(world):
        yield Way(True, _domain(recipient), world.addresses[event["host"]], _id(event), "delivered", _used(event))  # noqa: FBT003


def _id(event: Mapping[str, Any]) -> str | None:
    """Return what the server calls a message, as its own header has it."""
    found = _ID.search(event["text"])
    return found[1] if found else None


def _ids(world: World) -> dict[str, str | None]:
    """Return what the server calls each message, by recipient."""
    queued = {recipient: identifier for identifier, recipient in world.queued}
    return {**queued, **{recipient: _id(event) for event, recipient in _delivered(world)}}


def _used(event: Mapping[str, Any]) -> Used:
    return used(event["version"], event["cipher"])


def _used_of(session: Session | None) -> Used:
    return Used() if session is None else Used(session.version, session.suite)


def _way_of(passage: Passage) -> Way:
    address = str(ip_address(passage.address.removeprefix("IPv6:"))) if passage.address else ""
    return Way(passage.sent, passage.domain, address, passage.queue_id, passage.result, _used_of(passage.session))


def _host_wrong(world: World, passage: Passage, name: str, host: Host, port: int) -> Iterator[str]:
    """Yield what a delivery's passage says of the host that can't be."""
    begin, dots, end = (passage.host or "").partition("...")  # Sendmail shortens long names
    if not (name.startswith(begin) and name.endswith(end) if dots else begin == name) or passage.port not in {None, port}:
        yield f"the host is {name}:{port}, not {passage.host}:{passage.port}"
    decision = _decision(world, f"@{passage.domain}")
    peer = host.peer(decision.mx, decision.parameters)
    if passage.failure is not None and not any(event["event"] == "handshake failed" and event["host"] == name for event in world.events):
        yield f"{passage.failure}, and the host saw nothing fail"
    if passage.session is None:
        return
    proof = passage.session.proof
    chain = host.certificate not in {"self-signed", "expired"} or host.tlsa is Tlsa.MATCHING
    named = peer.certificate is Certificate.VALID or host.tlsa is Tlsa.MATCHING
    if (proof in _PROVEN and not chain) or (proof is Proof.VERIFIED and not named):
        yield f"{proof}, by a certificate that is {host.certificate}"
    if decision.tls is Level.REQUIRED and decision.verify is not Verify.NONE and proof not in _PROVEN:
        yield f"{proof}, where nothing goes without a proof"


def _held_wrong(world: World, tried: Sequence[Passage]) -> list[str]:
    """Return for each recipient in the queue what is not so: an attempt is told, and the reason where the law holds it."""
    wrong = []
    for identifier, recipient in sorted(world.queued):
        mine = [p for p in tried if (p.queue_id, p.domain) == (identifier, _domain(recipient))]
        if not any(passage.result == "deferred" for passage in mine):
            wrong.append(f"{recipient}: is in the queue, and no attempt is told")
            continue
        if recipient not in world.cells:
            continue
        host, _ = world.scenario.hosts[world.cells[recipient].host]
        decision = _decision(world, recipient)
        peer = host.peer(decision.mx, decision.parameters)
        reasons = _reasons(decision, peer, host, by_dane=decision.verify is Verify.DANE or "sendmail-dane-is-global" in world.limitations)
        told = {passage.failure for passage in mine} - {None}
        if law.outcome(decision, peer) is Outcome.HELD and (not told or told - reasons):
            wrong.append(f"{recipient}: {sorted(map(str, told))}, not {' or '.join(sorted(reasons))}")
    return wrong


def _reasons(decision: OutboundDecision, peer: Peer, host: Host, *, by_dane: bool) -> set[Failure]:
    """Return what may be said of why a message is held; few servers say by what they judged a certificate."""
    judged = {Failure.CERTIFICATE, Failure.DANE} if by_dane else {Failure.CERTIFICATE}
    others = judged if by_dane else set[Failure]()
    if not peer.starttls:
        return {Failure.NOT_OFFERED, *others}
    if host.fault == "454":  # Sendmail 8.18.2 does not write down that STARTTLS was answered so
        return {Failure.HANDSHAKE, Failure.NOT_OFFERED, *others}
    parameters = decision.authenticated if decision.verify is Verify.DANE else decision.parameters
    if peer.handshake_fails or not law.can_agree(parameters, peer):
        return {Failure.HANDSHAKE, *others}
    return judged


def _refusal(one: Attempt) -> Way | None:
    """Return what a log should say of an attempt that came to nothing, `None` where TLS was not the reason."""
    if one.stage in {"starttls", "handshake"}:
        return Way(False, None, one.source, None, "refused", Used())  # noqa: FBT003
    if one.code is None or not _FOR_TLS.search(one.text):
        return None
    return Way(False, one.sender, one.source, None, "deferred" if one.code // 100 == 4 else "refused", one.used)  # noqa: FBT003


def _client_failure(one: Attempt) -> Failure:
    return Failure.HANDSHAKE if one.stage in {"starttls", "handshake"} else Failure.REQUIRED_OF_CLIENT


def _decision(world: World, recipient: str) -> OutboundDecision:
    domain = _domain(recipient)
    return law.decide_outbound(world.policy, Outgoing(domain, world.scenario.routes.get(domain)))


def _domain(recipient: str) -> str:
    return _a_labels(recipient.rpartition("@")[2]) or ""


def _a_labels(name: str | None) -> str | None:
    return name.lower().encode("idna").decode() if name else None


def _differences(told: Counter[Any], seen: Counter[Any]) -> list[str]:
    """Return what is told and was not seen, and what was seen and is not told."""
    return [f"told, not seen: {item}" for item in (told - seen).elements()] + [
        f"seen, not told: {item}" for item in (seen - told).elements()
    ]
