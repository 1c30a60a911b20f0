"""A note says what a profile can't show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (
        "look elsewhere",
        {"subject": "the moon"},
        [EDGE],
        ["nowhere: note: not judged from a profile: the moon (another tool: no command of tlsconf looks at it)"],
    ),
    (
        "inspect looks",
        {"subject": "the moon", "inspect": True},
        [EDGE],
        ["nowhere: note: not judged from a profile: the moon (`tlsconf inspect` on the server looks at it, or at a part of it)"],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_not_judged(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "not-judged", parameters, *texts, none="# nobody\n") == found
