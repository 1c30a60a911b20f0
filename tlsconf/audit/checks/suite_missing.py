"""Cipher suites that have to be offered are not listed.

What: of `suites`, all or at least one (`need`) must be in `cipher_suites`, and usable under the floor.

Why: two sides that keep the same standard have at least these in common.

Example: RFC 9325 recommends four ECDHE suites with AES-GCM for TLS 1.2; a list of TLS 1.3 suites has none of them.

Remedy: add what is named.

Source: the standard; RFC 9325 section 4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tlsconf import law
from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import HowMany, KnownSuites, Scoped
from tlsconf.audit.sessions import place, sessions, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


class Parameters(Scoped):
    """What has to be offered."""

    suites: KnownSuites = Field(description="IANA names.")
    need: HowMany = Field("all", description="Whether `all` of them have to be offered, or `one` at least.")


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each list from which too much is missing; a floor that one rule has for itself is its own choice."""
    found = []
    for session in sessions(resolved, parameters.scope):
        usable = {suite for _, suite in law.sessions(session.parameters)}
        missing = tuple(suite for suite in parameters.suites if suite not in usable)
        enough = not missing if parameters.need == "all" else len(missing) < len(parameters.suites)
        if session.rule is None and not enough:
            listed = set(missing) <= set(session.parameters.cipher_suites)
            found.append(((place(resolved, session, "minimum_version" if listed else "cipher_suites"), missing), session))
    for (span, missing), whose in together(found):
        names = ", ".join(missing)
        if parameters.need == "all":
            yield Flaw(f"{names} can't be used for {whose}", span, f"{names} in the list, and a floor that allows it")
        else:
            yield Flaw(f"none of {names} can be used for {whose}", span, "one of them in the list, and a floor that allows it")
