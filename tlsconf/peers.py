"""The kinds of other side that the law tells apart, each under the name that users read."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from tlsconf.law import Certificate, Peer, Tlsa
from tlsconf.tls import Version, suites

if TYPE_CHECKING:
    from collections.abc import Iterable

Named = tuple[str, Peer]


@cache
def able() -> Peer:
    """Return a peer that speaks every version and suite, with a valid certificate."""
    return Peer(versions=frozenset(Version), cipher_suites=frozenset(suites()))


def without_tls() -> tuple[Named, ...]:
    """Return receiving hosts that make no session, whatever is allowed."""
    return (
        ("offers no STARTTLS", able()._replace(starttls=False)),
        ("offers STARTTLS, then fails the handshake or answers 454", able()._replace(handshake_fails=True)),
    )


def by_certificate() -> tuple[Named, ...]:
    """Return receiving hosts whose certificate proves nothing."""
    return (
        ("self-signed certificate", able()._replace(certificate=Certificate.SELF_SIGNED)),
        ("certificate for another name", able()._replace(certificate=Certificate.OTHER_NAME)),
        ("expired certificate", able()._replace(certificate=Certificate.EXPIRED)),
    )


def by_tlsa() -> tuple[Named, ...]:
    """Return receiving hosts by what DNSSEC says of their TLSA records (RFC 7672)."""
    return (
        ("TLSA record that matches, self-signed certificate", able()._replace(tlsa=Tlsa.MATCHING, certificate=Certificate.SELF_SIGNED)),
        ("TLSA record that does not match", able()._replace(tlsa=Tlsa.NOT_MATCHING)),
        ("TLSA record that matches, but no STARTTLS", able()._replace(tlsa=Tlsa.MATCHING, starttls=False)),
        ("TLSA lookup fails", able()._replace(tlsa=Tlsa.LOOKUP_FAILS)),
        ("only unusable TLSA records", able()._replace(tlsa=Tlsa.UNUSABLE)),
    )


def by_version() -> tuple[Named, ...]:
    """Return peers that speak one version alone."""
    return tuple((f"speaks only {version}", able()._replace(versions=frozenset({version}))) for version in Version)


def by_suite(names: Iterable[str]) -> tuple[Named, ...]:
    """Return peers that have one cipher suite alone."""
    return tuple((f"has only {name}", able()._replace(cipher_suites=frozenset({name}))) for name in names)
