"""Every check is documented in one form, and its id is its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tlsconf.audit import checks
from tlsconf.audit.checks import CHECKS, LINT, documentation
from tlsconf.audit.parameters import NoParameters
from tlsconf.diff.catalogue import CHANGES

DOCUMENTS = documentation()


def test_every_module_is_registered_once() -> None:
    modules = {path.stem.replace("_", "-") for path in Path(checks.__path__[0]).glob("[a-z]*.py")}
    assert set(DOCUMENTS) == modules
    assert set(CHECKS) == modules - {"exception-expired"}  # a day is no parameter of a standard


def test_ids_of_checks_are_no_ids_of_changes() -> None:
    assert set(DOCUMENTS) & set(CHANGES) == set()


@pytest.mark.parametrize("identifier", DOCUMENTS)
def test_a_check_says_what_why_an_example_a_remedy_and_its_source(identifier: str) -> None:
    headline, _, rest = DOCUMENTS[identifier].partition("\n\n")
    assert "\n" not in headline
    assert headline.endswith(".")
    assert [paragraph.partition(":")[0] for paragraph in rest.split("\n\n")] == ["What", "Why", "Example", "Remedy", "Source"]


@pytest.mark.parametrize("identifier", CHECKS)
def test_every_parameter_is_documented(identifier: str) -> None:
    assert all(field.description for field in CHECKS[identifier].Parameters.model_fields.values())


@pytest.mark.parametrize("identifier", LINT)
def test_what_always_runs_needs_no_parameters(identifier: str) -> None:
    assert CHECKS[identifier].Parameters is NoParameters
    assert (Path(__file__).parent / f"test_{identifier.replace('-', '_')}.py").exists()
