"""Suites with forward secrecy are missing, or do not come first.

What: no suite in the list has forward secrecy, or one without it (`TLS_RSA_WITH_…`) stands before one that has it; or, for received mail,
both are listed and `prefer_server_order` is off.

Why: without forward secrecy, whoever gets the server's key later can read all mail that was recorded before.

Example: TLS_RSA_WITH_AES_256_GCM_SHA384 at the top of the list.

Remedy: list ECDHE suites first, or alone. Suites of TLS 1.3 always have forward secrecy.

Source: RFC 9325 section 4.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import Scoped
from tlsconf.audit.sessions import first_misplaced, place, sessions, together
from tlsconf.tls import older_suites, strength

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


class Parameters(Scoped):
    """For which sessions."""


def check(resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield each list that does not prefer forward secrecy."""
    found = []
    for session in sessions(resolved, parameters.scope):
        suites = session.parameters.cipher_suites
        secret = frozenset(suite for suite in suites if strength(suite).forward_secrecy)
        misplaced = first_misplaced(older_suites(suites), secret)
        if not secret:
            found.append(((place(resolved, session, "cipher_suites"), "no suite has forward secrecy", "ECDHE suites in the list"), session))
        elif misplaced is not None:
            message = f"{misplaced} stands before suites with forward secrecy"
            found.append(((place(resolved, session, "cipher_suites", misplaced), message, "ECDHE suites first"), session))
        elif session.inbound and not session.parameters.prefer_server_order and len(secret) < len(suites):
            message = "the client's order decides, and suites without forward secrecy are offered"
            found.append(((place(resolved, session, "prefer_server_order"), message, "`prefer_server_order: true`"), session))
    for (span, message, remedy), whose in together(found):
        yield Flaw(f"{message}: {whose}", span, remedy)
