"""One Received: header, as any server writes it, turned into what it says of one hop of a message."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.tls import Version, is_tls13
from tlsconf.traffic.evidence import Proof, Session
from tlsconf.traffic.names import group_of, suite_of, version_of

if TYPE_CHECKING:
    from collections.abc import Callable


class Kind(StrEnum):
    """How a message came over a hop, as the header has it."""

    TLS = "TLS"
    CLEAR = "clear"  # SMTP, and nothing says TLS: none was used, or the server does not write it down
    OTHER = "not SMTP"  # LMTP, HTTP, a pipe, a queue of the server's own
    UNKNOWN = "unknown"  # the header names no protocol, or one that nobody else knows


class Hop(NamedTuple):
    """One hop: `None` for what the header does not say; names in lower case, without a final dot.

    `host` wrote the header. `helo` is what the client called itself, `name` what the DNS called it, `address` where it was. `protocol` and
    `version` (of TLS) are as written; `session.version` is `None` for `SSLv3`, too. `authenticated` is by SMTP AUTH. `sender` and
    `recipient` are of the envelope, `<>` as the empty text. `when` is in POSIX seconds.
    """

    kind: Kind
    host: str | None = None
    helo: str | None = None
    name: str | None = None
    address: str | None = None
    protocol: str | None = None
    version: str | None = None
    session: Session | None = None
    authenticated: bool | None = None
    id: str | None = None
    sender: str | None = None
    recipient: str | None = None
    when: float | None = None


class _Clause(NamedTuple):
    """The words and the comments that follow a keyword such as `by` (RFC 5321 section 4.4)."""

    words: list[str]
    comments: list[str]


class _Cipher(NamedTuple):
    """What a header says of TLS, as it was written; `None` and `""` for what it does not."""

    version: str | None = None
    cipher: str | None = None
    bits: str | None = None
    group: str | None = None


_QUOTED: Final = r'"(?:[^"\\]|\\.)*+"'
# Every alternative begins with another character and gives nothing back: time grows with the length of the header alone.
_TOKEN: Final = re.compile(rf'\s+|\\.|{_QUOTED}|<(?:{_QUOTED}|\\.|[^<>"\\])*+>|[();]|[^\s\\"<();]++|.', re.DOTALL)
# An address in a comment is one piece: a stranger chooses its local part, and in quotes that may hold parentheses.
_COMMENT: Final = re.compile(rf'<(?:{_QUOTED}|\\.|[^<>"()\\\s])*+>|\\.|[()]|[^\\()<]++|.', re.DOTALL)
_KEYWORDS: Final = frozenset({"from", "by", "via", "with", "id", "for", "tls"})

_VERSION: Final = r"(?:TLS|SSL) ?v?[0-9._]+(?:/SSLv3)?"
_CIPHER: Final = r"[A-Za-z0-9_.+-]+"
_FORMS: Final = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        (
            rf"using (?:TLS|(?P<version>{_VERSION})) with cipher (?P<cipher>{_CIPHER})(?: \((?P<bits>\d+)(?:/\d+)? bits\))?"
            r"(?: key-exchange (?P<group>[\w-]+(?: \([\w-]+\))?))?"  # `x25519`, or `ECDHE (P-256)`
        ),  # Postfix, Stalwart, Kerio, Yandex; Symantec has no version
        rf"using (?:TLS|(?P<version>{_VERSION}))\Z",  # Mimecast, Postini
        rf"using TLS: (?P<version>{_VERSION}), (?P<cipher>{_CIPHER})",  # Symantec
        rf"(?:cipher )?(?P<version>{_VERSION}):(?P<cipher>{_CIPHER}):(?P<bits>\d+)(?::|\Z)",  # Exim before 4.94, OpenSMTPD
        rf"(?P<version>{_VERSION})[,;] ?(?P<cipher>{_CIPHER})\Z",  # some builds of qmail
        rf"TLS: (?P<version>{_VERSION}),(?P<bits>\d+)bits,(?P<cipher>{_CIPHER})",  # Courier, McAfee
        rf"(?!NOT )(?:TLS|(?P<cipher>{_CIPHER})) encrypted(?:, authenticated)?\Z",  # qmail, qpsmtpd, GroupWise
        rf"(?P<version>{_VERSION})\Z",  # Exim from 4.94 on: the cipher follows in a clause of its own
        r"(?:TLS|SSL)\Z",  # Exchange until 2016, IceWarp
    )
)
_PAIRS: Final = re.compile(r"(?:TLS )?(?:version|cipher)=", re.IGNORECASE)  # Sendmail, Gmail, Exchange, Haraka
_PAIR: Final = re.compile(r"\b(version|cipher|bits|verify)=([^\s,;()]+)", re.IGNORECASE)
_TAIL: Final = re.compile(rf" with (?:({_VERSION}) ({_CIPHER}) (\d+)/\d+|TLS)\Z", re.IGNORECASE)  # Cellopoint, behind its own name
# RFC 3848, RFC 6531; Exim from 4.99 on says `essmtp` for TLS from the first byte, old servers `asmtp` after AUTH, CommuniGate `ESMTP-TLS`.
_SMTP: Final = re.compile(
    r"(?:utf8)?(?:e?(?P<at_once>s)(?=smtp)|e?)(?:smtp|(?P<old>a)smtp|lmtp)(?P<tls>-TLS|s?)(?P<authenticated>a?)", re.IGNORECASE
)
# What is no SMTP; any other word is a server's own name for what it does.
_OTHER: Final = ("lmtp", "local", "bsmtp", "http", "mapi", "imap", "pop", "nntp", "nnfmp", "uucp", "qmqp", "dav", "ews", "rpc", "internal")
_LITERAL: Final = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]", re.IGNORECASE)
_BARE: Final = re.compile(r"(?:[^\s@]*@)?([0-9A-Fa-f:.]{2,45})")
_NAMED: Final = re.compile(r"(?:\S*@)?([A-Za-z0-9._-]+) ?\[")
_HELO: Final = re.compile(r"\b(?:helo=|(?:HELO|EHLO) )([^\s\"]*)", re.IGNORECASE)
_NOT_THE_CLIENT: Final = re.compile(r"(?:using|client|no client|authenticated|tls|cipher|version)\b", re.IGNORECASE)
_ENVELOPE: Final = re.compile(rf'(?:envelope-from|return-path) <?((?:{_QUOTED}|[^<>"\s])*+)>?', re.IGNORECASE)
_DATE: Final = re.compile(r"\b\d{1,2} [A-Za-z]{3} \d{4} \d{1,2}:\d\d(?::\d\d)?(?: [+-]\d{4}| [A-Z]{1,5})?")
_BYTES: Final = (16, 32)  # Exim with old GnuTLS wrote the size of the key in bytes
_PROOFS: Final = {  # of a client's certificate; nobody compares its name with anything
    "verify=ok": Proof.TRUSTED,
    "verify=trusted": Proof.VERIFIED,  # Sendmail, by TLSA records
    "verify=no": Proof.ANONYMOUS,
    "verify=not": Proof.ANONYMOUS,
    "verify=fail": Proof.UNTRUSTED,
}


def hop_of(text: str) -> Hop:
    """Return what a header's value says, folded or not; every text has an answer, and what can't be read is `None`."""
    items = _items(text)
    ends = [number for number, item in enumerate(items) if item == ";"]
    end = ends[-1] if ends else len(items)
    clauses = _clauses(items[:end])
    comments = [item[1:-1] for item in items if item.startswith("(")]
    nothing = _Clause([], [])
    from_, by, with_ = (clauses.get(name, nothing) for name in ("from", "by", "with"))
    protocol = " ".join(with_.words) or None
    found = _cipher(comments, with_.words, clauses.get("tls", nothing).words)
    if found is None and [word.lower() for word in by.words[1:4]] == ["over", "tls", "secured"]:  # Exchange 2003
        found = _Cipher()
    helo, name, address = _client(from_, exim=any(comment.startswith("Exim") for comment in comments))
    return Hop(
        _kind(protocol, found, local=not from_.words and not from_.comments, remote=address is not None),
        _first(by.words, _host),
        helo,
        name,
        address,
        protocol,
        found and found.version,
        _session(found, comments) if found else None,
        _authenticated(protocol, comments),
        _first(clauses.get("id", nothing).words),
        next((match[1] for comment in comments if (match := _ENVELOPE.match(comment))), None),
        _first(clauses.get("for", nothing).words, _recipient),
        _when(" ".join(item for item in (items[end + 1 :] or items) if not item.startswith("("))),  # SendGrid leaves out the `;`
    )


def _items(text: str) -> list[str]:
    """Return the words of a header, `;`, and its comments (RFC 5322 section 3.2.2) with their parentheses; a last one may lack its end."""
    items: list[str] = []
    word: list[str] = []
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:  # pragma: no cover (its last alternative takes any character)
            break
        place = token.end()
        piece = token[0]
        if piece in {"(", ";"} or piece.isspace():
            if word:
                items.append("".join(word))
                word = []
            if piece == "(":
                comment, place = _comment(text, place)
                items.append(f"({comment})")
            elif piece == ";":
                items.append(piece)
        elif piece != ")" or word:  # one too many
            word.append(piece)
    return [*items, "".join(word)] if word else items


def _comment(text: str, start: int) -> tuple[str, int]:
    """Return the comment whose text begins at `start`, unfolded, and where it ends."""
    depth = 1
    place = start
    for token in _COMMENT.finditer(text, start):
        place = token.end()
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return " ".join(text[start : token.start()].split()), place
    return " ".join(text[start:].split()), place


def _clauses(items: list[str]) -> dict[str, _Clause]:
    """Return the first clause of each keyword; a keyword right behind another is that one's value (a host may be called `by`)."""
    clauses: dict[str, _Clause] = {}
    current = _Clause([], [])
    named = False
    for item in items:
        keyword = item.lower()
        if keyword in _KEYWORDS and (not named or current.words or current.comments) and (keyword != "tls" or "with" in clauses):
            current, named = _Clause([], []), True
            clauses.setdefault(keyword, current)
        elif item.startswith("("):
            current.comments.append(item[1:-1])
        elif item != ";":
            current.words.append(item)
    return clauses


def _cipher(comments: list[str], with_: list[str], tls: list[str]) -> _Cipher | None:
    """Return what the header says of TLS, `None` where that is nothing."""
    found = next((cipher for comment in comments if (cipher := _cipher_in(comment))), None)
    if found is None and with_:
        protocol, slash, rest = with_[0].partition("/")
        if slash and f"{rest.upper()}/".startswith("TLS/"):  # Cisco: ESMTP/TLS/CIPHER
            return _Cipher(cipher=rest[4:] or None)
        match = _SMTP.fullmatch(protocol)
        if len(with_) > 1 and with_[1].lower() == "encrypted":  # qmail, without parentheses
            found = _Cipher(cipher=with_[0])
        elif (match is not None and (match["tls"] or match["at_once"])) or tls:
            found = _Cipher()
    if found is not None and found.cipher is None and tls:  # RFC 8314 section 4.3, and Exim from 4.94 on
        if "=" in tls[0]:  # OpenSMTPD before 6.0
            return _paired(" ".join(tls))
        group = tls[2] if len(tls) > 2 and tls[1].lower() == "group" else None  # noqa: PLR2004
        found = found._replace(cipher=tls[0], group=group)
    return found


def _cipher_in(comment: str) -> _Cipher | None:
    if _PAIRS.match(comment):
        return _paired(comment)
    for form in _FORMS:
        match = form.match(comment)
        if match is not None:
            return _Cipher(**match.groupdict())
    tail = _TAIL.search(comment)
    return None if tail is None else _Cipher(tail[1], tail[2], tail[3])


def _paired(text: str) -> _Cipher:
    pairs = {key.lower(): value for key, value in reversed(_PAIR.findall(text))}
    return _Cipher(pairs.get("version"), pairs.get("cipher"), pairs.get("bits", "").partition("/")[0])


def _session(found: _Cipher, comments: list[str]) -> Session:
    version = version_of(found.version) if found.version else None
    suite = suite_of(found.cipher, version) if found.cipher else None
    if version is None and found.version is None and suite is not None and is_tls13(suite):
        version = Version.TLSv1_3  # which alone has such suites
    bits = int(found.bits) if found.bits and found.bits.isascii() and found.bits.isdigit() and len(found.bits) < 5 else None  # noqa: PLR2004
    group = None
    if found.group:
        exchange, _, inner = found.group.partition(" (")  # `ECDHE (P-256)`, `DHE (2048 bits)`, or the group alone
        group = group_of(inner.rstrip(")") or exchange)
    return Session(version, found.cipher, suite, bits * 8 if bits in _BYTES else bits, group, _proof(comments))


def _proof(comments: list[str]) -> Proof:
    for comment in comments:
        lowered = comment.lower()
        if lowered.startswith(("no client certificate", "client did not present")):
            return Proof.ANONYMOUS
        if lowered.startswith("client cn "):
            return Proof.TRUSTED if lowered.endswith("(verified ok)") else Proof.UNTRUSTED
        if lowered.startswith("client rpk "):  # a raw public key, which proves nothing by itself
            return Proof.UNTRUSTED
        if _PAIRS.match(comment):
            verify = next((f"verify={value}".lower() for key, value in _PAIR.findall(comment) if key.lower() == "verify"), "")
            return _PROOFS.get(verify, Proof.UNKNOWN)
    return Proof.UNKNOWN


def _kind(protocol: str | None, found: _Cipher | None, *, local: bool, remote: bool) -> Kind:
    if protocol is None:
        return Kind.TLS if found else Kind.OTHER if local else Kind.UNKNOWN
    lowered = protocol.lower()
    if "smtp" not in lowered and remote and not lowered.startswith(_OTHER):
        return Kind.TLS if found else Kind.UNKNOWN
    if "smtp" not in lowered or lowered.startswith(_OTHER):
        return Kind.OTHER
    return Kind.TLS if found else Kind.CLEAR


def _authenticated(protocol: str | None, comments: list[str]) -> bool | None:
    match = _SMTP.fullmatch((protocol or "").partition(" ")[0])
    if match is not None and (match["authenticated"] or match["old"]):
        return True
    if any(comment.lower().startswith(("authenticated sender", "authenticated user", "authenticated bits")) for comment in comments):
        return True
    return None if match is None else False


def _client(from_: _Clause, *, exim: bool) -> tuple[str | None, str | None, str | None]:
    """Return what the client called itself, what the DNS called it, and its address.

    Most servers write `from HELO (NAME [ADDRESS])`; Exim and qmail `from NAME (…)` with the HELO in a comment where it differs.
    """
    word = from_.words[0] if from_.words else ""
    helo = next((match[1] for comment in from_.comments if (match := _HELO.search(comment))), None)
    name = address = None
    for comment in from_.comments:
        told = _HELO.sub("", comment).strip()
        if _NOT_THE_CLIENT.match(told):
            continue
        literal = _LITERAL.search(told)
        bare = None if literal else _BARE.fullmatch(told)
        address = _address(literal[1]) if literal else _address(bare[1]) if bare else None
        if address:
            named = _NAMED.match(told)
            name = named[1] if named and not told.endswith("(may be forged)") else None  # Sendmail: the name does not lead back there
            break
    own = _LITERAL.fullmatch(word)
    beside = _LITERAL.fullmatch(from_.words[1]) if len(from_.words) > 1 else None
    if beside is not None and address is None:  # from NAME [ADDRESS]
        address = _address(beside[1])
    elif own is not None and address is None:
        address = _address(own[1])
    elif (helo is not None or exim) and name is None and own is None:
        name = word
    return _known(helo or ("" if helo == "" or (own and exim) else word)), _known(name), address


def _known(name: str | None) -> str | None:
    host = _host(name or "")
    return None if host in {"", "unknown"} else host


def _host(text: str) -> str:
    return text.lower().rstrip(".")


def _recipient(text: str) -> str:
    return text.strip("<>").rpartition(";")[2]  # behind `rfc822;`


def _first(words: list[str], read: Callable[[str], str] = str) -> str | None:
    return read(words[0]) or None if words else None


def _address(text: str) -> str | None:
    from ipaddress import ip_address

    try:
        address = ip_address(text)
    except ValueError:
        return None
    return str(getattr(address, "ipv4_mapped", None) or address)


def _when(text: str) -> float | None:
    found = _DATE.search(text)
    if found is None:
        return None
    from datetime import UTC
    from email.utils import parsedate_to_datetime

    try:
        date = parsedate_to_datetime(found[0])
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):  # no such day
        return None
