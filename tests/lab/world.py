"""The rest of the world, for one server: a name server and SMTP hosts of every kind, which write down what they saw.

A program of its own, run in a sandbox that the server's is connected to: `world.py SPEC EVENTS`. SPEC is a JSON file with `hosts` (see
`serve`), `name_server` (its address), `zone` (name to a list of [type, text]) and `servfail` (names whose lookup fails). EVENTS gets one
JSON line for each message and each failed handshake. Without `name_server` there is none. It says `ready` on standard output.
"""

from __future__ import annotations

import json
import selectors
import socket
import ssl
import sys
import threading
import time
import warnings
from pathlib import Path
from typing import Any

_PATIENCE = 20.0  # seconds that a client may be silent
_BACKLOG = 64
_LARGE_HELLO = 1200  # bytes: one packet; what some middleboxes cannot take is longer

_lock = threading.Lock()


def main() -> None:
    """Serve until the sandbox ends."""
    spec = json.loads(Path(sys.argv[1]).read_text())
    warnings.simplefilter("ignore", DeprecationWarning)  # old versions are the point
    with Path(sys.argv[2]).open("a", buffering=1) as events:
        if "name_server" in spec:
            threading.Thread(target=answer, args=(spec["name_server"], spec["zone"], set(spec["servfail"])), daemon=True).start()
        serve(spec["hosts"], events)


def answer(address: str, zone: dict[str, list[list[str]]], servfail: set[str]) -> None:
    """Answer DNS questions over UDP; every answer is called authentic (RFC 4035 section 3.2.3)."""
    import dns.flags
    import dns.message
    import dns.rcode
    import dns.rdatatype
    import dns.rrset

    parents = {".".join(name.split(".")[n:]) for name in zone for n in range(name.count(".") + 1)}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind((address, 53))
        while True:
            data, client = server.recvfrom(65535)
            query = dns.message.from_wire(data)
            reply = dns.message.make_response(query, recursion_available=True)
            reply.flags |= dns.flags.AD
            question = query.question[0]
            name, wanted = question.name.to_text(omit_final_dot=True).lower(), dns.rdatatype.to_text(question.rdtype)
            if name in servfail:
                reply.set_rcode(dns.rcode.SERVFAIL)
            elif name not in parents:
                reply.set_rcode(dns.rcode.NXDOMAIN)
            for text in [text for kind, text in zone.get(name, []) if kind == wanted]:
                reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", wanted, text))
            server.sendto(reply.to_wire(), client)


def serve(hosts: list[dict[str, Any]], events: Any) -> None:
    """Listen as every host.

    A host has `name`, `address`, `port`; `starttls` (is it offered), `fault` (`garbage`: no TLS comes after 220; `454`; `large-hello`: goes
    away when the ClientHello is long; or nothing), `certificate` (PEM of key and chain), `dh_parameters` (PEM), `minimum`, `maximum` (TLS
    versions as in `ssl.TLSVersion`), `ciphers` (OpenSSL's words) and `group` (one, OpenSSL's short name).
    """
    with selectors.DefaultSelector() as ready:
        for host in hosts:
            family = socket.AF_INET6 if ":" in host["address"] else socket.AF_INET
            listener = socket.create_server((host["address"], host["port"]), family=family, backlog=_BACKLOG)
            ready.register(listener, selectors.EVENT_READ, (listener, host, _context(host) if host["starttls"] else None))
        print("ready", flush=True)
        while True:
            for key, _ in ready.select():
                listener, host, context = key.data
                connection, client = listener.accept()
                threading.Thread(target=_session, args=(connection, client[0], host, context, events), daemon=True).start()


def _context(host: dict[str, Any]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if host["ciphers"]:
        context.set_ciphers(host["ciphers"])
    context.minimum_version, context.maximum_version = ssl.TLSVersion[host["minimum"]], ssl.TLSVersion[host["maximum"]]
    if host["group"]:
        context.set_ecdh_curve(host["group"])
    context.load_dh_params(host["dh_parameters"])
    context.load_cert_chain(host["certificate"])
    return context


def _session(connection: socket.socket, client: str, host: dict[str, Any], context: ssl.SSLContext | None, events: Any) -> None:
    seen: dict[str, Any] = {"host": host["name"], "port": host["port"], "client": client, "version": None, "cipher": None}
    try:
        with connection:
            connection.settimeout(_PATIENCE)
            _Conversation(connection, host, context, seen, events).hold()
    except OSError as error:
        if seen["version"] is None and seen.get("starttls"):
            _write(events, {**seen, "event": "handshake failed", "reason": str(error)})


class _Conversation:
    """One SMTP session of a host (RFC 5321), with STARTTLS (RFC 3207)."""

    def __init__(
        self, connection: socket.socket, host: dict[str, Any], context: ssl.SSLContext | None, seen: dict[str, Any], events: Any
    ) -> None:
        self.connection, self.host, self.context, self.seen, self.events = connection, host, context, seen, events
        self.lines = connection.makefile("rb")

    def hold(self) -> None:
        self.say(f"220 {self.host['name']} ESMTP")
        while line := self.lines.readline():
            verb = line[:4].upper().decode("latin-1")
            if verb == "EHLO":
                starttls = [] if self.context is None or self.seen["version"] else ["STARTTLS"]
                names = [self.host["name"], *starttls, "8BITMIME", "SMTPUTF8"]
                self.say("\r\n".join(f"250{'-' if name != 'SMTPUTF8' else ' '}{name}" for name in names))
            elif verb == "STAR":
                if not self.start_tls():
                    return
            elif verb == "MAIL":
                self.seen |= {"from": _path(line), "to": []}
                self.say("250 2.1.0 ok")
            elif verb == "RCPT":
                self.seen["to"].append(_path(line))
                self.say("250 2.1.5 ok")
            elif verb == "DATA":
                self.say("354 go on")
                text = b"".join(iter(self.lines.readline, b".\r\n")).decode("utf-8", "replace")
                _write(self.events, {**self.seen, "event": "message", "text": text})
                self.say("250 2.0.0 ok")
            elif verb == "QUIT":
                self.say("221 2.0.0 bye")
                return
            else:
                self.say("250 2.0.0 ok")

    def start_tls(self) -> bool:
        """Answer STARTTLS; tell whether the session goes on."""
        fault = self.host["fault"]
        if fault == "454":
            self.say("454 4.7.0 TLS not available")
            _write(self.events, {**self.seen, "event": "handshake failed", "reason": fault})
            return True
        self.say("220 2.0.0 go ahead")
        self.seen["starttls"] = True
        if fault == "garbage":
            self.say("this is not TLS")
            time.sleep(0.1)
        hello = self.connection.recv(65535, socket.MSG_PEEK)
        if fault == "garbage" or (fault == "large-hello" and len(hello) > _LARGE_HELLO):
            raise ConnectionAbortedError(fault)
        assert self.context is not None
        self.connection = self.context.wrap_socket(self.connection, server_side=True)
        self.lines = self.connection.makefile("rb")
        cipher = self.connection.cipher()
        self.seen |= {"version": self.connection.version(), "cipher": cipher[0] if cipher else None}
        return True

    def say(self, text: str) -> None:
        self.connection.sendall(f"{text}\r\n".encode())


def _path(line: bytes) -> str:
    return line.decode("utf-8", "replace").partition("<")[2].partition(">")[0]


def _write(events: Any, event: dict[str, Any]) -> None:
    with _lock:
        events.write(json.dumps(event) + "\n")


if __name__ == "__main__":
    main()
