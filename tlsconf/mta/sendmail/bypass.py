"""What of the site's configuration goes round the rules, switches TLS off, or asks for more."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.diagnostics import short
from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.sendmail import cf
from tlsconf.mta.sendmail.deployed import HOOKS, dump
from tlsconf.mta.sendmail.install import OPTIONS
from tlsconf.mta.sendmail.releases import MAP_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.live.discrepancy import Severity
    from tlsconf.live.machine import Machine
    from tlsconf.mta.sendmail.cf import Configuration, Rule
    from tlsconf.plan import Plan

# What is given to the daemon: Debian's sendmail.conf, Red Hat's and FreeBSD's files.
_STARTS: Final = ("/etc/mail/sendmail.conf", "/etc/sysconfig/sendmail", "/etc/rc.conf")
_PARAMETERS: Final = re.compile(
    r"^\s*(?:DAEMON_PARMS|QUEUE_PARMS|MISC_PARMS|SENDMAIL_OPTS|SENDMAIL_OPTARG|sendmail_flags|sendmail_outbound_flags)=(.*)"
)
_OTHER_FILE: Final = re.compile(r"(?:^|[\s\"'])-C\s*/")
_WINNING: Final = re.compile(r"-O\s*([A-Za-z0-9]+)\s*=")
_PORTS: Final = ("DaemonPortOptions", "ClientPortOptions")
# Not GroupReadableKeyFile: Debian's starttls.m4 sets it.
_LOOSE: Final = ("groupwritabledirpathsafe", "linkedmapinwritabledir", "mapinunsafedirpath")
_ENDS: Final = re.compile(r"\$@|\$#\s*(?!error\b|discard\b|\$)\w")
_ERROR: Final = re.compile(r"\$#\s*error\b")


def command_line(machine: Machine) -> Iterator[Discrepancy]:
    """Yield what the daemon is given on its command line that wins over sendmail.cf."""
    names = {name.lower() for name in (*OPTIONS.values(), *_PORTS)}
    for path in _STARTS:
        for number, line in enumerate((machine.read(path) or "").splitlines(), 1):
            given = _PARAMETERS.match(line)
            if given is None:
                continue
            won = [name for name in _WINNING.findall(given[1]) if name.lower() in names]
            if won or _OTHER_FILE.search(given[1]):
                what = f"option {won[0]}" if won else "another sendmail.cf"
                message = f"the daemon is started with {what}, whatever sendmail.cf says: `{short(line.strip())}`"
                yield Discrepancy("sendmail-command-line", "error", message, path, number, remedy="take it out")


def switched_off(configuration: Configuration, path: str) -> Iterator[Discrepancy]:
    """Yield the ports on which TLS is not offered, or not used. Source: doc/op/op.me, DaemonPortOptions."""
    for option, what in zip(_PORTS, ("offers no STARTTLS to clients of this port", "never uses TLS for mail that it sends"), strict=True):
        for line in configuration.options.get(option.lower(), ()):
            if "S" in cf.flags(line.text):
                message = f"with the modifier S, Sendmail {what}: `{short(line.text)}`"
                yield Discrepancy("sendmail-tls-switched-off", "error", message, path, line.number, remedy="take the S out of M=")
    for rule in configuration.rulesets.get("local_try_tls", ()):
        if _ERROR.match(rule.right):
            message = f"a rule of the site in Local_try_tls ends in an error: TLS is not tried with the hosts that fit `{short(rule.left)}`"
            yield Discrepancy("sendmail-tls-switched-off", "warning", message, path, rule.number, remedy="is it still needed?")


def loosened(configuration: Configuration, path: str) -> Iterator[Discrepancy]:
    """Yield the options beside ours that weaken what ours promise."""
    for line in configuration.options.get("dontblamesendmail", ()):
        loose = [word for word in re.split(r"[,\s]+", line.text) if word.lower() in _LOOSE]
        if loose:
            message = f"DontBlameSendmail has {', '.join(loose)}: keys and tables that others can replace are used without a word"
            remedy = "give the files to root alone, and take it out"
            yield Discrepancy("sendmail-file-checks-off", "warning", message, path, line.number, remedy=remedy)
    for option in ("FallbackMXhost", "FallbackSmartHost"):
        for line in configuration.options.get(option.lower(), ())[-1:]:
            if line.text:
                message = (
                    f"{option}: mail that can't be delivered at once goes to {short(line.text)}, whose certificate is then the one checked"
                )
                yield Discrepancy(
                    "sendmail-fallback-host", "warning", message, path, line.number, remedy="is its TLS what the rules ask for?"
                )


def access_map(machine: Machine, configuration: Configuration, plan: Plan) -> Iterator[Discrepancy]:
    """Yield what the site's access map says about TLS. Source: cf/README, "STARTTLS"."""
    access = configuration.maps.get("access")
    if access is None or access.type not in MAP_SUFFIXES or not machine.exists(access.file + MAP_SUFFIXES[access.type]):
        return
    tries = any(level != "none" for level in _levels(plan, "tlsconf/outbound"))
    for key, value in dump(machine, access.type, access.file).items():
        tag, colon, host = key.partition(":")
        found = _access_entry(tag.lower(), value, configuration, tries=tries) if colon else None
        if found is not None:
            id_, what = found
            severity: Severity = (
                "error" if id_ == "sendmail-session-features" or (not host and id_ == "sendmail-tls-switched-off") else "warning"
            )
            message = f"`{short(key)} {short(value)}`: {what}" + ("" if host else ", for every host")
            yield Discrepancy(id_, severity, message, access.file, _line_of(machine, access.file, key), remedy="is it still needed?")


def _access_entry(tag: str, value: str, configuration: Configuration, *, tries: bool) -> tuple[str, str] | None:
    if tag == "try_tls" and value.upper() == "NO" and tries:
        return "sendmail-tls-switched-off", "TLS is not tried; where a rule requires it, mail is held"
    if tag == "srv_features" and "S" in value:
        return "sendmail-tls-switched-off", "no STARTTLS is offered; where a rule requires it, mail is refused"
    if tag in {"tls_srv_features", "tls_clt_features"} and tag in configuration.rulesets:
        return "sendmail-session-features", "these sessions have options of their own, not those of the profile"
    if tag in {"tls_rcpt", "tls_srv", "tls_clt"}:
        return "sendmail-access-map", "asked for in addition to what the profile says; mail may be held or refused"
    return None


def _line_of(machine: Machine, path: str, key: str) -> int | None:
    lines = (machine.read(path) or "").splitlines()
    return next((number for number, line in enumerate(lines, 1) if line.split()[:1] and line.split()[0].lower() == key), None)


def rules_before(configuration: Configuration, plan: Plan, path: str) -> Iterator[Discrepancy]:
    """Yield the hooks that Sendmail does not call, and the rules of the site that end a hook before ours are asked."""
    for hook, own in HOOKS.items():
        name = hook.capitalize()
        if not _called(configuration, hook):
            message = f"no ruleset calls {name}: what tlsconf checks there is not checked"
            remedy = "sendmail.mc must not undefine the names of hooks behind tlsconf.m4"
            yield Discrepancy("sendmail-rules-not-reached", "error", message, path, remedy=remedy)
            continue
        for rule in _ending(configuration, hook, own, plan):
            message = (
                f"in {name}, this rule of the site ends before those of tlsconf are asked: `{short(rule.left)}` gives `{short(rule.right)}`"
            )
            remedy = "in sendmail.mc, put it behind the line that includes tlsconf.m4"
            yield Discrepancy("sendmail-rules-not-reached", "error", message, path, rule.number, remedy=remedy)


def client_hook_reached(configuration: Configuration, plan: Plan) -> bool:
    """Tell whether Local_tls_client asks our rules: what Local_check_mail lets pass is then still checked."""
    hook = "local_tls_client"
    return _called(configuration, hook) and not any(_ending(configuration, hook, HOOKS[hook], plan))


def _called(configuration: Configuration, hook: str) -> bool:
    call = re.compile(rf'\$>\s*"?{hook}\b', re.IGNORECASE)
    return any(call.search(rule.right) for rules in configuration.rulesets.values() for rule in rules)


def _ending(configuration: Configuration, hook: str, own: str, plan: Plan) -> Iterator[Rule]:
    """Yield the rules before ours after which ours do not count."""
    if hook == "local_try_tls" and not _avoids_tls(plan):
        return  # ours has nothing to say there
    for rule in configuration.rulesets.get(hook, ()):
        if f"$>{own}" in rule.right.replace(" ", ""):
            return
        # Local_tls_client is asked as well where Local_check_mail says no more than that it has no objection.
        if _ENDS.match(rule.right) and not (hook == "local_check_mail" and rule.right.startswith("$@")):
            yield rule


def _avoids_tls(plan: Plan) -> bool:
    return "none" in {*_levels(plan, "tlsconf/outbound"), *_levels(plan, "tlsconf/next_hops")}


def _levels(plan: Plan, table: str) -> Iterator[str]:
    """Yield the level of the default, then those of a table's entries."""
    words = [setting.value for setting in plan.settings["tlsconf.m4"] if setting.name == "TLSCONF_OUTBOUND"]
    for value in (*words, *(setting.value for setting in plan.settings[table])):
        yield value.partition(":")[0]
