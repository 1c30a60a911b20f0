"""A cipher suite is listed that the standard does not have.

What: `cipher_suites` holds a suite that is not among those `allowed`.

Why: what is offered may be used, and the other side may choose it.

Example: TLS_RSA_WITH_AES_128_GCM_SHA256, where only suites with forward secrecy are allowed.

Remedy: take the suite out; `cipher_suites: {remove: [NAME]}` does so in a profile that extends another.

Source: the standard's own list. It may have names that tlsconf can't configure; no profile can hold them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import Scoped, SuiteNames
from tlsconf.audit.sessions import place, sessions, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


class Parameters(Scoped):
    """The allowed suites."""

    allowed: SuiteNames = Field(description="IANA names.")


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each suite that is not allowed."""
    allowed = frozenset(parameters.allowed)
    found = (
        ((place(resolved, session, "cipher_suites", suite), suite), session)
        for session in sessions(resolved, parameters.scope)
        for suite in session.parameters.cipher_suites
        if suite not in allowed
    )
    for (span, suite), whose in together(found):
        yield Flaw(f"{suite} is offered for {whose}", span, f"a list without {suite}")
