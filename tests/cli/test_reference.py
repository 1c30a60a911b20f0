"""The commands that print what is built in: `schema`, `profiles` and `limitations`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from tlsconf.chain import shipped, shipped_text
from tlsconf.mta.documentation import limitation_documents
from tlsconf.profile import json_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done


def test_the_schema_is_json_schema_and_nothing_else_is_printed(tlsconf: Callable[..., Done]) -> None:
    done = tlsconf("schema")
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == json_schema()
    Draft202012Validator.check_schema(json.loads(done.out))


def test_profiles_lists_every_profile_with_its_title(tlsconf: Callable[..., Done]) -> None:
    done = tlsconf("profiles")
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [f"{name:23}  {shipped_text(name).splitlines()[0].removeprefix('# ')}" for name in shipped()]


@pytest.mark.parametrize("name", shipped())
def test_profiles_prints_one_as_it_is(tlsconf: Callable[..., Done], name: str) -> None:
    assert tlsconf("profiles", name) == (0, shipped_text(name), "")


def test_limitations_lists_every_limitation_with_its_headline(tlsconf: Callable[..., Done]) -> None:
    done = tlsconf("limitations")
    documents = limitation_documents()
    width = max(map(len, documents))
    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [f"{identifier:{width}}  {text.splitlines()[0]}" for identifier, text in documents.items()]


@pytest.mark.parametrize("identifier", limitation_documents())
def test_limitations_prints_one_in_full(tlsconf: Callable[..., Done], identifier: str) -> None:
    assert tlsconf("limitations", identifier) == (0, f"{identifier}\n\n{limitation_documents()[identifier]}\n", "")
