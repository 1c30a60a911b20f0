"""A suite that is not in the standard's list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("only what is allowed", {"allowed": ["TLS_AES_256_GCM_SHA384"]}, [EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384]}\n"], []),
    (
        "one more, at its own place",
        {"allowed": ["TLS_AES_256_GCM_SHA384"]},
        [(EDGE + "tls:\n  cipher_suites:\n    - TLS_AES_256_GCM_SHA384\n    - TLS_RSA_WITH_AES_128_CBC_SHA\n")],
        [
            (
                "10:7: TLS_RSA_WITH_AES_128_CBC_SHA is offered for mail whose TLS nobody requires and received mail"
                " (a list without TLS_RSA_WITH_AES_128_CBC_SHA)"
            )
        ],
    ),
    (
        "one for opportunistic sessions only",
        {"allowed": ["TLS_AES_256_GCM_SHA384"], "scope": "required"},
        [(EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384], opportunistic: {cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}}\n")],
        [],
    ),
    (
        "defaults stand where the profile says its name",
        {
            "allowed": [
                "TLS_AES_256_GCM_SHA384",
                "TLS_AES_128_GCM_SHA256",
                "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            ]
        },
        [EDGE],
        [
            (
                "2:1: TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 is offered for mail whose TLS nobody requires and received mail"
                " (a list without TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256)"
            )
        ],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_suite_not_allowed(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "suite-not-allowed", parameters, *texts, none="# nobody\n") == found
