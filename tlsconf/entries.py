"""Entries of a profile's lists, checked and put into one form: domains, addresses, next hops, paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.policy import NextHop

if TYPE_CHECKING:
    from collections.abc import Sequence
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

# RFC 1035 section 2.3.4 and RFC 1123 section 2.1: labels of 63, names of 253 octets; a last label that begins with a digit is an address.
_NAME: Final = r"(?=.{1,253}\Z)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?"
_PATTERN: Final = re.compile(rf"(?:\*\.)?{_NAME}")
_DOMAIN: Final = re.compile(_NAME)
_NEXT_HOP: Final = re.compile(r"\[([^\[\]]*)\](?::([0-9]{1,5}))?")
# No white space, no separator and no quote of any of the three servers: such paths would have to be quoted differently in each place.
_PATH: Final = re.compile(r"/[A-Za-z0-9._@+=~%/-]*")
_LONGEST_NAME: Final = 253
_SMTP_PORT: Final = 25
_HIGHEST_PORT: Final = 65535

EXPECTED_PATTERN: Final = "a name such as `example.com`, or `*.` and a name for all its subdomains"
EXPECTED_NETWORK: Final = 'an address or a network, such as 192.0.2.0/24 or "2001:db8::/32"'
EXPECTED_NEXT_HOP: Final = '"[host]" or "[host]:port"'
EXPECTED_PATH: Final = "an absolute path of ASCII letters, digits and . _ @ + = ~ % - /"


def domain_patterns(values: Sequence[str]) -> tuple[list[str], dict[int, str]]:
    """Return patterns as lower-case A-labels, and what is wrong with which of them by index (`""` stands in its place).

    Names follow UTS 46, non-transitional, as the `idna` package has it.
    """
    is_plain = _PATTERN.fullmatch
    patterns = [value if is_plain(value) and "xn--" not in value else "" for value in values]
    wrong: dict[int, str] = {}
    if "" in patterns:
        for index, pattern in enumerate(patterns):
            if not pattern:
                try:
                    patterns[index] = _unusual(values[index])
                except ValueError as error:
                    wrong[index] = str(error)
    return patterns, wrong


def domain(value: str) -> str:
    """Return a name (no wildcard) as lower-case A-labels. Raises `ValueError` that says what is wrong."""
    if value.startswith("*."):
        message = "a wildcard names many hosts"
        raise ValueError(message)
    return _unusual(value)


def _unusual(value: str) -> str:
    """Return a pattern that is not plain lower-case ASCII, in that form."""
    star, name = ("*.", value[2:]) if value.startswith("*.") else ("", value)
    if "@" in name:
        raise ValueError(_near("it has a local part", name.rpartition("@")[2]))
    if name.startswith((".", "*")):
        raise ValueError(_near("", f"*.{name.lstrip('.*')}"))
    if name.endswith("."):
        raise ValueError(_near("names have no final dot here", star + name.rstrip(".")))
    lowered = name.lower()
    if name.isascii() and "xn--" not in lowered:
        if _DOMAIN.fullmatch(lowered):
            return star + lowered
        raise ValueError
    if len(name) > _LONGEST_NAME:
        raise ValueError
    import idna  # only for the few who have such names

    try:
        ascii_name = idna.encode(name, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(str(error)) from None
    if _DOMAIN.fullmatch(ascii_name) is None:
        raise ValueError
    return star + ascii_name


def _near(reason: str, pattern: str) -> str:
    """Return a reason with a pattern that may have been meant, where that one would be right."""
    if domain_patterns([pattern])[1]:
        return reason
    return f"{reason}; did you mean `{pattern}`?".removeprefix("; ")


def network(value: str) -> IPv4Network | IPv6Network:
    """Return an address or a network. Raises `ValueError` that says what is wrong."""
    from ipaddress import ip_interface, ip_network  # only where a profile has addresses

    try:
        found = ip_network(value)
    except ValueError:
        found = None
    if found is not None:
        _check_address(found.network_address, found.prefixlen)
        return found
    try:
        near = ip_interface(value).network
    except ValueError:
        raise ValueError from None
    message = f"bits are set behind the prefix; did you mean `{near}`?"
    raise ValueError(message)


def next_hop(value: str) -> NextHop:
    """Return a fixed next hop, port 25 where none is said. Raises `ValueError` that says what is wrong."""
    found = _NEXT_HOP.fullmatch(value)
    if found is None:
        message = "without brackets it would be a domain, whose MX is looked up" if value and "[" not in value else ""
        raise ValueError(message)
    host, port = found.group(1), int(found.group(2) or _SMTP_PORT)
    if not 1 <= port <= _HIGHEST_PORT:
        message = f"ports go from 1 to {_HIGHEST_PORT}"
        raise ValueError(message)
    if ":" in host or host.replace(".", "").isdigit():
        from ipaddress import ip_address

        address = ip_address(host)
        _check_address(address, address.max_prefixlen)
        return NextHop(str(address), port)
    return NextHop(domain(host), port)


def _check_address(address: IPv4Address | IPv6Address, prefix: int) -> None:
    """Refuse two forms of IPv6 addresses: servers report IPv4 in its own form, and a zone means something on one host only."""
    from ipaddress import IPv6Address

    if not isinstance(address, IPv6Address):
        return
    if address.scope_id is not None:
        message = f"a zone has no meaning here; did you mean `{str(address).partition('%')[0]}`?"
        raise ValueError(message)
    if address.ipv4_mapped is not None:
        length = f"/{prefix - 96}" if prefix < address.max_prefixlen else ""
        message = f"servers see it as IPv4; did you mean `{address.ipv4_mapped}{length}`?"
        raise ValueError(message)


def server_path(value: str, hostname: str | None) -> str:
    """Return a path on the server with `{hostname}` filled in. Raises `ValueError` that says what is wrong."""
    if "-----BEGIN" in value:
        message = "this is the PEM text itself; keys and certificates are named by path"
        raise ValueError(message)
    if "{hostname}" in value:
        if hostname is None:
            message = "`{hostname}` has no value: it is for paths of `server` and `hosts`, beside a `hostname`"
            raise ValueError(message)
        value = value.replace("{hostname}", hostname)
    if "{" in value or "}" in value:
        message = "`{hostname}` is the one placeholder"
        raise ValueError(message)
    if _PATH.fullmatch(value) is None or value.endswith("/"):
        raise ValueError
    return value
