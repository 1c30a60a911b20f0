"""What Postfix writes about mail and TLS, joined into passages. Sources: smtp(8), smtpd(8), TLS_README, and real logs."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.traffic.entry import Entry, NotUnderstoodError, received, sent
from tlsconf.traffic.evidence import Failure, Proof, Session
from tlsconf.traffic.inside import queue_id_in
from tlsconf.traffic.memory import Memory
from tlsconf.traffic.names import suite_of, version_of
from tlsconf.traffic.once import Once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tlsconf.traffic.evidence import Passage

Process = tuple[str, bytes]  # a server, and the number of a process there
Relay = str  # NAME[ADDRESS]:PORT as Postfix writes it

_PROOFS: Final = {
    "Verified": Proof.VERIFIED,
    "Trusted": Proof.TRUSTED,
    "Untrusted": Proof.UNTRUSTED,
    "Anonymous": Proof.ANONYMOUS,
}
_RESULTS: Final = {"sent": "delivered", "deferred": "deferred", "bounced": "bounced"}
_REMEMBERED: Final = 4096  # kinds of sessions; real mail has few, and hostile mail must not fill the memory
_AN_HOUR: Final = 3600  # a process that said nothing for so long may be another one with the same number

_ADDRESS: Final = r'[^">]{0,400}(?:"(?:[^"\\]|\\.){0,300}"[^">]{0,400}){0,3}'  # whatever a quoted local part holds is no end of the address
_QUEUE_ID: Final = r"(?P<id>[0-9A-F]{5,}|[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{10,})"  # short, or long (enable_long_queue_ids)
_ESTABLISHED: Final = re.compile(
    r"(?:\w+: )?(?P<proof>\w+) TLS connection (?:established|reused) (?:to|from) (?P<peer>\S+)(?: to [^:]*)?: "
    r"(?P<version>\S+) with cipher (?P<cipher>\S+) \((?P<bits>\d+)/\d+ bits\)(?: key-exchange (?P<exchange>\S+)(?: \((?P<group>[^)]*)\))?)?"
)
_DELIVERY: Final = re.compile(
    _QUEUE_ID + rf": to=<(?P<to>{_ADDRESS})>, (?:orig_to=<{_ADDRESS}>, )?relay=(?P<relay>[^,]*), (?:conn_use=\d+, )?delay=[^,]*, "
    r"delays=(?P<request>[^/]*/[^/]*/[^/]*)/[^,]*, (?:tls=(?P<tls>[^,]*), )?dsn=[^,]*, status=(?P<status>\w+) \((?P<text>.*)"
)
_RELAY: Final = re.compile(r"(?P<host>[^\[]*)\[(?P<address>[^\]]*)\](?::(?P<port>\d+))?")
_CLIENT: Final = re.compile(rf"(?:NOQUEUE|{_QUEUE_ID}): client=(?P<host>[^\[]*)\[(?P<address>[^\]]*)\](?P<rest>.*)")
_PROXIED: Final = re.compile(rf"proxy-accept: END-OF-MESSAGE: 250 (?P<reply>[^;]*); from=<(?P<sender>{_ADDRESS})>")
_SENDER: Final = re.compile(_QUEUE_ID + rf": from=<(?P<sender>{_ADDRESS})>, size=\d+, nrcpt=")
_REFUSED: Final = re.compile(
    r"NOQUEUE: reject: \w+ from (?P<host>[^\[]*)\[(?P<address>[^\]]*)\](?::\d+)?: (?P<code>\d{3}) "
    rf"(?P<text>.*?)(?:; from=<(?P<sender>{_ADDRESS})>|$)"
)
_ACCEPT_ERROR: Final = re.compile(r"SSL_accept error from (?P<host>[^\[]*)\[(?P<address>[^\]]*)\]")
_PROXY_ERROR: Final = re.compile(r"TLS handshake failed for service=\S+ peer=(?P<peer>(?P<host>[^\[]*)\[(?P<address>[^\]]*)\]:\d+)")
_CONNECT_ERROR: Final = re.compile(r"(?:\w+: )?SSL_connect error to (?P<relay>[^\]]*\]:\d+)")
_LACK_OF_TLS: Final = re.compile(r"\bSTARTTLS\b|\bTLS(?:v1\.\d)?\b|[Ee]ncryption")
_QUOTED: Final = re.compile(r"<[^<>]*>")
# How lines about TLS begin that say nothing of a message, or nothing that another line does not say better.
_ASIDE: Final = (
    "Cannot start TLS: ", "DANE ", "Host offered STARTTLS: ", "NOQUEUE: ", "No server certs ", "SSL3 alert ", "SSL_accept:", "SSL_connect:",
    "SSL_shutdown", "TLS SNI ", "TLS client role ", "TLS is required, ", "TLS library problem: ", "TLS policy ", "TLS server role ",
    "TLSA ", "_", "cannot get ", "cannot load ",
    "certificate verification failed ", "discarding EHLO keywords: ", "disconnect from ", "enabling PIX workarounds: ", "host ",
    "improper command pipelining after ", "initializing the ", "lost connection ", "message repeated ", "reject: ", "run-time library vs. ",
    "server certificate verification failed ", "setting up TLS connection ", "timeout after ", "too many errors after ",
    "unsupported certificate usage ", "using DANE ",
)  # fmt: skip
_PREFIX: Final = re.compile(r"(?:[0-9A-Za-z]+: )?(?:(?:warning|error|fatal|panic|info): )?")
_PEER: Final = re.compile(r"(?:[<>] )?\S*\[\S*\](?::\d+)?: ")  # the details of a connection, from log level 2 on


class _Link(NamedTuple):
    """The TLS connection that a client process made: to which relay, when, and the delivery request that used it.

    `session` is `None` where the handshake failed: clear text may follow.
    """

    relay: Relay
    when: float
    session: Session | None
    request: tuple[str, str] | None = None


class _Message(NamedTuple):
    """A message that is being taken in."""

    host: str | None
    address: str
    session: Session | None


def server() -> Postfix:
    """Return what reads the logs of Postfix."""
    return Postfix()


class Postfix:
    """What was written and is not yet joined: connections by process, messages by queue id."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._links: Memory[Process, _Link] = Memory()
        self._called: Memory[tuple[str, Relay], float] = Memory()  # whom tlsproxy(8) called, and when
        self._clients: Memory[Process, Session] = Memory()
        self._messages: Memory[tuple[str, str], _Message] = Memory()
        self._proxied: Memory[Process, _Message] = Memory()  # what goes through a filter before it gets a queue id
        self._once = Once()

    def reader(self, program: str) -> Callable[[Entry], Sequence[Passage]] | None:
        """Return what reads the lines of a program; syslog_name and the service's name come before the last slash."""
        name, _, daemon = program.rpartition("/")
        if not name:
            return None
        return {"smtp": self._smtp, "smtpd": self._smtpd, "qmgr": self._qmgr, "tlsproxy": self._tlsproxy}.get(daemon)

    def _smtp(self, entry: Entry) -> Sequence[Passage]:
        """Read smtp(8): a TLS connection, then the deliveries that use it, each with its queue id."""
        if b"status=" in entry.text and (found := _DELIVERY.match(entry.words())):
            return self._delivery(entry, found)
        if b"TLS" not in entry.text and b"SSL" not in entry.text:
            return ()
        text = entry.words()
        process = (entry.server, entry.pid)
        if made := _ESTABLISHED.match(text):
            self._links.put(process, _Link(made["peer"], entry.when, _session(made)))
        elif failed := _CONNECT_ERROR.match(text):
            self._links.put(process, _Link(failed["relay"], entry.when, None))
        else:
            _set_aside(text)
        return ()

    def _tlsproxy(self, entry: Entry) -> Sequence[Passage]:
        """Read tlsproxy(8): of the sessions that it makes for smtp(8), that writes itself, and those of postscreen(8) bring no mail.

        Only a client's handshake that failed is written nowhere else.
        """
        if b"CONNECT to " in entry.text:
            self._called.put((entry.server, entry.words().rpartition(" ")[2]), entry.when)
        if b"TLS" not in entry.text and b"SSL" not in entry.text:
            return ()
        text = entry.words()
        if failed := _PROXY_ERROR.match(text):
            called = self._called.get((entry.server, failed["peer"]))
            if called is None or entry.when - called > _AN_HOUR:
                return (_refusal(entry, failed, None, Failure.HANDSHAKE, None),)
        elif not _ESTABLISHED.match(text):
            _set_aside(text)
        return ()

    def _delivery(self, entry: Entry, found: re.Match[str]) -> Sequence[Passage]:
        result = _RESULTS.get(found["status"])
        if result is None:  # a probe of verify(8)
            return ()
        relay, text, said = found["relay"], found["text"], found["tls"]
        link = self._link(entry, relay, (found["id"], found["request"]))
        session = None if link is None or _is_clear(said) else link.session
        failure = None if result == "delivered" else _failure(text, said)
        if result == "delivered" and session is None:
            if _is_tls(said):
                session = Session()  # Postfix says that there was one, and nobody says which
            elif link is not None and link.session is None:
                failure = Failure.HANDSHAKE  # the message went after all, in clear text
        place = _RELAY.fullmatch(relay)
        peer = (place["host"], place["address"], place["port"]) if place else (None, None, None)
        passage = sent(entry, found["to"], peer, found["id"], session, result, failure, text)
        return (passage,) if self._once.is_new(passage) else ()

    def _link(self, entry: Entry, relay: Relay, request: tuple[str, str]) -> _Link | None:
        """Return the connection that a delivery used, if its handshake was seen.

        The recipients of one request share its queue id and its times up to the connection; another request of the same process has
        made another connection.
        """
        process = (entry.server, entry.pid)
        link = self._links.get(process)
        if link is not None:
            if link.relay == relay and link.request in {None, request} and entry.when - link.when <= _AN_HOUR:
                if link.request is None:
                    self._links.put(process, link._replace(request=request))
                return link
            self._links.drop(process)
        return None

    def _smtpd(self, entry: Entry) -> Sequence[Passage]:
        """Read smtpd(8): a connection, perhaps TLS, then messages, each with its queue id."""
        text = entry.text
        if text.startswith((b"connect from ", b"disconnect from ")):
            self._clients.drop((entry.server, entry.pid))
            return ()
        if b": client=" in text[:40] and (client := _CLIENT.match(entry.words())):
            if client["id"] is None:
                session = self._clients.get((entry.server, entry.pid))
                self._proxied.put((entry.server, entry.pid), _Message(client["host"], client["address"], session))
            elif ", orig_client=" not in client["rest"] and ", orig_queue_id=" not in client["rest"]:  # else back from a content filter
                session = self._clients.get((entry.server, entry.pid))
                self._messages.put((entry.server, client["id"]), _Message(client["host"], client["address"], session))
            return ()
        if text.startswith(b"proxy-accept: "):
            return self._taken_by_a_filter(entry)
        if b"TLS" not in text and b"SSL" not in text and b"NOQUEUE: reject: " not in text:
            return ()
        return self._smtpd_tls(entry, entry.words())

    def _taken_by_a_filter(self, entry: Entry) -> Sequence[Passage]:
        """Read that a filter took a message while the client waited (SMTPD_PROXY_README): it comes back from this machine."""
        found, message = _PROXIED.match(entry.words()), self._proxied.get((entry.server, entry.pid))
        if found is None or message is None:
            return ()
        queue_id = queue_id_in(found["reply"])
        passage = received(entry, found["sender"], (message.host, message.address), queue_id, message.session)
        return (passage._replace(next_id=queue_id),)

    def _smtpd_tls(self, entry: Entry, text: str) -> Sequence[Passage]:
        if made := _ESTABLISHED.match(text):
            self._clients.put((entry.server, entry.pid), _session(made))
        elif failed := _ACCEPT_ERROR.match(text):
            return (_refusal(entry, failed, None, Failure.HANDSHAKE, None),)
        elif (refused := _REFUSED.match(text)) and _LACK_OF_TLS.search(_QUOTED.sub("", refused["text"])):
            session = self._clients.get((entry.server, entry.pid))
            passage = _refusal(entry, refused, session, Failure.REQUIRED_OF_CLIENT, refused["sender"])
            return (passage,) if self._once.is_new(passage) else ()
        else:
            _set_aside(text)
        return ()

    def _qmgr(self, entry: Entry) -> Sequence[Passage]:
        """Read qmgr(8), which says who sent a message; the first time that it takes a message up is when it was received."""
        if entry.text.endswith(b": removed"):
            self._once.forget(entry.server, entry.text[: -len(b": removed")].decode("ascii", "replace"))
            return ()
        if b": from=<" not in entry.text[:40]:
            return ()
        found = _SENDER.match(entry.words())
        message = self._messages.get((entry.server, found["id"])) if found else None
        if found is None or message is None:
            return ()
        self._messages.drop((entry.server, found["id"]))
        return (received(entry, found["sender"], (message.host, message.address), found["id"], message.session),)


def _session(made: re.Match[str]) -> Session:
    return _of_words(*made.group("proof", "version", "cipher", "bits", "exchange", "group"))


@lru_cache(_REMEMBERED)
def _of_words(proof: str, version: str, cipher: str, bits: str, exchange: str | None, curve: str | None) -> Session:
    known = version_of(version)
    group = curve if exchange in {"ECDHE", "DHE"} else exchange
    return Session(known, cipher, suite_of(cipher, known), int(bits[:5]), group, _PROOFS.get(proof, Proof.UNKNOWN))


def _failure(text: str, said: str | None) -> Failure | None:
    """Return why TLS kept a message, by the words of smtp(8)."""
    if "TLS is required, but was not offered" in text:
        return Failure.NOT_OFFERED
    if "TLSA" in text or "DANE" in text or "non DNSSEC destination" in text:
        return Failure.DANE
    if text.startswith(("Server certificate not ", "Server public key not ", "Server raw public key not ")):
        return Failure.DANE if said is not None and said.startswith("dane") else Failure.CERTIFICATE
    if text.startswith(("Cannot start TLS: ", "TLS is required, ")) or "refused to start TLS" in text:
        return Failure.HANDSHAKE
    return Failure.REQUIRED_OF_CLIENT if "Must issue a STARTTLS command first" in text else None


def _refusal(entry: Entry, found: re.Match[str], session: Session | None, failure: Failure, sender: str | None) -> Passage:
    deferred = failure is Failure.REQUIRED_OF_CLIENT and found["code"].startswith("4")
    result = "deferred" if deferred else "refused"
    return received(entry, sender or "", (found["host"], found["address"]), None, session, result, failure)


def _is_clear(said: str | None) -> bool:
    """Tell whether Postfix 3.11 says that there was no TLS: the level that applies, and after a colon what was left of it."""
    return said is not None and said.partition("/")[0].rpartition(":")[2] == "none"


def _is_tls(said: str | None) -> bool:
    """Tell whether Postfix 3.11 says that there was TLS: the first feature is that, others such as REQUIRETLS stand behind a slash."""
    return said is not None and re.fullmatch(r"[a-z-]+(?::[a-z-]+)?", said.partition("/")[0]) is not None and not _is_clear(said)


def _set_aside(text: str) -> None:
    """Let a line pass that says nothing of a message. Raises `NotUnderstoodError` for any other."""
    prefix = _PREFIX.match(text)
    rest = text[prefix.end() :] if prefix else text
    if not rest.startswith(_ASIDE) and not _PEER.match(rest):
        raise NotUnderstoodError
