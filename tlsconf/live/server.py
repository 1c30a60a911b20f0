"""The server that is probed: how it is met, again and again, and how a session with it begins."""

from __future__ import annotations

import ssl
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.live import hello
from tlsconf.live.hello import Chosen, Refused
from tlsconf.live.smtp import SMTPS, Address, BusyError, Connection, SmtpError
from tlsconf.tls import suites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tlsconf.live.smtp import Reply
    from tlsconf.tls import Version

_PAUSES: Final = (2.0, 5.0, 15.0)  # seconds before a server that said 421 is asked again
_READY: Final = 220
_FAILS, _GARBAGE = "starttls-fails", "starttls-garbage"


class Server(NamedTuple):
    """A server: its address, the name that it is asked for (SNI) and known by, and when `time.monotonic()` says that time is up."""

    address: Address
    name: str | None
    deadline: float

    @property
    def is_implicit(self) -> bool:
        """Tell whether TLS comes before SMTP."""
        return self.address.port == SMTPS


class StartTlsError(SmtpError):
    """TLS was offered, by STARTTLS or by the port, and no handshake can begin; `id` is that of the check."""

    def __init__(self, identifier: str, message: str) -> None:
        """Keep which check that is for."""
        super().__init__(message)
        self.id = identifier


@contextmanager
def met(server: Server) -> Iterator[tuple[Connection, Reply]]:
    """Yield a connection after EHLO, and the answer to that; a server that is busy is asked again. Raises `SmtpError`."""
    with patiently(server, _introduced) as connection:
        yield connection, connection.hello()


@contextmanager
def at_handshake(server: Server) -> Iterator[Connection]:
    """Yield a connection on which a ClientHello comes next. Raises `SmtpError`, of which `StartTlsError` is one."""
    with patiently(server, _begin) as connection:
        yield connection


@contextmanager
def secured(server: Server, context: ssl.SSLContext) -> Iterator[Connection]:
    """Yield a connection after the handshake and EHLO. Raises `SmtpError`, of which `HandshakeError` is one."""

    def prepare(_: Server, connection: Connection) -> None:
        _begin(server, connection)
        connection.handshake(context, server.name)
        if server.is_implicit:
            connection.greeted()

    with patiently(server, prepare) as connection:
        connection.hello()  # also shows that the server took part: in TLS 1.3 a client is ready before (RFC 8446 section 4.4.4)
        yield connection


def offered(server: Server, version: int, codes: Iterable[int], groups: Iterable[int]) -> Chosen | Refused:
    """Ask for a session by the numbers on the wire, and return what the server chose. Raises `SmtpError`."""
    answers: list[Chosen | Refused] = []

    def ask(_: Server, connection: Connection) -> None:
        _begin(server, connection)
        connection.send(hello.client_hello(version, codes, groups, server.name))
        try:
            answers.append(hello.answer(connection.read))
        except hello.NoTlsError as error:
            raise StartTlsError(_FAILS, f"TLS is offered, and does not begin: {error}") from None

    with patiently(server, ask) as connection:
        (chosen,) = answers
        if isinstance(chosen, Chosen):
            connection.send(hello.FAREWELL)
            if chosen.version != version:
                return Refused("it chose another version")
        return chosen


def client(maximum: Version | None = None, names: Iterable[str] = ()) -> ssl.SSLContext:
    """Return a context that takes every certificate, and the weakest session that this OpenSSL can have; `names` are suites before TLS 1.3.

    Raises `ssl.SSLError` where this OpenSSL has none of them.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    known = suites()
    context.set_ciphers(":".join([*(known[name].openssl for name in names if name in known)] or ["ALL"]) + ":@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    if maximum is not None:
        context.maximum_version = ssl.TLSVersion(maximum)
    return context


@contextmanager
def patiently(server: Server, prepare: Callable[[Server, Connection], None]) -> Iterator[Connection]:
    """Yield a connection that `prepare` has brought so far; where the server is too busy for that, it is asked again, a few times."""
    connection = _prepared(server, prepare)
    with connection:
        yield connection


def _prepared(server: Server, prepare: Callable[[Server, Connection], None]) -> Connection:
    for pause in _PAUSES:
        try:
            return _once(server, prepare)
        except BusyError:
            time.sleep(max(0.0, min(pause, server.deadline - time.monotonic())))
    return _once(server, prepare)


def _once(server: Server, prepare: Callable[[Server, Connection], None]) -> Connection:
    connection = Connection(server.address, server.deadline)
    try:
        prepare(server, connection)
    except BaseException:
        connection.__exit__(None, None, None)
        raise
    return connection


def _introduced(_: Server, connection: Connection) -> None:
    connection.greeted()


def _begin(server: Server, connection: Connection) -> None:
    """Come to where a ClientHello is next."""
    if server.is_implicit:
        return
    connection.greeted()
    connection.hello()
    reply = connection.command("STARTTLS")
    if reply.code != _READY:
        message = f"the answer to STARTTLS is {reply}"
        raise StartTlsError(_FAILS, message)
    if connection.unread:
        message = "after its answer to STARTTLS, the server says more in clear text, which a careless client would take for encrypted"
        raise StartTlsError(_GARBAGE, message)
