"""Which headers of a message are proof: those that one's own hosts wrote. Anybody can write the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.domains import candidates
from tlsconf.entries import EXPECTED_NETWORK, EXPECTED_PATTERN, domain_patterns, network
from tlsconf.errors import UsageError
from tlsconf.traffic.inside import is_loopback
from tlsconf.traffic.received import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    from tlsconf.traffic.received import Hop

NOBODY: Final = "no host is trusted: name your own with --trust"


class Trust(NamedTuple):
    """One's own hosts: patterns of their names, and networks in which nobody else is."""

    names: frozenset[str] = frozenset()
    networks: tuple[IPv4Network | IPv6Network, ...] = ()


def trust_of(texts: Iterable[str]) -> Trust:
    """Read the hosts of the command line: names, `*.` and a name, addresses, networks. Raises `UsageError`."""
    names = []
    networks = []
    for text in texts:
        bare = text.strip("[]")
        if ":" in bare or bare.replace(".", "").replace("/", "").isdigit():
            try:
                networks.append(network(bare))
            except ValueError as error:
                message = f"--trust {text}: {str(error) or f'expected {EXPECTED_NETWORK}'}"
                raise UsageError(message) from None
            continue
        (name,), wrong = domain_patterns([text])
        if wrong:
            message = f"--trust {text}: {wrong[0] or f'expected {EXPECTED_PATTERN}, or {EXPECTED_NETWORK}'}"
            raise UsageError(message)
        names.append(name)
    return Trust(frozenset(names), tuple(networks))


def hearsay(hops: Sequence[Hop], trust: Trust) -> list[str | None]:
    """Return for each hop, the newest first, why its header is hearsay, or `None`: it is proof.

    Proof are the topmost headers that one's own hosts wrote, as far as each came from another of them: what stands below a header that an
    own host wrote of a stranger is what the stranger sent, whatever name it bears (RFC 5321 section 7.2 on forged headers).
    """
    if trust == Trust():
        return [NOBODY] * len(hops)
    reasons: list[str | None] = []
    reason = None
    within = False  # what a filter on the same machine wrote, which may call itself `localhost`
    for hop in hops:
        own = hop.host is not None and (_is_named(trust, hop.host) or (within and hop.host == "localhost"))
        if reason is None and not own:
            reason = "it does not say who wrote it" if hop.host is None else f"{hop.host} is not trusted"
            reasons.append(reason)
            reason = "a header above it is hearsay"
            continue
        reasons.append(reason)
        within = reason is None and is_loopback(hop.address)
        if reason is None and not _comes_from_own(trust, hop):
            reason = f"it came with the message from {client(hop)}, which is not trusted"
    return reasons


def client(hop: Hop) -> str:
    """Return what is known of the host that a message came from."""
    name = hop.name or hop.helo
    if name and name.strip("[]").removeprefix("ipv6:") == hop.address:  # a client without a name calls itself by its address
        name = None
    return " ".join(part for part in (name, hop.address and f"[{hop.address}]") if part) or "somebody whom the header does not name"


def _is_named(trust: Trust, name: str) -> bool:
    address = name.strip("[]")
    return any(pattern in trust.names for pattern in candidates(name)) or _is_within(trust, address)


def _is_within(trust: Trust, text: str) -> bool:
    from ipaddress import ip_address

    try:
        address = ip_address(text)
    except ValueError:
        return False
    return any(address in network for network in trust.networks)


def _comes_from_own(trust: Trust, hop: Hop) -> bool:
    """Tell whether a message came from an own host, by what the client can't choose: where it was, and what the DNS calls that place.

    What it calls itself counts only for private addresses, which no stranger has.
    """
    from ipaddress import ip_address

    if hop.kind is Kind.OTHER and hop.address is None:
        return True  # handed on inside one host
    address = ip_address(hop.address) if hop.address else None
    if address is not None and (address.is_loopback or _is_within(trust, str(address))):
        return True
    if hop.name is not None and _is_named(trust, hop.name):
        return True
    return address is not None and address.is_private and hop.helo is not None and _is_named(trust, hop.helo)
