"""Whether what is in force was made from what is planned: sendmail.cf, the tables, the chain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.diagnostics import short
from tlsconf.errors import EnvironmentFailedError
from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.sendmail import cf
from tlsconf.mta.sendmail.install import CHAIN, FOLDER, OPTIONS, SITE_EDITS, TABLES
from tlsconf.mta.sendmail.releases import facts
from tlsconf.policy import Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tlsconf.live.machine import Machine
    from tlsconf.mta.sendmail.cf import Configuration
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy, Target

HOOKS: Final = {
    "local_try_tls": "tlsconf_try_tls",
    "local_tls_rcpt": "tlsconf_tls_rcpt",
    "local_tls_client": "tlsconf_mail",
    "local_check_mail": "tlsconf_mail",
}
MC: Final = SITE_EDITS[0].file
_INCLUDED: Final = re.compile(rf"^include\(`{re.escape(FOLDER)}/tlsconf\.m4'\)")
_DEFINE: Final = re.compile(r"^define\(`(\w+)'")
_PEM: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_OTHERS: Final = 0o022
_LOG_LEVEL: Final = 9
_MAKE: Final = "follow INSTALL.md from step 4 on"

# What tlsconf.m4 uses of Sendmail's m4 files: so it can be expanded alone, without the site's sendmail.mc.
_ALONE: Final = (
    "changecom\n"
    "define(`PUSHDIVERT', `pushdef(`tlsconf_divnum', divnum)divert($1)')\n"
    "define(`POPDIVERT', `divert(tlsconf_divnum)popdef(`tlsconf_divnum')')\n"
    "define(`confLOG_LEVEL', `9')\n"
)


def refused(machine: Machine, path: str) -> Discrepancy | None:
    """Return that Sendmail does not take its sendmail.cf, or `None`. Source: sendmail(8), `-bC`."""
    if not machine.exists(path):
        return Discrepancy("sendmail-refused", "error", "there is no such file: Sendmail can't start", path, remedy=_MAKE)
    output = machine.run("sendmail", "-C", path, "-bC")
    said = [line for line in (output.stdout + output.stderr).splitlines() if line.strip() and "WARNING: " not in line]
    if output.status == 0 and not said:
        return None
    first = said[0] if said else f"exit status {output.status}"
    number = re.search(rf"{re.escape(path)}: line (\d+)", first)
    message = f"Sendmail does not accept it, so it takes and sends no mail when it is started again: {short(first.strip())}"
    return Discrepancy("sendmail-refused", "error", message, path, int(number[1]) if number else None, remedy="sendmail -bC says it all")


def not_included(machine: Machine, configuration: Configuration, path: str) -> Iterator[Discrepancy]:
    """Yield that sendmail.cf lacks the rulesets, or that sendmail.mc, where there is one, lacks the line that brings them in."""
    if "tlsconf_tls_rcpt" not in configuration.rulesets:
        message = "nothing of tlsconf is in it: no rule of the profile is in force"
        yield Discrepancy("sendmail-not-included", "error", message, path, remedy=_MAKE)
    source = machine.read(MC)
    if source is not None and not any(_INCLUDED.match(line) for line in source.splitlines()):
        message = "it does not include tlsconf.m4: when sendmail.cf is next made, no rule of the profile stays in force"
        yield Discrepancy("sendmail-not-included", "error", message, MC, remedy=f"before the MAILER lines: {SITE_EDITS[0].line}")


def stale(machine: Machine, path: str) -> Iterator[Discrepancy]:
    """Yield where sendmail.cf is not what m4 makes of sendmail.mc now: edited by hand, or not made again."""
    if not machine.exists(MC):
        return
    output = machine.run("m4", MC)
    if output.status != 0:
        message = f"m4 can't make sendmail.cf of it: {short((output.stderr.strip() or 'no reason given').splitlines()[0])}"
        yield Discrepancy("sendmail-cf-stale", "warning", message, MC, remedy=f"m4 {MC} > /dev/null")
        return
    has, made = (tuple(cf.significant(text)) for text in (machine.read(path) or "", output.stdout))
    if [line.text for line in has] == [line.text for line in made]:
        return
    at = next((i for i, (one, other) in enumerate(zip(has, made, strict=False)) if one.text != other.text), min(len(has), len(made)))
    now = f"`{short(has[at].text)}`" if at < len(has) else "nothing"
    then = f"`{short(made[at].text)}`" if at < len(made) else "nothing"
    message = f"it is not what m4 makes of sendmail.mc: {now} becomes {then} when it is next made"
    line = has[at].number if at < len(has) else None
    remedy = "put what is right into sendmail.mc, and follow INSTALL.md from step 4 on"
    yield Discrepancy("sendmail-cf-stale", "warning", message, path, line, remedy=remedy)


def options(machine: Machine, configuration: Configuration, plan: Plan, path: str) -> Iterator[Discrepancy]:
    """Yield the options that are not in force as planned, and those of the site that have no effect."""
    wanted = {setting.name: setting.value for setting in plan.settings["tlsconf.m4"] if setting.name in OPTIONS}
    defines = _defines(machine.read(MC) or "")
    for name, value in wanted.items():
        option = OPTIONS[name]
        found = configuration.options.get(option.lower(), ())
        before, after = defines.get(name, (None, None))
        if not found or found[-1].text != value:
            now = f"is `{short(found[-1].text)}`" if found else "is not set"
            place, line = (MC, after) if after else (path, found[-1].number if found else None)
            message = f"{option} {now}, the profile says `{short(value)}`: TLS sessions are not as it wants them"
            remedy = f"take {name} out of sendmail.mc, and {_MAKE}" if after else _MAKE
            yield Discrepancy("sendmail-option-differs", "error", message, place, line, remedy=remedy)
            continue
        other = next((line for line in found[:-1] if line.text != value), None)
        if before or other:
            place, line = (MC, before) if before else (path, other.number if other else None)
            message = f"{option} is set here, too, and has no effect: that of tlsconf comes later and wins"
            yield Discrepancy("sendmail-setting-lost", "warning", message, place, line, remedy="take it out, or say it in the profile")
    level = configuration.value("LogLevel") or str(_LOG_LEVEL)
    if level.isdigit() and int(level) < _LOG_LEVEL:
        message = f"LogLevel is {level}: below 9, no log line says which TLS mail used"
        line = configuration.options["loglevel"][-1].number
        yield Discrepancy("sendmail-option-differs", "warning", message, path, line, remedy="define(`confLOG_LEVEL', `9')")
    compressed = configuration.options.get("usecompressedipv6addresses", ())
    if compressed and compressed[-1].text[:1].lower() in {"t", "y", ""}:
        message = "UseCompressedIPv6Addresses is on: rules for IPv6 clients and next hops find no entry in the tables"
        yield Discrepancy("sendmail-option-differs", "error", message, path, compressed[-1].number, remedy="take it out")


def _defines(source: str) -> dict[str, tuple[int | None, int | None]]:
    """Return the lines of sendmail.mc that define one of our names: the last before the one that includes tlsconf.m4, the last after."""
    found: dict[str, tuple[int | None, int | None]] = {}
    included = False
    for number, line in enumerate(source.splitlines(), 1):
        included = included or _INCLUDED.match(line) is not None
        define = _DEFINE.match(line)
        if define is not None:
            before, after = found.get(define[1], (None, None))
            found[define[1]] = (before, number) if included else (number, after)
    return found


def rulesets(machine: Machine, configuration: Configuration, texts: Mapping[str, str], path: str) -> Iterator[Discrepancy]:
    """Yield what of our rulesets, maps and classes is not in sendmail.cf as it was rendered."""
    expected = cf.read(_expanded(machine, texts))
    wanted, found = cf.named(expected, "tlsconf_"), cf.named(configuration, "tlsconf_")
    for name in sorted({*wanted, *found}):
        if wanted.get(name) != found.get(name):
            difference = _first_difference(found.get(name, ()), wanted.get(name, ()))
            message = f"`{name}` is not as tlsconf wrote it, so rules may not be kept: {difference}"
            rules = configuration.rulesets.get(name[1:], ()) if name.startswith("S") else ()
            yield Discrepancy("sendmail-ruleset-differs", "error", message, path, rules[0].number if rules else None, remedy=_MAKE)
            return
    for hook in HOOKS:
        if cf.position(configuration.rulesets.get(hook, ()), expected.rulesets[hook]) is None:
            message = f"the rules of tlsconf in the ruleset {hook.capitalize()} are not as tlsconf wrote them, so rules may not be kept"
            yield Discrepancy("sendmail-ruleset-differs", "error", message, path, remedy=_MAKE)


def _first_difference(found: tuple[str, ...], wanted: tuple[str, ...]) -> str:
    for now, then in zip(found, wanted, strict=False):
        if now != then:
            return f"`{short(now)}` where `{short(then)}` is wanted"
    longer, what = (found, "too much") if len(found) > len(wanted) else (wanted, "missing")
    return f"`{short(longer[min(len(found), len(wanted))])}` is {what}"


def _expanded(machine: Machine, texts: Mapping[str, str]) -> str:
    """Return what m4 makes of the planned tlsconf.m4 alone."""
    text = texts["tlsconf.m4"].replace(f"include(`{FOLDER}/names.m4')dnl\n", texts["tlsconf/names.m4"])
    output = machine.run("m4", "-", stdin=_ALONE + text)
    if output.status != 0:
        message = f"m4 failed: {output.stderr.strip()}"
        raise EnvironmentFailedError(message)
    return output.stdout


def tables(machine: Machine, target: Target, plan: Plan) -> Iterator[Discrepancy]:
    """Yield the tables that do not hold what is planned, whatever their time says, and those that others can write to."""
    known = facts(target)
    for name in TABLES:
        path = f"{FOLDER}/{name}{known.map_suffix}"
        status = machine.stat(path)
        if status is None:
            message = "the table was not made: mail is held and refused for the time being"
            yield Discrepancy("sendmail-table-differs", "error", message, path, remedy=_MAKE)
            continue
        if status.st_mode & _OTHERS:
            yield Discrepancy("sendmail-table-exposed", "error", "others can write to this table", path, remedy=f"chmod go-w {path}")
        wanted = {setting.name: setting.value for setting in plan.settings[f"tlsconf/{name}"]}
        difference = _table_difference(dump(machine, known.map_type, f"{FOLDER}/{name}"), wanted)
        if difference:
            message = f"the table is not that of the profile, so mail follows other rules: {difference}"
            yield Discrepancy("sendmail-table-differs", "error", message, path, remedy=_MAKE)
    folder = machine.stat(FOLDER)
    if folder is not None and folder.st_mode & _OTHERS:
        message = "others can write to this folder, and replace what is in it"
        yield Discrepancy("sendmail-table-exposed", "error", message, FOLDER, remedy=f"chmod go-w {FOLDER}")


def _table_difference(found: Mapping[str, str], wanted: Mapping[str, str]) -> str | None:
    for key, value in wanted.items():
        if key not in found:
            return f"`{short(key)}` is missing"
        if found[key] != value:
            return f"`{short(key)}` is `{short(found[key])}`, not `{short(value)}`"
    return next((f"`{short(key)}` is too much" for key in found if key not in wanted), None)


def dump(machine: Machine, map_type: str, file: str) -> dict[str, str]:
    """Return what a compiled map holds. Raises `EnvironmentFailedError` where it can't be read. Source: makemap(8), `-u`."""
    output = machine.run("makemap", "-u", map_type, file)
    if output.status != 0:
        message = f"{file}: {(output.stderr or output.stdout).strip()}"
        raise EnvironmentFailedError(message)
    pairs = (line.partition("\t") for line in output.stdout.split("\n") if line)
    return {key: value for key, _, value in pairs}


def chain(machine: Machine, policy: Policy) -> Iterator[Discrepancy]:
    """Yield that the folder from which Sendmail completes its chain is not made of the certificates, or has lost its links."""
    if not machine.exists(CHAIN):
        message = "there is no such folder: no intermediate certificate is sent"
        yield Discrepancy("sendmail-chain-differs", "error", message, CHAIN, remedy=_MAKE)
        return
    has: dict[str, str] = {}
    linked = set()
    for entry in machine.entries(CHAIN):
        if entry.endswith(".pem"):
            has.update(dict.fromkeys(_certificates(machine.read(entry) or ""), entry))
        else:
            linked.add(machine.real(entry).name)
    if policy.inbound.tls is Level.NONE:
        return
    wanted = [pem for certificate in policy.server.certificates for pem in _certificates(machine.read(certificate.chain) or "")[1:]]
    stranger = next((entry for pem, entry in has.items() if pem not in wanted), None)
    unlinked = next((entry for entry in has.values() if entry.rpartition("/")[2] not in linked), None)
    if stranger is not None:
        message = "it is in no chain of the profile's certificates; in this folder, Sendmail trusts it"
        yield Discrepancy("sendmail-chain-differs", "error", message, stranger, remedy="run `on_certificate_change` of INSTALL.md")
    elif unlinked is not None or any(pem not in has and not _is_root(machine, pem) for pem in wanted):
        message = "an intermediate certificate is missing, or can't be found there: clients may not trust the server's certificate"
        yield Discrepancy("sendmail-chain-differs", "error", message, unlinked or CHAIN, remedy="INSTALL.md, When a certificate changes")


def _certificates(text: str) -> list[str]:
    return ["".join(pem.split()) for pem in _PEM.findall(text)]


def _is_root(machine: Machine, pem: str) -> bool:
    begin, end = "-----BEGINCERTIFICATE-----", "-----ENDCERTIFICATE-----"
    body = pem.removeprefix(begin).removesuffix(end)
    lines = [body[at : at + 64] for at in range(0, len(body), 64)]
    text = "\n".join(["-----BEGIN CERTIFICATE-----", *lines, "-----END CERTIFICATE-----", ""])
    output = machine.run("openssl", "x509", "-noout", "-subject_hash", "-issuer_hash", stdin=text)
    hashes = output.stdout.split()
    return len(hashes) > 1 and len(set(hashes)) == 1
