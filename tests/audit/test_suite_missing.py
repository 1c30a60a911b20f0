"""Suites that have to be possible: all, or one at least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("all are there", {"suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]}, [EDGE], []),
    (
        "one is missing",
        {"suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]},
        [EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}\n"],
        [
            (
                "7:7: TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 can't be used for mail whose TLS nobody requires and received mail"
                " (TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 in the list, and a floor that allows it)"
            )
        ],
    ),
    (
        "one is enough",
        {"suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"], "need": "one"},
        [EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}\n"],
        [],
    ),
    (
        "none is there",
        {"suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"], "need": "one"},
        [EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384]}\n"],
        [
            (
                "7:7: none of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 can be used for"
                " mail whose TLS nobody requires and received mail"
                " (one of them in the list, and a floor that allows it)"
            )
        ],
    ),
    (
        "a floor makes them useless",
        {"suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"], "need": "one"},
        [EDGE + "tls: {minimum_version: TLSv1.3}\n"],
        [
            (
                "7:24: none of TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 can be used for"
                " mail whose TLS nobody requires and received mail"
                " (one of them in the list, and a floor that allows it)"
            )
        ],
    ),
    (
        "a rule with a floor of its own is a choice",
        {"suites": ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]},
        [(EDGE + "outbound:\n  rules:\n    - {name: new, domains: [a.example], tls: required, minimum_version: TLSv1.3}\n")],
        [],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_suite_missing(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "suite-missing", parameters, *texts, none="# nobody\n") == found
