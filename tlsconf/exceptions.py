"""Exceptions to a base that may only be strengthened: who may weaken what, why, and until when."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field, ValidationError
from pydantic_core import PydanticCustomError

from tlsconf.chain import read_beside
from tlsconf.diagnostics import Finding, Span
from tlsconf.document import kind_of, parse
from tlsconf.errors import ProfileError
from tlsconf.profile import UNSAID, Many, Name, Strict, Text

if TYPE_CHECKING:
    from tlsconf.document import Document


def _a_date(value: Any) -> date:
    """Take a date as YAML has it, or the same between quotes."""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, date) or isinstance(found, datetime):
        kind = "date_type"
        raise PydanticCustomError(kind, "no date")
    return found


class ExceptionPart(Strict):
    """One exception, as the file says it."""

    profile: Name = Field(description="The `name` of the profile that may weaken its base.")
    rule: Name = Field(UNSAID, description="The rule that it may weaken; left out: the defaults and the values that all rules share.")
    change: Text = Field(description="The id of the change, as the error says it and `tlsconf checks` lists it.")
    owner: Text = Field(description="Who answers for it.")
    reason: Text = Field(description="Why.")
    ticket: Text = Field(description="Where it was decided.")
    expires: Annotated[date, BeforeValidator(_a_date)] = Field(description="The last day on which it holds: `2027-03-31`.")


class ExceptionsFile(Strict):
    """A file of exceptions; a bare list is taken as well."""

    exceptions: Annotated[tuple[ExceptionPart, ...], Many] = Field(description="The exceptions.")


class Allowed(NamedTuple):
    """An exception, where it stands, and where it says until when."""

    said: ExceptionPart
    span: Span
    expires: Span


def load(base: "Document", findings: list[Finding]) -> tuple[Allowed, ...]:
    """Return the exceptions of a base that names a file of them; what is wrong with the file is added to `findings`."""
    try:
        document = read_beside(base, base.data["exceptions"])
        parse(document, findings)
    except OSError as error:
        message = f"the exceptions `{base.data['exceptions']}` can't be read: {error.strerror}"
        findings.append(Finding(message, base.span(("exceptions",)), "a file beside this profile"))
        return ()
    except ProfileError as error:
        findings += error.findings
        return ()
    if isinstance(document.data, dict):
        if not _fits(document, (), ExceptionsFile, findings):
            return ()
        path: tuple[str, ...] = ("exceptions",)
        entries = list(enumerate(document.data["exceptions"]))
    elif isinstance(document.data, list):
        path = ()
        entries = [(index, entry) for index, entry in enumerate(document.data) if _fits(document, (index,), ExceptionPart, findings)]
    else:
        if document.data is not None:  # else every line is a comment: there is none left
            message = f"the document holds {kind_of(document)}"
            findings.append(Finding(message, document.span(()), "a list of exceptions, or one under the key `exceptions`"))
        return ()
    return tuple(
        Allowed(ExceptionPart.model_validate(entry), document.span((*path, index)), document.span((*path, index, "expires")))
        for index, entry in entries
    )


def _fits(document: "Document", path: tuple[int, ...], model: type[Strict], findings: list[Finding]) -> bool:
    """Hold the part of a document at a path against a model; what is wrong is added to `findings`."""
    data = document.data[path[0]] if path else document.data
    try:
        model.model_validate(data)
    except ValidationError as error:
        from tlsconf.complaints import without_mistakes

        without_mistakes(document, error, findings, model, path)
        return False
    return True
