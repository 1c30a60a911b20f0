"""Certificates of every kind, made anew for each run: one authority that is trusted, and hosts that have its certificates or others."""

from __future__ import annotations

import datetime as dt
import hashlib
from functools import cache
from typing import Final, NamedTuple

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

HOSTS: Final = "hosts.test"  # where the receiving hosts have their names
OTHER: Final = "other.test"
_DAY: Final = dt.timedelta(days=1)


class Pair(NamedTuple):
    """A key and its chain, leaf first, both in PEM."""

    key: str
    chain: str

    @property
    def tlsa(self) -> str:
        """Return the digest of a TLSA record `3 1 1`: SHA-256 of the leaf's SubjectPublicKeyInfo (RFC 6698 section 2.1), in hexadecimal."""
        public = x509.load_pem_x509_certificate(self.chain.encode()).public_key()
        info = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(info).hexdigest()


class Authority:
    """A certification authority and what it has issued. RSA throughout, which every suite in question can use."""

    def __init__(self) -> None:
        """Make the authority's own key and certificate."""
        self._ca: Final = trustme.CA(key_type=trustme.KeyType.RSA)
        self.pem: Final = self._ca.cert_pem.bytes().decode()

    def issue(self, *names: str, common_name: str | None = None, expired: bool = False, elliptic: bool = False) -> Pair:
        """Issue a certificate for some names; the first one is its common name, too, unless another is given."""
        end = dt.datetime.now(dt.UTC) - _DAY if expired else None
        start = end - 30 * _DAY if end else None
        made = self._ca.issue_cert(
            *names,
            common_name=common_name or names[0],
            not_before=start,
            not_after=end,
            key_type=trustme.KeyType.ECDSA if elliptic else trustme.KeyType.RSA,
        )
        chain = b"".join(blob.bytes() for blob in made.cert_chain_pems)
        return Pair(made.private_key_pem.bytes().decode(), chain.decode())

    def issue_weak(self, *names: str) -> Pair:
        """Issue a certificate for a key that is too short for OpenSSL's usual level of security."""
        signer = serialization.load_pem_private_key(self._ca.private_key_pem.bytes(), None)
        assert isinstance(signer, rsa.RSAPrivateKey)
        key = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  (that is the point)
        return _signed(names, key, x509.load_pem_x509_certificate(self._ca.cert_pem.bytes()).subject, signer)


def self_signed(*names: str) -> Pair:
    """Make a certificate that its own key has signed."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return _signed(names, key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]), key)


def _signed(names: tuple[str, ...], key: rsa.RSAPrivateKey, issuer: x509.Name, signer: rsa.RSAPrivateKey) -> Pair:
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _DAY)
        .not_valid_after(now + 30 * _DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .sign(signer, hashes.SHA256())
    )
    plain = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Pair(plain.decode(), made.public_bytes(serialization.Encoding.PEM).decode())


class Set(NamedTuple):
    """The certificates of a run: the server's own, and those of the hosts by kind."""

    anchors: str
    server: Pair
    server_elliptic: Pair
    hosts: dict[str, Pair]


@cache
def made() -> Set:
    """Make the certificates of a run; one set serves all sandboxes of a process.

    Every host of a kind presents the same certificate, for any name below `hosts.test`.
    """
    authority = Authority()
    wildcard = f"*.{HOSTS}"
    return Set(
        authority.pem,
        authority.issue("mail.lab.example"),
        authority.issue("mail.lab.example", elliptic=True),
        {
            "valid": authority.issue(wildcard),
            "self-signed": self_signed(wildcard),
            "other-name": authority.issue(f"*.{OTHER}"),
            "address": authority.issue("198.18.100.1", common_name=f"unrelated.{OTHER}"),
            "expired": authority.issue(wildcard, expired=True),
            "named": authority.issue("mx.named.test"),
            "named-wildcard": authority.issue("*.named-wildcard.test"),
            "named-in-san": authority.issue("in-san.named.test", common_name=f"unrelated.{OTHER}"),
            "san-only": authority.issue(wildcard, common_name=f"unrelated.{OTHER}"),
            "common-name-only": authority.issue(f"unrelated.{OTHER}", common_name=wildcard),
            "named-below": authority.issue("a.b.named.test"),
            "weak-key": authority.issue_weak(wildcard),
        },
    )
