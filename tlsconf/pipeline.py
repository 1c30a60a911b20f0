"""From a profile's path to plans and rendered files: the steps in their order, and every error of a step at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tlsconf.diagnostics import Finding
from tlsconf.errors import PlanError, ProfileError, UnrepresentableError, UsageError
from tlsconf.mta import acceptance, load
from tlsconf.resolve import Resolved, resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.output import RenderedTarget
    from tlsconf.plan import Limitation, Plan
    from tlsconf.policy import Policy, Target


class Planned(NamedTuple):
    """One target of one host, planned."""

    policy: Policy
    target: Target
    plan: Plan


class Prepared(NamedTuple):
    """A profile that can be rendered: what it means, and what each target gets."""

    resolved: Resolved
    planned: tuple[Planned, ...]


def prepare(name: str, targets: Sequence[str] = ()) -> Prepared:
    """Resolve and plan a profile, for all its targets or for some. Raises `ProfileError`, `EnvironmentFailedError` or `UsageError`."""
    resolved = resolve(name)
    named = {target.name for policy in resolved.policies for target in policy.targets}
    for wanted in targets:
        if wanted not in named:
            message = f"{name} has no target `{wanted}`; it has {', '.join(sorted(named))}"
            raise UsageError(message)
    findings: list[Finding] = []
    planned = []
    for policy in resolved.policies:
        for target in policy.targets:
            if targets and target.name not in targets:
                continue
            try:
                plan = load(target.name).plan(policy, target)
            except PlanError as error:
                origin = resolved.origin(error.path, policy.host)
                findings.append(Finding(error.message, origin.span(), error.expected))
                continue
            findings += _acceptance_findings(resolved, policy, target, plan)
            planned.append(Planned(policy, target, plan))
    if findings:
        raise ProfileError(tuple(dict.fromkeys(findings)))
    return Prepared(resolved, tuple(planned))


def render(prepared: Prepared, *, alone: bool) -> list[RenderedTarget]:
    """Render what was planned. `alone`: one profile was asked for, so that its name is no folder unless it has hosts."""
    from tlsconf.output import RenderedTarget
    from tlsconf.render import policy_digest, render_plan

    rendered = []
    digests: dict[int, str] = {}
    for policy, target, plan in prepared.planned:
        digest = digests.get(id(policy)) or digests.setdefault(id(policy), policy_digest(policy))
        parts = [target.name] if alone and policy.host is None else [part for part in (policy.name, policy.host, target.name) if part]
        try:
            files = render_plan(plan, profile=policy.name, host=policy.host, digest=digest)
        except UnrepresentableError as error:
            span = prepared.resolved.origin(("targets", target.name), policy.host).span(key=True)
            raise ProfileError((Finding(f"{target.name}: {error}", span),)) from None
        rendered.append(RenderedTarget("/".join(parts), policy.name, policy.host, target.name, plan.release, files))
    return rendered


def limitations(prepared: Prepared) -> list[tuple[str, Limitation]]:
    """Return each limitation once, with the targets and hosts it is for."""
    where: dict[Limitation, list[str]] = {}
    for policy, target, plan in prepared.planned:
        subject = target.name if policy.host is None else f"{target.name} on {policy.host}"
        for limitation in plan.limitations:
            where.setdefault(limitation, []).append(f"{subject} ({plan.release})")
    return [(", ".join(subjects), limitation) for limitation, subjects in where.items()]


def _acceptance_findings(resolved: Resolved, policy: Policy, target: Target, plan: Plan) -> list[Finding]:
    path = ("targets", target.name)
    findings = []
    for item in acceptance.not_accepted(plan.limitations, target.accept):
        rules = f", rules: [{', '.join(item.rules)}]" if item.rules else ""
        origin = resolved.origin(path, policy.host)
        findings.append(
            Finding(
                f"{target.name} {plan.release} can't keep this ({item.kind}): {item.message}",
                origin.span(key=True),
                f"another release, another rule, or in `targets.{target.name}`: accept: [{{id: {item.id}{rules}, reason: …}}]"
                f" (see `tlsconf limitations {item.id}`)",
            )
        )
    for index in acceptance.without_match(plan.limitations, target.accept):
        origin = resolved.origin((*path, "accept"), policy.host)
        span = origin.document.span((*origin.path, index))
        findings.append(
            Finding(f"the acceptance of `{target.accept[index].id}` matches nothing", span, "no acceptance, or the rules that need one")
        )
    return findings
