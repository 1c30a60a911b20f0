"""A cipher suite of a kind that the standard advises against is listed.

What: the name of a suite in `cipher_suites` contains one of the parts under `kinds`, such as `TLS_RSA_WITH_` or `_CBC_`.

Why: some standards name no list of suites, but kinds of them: static RSA has no forward secrecy, finite-field Diffie-Hellman of TLS 1.2
can't tell which group is used, CBC needs the encrypt-then-MAC extension to be safe.

Example: TLS_DHE_RSA_WITH_AES_128_GCM_SHA256 under RFC 9325.

Remedy: list ECDHE suites with GCM or CHACHA20 in its place.

Source: RFC 9325 section 4.1 and 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field

from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import NOT_EMPTY, Scoped, explained
from tlsconf.audit.sessions import place, sessions, together
from tlsconf.profile import Many
from tlsconf.tls import suites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


def _met(part: str) -> str:
    """Refuse a part that no suite has: it would never find anything, most likely because it is misspelt."""
    if not any(part in name for name in suites()):
        expected = "a part of the name of a suite that a profile can list"
        raise explained(expected)
    return part


class Parameters(Scoped):
    """The kinds of suites."""

    kinds: Annotated[tuple[Annotated[str, AfterValidator(_met)], ...], Many, NOT_EMPTY] = Field(
        description="Parts of IANA names, such as `TLS_RSA_WITH_`."
    )


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each suite of such a kind."""
    found = (
        ((place(resolved, session, "cipher_suites", suite), suite), session)
        for session in sessions(resolved, parameters.scope)
        for suite in session.parameters.cipher_suites
        if any(kind in suite for kind in parameters.kinds)
    )
    for (span, suite), whose in together(found):
        yield Flaw(f"{suite} is offered for {whose}", span, f"a list without {suite}")
