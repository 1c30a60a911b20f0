"""What Exim can't keep of the law, each with its documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.plan import Limitation
from tlsconf.tls import strength, weakest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlsconf.plan import Kind


def exim_gnutls_suites_added(listed: tuple[str, ...], added: tuple[str, ...]) -> Limitation:
    """GnuTLS allows suites that are not in the list.

    What: sessions may also use suites that combine a key exchange, a cipher and a MAC of the list in a way that the list does not.

    Why: a GnuTLS priority string names those parts one by one and allows each combination of them, TLS 1.3 included.

    Instead: every listed suite works, and those named in the message as well.

    Remedy: list them, or take out the suites whose parts bring them in; `gnutls-cli -l --priority` shows the product.

    Source: GnuTLS manual, "Priority strings"; seen with gnutls-cli 3.7.9, 3.8.9 and 3.8.13.
    """
    message = f"also allowed, as GnuTLS combines the parts of the listed suites: {', '.join(added)}"
    return Limitation("exim-gnutls-suites-added", _kind_of_added(listed, added), (), message)


def exim_gnutls_groups(lost: tuple[str, ...]) -> Limitation:
    """GnuTLS can't be told to use a group.

    What: the groups named in the message are left out.

    Why: the library has no name for them, and one unknown name in a priority string stops the daemon. Hybrid groups need a GnuTLS that was
    built with ML-KEM, which those of Debian 12 to 14 were not.

    Instead: the other groups of the list are used.

    Remedy: none in the profile; an Exim with OpenSSL 3.5 negotiates X25519MLKEM768.

    Source: `gnutls-cli -l --priority` of GnuTLS 3.7.9, 3.8.9 and 3.8.13 calls them a syntax error.
    """
    return Limitation("exim-gnutls-groups", "different", (), f"left out, as GnuTLS can't name them: {', '.join(lost)}")


def exim_gnutls_server_dhe(lost: tuple[str, ...], kind: Kind) -> Limitation:
    """Exim 4.94 with GnuTLS takes no DHE suite from clients.

    What: a client that has nothing but the DHE suites named in the message finds no common suite.

    Why: this release leaves Diffie-Hellman parameters to GnuTLS, which then uses none; neither `tls_dhparam` nor finite-field groups in the
    priority string help.

    Instead: the other suites of the list are used. Mail that is sent uses DHE suites as listed. The kind is `missing` where nothing else is
    listed for TLS 1.2 and earlier.

    Remedy: list ECDHE suites as well; every client that knows TLS 1.2 has them. Or a newer release.

    Source: seen with 4.94.2 and GnuTLS 3.7.1; 4.96 is without the fault, 4.95 was not looked at.
    """
    return Limitation("exim-gnutls-server-dhe", kind, (), f"not taken from clients: {', '.join(lost)}")


def exim_openssl_tls13_suites(listed: tuple[str, ...], added: tuple[str, ...], lost: tuple[str, ...]) -> Limitation:
    """Exim has no option for the TLS 1.3 suites of OpenSSL.

    What: TLS 1.3 sessions use the three suites that OpenSSL offers by itself, in its order.

    Why: `tls_require_ciphers` is given to SSL_CTX_set_cipher_list(3), which leaves TLS 1.3 alone; Exim never calls the function for it.

    Instead: suites named in the message are allowed although they are not listed, or not offered although they are.

    Remedy: list OpenSSL's three suites, or set `Ciphersuites` in the machine's openssl.cnf.

    Source: Exim specification, "Requiring specific ciphers or other parameters in OpenSSL"; seen with 4.98.2 and OpenSSL 3.5.9.
    """
    parts = []
    if added:
        parts.append(f"also allowed: {', '.join(added)}")
    if lost:
        parts.append(f"not offered: {', '.join(lost)}")
    kind = _kind_of_added(listed, added) if added else "different"
    return Limitation("exim-openssl-tls13-suites", kind, (), "TLS 1.3 suites are those of OpenSSL; " + "; ".join(parts))


def exim_openssl_groups_outbound() -> Limitation:
    """Exim with OpenSSL can't choose groups for the mail it sends.

    What: outbound sessions use the groups that OpenSSL offers by itself.

    Why: `tls_eccurve` is for the listener; the smtp transport has no such option.

    Instead: OpenSSL's own list, which has X25519, P-256 and P-384 in every release, and X25519MLKEM768 first from 3.5. Its key share makes
    the first message of a handshake longer than a packet; a receiving host that can't take that fails the handshake.

    Remedy: `Groups` in the machine's openssl.cnf.

    Source: Exim specification, "tls_eccurve"; seen with 4.98.2 and OpenSSL 3.5.9.
    """
    return Limitation("exim-openssl-groups-outbound", "different", (), "groups of outbound sessions are OpenSSL's own list")


def exim_openssl_groups_inbound() -> Limitation:
    """Exim with OpenSSL can't restrict the listener's groups to this list.

    What: the listener uses the groups that OpenSSL offers by itself.

    Why: before 4.97 `tls_eccurve` takes one name only; in any release the name of a hybrid group makes every STARTTLS fail.

    Instead: `tls_eccurve = auto`, OpenSSL's own list.

    Remedy: take hybrid groups out of the list to have the others restricted (4.97 and later), or set `Groups` in the machine's openssl.cnf.

    Source: Exim specification, "tls_eccurve"; seen with 4.98.2 and OpenSSL 3.5.9.
    """
    return Limitation("exim-openssl-groups-inbound", "different", (), "groups of inbound sessions are OpenSSL's own list")


def exim_openssl_old_suites(suites: tuple[str, ...]) -> Limitation:
    """Exim with OpenSSL can't allow a suite for TLS 1.2 and refuse it for older versions, by destination.

    What: where some sessions may use TLS 1.0 or 1.1 and others may not, the others lose the suites that older versions have too.

    Why: `openssl_options` holds for the whole server, so a floor by destination must come from the suites: with nothing but suites that are
    new in TLS 1.2, older versions stay out.

    Instead: the suites named in the message are not offered where the floor is TLS 1.2.

    Remedy: one floor of TLS 1.2 or later for all sessions, or a platform whose OpenSSL is known to be 3.0 or later.

    Source: SSL_CTX_set_options(3), SSL_CTX_set_security_level(3); Exim specification, "openssl_options".
    """
    return Limitation("exim-openssl-old-suites", "stricter", (), f"not offered where the floor is TLSv1.2: {', '.join(suites)}")


def exim_openssl_floor_raised(rules: tuple[str, ...], raised: str) -> Limitation:
    """Exim with OpenSSL can't keep TLS 1.0 from some sessions and allow TLS 1.1.

    What: a floor of TLS 1.1 becomes one of TLS 1.2 where other sessions of the same server may use TLS 1.0.

    Why: `openssl_options` holds for the whole server, and TLS 1.0 and 1.1 have the same suites.

    Instead: such sessions need TLS 1.2.

    Remedy: the same floor below TLS 1.2 for all sessions that need one.

    Source: SSL_CTX_set_options(3); Exim specification, "openssl_options"; seen with 4.98.2 and OpenSSL 3.5.9.
    """
    return Limitation("exim-openssl-floor-raised", "stricter", rules, f"the floor TLSv1.1 is TLSv1.2 for {raised}")


def exim_openssl_dane_unusable(rules: tuple[str, ...]) -> Limitation:
    """Exim with OpenSSL holds mail for a host all of whose TLSA records are unusable.

    What: under opportunistic DANE such a host gets no mail, where it should get it by TLS without authentication.

    Why: the transport process ends with an error (4.98.2 crashes while it writes the log line) when it has loaded no TLSA record.

    Instead: the mail stays in the queue, and bounces when its lifetime ends.

    Remedy: a rule without `verify: dane` for that domain, until its records are mended.

    Source: seen with 4.98.2 and OpenSSL 3.5.9; RFC 7672 section 2.2.
    """
    return Limitation("exim-openssl-dane-unusable", "stricter", rules, "mail for hosts with nothing but unusable TLSA records is held")


def exim_openssl_address_unverifiable(rules: tuple[str, ...]) -> Limitation:
    """A next hop that is an address has no name to prove.

    What: mail for a next hop such as `[192.0.2.1]` under `verify: hostname` without `mx` stays in the queue.

    Why: with OpenSSL, Exim compares names only, never the IP addresses of a certificate.

    Instead: nothing is delivered there.

    Remedy: say in `mx` which names the certificate may be for, or give the next hop by its name. Builds with GnuTLS find the address.

    Source: Exim specification, "tls_verify_cert_hostnames"; seen with 4.98.2 and OpenSSL 3.5.9.
    """
    message = "mail for a next hop that is an address is held: say in `mx` what the certificate is for"
    return Limitation("exim-openssl-address-unverifiable", "stricter", rules, message)


def exim_host_retry_shared(rules: tuple[str, ...]) -> Limitation:
    """A receiving host that fails a rule is left alone for a while by all mail.

    What: after a message was held because its rule could not be met, mail of other rules for the same host waits for the host's retry time.

    Why: Exim keeps failed sessions by host, not by domain, and tries a host again only when its retry time has come.

    Instead: such mail stays in the queue and goes out, under its own rule, at a later queue run.

    Remedy: `exim -qff` tries again at once.

    Source: Exim specification, "Retry rules"; seen with 4.94.2, 4.96, 4.98.2 and 4.100.1.
    """
    return Limitation(
        "exim-host-retry-shared", "stricter", rules, "mail of other rules for a host that failed one of these waits for its retry time"
    )


def _kind_of_added(listed: tuple[str, ...], added: tuple[str, ...]) -> Kind:
    return "weaker" if min(map(strength, added)) < weakest(listed) else "different"


LIMITATIONS: Final[tuple[Callable[..., Limitation], ...]] = (
    exim_gnutls_suites_added,
    exim_gnutls_groups,
    exim_gnutls_server_dhe,
    exim_openssl_tls13_suites,
    exim_openssl_groups_outbound,
    exim_openssl_groups_inbound,
    exim_openssl_old_suites,
    exim_openssl_floor_raised,
    exim_openssl_dane_unusable,
    exim_openssl_address_unverifiable,
    exim_host_retry_shared,
)
