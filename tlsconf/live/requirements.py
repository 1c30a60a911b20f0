"""Whether certificates, keys and trust anchors exist, match, are valid, and can be read by whom they must."""

from __future__ import annotations

import re
import ssl
import warnings
from typing import TYPE_CHECKING, Final

from tlsconf.errors import EnvironmentFailedError
from tlsconf.live.discrepancy import Discrepancy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.live.machine import Machine
    from tlsconf.plan import Requirement
    from tlsconf.policy import Certificate, Policy

_OTHERS: Final = 0o007
_EXPIRED, _NOT_YET_VALID, _NAME = 10, 9, 62  # X509_V_ERR_… of x509_vfy.h
_UNTRUSTED: Final = {
    18: "it is self-signed",
    19: "its chain ends in another root",
    20: "no chain leads to them; is an intermediate certificate missing?",
    21: "no chain leads to them; is an intermediate certificate missing?",
}
_MISMATCH: Final = ("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED")  # the last: for a key of that kind
_CERTIFICATE: Final = re.compile(r"-----BEGIN ([A-Z0-9 ]*CERTIFICATE)-----.*?-----END \1-----", re.DOTALL)


def inspect_requirements(machine: Machine, policy: Policy, requires: tuple[Requirement, ...]) -> Iterator[Discrepancy]:
    """Yield what is wrong with the paths that a plan requires. Raises `EnvironmentFailedError` where only root could find out."""
    files = set()
    for path, user in requires:
        if not machine.is_file(path):
            message = "it is no file" if machine.exists(path) else "there is no such file"
            yield Discrepancy("path-missing", "error", message, path, remedy="put it there")
            continue
        files.add(path)
        readable = machine.can_read(path, user)
        if readable is None and machine.user_id(user) is None:
            yield Discrepancy("user-missing", "error", f"{user}, who has to read it, is no user of this machine", path)
        elif readable is None:
            message = f"{path}: only root can find out whether {user} can read it: run tlsconf as root"
            raise EnvironmentFailedError(message)
        elif not readable:
            yield Discrepancy(
                "path-unreadable", "error", f"{user} can't read it", path, remedy=f"let {user} read it, and enter its folders"
            )
    for certificate in policy.server.certificates:
        if files.issuperset(certificate):
            yield from _certificate(machine, certificate, policy)
    anchors = policy.outbound.trust_anchors
    if anchors in files and _anchors(machine, anchors) is None:
        yield Discrepancy("anchors-unusable", "error", "it has no certificate, or one that OpenSSL can't read", anchors)


def _certificate(machine: Machine, certificate: Certificate, policy: Policy) -> Iterator[Discrepancy]:
    chain, key = certificate
    status = machine.stat(key)
    if status is not None and status.st_mode & _OTHERS:
        yield Discrepancy("key-exposed", "error", "every user of this machine can read or change this key", key, remedy=f"chmod o= {key}")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        server.load_cert_chain(machine.real(chain), machine.real(key), password=_no_password)
    except ssl.SSLError as error:
        yield _not_loaded(chain, key, error)
        return
    except ValueError:
        yield Discrepancy("key-encrypted", "error", "the key needs a password, which no server could give", key)
        return
    except OSError as error:
        message = f"{chain}, {key}: {error.strerror}"
        raise EnvironmentFailedError(message) from None
    leaf = _CERTIFICATE.search(machine.read(chain) or "")
    yield from _validity(server, leaf[0] if leaf else "", chain, policy.server.hostname)
    anchors = policy.outbound.trust_anchors
    trusting = _anchors(machine, anchors) if anchors is not None and machine.is_file(anchors) else None
    complaint = None if trusting is None else _complaint(server, trusting, None)
    if complaint is not None and complaint[0] not in {_EXPIRED, _NOT_YET_VALID}:
        why = _UNTRUSTED.get(*complaint)
        yield Discrepancy(
            "certificate-untrusted", "warning", f"hosts that have the trust anchors of the profile don't trust it: {why}", chain
        )


def _no_password() -> str:
    raise ValueError  # the key is encrypted: this is called for nothing else


def _not_loaded(chain: str, key: str, error: ssl.SSLError) -> Discrepancy:
    if error.reason in _MISMATCH:
        return Discrepancy("certificate-key-mismatch", "error", f"it is not for the key {key}", chain)
    return Discrepancy("certificate-unusable", "error", f"OpenSSL can't use it with the key {key}: {_words(error)}", chain)


def _words(error: ssl.SSLError) -> str:
    return (error.reason or "it is not PEM").replace("_", " ").lower()


def _validity(server: ssl.SSLContext, leaf: str, chain: str, hostname: str | None) -> Iterator[Discrepancy]:
    """Ask OpenSSL for the dates and the names: the leaf is its own trust anchor."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client.load_verify_locations(cadata=leaf)
    code, words = _complaint(server, client, hostname) or (None, "")
    if code == _EXPIRED:
        yield Discrepancy("certificate-expired", "error", "the certificate has expired", chain, remedy="renew it")
    elif code == _NOT_YET_VALID:
        yield Discrepancy("certificate-not-yet-valid", "error", "the certificate is not valid yet: is the clock right?", chain)
    elif code == _NAME:
        yield Discrepancy("certificate-other-name", "error", f"the certificate is not for {hostname}", chain)
    elif code is not None:
        yield Discrepancy("certificate-unusable", "error", f"OpenSSL does not accept the certificate: {words}", chain)


def _anchors(machine: Machine, path: str) -> ssl.SSLContext | None:
    """Return a client that trusts a file's certificates, or `None` where it has none."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        client.load_verify_locations(machine.real(path))
    except ssl.SSLError:
        return None
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise EnvironmentFailedError(message) from None
    return client if client.cert_store_stats()["x509"] else None


def _complaint(server: ssl.SSLContext, client: ssl.SSLContext, hostname: str | None) -> tuple[int, str] | None:
    """Let the two shake hands in memory; return the client's complaint about the certificate by number and words, or `None`."""
    client.check_hostname = hostname is not None
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        one = client.wrap_bio(to_client, to_server, server_hostname=hostname)
        other = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (one, other, one, other):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            return error.verify_code, error.verify_message
        except ssl.SSLError as error:
            return 0, _words(error)  # refused for another reason than what it says
    return None
