"""Speaks SMTP with a server that may be anything: every answer is bounded in length and in time."""

from __future__ import annotations

import re
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

SMTPS: Final = 465  # TLS from the first byte (RFC 8314 section 3)
_PORT: Final = 25
_MOST_PORTS: Final = 65535
_PATIENCE: Final = 30.0  # seconds for one answer, all of it; greetings are delayed on purpose
_TO_CONNECT: Final = 10.0  # seconds for one address of a host: a packet that was lost is sent again after 1, 3 and 7
_LINE: Final = 4096  # bytes; RFC 5321 section 4.5.3.1.5 has 512, and servers exceed it
_LINES: Final = 100
_CHUNK: Final = 4096
_REPLY: Final = re.compile(r"([2-5][0-9]{2})([ -]|$)(.*)")
_READY, _BUSY = 220, 421
BUSY_IN_CLEAR: Final = b"421"  # as Exim says it on port 465, where TLS should come first


class SmtpError(Exception):
    """The conversation ended otherwise than SMTP has it; the text says how."""


class TimeIsUpError(SmtpError):
    """The time that was given for everything is over."""


class BusyError(SmtpError):
    """The server takes no more connections for now (421)."""


class HandshakeError(SmtpError):
    """No TLS session came to be. `by_server`: the server refused; else it is this OpenSSL that gave up."""

    def __init__(self, message: str, *, by_server: bool, verify_code: int | None = None) -> None:
        """Keep who refused, and, where it was for the certificate, OpenSSL's number for what is wrong with it (X509_V_ERR_…)."""
        super().__init__(message)
        self.by_server = by_server
        self.verify_code = verify_code


class Address(NamedTuple):
    """A server on the network; `host` is a name or an address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as the command line has it, with the port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Reply(NamedTuple):
    """An answer: its code and the text of its lines."""

    code: int
    lines: tuple[str, ...]

    def __str__(self) -> str:
        """Return the code and the last line, which says it all in most answers."""
        return f"{self.code} {self.lines[-1]}".strip()


def address(text: str) -> Address:
    """Read `HOST`, `HOST:PORT`, `[ADDRESS]:PORT` or a bare IPv6 address; without a port it is 25. Raises `ValueError`."""
    found = re.fullmatch(r"\[([^\[\]]+)\](?::([0-9]{1,5}))?", text) or re.fullmatch(r"([^\[\]:]+)(?::([0-9]{1,5}))?", text)
    host, port = (found[1], int(found[2] or _PORT)) if found else (text, _PORT)
    ok = re.fullmatch(r"[A-Za-z0-9_.:%-]+", host) and not host.startswith(("-", "."))
    if not ok or not 0 < port <= _MOST_PORTS or (":" in host and not _is_ipv6(host)):
        forms = "mx.example, mx.example:587, 192.0.2.1:465, 2001:db8::1 or [2001:db8::1]:465"
        message = f"`{text}` is no HOST[:PORT]: write it as {forms}; ports end at {_MOST_PORTS}"
        raise ValueError(message)
    return Address(host, port)


class Connection:
    """An SMTP connection. `deadline` is a time of `time.monotonic()` after which nothing is waited for.

    Every method raises `SmtpError`, or one of its kinds, where the other side does not do what is asked.
    """

    def __init__(self, where: Address, deadline: float) -> None:
        """Connect; nothing is said yet."""
        self._deadline = deadline
        self._buffer = b""
        self._until = deadline
        self._patience()
        try:
            found = socket.getaddrinfo(*where, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise SmtpError(_words(error)) from None
        self._socket: socket.socket = self._connected(found)

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close the connection."""
        self._socket.close()

    @property
    def peer(self) -> str:
        """Return the server's address."""
        return str(self._socket.getpeername()[0])

    @property
    def own(self) -> str:
        """Return this side's address."""
        return str(self._socket.getsockname()[0])

    @property
    def tls(self) -> ssl.SSLSocket | None:
        """Return the TLS session, or `None` before there is one."""
        return self._socket if isinstance(self._socket, ssl.SSLSocket) else None

    @property
    def unread(self) -> bytes:
        """Return what has come and was not asked for yet."""
        return self._buffer

    def greeted(self) -> Reply:
        """Wait for the greeting, 220. Raises `BusyError` where the server is."""
        reply = self.reply()
        if reply.code != _READY:
            message = f"the server does not greet: {reply}"
            raise SmtpError(message)
        return reply

    def hello(self) -> Reply:
        """Introduce this side by its address, which is always true (RFC 5321 section 4.1.3)."""
        own = self.own.partition("%")[0]
        reply = self.command(f"EHLO [{'IPv6:' if ':' in own else ''}{own}]")
        if reply.code != 250:  # noqa: PLR2004  (a code of SMTP)
            message = f"EHLO is refused: {reply}"
            raise SmtpError(message)
        return reply

    def command(self, line: str) -> Reply:
        """Send a command and wait for its answer. Raises `BusyError` where the server ends the session with 421."""
        self.send(f"{line}\r\n".encode("ascii", "replace"))
        return self.reply()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        try:
            self._answer_begins()
            self._socket.settimeout(self._patience())
            self._socket.sendall(data)
        except OSError as error:
            raise SmtpError(_words(error)) from None

    def reply(self) -> Reply:
        """Wait for an answer of one or more lines."""
        lines: list[str] = []
        self._answer_begins()
        while len(lines) < _LINES:
            text = self._line()
            found = _REPLY.fullmatch(text)
            if found is None:
                message = f"the server does not speak SMTP: {text[:60]!r}"
                raise SmtpError(message)
            lines.append(found[3])
            if found[2] != "-":
                reply = Reply(int(found[1]), tuple(lines))
                if reply.code == _BUSY:
                    message = f"the server wants no more for now: {reply}"
                    raise BusyError(message)
                return reply
        message = f"an answer of more than {_LINES} lines"
        raise SmtpError(message)

    def read(self, size: int) -> bytes:
        """Return exactly so many bytes, or fewer where the other side closes before."""
        self._answer_begins()
        while len(self._buffer) < size and self._receive():
            pass
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def handshake(self, context: ssl.SSLContext, name: str | None) -> None:
        """Begin a TLS session. Raises `HandshakeError`, and `BusyError` where 421 comes instead."""
        if self._buffer:
            message = "the server sent more before the handshake than its answer"
            raise SmtpError(message)
        try:
            self._answer_begins()
            self._socket = session = context.wrap_socket(self._socket, server_hostname=name, do_handshake_on_connect=False)
            session.settimeout(0)
            try:
                session.do_handshake()
            except ssl.SSLWantReadError:  # the ClientHello is on its way: what comes back?
                session.settimeout(self._patience())
                if socket.socket.recv(session, len(BUSY_IN_CLEAR), socket.MSG_PEEK) == BUSY_IN_CLEAR:
                    message = "the server wants no more for now: 421, before TLS"
                    raise BusyError(message) from None
                session.do_handshake()
        except ssl.SSLCertVerificationError as error:
            raise HandshakeError(error.verify_message, by_server=False, verify_code=error.verify_code) from None
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError):
            message = "the server closed the connection"
            raise HandshakeError(message, by_server=True) from None
        except ssl.SSLError as error:
            reason = (error.reason or "unknown reason").replace("_", " ").lower()
            raise HandshakeError(reason, by_server="alert" in reason) from None
        except (OSError, ValueError) as error:
            raise SmtpError(_words(error)) from None

    def quit(self) -> None:
        """Say good-bye, and don't wait for what is said to that."""
        self.send(b"QUIT\r\n")

    def _line(self) -> str:
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LINE:
                message = f"a line of more than {_LINE} bytes"
                raise SmtpError(message)
            if not self._receive():
                message = "the server closed the connection"
                raise SmtpError(message)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.decode("utf-8", "replace").rstrip("\r")

    def _receive(self) -> bool:
        try:
            self._socket.settimeout(self._patience())
            data = self._socket.recv(_CHUNK)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError, ConnectionError):
            return False
        except OSError as error:
            raise SmtpError(_words(error)) from None
        self._buffer += data
        return bool(data)

    def _connected(self, found: Sequence[tuple[Any, ...]]) -> socket.socket:
        """Try the addresses one after the other; return the first that answers. Raises what was wrong with the last one."""
        message = "the name has no address"
        for family, kind, protocol, _, place in found:
            self._until = time.monotonic() + _TO_CONNECT
            try:
                tried = socket.socket(family, kind, protocol)
            except OSError as error:  # this machine has no IPv6
                message = _words(error)
                continue
            try:
                tried.settimeout(self._patience())
                tried.connect(place)
            except BaseException as error:
                tried.close()
                if not isinstance(error, OSError):
                    raise
                message = "no answer to the attempt to connect" if isinstance(error, TimeoutError) else _words(error)
            else:
                return tried
        raise SmtpError(message)

    def _answer_begins(self) -> None:
        """Wait for the next answer so long: a server that sends byte by byte gets no more."""
        self._until = time.monotonic() + _PATIENCE

    def _patience(self) -> float:
        """Return how many seconds may be waited. Raises `TimeIsUpError` where there are none left for anything, else `TimeoutError`."""
        now = time.monotonic()
        if now >= self._deadline:
            message = "the time was up (--timeout says how long all may take)"
            raise TimeIsUpError(message)
        if now >= self._until:
            raise TimeoutError
        return min(self._deadline, self._until) - now


def _is_ipv6(text: str) -> bool:
    from ipaddress import AddressValueError, IPv6Address

    try:
        IPv6Address(text)
    except AddressValueError:
        return False
    return True


def _words(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).replace("_", " ")
