"""The law's tables for two policies, cell by cell, and in which of them mail fares worse: by `law.outcome` alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.diff.random_policies import SUITES
from tlsconf import law
from tlsconf.domains import candidates
from tlsconf.law import Certificate, InboundDecision, OutboundDecision, Outcome, Peer, Tlsa
from tlsconf.policy import Level, Verify
from tlsconf.tls import Version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tlsconf.law import Incoming, Outgoing
    from tlsconf.policy import Policy

_CLEAR, _TLS, _STOPPED = range(3)  # what is read by others least, last
_RANKS: Final = {
    Outcome.CLEAR: _CLEAR,
    Outcome.TLS: _TLS,
    Outcome.HELD: _STOPPED,
    Outcome.REFUSED: _STOPPED,
    Outcome.DEFERRED: _STOPPED,
    Outcome.HANDSHAKE_REFUSED: _STOPPED,
}


def _peers_with(versions: Iterable[frozenset[Version]]) -> tuple[Peer, ...]:
    able = (frozenset(SUITES), *(frozenset({suite}) for suite in SUITES))
    return (
        Peer(starttls=False),
        Peer(handshake_fails=True),
        *(Peer(versions=some, cipher_suites=suites) for some in versions for suites in able),
    )


# Of what a client speaks, the highest version counts beside whether there is one at all: every set of versions is one more kind.
_EVERY_SET: Final = [frozenset(version for index, version in enumerate(Version) if number >> index & 1) for number in range(1, 16)]
_CLIENTS: Final = _peers_with(_EVERY_SET)
_HOSTS: Final = _peers_with([found for found in _EVERY_SET if len(found) in {1, 4}])
_NAMES: Final = (None, "n.m.test", "x.m.test", "o.test")  # besides the name that DNS gave


class Found(NamedTuple):
    """What two decisions do differently, over every kind of peer."""

    differ: bool = False
    weaker: bool = False  # clear text for a session, or a session or clear text where nothing was delivered
    stopped: bool = False  # nothing is delivered where something was, and clear text is no way out
    shut_out: bool = False  # a session is refused, and clear text is a way out


def compared(old: Policy, new: Policy, message: Outgoing | Incoming) -> Found:
    """Hold what applies to a message under two policies against every kind of peer."""
    decisions = [law.decide(policy, message) for policy in (old, new)]
    return _compared(*(_bare(decision) for decision in decisions))


def _bare(decision: OutboundDecision | InboundDecision) -> OutboundDecision | InboundDecision:
    """Return a decision without names, so that what was compared once is known again."""
    if isinstance(decision, OutboundDecision):
        return decision._replace(rule=None)
    rules = sorted({rule._replace(name="", senders=(), clients=()) for rule in decision.rules}, key=str)
    return decision._replace(rules=tuple(rules))


@cache
def _compared(old: OutboundDecision | InboundDecision, new: OutboundDecision | InboundDecision) -> Found:
    if old == new:
        return Found()
    pairs = list(_outcomes(old, new))
    ranks = [(_rank(old, *before), _rank(new, *after)) for before, after in pairs]
    falls_back = isinstance(new, InboundDecision) and (new.exempt or new.tls is not Level.REQUIRED) and not new.rules
    stops = [before[1] for (before, after), (one, other) in zip(pairs, ranks, strict=True) if one < other == _STOPPED and not (
        falls_back and after[1] is Outcome.HANDSHAKE_REFUSED)]  # fmt: skip
    shut = [
        one for (_, after), (one, _) in zip(pairs, ranks, strict=True) if falls_back and one == _TLS and after[1] is not Outcome.ACCEPTED
    ]
    return Found(
        any(before[1] is not after[1] for before, after in pairs),
        any(one > other for one, other in ranks),
        bool(stops),
        bool(shut),
    )


def _rank(decision: OutboundDecision | InboundDecision, peer: Peer, outcome: Outcome) -> int:
    if outcome is Outcome.ACCEPTED:
        return _TLS if peer.starttls and decision.tls is not Level.NONE else _CLEAR
    return _RANKS[outcome]


def _outcomes(
    old: OutboundDecision | InboundDecision, new: OutboundDecision | InboundDecision
) -> Iterator[tuple[tuple[Peer, Outcome], tuple[Peer, Outcome]]]:
    for peers in _peers(old, new):
        seen = [(peer, law.outcome(decision, peer)) for decision, peer in zip((old, new), peers, strict=True)]
        yield seen[0], seen[1]


def _peers(old: OutboundDecision | InboundDecision, new: OutboundDecision | InboundDecision) -> Iterable[tuple[Peer, Peer]]:
    """Yield every kind of peer as each side sees it: whether a certificate is valid depends on the names that count."""
    if isinstance(old, InboundDecision) or isinstance(new, InboundDecision):
        yield from ((peer, peer) for peer in _CLIENTS)
        return
    verified = {old.verify, new.verify}
    tlsa = tuple(Tlsa) if Verify.DANE in verified else (Tlsa.NONE,)
    certificates = _certificates(old.mx, new.mx) if Verify.HOSTNAME in verified else [(Certificate.VALID, Certificate.VALID)]
    for session in _HOSTS:
        for record in tlsa:
            for one, other in certificates:
                yield session._replace(tlsa=record, certificate=one), session._replace(tlsa=record, certificate=other)


def _certificates(old: tuple[str, ...], new: tuple[str, ...]) -> list[tuple[Certificate, Certificate]]:
    """Return how certificates are judged where `mx` names count, or, with none, the name that DNS gave."""
    found = [(kind, kind) for kind in (Certificate.SELF_SIGNED, Certificate.EXPIRED)]
    for is_for_host in (False, True):
        for name in _NAMES:
            fits = [any(p in mx for p in candidates(name)) if mx and name else is_for_host and not mx for mx in (old, new)]
            one, other = (Certificate.VALID if fit else Certificate.OTHER_NAME for fit in fits)
            found.append((one, other))
    return found
