"""How long a certificate's key is, and until when it is valid: the little of DER that the standard library does not tell."""

from __future__ import annotations

from typing import Final, NamedTuple

_VERSION: Final = 0xA0  # the tag of a field that old certificates don't have
_BEFORE_KEY: Final = 5  # serial number, signature, issuer, validity, subject (RFC 5280 section 4.1)
_BEFORE_VALIDITY: Final = 3
_GENERALIZED_TIME: Final = 24
_LONG: Final = 0x80  # the length has more than one byte
_MOST_LENGTH_BYTES: Final = 4
# Object identifiers as DER has them (RFC 3279, RFC 4055, RFC 5480, RFC 8410).
_RSA: Final = {bytes.fromhex("2a864886f70d010101"), bytes.fromhex("2a864886f70d01010a")}
_ELLIPTIC: Final = bytes.fromhex("2a8648ce3d0201")
_EDWARDS: Final = {bytes.fromhex("2b6570"): 256, bytes.fromhex("2b6571"): 456}


class Key(NamedTuple):
    """The kind of a public key, and its bits: of the modulus, or of the curve's field."""

    kind: str
    bits: int


def key_of(certificate: bytes) -> Key | None:
    """Return the kind and length of a certificate's key, or `None` where it is of another kind, or this is no certificate.

    `certificate` is DER. The length on an elliptic curve is rounded up to whole bytes: 528 for P-521.
    """
    try:
        return _key(_field(certificate, _BEFORE_KEY))
    except IndexError:
        return None


def end_of(certificate: bytes) -> float | None:
    """Return the last second, in POSIX seconds, in which a certificate, DER, is valid; `None` where that can't be read."""
    from calendar import timegm
    from datetime import datetime

    try:
        validity = _field(certificate, _BEFORE_VALIDITY)
        begin = _element(validity, 0)[1]
        text = validity[slice(*_element(validity, begin)[0])].decode("ascii")
        # RFC 5280 section 4.1.2.5: two digits of the year are of 1950 to 2049; Python counts from 1969 on.
        year = text if validity[begin] == _GENERALIZED_TIME else f"{20 if text < '50' else 19}{text}"
        return timegm(datetime.strptime(year, "%Y%m%d%H%M%SZ").timetuple())  # noqa: DTZ007  (Z is not a zone to Python)
    except (IndexError, ValueError):
        return None


def _field(certificate: bytes, before: int) -> bytes:
    """Return the content of a field of a certificate that has so many before it. Raises `IndexError`."""
    whole, _ = _element(certificate, 0)
    at, end = _element(certificate, whole[0])[0]
    if certificate[at] == _VERSION:
        at = _element(certificate, at)[1]
    for _ in range(before):
        at = _element(certificate, at)[1]
    return certificate[slice(*_element(certificate[:end], at)[0])]


def _key(info: bytes) -> Key | None:
    """Read a SubjectPublicKeyInfo: an algorithm and a bit string."""
    (start, _), after = _element(info, 0)
    algorithm = info[slice(*_element(info, start)[0])]
    first, last = _element(info, after)[0]
    public = info[first + 1 : last]  # without the number of unused bits
    if algorithm in _RSA:
        modulus = public[slice(*_element(public, _element(public, 0)[0][0])[0])]
        return Key("RSA", int.from_bytes(modulus, "big").bit_length())
    if algorithm == _ELLIPTIC:  # 4 and two coordinates, or 2 or 3 and one (SEC 1 section 2.3.3)
        return Key("ECDSA", (len(public) - 1) * 8 // (2 if public[0] == 4 else 1))  # noqa: PLR2004
    return Key("EdDSA", _EDWARDS[algorithm]) if algorithm in _EDWARDS else None


def _element(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    """Return where the content of the element at `at` begins and ends, and where the next one begins. Raises `IndexError`."""
    size, start = data[at + 1], at + 2
    if size & _LONG:
        width = size & ~_LONG
        if not 0 < width <= _MOST_LENGTH_BYTES:
            raise IndexError
        size, start = int.from_bytes(data[start : start + width], "big"), start + width
    if start + size > len(data):
        raise IndexError
    return (start, start + size), start + size
