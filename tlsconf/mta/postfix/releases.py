"""What each Postfix release and its platforms can do: the only place that compares releases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from tlsconf.policy import Release, Target


class Fact(NamedTuple):
    """Something that came with a release: the first one of each branch that has it, and where that is said.

    Branches after the last one named have it too; `until` is the first release that lost it.
    """

    first: tuple[tuple[int, int, int], ...]
    source: str
    until: tuple[int, int, int] | None = None


KNOWN: Final = ("3.5", "3.6", "3.7", "3.8", "3.9", "3.10", "3.11")
_OLDEST: Final = (3, 5)
_NEWEST: Final = (3, 11)

_FACTS: Final = {
    "version_bounds": Fact(((3, 6, 0),), "RELEASE_NOTES 3.6: `>=` and `<=` in lists of protocols; exclusions alone before"),
    "config_file": Fact(
        ((3, 5, 20), (3, 6, 10), (3, 7, 6), (3, 8, 1), (3, 9, 0)), "smtp(8), `tls_config_file`; run on 3.5.25, 3.7.11, 3.10.13, 3.11.7"
    ),
    "ffdhe_groups": Fact(((3, 8, 0),), "postconf(5), `tls_ffdhe_auto_groups`; HISTORY 20230104"),
    "group_syntax": Fact(((3, 10, 0),), "HISTORY 20250212: groups by OpenSSL's names and marks; run on 3.10.13, 3.11.7"),
    "tls_required_header": Fact(((3, 10, 0),), "postconf(5), `tls_required_enable` (RFC 8689)"),
    "eecdh_grade": Fact(((0, 0, 0),), "HISTORY of 3.10: `smtpd_tls_eecdh_grade` has had no use since 3.6", until=(3, 6, 0)),
    "dh_file": Fact(((0, 0, 0),), "HISTORY 20240218: from 3.9 on postconf(1) warns about `smtpd_tls_dh1024_param_file`", until=(3, 9, 0)),
}

# postconf(5) "smtp_tls_policy_maps", DATABASE_README: the types for a table of keys, and whether postmap(1) makes it.
_MAP_TYPES: Final = {"texthash": False, "hash": True, "btree": True, "cdb": True, "lmdb": True}
ALL_MAP_TYPES: Final = tuple(_MAP_TYPES)
_BERKELEY_DB: Final = frozenset({"hash", "btree"})
# NON_BERKELEYDB_README (3.11); seen on Debian 14: lookups in `hash:` fail and all mail is deferred. RHEL 10 has no libdb
# ("Considerations in adopting RHEL 10", removed features).
_WITHOUT_BERKELEY_DB: Final = frozenset({"debian-14", "rhel-10"})

_OPENSSL_COMPARES: Final = (3, 6)
_ADDRESSES_OPENSSL: Final = (3, 0)
_HYBRID_GROUPS_OPENSSL: Final = (3, 5)  # OpenSSL CHANGES 3.5.0
_FFDHE_TLS13_OPENSSL: Final = (3, 0)  # OpenSSL CHANGES 3.0.0


def has(release: Release, name: str) -> bool:
    """Tell whether a release has what the table calls `name`."""
    fact, number = _FACTS[name], release.number[:3]
    if fact.until is not None and number >= fact.until:
        return False
    return number >= fact.first[-1] or any(number >= first and number[:2] == first[:2] for first in fact.first)


def is_too_old(release: Release) -> bool:
    """Tell whether a release is older than the oldest one known."""
    return release.number[:2] < _OLDEST


def is_unknown(release: Release) -> bool:
    """Tell whether a release is newer than the newest one known."""
    return release.number[:2] > _NEWEST


def branch(release: Release) -> str:
    """Return major and minor number, such as `3.7`: what a security update of a distribution does not change."""
    return f"{release.number[0]}.{release.number[1]}"


def map_types(target: Target) -> tuple[str, ...]:
    """Return the types that a table of keys can have there."""
    lost = _BERKELEY_DB if target.platform in _WITHOUT_BERKELEY_DB else frozenset[str]()
    return tuple(name for name in _MAP_TYPES if name not in lost)


def needs_postmap(map_type: str) -> bool:
    """Tell whether a table of this type has to be made by postmap(1)."""
    return _MAP_TYPES[map_type]


def has_hybrid_groups(target: Target) -> bool:
    """Tell whether hybrid groups can be offered without a key share for them; an unknown library can't be relied on."""
    version = target.tls_library_version
    return has(target.release, "group_syntax") and version is not None and version >= _HYBRID_GROUPS_OPENSSL


def has_ffdhe_groups(target: Target) -> bool:
    """Tell whether finite-field groups can be named; OpenSSL has them for TLS 1.3 from 3.0."""
    version = target.tls_library_version
    return has(target.release, "ffdhe_groups") and (version is None or version >= _FFDHE_TLS13_OPENSSL)


def verifies_addresses(target: Target) -> bool:
    """Tell whether the address of a next hop is found in a certificate; an unknown library can't be relied on.

    Postfix 3.6 leaves the comparison to OpenSSL, whose SSL_add1_host(3) takes addresses from 3.0 on: seen on 3.7.11, 3.10.13 and 3.11.7.
    """
    version = target.tls_library_version
    return target.release.number >= _OPENSSL_COMPARES and version is not None and version >= _ADDRESSES_OPENSSL
