"""Groups that have to be offered: all, or one at least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("all are there", {"groups": ["secp256r1", "X25519"]}, [EDGE], []),
    (
        "one is missing",
        {"groups": ["secp256r1", "X25519"]},
        [EDGE + "tls: {groups: [secp256r1, ffdhe2048]}\n"],
        ["7:7: X25519 is not offered for mail whose TLS nobody requires and received mail (X25519 in the list)"],
    ),
    ("one is enough", {"groups": ["secp256r1", "X25519"], "need": "one"}, [EDGE + "tls: {groups: [secp256r1, ffdhe2048]}\n"], []),
    (
        "none is there",
        {"groups": ["secp256r1", "X25519"], "need": "one"},
        [EDGE + "tls: {groups: [ffdhe2048]}\n"],
        [("7:7: none of secp256r1, X25519 is offered for mail whose TLS nobody requires and received mail (one of them in the list)")],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_group_missing(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "group-missing", parameters, *texts, none="# nobody\n") == found
