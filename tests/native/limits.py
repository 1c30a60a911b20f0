"""Profiles that bring out what a server can't do, and what becomes of mail and of handshakes under them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.lab.certificates import HOSTS as HOSTS_DOMAIN
from tests.lab.network import SERVER4
from tests.lab.scenarios import ANCHORS, Outbound, Scenario

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.lab.kinds import Host
    from tests.lab.run import Lab

_PATIENCE: Final = 30.0
_CERTIFICATE: Final = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)
_GROUP: Final = re.compile(r"^(?:Server|Peer) Temp Key: (.*)$", re.MULTILINE)


class Handshake(NamedTuple):
    """What `openssl s_client` saw of a server: the group of the key exchange and the certificate, or `None`; `text` is all that it said."""

    group: str | None
    certificate: str | None
    text: str


def scenario(
    tls: Mapping[str, Any], outbound: Mapping[str, Any], inbound: Mapping[str, Any], hosts: Mapping[str, Host], *names: str
) -> Scenario:
    """Return a scenario for one profile; `hosts` are kinds by domain.

    `names` are those of the server's certificates: the lab makes `""`, which is RSA, and `-ec`, the installer any other.
    """
    profile = {
        "tlsconf": 1,
        "name": "limits",
        "server": {
            "hostname": "mail.lab.example",
            "certificates": [{"chain": f"/etc/ssl/lab/chain{name}.pem", "key": f"/etc/ssl/lab/key{name}.pem"} for name in names or ("",)],
        },
        "tls": tls,
        "outbound": {"trust_anchors": ANCHORS, **outbound},
        "inbound": inbound,
    }
    by_domain = {domain: f"{domain.replace('.', '-')}.{HOSTS_DOMAIN}" for domain in hosts}
    return Scenario("limits", profile, hosts={by_domain[domain]: (kind, 25) for domain, kind in hosts.items()}, mx=by_domain)


def hand_over(lab: Lab, address: str) -> None:
    """Give the server a message for one recipient, whose domain is one of the scenario's."""
    name, _, domain = address.partition("@")
    lab.inject([Outbound(name, domain, lab.scenario.mx[domain], name)])


def sent(lab: Lab, address: str) -> str:
    """Send a message, let the server try what it has once more, and return what became of it."""
    hand_over(lab, address)
    lab.site.run_queue(lab.box)
    return fate(lab, address)


def fate(lab: Lab, address: str) -> str:
    """Return what became of a message: `held`, `clear`, the TLS version that it went with, or `lost`."""
    arrived = [event for event in lab.events() if event["event"] == "message" and address in event["to"]]
    if arrived:
        return str(arrived[0]["version"] or "clear")
    return "held" if address in {recipient for _, recipient in lab.site.queued(lab.box)} else "lost"


def claimed(lab: Lab, identifier: str) -> set[str]:
    """Return the rules that a limitation is claimed for; `*` where it is for all mail. Nothing where it is not claimed."""
    return {name for item in lab.plan.limitations if item.id == identifier for name in item.rules or ("*",)}


def handshake(lab: Lab, *options: str) -> Handshake:
    """Say STARTTLS to the server as `openssl s_client` does with some options."""
    words = ("openssl", "s_client", "-connect", f"{SERVER4}:25", "-starttls", "smtp", "-name", "client.lab.example", *options)
    done = lab.other.run(*words, stdin=b"QUIT\n", check=False, timeout=_PATIENCE)
    group, certificate = (pattern.search(done.stdout) for pattern in (_GROUP, _CERTIFICATE))
    return Handshake(group[1] if group else None, certificate[0] if certificate else None, str(done))
