"""The lookup files: a line for each pattern, with everything that the rules ask together."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law
from tlsconf.domains import bare_names, covering, spellings
from tlsconf.mta.exim.syntax import word
from tlsconf.plan import Section, Setting
from tlsconf.policy import Level, OnPlaintext, Verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from ipaddress import IPv4Network, IPv6Network

    from tlsconf.mta.exim.ciphers import Sessions
    from tlsconf.policy import InboundRule, NextHop, OutboundRule, Parameters, Policy
    from tlsconf.tls import Version

    Network = IPv4Network | IPv6Network

_EVERYONE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))


def _session_name(policy: Policy, level: Level, parameters: Parameters) -> str:
    """Return the word for what a session may be: the level, and the floor where a rule has one of its own."""
    return str(level) if parameters == law.in_force(policy, level) else f"{level}-{parameters.minimum_version}"


def sessions_of(policy: Policy, decision: law.OutboundDecision) -> dict[str, Parameters]:
    """Return what a session may be under a decision, by the word for it."""
    found = {}
    if decision.tls is not Level.NONE:
        found[_session_name(policy, decision.tls, decision.parameters)] = decision.parameters
    if decision.verify is Verify.DANE:
        found[_session_name(policy, Level.REQUIRED, decision.authenticated)] = decision.authenticated
    return found


def _words(policy: Policy, rule: OutboundRule | None) -> str:
    """Return what a line of `outbound` or `next_hops` says."""
    decision = law.outbound_decision(policy, rule)
    words = [f"tls={decision.tls}", f"verify={decision.verify}"]
    if decision.tls is not Level.NONE:
        words.append(f"session={_session_name(policy, decision.tls, decision.parameters)}")
    if decision.verify is Verify.DANE:
        words.append(f"dane_session={_session_name(policy, Level.REQUIRED, decision.authenticated)}")
    if decision.mx and decision.verify is Verify.HOSTNAME:
        words.append(f"names={word(str(decision.rule))}")
    return " ".join(words)


def outbound(policy: Policy) -> Iterator[Section]:
    """Yield what applies to a recipient's domain."""
    default = _words(policy, None)
    yield Section("every domain that nothing below names", (Setting("*", default),))
    decided: dict[str, str] = {}
    for rule in policy.outbound.rules:
        if rule.domains:
            words = _words(policy, rule)
            decided.update(dict.fromkeys(rule.domains, words))
            yield Section(f"rule {word(rule.name)}", tuple(Setting(key, words) for p in rule.domains for key in spellings(p)))
    # To Exim, `*.example.com` also stands for `example.com` (specification, "Partial matching in single-key lookups").
    bare = {name: default if words is None else words for name, words in bare_names(decided).items()}
    yield Section(
        "names that wildcards do not match", tuple(Setting(key, words) for name, words in bare.items() for key in spellings(name))
    )


def next_hops(policy: Policy) -> Iterator[Section]:
    """Yield what applies to a fixed next hop."""
    smarthost = policy.outbound.smarthost
    everywhere = next((rule for rule in policy.outbound.rules if smarthost in rule.next_hops), None) if smarthost else None
    # Exim may know the smarthost by another name than the profile's, that of a CNAME record's target: it decides for every host.
    yield Section("every host that nothing below names", (Setting("*", _words(policy, everywhere)),))
    for rule in policy.outbound.rules:
        if rule.next_hops:
            words = _words(policy, rule)
            yield Section(f"rule {word(rule.name)}", tuple(Setting(_hop_key(hop), words) for hop in rule.next_hops))


def _hop_key(hop: NextHop) -> str:
    """Return host and port as Exim's `$host` and `$host_port` show them; an IPv6 address is written in full."""
    try:
        address = ip_address(hop.host)
    except ValueError:
        return f"{hop.host}:{hop.port}"
    return f"{address.exploded if isinstance(address, IPv6Address) else address}:{hop.port}"


def names(policy: Policy) -> Iterator[Section]:
    """Yield the names that certificates may be for: a certificate's name is looked up, and the rules that accept it are found.

    A wildcard in a certificate stands for one label (RFC 9525 section 6.3): it is looked up as `_wildcard.` and the rest.
    """
    accepted: dict[str, list[str]] = {}
    for rule in policy.outbound.rules:
        if rule.verify is Verify.HOSTNAME:
            for pattern in rule.mx:
                accepted.setdefault(pattern, []).append(word(rule.name))

    def accepting(pattern: str) -> list[str]:
        return [name for p in covering(pattern) for name in accepted.get(p, ())]

    found = {key: accepting(key) for p in accepted for key in ((p, p[2:]) if p.startswith("*.") else (p,))}
    for pattern, rules in accepted.items():
        rest = pattern.partition(".")[2]
        if rest and not pattern.startswith("*."):
            found.setdefault(f"_wildcard.{rest}", accepting(f"*.{rest}")).extend(rules)
    lines = tuple(Setting(key, " : ".join(dict.fromkeys(rules))) for key, rules in found.items())
    yield Section("names that a certificate may be for, and the rules that say so", lines)


def sessions(allowed: Sessions) -> Iterator[Section]:
    """Yield what a session may be, by the word that the other tables use."""
    strictest = allowed.ciphers.get("required") or next(iter(allowed.ciphers.values()), allowed.listener)
    settings = (Setting("*", strictest), *(Setting(name, value) for name, value in allowed.ciphers.items()))
    yield Section("what a session may be", settings)


class Demand(NamedTuple):
    """What inbound rules together ask of a message: clear text refused, deferred or accepted, and the highest of their floors."""

    reject: bool
    defer: bool
    floor: Version | None

    def __str__(self) -> str:
        """Return the words of a table."""
        plaintext = "reject" if self.reject else "defer" if self.defer else "accept"
        return f"plaintext={plaintext}" + (f" floor={self.floor}" if self.floor is not None else "")


def _demand(rules: Iterable[InboundRule]) -> Demand:
    """Return what several rules ask together: a message must satisfy each of them."""
    rules = tuple(rules)
    return Demand(
        reject=any(rule.on_plaintext is OnPlaintext.REJECT for rule in rules),
        defer=any(rule.on_plaintext is OnPlaintext.DEFER for rule in rules),
        floor=max((rule.minimum_version for rule in rules if rule.minimum_version is not None), default=None),
    )


def senders(policy: Policy) -> Iterator[Section]:
    """Yield what is asked of a sender's domain, with an entry for each name that a wildcard does not match but Exim would."""
    yield Section("every sender that nothing below names", (Setting("*", str(_demand(()))),))
    title = "domains of senders, with what all rules that match them ask together"
    rules = tuple(rule for rule in policy.inbound.rules if rule.senders)
    demands = {str(_demand((rule,))) for rule in rules}
    if len(demands) == 1:  # nothing to put together: by far the quickest for a long list
        alike = dict.fromkeys((pattern for rule in rules for pattern in rule.senders), demands.pop())
        bare = {name: words or str(_demand(())) for name, words in bare_names(alike).items()}
        yield Section(title, tuple(Setting(key, words) for pattern, words in (alike | bare).items() for key in spellings(pattern)))
        return
    asked: dict[str, tuple[InboundRule, ...]] = {}
    for rule in rules:
        for pattern in rule.senders:
            asked[pattern] = (*asked.get(pattern, ()), rule)
    keys = dict.fromkeys([*asked, *(p[2:] for p in asked if p.startswith("*."))])
    yield Section(title, tuple(_merged(keys, asked)))


def _merged(keys: Iterable[str], asked: Mapping[str, tuple[InboundRule, ...]]) -> Iterator[Setting]:
    known: dict[tuple[str, ...], str] = {}
    for key in keys:
        rules = {rule.name: rule for pattern in covering(key) if pattern in asked for rule in asked[pattern]}
        together = tuple(rules)
        if together not in known:
            known[together] = str(_demand(rules.values()))
        for spelling in spellings(key):
            yield Setting(spelling, known[together])


def clients(policy: Policy) -> Iterator[Section]:
    """Yield what is asked of a client, the smallest network first: Exim takes the first line that matches."""
    everyone_must = policy.inbound.tls is Level.REQUIRED
    asked: dict[tuple[int, int, int], tuple[InboundRule, ...]] = {_bits(network): () for network in _EVERYONE}
    written = {_bits(network): str(network) for network in _EVERYONE}
    for rule in policy.inbound.rules:
        for network in rule.clients:
            bits = _bits(network)
            written[bits] = str(network)
            asked[bits] = (*asked.get(bits, ()), rule)
    lengths = sorted({key[:2] for key in asked})
    known: dict[tuple[str, ...], str] = {}
    settings = []
    for key in sorted(asked, key=lambda bits: (bits[0], -bits[1], bits[2])):
        version, length, number = key
        containing = [
            (other, shorter, number >> (length - shorter)) for other, shorter in lengths if other == version and shorter <= length
        ]
        rules = tuple(rule for network in containing for rule in asked.get(network, ()))
        together = tuple(rule.name for rule in rules)
        if together not in known:
            demand = _demand(rules)
            known[together] = str(demand._replace(reject=demand.reject or everyone_must))
        settings.append(Setting(written[key], known[together]))
    yield Section("networks of clients, with what all rules that match them ask together; the first that matches counts", tuple(settings))


def _bits(network: Network) -> tuple[int, int, int]:
    """Return the version, the length of the prefix and the prefix itself."""
    return network.version, network.prefixlen, int(network.network_address) >> (network.max_prefixlen - network.prefixlen)


def exempt_clients(policy: Policy) -> Iterator[Section]:
    """Yield the networks that no requirement touches."""
    yield Section("clients that no requirement touches", tuple(Setting(str(network), "yes") for network in policy.inbound.exempt_clients))
