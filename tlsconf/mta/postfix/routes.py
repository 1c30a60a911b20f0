"""Where a site sends mail to other hosts than its profile supposes, and what applies there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf import law
from tlsconf.domains import covering, most_specific
from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.postfix.configuration import tokens
from tlsconf.mta.postfix.hops import is_own_host, next_hop, read_table, route
from tlsconf.mta.postfix.services import senders
from tlsconf.policy import Level, NextHop

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from tlsconf.live.discrepancy import Severity
    from tlsconf.live.machine import Machine
    from tlsconf.mta.postfix.configuration import Configuration
    from tlsconf.mta.postfix.hops import Table
    from tlsconf.policy import OutboundRule, Policy

_SENDER_RELAYS: Final = "sender_dependent_relayhost_maps"
_SENDER_TRANSPORTS: Final = "sender_dependent_default_transport_maps"
_FALLBACK: Final = "smtp_fallback_relay"
NAMES: Final = (
    "relayhost",
    "default_transport",
    "relay_transport",
    "transport_maps",
    _SENDER_RELAYS,
    _SENDER_TRANSPORTS,
    _FALLBACK,
    "content_filter",
)

_NAME_IT: Final = "name the host in a rule with next_hops, or take it out"
_SHOWN: Final = 3  # names in one message
_WITHOUT_TLS: Final = frozenset({"none", "may", "dane"})


def used_services(configuration: Configuration) -> frozenset[str]:
    """Return the transports that mail goes by where no table says otherwise."""
    named = (configuration.value(name).partition(":")[0] for name in ("default_transport", "relay_transport"))
    return frozenset({"smtp", "relay", *named})


def local_filters(configuration: Configuration) -> frozenset[str]:
    """Return the transports that bring mail to a content filter on this machine."""
    values = [configuration.value("content_filter"), *(service.overrides.get("content_filter", "") for service in configuration.services)]
    return frozenset(transport for transport, hop in map(route, values) if hop is not None and is_own_host(hop))


def inspect_routes(machine: Machine, configuration: Configuration, policy: Policy) -> Iterator[Discrepancy]:
    """Yield what sends mail past the smarthost, or past the rules for domains."""
    smtp = {service.name for service in senders(configuration)}
    yield from _everything(configuration, policy, smtp)
    yield from _transports(machine, configuration, policy, smtp)
    yield from _by_sender(machine, configuration, policy, smtp)
    yield from _fallbacks(configuration, policy)
    transport, hop = route(configuration.value("relay_transport"))
    if transport in smtp and (names := bypassed(policy, hop)):
        yield _bypass(configuration, "relay_transport", f"mail for relay_domains goes to {hop}", names, certain=False)
    yield from _filters(configuration, policy)


def _everything(configuration: Configuration, policy: Policy, smtp: set[str]) -> Iterator[Discrepancy]:
    """Check where mail goes that nothing else routes."""
    transport, hop = route(configuration.value("default_transport"))
    name = "default_transport" if hop is not None else "relayhost"
    if transport not in smtp:
        return
    hop = next_hop(configuration.value("relayhost")) if hop is None else hop
    smarthost = policy.outbound.smarthost
    if hop == smarthost:
        return
    if smarthost is None:
        message = f"{name} sends everything to {hop}, but the profile has no smarthost: its rules go by the recipient's domain"
    else:
        message = f"{name} is not the smarthost of the profile, {smarthost}" + (f", but {hop}" if hop else "")
    remedy = "name it as outbound.smarthost, or take it out" if smarthost is None else f"postconf -e 'relayhost = {smarthost}'"
    yield Discrepancy("postfix-relayhost", "error", message, configuration.main, configuration.main_line(name), remedy)


def _transports(machine: Machine, configuration: Configuration, policy: Policy, smtp: set[str]) -> Iterator[Discrepancy]:
    """Check where domains with rules go; with a smarthost, what sends everything elsewhere."""
    name = "transport_maps"
    domains, _ = law.outbound_index(policy)
    smarthost = policy.outbound.smarthost
    if not domains and smarthost is None:
        return
    table = read_table(machine, configuration.value(name))
    yield from _unknown(configuration, name, table)
    default = configuration.value("default_transport").partition(":")[0]
    if smarthost is not None:
        transport, hop = route(table.entries.get("*", ""))
        if (transport or default) in smtp and hop not in {None, smarthost}:
            message = f"{name} sends everything to {hop}, not to the smarthost of the profile, {smarthost}"
            yield Discrepancy("postfix-relayhost", "error", message, configuration.main, configuration.main_line(name), _NAME_IT)
        return
    past: dict[NextHop | str | None, dict[str, str]] = {}
    for pattern, value in _routed(machine, table, domains):
        transport, hop = route(value)
        rule = next((domains[cover] for cover in covering(pattern) if cover in domains), None)
        kept = hop == pattern or (transport or default) not in smtp
        if rule is not None and not kept and f"rule {rule.name}" in bypassed(policy, hop):
            past.setdefault(hop, {})[pattern] = f"rule {rule.name}"
    for hop, patterns in past.items():
        yield _bypass(configuration, name, f"mail for {_few(patterns)} goes to {hop}", [*dict.fromkeys(patterns.values())])


def _routed(machine: Machine, table: Table, domains: Mapping[str, OutboundRule]) -> Iterator[tuple[str, str]]:
    """Yield patterns of domains and what the tables say of them: of each key, and of each pattern of a rule (transport(5))."""
    for key, value in table.entries.items():
        domain = key.rpartition("@")[2]
        if domain != "*":
            yield (f"*{domain}" if domain.startswith(".") else domain), value
    for pattern in domains:
        keys = [*(cover.removeprefix("*") for cover in covering(pattern)), "*"]
        yield from [(pattern, table.entries[key]) for key in keys if key in table.entries][:1]
    names = {f"tlsconf@{pattern.replace('*', 'tlsconf', 1)}": pattern for pattern in domains}
    for asked in table.asked:
        answer = machine.run("postmap", "-q", "-", asked, stdin="".join(f"{name}\n" for name in names))
        for line in answer.stdout.split("\n"):
            key, tab, value = line.partition("\t")
            if tab:
                yield names[key], value


def _by_sender(machine: Machine, configuration: Configuration, policy: Policy, smtp: set[str]) -> Iterator[Discrepancy]:
    """Check where the mail of single senders goes, which knows no rule for domains."""
    if policy.outbound.smarthost is None and not law.outbound_index(policy)[0]:
        return
    for name in (_SENDER_RELAYS, _SENDER_TRANSPORTS):
        table = read_table(machine, configuration.value(name))
        yield from _unknown(configuration, name, table._replace(unknown=(*table.unknown, *table.asked)))
        past: dict[NextHop | str, dict[str, str]] = {}
        for sender, value in table.entries.items():
            transport, hop = ("", next_hop(value)) if name == _SENDER_RELAYS else route(value)
            if hop is not None and hop != "dunno" and (transport in smtp or not transport):
                past.setdefault(hop, {})[sender] = value
        for hop, entries in past.items():
            yield from _elsewhere(configuration, policy, name, hop, f"mail from {_few(entries)} goes to {hop}")


def _fallbacks(configuration: Configuration, policy: Policy) -> Iterator[Discrepancy]:
    """Check where mail goes that its own hosts don't take, be it for want of TLS."""
    places: dict[tuple[str, int | None], str] = {}
    for service in senders(configuration):
        places.setdefault(configuration.place(_FALLBACK, service), configuration.value(_FALLBACK, service))
    for place, value in places.items():
        hops = [hop for text in tokens(value) if (hop := next_hop(text)) is not None]
        for hop in hops:
            for found in _elsewhere(configuration, policy, _FALLBACK, hop, f"mail that its own hosts don't take goes to {hop}"):
                yield found._replace(path=place[0], line=place[1])


def _elsewhere(configuration: Configuration, policy: Policy, name: str, hop: NextHop | str, what: str) -> Iterator[Discrepancy]:
    """Judge a hop that takes mail for any domain: a rule for it decides, else it must be no weaker than any rule."""
    smarthost = policy.outbound.smarthost
    if names := bypassed(policy, hop):
        yield _bypass(configuration, name, what, names)
    elif smarthost is not None and hop != smarthost and not is_own_host(hop):
        message = f"{name}: {what}, not to the smarthost of the profile, {smarthost}"
        yield Discrepancy("postfix-relayhost", "warning", message, configuration.main, configuration.main_line(name), _NAME_IT)


def _filters(configuration: Configuration, policy: Policy) -> Iterator[Discrepancy]:
    """Check that mail reaches a filter on this machine, which has no TLS, where TLS is required by default."""
    name = "content_filter"
    for service in (None, *(service for service in configuration.services if name in service.overrides)):
        transport, hop = route(configuration.value(name, service))
        client = next((service for service in senders(configuration) if service.name == transport), None)
        if client is None or hop is None or not is_own_host(hop):
            continue
        rule = law.outbound_index(policy)[1].get(hop) if isinstance(hop, NextHop) else None
        level = configuration.value("smtp_tls_security_level", client)
        follows = "smtp_tls_policy_maps" not in client.overrides
        if (rule.tls is Level.REQUIRED) if rule is not None and follows else level not in _WITHOUT_TLS:
            path, line = (configuration.main, configuration.main_line(name)) if service is None else configuration.place(name, service)
            message = f"{name}: TLS is required for {hop} too; a filter without TLS gets no mail, which is held"
            yield Discrepancy(
                "postfix-filter-held", "warning", message, path, line, f"add an outbound rule with next_hops of {hop} and tls: none"
            )


def bypassed(policy: Policy, hop: NextHop | str | None) -> list[str]:
    """Return the rules for domains, or the smarthost, whose terms mail for a hop does not have."""
    domains, next_hops = law.outbound_index(policy)
    smarthost = policy.outbound.smarthost
    if hop is None or hop == smarthost or is_own_host(hop) or (isinstance(hop, NextHop) and hop in next_hops):
        return []
    terms = law.outbound_decision(policy, most_specific(domains, hop) if isinstance(hop, str) else None)
    others: dict[str, OutboundRule | None] = {f"rule {rule.name}": rule for rule in domains.values()}
    if smarthost is not None:
        others[f"the smarthost {smarthost}"] = next_hops.get(smarthost)
    return [name for name, rule in others.items() if not law.at_least_as_strong(terms, law.outbound_decision(policy, rule))]


def _bypass(configuration: Configuration, name: str, what: str, names: list[str], *, certain: bool = True) -> Discrepancy:
    message = f"{name}: {what}, where weaker terms than those of {_few(names)} apply"
    severity: Severity = "error" if certain else "warning"
    return Discrepancy("postfix-route-past-rules", severity, message, configuration.main, configuration.main_line(name), _NAME_IT)


def _unknown(configuration: Configuration, name: str, table: Table) -> Iterator[Discrepancy]:
    if table.unknown:
        message = f"{name}: what is in {', '.join(table.unknown)} is not looked at; it may send mail past the profile's rules"
        yield Discrepancy("postfix-route-unknown", "warning", message, configuration.main, configuration.main_line(name))


def _few(names: Collection[str]) -> str:
    return ", ".join([*names][:_SHOWN]) + (" and others" if len(names) > _SHOWN else "")
