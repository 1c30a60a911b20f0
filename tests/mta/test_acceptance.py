"""Limitations against acceptances: what stops a render, and what is accepted in vain."""

from __future__ import annotations

import pytest

from tlsconf.mta.acceptance import not_accepted, without_match
from tlsconf.plan import Kind, Limitation
from tlsconf.policy import Acceptance


def gap(identifier: str, kind: Kind, *rules: str) -> Limitation:
    return Limitation(identifier, kind, rules, "")


def accept(identifier: str, *rules: str) -> Acceptance:
    return Acceptance(identifier, rules, "")


@pytest.mark.parametrize(("kind", "stops"), [("stricter", False), ("different", False), ("weaker", True), ("missing", True)])
def test_only_what_is_weaker_or_missing_stops(kind: Kind, *, stops: bool) -> None:
    limitation = gap("a", kind)
    assert not_accepted((limitation,), ()) == ([limitation] if stops else [])


@pytest.mark.parametrize(
    ("limitation", "acceptances", "stops"),
    [
        (gap("a", "weaker"), [accept("a")], False),
        (gap("a", "weaker"), [accept("b")], True),
        (gap("a", "weaker"), [accept("a", "one")], True),
        (gap("a", "weaker", "one"), [accept("a")], True),
        (gap("a", "weaker", "one"), [accept("a", "one")], False),
        (gap("a", "weaker", "one", "two"), [accept("a", "one")], True),
        (gap("a", "weaker", "one", "two"), [accept("a", "one"), accept("a", "two")], False),
        (gap("a", "weaker", "one"), [accept("a", "one", "two")], False),
        (gap("a", "missing"), [accept("a")], False),
    ],
)
def test_each_rule_or_the_defaults_must_be_accepted(limitation: Limitation, acceptances: list[Acceptance], *, stops: bool) -> None:
    assert not_accepted((limitation,), tuple(acceptances)) == ([limitation] if stops else [])


@pytest.mark.parametrize(
    ("limitations", "acceptances", "indices"),
    [
        ([], [accept("a")], [0]),
        ([gap("a", "weaker")], [accept("a")], []),
        ([gap("a", "weaker")], [accept("b"), accept("a"), accept("a", "one")], [0, 2]),
        ([gap("a", "weaker", "one")], [accept("a", "one"), accept("a")], [1]),
        ([gap("a", "weaker", "one")], [accept("a", "one", "two")], [0]),
        ([gap("a", "weaker", "one"), gap("a", "missing", "two")], [accept("a", "one", "two")], []),
        ([gap("a", "stricter"), gap("b", "different")], [accept("a"), accept("b")], [0, 1]),
    ],
)
def test_an_acceptance_that_names_anything_that_needs_none_matches_nothing(
    limitations: list[Limitation], acceptances: list[Acceptance], indices: list[int]
) -> None:
    assert without_match(tuple(limitations), tuple(acceptances)) == indices
