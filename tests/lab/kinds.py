"""What the other side of a session is like: kinds of receiving hosts and of clients, each with what the law is told about it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.domains import candidates
from tlsconf.law import Certificate, Peer, Tlsa
from tlsconf.tls import Version

if TYPE_CHECKING:
    from tlsconf.policy import Parameters

# What OpenSSL's own list has in common with the profiles of the lab, and what else it has.
_MODERN: Final = frozenset(
    {
        "TLS_AES_256_GCM_SHA384",
        "TLS_CHACHA20_POLY1305_SHA256",
        "TLS_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    }
)
_CBC: Final = frozenset({"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"})
_EVERYTHING: Final = "ALL:@SECLEVEL=0"  # without it, OpenSSL has no suite for TLS 1.1


HYBRID: Final = "X25519MLKEM768"


class Session(NamedTuple):
    """What one side of a session can do: `group` and `tls13_suite`, where given, are the only ones (OpenSSL's short name, IANA name)."""

    minimum: Version = Version.TLSv1_2
    maximum: Version = Version.TLSv1_3
    ciphers: str | None = None
    suites: frozenset[str] = _MODERN
    group: str | None = None
    tls13_suite: str | None = None

    @property
    def settings(self) -> str:
        """Return what Python's ssl can't say, as lines of OpenSSL's own configuration."""
        lines = [f"Groups = {self.group}"] if self.group == HYBRID else []
        lines += [f"Ciphersuites = {self.tls13_suite}"] if self.tls13_suite else []
        return "\n".join(lines)

    @property
    def versions(self) -> frozenset[Version]:
        """Return every version from the lowest to the highest."""
        return frozenset(version for version in Version if self.minimum <= version <= self.maximum)

    def has_group_of(self, parameters: Parameters) -> bool:
        """Tell whether both sides have a group."""
        return self.group is None or _IANA_GROUPS[self.group] in parameters.groups

    def as_json(self) -> dict[str, str | None]:
        """Return it as `world.py` and `client.py` take it."""
        lowest, highest = (version.name.replace("TLSv1_0", "TLSv1") for version in (self.minimum, self.maximum))
        return {"minimum": lowest, "maximum": highest, "ciphers": self.ciphers, "group": None if self.group == HYBRID else self.group}


_IANA_GROUPS: Final = {
    "X25519": "X25519",
    "prime256v1": "secp256r1",
    "secp384r1": "secp384r1",
    "secp521r1": "secp521r1",
    "X25519MLKEM768": "X25519MLKEM768",
}

TLS12: Final = Session(maximum=Version.TLSv1_2)
TLS13: Final = Session(minimum=Version.TLSv1_3)
TLS11: Final = Session(Version.TLSv1_1, Version.TLSv1_1, _EVERYTHING)
TLS10: Final = Session(Version.TLSv1_0, Version.TLSv1_0, _EVERYTHING)
CBC: Final = Session(maximum=Version.TLSv1_2, ciphers="ECDHE-RSA-AES128-SHA256", suites=_CBC)


class Host(NamedTuple):
    """A kind of receiving host. `certificate` is one of `certificates.made().hosts`; `fault` as `world.py` has it."""

    certificate: str = "valid"
    starttls: bool = True
    fault: str | None = None
    session: Session = Session()
    tlsa: Tlsa = Tlsa.NONE

    @property
    def fails(self) -> bool:
        """Tell whether no handshake with it can succeed; a host that can't take a long ClientHello is no reason to hold mail."""
        return self.fault in {"garbage", "454"}

    def peer(self, mx: tuple[str, ...], parameters: Parameters) -> Peer:
        """Return what the law is told: the certificate is judged by the names that count for the rule."""
        fails = self.fails or not self.session.has_group_of(parameters)
        return Peer(self.starttls, fails, self.session.versions, self.session.suites, self.judged(mx), self.tlsa)

    def judged(self, mx: tuple[str, ...]) -> Certificate:
        """Return how the certificate is to be judged where `mx` names count, or, with none, the name that DNS gave."""
        if self.certificate in {"self-signed", "expired"}:
            return Certificate(self.certificate)
        if not mx:
            return Certificate.VALID if self.certificate in {"valid", "san-only", "address"} else Certificate.OTHER_NAME
        name = _NAMES.get(self.certificate)
        fits = name is not None and any(pattern in mx for pattern in candidates(name))
        return Certificate.VALID if fits else Certificate.OTHER_NAME


# A name that each certificate is for, as far as rules with `mx` ask for it.
_NAMES: Final = {
    "named": "mx.named.test",
    "named-below": "a.b.named.test",
    "named-wildcard": "relay.named-wildcard.test",
    "named-in-san": "in-san.named.test",
}

HOSTS: Final = {
    "no-starttls": Host(starttls=False),
    "valid": Host(),
    "tls1.2": Host(session=TLS12),
    "tls1.3": Host(session=TLS13),
    "below-floor": Host(session=TLS11),
    "suites-outside": Host(session=CBC),
    "self-signed": Host("self-signed"),
    "other-name": Host("other-name"),
    "expired": Host("expired"),
    "san-only": Host("san-only"),
    "common-name-only": Host("common-name-only"),
    "handshake-fails": Host(fault="garbage"),
    "454": Host(fault="454"),
    "tlsa-matching": Host("self-signed", tlsa=Tlsa.MATCHING),
    "tlsa-not-matching": Host(tlsa=Tlsa.NOT_MATCHING),
    "tlsa-no-starttls": Host(starttls=False, tlsa=Tlsa.MATCHING),
    "tlsa-handshake-fails": Host(fault="garbage", tlsa=Tlsa.MATCHING),
    "tlsa-454": Host(fault="454", tlsa=Tlsa.MATCHING),
    "tlsa-below-floor": Host(session=TLS11, tlsa=Tlsa.MATCHING),
    "tlsa-lookup-fails": Host(tlsa=Tlsa.LOOKUP_FAILS),
    "tlsa-unusable": Host("self-signed", tlsa=Tlsa.UNUSABLE),
    "tlsa-unusable-no-starttls": Host(starttls=False, tlsa=Tlsa.UNUSABLE),
}
HOSTS_BY_ADDRESS: Final = {"address": Host("address")}
NAMED_HOSTS: Final = {name: Host(name) for name in ("named", "named-below", "named-wildcard", "named-in-san")}

CLIENTS: Final[dict[str, Session | None]] = {"clear": None, "tls1.2": TLS12, "tls1.3": TLS13}
OLD_CLIENTS: Final[dict[str, Session | None]] = {"tls1.1": TLS11, "cbc": CBC}


def client_peer(session: Session | None, parameters: Parameters) -> Peer:
    """Return what the law is told about a client."""
    if session is None:
        return Peer(starttls=False)
    return Peer(True, not session.has_group_of(parameters), session.versions, session.suites)  # noqa: FBT003
