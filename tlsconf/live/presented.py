"""Whether the certificates that a server presents are valid, for its name, and have keys that are long enough."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from tlsconf.live.certificate import end_of, key_of
from tlsconf.live.discrepancy import Discrepancy
from tlsconf.live.probed import Presented, Untested
from tlsconf.live.server import client, secured
from tlsconf.live.smtp import HandshakeError
from tlsconf.tls import Version, is_tls13

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tlsconf.live.probed import Seen
    from tlsconf.live.server import Server
    from tlsconf.policy import Policy

_SHORTEST: Final = {"RSA": 2048, "ECDSA": 224, "EdDSA": 224}  # bits: RFC 9325 section 4.5
_EXPIRED, _NOT_YET_VALID, _NAME = 10, 9, 62  # X509_V_ERR_… of x509_vfy.h
_CHAINLESS: Final = {
    18: "it is self-signed",
    19: "its chain ends in another root",
    20: "no chain leads to them",
    21: "no chain leads to them",
}


def probe_certificates(server: Server, policy: Policy, seen: Seen) -> Iterator[Discrepancy | Untested]:
    """Look at the certificate of each kind of key that the server was seen to have; in TLS 1.3 alone, at the one that it chooses."""
    before = [suite for version, names in seen.suites.items() for suite in names if version == str(Version.TLSv1_2)]
    kinds = {kind: [name for name in before if f"_{kind}_WITH_" in name] for kind in ("RSA", "ECDSA")}
    if not any(kinds.values()):
        yield from _looked_at(server, policy, seen, "", client)
        if str(Version.TLSv1_3) in seen.suites:
            yield Untested("certificates", "with TLS 1.3 alone, the server shows one certificate; any other was not seen")
    for kind, names in kinds.items():
        if names:

            def context(names: list[str] = names) -> ssl.SSLContext:
                return client(Version.TLSv1_2, [name for name in names if not is_tls13(name)])

            yield from _looked_at(server, policy, seen, f"{kind} ", context)


def _looked_at(
    server: Server, policy: Policy, seen: Seen, kind: str, context: Callable[[], ssl.SSLContext]
) -> Iterator[Discrepancy | Untested]:
    try:
        with secured(server, context()) as connection:
            leaf = connection.tls.getpeercert(binary_form=True) if connection.tls else None
            connection.quit()
    except (HandshakeError, ssl.SSLError) as error:
        yield Untested("certificates", f"the {kind}certificate: no session with this OpenSSL ({ssl.OPENSSL_VERSION}): {error}")
        return
    if leaf is None:
        yield Untested("certificates", "the server presents none")
        return
    key = key_of(leaf)
    seen.certificates.append(Presented(f"{key.kind}, {key.bits} bits" if key else "an unknown kind", end_of(leaf)))
    if key is None:
        yield Untested("certificates", f"the {kind}certificate's key is of a kind that is not known here")
    elif key.bits < _SHORTEST[key.kind]:
        message = f"the {key.kind} key of the certificate has {key.bits} bits; fewer than {_SHORTEST[key.kind]} are too short"
        yield Discrepancy("key-short", "error", message, remedy="make a new key, and get a certificate for it")
    wrong = list(_valid(server, kind, context, leaf))
    yield from wrong
    if not any(isinstance(item, Discrepancy) for item in wrong):
        yield from _trusted(server, policy, kind, context)


def _valid(server: Server, kind: str, context: Callable[[], ssl.SSLContext], leaf: bytes) -> Iterator[Discrepancy | Untested]:
    """Ask OpenSSL for the dates and the names: the leaf is its own trust anchor."""
    trusting = _verifying(context)
    trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    trusting.load_verify_locations(cadata=leaf)
    trusting.check_hostname = server.name is not None
    if server.name is None:
        yield Untested("certificates", "its names: the profile says no `server.hostname`, and HOST is an address")
    complaint = _complaint(server, trusting)
    code = None if complaint is None else complaint.verify_code
    if code == _EXPIRED:
        yield Discrepancy("certificate-expired", "error", f"the {kind}certificate has expired", remedy="renew it")
    elif code == _NOT_YET_VALID:
        yield Discrepancy("certificate-not-yet-valid", "error", f"the {kind}certificate is not valid yet: is the clock right?")
    elif code == _NAME:
        yield Discrepancy("certificate-other-name", "error", f"the {kind}certificate is not for {server.name}", remedy="get one that is")
    elif code is not None:
        yield Discrepancy("certificate-unusable", "error", f"OpenSSL does not accept the {kind}certificate: {complaint}")
    elif complaint is not None:
        yield Untested("certificates", f"the dates and names of the {kind}certificate: {complaint}")


def _trusted(server: Server, policy: Policy, kind: str, context: Callable[[], ssl.SSLContext]) -> Iterator[Discrepancy | Untested]:
    """Ask whether the profile's trust anchors, as this machine has them, lead to the certificate; other sites may have others."""
    anchors = policy.outbound.trust_anchors
    trusting = _verifying(context)
    try:
        trusting.load_verify_locations(anchors)
    except (OSError, TypeError):  # an SSLError where it has no certificate; none are said
        yield Untested("certificates", f"the {kind}certificate's chain: the profile's trust anchors ({anchors}) are not on this machine")
        return
    complaint = _complaint(server, trusting)
    if complaint is not None and complaint.verify_code is None:
        yield Untested("certificates", f"the {kind}certificate's chain: {complaint}")
    elif complaint is not None:
        why = _CHAINLESS.get(complaint.verify_code or 0, complaint)
        message = f"hosts that have the trust anchors of the profile don't trust the {kind}certificate: {why}"
        yield Discrepancy("certificate-untrusted", "warning", message, remedy="is an intermediate certificate missing?")


def _verifying(context: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    made = context()
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def _complaint(server: Server, context: ssl.SSLContext) -> HandshakeError | None:
    try:
        with secured(server, context) as connection:
            connection.quit()
    except HandshakeError as error:
        return error
    return None
