"""What the words of a profile mean on the wire: the only place that knows."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.domains import candidates, most_specific
from tlsconf.policy import Level, NextHop, OnPlaintext, Parameters, Policy, Verify
from tlsconf.tls import Version, is_tls13, suite_minimum_version

if TYPE_CHECKING:
    from collections.abc import Callable
    from ipaddress import IPv4Address, IPv6Address

    from tlsconf.policy import InboundRule, OutboundRule


LEVELS: Final = (Level.NONE, Level.OPPORTUNISTIC, Level.REQUIRED)  # each no weaker than those before it


class Outcome(StrEnum):
    """What happens to a message, seen from outside."""

    TLS = "TLS"
    CLEAR = "clear"
    HELD = "held"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    HANDSHAKE_REFUSED = "handshake refused"


class Certificate(StrEnum):
    """What a receiving host presents, judged by the trust anchors and the names that count."""

    VALID = "valid"
    SELF_SIGNED = "self-signed"
    OTHER_NAME = "for another name"
    EXPIRED = "expired"


class Tlsa(StrEnum):
    """What DNSSEC says of a receiving host's TLSA records (RFC 7672 section 2)."""

    NONE = "none"
    MATCHING = "matching"
    NOT_MATCHING = "not matching"
    LOOKUP_FAILS = "lookup fails"
    UNUSABLE = "unusable"


class Outgoing(NamedTuple):
    """A message to one recipient's domain; `next_hop` where the site routes it to a fixed host."""

    domain: str
    next_hop: NextHop | None = None


class Incoming(NamedTuple):
    """A message from an envelope sender's domain (`None` for `<>` and address literals) and a client."""

    sender: str | None
    client: IPv4Address | IPv6Address


class Peer(NamedTuple):
    """The other side. A client that speaks no TLS has `starttls=False`; `handshake_fails` includes an answer of 454."""

    starttls: bool = True
    handshake_fails: bool = False
    versions: frozenset[Version] = frozenset({Version.TLSv1_2, Version.TLSv1_3})
    cipher_suites: frozenset[str] = frozenset({"TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"})
    certificate: Certificate = Certificate.VALID
    tlsa: Tlsa = Tlsa.NONE


class OutboundDecision(NamedTuple):
    """What applies to a message that is sent; `rule` is `None` for the default.

    `parameters` rule a session that nobody requires or that the rule requires; `authenticated` those of a session that usable TLSA records
    make mandatory under an opportunistic rule (RFC 7672 section 2.2).
    """

    rule: str | None
    tls: Level
    verify: Verify
    parameters: Parameters
    authenticated: Parameters
    mx: tuple[str, ...] = ()


class InboundDecision(NamedTuple):
    """What applies to a message that is received: the listener's parameters, and the rules that match."""

    tls: Level
    parameters: Parameters
    rules: tuple[InboundRule, ...]
    exempt: bool


def in_force(policy: Policy, tls: Level, minimum_version: Version | None = None) -> Parameters:
    """Return what a session may be under a level; a rule's own floor takes the place of the general one."""
    general = policy.required if tls is Level.REQUIRED else policy.opportunistic
    return general if minimum_version is None else general._replace(minimum_version=minimum_version)


def listener(policy: Policy) -> Parameters:
    """Return what the listener's handshake allows: it comes before any rule is known."""
    return in_force(policy, Level.REQUIRED if policy.inbound.tls is Level.REQUIRED else Level.OPPORTUNISTIC)


@lru_cache(maxsize=256)  # few parameters, and every kind of peer is held against them
def sessions(parameters: Parameters) -> frozenset[tuple[Version, str]]:
    """Return every pair of a version and a suite that the parameters allow and that TLS has."""
    return frozenset(
        (version, suite)
        for version in Version
        if version >= parameters.minimum_version
        for suite in parameters.cipher_suites
        if is_tls13(suite) == (version is Version.TLSv1_3) and version >= suite_minimum_version(suite)
    )


def can_agree(parameters: Parameters, peer: Peer) -> bool:
    """Tell whether both sides have a version and a suite in common that the parameters allow."""
    return any(version in peer.versions and suite in peer.cipher_suites for version, suite in sessions(parameters))


def outbound_index(policy: Policy) -> tuple[dict[str, OutboundRule], dict[NextHop, OutboundRule]]:
    """Return the rules by domain pattern and by next hop; no pattern has two rules."""
    rules = policy.outbound.rules
    return {p: rule for rule in rules for p in rule.domains}, {h: rule for rule in rules for h in rule.next_hops}


def outbound_law(policy: Policy) -> Callable[[Outgoing], OutboundDecision]:
    """Return what decides about messages that are sent: for many of them, the rules are looked through once."""
    domains, next_hops = outbound_index(policy)

    def decide(message: Outgoing) -> OutboundDecision:
        hop = policy.outbound.smarthost or message.next_hop
        rule = most_specific(domains, message.domain) if hop is None else next_hops.get(hop)
        return outbound_decision(policy, rule)

    return decide


def decide_outbound(policy: Policy, message: Outgoing) -> OutboundDecision:
    """Pick the rule for a message that is sent: by the fixed next hop where there is one, else the most specific pattern."""
    return outbound_law(policy)(message)


def outbound_decision(policy: Policy, rule: OutboundRule | None) -> OutboundDecision:
    """Return what a rule, or the default, says."""
    if rule is None:
        tls, authenticated = policy.outbound.tls, in_force(policy, Level.REQUIRED)
        return OutboundDecision(None, tls, policy.outbound.verify, in_force(policy, tls), authenticated)
    floor = rule.minimum_version
    authenticated = in_force(policy, Level.REQUIRED, floor)
    return OutboundDecision(rule.name, rule.tls, rule.verify, in_force(policy, rule.tls, floor), authenticated, rule.mx)


def at_least_as_strong(one: OutboundDecision, other: OutboundDecision) -> bool:
    """Tell whether no receiving host gets mail on weaker terms under `one` than under `other`; incomparable terms are not as strong.

    Where `one` is opportunistic, stricter values are no stronger: what they shut out gets clear text.
    """
    if other.tls is Level.NONE:
        return True
    return (
        LEVELS.index(one.tls) >= LEVELS.index(other.tls)
        and verifies_as_much(one.verify, other.verify)
        and (not other.mx or one.mx == other.mx)
        and sessions(one.parameters) <= sessions(other.parameters)
        and (one.tls is Level.REQUIRED or sessions(other.parameters) <= sessions(one.parameters))
        and (other.verify is not Verify.DANE or sessions(one.authenticated) <= sessions(other.authenticated))
    )


def verifies_as_much(one: Verify, other: Verify) -> bool:
    """Tell whether no host is taken for proven under `one` that is not under `other`; a name and a TLSA record prove different things."""
    return other in {Verify.NONE, one}


def decide_inbound(policy: Policy, message: Incoming) -> InboundDecision:
    """Find every rule that a received message must satisfy; an exempt client has none."""
    inbound = policy.inbound
    exempt = any(message.client in network for network in inbound.exempt_clients)
    patterns = frozenset(candidates(message.sender)) if message.sender else frozenset[str]()
    rules = tuple(
        rule
        for rule in inbound.rules
        if not patterns.isdisjoint(rule.senders) or any(message.client in network for network in rule.clients)
    )
    return InboundDecision(inbound.tls, listener(policy), () if exempt else rules, exempt)


def decide(policy: Policy, message: Outgoing | Incoming) -> OutboundDecision | InboundDecision:
    """Pick what applies to a message."""
    return decide_outbound(policy, message) if isinstance(message, Outgoing) else decide_inbound(policy, message)


def outcome(decision: OutboundDecision | InboundDecision, peer: Peer) -> Outcome:
    """Return what is seen from outside when this decision meets this peer."""
    if isinstance(decision, OutboundDecision):
        return _outbound_outcome(decision, peer)
    return _inbound_outcome(decision, peer)


def _outbound_outcome(decision: OutboundDecision, peer: Peer) -> Outcome:
    if decision.tls is Level.NONE:
        return Outcome.CLEAR
    if decision.verify is Verify.DANE and (peer.tlsa is not Tlsa.NONE or decision.tls is Level.REQUIRED):
        return _dane_outcome(decision, peer)
    agreed = _session(decision.parameters, peer)
    if decision.tls is Level.OPPORTUNISTIC:
        return Outcome.TLS if agreed else Outcome.CLEAR
    proven = decision.verify is Verify.NONE or peer.certificate is Certificate.VALID
    return Outcome.TLS if agreed and proven else Outcome.HELD


def _dane_outcome(decision: OutboundDecision, peer: Peer) -> Outcome:
    """Judge a peer by its TLSA records; unusable ones still demand encryption where nothing was required (RFC 7672 section 2.2)."""
    enough = peer.tlsa is Tlsa.MATCHING or (peer.tlsa is Tlsa.UNUSABLE and decision.tls is Level.OPPORTUNISTIC)
    return Outcome.TLS if enough and _session(decision.authenticated, peer) else Outcome.HELD


def _session(parameters: Parameters, peer: Peer) -> bool:
    return peer.starttls and not peer.handshake_fails and can_agree(parameters, peer)


def _inbound_outcome(decision: InboundDecision, peer: Peer) -> Outcome:
    refused_by = decision.rules
    required = decision.tls is Level.REQUIRED and not decision.exempt
    if not peer.starttls or decision.tls is Level.NONE:
        if required or any(rule.on_plaintext is OnPlaintext.REJECT for rule in refused_by):
            return Outcome.REFUSED
        return Outcome.DEFERRED if refused_by else Outcome.ACCEPTED
    if peer.handshake_fails or not can_agree(decision.parameters, peer):
        return Outcome.HANDSHAKE_REFUSED
    version = max(v for v in peer.versions if can_agree(decision.parameters, peer._replace(versions=frozenset({v}))))
    if any(rule.minimum_version is not None and version < rule.minimum_version for rule in refused_by):
        return Outcome.REFUSED
    return Outcome.ACCEPTED
