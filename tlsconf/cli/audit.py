"""`tlsconf audit`: does a profile keep the standards, and what else is worth a look."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tlsconf.cli.formats import Format, written
from tlsconf.cli.terminal import a_day, progress, report_failure, say, warn
from tlsconf.errors import EnvironmentFailedError, TlsconfError, UsageError

if TYPE_CHECKING:
    from tlsconf.report.audit import Audited


class FailOn(StrEnum):
    """What makes the exit code 1."""

    ERROR = "error"
    WARNING = "warning"
    NEVER = "never"


def _complete_standard(incomplete: str) -> list[str]:
    from tlsconf.audit.standards import shipped

    return [name for name in shipped() if name.startswith(incomplete)]


def audit(
    profiles: Annotated[list[str], typer.Argument(metavar="PROFILE", help="Profiles to audit; bases without targets may be among them.")],
    standard: Annotated[
        list[str] | None,
        typer.Option(
            "--standard", metavar="ID", help="A shipped standard, or the path of one of your own.", autocompletion=_complete_standard
        ),
    ] = None,
    must_extend: Annotated[
        list[str] | None, typer.Option("--must-extend", metavar="NAME", help="A base that each profile has to extend.")
    ] = None,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="The day on which exceptions are judged: today.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.TEXT,
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="From what on the answer is no (exit 1).")] = FailOn.ERROR,
) -> None:
    """Hold profiles against standards, against what they must extend, and against what experience advises."""
    from tlsconf import pipeline
    from tlsconf.audit import run, standards
    from tlsconf.report.audit import Audited, audit_json, audit_report, worst

    day = a_day(on)
    bases = [_base(name) for name in must_extend or ()]
    used = list({(each.id, each.edition): each for each in map(standards.standard, standard or ())}.values())
    audited: list[Audited] = []
    failures: list[int] = []
    for name in progress(profiles, "auditing"):
        try:
            resolved = pipeline.prepare(name, bases=True).resolved
        except TlsconfError as error:
            failures.append(report_failure(error))
            warn(f"tlsconf: {name} could not be audited")
        else:
            audited.append(Audited(name, tuple(run.audit(resolved, used, bases, day))))
    failed = len(failures)
    say(audit_json(audited, used, failed) if format_ is Format.JSON else written(audit_report(audited, used, failed), format_))
    failing = {FailOn.ERROR: {"error"}, FailOn.WARNING: {"error", "warning"}, FailOn.NEVER: set()}[fail_on]
    raise typer.Exit(max([int(worst(audited) in failing), *failures]))


def _base(name: str) -> str:
    """Return the name of a base. Raises `UsageError` for an edition that is not shipped, `EnvironmentFailedError` for a missing file."""
    import os

    from tlsconf.audit.checks.base_missing import is_path
    from tlsconf.chain import shipped

    if is_path(name):
        if not os.path.isfile(name):  # noqa: PTH113  (a NUL in the name is no error here)
            message = f"--must-extend {name}: there is no such file"
            raise EnvironmentFailedError(message)
    elif "@" in name and name not in shipped():
        import difflib

        near = difflib.get_close_matches(name, shipped(), 1, 0.6)
        hint = f"did you mean `{near[0]}`? " if near else ""
        message = f"--must-extend {name}: no such edition is shipped: {hint}one of {', '.join(shipped())}"
        raise UsageError(message)
    return name
