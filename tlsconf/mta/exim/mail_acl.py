"""Whether the ACL for MAIL asks the inbound rules before it accepts anybody."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import TYPE_CHECKING, Final

from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.exim import effective
from tlsconf.policy import Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from tlsconf.live.discrepancy import Severity
    from tlsconf.live.machine import Machine
    from tlsconf.mta.exim.effective import Effective
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy

    Network = IPv4Network | IPv6Network

_VERB: Final = re.compile(r"(accept|defer|deny|discard|drop|require|warn)\b\s*(.*)")
_EFFECT: Final = "mail is taken in clear text, whatever inbound rules require"


def inspect(machine: Machine, policy: Policy, plan: Plan, found: Effective, folder: str) -> Iterator[Discrepancy]:
    """Yield where the ACL lacks tlsconf's statements, or accepts somebody before them (specification, "Access control lists")."""
    # Without inbound rules the statements do nothing yet.
    needed: Severity = "error" if policy.inbound.rules or policy.inbound.tls is Level.REQUIRED else "warning"
    ours = tuple(f"{name} = {value}" for name, value in effective.planned(plan, "acl_mail"))
    named = found.main.get("acl_smtp_mail", "")
    names = [named] if named in found.acls else [name for name in found.acls if "$" in named and re.search(rf"\b{name}\b", named)]
    place = effective.line_of(machine, found.path, "acl_smtp_mail")
    remedy = f"`.include {folder}/acl_mail` as the first line of the ACL that acl_smtp_mail names"
    if not names:
        message = f"acl_smtp_mail is `{named}`, no ACL of the configuration: {_EFFECT}"
        yield Discrepancy("exim-acl-not-included", needed, message, found.path, place, remedy)
    for name in names:
        lines = found.acls[name]
        at = next((at for at in range(len(lines)) if lines[at : at + len(ours)] == ours), None)
        where = effective.line_of(machine, found.path, None, name)
        if at is None:
            message = f"the ACL {name}, which acl_smtp_mail names, does not have tlsconf's statements: {_EFFECT}"
            yield Discrepancy("exim-acl-not-included", needed if name == named else "warning", message, found.path, where, remedy)
            continue
        for statement in accepting(lines[:at], policy.inbound.exempt_clients):
            message = f"the ACL {name} has `{statement}` before tlsconf's statements: of whom it accepts, {_EFFECT}"
            yield Discrepancy("exim-acl-accepts-before", needed, message, found.path, where, remedy)


def accepting(lines: Sequence[str], exempt: Sequence[Network]) -> tuple[str, ...]:
    """Return the statements of an ACL that accept somebody to whom a requirement may apply."""
    statements: list[list[str]] = []
    for line in lines:
        verb = _VERB.fullmatch(line)
        if verb:
            statements.append([verb[1], *filter(None, [verb[2]])])
        elif statements:
            statements[-1].append(line)
    return tuple(
        " ".join(statement)
        for statement in statements
        if statement[0] == "accept" and not any(_is_exempt(line, exempt) for line in statement)
    )


def _is_exempt(condition: str, exempt: Sequence[Network]) -> bool:
    """Tell whether a condition holds for nobody but local programs and clients that no requirement touches."""
    name, equals, value = condition.partition("=")
    if not equals or name.strip() != "hosts":
        return False
    try:
        networks = [ip_network(item) for item in effective.items(value.strip()) if item != "@[]"]
    except ValueError:
        return False
    return all(any(_is_within(network, other) for other in exempt) for network in networks)


def _is_within(network: Network, other: Network) -> bool:
    return network.version == other.version and network.subnet_of(other)  # type: ignore[arg-type]
