"""Standards as data: read, held against their form, found by their names."""

from __future__ import annotations

import difflib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field, ValidationError

from tlsconf import document as documents
from tlsconf import resources
from tlsconf.audit.checks import CHECKS
from tlsconf.audit.parameters import NOT_EMPTY, matching, one_of
from tlsconf.complaints import without_mistakes
from tlsconf.diagnostics import Finding
from tlsconf.errors import EnvironmentFailedError, ProfileError, UsageError
from tlsconf.files import DISK
from tlsconf.profile import Many, Name, One, Strict, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.document import Document

Level = Literal["MUST", "SHOULD"]


class RequirementPart(Strict):
    """One thing that a standard asks for."""

    id: Name = Field(description="Its id in this standard.")
    text: Text = Field(description="What is asked, in one sentence.")
    source: Text = Field(description="The section of the standard.")
    level: Level = Field(description="`MUST`: an error where it is not met; `SHOULD`: a warning.")
    check: Annotated[str, one_of(lambda: CHECKS)] = Field(description="The check that judges it, as `tlsconf checks` lists it.")
    parameters: dict[str, Any] = Field(default_factory=dict, description="What the check needs.")


class StandardPart(Strict):
    """A standard as its file says it."""

    standard: One = Field(description="The version of this form.")
    id: Name = Field(description="The standard's id.")
    edition: Annotated[str, matching("[a-z0-9][a-z0-9.-]{0,63}", "a version or a date, such as 6.0 or 2026-11")] = Field(
        description="Its edition: a version or a date."
    )
    title: Text = Field(description="Its title.")
    source: Text = Field(description="Where it is published.")
    note: Text = Field(description="What of it was read, and what was left out.")
    requirements: Annotated[tuple[RequirementPart, ...], Many, NOT_EMPTY] = Field(description="What it asks for.")


class Requirement(NamedTuple):
    """One thing that a standard asks for; `parameters` are those of its check."""

    id: str
    text: str
    source: str
    level: Level
    check: str
    parameters: BaseModel


class Standard(NamedTuple):
    """A standard, ready to be used."""

    id: str
    edition: str
    title: str
    source: str
    note: str
    requirements: tuple[Requirement, ...]


def shipped() -> dict[str, Standard]:
    """Return the shipped standards by `ID-EDITION`, those of one id from the oldest to the newest."""
    standards = [_load(f"tlsconf:{path.name}", path, path.read_bytes()) for path in resources.STANDARDS.glob("*.yaml")]
    return {f"{each.id}-{each.edition}": each for each in sorted(standards, key=_age)}


def standard(wanted: str) -> Standard:
    """Return a standard by its id (then its newest edition), `ID-EDITION`, `ID@EDITION`, or the path of a file (with `/`, or `….yaml`).

    Raises `UsageError` for a name that is not known, `EnvironmentFailedError` for a file that can't be read, and `ProfileError` with all
    that is wrong in it.
    """
    if "/" in wanted or wanted.endswith((".yaml", ".yml")):
        path = Path(wanted)
        try:
            return _load(wanted, path, DISK.read(path, regular=False))
        except OSError as error:
            message = f"{wanted}: {error.strerror}"
            raise EnvironmentFailedError(message) from None
    known = shipped()
    names = {_plain(each.id): each for each in known.values()} | {_plain(name): each for name, each in known.items()}
    if _plain(wanted) not in names:
        near = difflib.get_close_matches(_plain(wanted), names, 1, 0.6)
        hint = f"did you mean `{names[near[0]].id}`? " if near else ""
        message = f"no standard `{wanted}` is shipped: {hint}one of {', '.join(known)}; a path contains `/`"
        raise UsageError(message)
    return names[_plain(wanted)]


def _plain(name: str) -> str:
    """Return a name as people remember it: rfc9325 is rfc-9325."""
    return re.sub("[^a-z0-9]", "", name.lower())


def _age(each: Standard) -> tuple[str, list[int], str]:
    return each.id, [int(number) for number in re.findall("[0-9]+", each.edition)], each.edition


def _load(name: str, path: Path, content: bytes) -> Standard:
    findings: list[Finding] = []
    document = documents.decode(name, path, content)
    documents.parse(document, findings)
    if not isinstance(document.data, dict):
        message = f"the document holds {documents.kind_of(document)}"
        raise ProfileError((Finding(message, document.span(()), "a mapping that begins with `standard: 1`"),))
    part = None
    try:
        part = StandardPart.model_validate(document.data)
    except ValidationError as error:
        without_mistakes(document, error, findings, StandardPart)
    parameters = list(_parameters(document, findings))
    findings += _given_twice(document)
    if findings or part is None:
        raise ProfileError(tuple(dict.fromkeys(findings)))
    requirements = tuple(
        Requirement(each.id, each.text, each.source, each.level, each.check, given)
        for each, given in zip(part.requirements, parameters, strict=True)
    )
    return Standard(part.id, part.edition, part.title, part.source, part.note, requirements)


def _parameters(document: Document, findings: list[Finding]) -> Iterator[BaseModel]:
    """Yield the parameters of each requirement, in the form of its check; what is wrong with them is added to `findings`."""
    for index, requirement in _requirements(document):
        check = CHECKS.get(str(requirement.get("check")))
        given = requirement.get("parameters", {})
        if check is None or not isinstance(given, dict):
            continue
        try:
            yield check.Parameters.model_validate(given, context=document.path.parent)
        except ValidationError as error:
            without_mistakes(document, error, findings, check.Parameters, ("requirements", index, "parameters"))


def _given_twice(document: Document) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, requirement in _requirements(document):
        name = requirement.get("id")
        if not isinstance(name, str):
            continue
        if name in first:
            related = (("first here", document.span(("requirements", first[name], "id"))),)
            yield Finding(f"two requirements are called `{name}`", document.span(("requirements", index, "id")), "each id once", related)
        first.setdefault(name, index)


def _requirements(document: Document) -> list[tuple[int, dict[str, Any]]]:
    given = document.data.get("requirements")
    return [(index, each) for index, each in enumerate(given if isinstance(given, list) else ()) if isinstance(each, dict)]
