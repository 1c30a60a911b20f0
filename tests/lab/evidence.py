"""The names that Python's OpenSSL has for what the other side of a session saw, turned into ours by the table of suites alone."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from tlsconf.tls import Version, suites


class Used(NamedTuple):
    """The version and the suite (IANA name) of a session; both are `None` for clear text."""

    version: Version | None = None
    suite: str | None = None


def used(version: str | None, cipher: str | None) -> Used:
    """Return what a session used, from what `ssl.SSLSocket.version` and `cipher` said. Raises `KeyError` for names that are no session's.

    >>> used("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256").suite
    'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'
    """
    if version is None or cipher is None:
        return Used()
    name = {"TLSv1": "TLSv1_0"}.get(version, version.replace(".", "_"))
    return Used(Version[name], _names()[cipher])


@cache
def _names() -> dict[str, str]:
    return {spelling: item.iana for item in suites().values() for spelling in (item.iana, item.openssl)}
