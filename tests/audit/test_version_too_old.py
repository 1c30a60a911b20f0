"""A floor below what is asked, wherever it is in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("the defaults are new enough", {"minimum": "TLSv1.2"}, [EDGE], []),
    (
        "one floor for all that is sent and received",
        {"minimum": "TLSv1.2"},
        [EDGE + "tls: {minimum_version: TLSv1.0}\n"],
        ["7:24: TLSv1.0 is allowed for mail whose TLS nobody requires and received mail (`minimum_version: TLSv1.2`)"],
    ),
    (
        "a floor that no session uses",
        {"minimum": "TLSv1.2"},
        [EDGE + "tls: {minimum_version: TLSv1.1, opportunistic: {minimum_version: TLSv1.2}}\n"],
        [],
    ),
    (
        "the own floor of a rule",
        {"minimum": "TLSv1.2"},
        [(EDGE + "outbound:\n  rules:\n    - {name: old, domains: [a.example], tls: required, minimum_version: TLSv1.1}\n")],
        ["9:73: TLSv1.1 is allowed for mail of the rule `old` (`minimum_version: TLSv1.2`)"],
    ),
    (
        "dane makes sessions mandatory",
        {"minimum": "TLSv1.2"},
        [
            (
                EDGE + "outbound:\n"
                "  rules:\n"
                "    - {name: old, domains: [a.example], tls: opportunistic, verify: dane, minimum_version: TLSv1.1}\n"
            )
        ],
        ["9:92: TLSv1.1 is allowed for mail of the rule `old` (`minimum_version: TLSv1.2`)"],
    ),
    ("nobody requires TLS", {"minimum": "TLSv1.2", "scope": "required"}, [EDGE + "tls: {minimum_version: TLSv1.0}\n"], []),
    (
        "a listener that requires TLS is asked as required",
        {"minimum": "TLSv1.2", "scope": "required"},
        [(EDGE + "tls: {minimum_version: TLSv1.0}\ninbound: {tls: required}\n")],
        ["7:24: TLSv1.0 is allowed for received mail (`minimum_version: TLSv1.2`)"],
    ),
    (
        "inbound only",
        {"minimum": "TLSv1.2", "scope": "inbound"},
        [(EDGE + "tls: {minimum_version: TLSv1.0}\ninbound: {tls: required}\n")],
        ["7:24: TLSv1.0 is allowed for received mail (`minimum_version: TLSv1.2`)"],
    ),
    (
        "outbound only",
        {"minimum": "TLSv1.2", "scope": "outbound"},
        [EDGE + "tls: {minimum_version: TLSv1.0}\n"],
        ["7:24: TLSv1.0 is allowed for mail whose TLS nobody requires (`minimum_version: TLSv1.2`)"],
    ),
    (
        "no listener without TLS",
        {"minimum": "TLSv1.2", "scope": "inbound"},
        [(EDGE + "tls: {minimum_version: TLSv1.0}\ninbound: {tls: none}\n")],
        [],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_version_too_old(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "version-too-old", parameters, *texts, none="# nobody\n") == found
