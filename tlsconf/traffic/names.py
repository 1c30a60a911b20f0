"""The names that servers and their TLS libraries write for versions, suites and groups, turned into ours."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

from tlsconf.tls import GROUPS, VERSIONS, Version, is_tls13, suites

_REMEMBERED: Final = 4096  # names; real mail has few, and hostile mail must not fill the memory
_VERSION: Final = re.compile(r"(?:TLS\\)?TLS ?V?1(?:[._]?([0-3]))?", re.IGNORECASE)
_WINDOWS_CURVE: Final = re.compile(r"_P(?:256|384|521)\Z")  # Windows before 10 has the curve in the name of the suite
_TLS13_CIPHER: Final = re.compile(r"AES_?(?:128|256)_(?:GCM|CCM_?8|CCM)|CHACHA20_POLY1305")
_TLS13_SUITES: Final = {
    "AES128GCM": "TLS_AES_128_GCM_SHA256",
    "AES256GCM": "TLS_AES_256_GCM_SHA384",
    "CHACHA20POLY1305": "TLS_CHACHA20_POLY1305_SHA256",
    "AES128CCM": "TLS_AES_128_CCM_SHA256",
    "AES128CCM8": "TLS_AES_128_CCM_8_SHA256",
}
# How GnuTLS describes ciphers that are not followed by a MAC, and the end of the IANA name of the suites that have them.
_GNUTLS_CIPHERS: Final = {
    "AES_256_GCM": "AES_256_GCM_SHA384",
    "AES_128_GCM": "AES_128_GCM_SHA256",
    "CHACHA20_POLY1305": "CHACHA20_POLY1305_SHA256",
}
# Suites that no profile can name, because they are weak or name no server, and that real mail used: IANA, OpenSSL, GnuTLS.
_PAST: Final = """
TLS_RSA_WITH_3DES_EDE_CBC_SHA DES-CBC3-SHA TLS_RSA_3DES_EDE_CBC_SHA1
TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA EDH-RSA-DES-CBC3-SHA TLS_DHE_RSA_3DES_EDE_CBC_SHA1
TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA DHE-RSA-DES-CBC3-SHA TLS_DHE_RSA_3DES_EDE_CBC_SHA1
TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA ECDHE-RSA-DES-CBC3-SHA TLS_ECDHE_RSA_3DES_EDE_CBC_SHA1
TLS_RSA_WITH_RC4_128_MD5 RC4-MD5 TLS_RSA_ARCFOUR_128_MD5
TLS_RSA_WITH_RC4_128_SHA RC4-SHA TLS_RSA_ARCFOUR_128_SHA1
TLS_ECDHE_RSA_WITH_RC4_128_SHA ECDHE-RSA-RC4-SHA TLS_ECDHE_RSA_ARCFOUR_128_SHA1
TLS_DH_anon_WITH_RC4_128_MD5 ADH-RC4-MD5 TLS_DH_ANON_ARCFOUR_128_MD5
TLS_DH_anon_WITH_AES_128_CBC_SHA ADH-AES128-SHA TLS_DH_ANON_AES_128_CBC_SHA1
TLS_DH_anon_WITH_AES_256_CBC_SHA ADH-AES256-SHA TLS_DH_ANON_AES_256_CBC_SHA1
TLS_DH_anon_WITH_AES_128_CBC_SHA256 ADH-AES128-SHA256 TLS_DH_ANON_AES_128_CBC_SHA256
TLS_DH_anon_WITH_AES_256_CBC_SHA256 ADH-AES256-SHA256 TLS_DH_ANON_AES_256_CBC_SHA256
TLS_DH_anon_WITH_AES_128_GCM_SHA256 ADH-AES128-GCM-SHA256 TLS_DH_ANON_AES_128_GCM_SHA256
TLS_DH_anon_WITH_AES_256_GCM_SHA384 ADH-AES256-GCM-SHA384 TLS_DH_ANON_AES_256_GCM_SHA384
TLS_DH_anon_WITH_CAMELLIA_256_CBC_SHA ADH-CAMELLIA256-SHA TLS_DH_ANON_CAMELLIA_256_CBC_SHA1
TLS_ECDH_anon_WITH_AES_128_CBC_SHA AECDH-AES128-SHA TLS_ECDH_ANON_AES_128_CBC_SHA1
TLS_ECDH_anon_WITH_AES_256_CBC_SHA AECDH-AES256-SHA TLS_ECDH_ANON_AES_256_CBC_SHA1
"""
# How OpenSSL (before 3.5 for X25519 and the curves of the NIST), GnuTLS and Postfix call groups, beside the names of the table.
_GROUP_NAMES: Final = {"P-256": "secp256r1", "P-384": "secp384r1", "P-521": "secp521r1"}


@lru_cache(_REMEMBERED)
def version_of(text: str) -> Version | None:
    """Return a version from what was written: `TLSv1.2`, `TLS1_2`, `TLS1.2`, `TLSv1`; `None` for what is no version of ours.

    `TLSv1/SSLv3` is none: OpenSSL says so of a suite that those versions brought, whatever the session's own version is.

    >>> version_of("tls1_3")
    <Version.TLSv1_3: 772>
    """
    found = _VERSION.fullmatch(text)
    return None if found is None else VERSIONS[f"TLSv1.{found[1] or 0}"]


@lru_cache(_REMEMBERED)
def suite_of(text: str, version: Version | None) -> str | None:
    """Return the IANA name of a suite from the name of IANA, OpenSSL, GnuTLS, rustls or Windows, or GnuTLS's description of a session.

    Exim with GnuTLS writes the name of a suite of TLS 1.2 for a session of TLS 1.3 that has the same cipher. `None` for what is not known.

    >>> suite_of("ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_128_GCM", version_of("TLS1.2"))
    'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'
    """
    name = text.upper()
    if version is Version.TLSv1_3 or name.startswith(("TLS13_", "TLS13-", "AEAD-")):  # the last: LibreSSL
        return _tls13_suite(name)
    if name.startswith("("):  # GnuTLS itself; Exim writes underscores
        name = "__".join(part.replace("-", "_") for part in name.strip("()").split(")-(") if not part.startswith("TLS"))
        found = _names().get(_from_description(name).upper())
    elif "__" in name:
        found = _names().get(_from_description(name).upper())
    else:
        found = _names().get(_WINDOWS_CURVE.sub("", name))
    return None if found is None or (version is not None and is_tls13(found)) else found


@lru_cache(_REMEMBERED)
def group_of(text: str) -> str:
    """Return the IANA name of a group from that of OpenSSL, GnuTLS or the NIST; what is not known, as it was written.

    >>> group_of("SECP256R1"), group_of("X25519"), group_of("DHE")
    ('secp256r1', 'X25519', 'DHE')
    """
    return _group_names().get(text.upper(), text)


def _tls13_suite(name: str) -> str | None:
    found = _TLS13_CIPHER.search(name.replace("-", "_"))
    return None if found is None else _TLS13_SUITES.get(found[0].replace("_", ""))


def _from_description(text: str) -> str:
    """Return the IANA name for `EXCHANGE_GROUP__SIGNATURE__CIPHER__MAC`; with RSA as the exchange there are neither group nor signature."""
    exchange, *parts = text.split("__")
    key = exchange.partition("_")[0]
    elliptic = any("ECDSA" in part or part.startswith("EDDSA") for part in (exchange, *parts))  # Ed25519 signs for suites of ECDSA
    rest = [part for part in parts if not part.startswith(("RSA", "ECDSA", "EDDSA"))]
    cipher = _GNUTLS_CIPHERS.get(rest[0]) or "_".join(rest) if rest else ""
    start = "TLS_RSA" if key == "RSA" else f"TLS_{key}_{'ECDSA' if elliptic else 'RSA'}"
    return f"{start}_WITH_{cipher.removesuffix('1') if cipher.endswith('SHA1') else cipher}"


@cache
def _names() -> dict[str, str]:
    known = [(item.iana, item.openssl, item.gnutls) for item in suites().values()]
    known += [(iana, openssl, gnutls) for iana, openssl, gnutls in map(str.split, _PAST.strip().splitlines())]
    found = {spelling.upper(): names[0] for names in known for spelling in (*names, names[0].replace("TLS_", "SSL_", 1))}
    short = {names[2].removeprefix("TLS_").upper(): names[0] for names in known}  # as Exim before 4.93 with GnuTLS
    return {**short, **found}


@cache
def _group_names() -> dict[str, str]:
    names = {
        spelling.upper(): group.iana for group in GROUPS.values() for spelling in (group.iana, group.openssl, group.gnutls) if spelling
    }
    gnutls = {name.removeprefix("GROUP-"): iana for name, iana in names.items()}
    return {**gnutls, **names, **_GROUP_NAMES}
