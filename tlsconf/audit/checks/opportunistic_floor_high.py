"""Opportunistic TLS asks for so much that mail goes in clear.

What: where nobody requires TLS, the floor is above TLSv1.2, or the list has none of the four ECDHE suites with AES-GCM, or the groups lack
secp256r1.

Why: a host that can't do what is asked is not kept from mail, it gets it in clear text: stricter is weaker here. Most servers of this
decade speak TLS 1.2 with these suites; some (Sendmail 8.18.1 as Debian 13 has it) know secp256r1 alone as servers.

Example: `tls: {minimum_version: TLSv1.3}` without `opportunistic`, which then takes the same floor.

Remedy: `tls: {opportunistic: {minimum_version: TLSv1.2}}`; a rule with `tls: required` may ask for more.

Source: RFC 7435 section 3; RFC 9325 section 5.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf import law
from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import NoParameters
from tlsconf.audit.sessions import Value, place, sessions, together
from tlsconf.tls import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved

Parameters = NoParameters

WIDELY_SPOKEN: Final = frozenset(
    f"TLS_ECDHE_{key}_WITH_AES_{cipher}" for key in ("ECDSA", "RSA") for cipher in ("128_GCM_SHA256", "256_GCM_SHA384")
)
WIDELY_KNOWN: Final = "secp256r1"


def check(resolved: Resolved, _parameters: NoParameters) -> Iterator[Flaw]:
    """Yield each value that sends more mail in clear than it has to."""
    found = []
    for session in sessions(resolved, "opportunistic"):
        floor = session.parameters.minimum_version
        value: Value
        if floor > Version.TLSv1_2:
            value, message, remedy = "minimum_version", f"below {floor} nothing is encrypted", "`minimum_version: TLSv1.2`"
        elif WIDELY_SPOKEN.isdisjoint(suite for _, suite in law.sessions(session.parameters)):
            value, message = "cipher_suites", "none of the suites that are widely spoken in TLS 1.2 is offered"
            remedy = "an ECDHE suite with AES-GCM for each kind of certificate"
        elif WIDELY_KNOWN not in session.parameters.groups:
            value, message, remedy = (
                "groups",
                f"{WIDELY_KNOWN} is missing, the one group that all servers know",
                f"{WIDELY_KNOWN} in the list",
            )
        else:
            continue
        found.append(((place(resolved, session, value), message, remedy), session))
    for (span, message, remedy), whose in together(found):
        yield Flaw(f"{message}: others use clear text ({whose})", span, remedy)
