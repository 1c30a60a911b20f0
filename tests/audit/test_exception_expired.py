"""An exception that has run out is told on the day after its last."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.audit.checking import EDGE
from tests.samples import place, put
from tlsconf.audit.checks import exception_expired
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

BASE = "tlsconf: 1\nname: base\noverlays: stronger\nexceptions: exceptions.yaml\noutbound: {tls: opportunistic}\n"
EXCEPTION = "{profile: sample, change: outbound-tls-lowered, owner: mail team, reason: old relay, ticket: M-1, expires: 2026-06-30}"


@pytest.mark.parametrize(("day", "found"), [(date(2026, 6, 30), 0), (date(2026, 7, 1), 1)])
def test_exception_expired(tmp_path: Path, day: date, found: int) -> None:
    profile = put(
        tmp_path,
        {
            "profile.yaml": f"{EDGE}extends: ./base.yaml\noutbound: {{tls: none}}\n",
            "base.yaml": BASE,
            "exceptions.yaml": f"- {EXCEPTION}\n",
        },
    )
    flaws = list(exception_expired.check(resolve(str(profile)), day))
    assert [place(flaw.place, tmp_path).partition(":")[0] for flaw in flaws] == ["exceptions.yaml"] * found
    assert all("2026-06-30" in flaw.message and flaw.remedy for flaw in flaws)
