"""`tlsconf validate`: is a profile right, and does it render."""

from __future__ import annotations

from typing import Annotated

import typer

from tlsconf.cli.terminal import a_day, progress, report_failure, report_notes, say
from tlsconf.errors import ProfileError, TlsconfError


def validate(
    profiles: Annotated[list[str], typer.Argument(metavar="PROFILE", help="Profiles to check.")],
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day that exceptions must not have expired on; today.")] = None,
    *,
    bases: Annotated[bool, typer.Option("--bases", help="A profile without targets is right, too: others extend it.")] = False,
) -> None:
    """Say whether profiles are right and can be rendered; all errors at once."""
    from tlsconf import overlays, pipeline

    day = a_day(on)
    worst = 0
    for name in progress(profiles, "validating"):
        try:
            prepared = pipeline.prepare(name, bases=bases)
            pipeline.render(prepared, alone=True)
            if expired := overlays.expired(prepared.resolved, day):
                raise ProfileError(tuple(expired))
        except TlsconfError as error:
            worst = max(worst, report_failure(error))
            continue
        report_notes(prepared)
        if not prepared.planned:
            say(f"{name}: right; a base, which names no targets to render for")
            continue
        targets = dict.fromkeys(f"{planned.target.name} {planned.plan.release}" for planned in prepared.planned)
        hosts = [policy.host for policy in prepared.resolved.policies if policy.host]
        say(f"{name}: right; renders for {', '.join(targets)}" + (f" on {', '.join(hosts)}" if hosts else ""))
    raise typer.Exit(worst)
