"""A key-exchange group is listed that the standard does not have.

What: `groups` holds a group that is not among those `allowed`.

Why: the group decides how hard the key exchange is to break; what is listed may be chosen.

Example: X25519 under BSI TR-02102-2, whose edition of 2023 has the NIST and Brainpool curves and two finite-field groups.

Remedy: take the group out; `groups: {remove: [NAME]}` does so in a profile that extends another. Keep secp256r1: some servers know only it.

Source: the standard's own list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import GroupNames, Scoped
from tlsconf.audit.sessions import place, sessions, together

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


class Parameters(Scoped):
    """The allowed groups."""

    allowed: GroupNames = Field(description="IANA names.")


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each group that is not allowed."""
    allowed = frozenset(parameters.allowed)
    found = (
        ((place(resolved, session, "groups", group), group), session)
        for session in sessions(resolved, parameters.scope)
        for group in session.parameters.groups
        if group not in allowed
    )
    for (span, group), whose in together(found):
        yield Flaw(f"{group} is offered for {whose}", span, f"a list without {group}")
