"""`tlsconf render`: configuration files from profiles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tlsconf.cli.terminal import progress, report_failure, report_notes, say, show
from tlsconf.errors import TlsconfError, UsageError
from tlsconf.mta import NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.output import RenderedTarget


def _complete_target(incomplete: str) -> list[str]:
    return [name for name in NAMES if name.startswith(incomplete)]


def render(
    profiles: Annotated[list[str], typer.Argument(metavar="PROFILE", help="Profiles to render.")],
    out: Annotated[
        str | None, typer.Option("-o", "--output", metavar="DIR", help="Where to write; without it, files go to stdout.")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option("-t", "--target", metavar="TARGET", help="Only this server; may be given again.", autocompletion=_complete_target),
    ] = None,
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit 1 if DIR is not what would be written.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Print how DIR differs.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that were edited by hand.")] = False,
) -> None:
    """Render profiles into configuration for their servers."""
    targets = target or []
    for name in targets:
        if name not in NAMES:
            message = f"no server is called `{name}`: it is one of {', '.join(NAMES)}"
            raise UsageError(message)
    if out == "":
        message = "`-o` names no folder; the one you stand in is `.`"
        raise UsageError(message)
    if out is None and (check or diff or force):
        message = "`--check`, `--diff` and `--force` need `-o DIR`"
        raise UsageError(message)
    rendered = _render_all(profiles, targets)
    if out is None:
        for item in rendered:
            for file in item.files:
                show(f"==> {item.folder}/{file.path} <==\n{file.text}")
        return
    _put(Path(out), rendered, frozenset(targets), check=check, diff=diff, force=force)


def _render_all(profiles: Sequence[str], targets: Sequence[str]) -> list[RenderedTarget]:
    """Render every profile, or none: all errors are shown before the run ends."""
    from tlsconf import pipeline

    rendered: list[RenderedTarget] = []
    worst = 0
    for name in progress(profiles, "rendering"):
        try:
            prepared = pipeline.prepare(name, targets)
            rendered += pipeline.render(prepared, alone=len(profiles) == 1)
        except TlsconfError as error:
            worst = max(worst, report_failure(error))
        else:
            report_notes(prepared)
    if worst:
        raise typer.Exit(worst)
    folders = [item.folder for item in rendered]
    twice = sorted({folder for folder in folders if folders.count(folder) > 1})
    if twice:
        message = f"two profiles would be written to {', '.join(twice)}: give each a `name` of its own"
        raise UsageError(message)
    return rendered


def _put(out: Path, rendered: Sequence[RenderedTarget], only: frozenset[str], *, check: bool, diff: bool, force: bool) -> None:
    from tlsconf import output

    differences = output.compare(out, rendered, only) if check else output.write(out, rendered, only, force=force)
    for difference in differences:
        if diff:
            show(difference.text().rstrip("\n"))
        elif check:
            say(f"{out}/{difference.summary}")
        else:
            say(f"{'deleted' if difference.new is None else 'wrote'} {out}/{difference.path}")
    raise typer.Exit(1 if check and differences else 0)
