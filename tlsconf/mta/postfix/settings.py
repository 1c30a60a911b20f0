"""Policy to plan: the parameters and tables that keep the law."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from tlsconf import law
from tlsconf.domains import spellings
from tlsconf.errors import PlanError
from tlsconf.mta.addresses import addresses_to_verify
from tlsconf.mta.postfix import commands, limitations, releases, sessions
from tlsconf.mta.postfix.notes import notes
from tlsconf.mta.postfix.syntax import is_list_item
from tlsconf.plan import Plan, PlannedFile, Raw, Requirement, Section, Setting
from tlsconf.policy import Level, OnPlaintext, Verify
from tlsconf.tls import openssl_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.plan import Limitation
    from tlsconf.policy import InboundRule, NextHop, OutboundRule, Policy, Release, Target

_FOLDER: Final = "/etc/postfix/tlsconf"
_IN_FOLDER: Final = "${config_directory}/tlsconf"
_RESTRICTIONS: Final = "smtpd_sender_restrictions"
_CLASSES: Final = "smtpd_restriction_classes"
# Lists that a site may use too: ours first, then what the profile says to keep.
MANAGED: Final = (_RESTRICTIONS, "smtpd_client_restrictions", _CLASSES, "smtp_tls_policy_maps")
_EVERYONE: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
_REJECT: Final = "tlsconf_reject"
_DEFER: Final = "tlsconf_defer"
_SENDER_DEFER: Final = "tlsconf_sender_defer"
_INBOUND: Final = "tlsconf_inbound"
# A policy table is searched for the next hop as a transport or `relayhost` spells it; /etc/services names these ports.
# Parameters that `smtpd_tls_chain_files` takes the place of; Debian's main.cf sets two of them, and every smtpd warns of both.
_OLDER_CERTIFICATES: Final = ("cert", "key", "eccert", "eckey")
_SMTP: Final = 25
_PORT_NAMES: Final = {25: ("smtp",), 465: ("submissions", "smtps"), 587: ("submission",)}


def plan(policy: Policy, target: Target) -> Plan:
    """Turn a policy into parameters and tables.

    Raises `PlanError` for a release or map type that can't be used, for a list in `keep` that is not managed, and for lists of suites or
    groups of which nothing is left.
    """
    release = target.release
    if releases.is_too_old(release):
        raise PlanError(("targets", "postfix", "release"), f"Postfix {release.text} is not known", ", ".join(releases.KNOWN))
    map_type = target.map_type or "texthash"
    if map_type not in releases.map_types(target):
        message = f"Postfix has no `{map_type}` tables there" if target.platform else f"`{map_type}` is no type for the outbound table"
        raise PlanError(("targets", "postfix", "map_type"), message, ", ".join(releases.map_types(target)))
    keep = _keep(target)
    found = sessions.uses(policy)
    suites, suite_limitations = sessions.tls13(found, policy, release)
    groups = sessions.groups(found, policy, target)

    library = Section("The TLS library", _library(policy, target, found, groups))
    sent = Section("Mail that is sent", _outbound(policy, target, map_type, keep))
    received = Section("Mail that is received: the listener", _listener(policy, target))
    required = Section("Mail that is received: from whom TLS is required", _restrictions(policy, keep))
    main = PlannedFile("main.cf", "postfix/main.cf.j2", (library, sent, received, required), None)
    files = (main, *_tables(policy, release, suites))
    requires = _requires(policy)
    return Plan(
        target="postfix",
        release=release.text,
        files=files,
        limitations=(
            *suite_limitations,
            *groups.limitations,
            *sessions.dhe_limitation(policy),
            *_inbound_versions(policy),
            *_unverifiable(policy, target),
        ),
        requires=requires,
        compile=commands.compile_lines(files, target, map_type, requires, MANAGED, keep, _ours()),
        check=commands.check_lines(files, target, map_type, requires, policy.outbound.smarthost),
        activate=commands.ACTIVATE,
        rollback=commands.rollback_lines(main),
        on_certificate_change=("postfix reload",),
        notes=tuple(notes(policy, release, found, keeps_restrictions=bool(keep[_RESTRICTIONS]))),
    )


def _keep(target: Target) -> dict[str, tuple[str, ...]]:
    for name, entries in target.keep.items():
        path = ("targets", "postfix", "keep", name)
        if name not in MANAGED:
            raise PlanError(path, f"`{name}` is not a list that tlsconf sets, so it keeps what it has", ", ".join(MANAGED))
        for entry in entries:
            if not entry.isprintable() or not entry.strip(" ,") or "$$" in entry:
                raise PlanError(path, f"`{entry}` can't be an entry of a list in main.cf", "one restriction, class or table each")
    return {name: tuple(" ".join(entry.replace(",", " ").split()) for entry in target.keep.get(name, ())) for name in MANAGED}


def _ours() -> dict[str, tuple[str, ...]]:
    """Return every entry of ours that a managed list may hold, also from a rendering with another map type."""
    return {
        _RESTRICTIONS: (_exempt_restriction(),),
        _CLASSES: (_INBOUND, _SENDER_DEFER, _REJECT, _DEFER),
        "smtp_tls_policy_maps": tuple(f"{name}:{_IN_FOLDER}/outbound" for name in releases.ALL_MAP_TYPES),
    }


def _exempt_restriction() -> str:
    return f"check_client_access cidr:{_IN_FOLDER}/inbound_exempt"


def _list(*entries: str) -> Raw:
    return Raw(", ".join(entries))


def _library(policy: Policy, target: Target, found: tuple[sessions.Use, ...], groups: sessions.Groups) -> tuple[Setting, ...]:
    release = target.release
    settings = []
    if releases.has(release, "config_file"):
        # An absolute path: where `${config_directory}` is read as nothing (see commands.py), a missing table makes mail wait, but a missing
        # openssl.cnf would put opportunistic mail in clear text.
        settings += [Setting("tls_config_file", f"{_FOLDER}/openssl.cnf"), Setting("tls_config_name", "")]
    settings += [
        Setting("tls_medium_cipherlist", sessions.cipher_list(policy, Level.OPPORTUNISTIC, found)),
        Setting("tls_high_cipherlist", sessions.cipher_list(policy, Level.REQUIRED, found)),
        Setting("tls_preempt_cipherlist", "yes" if law.listener(policy).prefer_server_order else "no"),
        Setting("tls_eecdh_auto_curves", groups.eecdh),
    ]
    if releases.has(release, "ffdhe_groups"):
        settings.append(Setting("tls_ffdhe_auto_groups", groups.ffdhe))
    if releases.has(release, "eecdh_grade"):
        settings.append(Setting("smtpd_tls_eecdh_grade", "auto"))
    return tuple(settings)


def _outbound(policy: Policy, target: Target, map_type: str, keep: dict[str, tuple[str, ...]]) -> tuple[Setting, ...]:
    outbound, release = policy.outbound, target.release
    dane = any(rule.verify is Verify.DANE for rule in outbound.rules) or outbound.verify is Verify.DANE
    if outbound.trust_anchors is None and any(_verifies(policy, rule) for rule in (None, *outbound.rules)):
        raise PlanError(("outbound", "trust_anchors"), "`verify: hostname` needs trust anchors", "the path of a PEM file")
    settings = [
        Setting("smtp_tls_security_level", _level(outbound.tls, outbound.verify)),
        Setting("smtp_tls_policy_maps", _list(f"{map_type}:{_IN_FOLDER}/outbound", *keep["smtp_tls_policy_maps"])),
        Setting("smtp_tls_protocols", _general_protocols(policy, target, Level.OPPORTUNISTIC)),
        Setting("smtp_tls_mandatory_protocols", _general_protocols(policy, target, Level.REQUIRED)),
        Setting("smtp_tls_ciphers", "medium"),
        Setting("smtp_tls_mandatory_ciphers", "high"),
        Setting("smtp_tls_exclude_ciphers", ""),
        Setting("smtp_tls_mandatory_exclude_ciphers", ""),
        Setting("smtp_tls_CAfile", outbound.trust_anchors or ""),
        Setting("smtp_tls_CApath", ""),
        Setting("smtp_tls_trust_anchor_file", ""),
        Setting("tls_append_default_CA", "no"),
        Setting("smtp_tls_verify_cert_match", "hostname"),
        # A session kept open for the next message is looked up by its level alone, not by its versions.
        Setting("smtp_tls_connection_reuse", "no"),
        Setting("smtp_dns_support_level", "dnssec" if dane else ""),
        # The default was wrong before 3.6.17, 3.7.13, 3.8.8 and 3.9.2: it went by the level of main.cf, not by that of the destination.
        Setting("smtp_tls_dane_insecure_mx_policy", "dane"),
    ]
    if releases.has(release, "tls_required_header"):
        # Otherwise a sender takes TLS off a message by writing `TLS-Required: no` into it (RFC 8689 section 5).
        settings.append(Setting("tls_required_enable", "no"))
    settings.append(Setting("smtp_tls_loglevel", "1"))
    return tuple(settings)


def _general_protocols(policy: Policy, target: Target, floor: Level) -> str:
    return sessions.protocols(sessions.version_range(law.in_force(policy, floor)), target.release, ", ")


def _verifies(policy: Policy, rule: OutboundRule | None) -> bool:
    return (rule or policy.outbound).verify is Verify.HOSTNAME


def _level(tls: Level, verify: Verify) -> str:
    if tls is Level.NONE:
        return "none"
    if tls is Level.OPPORTUNISTIC:
        return "dane" if verify is Verify.DANE else "may"
    return {Verify.NONE: "encrypt", Verify.HOSTNAME: "verify", Verify.DANE: "dane-only"}[verify]


def _listener(policy: Policy, target: Target) -> tuple[Setting, ...]:
    inbound = policy.inbound
    levels = {Level.NONE: "none", Level.OPPORTUNISTIC: "may", Level.REQUIRED: "may" if inbound.exempt_clients else "encrypt"}
    paths = [path for certificate in policy.server.certificates for path in (certificate.key, certificate.chain)]
    for path in paths:
        if not is_list_item(path):
            message = f"`{path}` can't stand in a list of main.cf"
            raise PlanError(("server", "certificates"), message, "a path without blanks, commas and braces")
    protocols = sessions.protocols(sessions.version_range(law.listener(policy)), target.release, ", ")
    grade = "high" if inbound.tls is Level.REQUIRED else "medium"
    return (
        Setting("smtpd_tls_security_level", levels[inbound.tls]),
        Setting("smtpd_tls_chain_files", ", ".join(paths)),
        *(Setting(f"smtpd_tls_{kind}_file", "") for kind in _OLDER_CERTIFICATES),
        Setting("smtpd_tls_protocols", protocols),
        Setting("smtpd_tls_mandatory_protocols", protocols),
        Setting("smtpd_tls_ciphers", grade),
        Setting("smtpd_tls_mandatory_ciphers", grade),
        Setting("smtpd_tls_exclude_ciphers", ""),
        Setting("smtpd_tls_mandatory_exclude_ciphers", ""),
        *((Setting("smtpd_tls_dh1024_param_file", ""),) if releases.has(target.release, "dh_file") else ()),
        Setting("smtpd_tls_received_header", "yes"),
        Setting("smtpd_tls_loglevel", "1"),
    )


def _restrictions(policy: Policy, keep: dict[str, tuple[str, ...]]) -> tuple[Setting, ...]:
    """Return the restrictions that find whom a rule names.

    `OK` for exempt clients would end the site's list after ours, so they get no answer, and everyone else the class. A message that a
    rejecting rule and a deferring rule match is rejected, so a deferring sender rule looks at the client before it answers.
    """
    senders = f"check_sender_access regexp:{_IN_FOLDER}/inbound_senders"
    clients = f"check_client_access cidr:{_IN_FOLDER}/inbound_clients"
    everyone = policy.inbound.tls is Level.REQUIRED
    return (
        Setting("plaintext_reject_code", "530"),
        Setting(_CLASSES, _list(_INBOUND, _SENDER_DEFER, _REJECT, _DEFER, *keep[_CLASSES])),
        Setting(_INBOUND, _list(_REJECT) if everyone else _list(senders, clients)),
        Setting(_SENDER_DEFER, _list(clients, _DEFER)),
        Setting(_REJECT, "reject_plaintext_session"),
        Setting(_DEFER, "defer_if_reject, reject_plaintext_session"),
        Setting(_RESTRICTIONS, _list(_exempt_restriction(), *keep[_RESTRICTIONS])),
        Setting("smtpd_client_restrictions", _list(*keep["smtpd_client_restrictions"])),
    )


def _tables(policy: Policy, release: Release, suites: tuple[str, ...]) -> Iterator[PlannedFile]:
    yield _table("outbound", "outbound", _outbound_sections(policy, release))
    exempt = tuple(Setting(str(network), "DUNNO") for network in policy.inbound.exempt_clients)
    everyone = tuple(Setting(str(network), _INBOUND) for network in _EVERYONE)
    yield _table("inbound_exempt", "clients", (Section("Exempt clients", exempt), Section("Everyone else", everyone)))
    yield _table("inbound_clients", "clients", (Section("Clients that must use TLS", _inbound_clients(policy)),))
    yield _table("inbound_senders", "senders", (Section("Senders that must use TLS", _inbound_senders(policy)),))
    if releases.has(release, "config_file"):
        setting = Setting("Ciphersuites", openssl_list(suites))
        yield _table("openssl.cnf", "openssl.cnf", (Section("The suites of TLS 1.3, in both directions", (setting,)),))


def _table(name: str, template: str, sections: tuple[Section, ...]) -> PlannedFile:
    return PlannedFile(f"tlsconf/{name}", f"postfix/{template}.j2", sections, f"{_FOLDER}/{name}")


def _inbound_clients(policy: Policy) -> tuple[Setting, ...]:
    """Return the networks of client rules: the first line that matches decides, so those that reject stand first."""
    actions = {network: _action(rule) for rule in _deferring_first(policy) for network in rule.clients}
    ordered = sorted(actions.items(), key=lambda item: item[1] != _REJECT)
    return tuple(Setting(str(network), action) for network, action in ordered)


def _inbound_senders(policy: Policy) -> tuple[Setting, ...]:
    """Return the patterns of sender rules; the first line that matches decides, and one pattern may be in several rules."""
    actions = {pattern: _action(rule) for rule in _deferring_first(policy) for pattern in rule.senders}
    ordered = sorted(actions.items(), key=lambda item: item[1] != _REJECT)
    return tuple(Setting(name, _SENDER_DEFER if action == _DEFER else action) for pattern, action in ordered for name in spellings(pattern))


def _deferring_first(policy: Policy) -> list[InboundRule]:
    return sorted(policy.inbound.rules, key=lambda rule: rule.on_plaintext is OnPlaintext.REJECT)


def _action(rule: InboundRule) -> str:
    return _REJECT if rule.on_plaintext is OnPlaintext.REJECT else _DEFER


def _outbound_sections(policy: Policy, release: Release) -> tuple[Section, ...]:
    sections = []
    for rule in policy.outbound.rules:
        value = _outbound_value(policy, rule, release)
        names = [name for pattern in rule.domains for name in spellings(pattern)]
        keys = [_key(name) for name in names] + [key for hop in rule.next_hops for key in _next_hop_keys(hop)]
        sections.append(Section(f"rule {rule.name}", tuple([Setting(key, value) for key in keys])))
    return tuple(sections)


def _outbound_value(policy: Policy, rule: OutboundRule, release: Release) -> str:
    if rule.verify is Verify.HOSTNAME and rule.mx:
        value = "secure match=" + ":".join(_key(name) for name in rule.mx)
    else:
        value = _level(rule.tls, rule.verify)
    if rule.minimum_version is not None and rule.tls is not Level.NONE:
        value += f" protocols={sessions.protocols(sessions.rule_range(policy, rule), release, ':')}"
    return value


def _key(pattern: str) -> str:
    """Return a pattern as Postfix writes it: `.x` for the subdomains of x, in keys and in names of certificates."""
    return pattern.removeprefix("*")


def _next_hop_keys(hop: NextHop) -> Iterator[str]:
    for host in (f"[{hop.host}]", f"[IPv6:{hop.host}]") if ":" in hop.host else (f"[{hop.host}]",):
        if hop.port == _SMTP:
            yield host
        yield f"{host}:{hop.port}"
        for name in _PORT_NAMES.get(hop.port, ()):
            yield f"{host}:{name}"


def _requires(policy: Policy) -> tuple[Requirement, ...]:
    paths = [path for certificate in policy.server.certificates for path in (certificate.chain, certificate.key)]
    if policy.outbound.trust_anchors is not None:
        paths.append(policy.outbound.trust_anchors)
    return tuple(Requirement(path, "root") for path in dict.fromkeys(paths))


def _inbound_versions(policy: Policy) -> Iterator[Limitation]:
    if policy.inbound.tls is Level.NONE:
        return
    low = sessions.version_range(law.listener(policy)).low
    for rule in policy.inbound.rules:
        if rule.minimum_version is not None and rule.minimum_version > low:
            yield limitations.postfix_inbound_rule_version(rule.name, str(rule.minimum_version), str(low))


def _unverifiable(policy: Policy, target: Target) -> Iterator[Limitation]:
    if releases.verifies_addresses(target):
        return
    for rule, hops in addresses_to_verify(policy).items():
        yield limitations.postfix_address_unverifiable(rule, [str(hop) for hop in hops])
