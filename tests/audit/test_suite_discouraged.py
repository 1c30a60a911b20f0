"""Suites by a part of their names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("none of that kind", {"kinds": ["TLS_RSA_WITH_", "_CBC_"]}, [EDGE], []),
    (
        "two of these kinds",
        {"kinds": ["TLS_RSA_WITH_", "_CBC_"]},
        [(EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256]}\n")],
        [
            (
                "7:47: TLS_RSA_WITH_AES_128_CBC_SHA is offered for mail whose TLS nobody requires and received mail"
                " (a list without TLS_RSA_WITH_AES_128_CBC_SHA)"
            ),
            (
                "7:77: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 is offered for mail whose TLS nobody requires and received mail"
                " (a list without TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256)"
            ),
        ],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_suite_discouraged(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "suite-discouraged", parameters, *texts, none="# nobody\n") == found
