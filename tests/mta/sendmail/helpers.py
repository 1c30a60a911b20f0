"""Targets of the releases that Debian ships, and a policy rendered for one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.policies import make_target
from tlsconf import render
from tlsconf.mta import sendmail

if TYPE_CHECKING:
    from tlsconf.plan import Plan
    from tlsconf.policy import Policy, Target

TARGETS = (
    make_target("sendmail", "8.15.2", platform="debian-11", version=(1, 1, 1)),
    make_target("sendmail", "8.17.1.9", platform="debian-12", version=(3, 0)),
    make_target("sendmail", "8.18.1", platform="debian-13", version=(3, 5)),
    make_target("sendmail", "8.18.2", platform="debian-14", version=(3, 6)),
)
DEBIAN_11, DEBIAN_12, DEBIAN_13, DEBIAN_14 = TARGETS


def rendered(policy: Policy, target: Target) -> tuple[Plan, dict[str, str]]:
    """Return a plan and its files by path."""
    plan = sendmail.plan(policy, target)
    files = render.render_plan(plan, profile="sample", host=None, digest="sha256:0")
    return plan, {file.path: file.text for file in files if file.path in plan.settings}


def values(plan: Plan, path: str) -> dict[str, str]:
    """Return a file's settings by name."""
    return dict(plan.settings[path])
