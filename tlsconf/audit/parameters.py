"""What checks take as parameters: the words of standards."""

import difflib
import re
from collections.abc import Callable, Collection
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from tlsconf.entries import EXPECTED_PATTERN, domain_patterns
from tlsconf.profile import Many, Strict
from tlsconf.profile import VersionName as VersionName  # noqa: PLC0414  (checks take it from here)
from tlsconf.tls import GROUPS, suites


def explained(expected: str) -> PydanticCustomError:
    """Return an error whose expectation `complaints` shows as it is."""
    kind = "explained"
    return PydanticCustomError(kind, "not what is expected", {"expected": expected})


def _known(names: Callable[[], Collection[str]], kind: str) -> AfterValidator:
    def judge(value: str) -> str:
        if value not in names():
            near = difflib.get_close_matches(value, names(), 1, 0.6)
            raise explained(f"did you mean `{near[0]}`?" if near else f"a {kind} that a profile can list")
        return value

    return AfterValidator(judge)


def matching(pattern: str, expected: str) -> AfterValidator:
    """Return a check that a text has a form, with what to say where it has not."""

    def judge(value: str) -> str:
        if re.fullmatch(pattern, value) is None:
            raise explained(expected)
        return value

    return AfterValidator(judge)


def _not_empty(value: tuple[Any, ...]) -> tuple[Any, ...]:
    """Refuse an empty list; pydantic's own `min_length` also complains where entries are wrong."""
    if not value:
        expected = "at least one entry"
        raise explained(expected)
    return value


def _pattern(value: str) -> str:
    (pattern,), wrong = domain_patterns([value])
    if wrong:
        raise explained(EXPECTED_PATTERN)
    return pattern


def one_of(names: Callable[[], Collection[str]]) -> BeforeValidator:
    """Return a check that a value is one of some words, which are known only when it is used."""

    def judge(value: object) -> object:
        if isinstance(value, str) and value not in names():
            kind = "literal_error"
            raise PydanticCustomError(kind, "another word", {"expected": ", ".join(f"'{name}'" for name in names())})
        return value

    return BeforeValidator(judge)


# What is allowed may have any name of IANA's form: standards list suites and groups that no profile can. A name that is misspelt there
# shows as a profile that fails. What must be offered has to be known: a profile could never have it otherwise.
SuiteName = Annotated[str, matching("TLS_[A-Za-z0-9_]+", "an IANA name")]
GroupName = Annotated[str, matching("[A-Za-z0-9_]+", "an IANA name")]
KnownSuite = Annotated[str, _known(suites, "cipher suite")]
KnownGroup = Annotated[str, _known(lambda: GROUPS, "group")]
NOT_EMPTY = AfterValidator(_not_empty)
DomainPattern = Annotated[str, AfterValidator(_pattern)]

SuiteNames = Annotated[tuple[SuiteName, ...], Many, NOT_EMPTY]
GroupNames = Annotated[tuple[GroupName, ...], Many, NOT_EMPTY]
KnownSuites = Annotated[tuple[KnownSuite, ...], Many, NOT_EMPTY]
KnownGroups = Annotated[tuple[KnownGroup, ...], Many, NOT_EMPTY]
DomainPatterns = Annotated[tuple[DomainPattern, ...], Many, NOT_EMPTY]
Scope = Literal["all", "required", "opportunistic", "outbound", "inbound"]
HowMany = Literal["all", "one"]

SCOPE = "Which sessions: `all`, those whose TLS is `required` or `opportunistic` (in either direction), `outbound` or `inbound` ones."


class NoParameters(Strict):
    """A check that needs nothing to be said."""


class Scoped(Strict):
    """A check of sessions."""

    scope: Scope = Field("all", description=SCOPE)
