"""Senders are offered TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE, flaws

if TYPE_CHECKING:
    from pathlib import Path

CASES: list[tuple[str, dict[str, Any], list[str], list[str]]] = [
    ("offered", {}, [EDGE], []),
    ("not offered", {}, [EDGE + "inbound: {tls: none}\n"], ["7:16: no TLS is offered to senders (`tls: opportunistic`)"]),
]


@pytest.mark.parametrize(("parameters", "texts", "found"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_starttls_not_offered(tmp_path: Path, parameters: dict[str, Any], texts: list[str], found: list[str]) -> None:
    assert flaws(tmp_path, "starttls-not-offered", parameters, *texts, none="# nobody\n") == found
