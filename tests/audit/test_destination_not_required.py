"""Destinations by the rule that decides for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (
        "no rule and no default",
        {"domains": ["*.gov.uk"]},
        [EDGE],
        ["2:1: TLS is not required for mail to *.gov.uk (a rule with `tls: required` for *.gov.uk)"],
    ),
    (
        "the default",
        {"domains": ["*.gov.uk"]},
        [EDGE + "outbound: {tls: opportunistic}\n"],
        ["7:17: TLS is not required for mail to *.gov.uk (a rule with `tls: required` for *.gov.uk)"],
    ),
    ("a default that requires it", {"domains": ["*.gov.uk"]}, [EDGE + "outbound: {tls: required}\n"], []),
    ("a wider rule", {"domains": ["*.gov.uk"]}, [(EDGE + "outbound:\n  rules:\n    - {name: uk, domains: ['*.uk'], tls: required}\n")], []),
    (
        "a rule of its own, which is weaker",
        {"domains": ["*.gov.uk"]},
        [
            (
                EDGE + "outbound:\n"
                "  rules:\n"
                "    - {name: uk, domains: ['*.uk'], tls: required}\n"
                "    - {name: gov, domains: ['*.gov.uk'], tls: opportunistic}\n"
            )
        ],
        ["10:47: TLS is not required for mail to *.gov.uk (a rule with `tls: required` for *.gov.uk)"],
    ),
    (
        "exceptions are told",
        {"domains": ["*.gov.uk"]},
        [
            (
                EDGE + "outbound:\n"
                "  rules:\n"
                "    - {name: uk, domains: ['*.gov.uk'], tls: required}\n"
                "    - {name: x, domains: [a.gov.uk, b.gov.uk, '*.a.gov.uk', c.gov.uk, gov.uk], tls: opportunistic}\n"
            )
        ],
        [
            (
                "10:27: note: an exception: for mail to `a.gov.uk`, `b.gov.uk`, `*.a.gov.uk` and 1 more, TLS is"
                " `opportunistic` by the rule `x`"
                " (take it out once they have TLS)"
            )
        ],
    ),
    (
        "a stronger rule is no exception",
        {"domains": ["*.gov.uk"]},
        [
            (
                EDGE + "outbound:\n"
                "  rules:\n"
                "    - {name: uk, domains: ['*.gov.uk'], tls: required}\n"
                "    - {name: x, domains: [a.gov.uk], tls: required, verify: hostname}\n"
            )
        ],
        [],
    ),
    (
        "a smarthost gets all mail",
        {"domains": ["*.gov.uk"]},
        [(EDGE + 'outbound:\n  smarthost: "[r.example]:25"\n')],
        [
            (
                "8:14: TLS is not required of [r.example]:25, where mail to `*.gov.uk` goes"
                " (a rule with `tls: required` and `next_hops` of [r.example]:25)"
            )
        ],
    ),
    (
        "a smarthost that need not",
        {"domains": ["*.gov.uk"]},
        [
            (
                EDGE + "outbound:\n"
                '  smarthost: "[r.example]:25"\n'
                "  rules:\n"
                '    - {name: r, next_hops: ["[r.example]:25"], tls: opportunistic}\n'
            )
        ],
        [
            (
                "10:53: TLS is not required of [r.example]:25, where mail to `*.gov.uk` goes"
                " (a rule with `tls: required` and `next_hops` of [r.example]:25)"
            )
        ],
    ),
    (
        "a smarthost that has to",
        {"domains": ["*.gov.uk"]},
        [(EDGE + 'outbound:\n  smarthost: "[r.example]:25"\n  rules:\n    - {name: r, next_hops: ["[r.example]:25"], tls: required}\n')],
        [],
    ),
    (
        "names are compared as A-labels",
        {"domains": ["hmrc.gov.uk", "*.MÜLLER.example"]},
        [
            (
                EDGE + "outbound:\n"
                "  rules:\n"
                "    - {name: uk, domains: ['*.gov.uk'], tls: required}\n"
                "    - {name: x, domains: ['*.müller.example'], tls: opportunistic}\n"
            )
        ],
        [("10:53: TLS is not required for mail to *.xn--mller-kva.example (a rule with `tls: required` for *.xn--mller-kva.example)")],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_destination_not_required(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "destination-not-required", parameters, *texts, none="# nobody\n") == found
