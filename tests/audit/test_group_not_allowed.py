"""A group that is not in the standard's list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("only what is allowed", {"allowed": ["secp256r1"]}, [EDGE + "tls: {groups: [secp256r1]}\n"], []),
    (
        "one more, at its own place",
        {"allowed": ["secp256r1", "secp384r1"]},
        [EDGE + "tls: {groups: [secp256r1, ffdhe2048]}\n"],
        ["7:27: ffdhe2048 is offered for mail whose TLS nobody requires and received mail (a list without ffdhe2048)"],
    ),
    (
        "a default",
        {"allowed": ["secp256r1", "secp384r1"]},
        [EDGE],
        ["2:1: X25519 is offered for mail whose TLS nobody requires and received mail (a list without X25519)"],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_group_not_allowed(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "group-not-allowed", parameters, *texts, none="# nobody\n") == found
