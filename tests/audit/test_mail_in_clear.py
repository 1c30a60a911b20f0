"""TLS is tried with everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("opportunistic is enough", {}, [EDGE], []),
    (
        "a default and a rule without",
        {},
        [(EDGE + "outbound:\n  tls: none\n  rules:\n    - {name: x, domains: [a.example], tls: none}\n")],
        [
            "8:8: mail that no rule names is sent without TLS (`tls: opportunistic`)",
            "10:44: warning: mail of the rule `x` is sent without TLS (`tls: opportunistic`)",
        ],
    ),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_mail_in_clear(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "mail-in-clear", parameters, *texts, none="# nobody\n") == found
