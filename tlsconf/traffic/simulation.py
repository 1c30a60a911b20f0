"""What a policy would have done with mail that has passed: the law, asked about every other side that the log may mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law
from tlsconf.law import Certificate, Outcome, Tlsa
from tlsconf.peers import able
from tlsconf.tls import Version
from tlsconf.traffic.counts import CLEAR, UNKNOWN
from tlsconf.traffic.evidence import Failure, Proof
from tlsconf.traffic.ledger import Ability, Sums

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tlsconf.law import InboundDecision, OutboundDecision, Peer
    from tlsconf.policy import Policy
    from tlsconf.traffic.ledger import Ledger, Seen, Subject

Outcomes = frozenset[Outcome]

_STOPPED: Final = frozenset({Outcome.HELD, Outcome.REFUSED, Outcome.DEFERRED, Outcome.HANDSHAKE_REFUSED})
_BAD_CERTIFICATES: Final = (Certificate.SELF_SIGNED, Certificate.OTHER_NAME, Certificate.EXPIRED)
# A host that has nothing in common with anybody: the least that one may be whose version or suite nobody wrote down.
_NOTHING: Final = law.Peer(versions=frozenset(), cipher_suites=frozenset())


class Effect(NamedTuple):
    """What would have become of some messages of one domain under one rule: `outcomes` has several members where the log can't tell.

    `rule` is `None` for the default; of received mail, the names of all that apply. `used` counts messages by the version that they used,
    `CLEAR`, or the failure.
    """

    sent: bool
    rule: str | None
    domain: str | None
    outcomes: Outcomes
    sums: Sums
    used: dict[str, int]

    @property
    def is_stopped(self) -> bool:
        """Tell whether the messages would surely not have passed at their first attempt."""
        return self.outcomes <= _STOPPED

    @property
    def is_known(self) -> bool:
        """Tell whether the log says what would have become of them."""
        return len(self.outcomes) == 1 or self.is_stopped

    @property
    def loses_tls(self) -> bool:
        """Tell whether messages that used TLS would have gone in clear text."""
        return self.outcomes == {Outcome.CLEAR} and any(name in _VERSION_NAMES for name in self.used)


class Simulation(NamedTuple):
    """What a policy would have done: effects, those that stop most messages first; what was left out is counted as in the ledger."""

    effects: tuple[Effect, ...]
    beyond: int
    handshakes: int

    @property
    def stopped(self) -> tuple[Effect, ...]:
        """Return the effects that stop messages."""
        return tuple(effect for effect in self.effects if effect.is_stopped)

    def total(self, *, sent: bool) -> dict[str, int]:
        """Return the messages of one direction by the name of what would have become of them, most first."""
        found: dict[str, int] = {}
        for effect in self.effects:
            if effect.sent == sent:
                name = outcome_name(effect.outcomes)
                found[name] = found.get(name, 0) + effect.sums.messages
        return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))

    def period(self) -> Sums:
        """Return what all that was seen adds up to."""
        whole = Sums()
        for effect in self.effects:
            whole.include(effect.sums)
        return whole


_VERSION_NAMES: Final = frozenset({UNKNOWN, *map(str, Version)})


def simulate(policy: Policy, ledger: Ledger) -> Simulation:
    """Hold all that was seen against a policy, which has the next hops and the rules for received mail of the one that the ledger knows."""
    effects: dict[tuple[bool, str | None, str | None, Outcomes], Effect] = {}
    remembered: dict[tuple[bool, str | None, bool, Seen], Outcomes] = {}
    decide = _law(policy, ledger)
    for subject, kinds in ledger.seen.items():
        decision = decide(subject)
        rule = decision.rule if isinstance(decision, law.OutboundDecision) else ", ".join(subject.rules) or None
        for seen, sums in kinds.items():
            known = (subject.sent, rule, subject.exempt, seen)
            outcomes = remembered.get(known)
            if outcomes is None:
                ability = ledger.abilities.get((seen.server, subject.sent), Ability())
                outcomes = remembered.setdefault(known, possible(decision, seen, ability))
            key = (subject.sent, rule, subject.domain, outcomes)
            effect = effects.setdefault(key, Effect(*key, Sums(), {}))
            effect.sums.include(sums)
            name = used(seen)
            effect.used[name] = effect.used.get(name, 0) + sums.messages
    ordered = sorted(effects.values(), key=lambda item: (not item.is_stopped, not item.sent, -item.sums.messages, item.domain or ""))
    return Simulation(tuple(ordered), ledger.beyond, ledger.handshakes)


def possible(decision: OutboundDecision | InboundDecision, seen: Seen, ability: Ability) -> Outcomes:
    """Return what may become of a message under a decision, by all that the other side may be after what was seen of it."""
    peers = _reached(seen, ability, sent=isinstance(decision, law.OutboundDecision))
    if isinstance(decision, law.OutboundDecision):
        peers = _proven(peers, seen, names=bool(decision.mx))
    return frozenset(law.outcome(decision, peer) for peer in peers)


def used(seen: Seen) -> str:
    """Return in a word what was seen: why it failed, or the version, or `CLEAR`."""
    if seen.failure is not None:
        return str(seen.failure)
    if seen.session is None:
        return CLEAR
    return UNKNOWN if seen.session.version is None else str(seen.session.version)


def outcome_name(outcomes: Outcomes) -> str:
    """Return a name for what would have become of messages.

    >>> outcome_name(frozenset({Outcome.TLS, Outcome.HELD}))
    'TLS or held'
    """
    return " or ".join(outcome for outcome in Outcome if outcome in outcomes)


def _law(policy: Policy, ledger: Ledger) -> Callable[[Subject], OutboundDecision | InboundDecision]:
    outbound = law.outbound_law(policy)

    def decide(subject: Subject) -> OutboundDecision | InboundDecision:
        if subject.sent:
            return outbound(law.Outgoing(subject.domain or "", subject.hop))
        return ledger.inbound[subject.rules, subject.exempt]

    return decide


def _reached(seen: Seen, ability: Ability, *, sent: bool) -> tuple[Peer, ...]:
    """Return the least and the most that the other side may be able to do; a handshake that failed is taken to fail again.

    Two sides use the highest version that both have (RFC 8446 section 4.1.3): one below what this server used with others is the other
    side's highest.
    """
    if seen.session is not None:
        used, suite = seen.session.version, seen.session.suite
        most = able()
        if used is not None and ability.highest is not None and used < ability.highest:
            most = most._replace(versions=frozenset(version for version in Version if version <= used))
        least = _NOTHING if used is None or suite is None else law.Peer(versions=frozenset({used}), cipher_suites=frozenset({suite}))
        return (least, most)
    without = able()._replace(starttls=False)
    match seen.failure:
        case Failure.NOT_OFFERED:
            return (without,)
        case Failure.HANDSHAKE:
            return (able()._replace(handshake_fails=True),)
        case Failure.REQUIRED_OF_CLIENT if not sent:
            return (without,)
        case None:  # a server that never used TLS does not tell whether the other side can
            return (without,) if ability.uses_tls else (without, _NOTHING, able())
        case _:  # there was TLS, and nobody wrote down which
            return (_NOTHING, able())


def _proven(peers: Iterable[Peer], seen: Seen, *, names: bool) -> tuple[Peer, ...]:
    """Return the peers with every certificate and TLSA record that they may have.

    A certificate that proved nothing may prove something to other trust anchors. `names`: which name was proven counts, and no log has it.
    """
    certificates: Iterable[Certificate] = Certificate
    if seen.failure is Failure.CERTIFICATE:
        certificates = _BAD_CERTIFICATES
    elif seen.session is not None and seen.session.proof is Proof.VERIFIED and not names:
        certificates = (Certificate.VALID,)
    records: Iterable[Tlsa] = (Tlsa.NOT_MATCHING, Tlsa.LOOKUP_FAILS) if seen.failure is Failure.DANE else Tlsa
    return tuple(_with_all(peers, certificates, tuple(records)))


def _with_all(peers: Iterable[Peer], certificates: Iterable[Certificate], records: Iterable[Tlsa]) -> Iterator[Peer]:
    for peer in peers:
        for certificate in certificates:
            for record in records:
                yield peer._replace(certificate=certificate, tlsa=record)
