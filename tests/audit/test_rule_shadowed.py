"""Rules, and parts of rules, that change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws
from tests.samples import HEAD

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    (
        "on the terms of a wider pattern, or of the default",
        {},
        [
            (
                EDGE + "outbound:\n"
                "  rules:\n"
                "    - {name: g, domains: ['*.gov.uk', hmrc.gov.uk], tls: required}\n"
                "    - {name: h, domains: [dvla.gov.uk, other.example], tls: required}\n"
                "    - {name: same, domains: [a.example, b.example, c.example, d.example], tls: opportunistic}\n"
                "    - {name: hop, next_hops: ['[h.example]'], tls: opportunistic}\n"
            )
        ],
        [
            (
                "9:39: note: `hmrc.gov.uk` in the rule `g` says what a wider pattern in it says anyway"
                " (take it out, unless it shall hold by itself)"
            ),
            ("10:27: note: `dvla.gov.uk` in the rule `h` says what the rule `g` says anyway (take it out, unless it shall hold by itself)"),
            "11:30: note: the rule `same` says what the default says anyway (take it out, unless it shall hold by itself)",
            "12:7: note: the rule `hop` says what the default says anyway (take it out, unless it shall hold by itself)",
        ],
    ),
    (
        "other terms than the wider pattern",
        {},
        [
            (
                EDGE + "outbound:\n"
                "  rules:\n"
                "    - {name: g, domains: ['*.gov.uk'], tls: required}\n"
                "    - {name: v, domains: [hmrc.gov.uk], tls: required, verify: hostname}\n"
                "    - {name: w, domains: [x.hmrc.gov.uk], tls: opportunistic}\n"
            )
        ],
        [],
    ),
    (
        "taken over by an overlay",
        {},
        [
            (HEAD + "outbound:\n  rules:\n    - {name: base, domains: [a.example], tls: required}\n"),
            (EDGE + "outbound:\n  rules:\n    - {name: own, domains: [a.example], tls: required}\n"),
        ],
        [
            (
                "2.yaml:5:7: the rule `base` is for nobody: its lists are empty, or other rules have all that it names"
                " (take it out, or say for whom it is)"
            )
        ],
    ),
    (
        "a hop that is not the smarthost",
        {},
        [(EDGE + 'outbound:\n  smarthost: "[r.example]:25"\n  rules:\n    - {name: r, next_hops: ["[s.example]:25"], tls: required}\n')],
        ["10:7: the rule `r` never applies: all mail goes to [r.example]:25 (take it out, or name the smarthost in it)"],
    ),
    (
        "senders and clients within others",
        {},
        [
            (
                EDGE + "inbound:\n"
                "  rules:\n"
                "    - {name: a, senders: [x.bank.example], tls: required}\n"
                "    - {name: b, senders: ['*.bank.example'], tls: required}\n"
                "    - {name: c, clients: [192.0.2.0/25, '2001:db8::1'], tls: required}\n"
                "    - {name: d, clients: [192.0.2.0/24, '2001:db8::/32'], tls: required}\n"
            )
        ],
        [
            (
                "9:7: note: the rule `a` asks for nothing that the rule `b` does not ask for already"
                " (take it out, unless it shall hold by itself)"
            ),
            (
                "11:7: note: the rule `c` asks for nothing that the rule `d` does not ask for already"
                " (take it out, unless it shall hold by itself)"
            ),
        ],
    ),
    (
        "of two alike the second",
        {},
        [
            (
                EDGE + "inbound:\n"
                "  rules:\n"
                "    - {name: a, senders: [x.example], tls: required}\n"
                "    - {name: b, senders: [x.example], tls: required}\n"
            )
        ],
        [
            (
                "10:7: note: the rule `b` asks for nothing that the rule `a` does not ask for already"
                " (take it out, unless it shall hold by itself)"
            )
        ],
    ),
    (
        "an answer of 4xx where another rule answers 530",
        {},
        [
            (
                EDGE + "inbound:\n"
                "  rules:\n"
                "    - {name: a, senders: [x.example], tls: required, on_plaintext: defer}\n"
                "    - {name: b, senders: [x.example], tls: required}\n"
            )
        ],
        [
            (
                "9:7: note: the rule `a` asks for nothing that the rule `b` does not ask for already"
                " (take it out, unless it shall hold by itself)"
            )
        ],
    ),
    (
        "a higher floor asks for more",
        {},
        [
            (
                EDGE + "inbound:\n"
                "  rules:\n"
                "    - {name: a, senders: [x.example], tls: required, minimum_version: TLSv1.3}\n"
                "    - {name: b, senders: [x.example], tls: required}\n"
            )
        ],
        [
            (
                "10:7: note: the rule `b` asks for nothing that the rule `a` does not ask for already"
                " (take it out, unless it shall hold by itself)"
            )
        ],
    ),
    (
        "senders and clients are apart",
        {},
        [
            (
                EDGE + "inbound:\n"
                "  rules:\n"
                "    - {name: a, senders: [x.example], tls: required}\n"
                "    - {name: b, clients: [192.0.2.0/24], tls: required}\n"
            )
        ],
        [],
    ),
    (
        "required of all",
        {},
        [
            (
                EDGE + "inbound:\n"
                "  tls: required\n"
                "  rules:\n"
                "    - {name: a, senders: [x.example], tls: required}\n"
                "    - {name: b, senders: [x.example], tls: required, minimum_version: TLSv1.3}\n"
            )
        ],
        [
            (
                "10:7: note: the rule `a` asks for nothing that `inbound.tls: required` does not ask for already"
                " (take it out, unless it shall hold by itself)"
            )
        ],
    ),
    (
        "an empty list",
        {},
        [(EDGE + "inbound:\n  rules:\n    - {name: a, senders: [{file: none.txt}], tls: required}\n")],
        ["9:7: the rule `a` is for nobody: its lists are empty (take it out, or say for whom it is)"],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_rule_shadowed(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "rule-shadowed", parameters, *texts, none="# nobody\n") == found
