"""What the examples render to is committed beside them and current."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlsconf import output, pipeline

EXAMPLES = Path(__file__).parent.parent / "examples"
SCENARIOS = sorted(path.parent for path in EXAMPLES.glob("*/profile.yaml"))


def test_the_examples_are_there() -> None:
    assert [path.name for path in SCENARIOS] == ["department", "edge", "smarthost"]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_rendered_output_is_current(scenario: Path) -> None:
    prepared = pipeline.prepare(str(scenario / "profile.yaml"))
    assert {planned.target.name for planned in prepared.planned} == {"postfix", "exim", "sendmail"}
    assert output.compare(scenario / "rendered", pipeline.render(prepared, alone=True), frozenset()) == []


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)
def test_nothing_else_lies_in_rendered(scenario: Path) -> None:
    targets = pipeline.render(pipeline.prepare(str(scenario / "profile.yaml")), alone=True)
    expected = {f"{target.folder}/{file.path}" for target in targets for file in target.files} | {"manifest.json"}
    folder = scenario / "rendered"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == expected
