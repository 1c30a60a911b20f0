"""Key-exchange groups that have to be offered are not listed.

What: of `groups`, all or at least one (`need`) must be in the profile's `groups`.

Why: two sides that keep the same standard have at least these in common.

Example: `groups: [X448]` under RFC 9325, which recommends secp256r1 and X25519.

Remedy: add what is named.

Source: the standard; RFC 9325 section 4.2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import HowMany, KnownGroups, Scoped
from tlsconf.audit.sessions import place, sessions, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


class Parameters(Scoped):
    """What has to be offered."""

    groups: KnownGroups = Field(description="IANA names.")
    need: HowMany = Field("all", description="Whether `all` of them have to be offered, or `one` at least.")


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each list from which too much is missing."""
    found = []
    for session in sessions(resolved, parameters.scope):
        missing = tuple(group for group in parameters.groups if group not in session.parameters.groups)
        if missing and (parameters.need == "all" or len(missing) == len(parameters.groups)):
            found.append(((place(resolved, session, "groups"), missing), session))
    for (span, missing), whose in together(found):
        names = ", ".join(missing)
        if parameters.need == "all":
            yield Flaw(f"{names} is not offered for {whose}", span, f"{names} in the list")
        else:
            yield Flaw(f"none of {names} is offered for {whose}", span, "one of them in the list")
