"""Services of master.cf, and settings beside ours, that take TLS off or weaken it for some of the mail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.postfix.configuration import tokens
from tlsconf.mta.postfix.deployed import CLASSES, POLICY_MAPS, REPORTING, RESTRICTIONS, own_entries, planned
from tlsconf.policy import Level

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from tlsconf.live.discrepancy import Severity
    from tlsconf.live.machine import Machine
    from tlsconf.mta.postfix.configuration import Configuration, Service
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy, Target

# For programs that hand in mail, not for other hosts: a profile does not say what these are to be.
_SUBMISSION: Final = frozenset({"submission", "submissions", "smtps", "587", "465"})
_OWN_HOST: Final = frozenset({"localhost", "::1", "loopback-only"})
_SERVER_PORTS: Final = frozenset({"smtp", "25", "smtpd"})  # the last one is what postscreen(8) passes clients on to
_LISTENER_LEVELS: Final = ("none", "may", "encrypt")
# Which levels give a receiving host no weaker terms than a level does, itself left out (postconf(5), `smtp_tls_security_level`).
_STRICTER: Final = {
    "none": frozenset({"may", "dane", "encrypt", "verify", "secure", "dane-only", "fingerprint"}),
    "may": frozenset({"dane", "encrypt", "verify", "secure", "dane-only", "fingerprint"}),
    "dane": frozenset({"dane-only"}),
    "encrypt": frozenset({"verify", "secure", "dane-only", "fingerprint"}),
    "verify": frozenset({"secure"}),
    "dane-only": frozenset[str](),
}
_DIRECT_TLS_PORT: Final = 465

NAMES: Final = (
    "inet_interfaces",
    "smtp_never_send_ehlo",
    "smtp_tls_wrappermode",
    "smtpd_tls_wrappermode",
    "tls_server_sni_maps",
    "smtp_discard_ehlo_keywords",
    "smtp_discard_ehlo_keyword_address_maps",
    "smtpd_discard_ehlo_keywords",
    "smtpd_discard_ehlo_keyword_address_maps",
)


def listeners(configuration: Configuration) -> tuple[Service, ...]:
    """Return the services that take mail from other hosts."""
    everywhere = _only_own_host(tokens(configuration.value("inet_interfaces")))
    found = (service for service in configuration.services if service.command == "smtpd" and service.kind in {"inet", "pass"})
    return tuple(service for service in found if not _is_own_host(service, everywhere=everywhere))


def senders(configuration: Configuration) -> tuple[Service, ...]:
    """Return the services that send mail by SMTP."""
    return tuple(service for service in configuration.services if service.command == "smtp" and service.kind == "unix")


def inspect_listeners(configuration: Configuration, policy: Policy, plan: Plan, target: Target) -> Iterator[Discrepancy]:
    """Yield where a listener does not require, or does not offer, the TLS that the profile says."""
    wanted = planned(plan)
    has_requirements = bool(policy.inbound.rules) or policy.inbound.tls is Level.REQUIRED
    ours = _expanded_entries(configuration, plan, target, RESTRICTIONS) if has_requirements else []
    for service in listeners(configuration):
        port = service.name.rpartition(":")[2]
        wrapped = configuration.value("smtpd_tls_wrappermode", service) == "yes"
        if wrapped and port in _SERVER_PORTS:
            effect = "TLS begins at once, which no other host does there"
            yield _found(configuration, service, "smtpd_tls_wrappermode", "postfix-wrappermode", effect)
        requires = wrapped or configuration.value("smtpd_tls_security_level", service) == "encrypt"
        for name in sorted(service.overrides.keys() & wanted.keys() - REPORTING):
            judged = _listener_override(configuration, service, name, wanted[name], ours, requires=requires)
            if judged is not None:
                yield _found(configuration, service, name, "postfix-service-override", *judged)


def _listener_override(
    configuration: Configuration, service: Service, name: str, wanted: str, ours: list[str], *, requires: bool
) -> tuple[str, Severity] | None:
    """Return what an override of a listener does, and how bad that is; `ours` is empty where the profile requires TLS of nobody."""
    submission = service.name.rpartition(":")[2] in _SUBMISSION
    value = service.overrides[name]
    if name == "smtpd_tls_security_level":
        found, expected = (_LISTENER_LEVELS.index(level) if level in _LISTENER_LEVELS else 0 for level in (value, wanted))
        if found < expected and not requires:
            return f"that is weaker than `{wanted}` of the profile", "error"
        return (f"the profile says `{wanted}`: mail is refused", "warning") if found > expected and not submission else None
    if name == RESTRICTIONS:
        lost = not requires and tokens(value)[: len(ours)] != ours
        return ("no rule of the profile is in force there", "warning" if submission else "error") if lost else None
    if value == configuration.expanded.get(name):
        return None
    if name.startswith("tlsconf_") or name in {CLASSES, "plaintext_reject_code"}:
        return ("rules of the profile mean something else there", "error") if ours and not requires else None
    own_certificate = submission and name.endswith(("_file", "_files"))
    is_about_sessions = name.startswith(("smtpd_tls_", "tls_")) and not own_certificate
    return (f"the profile says `{wanted}`", "warning" if submission else "error") if is_about_sessions else None


def inspect_senders(
    configuration: Configuration, policy: Policy, plan: Plan, target: Target, used: Collection[str], apart: Collection[str]
) -> Iterator[Discrepancy]:
    """Yield where a service that sends mail does so on other terms.

    Mail that nobody routes specially goes by the services of `used`; mail by those of `apart` does not leave the machine.
    """
    wanted = planned(plan)
    ours = _expanded_entries(configuration, plan, target, POLICY_MAPS) if policy.outbound.rules else []
    known = {*ours, *tokens(configuration.value(POLICY_MAPS))}  # what main.cf has beside ours is judged where it stands
    smarthost = policy.outbound.smarthost
    direct = smarthost is not None and smarthost.port == _DIRECT_TLS_PORT
    for service in senders(configuration):
        if service.name in apart:
            continue
        severity: Severity = "error" if service.name in used else "warning"
        for name in sorted(service.overrides.keys() & wanted.keys() - REPORTING):
            value = service.overrides[name]
            if name == "smtp_tls_security_level" and value in _STRICTER[wanted[name]]:
                if service.name in used:
                    effect = f"the profile says `{wanted[name]}`: mail is held"
                    yield _found(configuration, service, name, "postfix-service-override", effect, "warning")
                continue
            is_same = value == configuration.expanded.get(name)
            entries = tokens(value)
            is_kept = entries[: len(ours)] == ours and known.issuperset(entries) if name == POLICY_MAPS else is_same
            if not is_kept:
                yield _found(configuration, service, name, "postfix-service-override", f"the profile says `{wanted[name]}`", severity)
        wrapped = configuration.value("smtp_tls_wrappermode", service) == "yes"
        if service.name in used and wrapped != direct:
            effect = "TLS begins at once, which a host does on port 465 only" if wrapped else "port 465 is for TLS that begins at once"
            yield _found(configuration, service, "smtp_tls_wrappermode", "postfix-wrappermode", f"{effect}: mail is held")


def inspect_discards(machine: Machine, configuration: Configuration, policy: Policy, used: Collection[str]) -> Iterator[Discrepancy]:
    """Yield what hides STARTTLS: where TLS is optional, mail then goes in clear text."""
    wants_outbound = any(rule.tls is not Level.NONE for rule in policy.outbound.rules) or policy.outbound.tls is not Level.NONE
    sending = [service for service in senders(configuration) if service.name in used] if wants_outbound else []
    listening = listeners(configuration) if policy.inbound.tls is not Level.NONE else ()
    unused = "STARTTLS is not used{}: mail goes out in clear text, and is held where TLS is required"
    not_offered = "STARTTLS is not offered{}: mail comes in in clear text, and is refused where TLS is required"

    def for_some(value: str) -> bool:
        return any(_mentions_starttls(machine, table) for table in tokens(value))

    for services, name, hides, effect in (
        (sending, "smtp_discard_ehlo_keywords", _is_discarded, unused.format("")),
        (sending, "smtp_discard_ehlo_keyword_address_maps", for_some, unused.format(" with some hosts")),
        (sending, "smtp_never_send_ehlo", lambda value: value == "yes", unused.format("")),
        (listening, "smtpd_discard_ehlo_keywords", _is_discarded, not_offered.format("")),
        (listening, "smtpd_discard_ehlo_keyword_address_maps", for_some, not_offered.format(" to some hosts")),
    ):
        places = dict.fromkeys(configuration.place(name, service) for service in services if hides(configuration.value(name, service)))
        for path, line in places:
            yield Discrepancy("postfix-starttls-hidden", "error", f"{name}: {effect}", path, line, f"postconf -X {name}")


def inspect_certificates(configuration: Configuration, policy: Policy) -> Iterator[Discrepancy]:
    """Yield what presents other certificates than those of the profile."""
    name = "tls_server_sni_maps"
    if policy.server.certificates and configuration.value(name):
        message = f"{name} is set: clients that ask for a name in it see another certificate than the profile's"
        yield Discrepancy("postfix-other-certificates", "warning", message, configuration.main, configuration.main_line(name))


def _is_discarded(keywords: str) -> bool:
    return "starttls" in keywords.lower()


def _expanded_entries(configuration: Configuration, plan: Plan, target: Target, name: str) -> list[str]:
    return [entry.replace("${config_directory}", configuration.folder) for entry in own_entries(plan, target, name)]


def _mentions_starttls(machine: Machine, table: str) -> bool:
    """Look into a table's text, be it in a file or in main.cf itself."""
    path = table.rpartition(":")[2]
    text = machine.read(path) if path.startswith("/") else None
    return any(_is_discarded(line) for line in (text or table).split("\n") if not line.startswith("#"))


def _found(configuration: Configuration, service: Service, name: str, id_: str, effect: str, severity: Severity = "error") -> Discrepancy:
    path, line = configuration.place(name, service)
    value = configuration.value(name, service)
    message = f"{service.label} has {name} = {value}".rstrip() + f"; {effect}"
    remedy = f"take `-o {name}` out of {service.label}" if name in service.overrides else f"set {name} otherwise"
    return Discrepancy(id_, severity, message, path, line, remedy)


def _is_own_host(service: Service, *, everywhere: bool) -> bool:
    """Tell whether only programs of this machine reach a listener; `everywhere` says so for those that name no address."""
    host = service.name.rpartition(":")[0].strip("[]")
    return _only_own_host([host]) if host else everywhere and service.kind == "inet"


def _only_own_host(hosts: list[str]) -> bool:
    return bool(hosts) and all(host in _OWN_HOST or host.startswith("127.") for host in hosts)
