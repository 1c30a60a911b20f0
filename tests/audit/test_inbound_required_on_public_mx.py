"""Everybody has to use TLS to send here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("opportunistic", {}, [EDGE], []),
    (
        "required of all",
        {},
        [EDGE + "inbound: {tls: required}\n"],
        [
            (
                "7:16: TLS is required of every sender: if this is a public MX, mail of senders without TLS never arrives"
                " (`tls: opportunistic`, and rules for those who have to use TLS)"
            )
        ],
    ),
    (
        "behind a smarthost a note is enough",
        {},
        [(EDGE + 'inbound: {tls: required}\noutbound: {smarthost: "[r.example]:25"}\n')],
        [
            (
                "7:16: note: TLS is required of every sender: if this is a public MX, mail of senders without TLS never arrives"
                " (`tls: opportunistic`, and rules for those who have to use TLS)"
            )
        ],
    ),
    ("required of some", {}, [(EDGE + "inbound:\n  rules:\n    - {name: x, senders: [a.example], tls: required}\n")], []),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_inbound_required_on_public_mx(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "inbound-required-on-public-mx", parameters, *texts, none="# nobody\n") == found
