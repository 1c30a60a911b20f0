"""What Exim writes about mail and TLS into its main log. Source: the Exim specification, chapter "Log files", and real logs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tlsconf.traffic.entry import Entry, NotUnderstoodError, received, sent
from tlsconf.traffic.evidence import Failure, Proof, Session
from tlsconf.traffic.memory import Memory
from tlsconf.traffic.names import suite_of, version_of
from tlsconf.traffic.once import Once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tlsconf.traffic.evidence import Passage

_PROGRAM: Final = re.compile(r"exim(?:4|[-_][\w.-]+)?\Z")
# What stands in front of the text, through syslog.
_OWN_TIME: Final = re.compile(rb"(?:\[1[/\\]\d+\] )?(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?(?: [+-]\d{4})? )?(?:\[\d+\] )?")
_FURTHER_PART: Final = re.compile(rb"\[\d+[/\\]\d+\] ")  # of an entry that is too long for syslog
_MESSAGE: Final = re.compile(r"(?P<id>[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}) (?P<flag>\S+)(?: (?P<rest>.*)|$)", re.DOTALL)
_MARKS: Final = (b" <= ", b" => ", b" -> ", b" >> ", b" ** ", b" == ")
_QUOTED: Final = re.compile(r'="(?:[^"\\]|\\.)*"')  # DN, C, T: what others chose
_HOST: Final = re.compile(
    r" H=(?:(?P<host>[^\s(\[]+) )?(?:\([^)]{0,300}\) )?\[(?P<address>[0-9A-Fa-f.:]{2,45})\](?::(?P<port>\d{1,5}))?",
)
_SESSION: Final = re.compile(r" X=(?P<version>[^:\s]+):(?P<cipher>[^:\s*]+)(?::(?P<bits>\d+))?(?::(?P<group>[^:\s*]+))?\*?(?:\s|$)")
_PROVEN: Final = re.compile(r" CV=(?P<word>\w+)")
_TEXT: Final = r'"(?:[^"\\]|\\.){0,300}"'  # a quoted local part: whatever it holds is no end of the address
_RECEIVED_FROM: Final = re.compile(rf'(?P<sender>(?:{_TEXT}|[^"\s])+)')
_RECIPIENT: Final = re.compile(rf'(?P<to>(?:{_TEXT}|[^"\s])+)(?: (?:\([^)]*\) )?<(?P<first>(?:{_TEXT}|[^">])*)>)?')
_UNENCRYPTED: Final = re.compile(
    r"TLS session(?: failure)?:(?: (?P<why>.*):)? delivering unencrypted to .{0,300}?\[(?P<address>[0-9A-Fa-f.:]{2,45})\]"
)
_CONNECTION_ERROR: Final = re.compile(
    r"TLS error on (?:SMTPS? )?connection from (?P<host>.*?)(?: I=\[[^\]]{0,60}\]:\d+)? \((?P<where>[^()]{0,300})\): "
)
_IN_A_SESSION: Final = {"recv", "send"}  # the handshake was over: many clients end a session without saying so
_FROM: Final = re.compile(r"(?:(?P<host>[^\s(\[]+) )?(?:\([^)]{0,300}\) )?\[(?P<address>[0-9A-Fa-f.:]{2,45})\]")
_REJECTED: Final = re.compile(
    rf"(?: F=<(?P<sender>(?:{_TEXT}|[^\">]){{0,300}})>)?(?: A=\S+)? "
    rf"(?P<now>temporarily )?rejected (?:MAIL <(?P<from>(?:{_TEXT}|[^\">]){{0,300}})>|(?:MAIL|RCPT|DATA|after DATA)\b[^:]{{0,400}}): "
    r"(?P<text>.*)"
)
_LACK_OF_TLS: Final = re.compile(r"\bSTARTTLS\b|\bTLS\b|[Ee]ncrypt")
_RESULTS: Final = {"=>": "delivered", "->": "delivered", ">>": "delivered", "**": "bounced", "==": "deferred"}
# How lines about TLS begin that say nothing of a message, or nothing that another line does not say better.
_ASIDE: Final = (
    "(SSL_", "(gnutls_", "Cannot ", "DANE", "SMTP ", "TLS cache ", "TLS cert", "TLS client ", "TLS closed ", "TLS error ", "TLS session: ",
    "TLS: ", "TLSA ", "Warning: ", "a TLS session is required", "cannot ", "daemon ", "exim ", "failed ", "lost ", "no host name found ",
    "rejected ", "temporarily rejected ", "tls_", "unexpected disconnection ",
)  # fmt: skip
_BEFORE: Final = re.compile(
    r"(?:H=.{0,400}?\[[^\]]{0,60}\](?::\d+)?|[FIXAU]=\S+|CV=\w+|SNI=\S+|:)(?: |: )"
)  # who it was, in front of what happened


def server() -> Exim:
    """Return what reads the logs of Exim."""
    return Exim()


class Exim:
    """What was written and is not yet joined: hosts to which a message is about to go in clear text, and messages that DANE stops."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._downgraded: Memory[tuple[str, str, str], Failure] = Memory()  # by server, message and address
        self._dane: Memory[tuple[str, str], Failure] = Memory()  # by server and message
        self._once = Once()

    def reader(self, program: str) -> Callable[[Entry], Sequence[Passage]] | None:
        """Return what reads the lines of a program."""
        return self._read if _PROGRAM.match(program) else None

    def _read(self, entry: Entry) -> Sequence[Passage]:
        raw = entry.text
        if raw.startswith((b"19", b"20", b"[")) and (own := _OWN_TIME.match(raw)):
            raw = raw[own.end() :]
            if _FURTHER_PART.match(raw):
                return ()
            entry = entry._replace(text=raw)
        mark = raw[16:19] if raw[16:17] == b" " else raw[23:26]
        if mark == b" Co" or (b"TLS" not in raw and b" rejected " not in raw and not any(flag in raw[:32] for flag in _MARKS)):
            return ()
        text = entry.words()
        message = _MESSAGE.match(text)
        if message is None:
            return self._aside(entry, text)
        flag, rest = message["flag"], message["rest"] or ""
        if flag == "<=":
            return self._received(entry, message["id"], rest)
        if flag in _RESULTS:
            return self._sent(entry, message["id"], _RESULTS[flag], rest)
        return self._aside(entry, text[message.end("id") + 1 :], message["id"])

    def _received(self, entry: Entry, identifier: str, rest: str) -> Sequence[Passage]:
        sender = _RECEIVED_FROM.match(rest)
        fields = _fields(rest[sender.end() :] if sender else rest)
        host = _HOST.match(fields) or _HOST.search(fields)
        if host is None or sender is None:  # made on this machine
            return ()
        return (received(entry, sender["sender"], (host["host"], host["address"]), identifier, _session(fields, sent=False)),)

    def _sent(self, entry: Entry, identifier: str, result: str, rest: str) -> Sequence[Passage]:
        recipient = _RECIPIENT.match(rest)
        if recipient is None:
            return ()
        fields = _fields(rest[recipient.end() :])
        fields, _, why = fields.partition(": ")
        host = _HOST.search(fields)
        failure = None if result == "delivered" else _failure(why)
        if "transport process returned non-zero status" in why:  # it died, and the line before says over what
            failure = self._dane.get((entry.server, identifier))
        if host is None and failure is None:  # a delivery on this machine, or none at all
            return ()
        session = _session(fields, sent=True)
        if result == "delivered" and session is None and host is not None:
            failure = self._downgraded.get((entry.server, identifier, host["address"]))
        to = recipient["to"] if "@" in recipient["to"] else recipient["first"] or ""
        peer = (host["host"], host["address"], host["port"]) if host else (None, None, None)
        passage = sent(entry, to, peer, identifier, session, result, failure, rest)
        return (passage,) if self._once.is_new(passage) else ()

    def _aside(self, entry: Entry, text: str, identifier: str = "") -> Sequence[Passage]:
        """Read a line that is no arrival and no delivery."""
        if error := _CONNECTION_ERROR.match(text):
            if error["where"] in _IN_A_SESSION and "fatal alert" not in text:  # with an alert, a client of TLS 1.3 turns a certificate down
                return ()
            host = _FROM.search(error["host"])
            if host is not None:
                return (received(entry, "", (host["host"], host["address"]), None, None, "refused", Failure.HANDSHAKE),)
        if unencrypted := _UNENCRYPTED.match(text):
            self._downgraded.put(
                (entry.server, identifier, unencrypted["address"]), _failure(unencrypted["why"] or "") or Failure.HANDSHAKE
            )
            return ()
        if identifier and text.startswith("DANE error: "):
            self._dane.put((entry.server, identifier), Failure.DANE)
            return ()
        if rejected := _rejected(text):
            host, found = rejected
            session = _session(_fields(f" {text[: found.start()]}"), sent=False)
            result = "deferred" if found["now"] else "refused"
            peer = (host["host"], host["address"])
            passage = received(entry, found["sender"] or found["from"] or "", peer, None, session, result, Failure.REQUIRED_OF_CLIENT)
            return (passage,) if self._once.is_new(passage) else ()
        if "TLS" in text and not _is_aside(text):
            raise NotUnderstoodError
        return ()


def _is_aside(text: str) -> bool:
    """Tell whether a line about TLS says nothing of a message."""
    begin = 0
    while before := _BEFORE.match(text, begin):
        begin = before.end()
    return text.startswith(_ASIDE, begin)


def _rejected(text: str) -> tuple[re.Match[str], re.Match[str]] | None:
    """Return the client and the refusal of a line that says that a client was refused for lack of TLS."""
    host = _HOST.match(f" {text}")
    found = _REJECTED.search(text) if host else None
    return (host, found) if host and found and _LACK_OF_TLS.search(re.sub("<[^<>]*>", "", found["text"])) else None


def _fields(text: str) -> str:
    """Return the fields of a line, without what others chose."""
    return _QUOTED.sub("=", text)


def _session(fields: str, *, sent: bool) -> Session | None:
    found = _SESSION.search(fields)
    if found is None:
        return Session() if re.search(r" P=(?:utf8)?e?smtpsa?(?:\s|$)", fields) else None
    version, cipher = version_of(found["version"]), found["cipher"]
    bits = found["bits"]
    group = found["group"] or (cipher.partition("__")[0].partition("_")[2] or None if "__" in cipher else None)  # GnuTLS has it in front
    return Session(version, cipher, suite_of(cipher, version), int(bits[:5]) if bits else None, group, _proof(fields, sent=sent))


def _proof(fields: str, *, sent: bool) -> Proof:
    """Return what a certificate proved.

    Exim compares the name of the host that it sends to (tls_verify_cert_hostnames), and that of no client. `CV=no` is also written
    where a client had no certificate or was not asked for one.
    """
    word = _PROVEN.search(fields)
    if word is None:
        return Proof.UNKNOWN
    if word["word"] == "no":
        return Proof.UNTRUSTED if sent or " DN=" in fields else Proof.UNKNOWN
    return Proof.VERIFIED if sent else Proof.TRUSTED


def _failure(text: str) -> Failure | None:
    """Return why TLS kept a message, by the words of the smtp transport."""
    if text.startswith("SMTP error from remote mail server after STARTTLS: "):
        return Failure.HANDSHAKE
    if text.startswith("SMTP error from remote mail server"):  # what follows is the other side's, and the command with its addresses
        return Failure.REQUIRED_OF_CLIENT if "Must issue a STARTTLS command first" in text else None
    if "did not offer TLS support" in text:
        return Failure.NOT_OFFERED
    if re.search(r"\bDANE\b|\btlsa\b", text, re.IGNORECASE):
        return Failure.DANE
    if re.search(r"certificate verif(?:ication|y) failed|certificate invalid|Error in the certificate", text):
        return Failure.CERTIFICATE
    setting_up = r"attempt to start TLS failed|TLS session: |while setting up TLS session|\((?:gnutls_handshake|SSL_connect)\)"
    return Failure.HANDSHAKE if re.search(setting_up, text) else None
