"""Good cipher suites do not come first.

What: among the suites of TLS 1.2 and earlier, or among those of TLS 1.3, one that is not `good` stands before a good one; or, for received
mail, both kinds are listed and `prefer_server_order` is off, so that the client's order decides.

Why: a client that lists weak suites first would get one of them from a server that could do better.

Example: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 before TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256.

Remedy: put the good ones first and set `prefer_server_order: true`, or list good ones alone: then no order matters.

Source: NCSC Mail Check tests a server with a client that lists its worst suites first; NCSC-NL guidelines 2025-05, "order".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import Scoped, SuiteNames
from tlsconf.audit.sessions import first_misplaced, place, sessions
from tlsconf.tls import older_suites, tls13_suites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


class Parameters(Scoped):
    """What is good."""

    good: SuiteNames = Field(description="IANA names of the suites that have to come first, in any order.")


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each list whose order is wrong, or left to clients."""
    good = frozenset(parameters.good)
    flaws = []
    for session in sessions(resolved, parameters.scope):
        for suites in (older_suites(session.parameters.cipher_suites), tls13_suites(session.parameters.cipher_suites)):
            misplaced = first_misplaced(suites, good)
            if misplaced is not None:
                span = place(resolved, session, "cipher_suites", misplaced)
                flaws.append(Flaw(f"{misplaced} stands before better suites", span, "the good suites first"))
            elif session.inbound and not session.parameters.prefer_server_order and 0 < len(good.intersection(suites)) < len(suites):
                other = next(suite for suite in suites if suite not in good)
                span = place(resolved, session, "prefer_server_order")
                flaws.append(Flaw(f"the client's order decides, and {other} is offered beside better suites", span,
                                  "`prefer_server_order: true`"))  # fmt: skip
    yield from dict.fromkeys(flaws)
