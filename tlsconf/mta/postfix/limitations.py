"""Where Postfix can't keep the law: each limitation's documentation is its docstring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.plan import Limitation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tlsconf.plan import Kind


def postfix_tls13_suites_fixed(kind: Kind, added: Sequence[str], lost: Sequence[str]) -> Limitation:
    """Before `tls_config_file`, Postfix can't choose the suites of TLS 1.3.

    What: TLS 1.3 sessions may use the three suites that OpenSSL offers where nothing names them, in its order, whatever the profile lists.

    Why: `tls_config_file`, the only way to name TLS 1.3 suites to Postfix, came with 3.9 and with the patch levels 3.8.1, 3.7.6, 3.6.10
    and 3.5.20. A release of two numbers means its lowest patch level.

    Instead: suites of TLS 1.2 and earlier are exactly those listed. The kind is `weaker` where a suite that is added is weaker than
    everything listed, `missing` where nothing that TLS 1.3 could use is left of the list, else `different`.

    Remedy: name the exact patch level or the platform in `targets`, update Postfix, or list OpenSSL's three suites.

    Source: smtp(8) "Available in Postfix 3.9, 3.8.1, 3.7.6, 3.6.10, 3.5.20 and later"; SSL_CTX_set_ciphersuites(3).
    """
    changes = [f"also {', '.join(added)}"] if added else []
    changes += [f"without {', '.join(lost)}"] if lost else []
    message = f"this release offers OpenSSL's own three TLS 1.3 suites: {'; '.join(changes) or 'in another order'}"
    return Limitation("postfix-tls13-suites-fixed", kind, (), message)


def postfix_tls13_suites_shared(kind: Kind, added: Sequence[str]) -> Limitation:
    """Postfix has one list of TLS 1.3 suites, for both floors and both directions.

    What: where `tls` and `tls.opportunistic` list different TLS 1.3 suites, every TLS 1.3 session may use the suites of both.

    Why: `tls_config_file` is read once by each process of Postfix, before it knows for whom a session is.

    Instead: the suites of required TLS come first. Suites of TLS 1.2 and earlier, and versions, follow each floor exactly; a floor that
    lists no TLS 1.3 suite does without TLS 1.3. The kind is `weaker` where a suite that is added is weaker than everything the floor
    lists.

    Remedy: list the same TLS 1.3 suites under `tls` and `tls.opportunistic`.

    Source: postconf(5), `tls_config_file`; seen on 3.5.25, 3.7.11, 3.10.13 and 3.11.7.
    """
    message = f"TLS 1.3 sessions may also use {', '.join(added)}: Postfix has one list of TLS 1.3 suites for both floors"
    return Limitation("postfix-tls13-suites-shared", kind, (), message)


def postfix_groups_shared(added: Sequence[str]) -> Limitation:
    """Postfix has one list of key-exchange groups, for both floors and both directions.

    What: where `tls` and `tls.opportunistic` list different groups, every session may use the groups of both.

    Why: `tls_eecdh_auto_curves` and `tls_ffdhe_auto_groups` are the only parameters for groups, and no table of destinations has an
    attribute for them.

    Instead: the groups of required TLS come first. Groups of 112 bits or more count as one strength, so the kind is `different`.

    Remedy: list the same groups under `tls` and `tls.opportunistic`.

    Source: postconf(5), `tls_eecdh_auto_curves`, `smtp_tls_policy_maps`.
    """
    message = f"sessions may also use {', '.join(added)}: Postfix has one list of groups for both floors"
    return Limitation("postfix-groups-shared", "different", (), message)


def postfix_group_unavailable(groups: Sequence[str]) -> Limitation:
    """This release, or its OpenSSL, does not have a group.

    What: hybrid groups such as X25519MLKEM768, or finite-field groups such as ffdhe3072, are not offered and not accepted.

    Why: hybrid groups need OpenSSL 3.5 and Postfix 3.10, which takes OpenSSL's names of groups and its mark for the group whose key share
    is sent first; older releases skip such names with a warning. Finite-field groups of TLS 1.3 need Postfix 3.8 and OpenSSL 3.0. Which
    OpenSSL a Postfix has is known from a platform only.

    Instead: the other groups of the list are used.

    Remedy: name the platform, or take a release that has the group.

    Source: seen on 3.5.25 and 3.7.11 ("ignoring unknown ECDHE curve"), and offered by 3.10.13 and 3.11.7; postconf(5),
    `tls_ffdhe_auto_groups`.
    """
    message = f"{', '.join(groups)} left out: this release, with the OpenSSL that is known to be there, has no such group"
    return Limitation("postfix-group-unavailable", "different", (), message)


def postfix_dhe_group(suites: Sequence[str]) -> Limitation:
    """The group of DHE suites is Postfix's or OpenSSL's choice.

    What: where the listener's list has DHE suites, TLS 1.2 and earlier use a finite-field group of 2048 bits or more that the profile did
    not name.

    Why: `tls_ffdhe_auto_groups` is for TLS 1.3; earlier versions use the group of `smtpd_tls_dh1024_param_file`, or without it one that is
    compiled in (up to 3.6) or chosen by OpenSSL.

    Instead: `smtpd_tls_dh1024_param_file` is set to nothing up to 3.8, so that no weaker group of the site's is used; from 3.9 on the
    check fails where a site still sets it.

    Remedy: leave DHE suites out; ECDHE suites follow the list of groups.

    Source: postconf(5), `smtpd_tls_dh1024_param_file`; seen on 3.5.25, 3.7.11, 3.10.13 and 3.11.7.
    """
    message = f"below TLS 1.3, {', '.join(suites)} use a finite-field group of at least 2048 bits that Postfix or OpenSSL chooses"
    return Limitation("postfix-dhe-group", "different", (), message)


def postfix_inbound_rule_version(rule: str, version: str, listener: str) -> Limitation:
    """Postfix can't refuse a TLS version by sender or client.

    What: a message that an inbound rule with a `minimum_version` matches is accepted in any session that the listener allows.

    Why: no access restriction of Postfix looks at the version of a session, and the handshake comes before any rule is known.

    Instead: the rule requires TLS at the listener's own minimum version.

    Remedy: raise the listener's floor (`tls.opportunistic.minimum_version`, or `tls.minimum_version` where inbound is `required`), or
    leave the rule's `minimum_version` out.

    Source: access(5) and postconf(5), `smtpd_sender_restrictions`: none of them knows the version.
    """
    message = f"rule {rule} asks for {version}, but sessions from {listener} on are accepted: Postfix can't check a session's version"
    return Limitation("postfix-inbound-rule-version", "weaker", (rule,), message)


def postfix_address_unverifiable(rule: str | None, hosts: Sequence[str]) -> Limitation:
    """A next hop that is an address has no name to prove.

    What: mail for a next hop such as `[192.0.2.1]` under `verify: hostname` without `mx` stays in the queue.

    Why: before 3.6, and with an OpenSSL before 3.0, names alone are compared, never the IP addresses of a certificate. Which OpenSSL a
    Postfix has is known from a platform only.

    Instead: nothing is delivered there until a certificate carries the address as if it were a name.

    Remedy: name the platform, say in `mx` which names the certificate may be for, or give the next hop by its name.

    Source: SSL_add1_host(3), "HISTORY"; seen on 3.5.25; 3.7.11, 3.10.13 and 3.11.7 on Debian find the address.
    """
    message = f"mail for {', '.join(hosts)} is held, as Postfix can't verify an address: say in `mx` what the certificate is for"
    return Limitation("postfix-address-unverifiable", "stricter", () if rule is None else (rule,), message)


LIMITATIONS: Final[tuple[Callable[..., Limitation], ...]] = (
    postfix_tls13_suites_fixed,
    postfix_tls13_suites_shared,
    postfix_groups_shared,
    postfix_group_unavailable,
    postfix_dhe_group,
    postfix_inbound_rule_version,
    postfix_address_unverifiable,
)
