"""Domain patterns: which names they match, and how they become keys of a server's table."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

T = TypeVar("T")


def candidates(domain: str) -> Iterator[str]:
    """Yield every pattern that matches a name (lower case, A-labels), the most specific first.

    >>> list(candidates("a.gov.uk"))
    ['a.gov.uk', '*.gov.uk', '*.uk']
    """
    yield domain
    rest = domain
    while "." in rest:
        rest = rest.partition(".")[2]
        yield f"*.{rest}"


def most_specific(table: Mapping[str, T], domain: str) -> T | None:
    """Return the value of the most specific pattern that matches, or `None`."""
    return next((table[pattern] for pattern in candidates(domain) if pattern in table), None)


def covering(pattern: str) -> Iterator[str]:
    """Yield every pattern that matches all the names that this one matches, itself first.

    >>> list(covering("*.gov.uk"))
    ['*.gov.uk', '*.uk']
    """
    if pattern.startswith("*."):
        yield pattern
        yield from list(candidates(pattern[2:]))[1:]
    else:
        yield from candidates(pattern)


def bare_names(table: Mapping[str, T]) -> dict[str, T | None]:
    """Return, for each wildcard whose own name has no entry, that name and what decides for it (`None`: no pattern does).

    Some servers let a key `*.example.com` match `example.com` too; an entry of its own for the bare name takes that back.
    """
    names = (pattern[2:] for pattern in table if pattern.startswith("*."))
    return {name: most_specific(table, name) for name in names if name not in table}


def spellings(pattern: str) -> tuple[str, ...]:
    """Return the pattern as A-labels and, where that differs, as U-labels: servers look up what the message says (RFC 6531)."""
    if "xn--" not in pattern:
        return (pattern,)
    import idna  # only for the few who have such names

    star, name = ("*.", pattern[2:]) if pattern.startswith("*.") else ("", pattern)
    return (pattern, star + idna.decode(name))
