"""Whether the way a message came is what a profile's rules allow: the law, asked about what a header says."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law
from tlsconf.entries import domain
from tlsconf.policy import Level, Verify
from tlsconf.tls import Version, is_tls13, suite_minimum_version, suites
from tlsconf.traffic.received import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Address, IPv6Address

    from tlsconf.law import InboundDecision, OutboundDecision
    from tlsconf.policy import InboundRule, Policy
    from tlsconf.traffic.received import Hop

_OTHER_SUITE: Final = "another"  # what a cipher may be whose name is not known
_NO_CLIENT: Final = "0.0.0.0"  # noqa: S104  (no address: matches no rule by client)


class Answer(StrEnum):
    """Whether a hop is what the rules allow."""

    KEPT = "kept"
    BROKEN = "broken"
    UNCLEAR = "unclear"  # the header does not say enough


class Verdict(NamedTuple):
    """An answer, what it is about, and the names of the rules that apply (none: the default of the profile)."""

    answer: Answer
    message: str
    rules: tuple[str, ...] = ()


def verdict_of(policy: Policy, hop: Hop, sender: str | None, *, from_own: bool) -> Verdict | None:
    """Hold a hop, which one of the policy's hosts wrote down, against the policy; `None` for what is no SMTP.

    `sender` is of the envelope (`""` for `<>`, `None` where it is not known). `from_own`: another own host sent it, whose rules for mail
    that it sends apply, too; those of the host that received it always do.
    """
    if hop.kind is Kind.OTHER:
        return None
    inbound = _inbound(policy, hop, hop.sender if hop.sender is not None else sender)
    if not from_own or inbound.answer is Answer.BROKEN or _within_one_machine(hop):
        return inbound
    outbound = _outbound(policy, hop)
    if outbound.answer is Answer.KEPT and inbound.answer is Answer.KEPT:
        return inbound._replace(rules=tuple(dict.fromkeys((*inbound.rules, *outbound.rules))))
    return inbound if outbound.answer is Answer.KEPT else outbound


def _inbound(policy: Policy, hop: Hop, sender: str | None) -> Verdict:
    from ipaddress import ip_address

    known, name = _domain(sender)
    decision = law.decide_inbound(policy, law.Incoming(name, ip_address(hop.address or _NO_CLIENT)))
    verdict = _received(hop, decision)
    rules = policy.inbound.rules
    if verdict.answer is Answer.BROKEN and hop.address is None and policy.inbound.exempt_clients:
        return Verdict(Answer.UNCLEAR, "the header has no address of the client, and some clients are exempt", verdict.rules)
    if verdict.answer is Answer.KEPT and not decision.exempt:
        if not known and _may_break(hop, decision, [rule for rule in rules if rule.senders]):
            return Verdict(Answer.UNCLEAR, "the envelope sender is not known, and there are rules for senders")
        if hop.address is None and _may_break(hop, decision, [rule for rule in rules if rule.clients]):
            return Verdict(Answer.UNCLEAR, "the header has no address of the client, and there are rules for clients")
    return verdict


def _may_break(hop: Hop, decision: InboundDecision, rules: Iterable[InboundRule]) -> bool:
    """Tell whether one of the rules, if it applied, would not allow the hop."""
    return any(_received(hop, decision._replace(rules=(rule,))).answer is not Answer.KEPT for rule in rules)


def _received(hop: Hop, decision: InboundDecision) -> Verdict:
    rules = tuple(rule.name for rule in decision.rules)
    allowed = {law.outcome(decision, peer) is law.Outcome.ACCEPTED for peer in _peers(hop)}
    general = {law.outcome(decision._replace(rules=()), peer) is law.Outcome.ACCEPTED for peer in _peers(hop)}
    verdict = _verdict(hop, allowed, rules, blamed=() if general == {False} else rules)
    if decision.exempt and verdict.answer is Answer.KEPT:
        return verdict._replace(message="the client is exempt from every requirement")
    return verdict


def _outbound(policy: Policy, hop: Hop) -> Verdict:
    """Hold a hop against what the sending host must do: a header does not say what routed the message, so all that may have must agree."""
    decisions = _outbound_decisions(policy, hop)
    rules = tuple(dict.fromkeys(decision.rule for decision in decisions if decision.rule))
    allowed = {_may_send(decision, peer) for decision in decisions for peer in _peers(hop)}
    if len(allowed) > 1 and len(decisions) > 1 and hop.kind is not Kind.UNKNOWN:
        return Verdict(Answer.UNCLEAR, "which rule the sending host had for it can't be told from the header", rules)
    return _verdict(hop, allowed, rules, rules)


def _outbound_decisions(policy: Policy, hop: Hop) -> list[OutboundDecision]:
    outbound = policy.outbound
    host = (hop.host or "").strip("[]")
    if outbound.smarthost is not None:
        decision = law.decide_outbound(policy, law.Outgoing(""))
        return [decision] if outbound.smarthost.host == host else [decision, law.outbound_decision(policy, None)]
    fixed = [rule for rule in outbound.rules if any(item.host == host for item in rule.next_hops)]
    known, name = _domain(hop.recipient)
    if known and name:
        return [law.decide_outbound(policy, law.Outgoing(name)), *(law.outbound_decision(policy, rule) for rule in fixed)]
    by_domain = [rule for rule in outbound.rules if rule.domains]
    return [law.outbound_decision(policy, rule) for rule in (None, *by_domain, *fixed)]


def _may_send(decision: OutboundDecision, peer: law.Peer) -> bool:
    """Tell whether the law lets a message go so; what the certificate proved is not in the header, and counts as right."""
    outcome = law.outcome(decision, peer._replace(tlsa=law.Tlsa.MATCHING) if peer.starttls and decision.verify is Verify.DANE else peer)
    return decision.tls is Level.NONE or outcome is (law.Outcome.TLS if peer.starttls else law.Outcome.CLEAR)


def _verdict(hop: Hop, allowed: set[bool], rules: tuple[str, ...], blamed: tuple[str, ...]) -> Verdict:
    if hop.kind is Kind.UNKNOWN:
        what = f"{hop.protocol} is no protocol that is known here" if hop.protocol else "the header names no protocol"
        return Verdict(Answer.UNCLEAR, what, rules)
    if allowed == {True}:
        return Verdict(Answer.KEPT, "as the profile says", rules)
    if allowed == {False}:
        what = f"the rule{'s' if len(blamed) > 1 else ''} {', '.join(blamed)}" if blamed else "the profile"
        wanted = "requires TLS, and none was seen" if hop.kind is Kind.CLEAR else f"does not allow {_used(hop)}"
        return Verdict(Answer.BROKEN, f"{what} {wanted}", rules)
    return Verdict(Answer.UNCLEAR, f"the header does not say enough of the session: {_used(hop)}", rules)


def _used(hop: Hop) -> str:
    session = hop.session
    version = str(session.version) if session and session.version else hop.version
    cipher = (session.suite or session.cipher) if session else None
    return " with ".join(part for part in (version, cipher) if part) or "TLS of an unknown version"


def _peers(hop: Hop) -> Sequence[law.Peer]:
    """Return a peer for each session that the header may mean; one without STARTTLS for clear text."""
    session = hop.session
    if hop.kind is not Kind.TLS or session is None:
        return (law.Peer(starttls=False),)
    if (hop.version or "").upper().startswith("SSL"):  # older than every version of ours
        return (law.Peer(versions=frozenset()),)
    return _sessions(session.version, session.suite)


@lru_cache(maxsize=4096)
def _sessions(version: Version | None, suite: str | None) -> Sequence[law.Peer]:
    names = [suite] if suite is not None else [*suites(), _OTHER_SUITE]
    return tuple(
        law.Peer(versions=frozenset({v}), cipher_suites=frozenset({name}))
        for v in ([version] if version is not None else Version)
        for name in names
        if name == _OTHER_SUITE or (is_tls13(name) == (v is Version.TLSv1_3) and v >= suite_minimum_version(name))
    )


def _domain(address: str | None) -> tuple[bool, str | None]:
    """Return whether an address of the envelope is known, and its domain: none for `<>` and address literals."""
    if address is None:
        return False, None
    name = address.rpartition("@")[2].strip()
    if not address or name.startswith("["):
        return True, None
    try:
        return True, domain(name.rstrip("."))
    except ValueError:
        return False, None


def _within_one_machine(hop: Hop) -> bool:
    """Tell whether a message never left the machine, as through a content filter: rules for other hosts are not for that."""
    from ipaddress import ip_address

    address: IPv4Address | IPv6Address | None = ip_address(hop.address) if hop.address else None
    return address is not None and address.is_loopback
