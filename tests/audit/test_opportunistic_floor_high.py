"""Opportunistic terms that send mail in clear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("the defaults", {}, [EDGE], []),
    (
        "a floor above TLS 1.2",
        {},
        [EDGE + "tls: {minimum_version: TLSv1.3}\n"],
        [
            (
                "7:24: below TLSv1.3 nothing is encrypted: others use clear text (mail whose TLS nobody requires and received mail)"
                " (`minimum_version: TLSv1.2`)"
            )
        ],
    ),
    (
        "a lower one where nobody requires TLS",
        {},
        [EDGE + "tls: {minimum_version: TLSv1.3, opportunistic: {minimum_version: TLSv1.2}}\n"],
        [],
    ),
    ("nothing is opportunistic", {}, [(EDGE + "tls: {minimum_version: TLSv1.3}\noutbound: {tls: required}\ninbound: {tls: none}\n")], []),
    (
        "suites that few speak",
        {},
        [EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384]}\n"],
        [
            (
                "7:7: none of the suites that are widely spoken in TLS 1.2 is offered: others use clear text (mail whose TLS"
                " nobody requires and received mail)"
                " (an ECDHE suite with AES-GCM for each kind of certificate)"
            )
        ],
    ),
    (
        "suites of one kind of certificate are spoken widely",
        {},
        [EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}\n"],
        [],
    ),
    (
        "the group that all know is missing",
        {},
        [EDGE + "tls: {opportunistic: {groups: [X25519]}}\n"],
        [
            (
                "7:23: secp256r1 is missing, the one group that all servers know: others use clear text (mail whose TLS nobody"
                " requires and received mail)"
                " (secp256r1 in the list)"
            )
        ],
    ),
    (
        "the own floor of an opportunistic rule",
        {},
        [(EDGE + "outbound:\n  rules:\n    - {name: x, domains: [a.example], tls: opportunistic, minimum_version: TLSv1.3}\n")],
        ["9:76: below TLSv1.3 nothing is encrypted: others use clear text (mail of the rule `x`) (`minimum_version: TLSv1.2`)"],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_opportunistic_floor_high(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "opportunistic-floor-high", parameters, *texts, none="# nobody\n") == found
