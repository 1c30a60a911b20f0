"""The hops of messages, as text for people and as JSON, one message at a time."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.traffic.evidence import Proof
from tlsconf.traffic.received import Kind
from tlsconf.traffic.trust import client
from tlsconf.traffic.verdict import Answer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.traffic.messages import Message
    from tlsconf.traffic.received import Hop
    from tlsconf.traffic.verdict import Verdict

HEAD: Final = '{"format": 1, "messages": ['
TAIL: Final = "]}"
_CERTIFICATES: Final = {
    Proof.VERIFIED: "client certificate verified",
    Proof.TRUSTED: "client certificate trusted",
    Proof.UNTRUSTED: "client certificate not trusted",
    Proof.ANONYMOUS: "no client certificate",
}


class Judged(NamedTuple):
    """A hop, why its header is hearsay (`None`: it is proof), and how it stands to a profile (`None`: it is not held against one)."""

    hop: Hop
    hearsay: str | None
    verdict: Verdict | None


class Counts(NamedTuple):
    """What was seen in all: messages, hops by what they used, how many are proof, answers by kind."""

    messages: int
    used: Counter[str]
    proof: int
    answers: Counter[Answer]

    def plus(self, hops: Sequence[Judged]) -> Counts:
        """Return the counts with one more message."""
        used = Counter(_heading(item.hop) for item in hops)
        answers = Counter(item.verdict.answer for item in hops if item.verdict)
        return Counts(self.messages + 1, self.used + used, self.proof + sum(item.hearsay is None for item in hops), self.answers + answers)


NOTHING: Final = Counts(0, Counter(), 0, Counter())


def message_text(message: Message, hops: Sequence[Judged]) -> str:
    """Return a line for the message and some for each hop, from its origin to its reader."""
    lines = [f"{message.file}, message {message.number}: {message.message_id or 'without a Message-ID'}"]
    if not hops:
        lines.append("  no Received: header")
    for number, item in enumerate(hops, 1):
        hop = item.hop
        way = hop.host or "a host that the header does not name"
        if hop.address or hop.name or hop.helo:
            way = f"{_client(hop)} -> {way}"
        lines += [f"  {number}. {way}" + (f", {_date(hop)}" if hop.when is not None else ""), f"     {_told(hop)}"]
        lines.append(f"     proof: {hop.host} wrote it" if item.hearsay is None else f"     hearsay: {item.hearsay}")
        if item.verdict:
            lines.append(f"     {item.verdict.answer.upper()}: {item.verdict.message}")
    return "\n".join(lines) + "\n"


def counts_text(counts: Counts) -> str:
    """Return the sums: how many hops used what, and how many are proof."""
    hops = counts.used.total()
    lines = [f"{counts.messages} message(s), {hops} hop(s), {counts.proof} of them proof"]
    lines += [f"  {number:6}  {used}" for used, number in sorted(counts.used.items(), key=lambda item: (-item[1], item[0]))]
    if counts.answers:
        lines.append("against the profile: " + ", ".join(f"{counts.answers[answer]} {answer}" for answer in Answer))
    return "\n".join(lines)


def message_json(message: Message, hops: Sequence[Judged]) -> str:
    """Return the object of one message; all of them stand in the list between `HEAD` and `TAIL`, with commas."""
    fields = {"file": message.file, "number": message.number, "message_id": message.message_id, "sender": message.sender}
    return json.dumps(_unicode({**fields, "hops": [_fields(item) for item in hops]}))


def _fields(item: Judged) -> dict[str, object]:
    hop, session = item.hop, item.hop.session
    return {
        "by": hop.host,
        "from": hop.helo,
        "from_name": hop.name,
        "from_address": hop.address,
        "protocol": hop.protocol,
        "used": hop.kind,
        "version": str(session.version) if session and session.version else None,
        "version_as_written": hop.version,
        "suite": session and session.suite,
        "cipher_as_written": session and session.cipher,
        "bits": session and session.bits,
        "group": session and session.group,
        "client_certificate": session and session.proof,
        "authenticated": hop.authenticated,
        "id": hop.id,
        "sender": hop.sender,
        "recipient": hop.recipient,
        "date": None if hop.when is None else _date(hop),
        "proof": item.hearsay is None,
        "hearsay": item.hearsay,
        "verdict": item.verdict and {"answer": item.verdict.answer, "rules": item.verdict.rules, "message": item.verdict.message},
    }


def _unicode(value: object) -> object:
    """Return data without bytes that are no text, as names of files may have: JSON can't hold them."""
    from tlsconf.report.text import unicode_only

    if isinstance(value, dict):
        return {key: _unicode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_unicode(item) for item in value]
    return unicode_only(value) if isinstance(value, str) else value


def _heading(hop: Hop) -> str:
    """Return in a few words what a hop used."""
    if hop.kind is Kind.CLEAR:
        return "no TLS seen"
    if hop.kind is Kind.TLS:
        return _version(hop)
    return "not SMTP" if hop.kind is Kind.OTHER else "no protocol known"


def _version(hop: Hop) -> str:
    if hop.session and hop.session.version:
        return str(hop.session.version)
    return f"TLS, version unclear ({hop.version})" if hop.version else "TLS, version not written"


def _told(hop: Hop) -> str:
    """Return what the header says of protocol and session."""
    if hop.kind is Kind.CLEAR:
        parts = ["CLEAR: no TLS seen", hop.protocol]
    elif hop.kind is Kind.TLS:
        parts = [hop.protocol, _version(hop)]
    else:
        parts = [f"not SMTP: {hop.protocol or 'handed over on the host'}" if hop.kind is Kind.OTHER else _unknown(hop)]
        parts.append(_version(hop) if hop.session else None)
    session = hop.session
    if session:
        cipher = session.suite or (session.cipher and f"{session.cipher} (no name that is known here)")
        parts += [
            cipher,
            f"{session.bits} bits" if session.bits else None,
            session.group and f"group {session.group}",
            _CERTIFICATES.get(session.proof),
        ]
    parts.append("authenticated (SMTP AUTH)" if hop.authenticated else None)
    return ", ".join(part for part in parts if part)


def _unknown(hop: Hop) -> str:
    return f"no protocol that is known here: {hop.protocol}" if hop.protocol else "the header names no protocol"


def _client(hop: Hop) -> str:
    """Return what the client called itself, and behind it who it was, where that is another name."""
    return client(hop) if hop.name is None or hop.helo in {None, hop.name} else f"{hop.helo} ({client(hop)})"


def _date(hop: Hop) -> str:
    """Return the time in UTC, as RFC 3339 has it; what no calendar has, as seconds."""
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(hop.when or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return f"{hop.when:.0f} seconds"
