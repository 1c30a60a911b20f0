"""The length of keys, held against the library that made them."""

from __future__ import annotations

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.lab.certificates import Authority, self_signed
from tlsconf.live.certificate import Key, key_of


def der(pem: str | bytes) -> bytes:
    found = x509.load_pem_x509_certificate(pem.encode() if isinstance(pem, str) else pem)
    return found.public_bytes(serialization.Encoding.DER)


def test_keys() -> None:
    ca = trustme.CA()
    assert key_of(der(ca.issue_cert("a.example").cert_chain_pems[0].bytes())) == Key("ECDSA", 256)
    assert key_of(der(self_signed("a.example").chain)) == Key("RSA", 2048)
    assert key_of(der(Authority().issue_weak("a.example").chain)) == Key("RSA", 1024)


@pytest.mark.parametrize("cut", range(0, 700, 7))
def test_what_is_no_certificate(cut: int) -> None:
    whole = der(self_signed("a.example").chain) if cut == 0 else _WHOLE
    assert key_of(whole[:cut]) is None


_WHOLE = der(self_signed("a.example").chain)
