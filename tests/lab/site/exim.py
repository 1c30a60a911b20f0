"""Exim as Debian configures it for a site on the internet, with routes and a sender blacklist of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.lab.site import wait_until_idle

if TYPE_CHECKING:
    from tests.lab.sandbox import Sandbox
    from tests.lab.site import Wanted

SERVICE: Final = "exim4"
_ANSWERS: Final = "/etc/exim4/update-exim4.conf.conf"  # to debconf's questions
_LOG: Final = "/var/log/exim4/mainlog"


def target() -> dict[str, object]:
    """Return nothing: Exim's fragments leave a site's own lists alone."""
    return {}


def prepare(box: Sandbox, wanted: Wanted) -> None:
    """Answer debconf's questions, and fill the files that Debian's configuration looks into."""
    answers = {
        "dc_eximconfig_configtype": "smarthost" if wanted.smarthost else "internet",
        "dc_smarthost": f"{wanted.smarthost.host}::{wanted.smarthost.port}" if wanted.smarthost else "",
        "dc_local_interfaces": "",
        "dc_relay_domains": wanted.relayed,
        "dc_use_split_config": "true" if wanted.split else "false",
    }
    for name, value in answers.items():
        box.run("sed", "-i", f"s/^{name}=.*/{name}='{value}'/", _ANSWERS)
    routes = "".join(f"{domain}: {hop.host}{'' if hop.port == 25 else f'::{hop.port}'}\n" for domain, hop in wanted.routes.items())
    box.write("/etc/exim4/hubbed_hosts", routes)
    box.write("/etc/exim4/local_sender_blacklist", f"*@{wanted.blocked}\n")
    box.write("/etc/exim4/local_host_blacklist", f"{wanted.blocked_client}\n")


def run_queue(box: Sandbox) -> None:
    """Try every message, also those that wait; in the foreground."""
    wait(box)
    box.run("exim4", "-qff", timeout=300)
    wait(box)


def wait(box: Sandbox) -> None:
    """Wait until Exim has nothing in its hands."""
    wait_until_idle(box, _is_busy)


def _is_busy(processes: list[str]) -> bool:
    """Tell whether there is more than the daemon."""
    return sum("exim4 " in line for line in processes) > 1


def queued(box: Sandbox) -> frozenset[tuple[str, str]]:
    """Return what is in the queue: lines `AGE SIZE ID <SENDER>`, each followed by the recipients that are left."""
    found = set()
    identifier = ""
    for line in box.run("exim4", "-bp").stdout.splitlines():
        words = line.split()
        if len(words) >= 4 and words[3].startswith("<"):
            identifier = words[2]
        elif len(words) == 1:
            found.add((identifier, words[0]))
    return frozenset(found)


def log(box: Sandbox) -> str:
    """Return the server's log."""
    return box.read(_LOG) if box.exists(_LOG) else ""
