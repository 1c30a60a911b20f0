"""Reads what servers write about a TLS session: the version and the suite, in whatever names a server and its library use."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from tlsconf.tls import suites

_HEADER: Final = re.compile(r"^Received: (.*(?:\n[ \t].*)*)", re.MULTILINE)
_CLAUSES: Final = (
    re.compile(r"\(using (TLSv[\d.]+) with cipher (\S+)"),  # Postfix
    re.compile(r"\(version=(TLSv[\d.]+),? cipher=(\S+?),? bits"),  # Sendmail
    re.compile(r"\((TLS[\d.]+)\) (?:tls )?(\S+)"),  # Exim from 4.94 on
)
# How GnuTLS calls ciphers, and the end of the IANA name of the suites that have them.
_GNUTLS_CIPHERS: Final = {
    "AES_256_GCM": "AES_256_GCM_SHA384",
    "AES_128_GCM": "AES_128_GCM_SHA256",
    "CHACHA20_POLY1305": "CHACHA20_POLY1305_SHA256",
}


def received(text: str) -> tuple[str | None, str | None]:
    """Return the TLS version and the cipher, as written, that the newest Received: header names; `None` for clear text."""
    header = " ".join(_HEADER.findall(text.replace("\r\n", "\n"))[0].split())
    found = next((match for clause in _CLAUSES if (match := clause.search(header))), None)
    return (version(found[1]), found[2]) if found else (None, None)


def version(text: str | None) -> str | None:
    """Return a version as OpenSSL spells it (`TLSv1.3`, `TLSv1`); Exim writes `TLS1.3`."""
    if text is None:
        return None
    number = text.removeprefix("TLS").removeprefix("v")
    return f"TLSv{'1' if number == '1.0' else number}"


def suite(name: str | None, in_version: str | None) -> str | None:
    """Return a suite's IANA name from what a server or OpenSSL calls it in a session of `in_version`; an unknown name as it is."""
    if name is None:
        return None
    if "__" in name:  # GnuTLS: key exchange with its group, signature, cipher, perhaps MAC
        name = _gnutls_description(name)
    if in_version == "TLSv1.3":  # Exim with GnuTLS writes the name of a suite of TLS 1.2 that has the same cipher
        name = f"TLS_{name.rpartition('_WITH_')[2].removeprefix('TLS_')}"
    return _names().get(name, name)


def _gnutls_description(text: str) -> str:
    exchange, *parts = text.split("__")
    signature = "ECDSA" if any(part.startswith("ECDSA") for part in parts) else "RSA"
    rest = [part for part in parts if not part.startswith(("RSA", "ECDSA"))]
    cipher = _GNUTLS_CIPHERS.get(rest[0]) or "_".join(rest)
    return f"TLS_{exchange.partition('_')[0]}_{signature}_WITH_{cipher.removesuffix('1') if cipher.endswith('SHA1') else cipher}"


@cache
def _names() -> dict[str, str]:
    return {spelling: item.iana for item in suites().values() for spelling in (item.iana, item.openssl, item.gnutls) if spelling}
