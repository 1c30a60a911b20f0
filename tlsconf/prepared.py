"""A profile that is ready to be rendered: what it means, and the plan of each target. Values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy, Target
    from tlsconf.resolve import Resolved


class Planned(NamedTuple):
    """One target of one host, planned."""

    policy: Policy
    target: Target
    plan: Plan


class Prepared(NamedTuple):
    """A profile that can be rendered: what it means, and what each target gets."""

    resolved: Resolved
    planned: tuple[Planned, ...]
