"""What a server wrote down of one message on its way: values only."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tlsconf.tls import Version


class Proof(StrEnum):
    """What the certificate of the other side proved to the server that wrote, as it said itself."""

    VERIFIED = "verified"  # the name, and a chain to a trust anchor, or a TLSA record
    TRUSTED = "trusted"  # a chain to a trust anchor; the name was not looked at
    UNTRUSTED = "untrusted"  # a certificate that proved nothing
    ANONYMOUS = "anonymous"  # no certificate
    UNKNOWN = "unknown"


class Failure(StrEnum):
    """Why there was no TLS, or not enough. The message was then held or refused; or, if `delivered` all the same, it went in clear text."""

    NOT_OFFERED = "STARTTLS was not offered"
    HANDSHAKE = "the handshake failed"
    CERTIFICATE = "the certificate proved nothing"
    DANE = "the TLSA records did not match, or could not be had"
    REQUIRED_OF_CLIENT = "the client used no TLS, or not enough"


class Session(NamedTuple):
    """A TLS session: `None` for what nobody said. `cipher` is as it was written, `suite` its IANA name, `bits` of the symmetric cipher."""

    version: Version | None = None
    cipher: str | None = None
    suite: str | None = None
    bits: int | None = None
    group: str | None = None
    proof: Proof = Proof.UNKNOWN


class Passage(NamedTuple):
    """One attempt to hand on one message to one recipient's domain, or to take one in.

    `when` is in POSIX seconds. `sent`: out of this server, else into it. `domain` is that of the recipient (sent) or of the envelope
    sender (received; `None` for `<>` and address literals), in lower case as A-labels. `session` is `None` for clear text, and where none
    came to be. `result` is `delivered`, `deferred`, `bounced` or `refused` (`deferred` and `refused` by this server, for what it takes in).
    `next_id` is the queue id under which the machine then took it in again, as behind a content filter.
    """

    when: float
    server: str
    sent: bool
    domain: str | None
    host: str | None
    address: str | None
    port: int | None
    queue_id: str | None
    result: str
    session: Session | None
    failure: Failure | None = None
    next_id: str | None = None
