"""The length of keys and the end of certificates, held against the library that made them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from tests.lab.certificates import Authority, self_signed
from tlsconf.live.certificate import Key, end_of, key_of


def der(pem: str | bytes) -> bytes:
    found = x509.load_pem_x509_certificate(pem.encode() if isinstance(pem, str) else pem)
    return found.public_bytes(serialization.Encoding.DER)


def test_keys() -> None:
    ca = trustme.CA()
    assert key_of(der(ca.issue_cert("a.example").cert_chain_pems[0].bytes())) == Key("ECDSA", 256)
    assert key_of(der(self_signed("a.example").chain)) == Key("RSA", 2048)
    assert key_of(der(Authority().issue_weak("a.example").chain)) == Key("RSA", 1024)


@pytest.mark.parametrize("year", [1969, 1999, 2000, 2049, 2050, 3000, 9999])
def test_the_end(year: int) -> None:
    """DER has two forms for it, before 2050 and from then on."""
    end = datetime(year, 12, 31, 23, 59, 58, tzinfo=UTC)
    leaf = trustme.CA().issue_cert("a.example", not_before=datetime(1960, 1, 1, tzinfo=UTC), not_after=end)
    assert end_of(der(leaf.cert_chain_pems[0].bytes())) == end.timestamp()


@pytest.mark.parametrize("cut", range(0, 700, 7))
def test_what_is_no_certificate(cut: int) -> None:
    whole = der(self_signed("a.example").chain) if cut == 0 else _WHOLE
    assert key_of(whole[:cut]) is None
    assert end_of(whole[:cut]) is None


_WHOLE = der(self_signed("a.example").chain)
