"""What a check finds in a profile: values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.diagnostics import Span

Severity = Literal["error", "warning", "note"]
_SHOWN: Final = 3  # names in a message


class Flaw(NamedTuple):
    """One place where a profile does not do what is asked.

    `remedy` says what to do, in one line. `severity` is set where the flaw itself decides how bad it is, and not the requirement.
    """

    message: str
    place: Span | None
    remedy: str = ""
    severity: Severity | None = None


def named(names: Sequence[object]) -> str:
    """Return the first few of some names for a message, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"`{name}`" for name in names[:_SHOWN]) + more
