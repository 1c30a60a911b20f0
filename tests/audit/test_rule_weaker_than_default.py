"""Rules that ask for less than the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (
        "the default is opportunistic",
        {},
        [
            (
                EDGE + "outbound:\n"
                "  rules:\n"
                "    - {name: x, domains: [a.example], tls: none}\n"
                "    - {name: y, domains: [b.example], tls: required}\n"
                "    - {name: z, domains: [c.example], tls: opportunistic, minimum_version: TLSv1.3}\n"
            )
        ],
        [
            ("9:44: the rule `x` is weaker than the default: TLS is `none`, there it is `opportunistic` (what the default says, or more)"),
            (
                "11:76: the rule `z` asks for other things than the default: hosts below TLSv1.3 get clear text"
                " (what the default says, or more)"
            ),
        ],
    ),
    (
        "the default requires a name",
        {},
        [
            (
                EDGE + "outbound:\n"
                "  tls: required\n"
                "  verify: hostname\n"
                "  rules:\n"
                "    - {name: x, domains: [a.example], tls: required, verify: none}\n"
                "    - {name: y, domains: [b.example], tls: required, verify: dane}\n"
                "    - {name: o, domains: [d.example], tls: opportunistic, verify: none}\n"
                "    - {name: m, domains: [e.example], tls: required, minimum_version: TLSv1.3}\n"
            )
        ],
        [
            ("11:62: the rule `x` is weaker than the default: it verifies `none`, there it is `hostname` (what the default says, or more)"),
            (
                "12:62: the rule `y` asks for other things than the default: it verifies `dane`, there it is `hostname`"
                " (what the default says, or more)"
            ),
            (
                "13:44: the rule `o` is weaker than the default: TLS is `opportunistic`, there it is `required`"
                " (what the default says, or more)"
            ),
        ],
    ),
    (
        "a lower floor, with suites for it",
        {},
        [
            (
                EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]}\n"
                "outbound:\n"
                "  tls: required\n"
                "  rules:\n"
                "    - {name: x, domains: [a.example], tls: required, minimum_version: TLSv1.0}\n"
            )
        ],
        [
            (
                "11:71: the rule `x` is weaker than the default: it allows TLSv1.0, there the floor is TLSv1.2"
                " (what the default says, or more)"
            )
        ],
    ),
    (
        "the suites of another floor",
        {},
        [
            (
                EDGE + "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384], opportunistic: {cipher_suites: [TLS_AES_128_GCM_SHA256]}}\n"
                "outbound:\n"
                "  rules:\n"
                "    - {name: x, domains: [a.example], tls: required}\n"
            )
        ],
        [
            (
                "10:44: the rule `x` asks for other things than the default: the cipher suites of its floor allow more"
                " (what the default says, or more)"
            )
        ],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_rule_weaker_than_default(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "rule-weaker-than-default", parameters, *texts, none="# nobody\n") == found
