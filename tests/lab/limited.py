"""What a limitation changes in the law, so that the lab can say whether a build really does what its limitation says, and nothing else."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.lab.kinds import HYBRID
from tlsconf import law
from tlsconf.law import Certificate, Outcome, Tlsa
from tlsconf.policy import Level, Verify
from tlsconf.tls import Version, gnutls_parts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.lab.kinds import Host, Session
    from tlsconf.law import InboundDecision, OutboundDecision, Peer
    from tlsconf.plan import Limitation
    from tlsconf.policy import NextHop, Policy


PORT_NOT_SEEN: Final = "sendmail-port-not-seen"


class Build(NamedTuple):
    """What an outcome may depend on: the policy, the server's release and that of the build's OpenSSL."""

    policy: Policy
    release: tuple[int, ...]
    openssl: tuple[int, ...]


class Sent(NamedTuple):
    """A message on its way to a host: what applies to it, the kind of host, and what the law is told about it.

    `is_passenger` where the connection is made for another recipient of the message.
    """

    build: Build
    decision: OutboundDecision
    host: Host
    peer: Peer
    is_passenger: bool = False


class Received(NamedTuple):
    """A message from a client: what applies to it, what the client can do, and what the law is told about it."""

    build: Build
    decision: InboundDecision
    session: Session | None
    peer: Peer


def decision_for(policy: Policy, hop: NextHop | None, decision: OutboundDecision, limitations: Iterable[Limitation]) -> OutboundDecision:
    """Return what applies where a limitation picks another rule than the law: one for another port of the next hop."""
    if hop is None or decision.rule is not None:
        return decision
    names = [name for item in limitations if item.id == PORT_NOT_SEEN for name in item.rules]
    rules = [rule for rule in policy.outbound.rules if rule.name in names and hop.host in {other.host for other in rule.next_hops}]
    return law.outbound_decision(policy, rules[0]) if rules else decision


def sent_outcome(case: Sent, limitations: Iterable[Limitation]) -> tuple[Outcome, Sent, tuple[str, ...]]:
    """Return what limitations make of a message that is sent, the case as they have it, and the ids of those that made a difference."""
    rule = case.decision.rule
    touching = {item.id: item for item in limitations if item.id in _ALL or (rule in item.rules if item.rules else rule is None)}
    used = []
    outcome = law.outcome(case.decision, case.peer)
    for name in (name for name in _SENT if name in touching):
        case = _SENT[name](case, touching[name])
        now = law.outcome(case.decision, case.peer)
        used += [name] if now != outcome else []
        outcome = now
    for name in (name for name in _AFTER if name in touching):
        now = _AFTER[name](case, outcome)
        used += [name] if now != outcome else []
        outcome = now
    return outcome, case, tuple(used)


def received_outcome(case: Received, limitations: Iterable[Limitation]) -> tuple[Outcome, tuple[str, ...]]:
    """Return what limitations make of a message that is received, and the ids of those that made a difference."""
    rules = {rule.name for rule in case.decision.rules}
    used = []
    outcome = law.outcome(case.decision, case.peer)
    for item in limitations:
        if item.id in _RECEIVED and (not item.rules or rules & set(item.rules)):
            case = _RECEIVED[item.id](case, item)
            now = law.outcome(case.decision, case.peer)
            used += [item.id] if now != outcome else []
            outcome = now
    return outcome, tuple(used)


def _suites_named(item: Limitation) -> tuple[set[str], set[str]]:
    """Return the suites that a limitation's message says are added, and those that are left out."""
    added, _, lost = re.split(r"(not offered|without)", f"{item.message} without", maxsplit=1)
    return set(re.findall(r"TLS_\w+", added)), set(re.findall(r"TLS_\w+", lost))


def _with_suites(case: Any, added: Iterable[str], lost: Iterable[str] = ()) -> Any:
    parameters = case.decision.parameters
    suites = tuple({*parameters.cipher_suites, *added} - set(lost))
    return case._replace(decision=case.decision._replace(parameters=parameters._replace(cipher_suites=suites)))


def _named_suites(case: Any, item: Limitation) -> Any:
    return _with_suites(case, *_suites_named(item))


def _gnutls_product(case: Any, item: Limitation) -> Any:
    """Add the suites whose key exchange and cipher some suites of this very list have."""
    parts = [gnutls_parts(suite) for suite in case.decision.parameters.cipher_suites]
    exchanges, ciphers = {part.key_exchange for part in parts}, {part.cipher for part in parts}
    added, _ = _suites_named(item)
    return _with_suites(case, [s for s in added if gnutls_parts(s).key_exchange in exchanges and gnutls_parts(s).cipher in ciphers])


def _old_suites_gone(case: Sent, item: Limitation) -> Sent:
    return _named_suites(case, item) if case.decision.parameters.minimum_version >= Version.TLSv1_2 else case


def _both_lists(case: Sent, _: Limitation) -> Sent:
    policy = case.build.policy
    every = {*policy.required.cipher_suites, *policy.opportunistic.cipher_suites}
    return _with_suites(case, every) if case.decision.tls is Level.OPPORTUNISTIC else case


def _without_dhe(case: Any, _: Limitation) -> Any:
    return _with_suites(case, (), [suite for suite in case.decision.parameters.cipher_suites if suite.startswith("TLS_DHE_")])


def _both_group_lists(case: Sent, _: Limitation) -> Sent:
    policy = case.build.policy
    has = case.host.session.has_group_of(policy.required) or case.host.session.has_group_of(policy.opportunistic)
    return case._replace(peer=case.peer._replace(handshake_fails=case.host.fails or not has))


def _without_rule_floor(case: Received, _: Limitation) -> Received:
    rules = tuple(rule._replace(minimum_version=None) for rule in case.decision.rules)
    return case._replace(decision=case.decision._replace(rules=rules))


def _openssl_groups(case: Received, _: Limitation) -> Received:
    """OpenSSL's own groups are in force."""
    lacks = case.session is not None and case.session.group == HYBRID and case.build.openssl < _HAS_HYBRID
    return case._replace(peer=case.peer._replace(handshake_fails=lacks))


def _no_hybrid_group(case: Received, _: Limitation) -> Received:
    hybrid = case.session is not None and case.session.group == HYBRID
    return case._replace(peer=case.peer._replace(handshake_fails=case.peer.handshake_fails or hybrid))


def _to_openssl_groups(case: Sent, _: Limitation) -> Sent:
    """OpenSSL offers its own groups, and from 3.5 on a key share that makes the ClientHello long."""
    has_hybrid = case.build.openssl >= _HAS_HYBRID
    lacks = case.host.session.group == HYBRID and not has_hybrid
    too_long = case.host.fault == "large-hello" and has_hybrid
    return case._replace(peer=case.peer._replace(handshake_fails=case.host.fails or lacks or too_long))


def _to_no_hybrid_group(case: Sent, _: Limitation) -> Sent:
    fails = case.peer.handshake_fails or case.host.session.group == HYBRID
    return case._replace(peer=case.peer._replace(handshake_fails=fails))


def _lowest_floor(case: Sent, _: Limitation) -> Sent:
    """Let the minimum be the lowest one that anything that is sent may have."""
    if case.decision.tls is not Level.OPPORTUNISTIC:
        return case
    policy = case.build.policy
    decisions = [law.outbound_decision(policy, rule) for rule in (None, *policy.outbound.rules)]
    floor = min(decision.parameters.minimum_version for decision in decisions if decision.tls is not Level.NONE)
    return case._replace(decision=case.decision._replace(parameters=case.decision.parameters._replace(minimum_version=floor)))


def _new_versions(case: Any, _: Limitation) -> Any:
    return case._replace(
        peer=case.peer._replace(versions=frozenset(version for version in case.peer.versions if version >= Version.TLSv1_2))
    )


def _tls_although_none(case: Sent, _: Limitation) -> Sent:
    if case.decision.tls is not Level.NONE or not case.is_passenger:
        return case
    return case._replace(decision=case.decision._replace(tls=Level.OPPORTUNISTIC))


def _no_dane(case: Sent, _: Limitation) -> Sent:
    if case.decision.tls is Level.REQUIRED:
        return case._replace(peer=case.peer._replace(starttls=False))
    return case._replace(decision=case.decision._replace(verify=Verify.NONE))


def _common_name_only(case: Sent, _: Limitation) -> Sent:
    judged = {
        "san-only": Certificate.OTHER_NAME,
        "named-in-san": Certificate.OTHER_NAME,
        "common-name-only": Certificate.OTHER_NAME if case.decision.mx else Certificate.VALID,
    }.get(case.host.certificate, case.peer.certificate)
    return case._replace(peer=case.peer._replace(certificate=judged))


def _common_name_counts(case: Sent, item: Limitation) -> Sent:
    return _common_name_only(case, item) if case.host.certificate == "common-name-only" else case


def _names_below_not_found(case: Sent, _: Limitation) -> Sent:
    hidden = case.host.certificate == "named-in-san"
    return case._replace(peer=case.peer._replace(certificate=Certificate.OTHER_NAME)) if hidden else case


def _handshake_failed(case: Sent) -> bool:
    """Tell whether a handshake was begun and failed; an answer of 454 begins none."""
    begun = case.peer.starttls and case.host.fault != "454"
    return begun and (case.peer.handshake_fails or not law.can_agree(case.decision.parameters, case.peer))


def _dane_for_all(case: Sent, outcome: Outcome) -> Outcome:
    """Hold mail where a TLSA lookup fails, where records take the place of names, and, from 8.18.2 on, instead of clear text."""
    if case.decision.verify is Verify.DANE:
        return outcome
    records = case.peer.tlsa in {Tlsa.MATCHING, Tlsa.NOT_MATCHING}
    held = case.peer.tlsa is Tlsa.LOOKUP_FAILS
    held |= records and case.decision.verify is Verify.HOSTNAME
    tried = case.decision.tls is not Level.NONE
    held |= records and tried and _handshake_failed(case) and case.build.release >= _HOLDS_WITH_TLSA
    return Outcome.HELD if held else outcome


def _no_fallback(case: Sent, outcome: Outcome) -> Outcome:
    return Outcome.HELD if outcome is Outcome.CLEAR and case.decision.tls is Level.OPPORTUNISTIC and _handshake_failed(case) else outcome


def _unusable_records_hold(case: Sent, outcome: Outcome) -> Outcome:
    return Outcome.HELD if case.peer.tlsa is Tlsa.UNUSABLE and case.peer.starttls else outcome


def _unusable_records_loosely(case: Sent, outcome: Outcome) -> Outcome:
    """Accept a session that is good enough where nobody requires TLS."""
    loosely = case.peer.tlsa is Tlsa.UNUSABLE and law.can_agree(case.build.policy.opportunistic, case.peer)
    return Outcome.TLS if loosely and case.peer.starttls and not case.peer.handshake_fails else outcome


_HAS_HYBRID: Final = (3, 5)
_HOLDS_WITH_TLSA: Final = (8, 18, 2)
_SENT: Final[dict[str, Callable[[Any, Limitation], Any]]] = {
    "sendmail-none-by-host": _tls_although_none,
    "sendmail-dane-missing": _no_dane,
    "sendmail-one-floor": _lowest_floor,
    "sendmail-one-suite-list": _both_lists,
    "sendmail-system-minimum": _new_versions,
    "sendmail-library-groups": _to_openssl_groups,
    "sendmail-library-tls13-suites": _named_suites,
    "sendmail-common-name-only": _common_name_only,
    "sendmail-common-name-counts": _common_name_counts,
    "sendmail-mx-wildcard": _names_below_not_found,
    "exim-openssl-groups-outbound": _to_openssl_groups,
    "exim-openssl-tls13-suites": _named_suites,
    "exim-openssl-old-suites": _old_suites_gone,
    "exim-gnutls-groups": _to_no_hybrid_group,
    "exim-gnutls-suites-added": _gnutls_product,
    "postfix-group-unavailable": _to_no_hybrid_group,
    "postfix-groups-shared": _both_group_lists,
    "postfix-tls13-suites-shared": _named_suites,
}
_AFTER: Final[dict[str, Callable[[Sent, Outcome], Outcome]]] = {
    "sendmail-no-fallback": _no_fallback,
    "sendmail-dane-is-global": _dane_for_all,
    "sendmail-dane-unusable-records": _unusable_records_loosely,
    "exim-openssl-dane-unusable": _unusable_records_hold,
    "postfix-address-unverifiable": lambda *_: Outcome.HELD,
    "exim-openssl-address-unverifiable": lambda *_: Outcome.HELD,
    "sendmail-address-unverifiable": lambda *_: Outcome.HELD,
}
_RECEIVED: Final[dict[str, Callable[[Any, Limitation], Any]]] = {
    "postfix-inbound-rule-version": _without_rule_floor,
    "postfix-group-unavailable": _no_hybrid_group,
    "exim-gnutls-groups": _no_hybrid_group,
    "exim-gnutls-suites-added": _gnutls_product,
    "exim-gnutls-server-dhe": _without_dhe,
    "exim-openssl-groups-inbound": _openssl_groups,
    "exim-openssl-tls13-suites": _named_suites,
    "sendmail-library-groups": _openssl_groups,
    "sendmail-library-tls13-suites": _named_suites,
    "sendmail-server-dhe": _without_dhe,
    "sendmail-system-minimum": _new_versions,
}
# These name no rule, and are for every session.
_ALL: Final = frozenset(
    {
        "sendmail-library-groups",
        "sendmail-library-tls13-suites",
        "sendmail-system-minimum",
        "exim-openssl-groups-outbound",
        "exim-openssl-tls13-suites",
        "exim-openssl-old-suites",
        "exim-gnutls-groups",
        "exim-gnutls-suites-added",
        "postfix-group-unavailable",
        "postfix-groups-shared",
        "postfix-tls13-suites-shared",
    }
)
KNOWN: Final = frozenset({*_SENT, *_AFTER, *_RECEIVED, PORT_NOT_SEEN})
