"""Good suites come first, and the order counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (
        "a worse one before a good one",
        {"good": ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
        [
            (
                EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, "
                "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}\n"
            )
        ],
        ["7:47: TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 stands before better suites (the good suites first)"],
    ),
    (
        "good ones first",
        {"good": ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
        [
            (
                EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, "
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256]}\n"
            )
        ],
        [],
    ),
    (
        "the client's order decides",
        {"good": ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
        [
            (
                EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, "
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256], prefer_server_order: false}\n"
            )
        ],
        [
            (
                "7:147: the client's order decides, and TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256 is offered beside better suites"
                " (`prefer_server_order: true`)"
            )
        ],
    ),
    (
        "the client's order over good ones alone",
        {"good": ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
        [(EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256], prefer_server_order: false}\n")],
        [],
    ),
    (
        "nothing good at all is another matter",
        {"good": ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
        [EDGE + "tls: {cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256], prefer_server_order: false}\n"],
        [],
    ),
    (
        "TLS 1.3 has an order of its own",
        {"good": ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"]},
        [(EDGE + "tls: {cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}\n")],
        ["7:23: TLS_AES_128_GCM_SHA256 stands before better suites (the good suites first)"],
    ),
    (
        "the client's order does not matter where the server is the client",
        {"good": ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"], "scope": "outbound"},
        [
            (
                EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, "
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256], prefer_server_order: false}\n"
            )
        ],
        [],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_suites_out_of_order(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "suites-out-of-order", parameters, *texts, none="# nobody\n") == found
