"""Each limitation is documented, and named after its id."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest

from tlsconf.mta.sendmail import LIMITATIONS, limitations

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlsconf.plan import Limitation

ARGUMENTS = {"rules": ("r",), "kind": "stricter", "floor": "TLSv1.2", "minimum": "TLSv1.2"}
SUITES = ("TLS_AES_256_GCM_SHA384",)


@pytest.mark.parametrize("function", LIMITATIONS, ids=lambda function: function.__name__)
def test_a_limitation_is_documented_and_has_its_own_id(function: Callable[..., Limitation]) -> None:
    made = function(**{name: ARGUMENTS.get(name, SUITES) for name in inspect.signature(function).parameters})
    assert made.id == function.__name__.replace("_", "-")
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    assert [part.partition(":")[0] for part in paragraphs[1:]] == ["What", "Why", "Instead", "Remedy", "Source"]
    assert "\n" not in made.message


def test_all_limitations_are_listed() -> None:
    functions = {value for name, value in vars(limitations).items() if name.startswith("sendmail_")}
    assert functions == set(LIMITATIONS)
