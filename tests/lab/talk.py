"""Speaks SMTP to a server on this machine and says what happened, as JSON.

A program of its own, `talk.py HOST PORT SECONDS`, so that it can be run in a sandbox's network; it needs nothing but the standard library.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import sys
import time
from typing import Any


def greet(host: str, port: int, seconds: float) -> dict[str, Any]:
    """Wait until a server listens, say EHLO, and STARTTLS where it is offered.

    Returns `ehlo` (the reply's lines), `starttls` (the reply's code, or `None` where it is not offered), `version` and `cipher` of the
    session (or `None`), and `error` (or `None`).
    """
    found: dict[str, Any] = {"ehlo": [], "starttls": None, "version": None, "cipher": None, "error": None}
    try:
        with _connected(host, port, time.monotonic() + seconds) as session:
            code, reply = session.ehlo("client.lab.example")
            found["ehlo"] = [str(code), *reply.decode("ascii", "backslashreplace").splitlines()]
            if session.has_extn("starttls"):
                _start_tls(session, found)
    except (OSError, smtplib.SMTPException) as error:
        found["error"] = f"{type(error).__name__}: {error}"
    return found


def _connected(host: str, port: int, deadline: float) -> smtplib.SMTP:
    while True:
        try:
            return smtplib.SMTP(host, port, local_hostname="client.lab.example", timeout=max(1.0, deadline - time.monotonic()))
        except (OSError, smtplib.SMTPServerDisconnected):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _start_tls(session: smtplib.SMTP, found: dict[str, Any]) -> None:
    found["starttls"], _ = session.docmd("STARTTLS")
    if found["starttls"] != 220:
        return
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if session.sock is None:
        raise smtplib.SMTPServerDisconnected("closed after STARTTLS")
    with context.wrap_socket(session.sock) as tls:
        session.sock = tls
        found["version"] = tls.version()
        found["cipher"] = (tls.cipher() or ("",))[0]
        session.file = None
        code, _ = session.ehlo("client.lab.example")
        if code != 250:
            found["error"] = f"EHLO after STARTTLS: {code}"


if __name__ == "__main__":
    print(json.dumps(greet(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))))
