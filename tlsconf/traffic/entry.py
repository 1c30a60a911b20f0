"""One line of a log, taken apart as far as all servers have it in common; and what reads a server's lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from tlsconf.traffic.evidence import Passage
from tlsconf.traffic.inside import is_loopback, queue_id_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tlsconf.traffic.evidence import Failure, Session


_LONGEST: Final = 255  # octets of a domain (RFC 1035 section 2.3.4)


class Entry(NamedTuple):
    """A line: `when` in POSIX seconds, `server` as the log names the machine (`""` where it does not), and the program's own text."""

    when: float
    server: str
    pid: bytes
    text: bytes

    def words(self) -> str:
        """Return the text; bytes that are no UTF-8 become surrogates (PEP 383)."""
        return self.text.decode("utf-8", "surrogateescape")


class NotUnderstoodError(Exception):
    """A line about TLS in words that are not known."""


class Server(Protocol):
    """What makes passages of one server's lines; it remembers what it needs to join them."""

    def reader(self, program: str) -> Callable[[Entry], Sequence[Passage]] | None:
        """Return what reads the lines of a program, or `None` for one that is not the server's or has nothing to say.

        What is returned raises `NotUnderstoodError` for a line about TLS that it does not know.
        """
        ...


def received(
    entry: Entry,
    sender: str,
    peer: tuple[str | None, str | None],
    queue_id: str | None,
    session: Session | None,
    result: str = "delivered",
    failure: Failure | None = None,
) -> Passage:
    """Return a passage into the server. `peer` is a name and an address."""
    host, address = peer
    return Passage(entry.when, entry.server, False, domain_of(sender), host or None, address, None, queue_id, result, session, failure)  # noqa: FBT003


def sent(
    entry: Entry,
    recipient: str,
    peer: tuple[str | None, str | None, str | None],
    queue_id: str,
    session: Session | None,
    result: str,
    failure: Failure | None,
    reply: str,
) -> Passage:
    """Return a passage out of the server. `peer` is a name, an address and a port; `reply` is what that said in the end."""
    host, address, port = peer
    number = int(port[:5]) if port else None
    next_id = queue_id_in(reply) if is_loopback(address) else None
    return Passage(entry.when, entry.server, True, domain_of(recipient), host, address, number, queue_id, result, session, failure, next_id)  # noqa: FBT003


def domain_of(address: str) -> str | None:
    """Return the domain of an envelope address in lower case as A-labels; `None` for `<>` and address literals.

    >>> domain_of("u@Exämple.test")
    'xn--exmple-cua.test'
    """
    _, at, domain = address.rpartition("@")
    if not at or not domain or domain.startswith("["):
        return None
    domain = domain[:_LONGEST].lower().rstrip(".")
    if domain.isascii():
        return domain or None
    import idna

    try:
        return idna.encode(domain, uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return domain  # as it was written: no rule can name it
