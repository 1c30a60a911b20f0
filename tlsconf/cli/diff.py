"""`tlsconf diff`: what a change of profiles means for mail."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tlsconf.cli.formats import Format, written
from tlsconf.cli.terminal import progress, report_failure, say, warn
from tlsconf.errors import ProfileError, TlsconfError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.diagnostics import Finding
    from tlsconf.diff.change import Change
    from tlsconf.pairs import Pair, Side
    from tlsconf.prepared import Prepared
    from tlsconf.report.changes import Compared


class FailOn(StrEnum):
    """Which changes make the answer no."""

    WEAKER = "weaker"
    DELIVERY_RISK = "delivery-risk"
    ANY = "any"
    NEVER = "never"


def diff(
    profiles: Annotated[
        list[str],
        typer.Argument(metavar="PROFILE", help="OLD and NEW, files or folders, each a path or REV:PATH in git; or any, with --since."),
    ],
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="REV", help="Compare each PROFILE, or the profiles of a folder, with what it was at REV."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.TEXT,
    fail_on: Annotated[FailOn, typer.Option("--fail-on", help="Exit 1 at changes of this kind, or of a worse one.")] = FailOn.WEAKER,
) -> None:
    """Say what gets weaker, what stronger, and what mail may now go in clear or be held, and for whom."""
    from tlsconf import pairs
    from tlsconf.report.changes import changes_json, changes_report

    if since is None and len(profiles) != 2:  # noqa: PLR2004
        message = "OLD and NEW are wanted, or `--since REV` and profiles"
        raise UsageError(message)
    with pairs.pairs(*profiles) if since is None else pairs.pairs_since(since, profiles) as found:
        compared, code = _compare_all(found)
    failed = len(found) - len(compared)
    say(changes_json(compared, failed) if format_ is Format.JSON else written(changes_report(compared, failed), format_))
    raise typer.Exit(code or int(any(_fails(change, fail_on) for item in compared for change in item.changes)))


def _compare_all(pairs: Sequence[Pair]) -> tuple[list[Compared], int]:
    """Compare what can be compared, print why the rest can't, and return the changes and the worst exit code, 0 where all went well."""
    from tlsconf.diff import compare
    from tlsconf.report.changes import Compared

    compared: list[Compared] = []
    told: set[Finding] = set()
    worst = 0
    for pair in progress(pairs, "comparing"):
        sides: list[Prepared | None] = []
        for side in (pair.old, pair.new):
            try:
                sides.append(_prepared(side))
            except TlsconfError as error:
                worst = max(worst, _report(error, told))
        if len(sides) == 2:  # noqa: PLR2004  (both could be had)
            compared.append(Compared(pair.name, compare(*sides)))
        else:
            warn(f"tlsconf: {pair.name} could not be compared")
    return compared, worst


def _prepared(side: Side | None) -> Prepared | None:
    from tlsconf import pipeline

    # What weakens a guarded base is for `validate` to refuse; here it is what there is to be told.
    return None if side is None else pipeline.prepare(side.name, files=side.files, bases=True, guard=False)


def _report(error: TlsconfError, told: set[Finding]) -> int:
    """Print a failure, of findings only those that were not told yet: a thousand profiles may have one broken base."""
    if not isinstance(error, ProfileError):
        return report_failure(error)
    new = tuple(finding for finding in error.findings if finding not in told)
    told.update(new)
    return report_failure(ProfileError(new)) if new else error.exit_code


def _fails(change: Change, fail_on: FailOn) -> bool:
    from tlsconf.diff.change import Kind

    bad = {Kind.WEAKER, Kind.PLAINTEXT_RISK}
    match fail_on:
        case FailOn.NEVER:
            return False
        case FailOn.ANY:
            return True
        case FailOn.DELIVERY_RISK:
            return change.kind in {*bad, Kind.DELIVERY_RISK}
        case FailOn.WEAKER:
            return change.kind in bad
