"""Postfix at a site that already has restrictions, routes and TLS tables of its own."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

from tests.lab.install import settle

if TYPE_CHECKING:
    from tests.lab.sandbox import Sandbox
    from tests.lab.site import Wanted

SERVICE: Final = "postfix"
_PATIENCE: Final = 60.0
_KEEP: Final = {
    "smtpd_sender_restrictions": ["check_sender_access texthash:/etc/postfix/site_senders"],
    "smtpd_client_restrictions": ["check_client_access cidr:/etc/postfix/site_clients"],
    "smtpd_restriction_classes": ["site_class"],
    "smtp_tls_policy_maps": ["texthash:/etc/postfix/site_tls"],
}


def target() -> dict[str, object]:
    """Return the site's lists, which are kept."""
    return {"keep": _KEEP}


def prepare(box: Sandbox, wanted: Wanted) -> None:
    """Give the site its routes, its tables and a short memory for failed deliveries."""
    routes = "".join(f"{domain} smtp:{hop}\n" for domain, hop in wanted.routes.items())
    box.write("/etc/postfix/site_transport", routes)
    box.write("/etc/postfix/site_senders", f"{wanted.blocked} 554 5.7.1 not from there\n")
    box.write("/etc/postfix/site_clients", f"{wanted.blocked_client} site_class\n")
    box.write("/etc/postfix/site_tls", f"{wanted.plain} none\n")
    settings = {
        "transport_maps": "texthash:/etc/postfix/site_transport",
        "relay_domains": wanted.relayed,
        **{name: ", ".join(entries) for name, entries in _KEEP.items()},
        "site_class": "reject",
        "minimal_backoff_time": "1s",
        "maximal_backoff_time": "1h",
        "smtpd_error_sleep_time": "0",
        "smtpd_client_connection_count_limit": "0",
        "alias_maps": "",  # stock Debian 14 names a hash table here, which its Postfix can't read
        **({"relayhost": str(wanted.smarthost)} if wanted.smarthost else {}),
    }
    box.run("postconf", "-e", *(f"{name} = {value}" for name, value in settings.items()))
    settle(box)


def run_queue(box: Sandbox) -> None:
    """Try every message once."""
    _wait(box)
    time.sleep(1.5)  # clear text is tried when a message is older than the backoff time
    box.run("postqueue", "-f")
    time.sleep(0.5)
    _wait(box)


def _wait(box: Sandbox) -> None:
    """Wait until the queue manager has nothing in its hands."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        if not box.run("find", *(f"/var/spool/postfix/{name}" for name in ("maildrop", "incoming", "active")), "-type", "f").stdout:
            return
        time.sleep(0.2)
    raise TimeoutError("Postfix is still busy")


def queued(box: Sandbox) -> frozenset[tuple[str, str]]:
    """Return what is in the queue."""
    messages = [json.loads(line) for line in box.run("postqueue", "-j").stdout.splitlines()]
    return frozenset((message["queue_id"], recipient["address"]) for message in messages for recipient in message["recipients"])


def log(box: Sandbox) -> str:
    """Return the server's log."""
    return box.log()
