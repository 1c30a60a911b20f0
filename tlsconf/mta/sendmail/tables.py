"""Rules as entries of Sendmail's tables: what is looked up, and the words that the rulesets understand."""

from __future__ import annotations

from functools import cache, reduce
from ipaddress import IPv4Network, IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.domains import covering, spellings
from tlsconf.plan import Setting
from tlsconf.policy import Level, OnPlaintext, Verify

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping
    from ipaddress import IPv6Network

    from tlsconf.law import OutboundDecision
    from tlsconf.policy import InboundRule, NextHop, OutboundRule
    from tlsconf.tls import Version

NO_RULE: Final = "-"  # stands for a rule's name where the default decides
_ANY: Final = "any"
_EXEMPT: Final = "exempt"


class Requirement(NamedTuple):
    """What a message that is received must meet: the higher, the stricter, so that `max` of each part satisfies all."""

    reject: bool
    floor: Version | None

    def __str__(self) -> str:
        """Return the words of the tables, such as `reject:TLSv1_2`."""
        return f"{'reject' if self.reject else 'defer'}:{word(self.floor) if self.floor else _ANY}"


def word(version: Version) -> str:
    """Return a version as one token of a rewriting rule, such as `TLSv1_2`: a dot would make it three."""
    return version.name


def outbound_words(decision: OutboundDecision) -> str:
    """Return what a decision asks of a session: LEVEL:VERIFY:FLOOR:RULE.

    The floor is that of a session that must be encrypted: by the rule, or by a TLSA record that fits.
    """
    verify = "mx" if decision.mx and decision.verify is Verify.HOSTNAME else str(decision.verify)
    return f"{decision.tls}:{verify}:{word(decision.authenticated.minimum_version)}:{decision.rule or NO_RULE}"


def stricter(one: OutboundDecision, other: OutboundDecision) -> OutboundDecision:
    """Return the decision that asks for more: level, then verification, then floor."""

    def rank(decision: OutboundDecision) -> tuple[int, int, int]:
        return list(Level).index(decision.tls), list(Verify).index(decision.verify), decision.authenticated.minimum_version

    return max(one, other, key=rank)


def domain_entries(rules: Iterable[tuple[OutboundRule, str]]) -> tuple[Setting, ...]:
    """Return the entries of the table by recipient's domain: each pattern in every spelling, with its rule's words."""
    return tuple(Setting(key, words) for rule, words in rules for pattern in rule.domains for key in _spellings(pattern))


def next_hop_entries(hops: Iterable[tuple[NextHop, OutboundDecision]]) -> tuple[Setting, ...]:
    """Return the entries of the table by next hop, `[host]` as `$h` has it.

    Sendmail does not tell a ruleset the port: rules for several ports of one host become the strictest of them.
    """
    by_host: dict[str, OutboundDecision] = {}
    for hop, decision in hops:
        for key in _hop_keys(hop.host.lower()):
            by_host[key] = stricter(by_host[key], decision) if key in by_host else decision
    return tuple(Setting(key, outbound_words(decision)) for key, decision in by_host.items())


def _hop_keys(host: str) -> tuple[str, ...]:
    # `$h` is what mailertable or SMART_HOST says; an IPv6 address may be written there in short or in full.
    if ":" not in host:
        return (f"[{host}]",)
    address = IPv6Address(host)
    full = ":".join(hextet.lstrip("0") or "0" for hextet in address.exploded.split(":"))
    return tuple(dict.fromkeys((f"[ipv6:{address.compressed}]", f"[ipv6:{full}]")))


def _spellings(pattern: str) -> tuple[str, ...]:
    return spellings(pattern) if "xn--" in pattern else (pattern,)


def requirement(rule: InboundRule) -> Requirement:
    """Return what an inbound rule requires."""
    return Requirement(rule.on_plaintext is OnPlaintext.REJECT, rule.minimum_version)


@cache
def both(one: Requirement, other: Requirement) -> Requirement:
    """Return what satisfies two rules at once: a rejection wins over a deferral, the higher floor over the lower."""
    floors = [floor for floor in (one.floor, other.floor) if floor is not None]
    return Requirement(one.reject or other.reject, max(floors, default=None))


def sender_entries(rules: Iterable[InboundRule]) -> tuple[Setting, ...]:
    """Return the entries of the table by sender's domain.

    The ruleset looks up the most specific pattern alone, so each entry carries what all patterns that cover it require.
    """
    table: dict[str, Requirement] = {}
    for rule in rules:
        own = requirement(rule)
        for pattern in rule.senders:
            table[pattern] = both(table[pattern], own) if pattern in table else own
    if len(set(table.values())) > 1:
        table = dict(_merged(table))
    words = {own: str(own) for own in set(table.values())}
    return tuple(Setting(key, words[own]) for pattern, own in table.items() for key in _spellings(pattern))


def _merged(table: Mapping[str, Requirement]) -> Iterator[tuple[str, Requirement]]:
    above: dict[str, list[Requirement]] = {}  # what the wildcards over a name require; neighbours share it
    for pattern, own in table.items():
        parent = pattern.partition(".")[2]
        if parent not in above:
            above[parent] = [table[wider] for wider in covering(f"*.{parent}") if wider in table]
        yield pattern, reduce(both, above[parent], own)


def client_entries(rules: Iterable[InboundRule], exempt: Iterable[IPv4Network | IPv6Network]) -> tuple[Setting, ...]:
    """Return the entries of the table by client's address: prefixes that end where a token of `{client_addr}` ends.

    Each carries what every network around it requires; an exemption wins over all. A network becomes at most 128 (IPv4) or 32,768
    (IPv6) prefixes.
    """
    required: dict[str, Requirement] = {}
    for rule in rules:
        own = requirement(rule)
        for network in rule.clients:
            for prefix in prefixes(network):
                required[prefix] = both(required[prefix], own) if prefix in required else own
    exempted = dict.fromkeys(prefix for network in exempt for prefix in prefixes(network))
    return tuple(Setting(prefix, _client_words(prefix, required, exempted)) for prefix in dict.fromkeys((*required, *exempted)))


def _client_words(prefix: str, required: Mapping[str, Requirement], exempted: Container[str]) -> str:
    around = (prefix, *_shorter(prefix))
    if any(wider in exempted for wider in around):
        return _EXEMPT
    return str(reduce(both, (required[wider] for wider in around if wider in required)))


def prefixes(network: IPv4Network | IPv6Network) -> Iterator[str]:
    """Yield the prefixes that cover a network exactly, as `{client_addr}` spells addresses: octets, or hextets without leading zeros.

    >>> from ipaddress import ip_network
    >>> list(prefixes(ip_network("192.0.2.0/23")))
    ['192.0.2', '192.0.3']
    >>> list(prefixes(ip_network("2001:db8::/32")))
    ['ipv6:2001:db8']
    """
    old = isinstance(network, IPv4Network)
    size, separator, spelling = (8, ".", "d") if old else (16, ":", "x")
    tokens = -(-network.prefixlen // size)
    if tokens == 0:
        yield "ipv4" if old else "ipv6"
        return
    first = int(network.network_address) >> (network.max_prefixlen - tokens * size)
    fixed = [format(first >> size * place & (1 << size) - 1, spelling) for place in range(tokens - 1, 0, -1)]
    head = separator.join([*(() if old else ("ipv6",)), *fixed, ""])
    last = first & (1 << size) - 1  # the network ends within this token: no other one varies
    yield from (f"{head}{token:{spelling}}" for token in range(last, last + (1 << tokens * size - network.prefixlen)))


def _shorter(prefix: str) -> Iterator[str]:
    separator = ":" if ":" in prefix else "."
    while separator in prefix:
        prefix = prefix.rpartition(separator)[0]
        yield prefix
    if separator == "." and prefix not in {"ipv4", "ipv6"}:
        yield "ipv4"
