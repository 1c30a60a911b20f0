"""What Sendmail writes about mail and TLS, joined into passages. Sources: its Operations Guide (logging), cf/README, and real logs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.traffic.entry import Entry, NotUnderstoodError, domain_of, received, sent
from tlsconf.traffic.evidence import Failure, Proof, Session
from tlsconf.traffic.memory import Memory
from tlsconf.traffic.names import suite_of, version_of
from tlsconf.traffic.once import Once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tlsconf.traffic.evidence import Passage

Process = tuple[str, bytes]  # a server, and the number of a process there

_PROGRAM: Final = re.compile(r"sendmail\Z|sm-(?:mta|msp)(?:-\w+)?\Z")
_ON_THIS_MACHINE: Final = {
    "local",
    "prog",
    "procmail",
    "cyrus",
    "cyrusv2",
    "lmtp",
    "*file*",
    "*include*",
    "error",
    "usenet",
    "uucp",
    "bsmtp",
}
_RESULTS: Final = {"Sent": "delivered", "Deferred": "deferred"}
_AN_HOUR: Final = 3600  # a process that said nothing for so long may be another one with the same number
_SOME_HOST: Final = ""  # to which a handshake failed: the client's line has no name
_MOST_HOSTS: Final = 100  # connections that a process has at a time

_MAYBE_ID: Final = r"(?:[0-9A-Za-z]{8,20}: )?"  # with a milter, a message has one before anything is said
_STARTED: Final = re.compile(
    _MAYBE_ID + r"STARTTLS=(?P<side>client|server), relay=(?P<relay>[^,]*), version=(?P<version>[^,]*), verify=(?P<verify>\w*), "
    r"cipher=(?P<cipher>[^,]*), bits=(?P<bits>\d+)"
)
_FAILED: Final = re.compile(
    _MAYBE_ID + r"STARTTLS=(?P<side>client|server), error: (?:accept|connect) failed=.*?(?:, relay=(?P<relay>.*)|$)"
)
_NO_SESSION: Final = re.compile(_MAYBE_ID + r"ruleset=tls_server, arg1=SOFTWARE, relay=(?P<relay>[^,]*), reject=")
_ID: Final = r"(?P<id>[0-9A-Za-z]{8,20}): "
_SENDER: Final = r'(?P<sender><(?:"(?:[^"\\]|\\.){0,300}"|[^">]){0,400}>|[^,]*)'  # whatever a quoted local part holds is no end
_TO: Final = re.compile(_ID + r"to=(?P<to>.*?), (?:ctladdr=[^,]{0,400}, )?delay=(?P<rest>.*)")
_FROM: Final = re.compile(_ID + rf"from={_SENDER}, size=\d+, (?P<rest>.*)")
_REJECTED: Final = re.compile(_ID + rf"ruleset=(?P<ruleset>\w+), arg1={_SENDER}, (?P<rest>.*?)reject=(?P<code>\d{{3}}) (?P<text>.*)")
_PEER: Final = re.compile(r"(?P<host>\[[^\]\s]*\](?= )|[^\s\[]*) ?(?:\[(?P<address>[^\]\s]+)\])?")
_OF_A_CLIENT: Final = {"tls_rcpt", "tls_server", "try_tls"}  # rulesets that are asked when mail goes out
_LACK_OF_TLS: Final = re.compile(r"\bSTARTTLS\b|\bTLSv1\.\d or later|cipher suite not allowed|\bTLS\b|encryption too weak")
# How lines about TLS begin that say nothing of a message, or nothing that another line does not say better.
_ASIDE: Final = (
    "--- ", "<-- ", "AUTH", "Command line: ", "DANE", "NOQUEUE: ", "STARTTLS: ", "STARTTLS=client, SSL_", "STARTTLS=client, cert-subject=",
    "STARTTLS=client, init=", "STARTTLS=client, start=", "STARTTLS=client: ", "STARTTLS=server, SSL_", "STARTTLS=server, cert-subject=",
    "STARTTLS=server, init=", "STARTTLS=server: ", "TLSA=", "field=", "ruleset=", "started as: ", "tls_clt_features=", "tls_srv_features=",
    "warning=",
)  # fmt: skip
_PREFIX: Final = re.compile(r"[0-9A-Za-z]{8,20}: |STARTTLS=\w+, relay=[^,]*, (?=field=|warning=)")


class _Link(NamedTuple):
    """A connection of a client process: when its handshake was done, the session, and `None` where it failed.

    A handshake that failed is a matter of the `message` that was sent next; another one may want no TLS at all.
    """

    when: float
    session: Session | None
    message: str | None = None


class _Stat(NamedTuple):
    """What a delivery line says after the recipients."""

    mailer: str
    host: str
    address: str | None
    said: str


def server() -> Sendmail:
    """Return what reads the logs of Sendmail."""
    return Sendmail()


class Sendmail:
    """What was written and is not yet joined: connections by process."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._links: Memory[Process, dict[str, _Link]] = Memory()
        self._clients: Memory[Process, tuple[float, str, Session]] = Memory()  # since when, who, and what
        self._reasons: Memory[tuple[Process, str], Failure] = Memory()  # by process and message, where the delivery's line says none
        self._refused: Memory[tuple[Process, str], Passage] = Memory()  # recipients, by process and message, until the sender is written
        self._once = Once()

    def reader(self, program: str) -> Callable[[Entry], Sequence[Passage]] | None:
        """Return what reads the lines of a program: the daemon, and sendmail(1) with its queue, which hands over to a daemon."""
        return self._read if _PROGRAM.match(program) else None

    def _read(self, entry: Entry) -> Sequence[Passage]:
        raw = entry.text
        head = raw[:28]
        if b": to=" in head:
            found = _TO.match(entry.words())
            return self._sent(entry, found) if found else ()
        if b": from=" in head:
            found = _FROM.match(entry.words())
            return (*self._refusals(entry, found), *self._received(entry, found)) if found else ()
        if b"NOQUEUE: connect from" in head:  # a connection begins: this process has no other client
            self._clients.drop((entry.server, entry.pid))
            return ()
        if b"TLS" not in raw and b"ruleset=" not in raw:
            return ()
        return self._tls(entry, entry.words())

    def _tls(self, entry: Entry, text: str) -> Sequence[Passage]:
        process = (entry.server, entry.pid)
        if started := _STARTED.match(text):
            if started["side"] == "server":
                self._clients.put(process, (entry.when, started["relay"], _session(started)))
            else:
                self._connected(process, started["relay"], _Link(entry.when, _session(started)))
        elif failed := _FAILED.match(text):
            if failed["side"] == "server":
                peer = _PEER.match(failed["relay"] or "")
                return (received(entry, "", (peer["host"], peer["address"]), None, None, "refused", Failure.HANDSHAKE),) if peer else ()
            self._connected(process, failed["relay"] or _SOME_HOST, _Link(entry.when, None))
        elif no_session := _NO_SESSION.match(text):  # the same failure again, with the name of the host
            (self._links.get(process) or {}).pop(_SOME_HOST, None)
            self._connected(process, no_session["relay"], _Link(entry.when, None))
        elif (rejected := _REJECTED.match(text)) and (_LACK_OF_TLS.search(rejected["text"]) or rejected["ruleset"] in _OF_A_CLIENT):
            return self._rejected(entry, rejected)
        elif "TLS" in text and not text.startswith(_ASIDE) and not _PREFIX.sub("", text, 1).startswith(_ASIDE):
            raise NotUnderstoodError
        return ()

    def _connected(self, process: Process, relay: str, link: _Link) -> None:
        links = self._links.get(process)
        if links is None or len(links) >= _MOST_HOSTS:
            links = {}
            self._links.put(process, links)
        links[_name(relay)] = link

    def _sent(self, entry: Entry, found: re.Match[str]) -> Sequence[Passage]:
        stat = _stat(found["rest"])
        if stat is None or stat.mailer in _ON_THIS_MACHINE or not stat.host:
            return ()
        result = _RESULTS.get(stat.said.partition(" ")[0].rstrip(":"), "bounced")
        link = self._link(entry, stat.host, found["id"]) if stat.address is not None else None
        session = link.session if link else None
        reason = self._reasons.get(((entry.server, entry.pid), found["id"]))
        failure = None if result == "delivered" else _failure(stat.said) or reason
        if link is not None and session is None and (result == "delivered" or failure is Failure.NOT_OFFERED):
            failure = Failure.HANDSHAKE  # whether or not the message went after all, in clear text
        peer = (stat.host.strip("[]"), stat.address, None)
        recipients = (to.strip("<> ") for to in found["to"].split(","))
        passages = [sent(entry, recipient, peer, found["id"], session, result, failure, stat.said) for recipient in recipients]
        return [passage for passage in passages if self._once.is_new(passage)]

    def _link(self, entry: Entry, host: str, message: str) -> _Link | None:
        """Return the last connection of a process to a host; a long name is written with `...` in its middle.

        A handshake that failed with a host that no line names belongs to the delivery that is written next, unless that has a connection.
        """
        links = self._links.get((entry.server, entry.pid)) or {}
        failed = links.pop(_SOME_HOST, None)
        begin, _, end = host.partition("...")
        for name, link in reversed(links.items()):
            if name == host or ("..." in host and name.startswith(begin) and name.endswith(end)):
                if link.session is None:
                    if link.message not in {None, message}:
                        return None
                    links[name] = link._replace(message=message)
                return link if entry.when - link.when <= _AN_HOUR else None
        return failed

    def _received(self, entry: Entry, found: re.Match[str]) -> Sequence[Passage]:
        rest = found["rest"]
        before, marked, relay = rest.rpartition("relay=")
        peer = _PEER.match(relay) if marked else None
        protocol = re.search(r"proto=(\w+)", before)
        if peer is None or peer["address"] is None or "nrcpts=0," in before:  # made on this machine, or not taken
            return ()
        session = Session() if protocol is not None and protocol[1].endswith(("S", "SA")) else None
        when, who, made = self._clients.get((entry.server, entry.pid)) or (0.0, "", None)
        if made is not None and entry.when - when <= _AN_HOUR and (session is not None or who == relay):
            session = made  # a client that does not greet again after STARTTLS leaves the protocol without its S
        return (received(entry, found["sender"].strip("<>"), (peer["host"], peer["address"]), found["id"], session),)

    def _rejected(self, entry: Entry, found: re.Match[str]) -> Sequence[Passage]:
        if found["ruleset"] in _OF_A_CLIENT:  # what becomes of the message is written next
            reason = _failure(found["text"])
            if reason is not None:
                self._reasons.put(((entry.server, entry.pid), found["id"]), reason)
            return ()
        _, _, relay = found["rest"].rpartition("relay=")
        peer = _PEER.match(relay)
        if peer is None:
            return ()
        _, _, session = self._clients.get((entry.server, entry.pid)) or (0.0, "", None)
        result = "deferred" if found["code"].startswith("4") else "refused"
        of_recipient = found["ruleset"] == "check_rcpt"  # whose address it names; that of the sender is written when the message is over
        sender = "" if of_recipient else found["sender"].strip("<>")
        passage = received(entry, sender, (peer["host"], peer["address"]), None, session, result, Failure.REQUIRED_OF_CLIENT)
        if of_recipient:
            self._refused.put(((entry.server, entry.pid), found["id"]), passage)
            return ()
        return (passage,) if self._once.is_new(passage) else ()

    def _refusals(self, entry: Entry, found: re.Match[str]) -> Sequence[Passage]:
        """Return the refusal of a message's recipients, now that its sender is known."""
        key = ((entry.server, entry.pid), found["id"])
        refused = self._refused.get(key)
        if refused is None:
            return ()
        self._refused.drop(key)
        passage = refused._replace(domain=domain_of(found["sender"].strip("<>")))
        return (passage,) if self._once.is_new(passage) else ()


def _stat(rest: str) -> _Stat | None:
    """Read `xdelay=…, mailer=…, pri=…, relay=HOST [ADDRESS], dsn=…, stat=…`; what the other side said comes last."""
    fields, _, said = rest.partition(", stat=")
    mailer = re.search(r", mailer=([^,]*)", fields)
    relay = re.search(r", relay=([^,]*)", fields)
    if mailer is None or not said:
        return None
    peer = _PEER.match(relay[1]) if relay else None
    return _Stat(mailer[1], _name(peer["host"] if peer else ""), peer["address"] if peer else None, said)


def _name(relay: str) -> str:
    """Return a host's name as both kinds of line have it: without the root's dot and without the address."""
    return relay.partition(" ")[0].removesuffix(".").lower()


def _session(started: re.Match[str]) -> Session:
    version = version_of(started["version"])
    return Session(
        version, started["cipher"], suite_of(started["cipher"], version), int(started["bits"][:5]), None, _proof(started["verify"])
    )


def _proof(word: str) -> Proof:
    """Return what `verify=` means (cf/README, "STARTTLS"): `OK` looks at the chain alone, `TRUSTED` is by a TLSA record."""
    known = {"OK": Proof.TRUSTED, "TRUSTED": Proof.VERIFIED, "NO": Proof.ANONYMOUS, "NOT": Proof.ANONYMOUS, "FAIL": Proof.UNTRUSTED}
    return known.get(word, Proof.UNTRUSTED if word == "DANE_FAIL" else Proof.UNKNOWN)


def _failure(text: str) -> Failure | None:
    """Return why TLS kept a message, by the words of the mailer and of the rulesets."""
    if "DANE" in text or "TLSA" in text:
        return Failure.DANE
    if "certificate not verified" in text or "certificate is for another name" in text or "authenticat" in text:
        return Failure.CERTIFICATE
    if re.search(
        r"TLS handshake failed|TLS not available|TLSv1\.\d or later is required|cipher suite not allowed|encryption too weak", text
    ):
        return Failure.HANDSHAKE
    if "TLS is required" in text:
        return Failure.NOT_OFFERED
    return Failure.REQUIRED_OF_CLIENT if "Must issue a STARTTLS command first" in text else None
