"""What every check offers, and the one registry of them: the docstring of a check's module is its documentation."""

from __future__ import annotations

from functools import cache
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final, Protocol

from tlsconf.audit.checks import (
    base_missing,
    destination_not_required,
    exception_expired,
    forward_secrecy_not_preferred,
    group_missing,
    group_not_allowed,
    inbound_required_on_public_mx,
    mail_in_clear,
    mail_to_oneself,
    not_judged,
    opportunistic_floor_high,
    rule_shadowed,
    rule_weaker_than_default,
    starttls_not_offered,
    suite_discouraged,
    suite_missing,
    suite_not_allowed,
    suites_out_of_order,
    version_not_offered,
    version_too_old,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.audit.flaw import Flaw
    from tlsconf.profile import Strict
    from tlsconf.resolve import Resolved


class Check(Protocol):
    """A check: a module of this package is one. Its name, with dashes, is its stable id."""

    @property
    def Parameters(self) -> type[Strict]:  # noqa: N802  (a class of the module)
        """What a requirement of a standard can say."""
        ...

    @property
    def check(self) -> CheckFunction:
        """What does the work."""
        ...


class CheckFunction(Protocol):
    """The function `check` of a check."""

    def __call__(self, resolved: Resolved, parameters: Any, /) -> Iterator[Flaw]:
        """Yield where a profile fails; `parameters` are those of the module."""
        ...


def _id(module: Any) -> str:
    name: str = module.__name__
    return name.rpartition(".")[2].replace("_", "-")


_CHECKS: Final[tuple[Check, ...]] = (
    version_too_old,
    version_not_offered,
    suite_not_allowed,
    suite_discouraged,
    suite_missing,
    suites_out_of_order,
    forward_secrecy_not_preferred,
    group_not_allowed,
    group_missing,
    destination_not_required,
    mail_in_clear,
    starttls_not_offered,
    base_missing,
    not_judged,
)
_LINT: Final[tuple[Check, ...]] = (
    inbound_required_on_public_mx,
    opportunistic_floor_high,
    rule_shadowed,
    rule_weaker_than_default,
    mail_to_oneself,
)

# The checks that run in every audit, whatever the standard; they need no parameters.
LINT: Final = {_id(module): module for module in _LINT}
# All that a requirement of a standard can name.
CHECKS: Final = {**{_id(module): module for module in _CHECKS}, **LINT}


@cache
def documentation() -> dict[str, str]:
    """Return the documentation of every check by its id."""
    return {_id(module): cleandoc(module.__doc__ or "") for module in (*_CHECKS, *_LINT, exception_expired)}
