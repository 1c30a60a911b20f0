"""What differs between releases and platforms of Sendmail: the only place that compares versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.errors import PlanError
from tlsconf.tls import FFDHE_GROUPS, Version

if TYPE_CHECKING:
    from tlsconf.policy import Target

KNOWN: Final = ("8.15", "8.16", "8.17", "8.18")
_OLDEST: Final = (8, 15)  # ServerSSLOptions, ClientSSLOptions and CipherList came with 8.15.1 (RELEASE_NOTES)
_NEWEST: Final = (8, 18)

_DEBIAN: Final = ("debian-", "ubuntu-")  # Ubuntu builds Debian's source package


class _Fact(NamedTuple):
    """Since which release something is there; `platforms` where that depends on how the package was built."""

    since: tuple[int, ...]
    platforms: tuple[str, ...] | None
    source: str


_FACTS: Final[dict[str, _Fact]] = {
    "fallback_to_clear": _Fact((8, 16), None, "RELEASE_NOTES 8.16.1: option TLSFallbacktoClear; 8.15.2 holds the mail (seen)"),
    "cipher_suites": _Fact(
        (8, 17, 1, 9), None, "option CipherSuites: 8.17.1.9, 8.18.1 and 8.18.2 obey it, 8.15.2 has no such option (seen)"
    ),
    "no_tlsv1_3": _Fact((8, 17, 1, 9), None, "SSL_OP_NO_TLSv1_3: 8.15.2 takes it as a number only (seen)"),
    "cert_altnames": _Fact(
        (8, 17), _DEBIAN, "`sendmail -d0.13 -bt` lists _FFR_TLS_ALTNAMES from Debian 12 on; upstream leaves it to the builder"
    ),
    "dane": _Fact((8, 18), _DEBIAN, "`sendmail -d0.13 -bt` lists DANE from Debian 13 on; 8.17.1.9 stops at the option's name (seen)"),
}

# The map types that makemap has on each build (`makemap -l` lists hash and btree on Debian 11 to 14), and how its file's name ends.
MAP_SUFFIXES: Final = {"hash": ".db", "btree": ".db", "cdb": ".cdb"}

# SSL_OP_NO_TLSv1_3 of OpenSSL 1.1.1 and 3 (openssl/ssl.h).
_NO_TLSV1_3_BIT: Final = "0x20000000"

# The groups that the library offers where nothing names any, by the first release that does so (SSL_CTX_set1_groups(3), CHANGES.md).
_CURVES: Final = frozenset({"X25519", "secp256r1", "X448", "secp521r1", "secp384r1"})
_LIBRARY_GROUPS: Final[tuple[tuple[tuple[int, ...], frozenset[str]], ...]] = (
    ((3, 5), _CURVES | {"X25519MLKEM768", "ffdhe2048", "ffdhe3072"}),
    ((3, 0), _CURVES | FFDHE_GROUPS),
    ((1, 1, 1), _CURVES),
)

# Where the machine's own openssl.cnf sets MinProtocol = TLSv1.2, which an option of Sendmail can't lower: Debian 11's (seen), and
# the crypto policies of RHEL ("Strong crypto defaults in RHEL 8"). Other platforms have none.
_SYSTEM_MINIMUM: Final = ("debian-11", "rhel-")


# How a running daemon is told to read sendmail.cf again, by the beginning of the platform's name.
_RELOAD: Final = {
    "debian-": "service sendmail reload",
    "ubuntu-": "service sendmail reload",
    "freebsd": "service sendmail restart",
    "": "systemctl reload sendmail",
}


class Facts(NamedTuple):
    """What a release can do. `reload` is the platform's; `library_groups` is `None` where the library is unknown."""

    fallback_to_clear: bool
    cipher_suites: bool
    cert_altnames: bool
    dane: bool
    no_tlsv1_3: str
    map_type: str
    map_suffix: str
    library_groups: frozenset[str] | None
    system_minimum: Version
    reload: str
    newer_than_known: bool


def facts(target: Target) -> Facts:
    """Return the facts of a target's release.

    Raises `PlanError` for a release that is older than the oldest known one, and for a map type that makemap can't make.
    """
    number = target.release.number
    if number[:2] < _OLDEST:
        message = f"Sendmail {target.release.text} is older than any release known here"
        raise PlanError(("targets", "sendmail", "release"), message, "one of " + ", ".join(KNOWN))
    map_type = target.map_type or "hash"
    if map_type not in MAP_SUFFIXES:
        message = f"`{map_type}` is no type of map that makemap(8) makes"
        raise PlanError(("targets", "sendmail", "map_type"), message, "one of " + ", ".join(MAP_SUFFIXES))
    return Facts(
        fallback_to_clear=_has(target, "fallback_to_clear"),
        cipher_suites=_has(target, "cipher_suites"),
        cert_altnames=_has(target, "cert_altnames"),
        dane=_has(target, "dane"),
        no_tlsv1_3="SSL_OP_NO_TLSv1_3" if _has(target, "no_tlsv1_3") else _NO_TLSV1_3_BIT,
        map_type=map_type,
        map_suffix=MAP_SUFFIXES[map_type],
        library_groups=_library_groups(target.tls_library_version),
        system_minimum=Version.TLSv1_2 if (target.platform or "").startswith(_SYSTEM_MINIMUM) else Version.TLSv1_0,
        reload=next((line for platform, line in _RELOAD.items() if (target.platform or "").startswith(platform)), _RELOAD[""]),
        newer_than_known=number[:2] > _NEWEST,
    )


def _has(target: Target, name: str) -> bool:
    fact = _FACTS[name]
    if fact.platforms is not None and not (target.release.platform or "").startswith(fact.platforms):
        return False
    return target.release.number >= fact.since


def _library_groups(version: tuple[int, ...] | None) -> frozenset[str] | None:
    if version is None:
        return None
    return next((groups for since, groups in _LIBRARY_GROUPS if version >= since), None)
