"""`tlsconf explain`: what happens to mail to or from a domain, and who said so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from tlsconf.cli.terminal import say
from tlsconf.errors import UsageError

if TYPE_CHECKING:
    from tlsconf.law import InboundDecision, OutboundDecision, Peer
    from tlsconf.policy import InboundRule, Parameters
    from tlsconf.prepared import Prepared

_NO_CLIENT: Final = "0.0.0.0"  # noqa: S104  (no address: matches no rule by client)


def explain(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The profile.")],
    to: Annotated[
        str | None, typer.Option("--to", metavar="DOMAIN", help="A recipient's domain, or a fixed next hop, [host]:port.")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", metavar="DOMAIN", help="An envelope sender's domain; '<>' is the null sender.")
    ] = None,
    client: Annotated[str | None, typer.Option("--client", metavar="ADDRESS", help="The address that a message comes from.")] = None,
    target: Annotated[list[str] | None, typer.Option("-t", "--target", metavar="TARGET", help="Only this server.")] = None,
) -> None:
    """Explain what a profile means for mail to one domain, or from one."""
    if (to is None) == (from_ is None and client is None) or (to is not None and client is not None):
        message = "give `--to`, or `--from` and perhaps `--client`"
        raise UsageError(message)
    from tlsconf import pipeline

    prepared = pipeline.prepare(profile, target or [])
    if to is not None:
        _explain_to(prepared, to)
    else:
        _explain_from(prepared, from_, client)


def _explain_to(prepared: Prepared, to: str) -> None:
    from tlsconf import entries, law

    policy = prepared.resolved.policies[0]
    try:
        hop = entries.next_hop(to) if to.startswith("[") else None
        domain = "" if hop else entries.domain(to)
    except ValueError as error:
        message = f"`{to}` is neither a domain nor a next hop" + (f": {error}" if str(error) else "")
        raise UsageError(message) from None
    decision = law.decide_outbound(policy, law.Outgoing(domain, hop))
    say(f"mail to {hop or domain}")
    smarthost = policy.outbound.smarthost
    if smarthost is not None and hop != smarthost:
        say(f"  goes to the smarthost {smarthost}, whose terms count")
    _say_rule(prepared, decision, domain)
    _say_parameters(prepared, decision)
    _say_floors(prepared)
    say("what happens, by what the receiving host is like:")
    for label, peer in _receiving_hosts(decision):
        say(f"  {label:58} {law.outcome(decision, peer)}")
    _say_limitations(prepared, {decision.rule} if decision.rule else set())


def _say_rule(prepared: Prepared, decision: OutboundDecision, domain: str) -> None:
    from tlsconf.domains import candidates

    resolved = prepared.resolved
    if decision.rule is None:
        say("  rule: none; the default of `outbound`")
        return
    rule = next(rule for rule in resolved.policies[0].outbound.rules if rule.name == decision.rule)
    place = resolved.origin(("outbound", "rules", rule.name))
    pattern = next((p for p in candidates(domain) if p in rule.domains), None) if domain else None
    by = ""
    if pattern is not None:
        span = resolved.pattern_span("outbound", rule.name, "domains", pattern)
        by = f", by the pattern {pattern}" + (f" ({span.file}:{span.line})" if span else "")
    say(f"  rule: {rule.name} ({place}){by}")


def _say_parameters(prepared: Prepared, decision: OutboundDecision) -> None:
    rule = () if decision.rule is None else ("rules", decision.rule)
    own, general = ("outbound", *rule), ("outbound",)
    say(f"  tls: {decision.tls}{_origin(prepared, (*own, 'tls'))}")
    say(f"  verify: {decision.verify}{_origin(prepared, (*own, 'verify'), (*general, 'verify'))}")
    if decision.tls == "none":
        return
    floor: list[tuple[str, ...]] = [(*own, "minimum_version")] if rule else []
    _say_session(prepared, decision.parameters, floor, _session_paths(required=decision.tls == "required"))
    if decision.verify == "hostname":
        names = ", ".join(decision.mx) or "the host, by the name that DNS gave"
        say(f"  the certificate must be for: {names}{_origin(prepared, (*own, 'mx')) if decision.mx else ''}")
        say(f"  trust anchors: {prepared.resolved.policies[0].outbound.trust_anchors}{_origin(prepared, ('outbound', 'trust_anchors'))}")


def _session_paths(*, required: bool) -> list[tuple[str, ...]]:
    """Return where the values of a session may have been said, the nearest place first."""
    return [("tls",)] if required else [("tls", "opportunistic"), ("tls",)]


def _say_floors(prepared: Prepared) -> None:
    policy, required, own = prepared.resolved.policies[0], ("tls", "minimum_version"), ("tls", "opportunistic", "minimum_version")
    say(f"  floor where TLS is required: {policy.required.minimum_version}{_origin(prepared, required)}")
    say(f"  floor where nobody requires it: {policy.opportunistic.minimum_version}{_origin(prepared, own, required)}")


def _say_session(prepared: Prepared, parameters: Parameters, floor: list[tuple[str, ...]], session: list[tuple[str, ...]]) -> None:
    say(f"  minimum version: {parameters.minimum_version}{_origin(prepared, *floor, *((*path, 'minimum_version') for path in session))}")
    say(f"  cipher suites: {', '.join(parameters.cipher_suites)}{_origin(prepared, *((*path, 'cipher_suites') for path in session))}")
    say(f"  groups: {', '.join(parameters.groups)}{_origin(prepared, *((*path, 'groups') for path in session))}")


def _origin(prepared: Prepared, *paths: tuple[str, ...]) -> str:
    """Return who said the first of these values that somebody said."""
    for path in paths:
        origin = prepared.resolved.said(path)
        if origin is not None:
            return f"  ({origin})"
    return "  (default)"


def _receiving_hosts(decision: OutboundDecision) -> list[tuple[str, Peer]]:
    from tlsconf import peers

    no_starttls, fails = peers.without_tls()
    below, outside = _unable(decision.parameters)
    rows = [no_starttls, ("valid certificate, version at or above the floor", peers.able()), ("only versions below the floor", below)]
    rows += [("only suites outside the list", outside), *peers.by_certificate(), fails]
    return rows + list(peers.by_tlsa() if decision.verify == "dane" else ())


def _unable(parameters: Parameters) -> tuple[Peer, Peer]:
    """Return a peer that speaks only versions below the floor, and one that has only suites outside the list."""
    from tlsconf import peers

    able = peers.able()
    below = frozenset(version for version in able.versions if version < parameters.minimum_version)
    return able._replace(versions=below), able._replace(cipher_suites=able.cipher_suites - set(parameters.cipher_suites))


def _explain_from(prepared: Prepared, sender: str | None, client: str | None) -> None:
    from ipaddress import ip_address

    from tlsconf import entries, law

    policy = prepared.resolved.policies[0]
    try:
        domain = None if sender is None or _has_no_domain(sender) else entries.domain(sender)
        address = ip_address(client or _NO_CLIENT)
        address = getattr(address, "ipv4_mapped", None) or address  # as servers see it
    except ValueError as error:
        message = str(error) or f"`{sender}` is no domain"
        raise UsageError(message) from None
    decision = law.decide_inbound(policy, law.Incoming(domain, address))
    shown = "anybody" if sender is None else domain or sender or "<>"
    say(f"mail from {shown}" + (f", client {address}" if client else ""))
    if decision.exempt:
        say(f"  the client is exempt: no requirement touches it{_origin(prepared, ('inbound', 'exempt_clients'))}")
    say(f"  inbound tls: {decision.tls}{_origin(prepared, ('inbound', 'tls'))}")
    for rule in decision.rules:
        _say_inbound_rule(prepared, rule)
    if any(rule.senders for rule in decision.rules):
        say("  note: a rule by sender also refuses forwarded mail of that sender, where the forwarder speaks no TLS")
    if decision.tls != "none":
        _say_session(prepared, decision.parameters, [], _session_paths(required=decision.tls == "required"))
    _say_floors(prepared)
    say("what happens, by the client:")
    for label, peer in _clients(decision):
        say(f"  {label:58} {law.outcome(decision, peer)}")
    _say_limitations(prepared, {rule.name for rule in decision.rules})


def _has_no_domain(sender: str) -> bool:
    """Tell whether an envelope sender is the null sender or has an address literal (RFC 5321 section 4.1.3): no rule is for those."""
    return sender in {"", "<>"} or (sender.startswith("[") and sender.endswith("]"))


def _say_inbound_rule(prepared: Prepared, rule: InboundRule) -> None:
    place = prepared.resolved.origin(("inbound", "rules", rule.name))
    floor = f", at least {rule.minimum_version}" if rule.minimum_version is not None else ""
    say(f"  rule: {rule.name} ({place}): TLS required{floor}; clear text: {rule.on_plaintext}")


def _clients(decision: InboundDecision) -> list[tuple[str, Peer]]:
    from tlsconf import peers

    able = peers.able()
    rows = [("speaks no TLS", able._replace(starttls=False)), ("version and suite allowed", able)]
    if decision.tls != "none":
        below, outside = _unable(decision.parameters)
        rows += [("only versions that are not allowed", below), ("only suites that are not allowed", outside)]
    floors = [rule.minimum_version for rule in decision.rules if rule.minimum_version is not None]
    if floors and max(floors) > decision.parameters.minimum_version:
        lowest = able._replace(versions=frozenset({decision.parameters.minimum_version}))
        rows.append(("allowed, but below the rule's own floor", lowest))
    return rows


def _say_limitations(prepared: Prepared, rules: set[str]) -> None:
    from tlsconf.pipeline import limitations

    for where, item in limitations(prepared):
        if not item.rules or rules.intersection(item.rules):
            say(f"limitation {item.id} ({item.kind}): {where}: {item.message}")
