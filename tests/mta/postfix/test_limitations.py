"""Each limitation is documented and has an id that its name gives."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tlsconf.mta.postfix.limitations import LIMITATIONS

ARGUMENTS: dict[str, Any] = {
    "kind": "different",
    "added": ["A"],
    "lost": ["B"],
    "groups": ["A"],
    "suites": ["A"],
    "rule": "r",
    "version": "TLSv1.3",
    "listener": "TLSv1.2",
    "hosts": ["[192.0.2.1]:25"],
}


@pytest.mark.parametrize("function", LIMITATIONS)
def test_documented(function: Any) -> None:
    paragraphs = inspect.getdoc(function).split("\n\n")  # type: ignore[union-attr]
    assert [paragraph.split(":")[0] for paragraph in paragraphs[1:]] == ["What", "Why", "Instead", "Remedy", "Source"]


@pytest.mark.parametrize("function", LIMITATIONS)
def test_id_is_the_name(function: Any) -> None:
    limitation = function(**{name: ARGUMENTS[name] for name in inspect.signature(function).parameters})
    assert limitation.id == function.__name__.replace("_", "-")
    assert "\n" not in limitation.message
