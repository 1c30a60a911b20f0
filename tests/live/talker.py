"""A small SMTP server with TLS, in a thread: it conforms, or has any of the faults that a probe looks for."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Faults(NamedTuple):
    """What a server does otherwise than it should.

    `handshake` takes the place of a handshake; `refuse` says how a sender is answered, by (sender, is over TLS).
    """

    context: ssl.SSLContext | None = None
    starttls: bytes = b"220 go ahead\r\n"
    greeting: bytes = b"220 mx.sample.example ESMTP\r\n"
    injectable: bool = False
    handshake: Callable[[socket.socket], None] | None = None
    busy_after: int | None = None
    refuse: Callable[[str, bool], bytes | None] = lambda _sender, _tls: None


@contextmanager
def serving(faults: Faults, host: str = "127.0.0.1") -> Iterator[tuple[int, list[str]]]:
    """Yield the port on a loopback address, and the commands that came, of all connections."""
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        seen: list[str] = []
        threading.Thread(target=_accept, args=(listener, faults, seen), daemon=True).start()
        yield listener.getsockname()[1], seen
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, faults: Faults, seen: list[str]) -> None:
    count = 0
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        count += 1
        busy = faults.busy_after is not None and count > faults.busy_after
        client.settimeout(10)
        threading.Thread(target=_serve, args=(client, faults, seen, busy), daemon=True).start()


def _serve(client: socket.socket, faults: Faults, seen: list[str], busy: bool) -> None:  # noqa: FBT001  (a thread's arguments)
    try:
        client.sendall(b"421 4.7.0 too many connections\r\n" if busy else faults.greeting)
        if not busy:
            buffer, is_tls = _converse(client, faults, seen)
            if is_tls and faults.handshake is not None:
                faults.handshake(client)
            elif is_tls and faults.context is not None:
                with faults.context.wrap_socket(client, server_side=True) as secured:
                    _converse(secured, faults, seen, buffer if faults.injectable else b"")
    except OSError:
        pass
    finally:
        client.close()


def _converse(client: socket.socket, faults: Faults, seen: list[str], buffer: bytes = b"") -> tuple[bytes, bool]:
    """Talk until the end, or until a handshake comes next; return what was read too much, and whether one does."""
    while True:
        while b"\r\n" not in buffer:
            data = client.recv(4096)
            if not data:
                return b"", False
            buffer += data
        line, _, buffer = buffer.partition(b"\r\n")
        word = line[:4].upper().decode()
        seen.append(line.decode())
        is_tls = isinstance(client, ssl.SSLSocket)
        if word == "EHLO":
            client.sendall(b"250-mx.sample.example\r\n" + (b"250-STARTTLS\r\n" if faults.context and not is_tls else b"") + b"250 HELP\r\n")
        elif word == "STAR" and faults.context is not None:
            client.sendall(faults.starttls)
            if faults.starttls.startswith(b"220"):
                return buffer, True
        elif word == "MAIL":
            sender = line.decode().partition("<")[2].rstrip(">")
            client.sendall(faults.refuse(sender, is_tls) or b"250 ok\r\n")
        elif word == "QUIT":
            client.sendall(b"221 bye\r\n")
            return b"", False
        else:
            client.sendall(b"250 ok\r\n")
