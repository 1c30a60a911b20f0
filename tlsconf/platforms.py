"""What a platform ships: releases, TLS libraries, layouts and paths, each with its source."""

from __future__ import annotations

from typing import Final, NamedTuple


class Platform(NamedTuple):
    """A platform's own packages.

    Releases are `None` where it has none; `exim_library` is what its Exim is linked with. `proven` says that the tests run these very
    packages; the others are taken from `source` alone.
    """

    postfix: str | None
    exim: str | None
    sendmail: str | None
    openssl: tuple[int, ...] | None
    gnutls: tuple[int, ...] | None
    exim_library: str
    layout: str
    trust_anchors: str
    proven: bool
    source: str


_DEBIAN_CA: Final = "/etc/ssl/certs/ca-certificates.crt"
_RHEL_CA: Final = "/etc/pki/tls/certs/ca-bundle.crt"

PLATFORMS: Final[dict[str, Platform]] = {
    "debian-11": Platform(
        "3.5.25",
        "4.94.2",
        "8.15.2",
        (1, 1, 1),
        (3, 7, 1),
        "gnutls",
        "debian",
        _DEBIAN_CA,
        proven=True,
        source="packages of bullseye and bullseye-security",
    ),
    "debian-12": Platform(
        "3.7.11",
        "4.96",
        "8.17.1.9",
        (3, 0),
        (3, 7, 9),
        "gnutls",
        "debian",
        _DEBIAN_CA,
        proven=True,
        source="packages of bookworm",
    ),
    "debian-13": Platform(
        "3.10.13",
        "4.98.2",
        "8.18.1",
        (3, 5),
        (3, 8, 9),
        "gnutls",
        "debian",
        _DEBIAN_CA,
        proven=True,
        source="packages of trixie and trixie-security",
    ),
    "debian-14": Platform(
        "3.11.7",
        "4.100.1",
        "8.18.2",
        (3, 6),
        (3, 8, 13),
        "gnutls",
        "debian",
        _DEBIAN_CA,
        proven=True,
        source="packages of forky (testing) in November 2026",
    ),
    "ubuntu-22.04": Platform(
        "3.6.4",
        "4.95",
        "8.15.2",
        (3, 0),
        (3, 7, 3),
        "gnutls",
        "debian",
        _DEBIAN_CA,
        proven=False,
        source="package lists of jammy",
    ),
    "ubuntu-24.04": Platform(
        "3.8.6",
        "4.97",
        "8.18.1",
        (3, 0),
        (3, 8, 3),
        "gnutls",
        "debian",
        _DEBIAN_CA,
        proven=False,
        source="package lists of noble",
    ),
    "rhel-8": Platform(
        "3.5.8",
        None,
        "8.15.2",
        (1, 1, 1),
        None,
        "openssl",
        "generic",
        _RHEL_CA,
        proven=False,
        source="AppStream and BaseOS of RHEL 8; Exim comes from EPEL, whose release moves: say it",
    ),
    "rhel-9": Platform(
        "3.5.9",
        None,
        "8.16.1",
        (3, 0),
        None,
        "openssl",
        "generic",
        _RHEL_CA,
        proven=False,
        source="AppStream and BaseOS of RHEL 9.0; Exim comes from EPEL, whose release moves: say it",
    ),
    "rhel-10": Platform(
        "3.8.5",
        None,
        "8.18.1",
        (3, 2),
        None,
        "openssl",
        "generic",
        _RHEL_CA,
        proven=False,
        source="AppStream and BaseOS of RHEL 10.0; Exim comes from EPEL, whose release moves: say it",
    ),
    "freebsd": Platform(
        None,
        None,
        None,
        None,
        None,
        "openssl",
        "generic",
        "/usr/local/share/certs/ca-root-nss.crt",
        proven=False,
        source="ports follow upstream: the release must be said; ca_root_nss installs the trust anchors",
    ),
}
