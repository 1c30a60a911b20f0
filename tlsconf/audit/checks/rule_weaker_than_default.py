"""A rule asks for less than the default.

What: for some kind of receiving host, mail of the rule gets away on weaker terms than mail that no rule names.

Why: rules are written to ask for more. One that asks for less is either an exception, which should be seen as one, or a mistake, such as a
level that was lowered in the rule while the default was raised.

Example: `outbound: {tls: required}` with a rule `tls: opportunistic`.

Remedy: raise what the message names, take the rule out, or keep it as the exception that it is.

Source: the law of this language: a rule's terms take the place of the default's, they are not added.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf import law
from tlsconf.audit.flaw import Flaw
from tlsconf.audit.parameters import NoParameters
from tlsconf.policy import Level, Verify

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.law import OutboundDecision
    from tlsconf.resolve import Resolved

Parameters = NoParameters


def check(resolved: Resolved, _parameters: NoParameters) -> Iterator[Flaw]:
    """Yield each rule that is not as strong as the default."""
    policy = resolved.policies[0]
    default = law.outbound_decision(policy, None)
    for rule in policy.outbound.rules:
        mine = law.outbound_decision(policy, rule)
        if law.at_least_as_strong(mine, default):
            continue
        key, reason = _reason(mine, default)
        path = ("outbound", "rules", rule.name, key)
        origin = resolved.said(path) or resolved.origin(path[:3])
        word = "is weaker than" if law.at_least_as_strong(default, mine) else "asks for other things than"
        yield Flaw(f"the rule `{rule.name}` {word} the default: {reason}", origin.span(), "what the default says, or more")


def _reason(mine: OutboundDecision, default: OutboundDecision) -> tuple[str, str]:
    """Return the key to look at, and what is weaker; the first thing that is."""
    if law.LEVELS.index(mine.tls) < law.LEVELS.index(default.tls):
        return "tls", f"TLS is `{mine.tls}`, there it is `{default.tls}`"
    if default.verify not in {Verify.NONE, mine.verify}:
        return "verify", f"it verifies `{mine.verify}`, there it is `{default.verify}`"
    if mine.parameters.minimum_version < default.parameters.minimum_version:
        return "minimum_version", f"it allows {mine.parameters.minimum_version}, there the floor is {default.parameters.minimum_version}"
    if mine.tls is Level.OPPORTUNISTIC and mine.parameters.minimum_version > default.parameters.minimum_version:
        return "minimum_version", f"hosts below {mine.parameters.minimum_version} get clear text"
    return "tls", "the cipher suites of its floor allow more"
