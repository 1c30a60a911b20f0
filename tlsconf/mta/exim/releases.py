"""What differs between releases, libraries and platforms of Exim: the only place that compares versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.errors import PlanError
from tlsconf.tls import GROUPS, HYBRID_GROUPS

if TYPE_CHECKING:
    from tlsconf.policy import Target

KNOWN: Final = ("4.94", "4.95", "4.96", "4.97", "4.98", "4.99", "4.100")
_OLDEST: Final = (4, 94)
_NEWEST: Final = (4, 100)

# Exim specification, "tls_eccurve": "from version 4.97 [a] list"; before, one name.
_CURVE_LIST: Final = (4, 97)

# The first release with GnuTLS that was seen to take DHE suites from clients; 4.94.2 does not.
_GNUTLS_SERVER_DHE: Final = (4, 96)

# OpenSSL 3.0: TLS 1.0 and 1.1 need security level 0 (SSL_CTX_set_security_level(3)).
_OPENSSL_LEVEL_BARS_OLD_VERSIONS: Final = (3, 0)

# OpenSSL 3.5: hybrid groups exist, and its own default offers X25519MLKEM768 (CHANGES.md). Exim can't name one: it looks a name up as
# an object (`OBJ_sn2nid`), and a group has none; every STARTTLS then gets 454 (seen with 4.98.2 and OpenSSL 3.5.9).
_OPENSSL_HYBRID: Final = (3, 5)


class Layout(NamedTuple):
    """Where a build of Exim has its parts. `user` is the account that reads keys and tables."""

    folder: str
    program: str
    user: str
    reload: str
    configure: str | None


_DEBIAN: Final = Layout("/etc/exim4/tlsconf", "exim4", "Debian-exim", "service exim4 reload", "update-exim4.conf")
_GENERIC: Final = Layout("/etc/exim/tlsconf", "exim", "exim", "systemctl reload exim", None)
_FREEBSD: Final = Layout("/etc/exim/tlsconf", "exim", "mailnull", "service exim reload", None)


class Facts(NamedTuple):
    """What a release can do.

    `curves` tells whether several groups can be named for the listener, `server_dhe` whether clients may use DHE suites.
    """

    layout: Layout
    debian: bool
    gnutls: bool
    curves: bool
    server_dhe: bool
    old_versions_need_level_0: bool
    hybrid_possible: bool
    newer_than_known: bool


def facts(target: Target) -> Facts:
    """Return the facts of a target's release.

    Raises `PlanError` for a release that is older than the oldest known one.
    """
    number = target.release.number[:2]
    if number < _OLDEST:
        raise PlanError(
            ("targets", "exim", "release"), f"Exim {target.release.text} is older than any release known here", "one of " + ", ".join(KNOWN)
        )
    library = target.tls_library_version or ()
    openssl = target.tls_library == "openssl"
    debian = _is_debian(target)
    freebsd = (target.platform or "").startswith("freebsd")
    return Facts(
        layout=_DEBIAN if debian else _FREEBSD if freebsd else _GENERIC,
        debian=debian,
        gnutls=not openssl,
        curves=number >= _CURVE_LIST,
        server_dhe=openssl or number >= _GNUTLS_SERVER_DHE,
        old_versions_need_level_0=openssl and library >= _OPENSSL_LEVEL_BARS_OLD_VERSIONS,
        hybrid_possible=openssl and (not library or library >= _OPENSSL_HYBRID),
        newer_than_known=number > _NEWEST,
    )


def _is_debian(target: Target) -> bool:
    if target.layout is not None:
        return target.layout == "debian"
    return (target.platform or "").startswith(("debian", "ubuntu"))


def gnutls_groups(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those that a GnuTLS priority string can name on every build that was looked at.

    GnuTLS 3.7.9, 3.8.9 and 3.8.13 as Debian 12, 13 and 14 build them call each ML-KEM group a syntax error, and a syntax error stops
    Exim's daemon; brainpool curves have no name at all (`gnutls-cli -l`).
    """
    return tuple(name for name in names if name not in HYBRID_GROUPS and GROUPS[name].gnutls is not None)


def openssl_curves(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return those that `tls_eccurve` can name.

    Brainpool curves are missing from some distributions' builds, and one unknown name makes every STARTTLS fail.
    """
    return tuple(name for name in names if name not in HYBRID_GROUPS and not name.startswith("brainpool"))
