"""Leaves out what a machine hands to itself, as through a content filter: that is no mail to a peer, nor from one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.traffic.memory import Memory

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.traffic.evidence import Passage

_AN_HOUR: Final = 3600  # within which both ends of a hand-over are written
_MOST: Final = 50_000  # messages of which one end was seen
_LOOPBACK6: Final = frozenset({"::1", "0:0:0:0:0:0:0:1"})
# What Postfix, Sendmail and Exim say when they have taken a message; a filter puts its own words before those of the server behind it.
_TAKEN: Final = re.compile(r"queued as ([0-9A-Za-z]{5,})|\b([0-9A-Za-z]{8,}) Message accepted|\bOK id=([0-9A-Za-z-]{16,})")

_Key = tuple[str, str]  # a server, and the queue id under which it took a message in


def is_loopback(address: str | None) -> bool:
    """Tell whether an address, as servers write it into logs, is of the machine itself."""
    return address is not None and (address.startswith("127.") or address.removeprefix("IPv6:") in _LOOPBACK6)


def queue_id_in(reply: str) -> str | None:
    """Return the queue id under which the other side took a message, by its last reply; `None` where that names none.

    >>> queue_id_in("250 2.0.0 Ok, id=16532-01, from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 5D0B11F4E")
    '5D0B11F4E'
    """
    found = _TAKEN.findall(reply)
    return next(filter(None, found[-1])) if found else None


class Inside:
    """The messages of late that came from the machine itself or went to it, until both ends are known."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._waiting: dict[_Key, list[Passage]] = {}  # all of one direction
        self._known: Memory[_Key, float] = Memory()  # since when

    def sift(self, passage: Passage) -> Iterator[Passage]:
        """Yield what turned out to be mail of peers: `passage` now or later, or others that waited."""
        waiting, now = self._waiting, passage.when
        while waiting and (len(waiting) > _MOST or now - next(iter(waiting.values()))[0].when > _AN_HOUR):
            yield from waiting.pop(next(iter(waiting)))
        queue_id = passage.next_id or (None if passage.sent else passage.queue_id)
        if queue_id is None or passage.result != "delivered":
            yield passage
            return
        key = (passage.server, queue_id)
        if passage.next_id and not passage.sent:  # a peer's message, which a filter hands on while the peer waits
            waiting.pop(key, None)
            self._known.put(key, now)
            yield passage
        elif now - (self._known.get(key) or float("-inf")) <= _AN_HOUR:
            return
        elif key in waiting and waiting[key][0].sent != passage.sent:
            del waiting[key]
            self._known.put(key, now)
        else:
            waiting.setdefault(key, []).append(passage)

    def rest(self) -> Iterator[Passage]:
        """Yield what still waits, at the end of the logs."""
        for passages in self._waiting.values():
            yield from passages
        self._waiting.clear()
