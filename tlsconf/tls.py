"""TLS versions, cipher suites and groups: the one table of IANA, OpenSSL and GnuTLS names."""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Version(IntEnum):
    """A TLS version, ordered by its number on the wire (RFC 8446 section 4.2.1)."""

    TLSv1_0 = 0x0301
    TLSv1_1 = 0x0302
    TLSv1_2 = 0x0303
    TLSv1_3 = 0x0304

    def __str__(self) -> str:
        """Return the profile's word for it, such as `TLSv1.2`."""
        return self.name.replace("_", ".")


VERSIONS: Final = {str(version): version for version in Version}


class Suite(NamedTuple):
    """A cipher suite by its three names.

    `gnutls` is what `gnutls-cli -l` lists; GnuTLS configuration has no suite names, only the parts of `gnutls_parts`.
    """

    iana: str
    openssl: str
    gnutls: str


class Strength(NamedTuple):
    """How strong a suite is: symmetric bits, then forward secrecy, then AEAD."""

    bits: int
    forward_secrecy: bool
    aead: bool


class GnutlsParts(NamedTuple):
    """The elements of a GnuTLS priority string whose product contains a suite; TLS 1.3 has no `key_exchange`."""

    key_exchange: str | None
    cipher: str
    mac: str


class Group(NamedTuple):
    """A key-exchange group by its names; `None` where a library has no name that its configuration takes."""

    iana: str
    openssl: str
    gnutls: str | None


# IANA, OpenSSL, GnuTLS. Suites that authenticate the server by a certificate and are in both libraries as distributions
# build them; NULL, anonymous, pre-shared-key, export, RC4 and 3DES suites are left out on purpose (RFC 9325 section 4.1).
# Derived from `openssl ciphers -V -stdname 'ALL:@SECLEVEL=0'` and `gnutls-cli -l`; tests compare it with both programs.
_SUITES: Final = """
TLS_RSA_WITH_AES_128_CBC_SHA AES128-SHA TLS_RSA_AES_128_CBC_SHA1
TLS_DHE_RSA_WITH_AES_128_CBC_SHA DHE-RSA-AES128-SHA TLS_DHE_RSA_AES_128_CBC_SHA1
TLS_RSA_WITH_AES_256_CBC_SHA AES256-SHA TLS_RSA_AES_256_CBC_SHA1
TLS_DHE_RSA_WITH_AES_256_CBC_SHA DHE-RSA-AES256-SHA TLS_DHE_RSA_AES_256_CBC_SHA1
TLS_RSA_WITH_AES_128_CBC_SHA256 AES128-SHA256 TLS_RSA_AES_128_CBC_SHA256
TLS_RSA_WITH_AES_256_CBC_SHA256 AES256-SHA256 TLS_RSA_AES_256_CBC_SHA256
TLS_RSA_WITH_CAMELLIA_128_CBC_SHA CAMELLIA128-SHA TLS_RSA_CAMELLIA_128_CBC_SHA1
TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA DHE-RSA-CAMELLIA128-SHA TLS_DHE_RSA_CAMELLIA_128_CBC_SHA1
TLS_DHE_RSA_WITH_AES_128_CBC_SHA256 DHE-RSA-AES128-SHA256 TLS_DHE_RSA_AES_128_CBC_SHA256
TLS_DHE_RSA_WITH_AES_256_CBC_SHA256 DHE-RSA-AES256-SHA256 TLS_DHE_RSA_AES_256_CBC_SHA256
TLS_RSA_WITH_CAMELLIA_256_CBC_SHA CAMELLIA256-SHA TLS_RSA_CAMELLIA_256_CBC_SHA1
TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA DHE-RSA-CAMELLIA256-SHA TLS_DHE_RSA_CAMELLIA_256_CBC_SHA1
TLS_RSA_WITH_AES_128_GCM_SHA256 AES128-GCM-SHA256 TLS_RSA_AES_128_GCM_SHA256
TLS_RSA_WITH_AES_256_GCM_SHA384 AES256-GCM-SHA384 TLS_RSA_AES_256_GCM_SHA384
TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 DHE-RSA-AES128-GCM-SHA256 TLS_DHE_RSA_AES_128_GCM_SHA256
TLS_DHE_RSA_WITH_AES_256_GCM_SHA384 DHE-RSA-AES256-GCM-SHA384 TLS_DHE_RSA_AES_256_GCM_SHA384
TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256 CAMELLIA128-SHA256 TLS_RSA_CAMELLIA_128_CBC_SHA256
TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256 DHE-RSA-CAMELLIA128-SHA256 TLS_DHE_RSA_CAMELLIA_128_CBC_SHA256
TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256 CAMELLIA256-SHA256 TLS_RSA_CAMELLIA_256_CBC_SHA256
TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA256 DHE-RSA-CAMELLIA256-SHA256 TLS_DHE_RSA_CAMELLIA_256_CBC_SHA256
TLS_AES_128_GCM_SHA256 TLS_AES_128_GCM_SHA256 TLS_AES_128_GCM_SHA256
TLS_AES_256_GCM_SHA384 TLS_AES_256_GCM_SHA384 TLS_AES_256_GCM_SHA384
TLS_CHACHA20_POLY1305_SHA256 TLS_CHACHA20_POLY1305_SHA256 TLS_CHACHA20_POLY1305_SHA256
TLS_AES_128_CCM_SHA256 TLS_AES_128_CCM_SHA256 TLS_AES_128_CCM_SHA256
TLS_AES_128_CCM_8_SHA256 TLS_AES_128_CCM_8_SHA256 TLS_AES_128_CCM_8_SHA256
TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA ECDHE-ECDSA-AES128-SHA TLS_ECDHE_ECDSA_AES_128_CBC_SHA1
TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA ECDHE-ECDSA-AES256-SHA TLS_ECDHE_ECDSA_AES_256_CBC_SHA1
TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA ECDHE-RSA-AES128-SHA TLS_ECDHE_RSA_AES_128_CBC_SHA1
TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA ECDHE-RSA-AES256-SHA TLS_ECDHE_RSA_AES_256_CBC_SHA1
TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 ECDHE-ECDSA-AES128-SHA256 TLS_ECDHE_ECDSA_AES_128_CBC_SHA256
TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384 ECDHE-ECDSA-AES256-SHA384 TLS_ECDHE_ECDSA_AES_256_CBC_SHA384
TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 ECDHE-RSA-AES128-SHA256 TLS_ECDHE_RSA_AES_128_CBC_SHA256
TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384 ECDHE-RSA-AES256-SHA384 TLS_ECDHE_RSA_AES_256_CBC_SHA384
TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 ECDHE-ECDSA-AES128-GCM-SHA256 TLS_ECDHE_ECDSA_AES_128_GCM_SHA256
TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 ECDHE-ECDSA-AES256-GCM-SHA384 TLS_ECDHE_ECDSA_AES_256_GCM_SHA384
TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 ECDHE-RSA-AES128-GCM-SHA256 TLS_ECDHE_RSA_AES_128_GCM_SHA256
TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 ECDHE-RSA-AES256-GCM-SHA384 TLS_ECDHE_RSA_AES_256_GCM_SHA384
TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256 ECDHE-ECDSA-CAMELLIA128-SHA256 TLS_ECDHE_ECDSA_CAMELLIA_128_CBC_SHA256
TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384 ECDHE-ECDSA-CAMELLIA256-SHA384 TLS_ECDHE_ECDSA_CAMELLIA_256_CBC_SHA384
TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256 ECDHE-RSA-CAMELLIA128-SHA256 TLS_ECDHE_RSA_CAMELLIA_128_CBC_SHA256
TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384 ECDHE-RSA-CAMELLIA256-SHA384 TLS_ECDHE_RSA_CAMELLIA_256_CBC_SHA384
TLS_RSA_WITH_AES_128_CCM AES128-CCM TLS_RSA_AES_128_CCM
TLS_RSA_WITH_AES_256_CCM AES256-CCM TLS_RSA_AES_256_CCM
TLS_DHE_RSA_WITH_AES_128_CCM DHE-RSA-AES128-CCM TLS_DHE_RSA_AES_128_CCM
TLS_DHE_RSA_WITH_AES_256_CCM DHE-RSA-AES256-CCM TLS_DHE_RSA_AES_256_CCM
TLS_RSA_WITH_AES_128_CCM_8 AES128-CCM8 TLS_RSA_AES_128_CCM_8
TLS_RSA_WITH_AES_256_CCM_8 AES256-CCM8 TLS_RSA_AES_256_CCM_8
TLS_DHE_RSA_WITH_AES_128_CCM_8 DHE-RSA-AES128-CCM8 TLS_DHE_RSA_AES_128_CCM_8
TLS_DHE_RSA_WITH_AES_256_CCM_8 DHE-RSA-AES256-CCM8 TLS_DHE_RSA_AES_256_CCM_8
TLS_ECDHE_ECDSA_WITH_AES_128_CCM ECDHE-ECDSA-AES128-CCM TLS_ECDHE_ECDSA_AES_128_CCM
TLS_ECDHE_ECDSA_WITH_AES_256_CCM ECDHE-ECDSA-AES256-CCM TLS_ECDHE_ECDSA_AES_256_CCM
TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8 ECDHE-ECDSA-AES128-CCM8 TLS_ECDHE_ECDSA_AES_128_CCM_8
TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8 ECDHE-ECDSA-AES256-CCM8 TLS_ECDHE_ECDSA_AES_256_CCM_8
TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 ECDHE-RSA-CHACHA20-POLY1305 TLS_ECDHE_RSA_CHACHA20_POLY1305
TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 ECDHE-ECDSA-CHACHA20-POLY1305 TLS_ECDHE_ECDSA_CHACHA20_POLY1305
TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256 DHE-RSA-CHACHA20-POLY1305 TLS_DHE_RSA_CHACHA20_POLY1305
"""

_GROUPS: Final = (
    Group("X25519MLKEM768", "X25519MLKEM768", "GROUP-X25519-MLKEM768"),
    Group("SecP256r1MLKEM768", "SecP256r1MLKEM768", "GROUP-SECP256R1-MLKEM768"),
    Group("SecP384r1MLKEM1024", "SecP384r1MLKEM1024", "GROUP-SECP384R1-MLKEM1024"),
    Group("X25519", "X25519", "GROUP-X25519"),
    Group("secp256r1", "prime256v1", "GROUP-SECP256R1"),
    Group("secp384r1", "secp384r1", "GROUP-SECP384R1"),
    Group("secp521r1", "secp521r1", "GROUP-SECP521R1"),
    Group("X448", "X448", "GROUP-X448"),
    Group("brainpoolP256r1", "brainpoolP256r1", None),
    Group("brainpoolP384r1", "brainpoolP384r1", None),
    Group("brainpoolP512r1", "brainpoolP512r1", None),
    Group("ffdhe2048", "ffdhe2048", "GROUP-FFDHE2048"),
    Group("ffdhe3072", "ffdhe3072", "GROUP-FFDHE3072"),
    Group("ffdhe4096", "ffdhe4096", "GROUP-FFDHE4096"),
    Group("ffdhe6144", "ffdhe6144", "GROUP-FFDHE6144"),
    Group("ffdhe8192", "ffdhe8192", "GROUP-FFDHE8192"),
)
GROUPS: Final = {group.iana: group for group in _GROUPS}

# Hybrid groups: in OpenSSL from 3.5, in GnuTLS from 3.8.8 where it was built with ML-KEM (no release of Debian was, up to 14).
HYBRID_GROUPS: Final = frozenset({"X25519MLKEM768", "SecP256r1MLKEM768", "SecP384r1MLKEM1024"})
FFDHE_GROUPS: Final = frozenset(name for name in GROUPS if name.startswith("ffdhe"))

# The TLS 1.3 suites that OpenSSL offers where nothing names them, in its order (SSL_CTX_set_ciphersuites(3)).
OPENSSL_DEFAULT_TLS13: Final = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")


@cache
def suites() -> dict[str, Suite]:
    """Return every known suite by its IANA name."""
    return {suite.iana: suite for suite in (Suite(*line.split()) for line in _SUITES.strip().splitlines())}


def is_tls13(iana: str) -> bool:
    """Tell whether a suite is one of TLS 1.3, which names no key exchange (RFC 8446 appendix B.4)."""
    return "_WITH_" not in iana


def tls13_suites(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of TLS 1.3, in the order given."""
    return tuple(name for name in names if is_tls13(name))


def older_suites(names: Iterable[str]) -> tuple[str, ...]:
    """Return those of TLS 1.2 and earlier, in the order given."""
    return tuple(name for name in names if not is_tls13(name))


def suite_minimum_version(iana: str) -> Version:
    """Return the first version that has the suite: AEAD and SHA-2 MACs came with TLS 1.2 (RFC 5246, RFC 5288)."""
    if is_tls13(iana):
        return Version.TLSv1_3
    return Version.TLSv1_0 if iana.endswith("_SHA") else Version.TLSv1_2


def openssl_list(names: Iterable[str]) -> str:
    """Return the OpenSSL names, joined with colons as ciphers(1) and SSL_CTX_set_ciphersuites(3) take them."""
    table = suites()
    return ":".join(table[name].openssl for name in names)


@cache
def strength(iana: str) -> Strength:
    """Return how strong a suite is.

    >>> strength("TLS_RSA_WITH_AES_128_CBC_SHA") < strength("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
    True
    """
    bits = 256 if "_256_" in iana or "CHACHA20" in iana else 128
    return Strength(bits, is_tls13(iana) or "DHE_" in iana, any(mode in iana for mode in ("_GCM", "_CCM", "POLY1305")))


def weakest(names: Iterable[str]) -> Strength:
    """Return the strength of the weakest suite of a list that is not empty."""
    return min(strength(name) for name in names)


@cache
def gnutls_parts(iana: str) -> GnutlsParts:
    """Return the priority-string elements whose product contains the suite (GnuTLS manual, "Priority strings").

    >>> gnutls_parts("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
    GnutlsParts(key_exchange='ECDHE-RSA', cipher='AES-256-GCM', mac='AEAD')
    """
    exchange, _, rest = iana.removeprefix("TLS_").rpartition("_WITH_")
    cipher, _, mac = rest.rpartition("_")
    if "CCM" in rest:
        cipher = rest.removesuffix("_SHA256")
        mac = "AEAD"
    elif "GCM" in rest or "POLY1305" in rest:
        mac = "AEAD"
    elif mac == "SHA":
        mac = "SHA1"
    return GnutlsParts(exchange.replace("_", "-") or None, cipher.replace("_", "-"), mac)
