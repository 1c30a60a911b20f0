"""`tlsconf inspect` on every build of Sendmail: conforming deployments, and what goes wrong at real sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.lab import roots
from tests.native.inspecting import Tampering, check_tamperings, deployed
from tlsconf.mta.sendmail.native import CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.sandbox import Sandbox
    from tests.native.inspecting import Deployed

    Root = Callable[[str], Path]

BUILDS: Final = [name for name in roots.SERVERS if name.startswith("sendmail-")]
# This build gets every tampering, the others each second one, in turn.
IN_FULL: Final = "sendmail-debian-13"


def _check_conforming(machine: Deployed) -> None:
    answer = machine.inspect()
    assert answer.code == 0, answer.text
    assert not {id_ for id_ in answer.errors | answer.warnings if id_.startswith("sendmail-")}, answer.text


@pytest.mark.parametrize("build", BUILDS)
def test_a_conforming_deployment_is_left_alone(build: str, root: Root, subtests: pytest.Subtests) -> None:
    for case in ("every-rule", "dane", "clear"):
        with subtests.test(case), deployed(root(build), case) as machine:
            _check_conforming(machine)


def _in_mc(line: str, where: str = "before") -> str:
    """Return the shell lines that put a line into sendmail.mc, before the one of tlsconf or behind it, and make sendmail.cf again."""
    place = "i" if where == "before" else "a"
    return f"cat > /etc/tampered <<'EOF'\n{line}\nEOF\n{_place(place)}; {_MAKE}"


def _place(place: str) -> str:
    command = "r /etc/tampered" if place == "a" else "e cat /etc/tampered"
    return rf"sed -i '\|^include(.*tlsconf\.m4|{command}' /etc/mail/sendmail.mc"


def _access(entry: str) -> str:
    return f"printf '{entry}\\n' >> /etc/mail/access; cd /etc/mail && makemap hash access < access"


def _routes(domain: str, to: str) -> str:
    return f"printf '{domain}\\t{to}\\n' > /etc/mail/mailertable; cd /etc/mail && makemap hash mailertable < mailertable"


def _rule(ruleset: str, left: str, right: str) -> str:
    """Return what a site writes into sendmail.mc for a rule in a hook."""
    return f"LOCAL_RULESETS\nS{ruleset}\nR{left}\t\t{right}\ndivert(0)dnl"


_MAKE: Final = "m4 /etc/mail/sendmail.mc > /etc/mail/sendmail.cf"
_MAILERTABLE: Final = _in_mc("FEATURE(`mailertable')dnl")


def _impatient(box: Sandbox) -> None:
    """Let the server greet at once, so that the many answers take less time; those of conforming sites wait for it."""
    box.run("sed", "-i", "/^FEATURE(`greet_pause/d", "/etc/mail/sendmail.mc")


def _t(name: str, command: str, *expected: str) -> Tampering:
    return Tampering(name, command, frozenset(f"sendmail-{id_}" for id_ in expected))


TAMPERINGS: Final = (
    _t("a wrong option", "echo 'O NoSuchOption=1' >> /etc/mail/sendmail.cf", "refused"),
    _t("no sendmail.cf", "rm /etc/mail/sendmail.cf", "refused"),
    _t("the package's own sendmail.cf is back", "cat /etc/mail/tlsconf/sendmail.cf.before > /etc/mail/sendmail.cf", "not-included"),
    _t("the line is gone from sendmail.mc", "sed -i '/tlsconf.m4/d' /etc/mail/sendmail.mc", "not-included"),
    _t("sendmail.mc is newer", "sed -i '/confBAD_RCPT_THROTTLE/d' /etc/mail/sendmail.mc", "cf-stale"),
    _t("m4 fails", "echo 'include(`/absent.m4'\"')\" >> /etc/mail/sendmail.mc", "cf-stale"),
    _t("defined again behind ours", _in_mc("define(`confCIPHER_LIST', `ALL')dnl", "behind"), "option-differs"),
    _t("edited by hand", "sed -i 's/^O ClientSSLOptions=.*/O ClientSSLOptions=/' /etc/mail/sendmail.cf", "option-differs", "cf-stale"),
    _t("IPv6 addresses in short", _in_mc("define(`confUSE_COMPRESSED_IPV6_ADDRESSES', `true')dnl"), "option-differs"),
    _t("less is logged", _in_mc("define(`confLOG_LEVEL', `5')dnl", "behind"), "option-differs"),
    _t("defined before ours", _in_mc("define(`confCIPHER_LIST', `ALL')dnl"), "setting-lost"),
    _t("a ruleset is edited", "sed -i '/454 TLS is required/d' /etc/mail/sendmail.cf", "ruleset-differs", "cf-stale"),
    _t("a ruleset is edited in tlsconf.m4", f"sed -i '/454 TLS is required/d' /etc/mail/tlsconf/tlsconf.m4; {_MAKE}", "ruleset-differs"),
    _t("a class has more", _in_mc("LOCAL_CONFIG\nC{tlsconf_outbound_suites}NULL-SHA256\ndivert(0)dnl"), "ruleset-differs"),
    _t(
        "the hook of recipients is not called",
        _in_mc("undefine(`_LOCAL_TLS_RCPT_')dnl", "behind"),
        "rules-not-reached",
    ),
    _t(
        "a rule of the site lets all recipients pass",
        _in_mc(_rule("Local_tls_rcpt", "$*", "$@ OK")),
        *("rules-not-reached", "not-enforced"),
    ),
    _t("a rule of the site for one recipient", _in_mc(_rule("Local_tls_rcpt", "$+@friend.gov.uk", "$# OK")), "rules-not-reached"),
    _t("a rule of the site that objects", _in_mc(_rule("Local_check_mail", "$*@spam.example", '$#error $: "550 no"'))),
    _t("a rule of the site without objections", _in_mc(_rule("Local_check_mail", "$*", "$@ OK"))),
    _t("a site without any clear text", _in_mc(_rule("Local_tls_rcpt", "$*", '$#error $@ 4.7.0 $: "454 no"')), "mail-held"),
    _t("a table is not made again", "cd /etc/mail/tlsconf && echo 'a.example x' | makemap hash outbound", "table-differs"),
    _t("a table is missing", "rm /etc/mail/tlsconf/senders.db", "table-differs"),
    _t("others write to a table", "chmod 0666 /etc/mail/tlsconf/clients.db", "table-exposed"),
    _t("the chain has a stranger", "cp /etc/mail/tls/sendmail-server.crt /etc/mail/tlsconf/chain/x.pem", "chain-differs"),
    _t("no chain", "rm -r /etc/mail/tlsconf/chain", "chain-differs"),
    _t("a key that the group can read", "chmod 0640 /etc/ssl/*/key.pem", "starttls"),
    _t("checks of files are off", _in_mc("define(`confDONT_BLAME_SENDMAIL', `MapInUnsafeDirPath')dnl"), "file-checks-off"),
    _t("what Debian has for TLS, before ours", _in_mc("include(`/etc/mail/tls/starttls.m4')dnl")),
    _t("no STARTTLS on a port", _in_mc("DAEMON_OPTIONS(`Port=26, Name=more, M=S')dnl"), "tls-switched-off"),
    _t("no TLS for mail that is sent", _in_mc("CLIENT_OPTIONS(`Family=inet, M=S')dnl"), "tls-switched-off"),
    _t("no TLS with a host", _access("Try_TLS:broken.example\\tNO"), "tls-switched-off"),
    _t("no STARTTLS for anybody", _access("Srv_Features:\\tS"), "tls-switched-off", "starttls"),
    _t("a rule of the site against TLS", _in_mc(_rule("Local_try_tls", "$*", '$#error $: "550 no"')), "tls-switched-off"),
    _t("more in the access map", _access("TLS_Rcpt:a.example\\tENCR:128"), "access-map"),
    _t("a smarthost", _in_mc("define(`SMART_HOST', `[relay.example]')dnl"), "smarthost"),
    _t("a fixed route", f"{_MAILERTABLE}; {_routes('cabinet.gov.uk', 'esmtp:[192.0.2.77]')}", "fixed-hop"),
    _t("a program", f"{_MAILERTABLE}; {_routes('.gov.uk', 'prog:x')}", "other-mailer"),
    _t("a fallback", _in_mc("define(`confFALLBACK_MX', `relay.example')dnl"), "fallback-host"),
    _t("another sendmail.cf", "echo 'DAEMON_PARMS=\"-C /etc/other.cf\"' >> /etc/mail/sendmail.conf", "command-line"),
)
# With a rule for senders, and one for a next hop. Its many clients make each answer take seconds: once is enough.
WITH_EVERY_RULE: Final = (
    _t(
        "a rule of the site lets a sender pass",
        _in_mc(_rule("Local_check_mail", "$*bank.example$*", "$# OK")),
        *("rules-not-reached", "not-enforced"),
    ),
    _t("a fixed route with a rule", f"{_MAILERTABLE}; {_routes('legacy.gov.uk', 'esmtp:[relay.lab.example]')}"),
)
ONCE: Final = "sendmail-debian-12"
# FEATURE(tls_session_features) came with 8.16.
SINCE_8_16: Final = _t(
    "options for a host",
    _in_mc("FEATURE(`tls_session_features')dnl") + "; " + _access("TLS_Clt_Features:a.example\\tOptions=+SSL_OP_NO_TLSv1_3"),
    "session-features",
)


@pytest.mark.parametrize("build", BUILDS)
def test_what_goes_wrong_is_found(build: str, root: Root, subtests: pytest.Subtests) -> None:
    tamperings = TAMPERINGS if build == "sendmail-debian-11" else (*TAMPERINGS, SINCE_8_16)
    with deployed(root(build), "guidance", _impatient) as machine:
        check_tamperings(machine, tamperings if build == IN_FULL else tamperings[BUILDS.index(build) % 2 :: 2], subtests)
    if build == ONCE:
        with deployed(root(build), "every-rule", _impatient) as machine:
            check_tamperings(machine, WITH_EVERY_RULE, subtests)


@pytest.mark.parametrize("build", BUILDS)
def test_another_smarthost_is_found(build: str, root: Root, subtests: pytest.Subtests) -> None:
    tamperings = (
        _t("none", f"sed -i '/SMART_HOST/d' /etc/mail/sendmail.mc; {_MAKE}", "smarthost"),
        _t("another port", f"sed -i 's/TCP $h 587/TCP $h 25/' /etc/mail/sendmail.mc; {_MAKE}", "smarthost"),
        _t("an exception", f"{_MAILERTABLE}; {_routes('a.example', 'relay:[192.0.2.77]')}", "fixed-hop"),
    )
    with deployed(root(build), "smarthost", _impatient) as machine:
        _check_conforming(machine)
        check_tamperings(machine, tamperings, subtests)


def test_every_check_is_explained_and_shown() -> None:
    shown = {id_ for tampering in (*TAMPERINGS, *WITH_EVERY_RULE, SINCE_8_16) for id_ in tampering.expected}
    assert shown == set(CHECKS)
