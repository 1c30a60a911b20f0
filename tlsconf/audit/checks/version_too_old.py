"""An old version of TLS is allowed.

What: sessions may use a version below the `minimum` that the standard asks for.

Why: TLS 1.0 and 1.1 rest on SHA-1 and MD5 and have no authenticated encryption; RFC 8996 retires them. Judged is the floor in force:
`tls.minimum_version`, that of `tls.opportunistic`, and the own floor of an outbound rule, which takes the place of both.

Example: `tls: {minimum_version: TLSv1.1}` where the standard has `minimum: TLSv1.2`.

Remedy: raise the floor. For opportunistic sessions think first of whom you would then send clear text to.

Source: RFC 8996 sections 4 and 5; RFC 9325 section 3.1.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import Scoped, VersionName
from tlsconf.audit.sessions import place, sessions, together
from tlsconf.tls import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


class Parameters(Scoped):
    """The lowest version."""

    minimum: VersionName = Field(description="The lowest version that is allowed.")


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each floor that is too low."""
    minimum = VERSIONS[parameters.minimum]
    found = (
        ((place(resolved, session, "minimum_version"), session.parameters.minimum_version), session)
        for session in sessions(resolved, parameters.scope)
        if session.parameters.minimum_version < minimum
    )
    for (span, version), whose in together(found):
        yield Flaw(f"{version} is allowed for {whose}", span, f"`minimum_version: {minimum}`")
