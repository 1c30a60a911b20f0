"""Ways that mail takes round the rules: transports without them, and routers that lead to the wrong ones."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.exim.effective import items, line_of, planned
from tlsconf.mta.exim.install import FIXED_ROUTE
from tlsconf.policy import NextHop

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tlsconf.live.discrepancy import Severity
    from tlsconf.live.machine import Machine
    from tlsconf.mta.exim.effective import Driver, Effective
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy

Kind = Literal["transport_smtp", "transport_smarthost"]

_KINDS: Final[tuple[Kind, ...]] = ("transport_smtp", "transport_smarthost")
_STOCK: Final[dict[str, Kind]] = {"remote_smtp": "transport_smtp", "remote_smtp_smarthost": "transport_smarthost"}  # Debian's own
_SERVICES: Final = {"smtp": 25, "smtps": 465, "submissions": 465, "submission": 587}
_LOCAL_NAMES: Final = {"localhost", "localhost.localdomain", "ip6-localhost", "localhost6"}
_PATH: Final = re.compile(r"\{(/[^{}$]+)\}")
_ROUTE: Final = re.compile(r'\s*("[^"]*"|\S+)(?:\s+("[^"]*"|\S+))?')
_HOP: Final = re.compile(r"\[?(?P<host>[^\[\]]+?)\]?(?::(?P<port>\d+))?")
_NARROWING: Final = ("condition", "senders", "local_parts", "local_part_prefix", "local_part_suffix", "check_local_user", "require_files")
_ROUTING: Final = "route as the profile says (Debian: `dpkg-reconfigure exim4-config`), or say so in the profile"


class Route(NamedTuple):
    """A router with an smtp transport that it hands over to.

    `fixed`: the site says which host, not DNS; `hops` are those hosts, `None` where only a message would show. `everything`: it takes
    every domain but local ones; `leaving`: it may leave a domain that it looks at to later routers.
    """

    router: Driver
    transport: Driver
    fixed: bool
    hops: tuple[NextHop, ...] | None
    everything: bool
    leaving: bool


def inspect_transports(machine: Machine, plan: Plan, effective: Effective, folder: str) -> Iterator[Discrepancy]:
    """Yield the transports that do not keep the rules."""
    found = routes(effective)
    for transport in _smtp(effective.transports):
        using = [route for route in found if route.transport == transport]
        if using and all(_is_local(route) for route in using):
            continue  # a content filter on this machine is no receiving host
        severity: Severity = "error" if using else "warning"
        users = ", ".join(dict.fromkeys(route.router.name for route in using)) or "no router now"
        kind = _kind(plan, transport, folder)
        if kind is None:
            which = _STOCK.get(transport.name) or (
                "transport_smarthost" if using and all(route.fixed for route in using) else "transport_smtp"
            )
            message = f"the transport {transport.name} (used by {users}) has no rules: mail that requires TLS may go in clear text"
            line = line_of(machine, effective.path, "driver", transport.name)
            remedy = f"add `.include {folder}/{which}` after its line `driver = smtp`"
            yield Discrepancy("exim-transport-without-include", severity, message, effective.path, line, remedy)
            continue
        for option, wanted in planned(plan, kind):
            has = transport.options.get(option)
            if has is not None and has != wanted:
                message = (
                    f"{option} of the transport {transport.name} (used by {users}) is `{has}`, not what {kind} sets:"
                    " mail may go with less TLS than the profile says"
                )
                line = line_of(machine, effective.path, option, transport.name)
                remedy = f"take the site's own {option}, or the macro that sets it, out"
                yield Discrepancy("exim-transport-option-differs", severity, message, effective.path, line, remedy)
        yield from _beside(machine, transport, kind, effective)


def _beside(machine: Machine, transport: Driver, kind: Kind, effective: Effective) -> Iterator[Discrepancy]:
    """Yield options that the plan leaves alone, with values that change what its own options do (specification, "The smtp transport")."""

    def found(severity: Severity, option: str, effect: str) -> Discrepancy:
        message = f"{option} of the transport {transport.name} is `{transport.says(option)}`: {effect}"
        line = line_of(machine, effective.path, option, transport.name)
        return Discrepancy("exim-transport-option-unsafe", severity, message, effective.path, line, f"take {option} out")

    if transport.says("hosts_avoid_esmtp"):
        yield found("error", "hosts_avoid_esmtp", "these hosts are greeted with HELO, so opportunistic mail for them goes in clear text")
    if transport.says("hosts_require_dane"):
        yield found("error", "hosts_require_dane", "mail for these hosts goes back to its sender where they have no usable TLSA record")
    if transport.says("tls_resumption_hosts"):
        yield found("warning", "tls_resumption_hosts", "a resumed session keeps what another rule for the same host may have agreed on")
    if transport.says("tls_tempfail_tryclear") == "false":
        yield found("warning", "tls_tempfail_tryclear", "opportunistic mail is held where TLS fails, it does not go in clear text")
    if transport.says("protocol") == "smtps" and kind == "transport_smtp":
        yield found("warning", "protocol", "hosts that are found by MX records expect STARTTLS on port 25")


def inspect_routes(machine: Machine, policy: Policy, plan: Plan, effective: Effective, folder: str) -> Iterator[Discrepancy]:
    """Yield the routers that send mail elsewhere than the profile says, or make another rule apply than the law says."""
    found = [route for route in routes(effective) if _is_judged(machine, route)]
    smarthost = policy.outbound.smarthost
    if smarthost is not None and not any(route.fixed and route.everything for route in found):
        message = f"no router sends all mail to the profile's smarthost {smarthost}"
        yield Discrepancy("exim-smarthost-differs", "error", message, effective.path, remedy=_ROUTING)
    of_routers = (
        *(("exim-smarthost-differs", "error", *what) for what in _smarthosts(smarthost, found)),
        *_by_wrong_rules(policy, plan, found, folder),
    )
    for id_, severity, router, message, remedy in of_routers:
        line = line_of(machine, effective.path, "driver", router.name)
        yield Discrepancy(id_, severity, f"the router {router.name} {message}", effective.path, line, remedy)


def _by_wrong_rules(policy: Policy, plan: Plan, found: Sequence[Route], folder: str) -> Iterator[tuple[str, Severity, Driver, str, str]]:
    """Yield routers whose transport asks the rules for next hops where those for domains count, and the other way round."""
    domains = any(rule.domains for rule in policy.outbound.rules)
    hops = {hop for rule in policy.outbound.rules for hop in rule.next_hops}
    staying: str | None = None  # the router that has set `address_data`, which stays set for later ones
    for route in found:
        router, transport, kind = route.router, route.transport, _kind(plan, route.transport, folder)
        data = router.says("address_data")
        staying = None if data else staying
        if not route.fixed and domains and kind is not None:
            remedy = "give it a transport with transport_smtp, and no `address_data`"
            reason = None
            if kind == "transport_smarthost":
                reason = f"the transport {transport.name} has {kind}"
            elif data == FIXED_ROUTE:
                reason = f"it has `address_data = {FIXED_ROUTE}`"
            elif staying:
                reason = f"`address_data = {FIXED_ROUTE}` stays set for what the router {staying} leaves to it"
                remedy = f"give {staying} `domains`, those that it has hosts for, and let it pass none on"
            if reason:
                message = (
                    f"finds hosts by DNS, but no rule for a domain is asked, and mail that requires TLS may go in clear text: {reason}"
                )
                yield "exim-domain-route-by-hop", "error", router, message, remedy
        if route.fixed and kind == "transport_smtp" and data != FIXED_ROUTE and (hops or domains):
            concerned = bool(hops) and (route.hops is None or not hops.isdisjoint(route.hops))
            message = (
                f"has a fixed route, but the rule for the recipient's domain decides, not that for the host: {transport.name} has {kind}"
            )
            remedy = f"add `address_data = {FIXED_ROUTE}` to the router, and `domains` of its own if it has none"
            yield "exim-fixed-route-by-domain", "error" if concerned else "warning", router, message, remedy
        if data == FIXED_ROUTE and route.leaving:
            staying = router.name


def _smarthosts(smarthost: NextHop | None, found: Sequence[Route]) -> Iterator[tuple[Driver, str, str]]:
    """Yield routers that send everything elsewhere than the profile says."""
    for route in found:
        hosts = ", ".join(map(str, route.hops or ())) or "a host that only a message would show"
        if smarthost is None:
            if route.everything:
                if route.fixed:
                    yield (
                        route.router,
                        f"sends all mail to {hosts}, the profile knows no smarthost",
                        "say so as outbound.smarthost in the profile, or route by DNS",
                    )
                return
        elif not route.fixed:
            yield route.router, f"finds hosts by DNS, the profile sends all mail to {smarthost}", "take it out, or outbound.smarthost"
        elif route.everything and route.hops is not None and smarthost not in route.hops:
            yield route.router, f"sends all mail to {hosts}, the profile to {smarthost}", _ROUTING


def routes(effective: Effective) -> tuple[Route, ...]:
    """Return the ways from routers to smtp transports, in the order of the routers."""
    smtp = _smtp(effective.transports)
    return tuple(
        _route(router, transport)
        for router in effective.routers
        if router.says("verify_only") != "true"
        for transport in smtp
        if _names(router.says("transport"), transport.name)
    )


def asks_system(route: Route) -> bool:
    """Tell whether hosts of a fixed route elsewhere are looked up as the system does it, not in the DNS alone."""
    router = route.router
    return (
        route.fixed and not _is_local(route) and re.search(r"\bbyname\b", router.says("route_list") + router.says("route_data")) is not None
    )


def _names(text: str, transport: str) -> bool:
    """Tell whether the option `transport` of a router is a transport, or an expansion that may yield it."""
    return text == transport or ("$" in text and re.search(rf"(?<!\w){re.escape(transport)}(?!\w)", text) is not None)


def _smtp(transports: Iterable[Driver]) -> tuple[Driver, ...]:
    return tuple(item for item in transports if item.says("driver") == "smtp" and item.says("protocol") != "lmtp")


def _route(router: Driver, transport: Driver) -> Route:
    driver = router.says("driver")
    own = transport.says("hosts")
    if own and (driver != "manualroute" or transport.says("hosts_override") == "true") and driver != "dnslookup":
        lists = {"*": own}
    elif driver == "manualroute":
        lists = _lists(router, own)
    else:
        lists = None
    everywhere = _all_domains(router.says("domains")) and not any(router.says(name) not in {"", "false"} for name in _NARROWING)
    takes_all = lists is None or "*" in lists
    declines = router.says("host_find_failed") == "decline" or (everywhere and not takes_all)
    return Route(
        router,
        transport,
        fixed=lists is not None,
        hops=None if lists is None else _hops(lists.values(), transport),
        everything=everywhere and takes_all,
        leaving=_passes(router) or (router.says("more") != "false" and declines),
    )


def _passes(router: Driver) -> bool:
    """Tell whether a router hands domains to the next one, whatever its `more` says (specification, "pass" of these options)."""
    return router.says("self") == "pass" or router.says("host_find_failed") == "pass" or router.says("pass_on_timeout") == "true"


def _lists(router: Driver, own: str) -> dict[str, str]:
    """Return the lists of hosts of a manualroute router by the domains that they are for (specification, "The manualroute router")."""
    data = router.says("route_data")
    if data:
        found = _ROUTE.match(data)
        return {"" if "$" in data or found is None else "*": data if found is None or "$" in data else found[1].strip('"')}
    text = router.says("route_list")
    rules = [found.groups() for rule in items(text if text.startswith("<") else f"<;{text}") if (found := _ROUTE.match(rule))]
    return {pattern.strip('"'): own if hosts is None else hosts.strip('"') for pattern, hosts in rules}


def _hops(lists: Iterable[str], transport: Driver) -> tuple[NextHop, ...] | None:
    port = transport.says("port") or "smtp"
    if transport.says("protocol") == "smtps" and port in {"smtp", "25"}:
        port = "smtps"
    default = int(port) if port.isdecimal() else _SERVICES.get(port)
    found = []
    for text in lists:
        for item in items(text):
            match = _HOP.fullmatch(re.sub(r"(?i)/mx$", "", item))
            if "$" in item or match is None or default is None:
                return None
            found.append(NextHop(match["host"].lower().rstrip("."), int(match["port"] or default)))
    return tuple(found)


def _all_domains(domains: str) -> bool:
    return all(item == "*" or item.startswith("!") for item in items(domains))


def _is_local(route: Route) -> bool:
    return bool(route.hops) and all(_is_loopback(hop.host) for hop in route.hops or ())


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host in _LOCAL_NAMES


def _is_judged(machine: Machine, route: Route) -> bool:
    """Tell whether a route is by MX records or to a fixed host elsewhere; one whose files are not there leads nowhere."""
    paths = _PATH.findall(route.router.says("route_data"))
    idle = bool(paths) and not any(machine.exists(path) for path in paths)
    return not idle and not _is_local(route) and (route.fixed or route.router.says("driver") == "dnslookup")


def _kind(plan: Plan, transport: Driver, folder: str) -> Kind | None:
    """Return which of our files a transport has, by most of its options; `None` for none."""
    if not any(folder in value for value in transport.options.values()):
        return None

    def kept(kind: Kind) -> int:
        return sum(transport.options.get(option) == value for option, value in planned(plan, kind))

    return max(_KINDS, key=kept)
