"""Policy to plan: the values of Sendmail's options, its tables, and the commands that install them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law, tls
from tlsconf.errors import PlanError
from tlsconf.mta.addresses import addresses_to_verify
from tlsconf.mta.sendmail import install, tables
from tlsconf.mta.sendmail import limitations as limits
from tlsconf.mta.sendmail.install import CHAIN, FOLDER, TABLES
from tlsconf.mta.sendmail.releases import Facts, facts
from tlsconf.plan import Plan, PlannedFile, Section, Setting
from tlsconf.policy import Level, Verify
from tlsconf.tls import OPENSSL_DEFAULT_TLS13, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tlsconf.law import OutboundDecision
    from tlsconf.plan import Kind, Limitation
    from tlsconf.policy import OutboundRule, Parameters, Policy, Target

# White space ends a file name in sendmail.cf, a comma starts a second one (doc/op/op.me, ServerCertFile).
_PATH: Final = re.compile(r"/[A-Za-z0-9_./+@%=~:-]*")
_HOST: Final = re.compile(r"[A-Za-z0-9_.:-]+")


class _Outbound(NamedTuple):
    """What is decided for mail that is sent: the default, each rule, and what the one TLS client must offer for all of them."""

    default: OutboundDecision
    rules: tuple[tuple[OutboundRule, OutboundDecision], ...]
    floor: Version
    suites: tuple[str, ...]

    @property
    def decisions(self) -> tuple[OutboundDecision, ...]:
        """Return the default and the rules' decisions that may use TLS."""
        return tuple(d for d in (self.default, *(d for _, d in self.rules)) if d.tls is not Level.NONE)

    @property
    def tries_tls(self) -> bool:
        """Tell whether a host that no `next_hops` rule names may be asked for STARTTLS."""
        return self.default.tls is not Level.NONE or any(r.domains and d.tls is not Level.NONE for r, d in self.rules)


def plan(policy: Policy, target: Target) -> Plan:
    """Return everything that Sendmail is given for a policy.

    Raises `PlanError` for an unknown release or map type, and for a path or host that sendmail.cf can't hold.
    """
    known = facts(target)
    _check_texts(policy)
    outbound = _outbound(policy)
    suites = tuple(dict.fromkeys((*law.listener(policy).cipher_suites, *outbound.suites)))
    options = _option_settings(policy, known, outbound, suites)
    return Plan(
        target="sendmail",
        release=target.release.text,
        files=_files(policy, outbound, options),
        limitations=tuple(_limitations(policy, known, outbound, suites)),
        site_edits=install.SITE_EDITS,
        requires=install.requirements(policy),
        compile=install.compile_commands(policy, known),
        check=install.check_commands(policy, options),
        activate=(known.reload,),
        rollback=(*install.ROLLBACK, known.reload),
        on_certificate_change=(install.chain_command(policy), known.reload),
        notes=install.notes(target, known),
    )


def _check_texts(policy: Policy) -> None:
    for index, certificate in enumerate(policy.server.certificates):
        for key, path in (("chain", certificate.chain), ("key", certificate.key)):
            _check_path(path, ("server", "certificates", index, key))
    if policy.outbound.trust_anchors is not None:
        _check_path(policy.outbound.trust_anchors, ("outbound", "trust_anchors"))
    for number, rule in enumerate(policy.outbound.rules):
        for hop in rule.next_hops:
            if not _HOST.fullmatch(hop.host):
                raise PlanError(
                    ("outbound", "rules", number, "next_hops"), f"`{hop.host}` can't be looked up by Sendmail", "a host name or an address"
                )


def _check_path(path: str, where: tuple[str | int, ...]) -> None:
    if not _PATH.fullmatch(path):
        message = f"Sendmail can't be given the path `{path}`"
        raise PlanError(where, message, "an absolute path of letters, digits and `_ . / + @ % = ~ : -`")


def _outbound(policy: Policy) -> _Outbound:
    rules = tuple((rule, law.outbound_decision(policy, rule)) for rule in policy.outbound.rules)
    default = law.outbound_decision(policy, None)
    if policy.outbound.smarthost is not None:  # then it is the next hop of everything, and its rule decides everywhere
        default = law.decide_outbound(policy, law.Outgoing(""))
    active = [d for d in (default, *(d for _, d in rules)) if d.tls is not Level.NONE]
    parameters = [d.parameters for d in active] or [policy.opportunistic]
    floor = min(p.minimum_version for p in parameters)
    return _Outbound(default, rules, floor, tuple(dict.fromkeys(suite for p in parameters for suite in p.cipher_suites)))


def _option_settings(policy: Policy, known: Facts, outbound: _Outbound, suites: tuple[str, ...]) -> tuple[Section, ...]:
    listener = law.listener(policy)
    certificates = policy.server.certificates[:2] if policy.inbound.tls is not Level.NONE else ()
    chains = [certificate.chain for certificate in policy.server.certificates]
    server_options = [
        *_ssl_options(known, listener.minimum_version, listener.cipher_suites),
        f"{'+' if listener.prefer_server_order else '-'}SSL_OP_CIPHER_SERVER_PREFERENCE",
    ]
    options = [
        # The server offers no STARTTLS without a file and a folder of authorities; the folder completes its own chain.
        Setting("confCACERT", policy.outbound.trust_anchors or (chains[0] if chains else "")),
        Setting("confCACERT_PATH", CHAIN),
        Setting("confSERVER_CERT", ",".join(certificate.chain for certificate in certificates)),
        Setting("confSERVER_KEY", ",".join(certificate.key for certificate in certificates)),
        Setting("confDH_PARAMETERS", "none" if _has_ecdhe(listener) else "i"),
        Setting("confCIPHER_LIST", _cipher_list(policy, known, outbound, suites)),
        Setting("confSERVER_SSL_OPTIONS", " ".join(server_options)),
        Setting("confCLIENT_SSL_OPTIONS", " ".join(_ssl_options(known, outbound.floor, outbound.suites))),
    ]
    if known.cipher_suites:
        options.append(Setting("TLSCONF_CIPHER_SUITES", tls.openssl_list(tls.tls13_suites(suites))))
    if known.fallback_to_clear:
        options.append(Setting("confTLS_FALLBACK_TO_CLEAR", "true"))
    if known.dane:
        options.append(Setting("confDANE", "true" if _dane_rules(outbound) else "false"))
    if known.cert_altnames:
        options.append(Setting("TLSCONF_SET_CERT_ALTNAMES", "true"))
    words = (
        Setting("TLSCONF_MAP_TYPE", known.map_type),
        Setting("TLSCONF_OUTBOUND", tables.outbound_words(outbound.default)),
        Setting("TLSCONF_OUTBOUND_SUITES", _accepted(known, policy.required)),
        Setting("TLSCONF_INBOUND", "reject:any" if policy.inbound.tls is Level.REQUIRED else "?"),
        Setting("TLSCONF_INBOUND_SUITES", _accepted(known, listener)),
    )
    return (
        Section("options", tuple(options)),
        Section("what applies where no rule does, and which suites are accepted where TLS is required", words),
    )


def _ssl_options(known: Facts, floor: Version, suites: Iterable[str]) -> list[str]:
    names = tuple(suites)
    refused = {Version.TLSv1_0: "SSL_OP_NO_TLSv1", Version.TLSv1_1: "SSL_OP_NO_TLSv1_1", Version.TLSv1_2: "SSL_OP_NO_TLSv1_2"}
    lowest = floor if tls.older_suites(names) else Version.TLSv1_3
    options = ["+SSL_OP_NO_SSLv2", "+SSL_OP_NO_SSLv3", *(f"+{option}" for version, option in refused.items() if version < lowest)]
    if not tls.tls13_suites(names):
        options.append(f"+{known.no_tlsv1_3}")
    return options


def _has_ecdhe(parameters: Parameters) -> bool:
    return any("ECDHE" in suite or tls.is_tls13(suite) for suite in parameters.cipher_suites)


def _cipher_list(policy: Policy, known: Facts, outbound: _Outbound, suites: tuple[str, ...]) -> str:
    # An empty list means OpenSSL's default, which no session gets as far as: TLS 1.2 and below are then switched off on both sides.
    older = tls.openssl_list(tls.older_suites(suites))
    return f"{older}:@SECLEVEL=0" if _needs_level_0(policy, known, outbound, suites) else older


def _needs_level_0(policy: Policy, known: Facts, outbound: _Outbound, suites: tuple[str, ...]) -> bool:
    lowest = max(_lowest(policy, outbound), known.system_minimum)
    return lowest < Version.TLSv1_2 and bool(tls.older_suites(suites))


def _lowest(policy: Policy, outbound: _Outbound) -> Version:
    return min(outbound.floor, law.listener(policy).minimum_version)


def _accepted(known: Facts, parameters: Parameters) -> str:
    """Return the OpenSSL names of the suites that are accepted where TLS is required, as the members of a class."""
    names = parameters.cipher_suites
    if not known.cipher_suites and tls.tls13_suites(names):
        names = (*dict.fromkeys((*OPENSSL_DEFAULT_TLS13, *names)),)
    return tls.openssl_list(names).replace(":", " ")


def _dane_rules(outbound: _Outbound) -> bool:
    return any(decision.verify is Verify.DANE for decision in outbound.decisions)


def _files(policy: Policy, outbound: _Outbound, options: tuple[Section, ...]) -> tuple[PlannedFile, ...]:
    dnl = ("dnl ", "")
    names = tuple(
        Setting(rule.name, pattern) for rule, decision in outbound.rules if decision.verify is Verify.HOSTNAME for pattern in rule.mx
    )
    by_domain = tables.domain_entries((rule, tables.outbound_words(decision)) for rule, decision in outbound.rules)
    by_hop = tables.next_hop_entries((hop, d) for rule, d in outbound.rules for hop in rule.next_hops)
    clients = tables.client_entries(policy.inbound.rules, policy.inbound.exempt_clients)
    content = {
        "outbound": ("recipient's domain: level, verification, minimum version, rule", by_domain),
        "next_hops": ("fixed next hop: level, verification, minimum version, rule", by_hop),
        "senders": ("sender's domain: answer to clear text, minimum version", tables.sender_entries(policy.inbound.rules)),
        "clients": ("client's address: answer to clear text, minimum version", clients),
    }
    return (
        PlannedFile("tlsconf.m4", "sendmail/tlsconf.m4.j2", options, f"{FOLDER}/tlsconf.m4", dnl, effective="reload"),
        PlannedFile(
            "tlsconf/names.m4",
            "sendmail/names.m4.j2",
            (Section("the names that a certificate may be for, by rule", names),),
            f"{FOLDER}/names.m4",
            dnl,
        ),
        *(PlannedFile(f"tlsconf/{name}", "sendmail/table.j2", (Section(*content[name]),), f"{FOLDER}/{name}") for name in TABLES),
    )


def _limitations(policy: Policy, known: Facts, outbound: _Outbound, suites: tuple[str, ...]) -> Iterable[Limitation]:
    listener = law.listener(policy)
    yield from _level_limitations(known, outbound)
    yield from _list_limitations(policy, known, outbound, suites)
    yield from _verification_limitations(policy, known, outbound)
    if known.library_groups is None or known.library_groups != {*policy.required.groups, *policy.opportunistic.groups}:
        yield limits.sendmail_library_groups()
    lowest = _lowest(policy, outbound)
    if lowest < known.system_minimum:
        yield limits.sendmail_system_minimum((), str(known.system_minimum))
    if _needs_level_0(policy, known, outbound, suites):
        yield limits.sendmail_security_level()
    dhe = tuple(suite for suite in listener.cipher_suites if suite.startswith("TLS_DHE_"))
    if dhe and _has_ecdhe(listener) and policy.inbound.tls is not Level.NONE:
        yield limits.sendmail_server_dhe(dhe)
    unused = tuple(certificate.chain for certificate in policy.server.certificates[2:])
    if unused and policy.inbound.tls is not Level.NONE:
        yield limits.sendmail_two_certificates(unused)


def _touching(
    make: Callable[[tuple[str, ...]], Limitation], outbound: _Outbound, touches: Callable[[OutboundDecision], bool]
) -> Iterable[Limitation]:
    """Yield a limitation for the rules that it touches, and one for the default where it does."""
    rules = tuple(rule.name for rule, decision in outbound.rules if touches(decision))
    if rules:
        yield make(rules)
    if touches(outbound.default):
        yield make(())


def _level_limitations(known: Facts, outbound: _Outbound) -> Iterable[Limitation]:
    if outbound.tries_tls:
        none = tuple(rule.name for rule, decision in outbound.rules if rule.domains and decision.tls is Level.NONE)
        if none:
            yield limits.sendmail_none_by_host(none)
        if outbound.default.tls is Level.NONE:
            yield limits.sendmail_none_by_host(())
    if not known.fallback_to_clear:
        # What `sendmail_none_by_host` touches may be tried with TLS as well.
        held = {rule.name for rule, decision in outbound.rules if decision.tls is Level.NONE and rule.domains and outbound.tries_tls}
        held |= {rule.name for rule, decision in outbound.rules if decision.tls is Level.OPPORTUNISTIC}
        if held:
            yield limits.sendmail_no_fallback(tuple(rule.name for rule, _ in outbound.rules if rule.name in held))
        if outbound.default.tls is not Level.REQUIRED and outbound.tries_tls:
            yield limits.sendmail_no_fallback(())
    for rule, decision in outbound.rules:
        if rule.next_hops:
            kind: Kind = "stricter" if law.at_least_as_strong(decision, outbound.default) else "different"
            yield limits.sendmail_port_not_seen((rule.name,), kind)


def _list_limitations(policy: Policy, known: Facts, outbound: _Outbound, suites: tuple[str, ...]) -> Iterable[Limitation]:
    listener = law.listener(policy)
    if not known.cipher_suites:
        yield from _library_suites(policy, suites)
        suites = tls.older_suites(suites)
    rules = tuple(rule.name for rule, d in outbound.rules if d.tls is not Level.NONE and not set(suites) <= set(d.parameters.cipher_suites))
    extra = tuple(
        suite
        for suite in suites
        if suite not in listener.cipher_suites or any(suite not in d.parameters.cipher_suites for d in outbound.decisions)
    )
    if rules:
        yield limits.sendmail_one_suite_list(rules, extra)
    default = outbound.default
    if not set(suites) <= set(listener.cipher_suites) or (
        default.tls is not Level.NONE and not set(suites) <= set(default.parameters.cipher_suites)
    ):
        yield limits.sendmail_one_suite_list((), extra)
    yield from _touching(
        lambda rules: limits.sendmail_one_floor(rules, str(outbound.floor)),
        outbound,
        lambda d: d.tls is Level.OPPORTUNISTIC and d.parameters.minimum_version > outbound.floor,
    )


def _library_suites(policy: Policy, suites: tuple[str, ...]) -> Iterable[Limitation]:
    """Yield what OpenSSL's own TLS 1.3 suites do to lists that have any, each list by itself."""
    listed = tls.tls13_suites(suites)
    lists = [parameters.cipher_suites for parameters in (policy.required, policy.opportunistic)]
    lists = [each for each in lists if tls.tls13_suites(each)]
    added = tuple(suite for suite in OPENSSL_DEFAULT_TLS13 if any(suite not in each for each in lists))
    lost = tuple(suite for suite in listed if suite not in OPENSSL_DEFAULT_TLS13)
    if added or lost:
        narrowest = min(lists, key=lambda each: len(tls.tls13_suites(each)))
        yield limits.sendmail_library_tls13_suites(narrowest, added, lost)


def _verification_limitations(policy: Policy, known: Facts, outbound: _Outbound) -> Iterable[Limitation]:
    by_name = limits.sendmail_common_name_counts if known.cert_altnames else limits.sendmail_common_name_only
    yield from _touching(by_name, outbound, lambda d: d.verify is Verify.HOSTNAME)
    for rule in addresses_to_verify(policy):
        yield limits.sendmail_address_unverifiable(() if rule is None else (rule,))
    wildcards = tuple(
        rule.name for rule, d in outbound.rules if d.verify is Verify.HOSTNAME and any(pattern.startswith("*.") for pattern in rule.mx)
    )
    if wildcards and known.cert_altnames:
        yield limits.sendmail_mx_wildcard(wildcards)
    if not _dane_rules(outbound):
        return
    if not known.dane:
        yield from _touching(limits.sendmail_dane_missing, outbound, lambda d: d.verify is Verify.DANE)
        return
    yield from _touching(limits.sendmail_dane_is_global, outbound, lambda d: d.verify is not Verify.DANE)
    if policy.required != policy.opportunistic:
        yield from _touching(
            limits.sendmail_dane_unusable_records, outbound, lambda d: d.verify is Verify.DANE and d.tls is Level.OPPORTUNISTIC
        )
