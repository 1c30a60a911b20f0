"""A version of TLS that has to be offered can't be used.

What: the floor is above the `version`, or no suite in the list belongs to it.

Why: both sides need a version in common. Judged are the two floors and the listener; a floor that one outbound rule has for itself is a
choice for its own destinations, and is not.

Example: a list of ECDHE suites alone offers no TLS 1.3, whose suites have names of their own.

Remedy: add suites of that version to `cipher_suites`, or lower the floor.

Source: RFC 9325 section 3.1.1; RFC 8446 appendix B.4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tlsconf import law
from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import Scoped, VersionName
from tlsconf.audit.sessions import Value, place, sessions, together
from tlsconf.tls import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


class Parameters(Scoped):
    """The version."""

    version: VersionName = Field(description="The version that has to be possible.")


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each floor or list that leaves the version out."""
    version = VERSIONS[parameters.version]
    found = []
    for session in sessions(resolved, parameters.scope):
        if session.rule is None and version not in {possible for possible, _ in law.sessions(session.parameters)}:
            value: Value = "minimum_version" if session.parameters.minimum_version > version else "cipher_suites"
            found.append(((place(resolved, session, value), value), session))
    for (span, value), whose in together(found):
        remedy = f"`minimum_version: {version}`" if value == "minimum_version" else f"suites of {version} in the list"
        yield Flaw(f"{version} is not offered for {whose}", span, remedy)
