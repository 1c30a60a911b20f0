"""From a profile's path to plans and rendered files: the steps in their order, and every error of a step at its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf import overlays
from tlsconf.diagnostics import Finding
from tlsconf.errors import PlanError, ProfileError, UnrepresentableError, UsageError
from tlsconf.files import DISK
from tlsconf.mta import acceptance, load
from tlsconf.prepared import Planned, Prepared
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.diagnostics import KeyPath
    from tlsconf.files import Files
    from tlsconf.merge import Origin
    from tlsconf.output import RenderedTarget
    from tlsconf.plan import Limitation
    from tlsconf.policy import Acceptance
    from tlsconf.resolve import Resolved


def prepare(name: str, targets: Sequence[str] = (), files: Files = DISK, *, bases: bool = False, guard: bool = True) -> Prepared:
    """Resolve and plan a profile, for all its targets or for some.

    `bases`: one without targets is right, too, and has no plan. `guard`: it may not weaken a base that says `overlays: stronger`.
    Raises `ProfileError`, `EnvironmentFailedError` or `UsageError`.
    """
    resolved = resolve(name, files, bases=bases)
    named = {target.name for policy in resolved.policies for target in policy.targets}
    for wanted in targets:
        if wanted not in named:
            message = f"{name} has no target `{wanted}`; it has {', '.join(sorted(named))}"
            raise UsageError(message)
    findings: list[Finding] = []
    planned: list[Planned] = []
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
            planned.append(Planned(policy, target, plan))
    if not findings:  # else the limitations of some are not known
        findings += overlays.check(resolved, planned, all_targets=not targets) if guard else ()
        findings += [finding for item in planned for finding in _unaccepted(resolved, item)]
        findings += _accepted_in_vain(resolved, planned)
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


def _unaccepted(resolved: Resolved, item: Planned) -> list[Finding]:
    findings = []
    name, plan = item.target.name, item.plan
    for limitation in acceptance.not_accepted(plan.limitations, item.target.accept):
        rules = f", rules: [{', '.join(limitation.rules)}]" if limitation.rules else ""
        origin = resolved.origin(("targets", name), item.policy.host)
        findings.append(
            Finding(
                f"{name} {plan.release} can't keep this ({limitation.kind}): {limitation.message}",
                origin.span(key=True),
                f"another release, another rule, or in `targets.{name}`: accept: [{{id: {limitation.id}{rules}, reason: …}}]"
                f" (see `tlsconf limitations {limitation.id}`)",
            )
        )
    return findings


def _accepted_in_vain(resolved: Resolved, planned: Sequence[Planned]) -> list[Finding]:
    """Return a finding for each acceptance that no host needs: several hosts may share one, each with a release of its own."""
    needs: dict[tuple[str, KeyPath], tuple[Acceptance, Origin, list[Limitation]]] = {}
    for item in planned:
        for accepted, origin in zip(item.target.accept, resolved.acceptances(item.target.name, item.policy.host), strict=True):
            _, _, limitations = needs.setdefault((origin.document.name, origin.path), (accepted, origin, []))
            limitations += item.plan.limitations
    return [
        Finding(f"the acceptance of `{accepted.id}` matches nothing", origin.span(), "no acceptance, or the rules that need one")
        for accepted, origin, limitations in needs.values()
        if acceptance.without_match(tuple(limitations), (accepted,))
    ]
