"""What Sendmail can't keep of the law, each with its documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.plan import Limitation
from tlsconf.tls import strength, weakest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tlsconf.plan import Kind


def sendmail_none_by_host(rules: tuple[str, ...]) -> Limitation:
    """Sendmail decides on TLS once for a connection, and mail under `none` may share one.

    What: where a message goes to recipients under `none` and under another rule, and one host receives for both, all of them follow the
    first recipient.

    Why: `try_tls` is asked once for each connection, for the recipient that it is made for.

    Instead: recipients under `none` get TLS where the connection was made for others. Where it was made for them, those that need TLS
    stay in the queue and go out by a connection of their own at a later attempt. Mail for recipients under `none` alone goes in clear text.

    Remedy: accept it, write `opportunistic`, or name the receiving host in a rule with `next_hops` and route to it.

    Source: cf/README, "STARTTLS", `LOCAL_TRY_TLS`; seen with 8.15.2, 8.17.1.9, 8.18.1 and 8.18.2.
    """
    message = "where a message has other recipients at the same host, TLS is used although it is not wanted, or they wait"
    return Limitation("sendmail-none-by-host", "missing", rules, message)


def sendmail_no_fallback(rules: tuple[str, ...]) -> Limitation:
    """Before 8.16, Sendmail holds mail when a TLS handshake fails.

    What: mail under `opportunistic` to a host that offers STARTTLS and then fails the handshake is held, not sent in clear text.

    Why: the option TLSFallbacktoClear came with 8.16.1.

    Instead: the mail stays in the queue, is tried again, and bounces when the queue's lifetime ends.

    Remedy: a newer release, or `Try_TLS:HOST NO` in the site's access map for such a host.

    Source: RELEASE_NOTES of 8.16.1; seen with 8.15.2.
    """
    return Limitation(
        "sendmail-no-fallback", "stricter", rules, "mail to a host whose TLS handshake fails is held instead of sent in clear text"
    )


def sendmail_library_groups() -> Limitation:
    """Sendmail has no option for key-exchange groups.

    What: the groups that OpenSSL offers by itself are used, in its order.

    Why: no release has such an option, and the OPENSSL_CONF that 8.18 sets is not read by a program with the set-group-ID bit, which
    Sendmail needs for its submission queue.

    Instead: X25519, X448 and the NIST curves, finite-field groups from OpenSSL 3.0 on, X25519MLKEM768 from 3.5 on. `DHParameters` is set so
    that builds with TLS_EC do not go down to secp256r1 alone. From OpenSSL 3.5 on, the key share of X25519MLKEM768 makes the first message
    of a handshake longer than a packet; a receiving host that can't take that fails the handshake.

    Remedy: `Groups` in the machine's own openssl.cnf, which is for all its programs.

    Source: sendmail/tls.c, secure_getenv(3); seen with 8.15.2, 8.17.1.9, 8.18.1 and 8.18.2.
    """
    return Limitation("sendmail-library-groups", "different", (), "the groups of OpenSSL's own default are offered, in its order")


def sendmail_library_tls13_suites(listed: tuple[str, ...], added: tuple[str, ...], lost: tuple[str, ...]) -> Limitation:
    """Sendmail before 8.17 has no option for the suites of TLS 1.3.

    What: TLS 1.3 sessions use the three suites that OpenSSL offers by itself, in its order.

    Why: the option CipherSuites is first seen in 8.17.1.9, and CipherList does not touch TLS 1.3.

    Instead: suites named in the message are allowed although they are not listed, or not offered although they are.

    Remedy: list OpenSSL's three suites, or a newer release.

    Source: SSL_CTX_set_ciphersuites(3); 8.15.2 stops at the option's name (seen).
    """
    parts = [f"{name}: {', '.join(suites)}" for name, suites in (("also allowed", added), ("not offered", lost)) if suites]
    return Limitation(
        "sendmail-library-tls13-suites", _kind_of_added(listed, added), (), f"OpenSSL's own TLS 1.3 suites; {'; '.join(parts)}"
    )


def _kind_of_added(listed: tuple[str, ...], added: Iterable[str]) -> Kind:
    floor = weakest(listed)
    return "weaker" if any(strength(suite) < floor for suite in added) else "different"


def sendmail_one_suite_list(rules: tuple[str, ...], extra: tuple[str, ...]) -> Limitation:
    """Sendmail has one list of cipher suites for all sessions, in both directions.

    What: a session may be offered suites that only another rule, or the other direction, lists.

    Why: CipherList and CipherSuites are global; which rule applies is known after the handshake.

    Instead: where TLS is required and the other side picks such a suite, mail that is sent is held and mail that is received is refused,
    although both sides may have a listed suite in common; a client picks only where `prefer_server_order` is off. Where nobody requires
    TLS, the session is used instead of clear text.

    Remedy: the same `cipher_suites` under `tls` and `tls.opportunistic`.

    Source: doc/op/op.me, option CipherList; seen with 8.15.2, 8.17.1.9, 8.18.1 and 8.18.2.
    """
    return Limitation(
        "sendmail-one-suite-list",
        "stricter",
        rules,
        f"offered for other sessions' sake, and not accepted where TLS is required: {', '.join(extra)}",
    )


def sendmail_one_floor(rules: tuple[str, ...], floor: str) -> Limitation:
    """Sendmail has one minimum version for all mail that it sends.

    What: mail under `opportunistic` uses a version below its own minimum, where another rule allows that version.

    Why: ClientSSLOptions is global; which rule applies is known after the handshake.

    Instead: such mail is encrypted where the law says clear text. Where TLS is required, the version is checked for each recipient.

    Remedy: `opportunistic.minimum_version` no higher than any other minimum.

    Source: doc/op/op.me, option ClientSSLOptions; seen with 8.15.2, 8.17.1.9, 8.18.1 and 8.18.2.
    """
    return Limitation(
        "sendmail-one-floor", "stricter", rules, f"{floor} is used instead of clear text where the other side has nothing better"
    )


def sendmail_system_minimum(rules: tuple[str, ...], minimum: str) -> Limitation:
    """The machine's openssl.cnf refuses the lowest versions.

    What: versions below the one in the message are refused, although the profile allows them.

    Why: MinProtocol in the openssl.cnf of Debian 11, and in the crypto policies of RHEL, is for every program, and Sendmail's options can
    only take versions away.

    Instead: a handshake with such a version fails.

    Remedy: MinProtocol in the machine's openssl.cnf.

    Source: SSL_CONF_cmd(3); seen with 8.15.2 on Debian 11.
    """
    return Limitation("sendmail-system-minimum", "stricter", rules, f"the machine's openssl.cnf refuses versions below {minimum}")


def sendmail_security_level() -> Limitation:
    """TLS 1.0 and 1.1 need OpenSSL's security level 0.

    What: keys and signatures of any size and kind are accepted in all sessions.

    Why: OpenSSL 3 allows TLS 1.0 and 1.1 at level 0 only, because they sign with SHA-1.

    Instead: `@SECLEVEL=0` ends the list of cipher suites; versions and suites are still those of the profile.

    Remedy: a minimum version of TLSv1.2.

    Source: SSL_CTX_set_security_level(3); seen with 8.17.1.9, 8.18.1 and 8.18.2.
    """
    return Limitation(
        "sendmail-security-level",
        "different",
        (),
        "security level 0 of OpenSSL, which versions below TLSv1.2 need, is in force for every session",
    )


def sendmail_server_dhe(lost: tuple[str, ...]) -> Limitation:
    """As a server, Sendmail can't offer both DHE suites and every group.

    What: the DHE suites named in the message are not offered to clients.

    Why: builds with TLS_EC allow secp256r1 alone as soon as they have Diffie-Hellman parameters.

    Instead: the ECDHE suites of the list are offered, with all groups of OpenSSL's default. As a client, Sendmail offers the DHE suites.

    Remedy: leave them out; no client that speaks TLS 1.2 needs them.

    Source: sendmail/tls.c, `inittls`; seen with 8.15.2, 8.17.1.9, 8.18.1 and 8.18.2.
    """
    return Limitation("sendmail-server-dhe", "different", (), f"not offered to clients: {', '.join(lost)}")


def sendmail_two_certificates(unused: tuple[str, ...]) -> Limitation:
    """Sendmail presents at most two certificates.

    What: the certificates named in the message are not used.

    Why: ServerCertFile takes two files.

    Instead: the first two of the list are used.

    Remedy: list one RSA and one ECDSA certificate.

    Source: RELEASE_NOTES of 8.15.1; seen with 8.15.2, 8.17.1.9, 8.18.1 and 8.18.2.
    """
    return Limitation("sendmail-two-certificates", "different", (), f"not used: {', '.join(unused)}")


def sendmail_common_name_only(rules: tuple[str, ...]) -> Limitation:
    """This build sees a certificate's common name only.

    What: under `verify: hostname`, the subject's common name must be the name of the receiving host; subjectAltName is not looked at.

    Why: the class `{cert_altnames}` needs a build with _FFR_TLS_ALTNAMES, which Debian has from 12 on.

    Instead: mail to a host whose certificate has the name in subjectAltName alone is held.

    Remedy: `mx` with the certificate's common name, or a newer release.

    Source: cf/README, `TLS_Rcpt`; seen with 8.15.2.
    """
    return Limitation(
        "sendmail-common-name-only",
        "stricter",
        rules,
        "the receiving host's name must be the certificate's common name; subjectAltName does not count",
    )


def sendmail_common_name_counts(rules: tuple[str, ...]) -> Limitation:
    """The common name counts beside subjectAltName.

    What: under `verify: hostname`, a certificate's common name is taken for one of its names, even where it has a subjectAltName.

    Why: a ruleset can ask whether a name is in the class `{cert_altnames}`, but not whether the class is empty.

    Instead: a verified certificate is accepted when its common name or one of its alternative names fits.

    Remedy: none; public authorities put the common name into subjectAltName as well.

    Source: sendmail/tls.c, `getaltnames`; RFC 9525 section 2; seen with 8.17.1.9, 8.18.1 and 8.18.2.
    """
    return Limitation("sendmail-common-name-counts", "different", rules, "a certificate's common name counts as one of its names")


def sendmail_address_unverifiable(rules: tuple[str, ...]) -> Limitation:
    """A next hop that is an address has no name to prove.

    What: mail for a next hop such as `[192.0.2.1]` under `verify: hostname` without `mx` stays in the queue.

    Why: the rulesets compare the names of a certificate with the name of the receiving host, and an address has none.

    Instead: nothing is delivered there.

    Remedy: say in `mx` which names the certificate may be for, or give the next hop by its name.

    Source: cf/README, `TLS_Rcpt`; seen with 8.15.2, 8.17.1.9, 8.18.1 and 8.18.2.
    """
    message = "mail for a next hop that is an address is held: say in `mx` what the certificate is for"
    return Limitation("sendmail-address-unverifiable", "stricter", rules, message)


def sendmail_mx_wildcard(rules: tuple[str, ...]) -> Limitation:
    """A pattern under `mx` does not find every alternative name.

    What: a certificate whose names below a pattern such as `*.mail.example` are neither its common name, nor the receiving host's name, nor
    that very wildcard, is not accepted.

    Why: a ruleset can ask whether a name is in the class `{cert_altnames}`, but can't go through its names.

    Instead: mail to such a host is held.

    Remedy: write the names out under `mx`.

    Source: sendmail/tls.c, `getaltnames`; seen with 8.17.1.9, 8.18.1 and 8.18.2.
    """
    return Limitation(
        "sendmail-mx-wildcard",
        "stricter",
        rules,
        "a certificate fits a `*.` pattern of `mx` by its common name, the receiving host's name or that wildcard alone",
    )


def sendmail_port_not_seen(rules: tuple[str, ...], kind: Kind) -> Limitation:
    """A rule for a next hop is for every port of that host.

    What: the port of `next_hops` does not count; where rules name several ports of one host, the strictest of them decides.

    Why: no macro tells a ruleset the port of a connection.

    Instead: mail that the site routes to another port of the host follows the rule as well.

    Remedy: one rule for all ports of a host.

    Source: doc/op/op.me, "Macros"; seen with 8.15.2, 8.17.1.9, 8.18.1 and 8.18.2.
    """
    return Limitation("sendmail-port-not-seen", kind, rules, "the rule is for every port of its hosts")


def sendmail_dane_missing(rules: tuple[str, ...]) -> Limitation:
    """This build has no DANE.

    What: TLSA records are not looked up.

    Why: DANE (option DANE with all record types) came with 8.18.1, and only where the builder asked for it: on Debian from 13 on.

    Instead: mail under `required` with `dane` is held; under `opportunistic`, nothing is verified.

    Remedy: Debian 13 or later, or `verify: hostname`.

    Source: RELEASE_NOTES of 8.18.1; `sendmail -d0.13 -bt`; 8.17.1.9 stops at the option's name (seen).
    """
    return Limitation(
        "sendmail-dane-missing", "missing", rules, "no DANE in this build: `required` mail is held, other mail is sent without verification"
    )


def sendmail_dane_is_global(rules: tuple[str, ...]) -> Limitation:
    """DANE is looked up for every receiving host.

    What: a TLSA record has effects under rules that do not ask for DANE.

    Why: the option DANE is global, and a ruleset learns of the result alone.

    Instead: where the lookup of TLSA records fails, mail is held; where they are there and the handshake fails, 8.18.2 holds the mail
    instead of sending it in clear text; with `verify: hostname`, mail to a host with TLSA records is held, as the result of the usual
    verification is no longer known.

    Remedy: `verify: dane` for domains whose hosts have TLSA records.

    Source: doc/op/op.me, option DANE; seen with 8.18.1 and 8.18.2.
    """
    message = (
        "mail is held where the lookup of a host's TLSA records fails, and, where it has any, after a failed handshake and under `hostname`"
    )
    return Limitation("sendmail-dane-is-global", "stricter", rules, message)


def sendmail_dane_unusable_records(rules: tuple[str, ...]) -> Limitation:
    """TLSA records that can't be used are not told from none.

    What: with TLSA records that can't be used, a session below `tls` but within `tls.opportunistic` is accepted.

    Why: a ruleset learns only whether a record fitted or failed.

    Instead: the session is encrypted as `tls.opportunistic` allows; clear text is refused, as it should be.

    Remedy: the same values under `tls` and `tls.opportunistic`.

    Source: sendmail/deliver.c; RFC 7672 section 2.2.
    """
    return Limitation(
        "sendmail-dane-unusable-records", "weaker", rules, "with unusable TLSA records, `tls.opportunistic` applies instead of `tls`"
    )


LIMITATIONS: Final[tuple[Callable[..., Limitation], ...]] = (
    sendmail_none_by_host,
    sendmail_no_fallback,
    sendmail_library_groups,
    sendmail_library_tls13_suites,
    sendmail_one_suite_list,
    sendmail_one_floor,
    sendmail_system_minimum,
    sendmail_security_level,
    sendmail_server_dhe,
    sendmail_two_certificates,
    sendmail_common_name_only,
    sendmail_common_name_counts,
    sendmail_address_unverifiable,
    sendmail_mx_wildcard,
    sendmail_port_not_seen,
    sendmail_dane_missing,
    sendmail_dane_is_global,
    sendmail_dane_unusable_records,
)
