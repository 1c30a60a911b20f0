"""Where a site sends mail to other hosts than its profile supposes, and what applies there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law
from tlsconf.domains import covering, most_specific
from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.postfix.configuration import tokens
from tlsconf.mta.postfix.services import senders
from tlsconf.policy import Level, NextHop, Verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tlsconf.live.discrepancy import Severity
    from tlsconf.live.machine import Machine
    from tlsconf.mta.postfix.configuration import Configuration
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
    "smtp_host_lookup",
    "queue_directory",
    "multi_instance_directories",
)

_HOP: Final = re.compile(r"\[(?:ipv6:)?([^\]]+)\](?::(\w+))?", re.IGNORECASE)
_PORTS: Final = {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465}  # services(5)
_SMTP: Final = 25
# DATABASE_README: types whose entries `postmap -s` lists, and types that are asked for one key; the others ask somebody else.
_LISTED: Final = frozenset({"texthash", "inline", "hash", "btree", "cdb", "lmdb", "dbm", "sdbm"})
_ASKED: Final = frozenset({"regexp", "pcre"})
_NAME_IT: Final = "name the host in a rule with next_hops, or take it out"
_RESOLVER: Final = "/etc/resolv.conf"
_SHOWN: Final = 3  # names in one message
_WITHOUT_TLS: Final = frozenset({"none", "may", "dane"})


class Table(NamedTuple):
    """What is known of a list of tables: entries, and the tables that have to be asked, or can't be."""

    entries: Mapping[str, str]
    asked: tuple[str, ...]
    unknown: tuple[str, ...]


def used_services(configuration: Configuration) -> frozenset[str]:
    """Return the transports that mail goes by where no table says otherwise."""
    named = (configuration.value(name).partition(":")[0] for name in ("default_transport", "relay_transport"))
    return frozenset({"smtp", "relay", *named})


def local_filters(configuration: Configuration) -> frozenset[str]:
    """Return the transports that bring mail to a content filter on this machine."""
    values = [configuration.value("content_filter"), *(service.overrides.get("content_filter", "") for service in configuration.services)]
    return frozenset(transport for transport, hop in map(_route, values) if hop is not None and _is_own_host(hop))


def next_hop(text: str) -> NextHop | str | None:
    """Read a next hop: a fixed host, or a domain (`example.com:587` included) whose MX hosts it is; `None` where there is none.

    >>> next_hop("[relay.example]:submission")
    NextHop(host='relay.example', port=587)
    """
    text = text.strip().lower()
    match = _HOP.fullmatch(text)
    if match is None:
        return text or None
    port = match[2] or str(_SMTP)
    number = _PORTS.get(port) or (int(port) if port.isdigit() else None)
    return text if number is None else NextHop(match[1], number)


def inspect_routes(machine: Machine, configuration: Configuration, policy: Policy) -> Iterator[Discrepancy]:
    """Yield what sends mail past the smarthost, or past the rules for domains."""
    smtp = {service.name for service in senders(configuration)}
    yield from _everything(configuration, policy, smtp)
    yield from _transports(machine, configuration, policy, smtp)
    yield from _by_sender(machine, configuration, policy, smtp)
    yield from _fallbacks(configuration, policy)
    transport, hop = _route(configuration.value("relay_transport"))
    if transport in smtp and (names := bypassed(policy, hop)):
        yield _bypass(configuration, "relay_transport", f"mail for relay_domains goes to {hop}", names, certain=False)
    yield from _filters(configuration, policy)


def _everything(configuration: Configuration, policy: Policy, smtp: set[str]) -> Iterator[Discrepancy]:
    """Check where mail goes that nothing else routes."""
    transport, hop = _route(configuration.value("default_transport"))
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
    table = _table(machine, configuration.value(name))
    yield from _unknown(configuration, name, table)
    default = configuration.value("default_transport").partition(":")[0]
    if smarthost is not None:
        transport, hop = _route(table.entries.get("*", ""))
        if (transport or default) in smtp and hop not in {None, smarthost}:
            message = f"{name} sends everything to {hop}, not to the smarthost of the profile, {smarthost}"
            yield Discrepancy("postfix-relayhost", "error", message, configuration.main, configuration.main_line(name), _NAME_IT)
        return
    past: dict[NextHop | str | None, dict[str, str]] = {}
    for pattern, value in _routed(machine, table, domains):
        transport, hop = _route(value)
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
        table = _table(machine, configuration.value(name))
        yield from _unknown(configuration, name, table._replace(unknown=(*table.unknown, *table.asked)))
        past: dict[NextHop | str, dict[str, str]] = {}
        for sender, value in table.entries.items():
            transport, hop = ("", next_hop(value)) if name == _SENDER_RELAYS else _route(value)
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
    elif smarthost is not None and hop != smarthost and not _is_own_host(hop):
        message = f"{name}: {what}, not to the smarthost of the profile, {smarthost}"
        yield Discrepancy("postfix-relayhost", "warning", message, configuration.main, configuration.main_line(name), _NAME_IT)


def _filters(configuration: Configuration, policy: Policy) -> Iterator[Discrepancy]:
    """Check that mail reaches a filter on this machine, which has no TLS, where TLS is required by default."""
    name = "content_filter"
    for service in (None, *(service for service in configuration.services if name in service.overrides)):
        transport, hop = _route(configuration.value(name, service))
        client = next((service for service in senders(configuration) if service.name == transport), None)
        if client is None or hop is None or not _is_own_host(hop):
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


def inspect_resolver(machine: Machine, configuration: Configuration, policy: Policy) -> Iterator[Discrepancy]:
    """Yield why TLSA records can't be found, or not be trusted, where the profile has DANE (postconf(5), `smtp_dns_support_level`)."""
    if Verify.DANE not in {policy.outbound.verify, *(rule.verify for rule in policy.outbound.rules)}:
        return
    name = "smtp_host_lookup"
    if "dns" not in tokens(configuration.value(name)):
        message = f"{name} is without dns: no TLSA record is looked up, so `verify: dane` can not be kept"
        yield Discrepancy("postfix-dane-lookup", "error", message, configuration.main, configuration.main_line(name), f"postconf -X {name}")
    chrooted = any(service.chrooted for service in senders(configuration) if service.name == "smtp")
    inside = f"{configuration.value('queue_directory')}{_RESOLVER}"  # a copy that Debian makes at each start
    for path in (_RESOLVER, inside) if chrooted and machine.exists(inside) else (_RESOLVER,):
        servers = re.findall(r"^[ \t]*nameserver[ \t]+(\S+)", machine.read(path) or "", re.MULTILINE)
        foreign = [server for server in servers if not server.startswith("127.") and server != "::1"]
        if foreign:
            message = f"Postfix believes {', '.join(foreign)} that an answer is signed (DNSSEC), and whoever is on the way there can say so"
            yield Discrepancy("postfix-dane-resolver", "warning", message, path, remedy="run a resolver that validates on this machine")


def inspect_instances(configuration: Configuration) -> Iterator[Discrepancy]:
    """Yield the instances of Postfix that are not looked at."""
    name = "multi_instance_directories"
    if folders := tokens(configuration.value(name)):
        message = f"only the instance of {configuration.folder} was looked at, not {', '.join(folders)}"
        yield Discrepancy("postfix-other-instances", "warning", message, configuration.main, configuration.main_line(name))


def _table(machine: Machine, value: str) -> Table:
    """Look into tables that lie on this machine; an earlier one wins. No other host is asked."""
    entries: dict[str, str] = {}
    asked, unknown = [], []
    for table in tokens(value):
        local = table.removeprefix("proxy:")
        kind, _, rest = local.partition(":")
        if kind in _ASKED:
            asked.append(local)
        elif kind == "static":
            entries.setdefault("*", rest.strip("{}"))
        elif kind in _LISTED and (answer := machine.run("postmap", "-s", local)).status == 0:
            for line in answer.stdout.split("\n"):
                key, tab, result = line.partition("\t")
                if tab:
                    entries.setdefault(key.lower(), result)
        else:
            unknown.append(table)
    return Table(entries, tuple(asked), tuple(unknown))


def _route(value: str) -> tuple[str, NextHop | str | None]:
    """Read `transport:nexthop` (transport(5))."""
    transport, _, hop = value.partition(":")
    return transport.strip(), next_hop(hop)


def bypassed(policy: Policy, hop: NextHop | str | None) -> list[str]:
    """Return the rules for domains, or the smarthost, whose terms mail for a hop does not have."""
    domains, next_hops = law.outbound_index(policy)
    smarthost = policy.outbound.smarthost
    if hop is None or hop == smarthost or _is_own_host(hop) or (isinstance(hop, NextHop) and hop in next_hops):
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


def _is_own_host(hop: NextHop | str) -> bool:
    host = hop.host if isinstance(hop, NextHop) else hop.partition(":")[0]
    return host in {"localhost", "::1"} or host.startswith("127.")


def _few(names: Iterable[str]) -> str:
    first, more = [*names][:_SHOWN], len([*names]) > _SHOWN
    return ", ".join(first) + (" and others" if more else "")
