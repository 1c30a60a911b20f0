"""A policy as values for Exim: rules are lines of lookup files, and the options that read them are always the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf import law
from tlsconf.mta.addresses import addresses_to_verify
from tlsconf.mta.exim import install, tables
from tlsconf.mta.exim import limitations as say
from tlsconf.mta.exim.ciphers import sessions
from tlsconf.mta.exim.expansion import absent, below, contains, digits, equal, every, exists, lookup, no_item, some, when, word_of
from tlsconf.mta.exim.releases import facts
from tlsconf.mta.exim.syntax import Directive, items, literal
from tlsconf.plan import Plan, PlannedFile, Raw, Requirement, Section, Setting
from tlsconf.policy import Level, Verify
from tlsconf.tls import older_suites

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlsconf.mta.exim.ciphers import Sessions
    from tlsconf.mta.exim.releases import Facts
    from tlsconf.plan import Limitation
    from tlsconf.policy import Parameters, Policy, Target

# What decides where a lookup finds nothing: the strictest words there are, so that a damaged file holds mail and never sends it in clear.
_STRICTEST: Final = "tls=required verify=hostname"
_STRICTEST_INBOUND: Final = "plaintext=reject"


def plan(policy: Policy, target: Target) -> Plan:
    """Turn a policy into final values and limitations.

    Raises `PlanError` for a release that is too old or a list that allows nothing, `UnrepresentableError` for text that Exim can't hold.
    """
    known = facts(target)
    decisions = [law.outbound_decision(policy, rule) for rule in (None, *policy.outbound.rules)]
    parameters: dict[str, Parameters] = {}
    users: dict[str, tuple[str, ...]] = {}
    for decision in decisions:
        for name, value in tables.sessions_of(policy, decision).items():
            parameters[name] = value
            users[name] = (*users.get(name, ()), *_names_of([decision]))
    allowed = sessions(parameters, users, law.listener(policy), known)
    files = _files(policy, known, allowed)
    requires = _requires(policy, known)
    return Plan(
        target="exim",
        release=target.release.text,
        files=files,
        limitations=(*allowed.limitations, *_by_decision(decisions, known), *_of_listener(policy, known), *_of_addresses(policy, known)),
        site_edits=install.site_edits(known),
        requires=requires,
        check=install.check(known, requires, files, offers_tls=policy.inbound.tls is not Level.NONE),
        activate=install.activate(known),
        rollback=install.rollback(known),
        on_certificate_change=(known.layout.reload,),
        notes=install.notes(policy, target, known),
    )


def _of_listener(policy: Policy, known: Facts) -> Iterator[Limitation]:
    """Yield what clients can't use although it is listed."""
    suites = law.listener(policy).cipher_suites
    lost = tuple(suite for suite in suites if suite.startswith("TLS_DHE_"))
    if lost and not known.server_dhe and policy.inbound.tls is not Level.NONE:
        yield say.exim_gnutls_server_dhe(lost, "missing" if set(older_suites(suites)) <= set(lost) else "different")


def _of_addresses(policy: Policy, known: Facts) -> Iterator[Limitation]:
    """Yield what can't be verified because it has no name."""
    if known.gnutls:
        return
    for rule in addresses_to_verify(policy):
        yield say.exim_openssl_address_unverifiable(() if rule is None else (rule,))


def _by_decision(decisions: Sequence[law.OutboundDecision], known: Facts) -> Iterator[Limitation]:
    """Yield what depends on which rules there are."""
    holding = [d for d in decisions if d.tls is Level.REQUIRED or d.verify is Verify.DANE]
    unauthenticated = [d for d in decisions if d.tls is Level.OPPORTUNISTIC and d.verify is Verify.DANE]
    if unauthenticated and not known.gnutls:
        yield say.exim_openssl_dane_unusable(_names_of(unauthenticated))
    if holding and len({(d.tls, d.verify, d.parameters, d.mx) for d in decisions}) > 1:
        yield say.exim_host_retry_shared(_names_of(holding))


def _names_of(decisions: Sequence[law.OutboundDecision]) -> tuple[str, ...]:
    return tuple(decision.rule for decision in decisions if decision.rule is not None)


def _requires(policy: Policy, known: Facts) -> tuple[Requirement, ...]:
    anchors = () if policy.outbound.trust_anchors is None else (policy.outbound.trust_anchors,)
    paths = [*anchors, *(path for certificate in policy.server.certificates for path in certificate)]
    return tuple(Requirement(path, known.layout.user) for path in dict.fromkeys(paths))


def _files(policy: Policy, known: Facts, allowed: Sessions) -> tuple[PlannedFile, ...]:
    folder = known.layout.folder

    def options(name: str, *sections: Section) -> PlannedFile:
        return PlannedFile(name, f"exim/{name}.j2", sections, f"{folder}/{name}")

    def table(name: str, *sections: Section) -> PlannedFile:
        return PlannedFile(f"tlsconf/{name}", "exim/table.j2", sections, f"{folder}/{name}", effective="live")

    return (
        options("main", *_main(policy, known, allowed)),
        options("acl_mail", *_acl_mail()),
        options("transport_smtp", *_transport(policy, folder, "TLSCONF_RULE", "outbound"), _ONE_DOMAIN),
        options("transport_smarthost", *_transport(policy, folder, "TLSCONF_HOP", "next_hops")),
        table("outbound", *tables.outbound(policy)),
        table("next_hops", *tables.next_hops(policy)),
        table("names", *tables.names(policy)),
        table("sessions", *tables.sessions(allowed)),
        table("senders", *tables.senders(policy)),
        table("clients", *tables.clients(policy)),
        table("exempt_clients", *tables.exempt_clients(policy)),
    )


def _main(policy: Policy, known: Facts, allowed: Sessions) -> Iterator[Section]:
    folder = known.layout.folder
    host = when("isip6{$host}", "${ipv6denorm:$host}", "$host")
    by_hop = lookup(f"{host}:$host_port", "lsearch*", f"{folder}/next_hops", missing=_STRICTEST)
    by_domain = when("def:domain", lookup("$domain", "partial0-lsearch", f"{folder}/outbound", missing=_STRICTEST), _STRICTEST)
    exempt = lookup("$sender_host_address", "iplsearch", f"{folder}/exempt_clients", found="yes", missing="no")
    client = lookup("$sender_host_address", "iplsearch", f"{folder}/clients", missing=_STRICTEST_INBOUND)
    sender = lookup("$sender_address_domain", "partial0-lsearch", f"{folder}/senders", missing=_STRICTEST_INBOUND)
    yield Section(
        "what decides for a message: the other files refer to these",
        (
            Setting("TLSCONF_HOP", Raw(by_hop)),
            # A router for fixed routes may hand over to the transport that delivers by MX: it says so in `address_data`.
            Setting("TLSCONF_RULE", Raw(when(equal("$address_data", install.FIXED_ROUTE), by_hop, by_domain))),
            Setting("TLSCONF_BOUND", Raw(when(every("def:sender_host_address", equal(exempt, "no")), "yes", "no"))),
            Setting("TLSCONF_CLIENT", Raw(client)),
            Setting("TLSCONF_SENDER", Raw(when("def:sender_address_domain", sender, "plaintext=accept"))),
        ),
    )
    certificates = policy.server.certificates
    yield Section(
        "the listener",
        (
            Setting("tls_advertise_hosts", Raw("" if policy.inbound.tls is Level.NONE else "*")),
            Setting("tls_certificate", items(certificate.chain for certificate in certificates)),
            Setting("tls_privatekey", items(certificate.key for certificate in certificates)),
            Setting("tls_require_ciphers", Raw(allowed.listener)),
        ),
    )
    if not known.gnutls:
        yield Section(
            "what OpenSSL keeps for the whole server",
            (
                Setting(".ifdef", Directive("_HAVE_OPENSSL")),
                Setting("openssl_options", Raw(allowed.options)),
                Setting("tls_eccurve", Raw(allowed.curves)),
                Setting(".endif", Directive("")),
            ),
        )


def _acl_mail() -> Iterator[Section]:
    """Yield statements that fall through: what refuses before what defers, as a refusal wins."""
    places = ("TLSCONF_CLIENT", "TLSCONF_SENDER")
    version = digits("$tls_in_ver")  # `TLS1.3`, in some builds `TLSv1.3`
    too_low = (below(version, digits(word_of(place, "floor"))) for place in places)

    def statement(title: str, verb: str, answer: str, encrypted: str, condition: str) -> Section:
        return Section(
            title,
            (
                Setting(f"{verb} message", Raw(answer)),
                Setting("condition", Raw("TLSCONF_BOUND")),
                Setting(encrypted, Raw("*")),
                Setting("condition", Raw(when(condition, "yes", "no"))),
            ),
        )

    def clear_text(answer: str) -> str:
        return some(*(equal(word_of(place, "plaintext"), answer) for place in places))

    must = "Must issue a STARTTLS command first"
    yield statement("clear text is refused", "deny", f"530 5.7.0 {must}", "!encrypted", clear_text("reject"))
    yield statement(
        "a version below a rule's own floor is refused", "deny", "550 5.7.0 A later TLS version is required", "encrypted", some(*too_low)
    )
    yield statement("clear text is deferred", "defer", f"450 4.7.0 {must}", "!encrypted", clear_text("defer"))


# One recipient's domain by delivery: with several, `$domain` is empty and no rule could be found.
_ONE_DOMAIN: Final = Section("each domain has its own delivery", (Setting("multi_domain", Raw("false")),))


def _transport(policy: Policy, folder: str, place: str, table: str) -> Iterator[Section]:
    def says(name: str, value: str) -> str:
        return equal(word_of(place, name), value)

    def hosts(condition: str) -> Raw:
        return Raw(when(condition, "*"))

    def session(name: str) -> Raw:
        return Raw(lookup(word_of(place, name), "lsearch*", f"{folder}/sessions"))

    only_dane = every(says("verify", "dane"), says("tls", "required"))
    yield Section(
        "without `main` there are no rules: stop",
        (
            Setting(".ifndef", Directive("TLSCONF_RULE")),
            Setting("include_tlsconf_main_first", Raw("true")),
            Setting(".endif", Directive("")),
        ),
    )
    yield Section(
        "with whom TLS is used",
        (
            Setting("hosts_avoid_tls", hosts(says("tls", "none"))),
            Setting("hosts_require_tls", hosts(says("tls", "required"))),
            Setting("tls_require_ciphers", session("session")),
            # A session belongs to the rule that it was made under: a later message for the host must not ride it.
            Setting("hosts_nopass_tls", Raw("*")),
        ),
    )
    yield Section(
        "how a host proves who it is",
        (
            # Where no TLSA record is usable, a host that needs DANE is held: with no trust anchor, its session is refused.
            # `hosts_require_dane` would return the message to its sender.
            Setting("tls_verify_certificates", Raw(when(only_dane, "/dev/null", _anchors(policy.outbound.trust_anchors)))),
            Setting("tls_verify_hosts", hosts(some(says("verify", "hostname"), only_dane))),
            Setting("tls_try_verify_hosts", Raw("*")),
            Setting("tls_verify_cert_hostnames", hosts(says("names", ""))),
            Setting("event_action", _event(folder, place, table)),
        ),
    )
    yield Section("a table that Exim can't read stops a delivery", (Setting("authenticated_sender", _readable(folder, place)),))
    yield Section(
        "DANE",
        (
            Setting(".ifdef", Directive("_HAVE_DANE")),
            Setting("hosts_try_dane", hosts(says("verify", "dane"))),
            Setting("dane_require_tls_ciphers", session("dane_session")),
            Setting(".endif", Directive("")),
        ),
    )


def _anchors(path: str | None) -> str:
    """Return the trust anchors; where their file is missing, none, so that opportunistic TLS is not given up for clear text."""
    if path is None:
        return "system"
    return when(exists(literal(path)), literal(path), "/dev/null")


def _event(folder: str, place: str, table: str) -> Raw:
    """Return what stops a delivery: the certificate is for none of the names of the rule, or a table is gone.

    A text as result means "do not connect", or "refuse verification" (specification, "Events").
    """
    wanted = word_of(place, "names")
    # `dns` stands last: with a modifier after it, 4.94.2 with GnuTLS loops for ever.
    of_certificate = "${certextract{subj_altname,>:,dns}{$tls_out_peercert}}"
    accepted_by = lookup(r"${sg{$item}{\N^\*\.\N}{_wildcard.}}", "partial1-lsearch", f"{folder}/names")
    leaf = (equal("$event_name", "tls:cert"), equal("$event_data", "0"))
    wrong = every(*leaf, f"!{equal(wanted, '')}", no_item(of_certificate, contains(accepted_by, wanted)))
    gone = every(equal("$event_name", "tcp:connect"), some(*(absent(f"{folder}/{name}") for name in (table, "names", "sessions"))))
    return Raw(when(wrong, "certificate for another name") + when(gone, f"a table in {folder} is missing"))


def _readable(folder: str, place: str) -> Raw:
    """Return an expansion that fails where a table can't be read, and yields nothing else.

    An option whose expansion fails stops a delivery; a host list does not, and required mail would go in clear. This option, left empty,
    changes nothing.
    """
    others = (lookup("-", "lsearch", f"{folder}/{name}") for name in ("names", "sessions"))
    return Raw(when(some(*(equal(text, "-") for text in (place, *others)))))
