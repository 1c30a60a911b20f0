"""Whom the rules of two policies tell apart: parts of all destinations, senders and clients that no rule of either divides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.domains import covering

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
    from ipaddress import IPv4Network, IPv6Network

    Network = IPv4Network | IPv6Network

OTHERS: Final = "*"  # the part that no pattern names; no pattern is spelt so
_SHOWN: Final = 4


def domain_above(patterns: Collection[str]) -> Callable[[str], str]:
    """Return a function from a pattern to the nearest one of `patterns` that covers it, `OTHERS` where none does."""
    return lambda pattern: next((wider for wider in list(covering(pattern))[1:] if wider in patterns), OTHERS)


def holding(networks: Iterable[Network]) -> Callable[[Network], list[Network]]:
    """Return a function from a network to those of `networks` that hold it, itself included, the nearest first."""
    known = frozenset(networks)
    lengths = sorted({network.prefixlen for network in known}, reverse=True)

    def wider(network: Network) -> list[Network]:
        above = (network.supernet(new_prefix=length) for length in lengths if length <= network.prefixlen)
        return [found for found in above if found in known]

    return wider


def network_above(networks: Iterable[Network]) -> Callable[[Network], Hashable]:
    """Return a function from a network to the nearest one of `networks` that holds it, `OTHERS` where none does."""
    wider = holding(networks)
    return lambda network: next((found for found in wider(network) if found != network), OTHERS)


def parts(networks: Iterable[Network]) -> list[Network]:
    """Return the networks that have addresses of their own: not those that smaller ones among them fill."""
    everything = set(networks)
    above = network_above(everything)
    filled: dict[Hashable, int] = {}
    for network in everything:
        parent = above(network)
        filled[parent] = filled.get(parent, 0) + network.num_addresses
    own = [network for network in everything if filled.get(network, 0) < network.num_addresses]
    return sorted(own, key=lambda network: (network.version, network.network_address, network.prefixlen))


def described(cells: Collection[Hashable], above: Callable[[Hashable], Hashable], universe: Collection[Hashable]) -> tuple[str, str]:
    """Return a set of parts in few words, and the parts that it leaves out of what the words name.

    `universe` are all parts (without `OTHERS`); `above` gives the nearest wider part. A part whose nearest wider part is in the set too
    goes without saying; where `OTHERS` is in the set, so do those that only it is above.
    """
    named = [cell for cell in universe if cell in cells and above(cell) not in cells]
    excepted = [cell for cell in universe if cell not in cells and above(cell) in cells]
    return _words(named), _words(excepted)


def _words(names: Sequence[object]) -> str:
    shown = ", ".join(map(str, names[:_SHOWN]))
    return shown + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
