"""Asks the Sendmail of a machine whether it does what is planned for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.live.discrepancy import Discrepancy, Installed
from tlsconf.mta.sendmail import bypass, cf, deployed, questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tlsconf.live.machine import Machine
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy, Target

CHECKS: Final[dict[str, str]] = {
    "sendmail-refused": "Sendmail does not accept sendmail.cf, or there is none.",
    "sendmail-not-included": "sendmail.cf has nothing of tlsconf, or sendmail.mc has lost the line that brings it in.",
    "sendmail-cf-stale": "sendmail.cf is not what m4 makes of sendmail.mc: the next time it is made, it changes.",
    "sendmail-option-differs": "An option has another value than the profile says.",
    "sendmail-setting-lost": "An option that the site sets as well has no effect: that of tlsconf wins.",
    "sendmail-ruleset-differs": "A ruleset, map or class of tlsconf in sendmail.cf is not as it was rendered.",
    "sendmail-rules-not-reached": "The rules of tlsconf are not asked, or rules of the site end before them.",
    "sendmail-table-differs": "A table that makemap made does not hold what the profile says: it was not made again.",
    "sendmail-table-exposed": "Others than root and Sendmail can write to a table or its folder.",
    "sendmail-chain-differs": "The folder with the intermediate certificates is not that of the certificates.",
    "sendmail-starttls": "Sendmail offers no STARTTLS, or offers it although the profile says `none`.",
    "sendmail-tls-switched-off": "The site switches TLS off: for a port, for hosts in its access map, or for all.",
    "sendmail-access-map": "The site's access map asks for more TLS than the profile, so mail may be held or refused.",
    "sendmail-session-features": "The site sets other TLS options for some hosts (FEATURE tls_session_features).",
    "sendmail-not-enforced": "Asked with an address under a rule that requires TLS, Sendmail lets it go in clear text.",
    "sendmail-mail-held": "Asked with an address that no rule names, Sendmail refuses clear text that the profile allows.",
    "sendmail-smarthost": "The smarthost of the site is not that of the profile.",
    "sendmail-fixed-hop": "The site routes a domain under a rule to a host where a weaker rule decides.",
    "sendmail-other-mailer": "The site hands mail under a rule to a program, where no TLS can be asked for.",
    "sendmail-fallback-host": "Mail that can't be delivered goes to a host that the profile does not name.",
    "sendmail-file-checks-off": "DontBlameSendmail lets Sendmail use keys and tables that others can replace.",
    "sendmail-command-line": "The daemon is started with another sendmail.cf, or with options that win over it.",
}

_VERSION: Final = re.compile(r"^Version (\d+(?:\.\d+)+)", re.MULTILINE)
_COMPILED: Final = re.compile(r"Compiled with:(.*?)\n\S? *OS Defines", re.DOTALL)
_CF: Final = "/etc/mail/sendmail.cf"


def installed(machine: Machine) -> Installed | None:
    """Return the release of Sendmail, or `None` where the machine's `sendmail` is that of another server.

    Raises `EnvironmentFailedError` where it does not answer. Source: sendmail(8), `-d0.13`.
    """
    program = machine.which("sendmail")
    # Postfix and Exim have a program of that name, too, and log it as an error when they are asked in this way.
    if program is None or b"submit.cf" not in machine.real(program).read_bytes():
        return None
    output = machine.run("sendmail", "-d0.13", "-bt")
    found = _VERSION.search(output.stdout)
    if found is None:
        return None
    compiled = _COMPILED.search(output.stdout)
    has_tls = compiled is not None and "STARTTLS" in compiled[1].split()
    user = cf.read(machine.read(_CF) or "").value("RunAsUser") or "root"
    return Installed(found[1], "openssl" if has_tls else None, user.partition(":")[0])


def inspect(machine: Machine, policy: Policy, target: Target, plan: Plan, texts: Mapping[str, str]) -> Iterator[Discrepancy]:
    """Yield how what Sendmail does differs from a plan, and what of the site overrides it, is lost or goes round it.

    Changes nothing. Raises `EnvironmentFailedError` where a program, or a right to read a file, is missing.
    """
    refused = deployed.refused(machine, _CF)
    if refused is not None:
        yield refused
        return
    configuration = cf.read(machine.read(_CF) or "")
    missing = tuple(deployed.not_included(machine, configuration, _CF))
    yield from missing
    yield from bypass.command_line(machine)
    if "tlsconf_tls_rcpt" not in configuration.rulesets:
        return
    if not missing:
        yield from deployed.stale(machine, _CF)
    # Where a part is broken, the program's answers follow from it: they would say the same again.
    broken = [*deployed.rulesets(machine, configuration, texts, _CF), *deployed.tables(machine, target, plan)]
    yield from broken
    yield from deployed.options(machine, configuration, plan, _CF)
    yield from deployed.chain(machine, policy)
    yield from bypass.switched_off(configuration, _CF)
    yield from bypass.loosened(configuration, _CF)
    yield from bypass.access_map(machine, configuration, plan)
    yield from bypass.rules_before(configuration, plan, _CF)
    yield from questions.starttls(machine, configuration, policy, _CF)
    if not broken:
        yield from questions.rules(machine, policy, _CF, client_hook=bypass.client_hook_reached(configuration, plan))
        yield from questions.routes(machine, configuration, policy, _CF)
