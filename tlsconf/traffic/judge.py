"""Which of the messages that passed went against the rules of a profile."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law
from tlsconf.policy import Level, NextHop
from tlsconf.tls import suite_minimum_version
from tlsconf.traffic.inside import is_loopback

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

    from tlsconf.policy import Parameters, Policy
    from tlsconf.tls import Version
    from tlsconf.traffic.evidence import Passage

_NO_CLIENT: Final = "0.0.0.0"  # noqa: S104  (no address: matches no rule by client)
_SMTP: Final = 25
_REMEMBERED: Final = 50_000


class Breach(NamedTuple):
    """A message that went against a rule: `rule` is its name, or `None` for the default; `what` says what was used instead."""

    passage: Passage
    rule: str | None
    what: str


class Judge:
    """What a policy requires of messages, looked up once for each kind of them."""

    def __init__(self, policy: Policy) -> None:
        """Take the policy by which messages are judged."""
        decide = law.outbound_law(policy)

        @lru_cache(maxsize=_REMEMBERED)
        def outbound(domain: str, hop: NextHop | None) -> tuple[str | None, Parameters] | None:
            decision = decide(law.Outgoing(domain, hop))
            return (decision.rule, decision.parameters) if decision.tls is Level.REQUIRED else None

        @lru_cache(maxsize=_REMEMBERED)
        def inbound(domain: str | None, address: str | None) -> tuple[str | None, Parameters] | None:
            decision = law.decide_inbound(policy, law.Incoming(domain, client_of(address)))
            if decision.rules:
                floors = [rule.minimum_version for rule in decision.rules if rule.minimum_version is not None]
                floor = max([decision.parameters.minimum_version, *floors])
                return ", ".join(rule.name for rule in decision.rules), decision.parameters._replace(minimum_version=floor)
            return (None, decision.parameters) if decision.tls is Level.REQUIRED and not decision.exempt else None

        self._hops, self._outbound, self._inbound = named_hops(policy), outbound, inbound

    def breach(self, passage: Passage) -> Breach | None:
        """Return how a message that was delivered went against what is required, or `None`; what nobody wrote down is no breach.

        Nor is what did not leave the machine: a content filter stands in for the domain that the message goes to.
        """
        if passage.sent:
            if is_loopback(passage.address):
                return None
            required = self._outbound(passage.domain or "", hop_of(passage, self._hops))
        else:
            required = self._inbound(passage.domain, passage.address)
        if required is None:
            return None
        rule, parameters = required
        session = passage.session
        if session is None:
            return Breach(passage, rule, "clear text")
        what = _beneath(parameters, session.version, session.suite)
        return None if what is None else Breach(passage, rule, what)


def _beneath(parameters: Parameters, version: Version | None, suite: str | None) -> str | None:
    if version is not None and version < parameters.minimum_version:
        return str(version)
    if suite is not None and suite not in parameters.cipher_suites and (version is None or version >= suite_minimum_version(suite)):
        return suite
    return None


def client_of(address: str | None) -> IPv4Address | IPv6Address:
    """Return the address that a log names, as servers see it; one that matches no rule where it names none."""
    from ipaddress import ip_address

    try:
        client = ip_address((address or _NO_CLIENT).removeprefix("IPv6:"))
    except ValueError:
        client = ip_address(_NO_CLIENT)
    return getattr(client, "ipv4_mapped", None) or client


def named_hops(policy: Policy) -> frozenset[NextHop]:
    """Return the fixed next hops that rules name."""
    return frozenset(hop for rule in policy.outbound.rules for hop in rule.next_hops)


def hop_of(passage: Passage, named: frozenset[NextHop]) -> NextHop | None:
    """Return the one of the fixed next hops that a message went to: a log does not say what routed it there."""
    if named:
        port = passage.port or _SMTP
        for host in (passage.host, passage.address):
            if host is not None and (hop := NextHop(host, port)) in named:
                return hop
    return None
