"""`tlsconf inspect`: does the server that is installed do what the profile says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tlsconf.cli.terminal import say, warn
from tlsconf.errors import EnvironmentFailedError, UsageError

if TYPE_CHECKING:
    from tlsconf.live.machine import Machine
    from tlsconf.prepared import Planned, Prepared
    from tlsconf.report.discrepancies import Inspected


class Format(StrEnum):
    """How the answer is written."""

    TEXT = "text"
    JSON = "json"


def inspect(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The profile.")],
    target: Annotated[list[str] | None, typer.Option("-t", "--target", metavar="TARGET", help="Only this server.")] = None,
    root: Annotated[Path, typer.Option("--root", metavar="DIR", help="Look at the machine whose / is DIR.")] = Path("/"),
    host: Annotated[str | None, typer.Option("--host", metavar="NAME", help="Which of the profile's hosts this machine is.")] = None,
    format_: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.TEXT,
) -> None:
    """Ask the installed server, its files and its certificates whether they do what a profile says; nothing is changed."""
    from tlsconf import pipeline
    from tlsconf.live.machine import Machine
    from tlsconf.report import discrepancies

    prepared = pipeline.prepare(profile, target or [])
    machine = Machine(root)
    here = prepared._replace(planned=_of_host(prepared, machine, host))
    inspected, failures = _look(machine, here, asked=bool(target))
    if inspected:
        say(discrepancies.discrepancies_json(inspected) if format_ is Format.JSON else discrepancies.discrepancies_text(inspected))
    for failure in failures:
        warn(f"tlsconf: {failure}")
    if failures:  # what is known was said, and the answer is not
        raise typer.Exit(EnvironmentFailedError.exit_code)
    raise typer.Exit(int(any(item.errors for item in inspected)))


def _of_host(prepared: Prepared, machine: Machine, host: str | None) -> tuple[Planned, ...]:
    """Return what is planned for the machine: of the profile's hosts, the one that is named, or the one that has the machine's name."""
    names = [policy.host for policy in prepared.resolved.policies if policy.host is not None]
    if host is not None and host not in names:
        message = f"the profile has no host `{host}`" + (f"; it has {', '.join(names)}" if names else "")
        raise UsageError(message)
    if not names:
        return prepared.planned
    if host is None:
        own = machine.names()
        host = next((p.host for name in own for p in prepared.resolved.policies if name in {p.server.hostname, p.host}), None)
    if host is None:
        called = ", ".join(own) or "it has no name"
        message = f"which of the profile's hosts is this machine ({called})? Say --host with one of {', '.join(names)}"
        raise UsageError(message)
    found = tuple(item for item in prepared.planned if item.policy.host == host)
    if not found:
        message = f"the host `{host}` has none of these targets"
        raise UsageError(message)
    return found


def _look(machine: Machine, prepared: Prepared, *, asked: bool) -> tuple[list[Inspected], list[str]]:
    """Return what is found of each server that is there, and why others can't be looked at; one that was asked for must be there."""
    from tlsconf import inspection, pipeline
    from tlsconf.report.discrepancies import Inspected

    inspected = []
    failures = []
    for planned, rendered in zip(prepared.planned, pipeline.render(prepared, alone=True), strict=True):
        name = planned.target.name
        try:
            program = inspection.installed(machine, name)
            if program is not None:
                texts = {file.path: file.text for file in rendered.files}
                found = inspection.inspect(machine, planned, texts, program)
                inspected.append(Inspected(name, planned.policy.host, program.release, found))
            elif asked:
                failures.append(f"{name} is not installed on this machine")
            else:
                warn(f"tlsconf: {name} is not installed on this machine: not looked at")
        except EnvironmentFailedError as error:
            failures.append(f"{name} can't be looked at: {error}")
    if not inspected and not failures:
        failures.append("no server of this profile is installed on this machine")
    return inspected, failures
