"""Sendmail as Debian configures it, listening to the world, with a mailer table and an access map of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tests.lab.network import SERVER6
from tests.lab.site import wait_until_idle

if TYPE_CHECKING:
    from tests.lab.sandbox import Sandbox
    from tests.lab.site import Wanted

SERVICE: Final = "sendmail"
_MC: Final = "/etc/mail/sendmail.mc"


def target() -> dict[str, object]:
    """Return nothing: Sendmail's fragment has maps of its own."""
    return {}


def prepare(box: Sandbox, wanted: Wanted) -> None:
    """Let the server listen to the world, route and refuse; no throttle of the stock configuration slows the lab."""
    ports = {hop.port for hop in wanted.routes.values()} - {25}
    added = [
        "FEATURE(`mailertable', `hash -o /etc/mail/mailertable')dnl",
        f"DAEMON_OPTIONS(`Family=inet6, Name=MTA-v6, Port=smtp, Addr={SERVER6}')dnl",  # the IPv4 socket has the wildcard
    ]
    if wanted.smarthost:
        added.append(f"define(`SMART_HOST', `[{wanted.smarthost.host}]')dnl")
        ports = {wanted.smarthost.port}
    added += [f"define(`RELAY_MAILER_ARGS', `TCP $h {port}')dnl" for port in ports]
    edits = [f"/^MAILER_DEFINITIONS/i {line}" for line in added]
    box.run("sed", "-i", *(word for edit in ("s/, Port=smtp, Addr=127.0.0.1/, Port=smtp/", *edits) for word in ("-e", edit)), _MC)
    routes = "".join(
        f"{domain}\t{'esmtp' if hop.port == 25 else 'relay'}:[{hop.host}]\n" for domain, hop in wanted.routes.items()
    )  # the mailer `relay` has the port that RELAY_MAILER_ARGS says
    box.write("/etc/mail/mailertable", routes)
    access = f"From:{wanted.blocked}\tREJECT\nConnect:{wanted.blocked_client}\tREJECT\nGreetPause:\t0\nClientRate:\t0\nClientConn:\t0\n"
    access += "".join(
        f"{tag}:{net}\t0\n" for tag in ("GreetPause", "ClientRate", "ClientConn") for net in ("127.0.0.1", "198.18", "IPv6:2001:db8")
    )
    box.write("/etc/mail/access", access)
    box.write("/etc/mail/relay-domains", f"{wanted.relayed}\n")
    box.run("sh", "-c", "cd /etc/mail && for n in access mailertable; do makemap hash $n < $n; done && m4 sendmail.mc > sendmail.cf")
    parameters = "-O QueueLA=999 -O RefuseLA=999 -O ConnectionRateThrottle=0 -O MaxDaemonChildren=0 -O LogLevel=14"
    box.run("sed", "-i", f's/^DAEMON_PARMS=.*/DAEMON_PARMS="{parameters}";/', "/etc/mail/sendmail.conf")


def run_queue(box: Sandbox) -> None:
    """Try every message once; in the foreground."""
    wait_until_idle(box, _is_busy)
    box.run("/usr/sbin/sendmail", "-Am", "-L", "sm-mta", "-O", "QueueLA=999", "-O", "LogLevel=14", "-qf", timeout=300)
    wait_until_idle(box, _is_busy)


def _is_busy(processes: list[str]) -> bool:
    """Tell whether there is more than the listener and the one who waits for the next queue run."""
    return any(line.startswith("sendmail: ") and not re.search("accepting connections|Queue runner@", line) for line in processes)


def queued(box: Sandbox) -> frozenset[tuple[str, str]]:
    """Return what is in the queue, from the control files: lines `R…:<recipient>`."""
    shown = box.run("sh", "-c", "cd /var/spool/mqueue && grep -H '^R' qf* 2>/dev/null || true").stdout
    found = re.findall(r"^qf(\w+):R.*?:<?([^<>\s]+)>?$", shown, re.MULTILINE)
    return frozenset(found)


def log(box: Sandbox) -> str:
    """Return the server's log."""
    return box.log()
