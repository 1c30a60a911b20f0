"""Reads next hops, and the tables that name them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.mta.postfix.configuration import tokens
from tlsconf.policy import NextHop

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tlsconf.live.machine import Machine

_HOP: Final = re.compile(r"\[(?:ipv6:)?([^\]]+)\](?::(\w+))?", re.IGNORECASE)
_PORTS: Final = {"smtp": 25, "submission": 587, "submissions": 465, "smtps": 465}  # services(5)
# DATABASE_README: types whose entries `postmap -s` lists, and types that are asked for one key; the others ask somebody else.
_LISTED: Final = frozenset({"texthash", "inline", "hash", "btree", "cdb", "lmdb", "dbm", "sdbm"})
_ASKED: Final = frozenset({"regexp", "pcre"})


class Table(NamedTuple):
    """What is known of a list of tables: entries, and the tables that have to be asked, or can't be."""

    entries: Mapping[str, str]
    asked: tuple[str, ...]
    unknown: tuple[str, ...]


def next_hop(text: str) -> NextHop | str | None:
    """Read a next hop: a fixed host, or a domain (`example.com:587` included) whose MX hosts it is; `None` where there is none.

    >>> next_hop("[relay.example]:submission")
    NextHop(host='relay.example', port=587)
    """
    text = text.strip().lower()
    match = _HOP.fullmatch(text)
    if match is None:
        return text or None
    port = match[2] or "smtp"
    number = _PORTS.get(port) or (int(port) if port.isdigit() else None)
    return text if number is None else NextHop(match[1], number)


def route(value: str) -> tuple[str, NextHop | str | None]:
    """Read `transport:nexthop` (transport(5))."""
    transport, _, hop = value.partition(":")
    return transport.strip(), next_hop(hop)


def is_own_host(hop: NextHop | str) -> bool:
    """Tell whether mail for a hop stays on this machine."""
    host = hop.host if isinstance(hop, NextHop) else hop.partition(":")[0]
    return host in {"localhost", "::1"} or host.startswith("127.")


def read_table(machine: Machine, value: str) -> Table:
    """Look into tables that lie on this machine; an earlier one wins. No other host is asked."""
    entries: dict[str, str] = {}
    asked, unknown = [], []
    for table in tokens(value):
        local = table.removeprefix("proxy:")
        kind, _, rest = local.partition(":")
        if kind in _ASKED:
            asked.append(local)
        elif kind == "static":
            entries.setdefault("*", rest.strip("{}"))
        elif kind in _LISTED and (answer := machine.run("postmap", "-s", local)).status == 0:
            for line in answer.stdout.split("\n"):
                key, tab, result = line.partition("\t")
                if tab:
                    entries.setdefault(key.lower(), result)
        else:
            unknown.append(table)
    return Table(entries, tuple(asked), tuple(unknown))
