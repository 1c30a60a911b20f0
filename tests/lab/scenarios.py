"""What the lab asks of every build: profiles, the hosts and clients that meet them, and a cell for each thing that must hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.lab.certificates import HOSTS as HOSTS_DOMAIN
from tests.lab.kinds import (
    CBC,
    CLIENTS,
    HOSTS,
    HOSTS_BY_ADDRESS,
    HYBRID,
    NAMED_HOSTS,
    OLD_CLIENTS,
    TLS10,
    TLS11,
    TLS12,
    TLS13,
    Host,
    Session,
)
from tests.lab.network import HOP_ADDRESS
from tlsconf.law import Tlsa
from tlsconf.policy import NextHop
from tlsconf.tls import OPENSSL_DEFAULT_TLS13

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SUITES: Final = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
    "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
)
_TLS: Final[dict[str, Any]] = {"minimum_version": "TLSv1.2", "cipher_suites": list(SUITES), "groups": ["X25519", "secp256r1", "secp384r1"]}
ANCHORS: Final = "/etc/ssl/lab/anchors.pem"
STRANGER: Final = "198.18.255.1"  # a client that no rule names
STRANGER6: Final = "2001:db8:255::1"
RELAYED: Final = "relayed.test"  # the site accepts mail for it from everybody, and sends it on
BLOCKED: Final = "blocked.test"  # the site refuses this sender's domain, by its own means
BLOCKED_CLIENT: Final = "198.18.205.7"
PLAIN_BY_SITE: Final = "plain-by-site.test"


class Outbound(NamedTuple):
    """A recipient of a message: what must happen follows from the law, the domain and the host that it has.

    `plain_by_site` where the site's own table, if the server has such a thing, says that no TLS is used.
    Cells with the same `message` are recipients of one message; `phase` 1 is queued while all `late` hosts are down, 0 when they are up.
    """

    id: str
    domain: str
    host: str
    message: str
    phase: int = 0
    plain_by_site: bool = False


class Inbound(NamedTuple):
    """A message that a client tries to hand over; `sender` is the envelope sender's domain, `None` the null sender.

    `refused_by_site` where the site's own rules say no, whatever TLS says.
    """

    id: str
    sender: str | None
    source: str
    session: Session | None
    refused_by_site: bool = False


class Scenario(NamedTuple):
    """A profile and its cells.

    `hosts` are (kind, port) by name, `mx` a domain's host, `routes` fixed next hops by domain, `late` the hosts that are down at first,
    `files` lists that the profile names.
    """

    name: str
    profile: dict[str, Any]
    outbound: tuple[Outbound, ...] = ()
    inbound: tuple[Inbound, ...] = ()
    hosts: dict[str, tuple[Host, int]] = {}  # noqa: RUF012  (nobody changes it)
    mx: dict[str, str] = {}  # noqa: RUF012
    routes: dict[str, NextHop] = {}  # noqa: RUF012
    late: frozenset[str] = frozenset()
    files: dict[str, str] = {}  # noqa: RUF012


class _Draft:
    """Collects the parts of a scenario."""

    def __init__(self, name: str, **profile: Any) -> None:
        server = {"hostname": "mail.lab.example", "certificates": [{"chain": "/etc/ssl/lab/chain.pem", "key": "/etc/ssl/lab/key.pem"}]}
        outbound = {"trust_anchors": ANCHORS, **profile.pop("outbound", {})}
        self.name = name
        self.profile = {"tlsconf": 1, "name": name, "server": server, "tls": _TLS, "outbound": outbound, **profile}
        self.cells: list[Outbound] = []
        self.hosts: dict[str, tuple[Host, int]] = {}
        self.mx: dict[str, str] = {}
        self.routes: dict[str, NextHop] = {}

    def host(self, label: str, kind: Host, port: int = 25) -> str:
        name = label if label == HOP_ADDRESS else f"{label}.{HOSTS_DOMAIN}".lower()
        self.hosts[name] = (kind, port)
        return name

    def send(self, cell: str, domain: str, host: str, message: str | None = None, phase: int = 0) -> None:
        self.mx.setdefault(domain.lower().encode("idna").decode(), host)
        self.cells.append(Outbound(f"out/{self.name}/{cell}", domain, host, message or cell, phase))

    def matrix(self, rule: str, kinds: Iterable[tuple[str, Host]], domain: str) -> None:
        """Add a cell for every kind of host; the domains are subdomains of `domain`."""
        for label, kind in kinds:
            self.send(f"{rule}/{label}", f"{_label(label)}.{domain}", self.host(f"{_label(label)}-{_label(rule)}", kind))

    def done(self, **more: Any) -> Scenario:
        return Scenario(self.name, self.profile, tuple(self.cells), hosts=self.hosts, mx=self.mx, routes=self.routes, **more)


def _label(text: str) -> str:
    """Return a text as a label of a domain name."""
    return re.sub(r"[^a-z0-9]+", "-", text.replace(".", "").lower()).strip("-")


def all_scenarios() -> tuple[Scenario, ...]:
    """Return every scenario."""
    return (
        _rules(), _required(), _required_to_anybody(), _dane(), _dane_required(), _nothing(), _floors(), _hybrid(), _lists(),
        *(_smarthost(kind) for kind in ("valid", "self-signed", "no-starttls")),
    )  # fmt: skip


def _rules() -> Scenario:
    """Every policy as a rule of its own, under an opportunistic default, and all that rules can do to one another."""
    draft = _Draft("rules", outbound={"rules": _OUTBOUND_RULES}, inbound=_INBOUND, lists={"wild": ["*.wild.test"]})
    draft.matrix("opportunistic", HOSTS.items(), "default.test")
    for rule in ("none", "opportunistic-floor", "required", "hostname", "floor", "dane", "dane-required"):
        draft.matrix(rule, HOSTS.items(), f"{rule}.test")
    draft.matrix("mx", {**HOSTS, **NAMED_HOSTS}.items(), "mx.test")
    _wildcards(draft)
    _fixed_hops(draft)
    _shared_hosts(draft)
    late = _queued_pairs(draft)
    draft.mx[RELAYED] = draft.host("collector", HOSTS["no-starttls"])
    draft.send("site/no-tls", PLAIN_BY_SITE, draft.host("plain-by-site", HOSTS["valid"]))
    draft.cells[-1] = draft.cells[-1]._replace(plain_by_site=True)
    many = "".join(f"d{number}.many.test\n" for number in range(10_000))
    inbound = (*_inbound_cells("rules"), *_site_cells("rules"))
    return draft.done(inbound=inbound, late=late, files={"many.txt": f"# partners\n{many}"})


_OUTBOUND_RULES: Final = [
    {"name": "none", "domains": ["*.none.test"], "tls": "none"},
    {"name": "opportunistic-floor", "domains": ["*.opportunistic-floor.test"], "tls": "opportunistic", "minimum_version": "TLSv1.3"},
    {"name": "required", "domains": ["*.required.test"], "tls": "required"},
    {"name": "hostname", "domains": ["*.hostname.test"], "tls": "required", "verify": "hostname"},
    {"name": "floor", "domains": ["*.floor.test"], "tls": "required", "minimum_version": "TLSv1.3"},
    {"name": "dane", "domains": ["*.dane.test"], "tls": "opportunistic", "verify": "dane"},
    {"name": "dane-required", "domains": ["*.dane-required.test"], "tls": "required", "verify": "dane"},
    {
        "name": "mx",
        "domains": ["*.mx.test"],
        "tls": "required",
        "verify": "hostname",
        "mx": ["*.named.test", "relay.named-wildcard.test"],
    },
    {"name": "wild", "domains": [{"list": "wild"}, "exact.test"], "tls": "required"},
    {"name": "below-wild", "domains": ["*.open.wild.test"], "tls": "opportunistic"},
    {"name": "deep-wild", "domains": ["shut.open.wild.test"], "tls": "required", "verify": "hostname"},
    {"name": "idn", "domains": ["*.bücher.test", "müller.test"], "tls": "required"},
    {"name": "many", "domains": [{"file": "many.txt"}], "tls": "required"},
    {
        "name": "hops",
        "next_hops": ["[relay25.hosts.test]", "[relay2525.hosts.test]:2525", "[relay-ports.hosts.test]:2525"],
        "tls": "required",
    },
    {"name": "hop-verified", "next_hops": ["[relay-verified.hosts.test]"], "tls": "required", "verify": "hostname"},
    {"name": "hop-address", "next_hops": [f"[{HOP_ADDRESS}]"], "tls": "required", "verify": "hostname"},
    {"name": "hop-none", "next_hops": ["[relay-none.hosts.test]"], "tls": "none"},
]


def _wildcards(draft: _Draft) -> None:
    """Names, their children and grandchildren, and rules of different length; nobody offers TLS, so the level shows."""
    domains = (
        "wild.test", "child.wild.test", "grand.child.wild.test", "open.wild.test", "child.open.wild.test", "grand.child.open.wild.test",
        "shut.open.wild.test", "child.shut.open.wild.test", "exact.test", "child.exact.test", "notwild.test", "wild.test.other.test",
        "xn--bcher-kva.test", "child.xn--bcher-kva.test", "xn--mller-kva.test", "child.xn--mller-kva.test",
        "d0.many.test", "d5000.many.test", "d9999.many.test", "d10000.many.test", "many.test", "sub.d1.many.test",
    )  # fmt: skip
    for number, domain in enumerate(domains):
        draft.send(f"pattern/{domain}", domain, draft.host(f"pattern{number}", HOSTS["no-starttls"]))
    for domain in ("müller.test", "bücher.test", "child.bücher.test"):  # where a server takes them as they are (RFC 6531)
        draft.send(f"pattern/{domain}", domain, draft.mx[domain.encode("idna").decode()])
    draft.send("pattern/upper-case", "CHILD.Wild.TEST", draft.host("pattern-case", HOSTS["no-starttls"]))


def _fixed_hops(draft: _Draft) -> None:
    """Domains that the site routes to a fixed host, with and without a rule, on port 25 and another."""
    for cell, host, port, kind in (
        ("port-25/no-starttls", "relay25", 25, "no-starttls"),
        ("port-2525/no-starttls", "relay2525", 2525, "no-starttls"),
        ("verified/valid", "relay-verified", 25, "valid"),
        ("none/valid", "relay-none", 25, "valid"),
        ("no-rule/valid", "relay-free", 25, "valid"),
        ("no-rule/no-starttls", "relay-clear", 25, "no-starttls"),
        ("address/address", HOP_ADDRESS, 25, "address"),
        ("port-25-of-2525/no-starttls", "relay-ports", 25, "no-starttls"),
    ):
        domain = f"{_label(cell.replace('/', '-'))}.hop.test"
        draft.routes[domain] = NextHop(draft.host(host, {**HOSTS, **HOSTS_BY_ADDRESS}[kind], port), port)
        draft.send(f"hop/{cell}", domain, draft.routes[domain].host)


def _shared_hosts(draft: _Draft) -> None:
    """Several domains behind one host, as messages of their own and as recipients of one message."""
    for kind in ("no-starttls", "valid", "self-signed", "suites-outside"):
        host = draft.host(f"shared-{kind}", HOSTS[kind])
        for rule in ("default", "none", "required", "hostname"):
            draft.send(f"shared-host/{kind}/{rule}", f"shared-{kind}.{rule}.test", host)
        host = draft.host(f"one-message-{kind}", HOSTS[kind])
        for rule in ("default", "none", "required", "hostname"):
            draft.send(f"one-message/{kind}/{rule}", f"one-{kind}.{rule}.test", host, f"one-message/{kind}")
    # Sendmail makes the connection for the domain that sorts first: here, the one that needs TLS has to wait for one of its own.
    host = draft.host("with-none", HOSTS["valid"])
    for rule in ("none", "required"):
        draft.send(f"with-none/{rule}", f"with-none.{rule}.test", host, "with-none")


def _queued_pairs(draft: _Draft) -> frozenset[str]:
    """Two messages for a host that was down, the weaker first: the second must not ride the first one's session."""
    late = set()
    for weaker, stronger, kind in (
        ("default", "hostname", "self-signed"),
        ("required", "hostname", "self-signed"),
        ("required", "hostname", "valid"),
        ("none", "required", "valid"),
        ("none", "hostname", "valid"),
        ("required", "floor", "tls1.2"),
        ("default", "required", "no-starttls"),
        ("required", "mx", "self-signed"),
    ):
        label = f"{weaker}-then-{stronger}-{_label(kind)}"
        host = draft.host(f"late-{label}", HOSTS[kind])
        late.add(host)
        draft.send(f"queued/{label}/first", f"late-{label}.{weaker}.test", host, phase=1)
        draft.send(f"queued/{label}/second", f"late-{label}.{stronger}.test", host, phase=1)
    return frozenset(late)


_INBOUND: Final[dict[str, Any]] = {
    "tls": "opportunistic",
    "exempt_clients": ["127.0.0.0/8", "::1", "198.18.201.0/24", "2001:db8:201::/48"],
    "rules": [
        {"name": "bank", "senders": ["bank.test", "*.bank.test"], "tls": "required"},
        {"name": "below", "senders": ["*.below.test"], "tls": "required"},
        {"name": "later", "senders": ["later.test"], "tls": "required", "on_plaintext": "defer"},
        {"name": "newest", "senders": ["newest.test"], "tls": "required", "minimum_version": "TLSv1.3"},
        {"name": "idn-sender", "senders": ["bücher.test"], "tls": "required"},
        {"name": "link", "clients": ["198.18.202.0/24", "2001:db8:202::/48"], "tls": "required"},
        {"name": "slow-link", "clients": ["198.18.203.0/24", "2001:db8:203::/48"], "tls": "required", "on_plaintext": "defer"},
        {"name": "new-link", "clients": ["198.18.204.0/24"], "tls": "required", "minimum_version": "TLSv1.3"},
    ],
}  # fmt: skip
_SENDERS: Final = (
    "bank.test", "child.bank.test", "BANK.Test", "below.test", "child.below.test", "grand.child.below.test", "notbank.test", "later.test",
    "newest.test", "xn--bcher-kva.test", "free.test", None,
)  # fmt: skip
_SOURCES: Final = {
    "stranger": STRANGER, "stranger6": STRANGER6, "exempt": "198.18.201.7", "exempt6": "2001:db8:201::7", "link": "198.18.202.7",
    "link6": "2001:db8:202::7", "slow-link": "198.18.203.7", "slow-link6": "2001:db8:203::7", "new-link": "198.18.204.7",
}  # fmt: skip
_DEFAULT_SENDERS: Final = ("free.test", "bank.test", "later.test", None)  # from clients that a rule names


def _inbound_cells(scenario: str) -> Iterator[Inbound]:
    for place, source in _SOURCES.items():
        for sender in _SENDERS if place.startswith("stranger") else _DEFAULT_SENDERS:
            for label, session in CLIENTS.items():
                name = "<>" if sender is None else sender if sender.islower() else "upper-case"
                yield Inbound(f"in/{scenario}/{place}/{name}/{label}", sender, source, session)
    for label, session in {**OLD_CLIENTS, **_ONE_GROUP, **_ONE_SUITE}.items():
        yield Inbound(f"in/{scenario}/handshake/{label}", "free.test", STRANGER, session)


_ONE_GROUP: Final[dict[str, Session | None]] = {
    f"{version}-{group}": session._replace(group=group)
    for version, session in (("tls1.2", TLS12), ("tls1.3", TLS13))
    for group in ("X25519", "prime256v1", "secp384r1", "secp521r1")
}
_ONE_SUITE: Final[dict[str, Session | None]] = {
    name: TLS12._replace(ciphers=name, suites=frozenset({iana}))
    for name, iana in (
        ("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
        ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-RSA-CHACHA20-POLY1305", "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
        ("DHE-RSA-AES256-GCM-SHA384", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    )
}


def _site_cells(scenario: str) -> Iterator[Inbound]:
    """Yield refusals of the site's own, which go on working in clear text and under TLS."""
    for label, session in CLIENTS.items():
        for place in ("stranger", "exempt", "link"):
            yield Inbound(f"in/{scenario}/site/{place}/{label}", BLOCKED, _SOURCES[place], session, refused_by_site=True)
        yield Inbound(f"in/{scenario}/site/client/{label}", "free.test", BLOCKED_CLIENT, session, refused_by_site=True)


def _default(name: str, outbound: dict[str, Any], inbound: dict[str, Any], **more: Any) -> _Draft:
    draft = _Draft(name, outbound=outbound, inbound=inbound, **more)
    draft.matrix("default", HOSTS.items(), f"{name}.test")
    draft.mx[RELAYED] = draft.host("collector", HOSTS["no-starttls"] if outbound["tls"] != "required" else HOSTS["tlsa-matching"])
    return draft


def _required() -> Scenario:
    """Require TLS by default, both ways, with verified names; some clients are exempt."""
    inbound = {"tls": "required", "exempt_clients": ["127.0.0.0/8", "::1", "198.18.201.0/24"], "rules": _INBOUND["rules"][3:4]}
    opportunistic = {"name": "relayed", "domains": [RELAYED, "*.relaxed.test"], "tls": "opportunistic", "verify": "none"}
    draft = _default("required", {"tls": "required", "verify": "hostname", "rules": [opportunistic]}, inbound)
    draft.matrix("relaxed", ((name, HOSTS[name]) for name in ("no-starttls", "valid", "self-signed", "454")), "relaxed.test")
    cells = [
        Inbound(f"in/required/{place}/{sender or '<>'}/{label}", sender, _SOURCES[place], session)
        for place in ("stranger", "stranger6", "exempt")
        for sender in ("free.test", "newest.test", None)
        for label, session in {**CLIENTS, **OLD_CLIENTS}.items()
    ]
    return draft.done(inbound=tuple(cells))


def _required_to_anybody() -> Scenario:
    return _default("required-any", {"tls": "required"}, {"tls": "none"}).done(
        inbound=tuple(Inbound(f"in/required-any/{label}", "free.test", STRANGER, session) for label, session in CLIENTS.items())
    )


def _dane() -> Scenario:
    return _default("dane-default", {"tls": "opportunistic", "verify": "dane"}, {"tls": "opportunistic"}).done()


def _dane_required() -> Scenario:
    return _default("dane-required-default", {"tls": "required", "verify": "dane"}, {"tls": "opportunistic"}).done()


def _nothing() -> Scenario:
    """No TLS by default, and rules that want it."""
    rules = [
        {"name": "some", "domains": ["*.some.test"], "tls": "required"},
        {"name": "try", "domains": ["*.try.test"], "tls": "opportunistic"},
    ]
    draft = _default("nothing", {"tls": "none", "rules": rules}, {"tls": "opportunistic", "rules": _INBOUND["rules"][:1]})
    few = [(name, HOSTS[name]) for name in ("no-starttls", "valid", "self-signed", "454", "below-floor")]
    draft.matrix("some", few, "some.test")
    draft.matrix("try", few, "try.test")
    return draft.done()


def _smarthost(kind: str) -> Scenario:
    """Send everything to one host of a kind."""
    rules = [{"name": "smart", "next_hops": ["[smart.hosts.test]:587"], "tls": "required", "verify": "hostname"}]
    outbound = {"smarthost": "[smart.hosts.test]:587", "tls": "opportunistic", "rules": rules}
    draft = _Draft(f"smarthost-{kind}", outbound=outbound, inbound={"tls": "opportunistic"})
    host = draft.host("smart", HOSTS[kind], 587)
    for number in range(4):
        draft.send(f"{kind}/{number}", f"d{number}.smarthost.test", host)
    return draft.done()


def _floors() -> Scenario:
    """Two floors: old versions where nobody requires TLS, new ones where somebody does."""
    old = [*SUITES, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"]
    tls = {**_TLS, "opportunistic": {"minimum_version": "TLSv1.0", "cipher_suites": old}}
    rules = [
        {"name": "required", "domains": ["*.floors-required.test"], "tls": "required"},
        {"name": "middle", "domains": ["*.floors-middle.test"], "tls": "opportunistic", "minimum_version": "TLSv1.2"},
        {"name": "dane", "domains": ["*.floors-dane.test"], "tls": "opportunistic", "verify": "dane"},
    ]
    draft = _Draft("floors", outbound={"tls": "opportunistic", "rules": rules}, inbound={"tls": "opportunistic"}, tls=tls)
    old_suites = frozenset({"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"})
    kinds = {
        "tls1.0": Host(session=TLS10._replace(suites=old_suites)),
        "tls1.1": Host(session=TLS11._replace(suites=old_suites)),
        "cbc": Host(session=CBC),
        "cbc-sha1": Host(session=TLS12._replace(ciphers="ECDHE-RSA-AES128-SHA", suites=frozenset({"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"}))),
        "tls1.2": Host(session=TLS12),
        "no-starttls": HOSTS["no-starttls"],
    }
    for rule in ("floors", "floors-required", "floors-middle"):
        draft.matrix(rule, kinds.items(), f"{rule}.test")
    eleven = kinds["tls1.1"]
    dane = {f"tls1.1-tlsa-{tlsa}": eleven._replace(certificate="self-signed", tlsa=tlsa) for tlsa in (Tlsa.UNUSABLE, Tlsa.MATCHING)}
    draft.matrix("floors-dane", {"tls1.1": eleven, "tls1.2": kinds["tls1.2"], **dane}.items(), "floors-dane.test")
    draft.mx[RELAYED] = draft.host("collector", HOSTS["no-starttls"])
    clients = {**CLIENTS, "tls1.0": TLS10._replace(suites=old_suites), "tls1.1": TLS11._replace(suites=old_suites), "cbc": CBC}
    return draft.done(inbound=tuple(Inbound(f"in/floors/{label}", "free.test", STRANGER, session) for label, session in clients.items()))


def _hybrid() -> Scenario:
    """Put a hybrid group first in the list: it is used where both have it, and never the reason that a connection fails."""
    tls = {**_TLS, "groups": ["X25519MLKEM768", "X25519", "secp256r1"]}
    rules = [{"name": "hostname", "domains": ["*.hybrid-hostname.test"], "tls": "required", "verify": "hostname"}]
    draft = _Draft(
        "hybrid", outbound={"tls": "required", "rules": rules}, inbound={"tls": "required", "exempt_clients": ["127.0.0.0/8"]}, tls=tls
    )
    kinds = {f"{version}-{group}": Host(session=session._replace(group=group))
             for version, session in (("tls1.2", TLS12), ("tls1.3", TLS13)) for group in ("X25519", "prime256v1", "secp521r1")}  # fmt: skip
    kinds |= {"tls1.2": HOSTS["tls1.2"], "valid": HOSTS["valid"], "tlsa-matching": Host("self-signed", tlsa=Tlsa.MATCHING)}
    kinds |= {"tls1.3-X25519MLKEM768": Host(session=TLS13._replace(group=HYBRID)), "large-hello": Host(fault="large-hello")}
    draft.matrix("hybrid", kinds.items(), "hybrid.test")
    draft.mx[RELAYED] = draft.host("collector", HOSTS["valid"])
    clients: dict[str, Session | None] = {f"{version}-{group}": session._replace(group=group)
               for version, session in (("tls1.2", TLS12), ("tls1.3", TLS13)) for group in ("X25519", "prime256v1")}  # fmt: skip
    clients |= {**CLIENTS, "tls1.3-X25519MLKEM768": TLS13._replace(group=HYBRID), "tls1.3-secp521r1": TLS13._replace(group="secp521r1")}
    cells = tuple(Inbound(f"in/hybrid/{label}", "free.test", STRANGER, session) for label, session in clients.items())
    return draft.done(inbound=cells)


def _lists() -> Scenario:
    """Two lists of suites and of groups, with suites of every key exchange, and two certificates."""
    strong = ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]
    more = ["TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"]
    tls = {
        "minimum_version": "TLSv1.2",
        "cipher_suites": strong,
        "groups": ["X25519", "secp384r1"],
        "opportunistic": {"cipher_suites": [*strong, *more], "groups": ["X25519", "secp256r1", "secp384r1"]},
    }
    server = {
        "hostname": "mail.lab.example",
        "certificates": [{"chain": f"/etc/ssl/lab/chain{name}.pem", "key": f"/etc/ssl/lab/key{name}.pem"} for name in ("", "-ec")],
    }
    rules = [{"name": "required", "domains": ["*.lists-required.test"], "tls": "required"}]
    draft = _Draft("lists", outbound={"tls": "opportunistic", "rules": rules}, inbound={"tls": "opportunistic"}, tls=tls, server=server)
    sessions = {f"tls1.3-{name}": TLS13._replace(tls13_suite=suite, suites=frozenset({suite}))
                for name, suite in zip(("aes-256", "chacha20", "aes-128"), OPENSSL_DEFAULT_TLS13, strict=True)}  # fmt: skip
    sessions |= {f"tls1.2-{name.lower()}": TLS12._replace(ciphers=name, suites=frozenset({iana}))
                 for name, iana in _LISTED_SUITES}  # fmt: skip
    rsa = TLS12._replace(ciphers="ECDHE-RSA-AES256-GCM-SHA384")  # below TLS 1.3, a client's groups are for certificates, too
    sessions |= {f"{version}-{group}": session._replace(group=group)
                 for version, session in (("tls1.2", rsa), ("tls1.3", TLS13)) for group in ("prime256v1", "secp384r1")}  # fmt: skip
    for rule in ("lists", "lists-required"):
        draft.matrix(rule, ((name, Host(session=session)) for name, session in sessions.items()), f"{rule}.test")
    draft.mx[RELAYED] = draft.host("collector", HOSTS["no-starttls"])
    sessions["tls1.2-ecdhe-ecdsa-aes256-gcm-sha384"] = TLS12._replace(
        ciphers="ECDHE-ECDSA-AES256-GCM-SHA384", suites=frozenset({"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"})
    )
    return draft.done(inbound=tuple(Inbound(f"in/lists/{name}", "free.test", STRANGER, session) for name, session in sessions.items()))


_LISTED_SUITES: Final = (
    ("ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("DHE-RSA-AES256-GCM-SHA384", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    ("DHE-RSA-AES128-GCM-SHA256", "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    ("AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384"),
)
