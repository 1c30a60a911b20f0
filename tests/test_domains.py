"""Patterns: what matches, in which order, and how they become keys of a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsconf.domains import bare_names, candidates, covering, most_specific, spellings

LABELS = st.sampled_from(["a", "b", "c"])
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PATTERNS = st.builds(lambda star, name: f"*.{name}" if star else name, st.booleans(), NAMES)
TABLES = st.dictionaries(PATTERNS, st.integers())


def matches(pattern: str, name: str) -> bool:
    """Match as the design words it: a name itself alone, a wildcard any subdomain and not the name."""
    return name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("uk", ["uk"]),
        ("gov.uk", ["gov.uk", "*.uk"]),
        ("a.b.gov.uk", ["a.b.gov.uk", "*.b.gov.uk", "*.gov.uk", "*.uk"]),
    ],
)
def test_candidates_come_from_the_most_specific_on(name: str, patterns: list[str]) -> None:
    assert list(candidates(name)) == patterns


@given(PATTERNS, NAMES)
def test_a_pattern_is_a_candidate_exactly_where_it_matches(pattern: str, name: str) -> None:
    assert (pattern in candidates(name)) is matches(pattern, name)


@given(TABLES, NAMES)
def test_the_most_specific_pattern_is_exact_before_wildcard_and_longer_before_shorter(table: dict[str, int], name: str) -> None:
    fitting = sorted((pattern for pattern in table if matches(pattern, name)), key=lambda pattern: (pattern != name, -len(pattern)))
    assert most_specific(table, name) == (table[fitting[0]] if fitting else None)


@given(PATTERNS, PATTERNS)
def test_a_pattern_covers_another_where_it_matches_all_its_names(pattern: str, other: str) -> None:
    sample = f"x.{other[2:]}" if other.startswith("*.") else other
    assert (pattern in covering(other)) is matches(pattern, sample)


@pytest.mark.parametrize(
    ("table", "bare"),
    [
        ({"*.gov.uk": 1}, {"gov.uk": None}),
        ({"*.gov.uk": 1, "gov.uk": 2}, {}),
        ({"*.gov.uk": 1, "*.uk": 2}, {"gov.uk": 2, "uk": None}),
        ({"gov.uk": 1}, {}),
    ],
)
def test_bare_names_are_those_of_wildcards_without_an_entry(table: dict[str, int], bare: dict[str, int | None]) -> None:
    assert bare_names(table) == bare


@pytest.mark.parametrize(
    ("pattern", "written"),
    [
        ("example.com", ("example.com",)),
        ("*.example.com", ("*.example.com",)),
        ("xn--bcher-kva.example", ("xn--bcher-kva.example", "bücher.example")),
        ("*.xn--bcher-kva.example", ("*.xn--bcher-kva.example", "*.bücher.example")),
        ("xn--p1ai", ("xn--p1ai", "рф")),
    ],
)
def test_names_have_their_a_label_spelling_and_where_it_differs_their_u_label_spelling(pattern: str, written: tuple[str, ...]) -> None:
    assert spellings(pattern) == written
