"""Forward secrecy is there and comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("nothing else is listed", {}, [EDGE], []),
    (
        "nothing of it is listed",
        {},
        [EDGE + "tls: {cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]}\n"],
        ["7:7: no suite has forward secrecy: mail whose TLS nobody requires and received mail (ECDHE suites in the list)"],
    ),
    (
        "behind in the list, before it by version",
        {},
        [EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_RSA_WITH_AES_128_CBC_SHA]}\n"],
        [],
    ),
    (
        "static RSA first",
        {},
        [EDGE + "tls: {cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256]}\n"],
        [
            (
                "7:23: TLS_RSA_WITH_AES_128_CBC_SHA stands before suites with forward secrecy: mail whose TLS nobody requires"
                " and received mail"
                " (ECDHE suites first)"
            )
        ],
    ),
    (
        "the client's order decides",
        {},
        [EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_RSA_WITH_AES_128_CBC_SHA], prefer_server_order: false}\n"],
        [("7:99: the client's order decides, and suites without forward secrecy are offered: received mail (`prefer_server_order: true`)")],
    ),
    (
        "finite-field groups have it too",
        {},
        [EDGE + "tls: {cipher_suites: [TLS_DHE_RSA_WITH_AES_128_CBC_SHA], prefer_server_order: false}\n"],
        [],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_forward_secrecy_not_preferred(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "forward-secrecy-not-preferred", parameters, *texts, none="# nobody\n") == found
