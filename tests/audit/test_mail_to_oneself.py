"""The server speaks to itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (
        "as smarthost",
        {},
        [(EDGE + 'outbound:\n  smarthost: "[MX.example.com]:25"\n')],
        ["8:14: the smarthost is this server itself, [mx.example.com]:25: mail would loop (another host)"],
    ),
    (
        "on the loopback address",
        {},
        [(EDGE + 'outbound:\n  smarthost: "[127.0.0.1]:25"\n')],
        ["8:14: the smarthost is this server itself, [127.0.0.1]:25: mail would loop (another host)"],
    ),
    (
        "whatever the case of the name",
        {},
        [(EDGE + 'hosts: {mx1: {hostname: MX1.Example.com}}\noutbound:\n  smarthost: "[mx1.example.COM]"\n')],
        ["9:14: the smarthost is this server itself, [mx1.example.com]:25: mail would loop (another host)"],
    ),
    ("on the port of a content filter", {}, [(EDGE + 'outbound:\n  smarthost: "[mx.example.com]:10025"\n')], []),
    (
        "in rules",
        {},
        [
            (
                EDGE + "outbound:\n"
                "  rules:\n"
                '    - {name: x, next_hops: ["[mx.example.com]"], tls: required}\n'
                "    - {name: y, domains: [mx.example.com, a.example], mx: [mx.example.com], verify: hostname, tls: required}\n"
                '    - {name: z, domains: ["*.example.com"], tls: required}\n'
            )
        ],
        [
            "9:17: the rule `x` is for mail to this server itself, [mx.example.com]:25 (`next_hops` without [mx.example.com]:25)",
            "10:27: the rule `y` names this server itself, mx.example.com, under `domains` (`domains` without mx.example.com)",
            "10:60: the rule `y` names this server itself, mx.example.com, under `mx` (`mx` without mx.example.com)",
        ],
    ),
    (
        "one host of two",
        {},
        [
            (
                EDGE + "hosts: {mx1: {hostname: mx1.example.com}, mx2: {hostname: mx2.example.com}}\n"
                "outbound:\n"
                '  smarthost: "[mx1.example.com]:25"\n'
            )
        ],
        ["9:14: the smarthost is this server itself, [mx1.example.com]:25: mail would loop (another host)"],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_mail_to_oneself(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "mail-to-oneself", parameters, *texts, none="# nobody\n") == found
