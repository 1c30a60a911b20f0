"""Asks a server for one kind of TLS session by a ClientHello written by hand, and reads what it chose.

No TLS library has to know what is asked for: versions, suites and groups that the local OpenSSL was built without are asked for as well.
Nothing is encrypted, and no session comes to be: a server has chosen before that. In TLS 1.3 the hello has no key share, so that the server
asks for one of the group that it chose (RFC 8446 section 4.2.8).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.live.smtp import BUSY_IN_CLEAR, BusyError, SmtpError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

TLS12, TLS13 = 0x0303, 0x0304
FAREWELL: Final = bytes((21, 3, 1, 0, 2, 2, 90))  # a fatal alert, user_canceled (RFC 8446 section 6.1): the server need not wait
_ALERT, _HANDSHAKE = 21, 22
_SERVER_HELLO, _SERVER_KEY_EXCHANGE, _SERVER_HELLO_DONE = 2, 12, 14
_SUPPORTED_VERSIONS, _KEY_SHARE = 43, 51
_NAMED_CURVE: Final = 3
_MOST: Final = 1 << 17  # bytes of handshake that are read; a long chain has a few thousand
_RECORD: Final = (1 << 14) + 2048
_WARNING: Final = 1
_SMTP_REFUSAL: Final = re.compile(rb"[45]\d\d[ -].", re.DOTALL)

# Every signature algorithm that certificates of mail servers have (RFC 8446 section 4.2.3), with SHA-1 and SHA-224 for old ones.
_SIGNATURES: Final = (
    *(0x0403, 0x0503, 0x0603, 0x0807, 0x0808, 0x081A, 0x081B, 0x081C, 0x0809, 0x080A, 0x080B, 0x0804, 0x0805, 0x0806),
    *(0x0401, 0x0501, 0x0601, 0x0303, 0x0301, 0x0203, 0x0201, 0x0202),
)
_ALERTS: Final = {
    40: "handshake_failure",
    47: "illegal_parameter",
    70: "protocol_version",
    71: "insufficient_security",
    80: "internal_error",
}


class NoTlsError(SmtpError):
    """What answers a ClientHello does not speak TLS."""


class Chosen(NamedTuple):
    """What a server chose, by the numbers on the wire; `group` is `None` where the key exchange has none that is named."""

    version: int
    suite: int
    group: int | None


class Refused(NamedTuple):
    """A server chose nothing; `reason` is its alert, or that it closed the connection."""

    reason: str


def client_hello(version: int, suites: Iterable[int], groups: Iterable[int], server_name: str | None) -> bytes:
    """Return a record with a ClientHello for one version and for nothing else (RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2)."""
    extensions = [(10, _vector(2, _numbers(groups))), (11, b"\x01\x00"), (13, _vector(2, _numbers(_SIGNATURES))), (0xFF01, b"\x00")]
    if server_name is not None:
        extensions.insert(0, (0, _vector(2, b"\x00" + _vector(2, server_name.encode("ascii")))))
    if version == TLS13:
        extensions += [(_SUPPORTED_VERSIONS, _vector(1, _numbers((version,)))), (_KEY_SHARE, _vector(2, b""))]
    body = _numbers((min(version, TLS12),)) + os.urandom(32) + _vector(1, os.urandom(32) if version == TLS13 else b"")
    body += _vector(2, _numbers(suites)) + _vector(1, b"\x00")
    if version > 0x0300:  # SSL 3.0 had none  # noqa: PLR2004
        body += _vector(2, b"".join(_numbers((kind,)) + _vector(2, data) for kind, data in extensions))
    return bytes((_HANDSHAKE,)) + _numbers((min(version, 0x0301),)) + _vector(2, b"\x01" + _vector(3, body))


def answer(read: Callable[[int], bytes]) -> Chosen | Refused:
    """Read what a server answers to a ClientHello; `read` returns so many bytes, or fewer at the end.

    Raises `NoTlsError` where that is no TLS, `BusyError` where it is 421 in clear text, `SmtpError` where it has no end.
    """
    chosen = None
    try:
        for kind, body in _messages(read):
            if kind == _SERVER_HELLO:
                chosen = _server_hello(body)
                if chosen.version == TLS13:
                    break
            elif chosen is not None and kind == _SERVER_KEY_EXCHANGE and body[0] == _NAMED_CURVE and len(body) > 4:  # noqa: PLR2004
                chosen = chosen._replace(group=_number(body[1:3]))
                break
            elif kind == _SERVER_HELLO_DONE:
                break
    except _RefusedError as refused:
        return Refused(str(refused))
    except IndexError:
        message = "its answer to a ClientHello is too short"
        raise NoTlsError(message) from None
    return chosen or Refused("it closed the connection")


class _RefusedError(Exception):
    """A fatal alert came, or the end."""


def _messages(read: Callable[[int], bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the handshake messages of the records, by kind."""
    buffer = b""
    total = 0
    while total < _MOST:
        head = read(5)
        if len(head) < 5:  # noqa: PLR2004  (a record's header)
            message = "it closed the connection"
            raise _RefusedError(message)
        if _SMTP_REFUSAL.fullmatch(head):
            message = f"it says {head[:3].decode()} in clear text"
            raise BusyError(message) if head.startswith(BUSY_IN_CLEAR) else _RefusedError(message)
        size = _number(head[3:5])
        body = read(size) if size <= _RECORD else b""
        if head[0] not in {_ALERT, _HANDSHAKE} or head[1] != 3 or not size or len(body) < size:  # noqa: PLR2004  (all versions have it)
            message = "its answer to a ClientHello is no TLS"
            raise NoTlsError(message)
        total += size
        if head[0] == _ALERT:
            if body[0] != _WARNING:
                message = f"alert {_ALERTS.get(body[-1], body[-1])}"
                raise _RefusedError(message)
            continue
        buffer += body
        while len(buffer) >= 4 and len(buffer) >= 4 + (length := _number(buffer[1:4])):  # noqa: PLR2004  (a message's header)
            yield buffer[0], buffer[4 : 4 + length]
            buffer = buffer[4 + length :]
    message = f"it answers a ClientHello with more than {_MOST} bytes"
    raise SmtpError(message)


def _server_hello(body: bytes) -> Chosen:
    """Read a ServerHello or HelloRetryRequest, which is of the same form (RFC 8446 section 4.1.4)."""
    version, at = _number(body[:2]), 34
    at += 1 + body[at]
    suite = _number(body[at : at + 2])
    if len(body) < at + 3:
        raise IndexError
    at += 5
    group = None
    while at + 4 <= len(body):
        kind, size = _number(body[at : at + 2]), _number(body[at + 2 : at + 4])
        data = body[at + 4 : at + 4 + size]
        if kind == _SUPPORTED_VERSIONS:
            version = _number(data)
        elif kind == _KEY_SHARE:
            group = _number(data[:2])
        at += 4 + size
    return Chosen(version, suite, group)


def _vector(width: int, data: bytes) -> bytes:
    return len(data).to_bytes(width, "big") + data


def _numbers(values: Iterable[int]) -> bytes:
    return b"".join(value.to_bytes(2, "big") for value in values)


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")
