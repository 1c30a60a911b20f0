"""Asks the program itself, without sending anything: would it refuse, where would it send, does it offer STARTTLS."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law
from tlsconf.diagnostics import short
from tlsconf.domains import most_specific
from tlsconf.errors import EnvironmentFailedError
from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.sendmail import cf
from tlsconf.mta.sendmail.deployed import dump
from tlsconf.mta.sendmail.releases import MAP_SUFFIXES
from tlsconf.policy import Level, NextHop

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlsconf.live.machine import Machine
    from tlsconf.mta.sendmail.cf import Configuration
    from tlsconf.policy import Certificate, InboundRule, OutboundRule, Policy

_NOBODY: Final = "tlsconf.invalid"  # a name under .invalid is nobody's (RFC 6761)
_CLIENTS: Final = ("198.18.0.1", "192.0.2.1", "203.0.113.1", "198.51.100.1", "100.64.0.1", "2001:db8::1")
_MOST: Final = 20  # patterns of one rule that are asked for: the tables are compared anyway
_ASKED: Final = re.compile(r"^(?:> )+\S+ +input:", re.MULTILINE)
_TRIPLE: Final = re.compile(r"\$# (\S+) \$@ (.*?) \$: ")
_TRIES: Final = (0.3, 5.0)  # seconds to wait beyond the server's own pause, before it is greeted
_LONGEST_PAUSE: Final = 20.0
_NETWORK: Final = {"[IPC]", "[TCP]"}
_SMTP: Final = 25


class _Question(NamedTuple):
    """One address that is given to a ruleset: who is meant, with which macros set, and whether clear text must be refused."""

    ruleset: str
    address: str
    macros: tuple[str, ...]
    who: str
    refused: bool


class Route(NamedTuple):
    """Where mail goes: by which mailer, to which host as `$h` has it, and to which port."""

    mailer: str
    host: str
    port: int


def answers(machine: Machine, path: str, questions: Sequence[tuple[str, str, tuple[str, ...]]]) -> list[str]:
    """Give addresses to rulesets, and return what each gives back: `(ruleset, address, macros to set before)`.

    Raises `EnvironmentFailedError` where the program does not answer them all. Source: doc/op/op.me, "Testing Configuration Files".
    """
    lines = [line for ruleset, address, macros in questions for line in (*(f".D{macro}" for macro in macros), f"{ruleset} {address}")]
    output = machine.run("sendmail", "-C", path, "-bt", stdin="\n".join([*lines, ""]))
    found = parts(output.stdout)
    if len(found) != len(questions):
        message = f"sendmail -bt answered {len(found)} of {len(questions)} questions: {short((output.stderr or output.stdout).strip())}"
        raise EnvironmentFailedError(message)
    return found


def parts(text: str) -> list[str]:
    """Return what each ruleset that was asked in test mode gave back."""
    starts = [match.start() for match in _ASKED.finditer(text)]
    asked = [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return [(re.findall(r"^(?:> )*\S+ +returns: (.*)$", part, re.MULTILINE) or [""])[-1].strip() for part in asked]


def route(answer: str, mailers: dict[str, str]) -> Route | None:
    """Return where mail goes by what the ruleset `parse` gave back; `None` where it does not leave, or is refused."""
    found = _TRIPLE.search(f"{answer} ")
    if found is None or found[1] in {"local", "error", "discard"} or found[1] not in mailers:
        return None
    arguments = cf.field(mailers[found[1]], "A").split()
    port = arguments[2] if len(arguments) > 2 else ""  # noqa: PLR2004  (TCP $h PORT)
    return Route(found[1], found[2].replace(" ", "").rstrip(".").lower(), int(port) if port.isdigit() else _SMTP)


def rules(machine: Machine, policy: Policy, path: str, *, client_hook: bool) -> Iterator[Discrepancy]:
    """Yield the rules under which clear text would not be refused, and where it would, although the profile allows it.

    `client_hook` says that Local_tls_client checks as well what Local_check_mail lets pass.
    """
    questions = [*_outbound(policy), *_inbound(policy)]
    found = answers(machine, path, [question[:3] for question in questions])
    for question, answer in zip(questions, found, strict=True):
        inbound = question.ruleset == "Local_check_mail"
        refused = answer.startswith(("$# error", "$# discard"))
        passed = not refused and not (inbound and client_hook and not answer.startswith("$#"))
        if question.refused and passed:
            message = f"{question.who}: {question.ruleset} does not refuse clear text, it gives `{short(answer)}`"
            remedy = f"which rule of the site comes first? printf '{question.ruleset} {question.address}\\n' | sendmail -bt"
            yield Discrepancy("sendmail-not-enforced", "error", message, path, remedy=remedy)
        elif refused and not question.refused:
            message = f"{question.who}: {question.ruleset} refuses clear text, which the profile allows: `{short(answer)}`"
            yield Discrepancy("sendmail-mail-held", "warning", message, path, remedy="is that rule of the site still needed?")


def _outbound(policy: Policy) -> Iterator[_Question]:
    smarthost = policy.outbound.smarthost
    default = law.decide_outbound(policy, law.Outgoing(_NOBODY))
    hop = f"h[{smarthost.host}]" if smarthost is not None else "h"
    to = ("{server_addr}192.0.2.1", "{server_name}tlsconf.invalid")
    address = f"user@{_NOBODY}"
    yield _Question("Local_tls_rcpt", address, (*to, hop), "mail that no rule names", default.tls is Level.REQUIRED)
    for rule in policy.outbound.rules:
        if rule.tls is not Level.REQUIRED:
            continue
        for host in rule.next_hops[:_MOST]:
            macros = (*to, f"h{_literal(host)}")
            yield _Question("Local_tls_rcpt", address, macros, f"mail to {host}, rule {rule.name}", refused=True)
        for domain in samples(policy, rule)[:_MOST]:
            yield _Question("Local_tls_rcpt", f"user@{domain}", (*to, "h"), f"mail for {domain}, rule {rule.name}", refused=True)


def _literal(hop: NextHop) -> str:
    return f"[IPv6:{hop.host}]" if ":" in hop.host else f"[{hop.host}]"


def samples(policy: Policy, rule: OutboundRule) -> list[str]:
    """Return one domain for each pattern of a rule, where no other rule is nearer."""
    by_pattern, _ = law.outbound_index(policy)
    names = (f"{_NOBODY.partition('.')[0]}-sample{pattern[1:]}" if pattern.startswith("*.") else pattern for pattern in rule.domains)
    return [name for name in names if most_specific(by_pattern, name) is rule]


def _inbound(policy: Policy) -> Iterator[_Question]:
    for rule in policy.inbound.rules:
        for sender, client in _incoming(policy, rule):
            macros = (f"{{client_addr}}{_address(client)}",)
            who = f"mail from {sender} by {client}, rule {rule.name}"
            yield _Question("Local_check_mail", f"<user@{sender}>", macros, who, refused=True)
    if policy.inbound.tls is Level.REQUIRED:
        for client in _not_exempt(policy, _NOBODY):
            macros = (f"{{client_addr}}{_address(client)}",)
            yield _Question("Local_check_mail", f"<user@{_NOBODY}>", macros, f"mail by {client}", refused=True)


def _incoming(policy: Policy, rule: InboundRule) -> Iterator[tuple[str, IPv4Address | IPv6Address]]:
    for pattern in rule.senders[:_MOST]:
        sender = f"sample{pattern[1:]}" if pattern.startswith("*.") else pattern
        yield from ((sender, client) for client in _not_exempt(policy, sender))
    for network in rule.clients[:_MOST]:
        if not law.decide_inbound(policy, law.Incoming(_NOBODY, network[-1])).exempt:
            yield _NOBODY, network[-1]


def _not_exempt(policy: Policy, sender: str) -> list[IPv4Address | IPv6Address]:
    clients = [IPv6Address(text) if ":" in text else IPv4Address(text) for text in _CLIENTS]
    return [client for client in clients if not law.decide_inbound(policy, law.Incoming(sender, client)).exempt][:1]


def _address(client: IPv4Address | IPv6Address) -> str:
    if isinstance(client, IPv4Address):
        return str(client)
    return "IPv6:" + ":".join(hextet.lstrip("0") or "0" for hextet in client.exploded.split(":"))


def routes(machine: Machine, configuration: Configuration, policy: Policy, path: str) -> Iterator[Discrepancy]:
    """Yield where the site's routing differs from the profile's smarthost, or takes a domain away from its rule."""
    named = {domain: rule for rule in policy.outbound.rules for domain in samples(policy, rule)[:_MOST]}
    routed = _routed(machine, configuration)
    domains = [_NOBODY, *dict.fromkeys((*named, *routed))]
    found = answers(machine, path, [("parse", f"user<@{domain}.>", ()) for domain in domains])
    by_domain = {domain: route(answer, configuration.mailers) for domain, answer in zip(domains, found, strict=True)}
    default = by_domain.pop(_NOBODY)
    yield from _smarthost(default, policy, path)
    for domain, to in by_domain.items():
        if to is not None and (default is None or to.host != default.host):
            yield from _taken_away(domain, to, configuration, policy, routed.get(domain, path))


def _smarthost(default: Route | None, policy: Policy, path: str) -> Iterator[Discrepancy]:
    wanted = policy.outbound.smarthost
    if wanted is None:
        if default is not None and default.host != _NOBODY:
            fixed = default.host.startswith("[")
            what = "no rule for a domain is asked" if fixed else "certificates are checked for the name of that host"
            lost = fixed and any(rule.domains for rule in policy.outbound.rules)
            message = f"the site sends everything to {default.host}, the profile has no smarthost: {what}"
            remedy = "outbound.smarthost in the profile, or no SMART_HOST in sendmail.mc"
            yield Discrepancy("sendmail-smarthost", "error" if lost else "warning", message, path, remedy=remedy)
        return
    host = _literal(wanted).lower()
    if default is None or (default.host, default.port) != (host, wanted.port):
        goes = "to no other host" if default is None else "by MX" if default.host == _NOBODY else f"to {default.host} port {default.port}"
        message = f"mail goes {goes}, the profile's smarthost is {wanted}"
        remedy = f"define(`SMART_HOST', `[{wanted.host}]'), define(`RELAY_MAILER_ARGS', `TCP $h {wanted.port}')"
        yield Discrepancy("sendmail-smarthost", "error", message, path, remedy=remedy)


def _routed(machine: Machine, configuration: Configuration) -> dict[str, str]:
    """Return a domain for each entry of the site's mailertable, with the file. Source: cf/README, FEATURE mailertable."""
    table = configuration.maps.get("mailertable")
    if table is None or table.type not in MAP_SUFFIXES or not machine.exists(table.file + MAP_SUFFIXES[table.type]):
        return {}
    keys = [key for key in dump(machine, table.type, table.file) if re.fullmatch(r"\.?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*", key)]
    return {f"sample{key}" if key.startswith(".") else key: table.file for key in keys}


def _taken_away(domain: str, to: Route, configuration: Configuration, policy: Policy, path: str) -> Iterator[Discrepancy]:
    by_domain = law.decide_outbound(policy, law.Outgoing(domain))
    wanted = f"rule {by_domain.rule}" if by_domain.rule else "the default"
    if cf.field(configuration.mailers[to.mailer], "P") not in _NETWORK:
        if by_domain.tls is Level.REQUIRED:
            message = f"mail for {domain} is given to the mailer {to.mailer}, a program: {wanted} is not asked"
            yield Discrepancy("sendmail-other-mailer", "warning", message, path, remedy="is that way as safe as the rule says?")
        return
    if not to.host.startswith("["):
        return  # rules go by the recipient's domain there
    rule = next((rule for rule in policy.outbound.rules if any(_literal(hop).lower() == to.host for hop in rule.next_hops)), None)
    decision = law.outbound_decision(policy, rule) if rule is not None else law.decide_outbound(policy, law.Outgoing(""))
    if policy.outbound.smarthost is None and by_domain.rule is None:
        return  # the profile says nothing of it
    if not law.at_least_as_strong(decision, by_domain):
        decides = f"rule {rule.name}" if rule is not None else "the default"
        message = (
            f"mail for {domain} goes to {to.host}, where {decides} decides ({decision.tls}), and {wanted} ({by_domain.tls}) is not asked"
        )
        remedy = f'a rule with next_hops: ["{to.host}"] that asks for as much'
        yield Discrepancy("sendmail-fixed-hop", "error", message, path, remedy=remedy)
    elif policy.outbound.smarthost is not None:
        message = f"mail for {domain} goes to {to.host}, not to the smarthost of the profile"
        yield Discrepancy("sendmail-fixed-hop", "warning", message, path, remedy="is that meant so?")


def starttls(machine: Machine, configuration: Configuration, policy: Policy, path: str) -> Iterator[Discrepancy]:
    """Yield that the server does not offer STARTTLS, or does, against the profile: it is greeted on its standard input."""
    reply = _greeting(machine, path, _pause(configuration))
    offered = "250-STARTTLS" in reply or "250 STARTTLS" in reply
    if offered == (policy.inbound.tls is not Level.NONE):
        return
    if offered:
        message = "Sendmail offers STARTTLS, the profile says `none`"
        yield Discrepancy("sendmail-starttls", "error", message, path, remedy="follow INSTALL.md from step 4 on")
        return
    reason = next(filter(None, (_unsafe(machine, certificate) for certificate in policy.server.certificates)), None)
    message = "Sendmail offers no STARTTLS" + (f": {reason}" if reason else ", and says why in its log at LogLevel 14 only")
    remedy = (
        "a key must belong to root, and be readable by nobody else" if reason else "sendmail -O LogLevel=14 -Am -bs, and look at the log"
    )
    yield Discrepancy("sendmail-starttls", "error", message, path, remedy=remedy)


def _pause(configuration: Configuration) -> float:
    """Return the seconds that the server waits before it greets, and in which a client must be silent (FEATURE greet_pause)."""
    found = [int(rule.right[2:]) for rule in configuration.rulesets.get("greet_pause", ()) if re.fullmatch(r"\$#\s*\d+", rule.right)]
    return min(max(found, default=0) / 1000, _LONGEST_PAUSE)


def _greeting(machine: Machine, path: str, pause: float) -> str:
    reply = ""
    for more in _TRIES:
        talk = f"sleep {pause + more}; printf 'EHLO localhost\\r\\n'; sleep 0.3; printf 'QUIT\\r\\n'"
        reply = machine.run("sh", "-c", f"{{ {talk}; }} | sendmail -C {path} -O LogLevel=0 -Am -bs").stdout
        if "\n250" in reply:
            return reply
    message = f"sendmail -bs does not answer EHLO: {short(reply.strip())}"
    raise EnvironmentFailedError(message)


def _unsafe(machine: Machine, certificate: Certificate) -> str | None:
    status = machine.stat(certificate.key)
    if status is None:
        return f"there is no {certificate.key}"
    if status.st_mode & 0o077:
        return f"others than its owner can read or change {certificate.key}"
    return f"{certificate.key} does not belong to root" if status.st_uid != 0 else None
