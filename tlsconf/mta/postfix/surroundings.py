"""What lies beside the parameters and tables: the resolver that DANE relies on, and other instances."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.live.discrepancy import Discrepancy
from tlsconf.mta.postfix.configuration import tokens
from tlsconf.mta.postfix.services import senders
from tlsconf.policy import Verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.live.machine import Machine
    from tlsconf.mta.postfix.configuration import Configuration
    from tlsconf.policy import Policy

NAMES: Final = ("smtp_host_lookup", "queue_directory", "multi_instance_directories")

_RESOLVER: Final = "/etc/resolv.conf"


def inspect_resolver(machine: Machine, configuration: Configuration, policy: Policy) -> Iterator[Discrepancy]:
    """Yield why TLSA records can't be found, or not be trusted, where the profile has DANE (postconf(5), `smtp_dns_support_level`)."""
    if Verify.DANE not in {policy.outbound.verify, *(rule.verify for rule in policy.outbound.rules)}:
        return
    name = "smtp_host_lookup"
    if "dns" not in tokens(configuration.value(name)):
        message = f"{name} is without dns: no TLSA record is looked up; mail is held where DANE is required, else even sent in clear text"
        yield Discrepancy("postfix-dane-lookup", "error", message, configuration.main, configuration.main_line(name), f"postconf -X {name}")
    chrooted = any(service.chrooted for service in senders(configuration) if service.name == "smtp")
    inside = f"{configuration.value('queue_directory')}{_RESOLVER}"  # a copy that Debian makes at each start
    for path in (_RESOLVER, inside) if chrooted and machine.exists(inside) else (_RESOLVER,):
        servers = re.findall(r"^[ \t]*nameserver[ \t]+(\S+)", machine.read(path) or "", re.MULTILINE)
        foreign = [server for server in servers if not server.startswith("127.") and server != "::1"]
        if foreign:
            message = f"Postfix believes {', '.join(foreign)} that an answer is signed (DNSSEC), and whoever is on the way there can say so"
            yield Discrepancy("postfix-dane-resolver", "warning", message, path, remedy="run a resolver that validates on this machine")


def inspect_instances(configuration: Configuration) -> Iterator[Discrepancy]:
    """Yield the instances of Postfix that are not looked at."""
    name = "multi_instance_directories"
    if folders := tokens(configuration.value(name)):
        message = f"only the instance of {configuration.folder} was looked at, not {', '.join(folders)}"
        yield Discrepancy("postfix-other-instances", "warning", message, configuration.main, configuration.main_line(name))
