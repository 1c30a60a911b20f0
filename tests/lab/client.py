"""SMTP clients of every kind: makes each attempt of a list and says how far it came.

A program of its own, run in a sandbox that the server's is connected to: `client.py WORKERS`, with a JSON list on standard input. An
attempt has `id`, `source` (address to come from, or nothing), `host`, `port`, `sender`, `recipients`, `subject`, and `tls`: nothing for
clear text, or, for TLS where it is offered, `minimum`, `maximum` (as in `ssl.TLSVersion`), `ciphers` (OpenSSL's words) and `group` (one,
OpenSSL's short name). Standard output gets the list of results: `id`, `stage` (the last one reached: `connect`, `starttls`, `handshake`,
`mail`, `rcpt`, `data`, `accepted`), `code` and `text` of the last reply, `version` and `cipher` of the session.
"""

from __future__ import annotations

import json
import smtplib
import socket
import ssl
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import Any

_PATIENCE = 60.0  # seconds for any one reply
_TRIES = 20
_NAME = "client.lab.example"
_IPV6_FREEBIND = 78  # linux/in6.h: an address that the machine has by its routes alone


def main() -> None:
    """Make all attempts, some at a time."""
    warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point
    with ThreadPoolExecutor(int(sys.argv[1])) as pool:
        print(json.dumps(list(pool.map(attempt, json.load(sys.stdin)))))


def attempt(wanted: dict[str, Any]) -> dict[str, Any]:
    """Try to hand over a message."""
    result: dict[str, Any] = {"id": wanted["id"], "stage": "connect", "code": None, "text": "", "version": None, "cipher": None}
    try:
        with _connected(wanted) as session:
            _hand_over(session, wanted, result)
    except (OSError, smtplib.SMTPException) as error:
        result |= {"code": None, "text": f"{type(error).__name__}: {error}"}
    return result


class _Client(smtplib.SMTP):
    def __init__(self, wanted: dict[str, Any]) -> None:
        self.source = wanted["source"]
        super().__init__(wanted["host"], wanted["port"], local_hostname=_NAME, timeout=_PATIENCE)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        made.settimeout(timeout)
        if self.source:
            if made.family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, _IPV6_FREEBIND, 1)
            made.bind((self.source, 0))
        made.connect((host, port))
        return made


def _connected(wanted: dict[str, Any]) -> _Client:
    """Return a session; a server that says it is too busy is asked again, as RFC 5321 section 4.5.4.1 has it, but sooner."""
    for _ in range(_TRIES):
        try:
            return _Client(wanted)
        except smtplib.SMTPConnectError as error:
            if error.smtp_code != 421:
                raise
            time.sleep(0.5)
    return _Client(wanted)


def _hand_over(session: _Client, wanted: dict[str, Any], result: dict[str, Any]) -> None:
    session.ehlo()
    if wanted["tls"] is not None and session.has_extn("starttls"):
        result["stage"] = "starttls"
        if not _replied(result, session.docmd("STARTTLS"), 220):
            return
        result["stage"] = "handshake"
        _start_tls(session, wanted["tls"], result)
        session.ehlo()
    ascii_only = all(address.isascii() for address in (wanted["sender"], *wanted["recipients"]))
    session.command_encoding = "ascii" if ascii_only else "utf-8"
    steps = [("mail", f"MAIL FROM:<{wanted['sender']}>{'' if ascii_only else ' SMTPUTF8'}", 250)]
    steps += [("rcpt", f"RCPT TO:<{recipient}>", 250) for recipient in wanted["recipients"]]
    for stage, command, good in (*steps, ("data", "DATA", 354)):
        result["stage"] = stage
        if not _replied(result, session.docmd(command), good):
            return
    lines = (
        "From: <somebody@client.lab.example>",
        f"Subject: {wanted['subject']}",
        f"Message-ID: <{wanted['id']}@client.lab.example>",
        "",
        "text",
    )
    session.send("".join(f"{line}\r\n" for line in lines) + ".\r\n")
    if _replied(result, session.getreply(), 250):
        result["stage"] = "accepted"
    session.quit()


def _replied(result: dict[str, Any], reply: tuple[int, bytes], good: int) -> bool:
    result |= {"code": reply[0], "text": reply[1].decode("utf-8", "replace")}
    return reply[0] == good


def _start_tls(session: smtplib.SMTP, tls: dict[str, Any], result: dict[str, Any]) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if tls["ciphers"]:
        context.set_ciphers(tls["ciphers"])
    if tls["group"]:
        context.set_ecdh_curve(tls["group"])
    context.minimum_version, context.maximum_version = ssl.TLSVersion[tls["minimum"]], ssl.TLSVersion[tls["maximum"]]
    assert session.sock is not None
    session.sock = context.wrap_socket(session.sock)
    session.file = None
    cipher = session.sock.cipher()
    result |= {"version": session.sock.version(), "cipher": cipher[0] if cipher else None}
    # TLS 1.3: a server that refuses what the client sent says so only when the client thinks that all is well.
    session.noop()


if __name__ == "__main__":
    main()
