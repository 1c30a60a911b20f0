"""`tlsconf checks`: what `audit` looks for, what `diff` reports, and the standards that are shipped."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Annotated, Final

import typer

from tlsconf.cli.terminal import say
from tlsconf.errors import UsageError

if TYPE_CHECKING:
    from tlsconf.audit.standards import Requirement, Standard

_WIDTH: Final = 120


def _complete_id(incomplete: str) -> list[str]:
    return [name for part in _headlines().values() for name in part if name.startswith(incomplete)]


def checks(
    identifier: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A check, a change or a standard to print in full.", autocompletion=_complete_id)
    ] = None,
) -> None:
    """List what `audit` and `diff` report and the standards that are shipped, or print one in full."""
    from tlsconf.audit.checks import CHECKS, documentation
    from tlsconf.diff.catalogue import CHANGES

    if identifier is None:
        parts = _headlines()
        width = max(len(name) for part in parts.values() for name in part)
        listed = ([f"{title}:", *(f"  {name:{width}}  {line}" for name, line in part.items())] for title, part in parts.items())
        say("\n\n".join(map("\n".join, listed)))
    elif identifier in documentation():
        known = CHECKS.get(identifier)
        fields = known.Parameters.model_fields.items() if known else ()
        parameters = "".join(f"\n  {name}: {field.description}" for name, field in fields)
        say(f"{identifier}\n\n{documentation()[identifier]}" + (f"\n\nParameters, in a standard:{parameters}" if parameters else ""))
    elif identifier in CHANGES:
        say(f"{identifier}\n\n{CHANGES[identifier]}")
    elif (requirement := _requirement(identifier)) is not None:
        say("\n".join([identifier, "", *_requirement_lines(requirement), "", documentation()[requirement.check]]))
    else:
        say(_standard_text(_standard(identifier)))


def _headlines() -> dict[str, dict[str, str]]:
    from tlsconf.audit.checks import CHECKS, LINT, documentation
    from tlsconf.audit.standards import shipped
    from tlsconf.diff.catalogue import CHANGES

    headlines = {name: text.partition("\n")[0] for name, text in documentation().items()}
    always = {name: line for name, line in headlines.items() if name in LINT or name not in CHECKS}
    return {
        "checks that a standard can name": {name: line for name, line in headlines.items() if name not in always},
        "checks that every audit makes": always,
        "changes that diff reports": CHANGES,
        "standards": {name: standard.title for name, standard in shipped().items()},
    }


def _standard(identifier: str) -> Standard:
    import difflib

    from tlsconf.audit.standards import standard

    try:
        return standard(identifier)
    except UsageError:
        near = difflib.get_close_matches(identifier, _complete_id(""), 1, 0.6)
        hint = f"did you mean `{near[0]}`? " if near else ""
        message = f"no check, change or standard `{identifier}`: {hint}see `tlsconf checks`"
        raise UsageError(message) from None


def _requirement(identifier: str) -> Requirement | None:
    """Return the requirement that `audit` reports as `STANDARD/REQUIREMENT`: of the newest edition that has it."""
    from tlsconf.audit.standards import shipped

    found = [each for standard in shipped().values() for each in standard.requirements if f"{standard.id}/{each.id}" == identifier]
    return found[-1] if found else None


def _standard_text(standard: Standard) -> str:
    lines = [f"{standard.id} {standard.edition}: {standard.title}", standard.source, "", fill(standard.note, _WIDTH)]
    for each in standard.requirements:
        lines += ["", *_requirement_lines(each)]
    return "\n".join(lines)


def _requirement_lines(requirement: Requirement) -> list[str]:
    given = requirement.parameters.model_dump(exclude_unset=True).items()
    return [
        f"{requirement.level} {requirement.id}",
        f"  {requirement.text}",
        f"  source: {requirement.source}",
        f"  check: {requirement.check}",
        *(fill(f"{name}: {_plain(value)}", _WIDTH, initial_indent="    ", subsequent_indent="      ") for name, value in given),
    ]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
