"""A version that can't be negotiated, by the floor or by the list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("both versions by default", {"version": "TLSv1.3"}, [EDGE], []),
    (
        "no suite of the version",
        {"version": "TLSv1.3"},
        [EDGE + "tls: {cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}\n"],
        ["7:7: TLSv1.3 is not offered for mail whose TLS nobody requires and received mail (suites of TLSv1.3 in the list)"],
    ),
    (
        "a floor above it",
        {"version": "TLSv1.2"},
        [EDGE + "tls: {minimum_version: TLSv1.3}\n"],
        ["7:24: TLSv1.2 is not offered for mail whose TLS nobody requires and received mail (`minimum_version: TLSv1.2`)"],
    ),
    (
        "a rule with a floor of its own is a choice",
        {"version": "TLSv1.2"},
        [(EDGE + "outbound:\n  rules:\n    - {name: new, domains: [a.example], tls: required, minimum_version: TLSv1.3}\n")],
        [],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_version_not_offered(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "version-not-offered", parameters, *texts, none="# nobody\n") == found
