"""`tlsconf validate`: is a profile right, and does it render."""

from __future__ import annotations

from typing import Annotated

import typer

from tlsconf.cli.terminal import progress, report_failure, report_notes, say
from tlsconf.errors import TlsconfError


def validate(profiles: Annotated[list[str], typer.Argument(metavar="PROFILE", help="Profiles to check.")]) -> None:
    """Say whether profiles are right and can be rendered; all errors at once."""
    from tlsconf import pipeline

    worst = 0
    for name in progress(profiles, "validating"):
        try:
            prepared = pipeline.prepare(name)
            pipeline.render(prepared, alone=True)
        except TlsconfError as error:
            worst = max(worst, report_failure(error))
            continue
        report_notes(prepared)
        targets = dict.fromkeys(f"{planned.target.name} {planned.plan.release}" for planned in prepared.planned)
        hosts = [policy.host for policy in prepared.resolved.policies if policy.host]
        say(f"{name}: right; renders for {', '.join(targets)}" + (f" on {', '.join(hosts)}" if hosts else ""))
    raise typer.Exit(worst)
