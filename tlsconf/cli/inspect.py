"""`tlsconf inspect`: does the server that is installed do what the profile says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tlsconf.cli.terminal import say, warn
from tlsconf.errors import EnvironmentFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.live.discrepancy import Installed
    from tlsconf.live.machine import Machine
    from tlsconf.pipeline import Planned, Prepared


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
    from tlsconf import inspection, pipeline
    from tlsconf.live.machine import Machine

    prepared = pipeline.prepare(profile, target or [])
    machine = Machine(root)
    planned = _of_host(prepared, machine, host)
    found = _installed(machine, planned, asked=bool(target))
    texts = {(item.host, item.target): {file.path: file.text for file in item.files} for item in pipeline.render(prepared, alone=True)}
    results = [
        (item.target.name, program.release, inspection.inspect(machine, item, texts[item.policy.host, item.target.name], program))
        for item, program in found
    ]
    if format_ is Format.JSON:
        from tlsconf.report.discrepancies import discrepancies_json

        say(discrepancies_json(results))
    else:
        from tlsconf.report.discrepancies import discrepancies_text

        for name, release, items in results:
            errors = sum(item.severity == "error" for item in items)
            say(discrepancies_text(items) + f"{name} {release}: " + ("does what the profile says" if not errors else f"{errors} error(s)"))
    raise typer.Exit(int(any(item.severity == "error" for *_, items in results for item in items)))


def _of_host(prepared: Prepared, machine: Machine, host: str | None) -> list[Planned]:
    """Return what is planned for the machine: of the profile's hosts, the one that is named, or the one that has the machine's name."""
    names = [policy.host for policy in prepared.resolved.policies if policy.host is not None]
    if host is not None and host not in names:
        message = f"the profile has no host `{host}`" + (f"; it has {', '.join(names)}" if names else "")
        raise UsageError(message)
    if not names:
        return list(prepared.planned)
    if host is None:
        own = machine.hostname()
        host = next((p.host for p in prepared.resolved.policies if own in {p.server.hostname, p.host}), None)
    if host is None:
        message = f"which of the profile's hosts is this machine ({own})? Say --host with one of {', '.join(names)}"
        raise UsageError(message)
    return [item for item in prepared.planned if item.policy.host == host]


def _installed(machine: Machine, planned: Sequence[Planned], *, asked: bool) -> list[tuple[Planned, Installed]]:
    """Return what of the planned servers is there; one that was asked for must be."""
    from tlsconf.inspection import installed

    found = []
    for item in planned:
        program = installed(machine, item.target.name)
        if program is not None:
            found.append((item, program))
        elif asked:
            message = f"{item.target.name} is not installed on this machine"
            raise EnvironmentFailedError(message)
        else:
            warn(f"tlsconf: {item.target.name} is not installed on this machine: not looked at")
    if not found:
        message = "no server of this profile is installed on this machine"
        raise EnvironmentFailedError(message)
    return found
