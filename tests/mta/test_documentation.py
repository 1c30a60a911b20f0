"""Every limitation of every server is documented in one form, and its id is its own."""

from __future__ import annotations

from collections import Counter

import pytest

from tlsconf.mta import NAMES, load
from tlsconf.mta.documentation import limitation_documents

DOCUMENTS = limitation_documents()


def test_every_limitation_has_an_id_of_its_own_that_begins_with_its_server() -> None:
    ids = [function.__name__.replace("_", "-") for name in NAMES for function in load(name).LIMITATIONS]
    assert [identifier for identifier, count in Counter(ids).items() if count > 1] == []
    assert list(DOCUMENTS) == ids
    assert [identifier for identifier in ids if identifier.partition("-")[0] not in NAMES] == []


@pytest.mark.parametrize("identifier", DOCUMENTS)
def test_a_limitation_says_what_why_what_instead_and_what_to_do(identifier: str) -> None:
    headline, _, rest = DOCUMENTS[identifier].partition("\n\n")
    assert "\n" not in headline
    assert headline
    assert [paragraph.partition(":")[0] for paragraph in rest.split("\n\n")] == ["What", "Why", "Instead", "Remedy", "Source"]
