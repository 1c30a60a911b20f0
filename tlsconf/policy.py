"""The effective policy of one host: every value final, each with an origin."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Network, IPv6Network

    from tlsconf.tls import Version

TargetName = Literal["postfix", "exim", "sendmail"]


class Level(StrEnum):
    """With whom TLS is used: the words of the profile."""

    NONE = "none"
    OPPORTUNISTIC = "opportunistic"
    REQUIRED = "required"


class Verify(StrEnum):
    """How a receiving host proves who it is."""

    NONE = "none"
    HOSTNAME = "hostname"
    DANE = "dane"


class OnPlaintext(StrEnum):
    """How clear text is answered where TLS is required: 530, or 4xx."""

    REJECT = "reject"
    DEFER = "defer"


class NextHop(NamedTuple):
    """A fixed next hop: a host name or an address, and a port."""

    host: str
    port: int

    @property
    def is_address(self) -> bool:
        """Tell whether the host is an IPv4 or IPv6 address and not a name."""
        return ":" in self.host or self.host.replace(".", "").isdigit()

    def __str__(self) -> str:
        """Return the profile's spelling with the port."""
        return f"[{self.host}]:{self.port}"


class Certificate(NamedTuple):
    """Paths of a PEM chain (leaf first) and of its key, with `{hostname}` filled in."""

    chain: str
    key: str


class Parameters(NamedTuple):
    """What a TLS session may be: IANA names, preferred first."""

    minimum_version: Version
    cipher_suites: tuple[str, ...]
    groups: tuple[str, ...]
    prefer_server_order: bool


class OutboundRule(NamedTuple):
    """A rule for receiving hosts: it has `domains` (patterns of the recipient's domain, A-labels) or `next_hops`."""

    name: str
    tls: Level
    verify: Verify
    minimum_version: Version | None = None
    mx: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    next_hops: tuple[NextHop, ...] = ()


class Outbound(NamedTuple):
    """Mail that the site sends. With a smarthost, `rules` holds none with `domains`: `set_aside` names those left out."""

    tls: Level
    verify: Verify
    trust_anchors: str | None
    smarthost: NextHop | None
    rules: tuple[OutboundRule, ...]
    set_aside: tuple[str, ...] = ()


class InboundRule(NamedTuple):
    """A rule that requires TLS of senders (patterns of the envelope sender's domain) or of clients (networks)."""

    name: str
    senders: tuple[str, ...] = ()
    clients: tuple[IPv4Network | IPv6Network, ...] = ()
    minimum_version: Version | None = None
    on_plaintext: OnPlaintext = OnPlaintext.REJECT


class Inbound(NamedTuple):
    """Mail that the site receives."""

    tls: Level
    exempt_clients: tuple[IPv4Network | IPv6Network, ...]
    rules: tuple[InboundRule, ...]


class Server(NamedTuple):
    """What the host is called and which certificates it presents, preferred first."""

    hostname: str | None
    certificates: tuple[Certificate, ...]


class Release(NamedTuple):
    """A release: `text` as written, `number` with missing parts as 0, `platform` where it is that platform's own package.

    Two numbers mean the lowest patch level; what a distribution patched in counts only where `platform` is set.
    """

    text: str
    number: tuple[int, int, int, int]
    platform: str | None


class Acceptance(NamedTuple):
    """A limitation that the profile takes into account: for these rules, or for the defaults where there are none."""

    id: str
    rules: tuple[str, ...]
    reason: str


class Target(NamedTuple):
    """A server to render for. `tls_library` is `openssl` or `gnutls`; its version is known only from a platform's own package."""

    name: TargetName
    release: Release
    tls_library: str
    tls_library_version: tuple[int, ...] | None
    platform: str | None
    layout: str | None = None
    map_type: str | None = None
    keep: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    accept: tuple[Acceptance, ...] = ()


class Policy(NamedTuple):
    """What is intended for one host.

    `required` is what a session may be where TLS is required, `opportunistic` where nobody requires it ("two floors").
    """

    name: str
    description: str
    host: str | None
    server: Server
    required: Parameters
    opportunistic: Parameters
    outbound: Outbound
    inbound: Inbound
    targets: tuple[Target, ...]
