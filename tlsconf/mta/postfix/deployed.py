"""Whether the parameters and tables that are in force are those of a plan."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.postfix import releases
from tlsconf.mta.postfix.configuration import tokens
from tlsconf.mta.postfix.settings import MANAGED
from tlsconf.mta.postfix.syntax import quote

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tlsconf.live.discrepancy import Severity
    from tlsconf.live.machine import Machine
    from tlsconf.mta.postfix.configuration import Configuration
    from tlsconf.plan import Plan, PlannedFile
    from tlsconf.policy import Target

POLICY_MAPS: Final = "smtp_tls_policy_maps"
RESTRICTIONS: Final = "smtpd_sender_restrictions"
CLASSES: Final = "smtpd_restriction_classes"
# What they say is seen in logs and headers only.
REPORTING: Final = frozenset({"smtp_tls_loglevel", "smtpd_tls_loglevel", "smtpd_tls_received_header"})

_TABLE_TYPES: Final = {"inbound_exempt": "cidr", "inbound_clients": "cidr", "inbound_senders": "regexp"}
_TWICE: Final = re.compile(r"\S+, line (\d+): overriding earlier entry: (\w+)=")
_OBSOLETE: Final = re.compile(r'\S+: support for parameter "(\w+)" will be removed')
_AGAIN: Final = "set the parameters again as INSTALL.md says"
# Restrictions that refuse a message or say nothing, and what stands as their argument; everything else may end the list with OK.
_NEVER_OK: Final = re.compile(r"(?:reject|defer|warn_if_reject).*|.*[.=:].*")
# Parameters that have no use beside one that is always planned (postconf(5)); 3.9 and later name them, too.
WITHOUT_EFFECT: Final = {
    "smtp_use_tls": "smtp_tls_security_level",
    "smtp_enforce_tls": "smtp_tls_security_level",
    "smtp_tls_enforce_peername": "smtp_tls_security_level",
    "smtp_tls_per_site": POLICY_MAPS,
    "smtpd_use_tls": "smtpd_tls_security_level",
    "smtpd_enforce_tls": "smtpd_tls_security_level",
}


def planned(plan: Plan) -> dict[str, str]:
    """Return the parameters of a plan as `postconf` prints them."""
    return {setting.name: quote(setting.value, "value") for setting in plan.settings["main.cf"]}


def own_entries(plan: Plan, target: Target, name: str) -> list[str]:
    """Return the entries of a managed list that are ours: all but those that the profile keeps for the site."""
    entries = tokens(planned(plan)[name])
    kept = [token for entry in target.keep.get(name, ()) for token in tokens(entry)]
    return entries[: len(entries) - len(kept)]


def inspect_complaints(configuration: Configuration) -> Iterator[Discrepancy]:
    """Yield what Postfix warns of, and settings of the site that ours leave without effect."""
    for text in configuration.complaints:
        obsolete = _OBSOLETE.match(text)
        if match := _TWICE.match(text):
            message = f"{match[2]} is set more than once: the line named here wins"
            yield Discrepancy(
                "postfix-parameter-twice", "warning", message, configuration.main, int(match[1]), f"leave one line for {match[2]}"
            )
        elif obsolete is None or obsolete[1] not in WITHOUT_EFFECT:
            yield Discrepancy("postfix-complains", "warning", f"Postfix says: {text}", configuration.main, remedy="mend what it names")
    for name, instead in WITHOUT_EFFECT.items():
        message, remedy = f"{name} has no effect while {instead} is set", f"take {name} out"
        if name in configuration.lines:
            yield Discrepancy(
                "postfix-setting-without-effect", "warning", message, configuration.main, configuration.main_line(name), remedy
            )
        for service in configuration.services:
            if name in service.overrides:
                path, line = configuration.place(name, service)
                yield Discrepancy("postfix-setting-without-effect", "warning", f"{service.label}: {message}", path, line, remedy)


def inspect_parameters(configuration: Configuration, plan: Plan, target: Target) -> Iterator[Discrepancy]:
    """Yield every parameter that has another value than the planned one."""
    for name, wanted in planned(plan).items():
        found = configuration.values.get(name)
        line = configuration.main_line(name)
        if name in MANAGED:
            yield from _list(configuration, name, own_entries(plan, target, name), tokens(wanted), tokens(found or ""))
        elif found != wanted:
            has = "is not set" if found is None else f"is `{found}`" if line else f"is not set, so it is `{found}`"
            message = f"{name} {has}; the profile makes it `{wanted}`"
            severity: Severity = "warning" if name in REPORTING else "error"
            yield Discrepancy("postfix-parameter-differs", severity, message, configuration.main, line, _AGAIN)


def _list(configuration: Configuration, name: str, ours: list[str], wanted: list[str], found: list[str]) -> Iterator[Discrepancy]:
    """Compare a list that a site may use too: ours stands first, what the profile keeps after it, and nothing else is there."""
    line = configuration.main_line(name)
    if name == CLASSES:  # it declares names: their order means nothing
        found = [*(entry for entry in ours if entry in found), *(entry for entry in found if entry not in ours)]
    at = _position(ours, found)
    if at is None:
        what = "rules for receiving hosts are" if name == POLICY_MAPS else "rules for senders and clients are"
        message = f"{name} has lost `{' '.join(ours)}`: the profile's {what} not in force"
        yield Discrepancy("postfix-list-lost", "error", message, configuration.main, line, _AGAIN)
        return
    before, after = found[:at], found[at + len(ours) :]
    if before:
        muted = before[-1] == "warn_if_reject"
        harmless = name != POLICY_MAPS and not muted and all(map(_NEVER_OK.fullmatch, before))
        effect = ": what the profile refuses is only logged" if muted else ": what it answers first, no rule of the profile sees"
        message = f"`{' '.join(before)}` stands before the profile's entry in {name}" + ("" if harmless else effect)
        yield Discrepancy("postfix-list-order", "warning" if harmless else "error", message, configuration.main, line, _AGAIN)
    kept = wanted[len(ours) :]
    lost = [entry for entry in kept if entry not in found]
    if lost:
        message = f"{name} has lost `{' '.join(lost)}`, which the profile keeps for the site"
        yield Discrepancy("postfix-list-site-lost", "warning", message, configuration.main, line, _AGAIN)
    foreign = [entry for entry in after if entry not in kept]
    if foreign:
        decides = ": it decides where the profile leaves a destination to the default" if name == POLICY_MAPS else ""
        message = f"{name} has `{' '.join(foreign)}`, which the profile does not know{decides}"
        remedy = f"put it in targets.postfix.keep.{name}, or take it out"
        yield Discrepancy("postfix-list-foreign", "error" if decides else "warning", message, configuration.main, line, remedy)


def _position(ours: list[str], found: list[str]) -> int | None:
    return next((at for at in range(len(found) - len(ours) + 1) if found[at : at + len(ours)] == ours), None)


def inspect_tables(machine: Machine, plan: Plan, target: Target) -> Iterator[Discrepancy]:
    """Yield the tables that Postfix can't use, and a compiled one that was not made of what is planned."""
    for file in plan.files:
        name = file.path.rpartition("/")[2]
        if file.destination is None or not machine.exists(file.destination) or name == "openssl.cnf":
            continue
        map_type = _TABLE_TYPES.get(name) or target.map_type or "texthash"
        if name not in _TABLE_TYPES and releases.needs_postmap(map_type):
            yield from _compiled(machine, f"{map_type}:{file.destination}", file)
            continue
        answer = machine.run("postmap", "-q", "tlsconf.invalid", f"{map_type}:{file.destination}")
        if words := _words(answer.stderr):
            yield _unusable(file.destination, words)


def _compiled(machine: Machine, table: str, file: PlannedFile) -> Iterator[Discrepancy]:
    path = str(file.destination)
    answer = machine.run("postmap", "-s", table)
    if answer.status != 0:
        yield _unusable(path, _words(answer.stderr))
        return
    wanted: Mapping[str, str] = {setting.name: setting.value for section in file.sections for setting in section.settings}
    found = dict(line.split("\t", 1) for line in answer.stdout.split("\n") if "\t" in line)
    if found != wanted:
        different = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
        message = f"the compiled table does not say what the profile says about {', '.join(different[:3])}"
        yield Discrepancy("postfix-table-stale", "error", message, path, remedy=f"postmap {table}")


def _words(stderr: str) -> str:
    """Return the first thing that postmap(1) says of a table; what it says of main.cf is told elsewhere."""
    lines = [line for line in stderr.split("\n") if line and "/main.cf" not in line and "See http" not in line]
    return lines[0].removeprefix("postmap: ") if lines else ""


def _unusable(path: str, words: str) -> Discrepancy:
    message = f"Postfix does not take the table as it is; mail waits where it can't open it, and a line that it skips is no rule: {words}"
    return Discrepancy("postfix-table-unusable", "error", message, path, remedy="install it again as INSTALL.md says")
