"""Starts each server with what was installed, and looks for the mistakes that its own check lets pass.

`postconf -n` and `exim -bV` exit 0 on wrong values, and a broken TLS setting often shows only when somebody says STARTTLS. So each server
is started for real, greeted on loopback, and its log is read.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any, Final

from tests.lab.install import settle

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.sandbox import Sandbox

_PATIENCE: Final = 20.0  # seconds for a server to do what it does at once
_PARAMETER: Final = re.compile(r"^([a-z][a-z0-9_]*) = ?(.*)$", re.MULTILINE)
# A machine whose clock is set back while Postfix runs says nothing about what was installed.
_CLOCK: Final = r"(?!file system clock is |resetting file time stamps)"
_POSTFIX_COMPLAINT: Final = re.compile(rf".*\b(?:warning|error|fatal|panic): {_CLOCK}.*")
_SENDMAIL_COMPLAINT: Final = re.compile(r".*STARTTLS.*(?:error|fail|unsafe|warning).*|.*unsafe.*")
_EXIM_ANSWERS: Final = "/etc/exim4/update-exim4.conf.conf"  # to debconf's questions
_PEER: Final = "127.0.0.2:2525"
_RECIPIENTS: Final = {"somebody@peer.example": "smtp", "somebody@required.example": "required"}  # and the transport of each


class ServerError(Exception):
    """A server does not work with what was installed; the text says what it said."""


def check_postfix(sandbox: Sandbox, folder: Path, manifest: dict[str, Any]) -> None:
    """Compare each parameter with what Postfix now has, start it, greet it, and make it deliver a message over SMTP."""
    for command in (("postconf", "-n"), ("postfix", "check")):
        complaints = [line for line in sandbox.run(*command).stderr.splitlines() if not line.startswith("updating /etc/")]
        if complaints:
            raise ServerError(f"{' '.join(command)}: {complaints}")
    wanted = dict(_PARAMETER.findall((folder / "main.cf").read_text()))
    found = dict(_PARAMETER.findall(sandbox.run("postconf", *wanted).stdout))
    for name, value in wanted.items():
        if found.get(name) != value:
            raise ServerError(f"{name} is {found.get(name)!r}, not {value!r}")
    _add_peer(sandbox, manifest)
    sandbox.run("postfix", "start")
    _greet(sandbox, manifest)
    sandbox.run("sendmail", "-f", "somebody@lab.example", *_RECIPIENTS, stdin=b"Subject: hello\n\nhello\n")
    if not all(_appears(sandbox, f"to=<{recipient}>, relay=127.*status=") for recipient in _RECIPIENTS):
        raise ServerError(f"no message was sent\n{sandbox.log()}")
    _no_complaint(sandbox.log(), _POSTFIX_COMPLAINT)


def _add_peer(sandbox: Sandbox, manifest: dict[str, Any]) -> None:
    """Let Postfix deliver to a listener of its own, which throws mail away: once by the site's default, once with TLS required.

    So the SMTP client runs, too, and both halves of its TLS parameters are read, as are both halves of the server's.
    """
    level = "encrypt" if _has_key(manifest) else "none"
    peer = f"smtpd -o myhostname=peer.lab.example -o content_filter=discard: -o smtpd_tls_security_level={level}"
    sandbox.run("postconf", "-M", f"{_PEER}/inet={_PEER} inet n - n - - {peer}")
    required = "smtp -o smtp_tls_security_level=encrypt -o smtp_tls_policy_maps="
    sandbox.run("postconf", "-M", f"required/unix=required unix - - n - - {required}")
    routes = " ".join(f"{{{to.partition('@')[2]}={transport}:[{_PEER.replace(':', ']:')}}}" for to, transport in _RECIPIENTS.items())
    sandbox.run("postconf", "-e", f"transport_maps = inline:{{{routes}}}")
    settle(sandbox)


def check_exim(sandbox: Sandbox, manifest: dict[str, Any], *, split: bool) -> None:
    """Start Exim as Debian does, with split or single-file configuration, and greet it."""
    found = sandbox.run("update-exim4.conf")
    if found.stderr:
        raise ServerError(str(found))
    used = sandbox.read(_EXIM_ANSWERS)
    assert f"dc_use_split_config='{'true' if split else 'false'}'" in used
    complaint = sandbox.run("exim4", "-bV").stderr
    if complaint:
        raise ServerError(complaint)
    sandbox.run("sh", "-c", ": > /var/log/exim4/paniclog; chown Debian-exim:adm /var/log/exim4/paniclog")
    sandbox.start("exim4", "-bdf", output="/var/log/exim4/output")
    _greet(sandbox, manifest, log="cat /var/log/exim4/output /var/log/exim4/mainlog /var/log/exim4/paniclog")
    panic = sandbox.read("/var/log/exim4/paniclog")
    if panic:
        raise ServerError(panic)


def prepare_site(sandbox: Sandbox, server: str, smarthost: str | None) -> None:
    """Send everything to the smarthost that a profile says the site uses, before anything is installed: tlsconf sets no routing."""
    if smarthost is None:
        return
    host, _, port = smarthost.removeprefix("[").partition("]")
    port = port.removeprefix(":") or "25"
    if server == "postfix":
        sandbox.run("postconf", "-e", f"relayhost = [{host}]:{port}")
        settle(sandbox)
    elif server == "exim":
        answers = f"s/^dc_eximconfig_configtype=.*/dc_eximconfig_configtype='smarthost'/; s/^dc_smarthost=.*/dc_smarthost='{host}::{port}'/"
        sandbox.run("sed", "-i", answers, _EXIM_ANSWERS)
    else:
        lines = f"define(`SMART_HOST', `[{host}]')dnl\\ndefine(`RELAY_MAILER_ARGS', `TCP $h {port}')dnl"
        sandbox.run("sed", "-i", f"/^MAILER_DEFINITIONS/i {lines}", "/etc/mail/sendmail.mc")


def choose_exim_mode(sandbox: Sandbox, *, split: bool) -> None:
    """Answer debconf's question whether the configuration is split, before anything is installed."""
    sandbox.run("sed", "-i", f"s/^dc_use_split_config=.*/dc_use_split_config='{'true' if split else 'false'}'/", _EXIM_ANSWERS)
    sandbox.run("update-exim4.conf")


def check_sendmail(sandbox: Sandbox, manifest: dict[str, Any]) -> None:
    """Let m4 and Sendmail read the configuration, start Sendmail and greet it."""
    for command in ("cd /etc/mail && m4 sendmail.mc > /dev/null", "sendmail -bt < /dev/null"):
        found = sandbox.run("sh", "-c", command)
        if found.stderr:
            raise ServerError(str(found))
    # By its full path, as it starts itself again; at this level it says what is wrong with its TLS files.
    sandbox.start("/usr/sbin/sendmail", "-Am", "-L", "sm-mta", "-O", "LogLevel=14", "-bD", output="/srv/output")
    _greet(sandbox, manifest, log="cat /srv/output /var/log/syslog")
    _no_complaint(sandbox.read("/srv/output") + sandbox.log(), _SENDMAIL_COMPLAINT)


def _greet(sandbox: Sandbox, manifest: dict[str, Any], log: str = "cat /var/log/syslog") -> None:
    """Say EHLO and, where it is offered, STARTTLS; it must be offered where the manifest requires a key."""
    found = sandbox.talk(seconds=_PATIENCE)
    good = found["ehlo"][:1] == ["250"] and found["error"] is None
    good = good and (found["starttls"] == 220 if _has_key(manifest) else found["starttls"] in {None, 220})
    if not good:
        raise ServerError(f"{found}\n{sandbox.run('sh', '-c', log, check=False)}")


def _has_key(manifest: dict[str, Any]) -> bool:
    return any("key" in item["path"] for item in manifest["requires"])


def _appears(sandbox: Sandbox, pattern: str) -> bool:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if re.search(pattern, sandbox.log()):
            return True
        time.sleep(0.05)
    return False


def _no_complaint(log: str, pattern: re.Pattern[str]) -> None:
    complaints = pattern.findall(log)
    if complaints:
        raise ServerError("\n".join(complaints))
