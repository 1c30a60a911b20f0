"""A checkout to stand in, and two reports about its files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.samples import put
from tlsconf.diagnostics import Span
from tlsconf.report.notice import Notice, Report

if TYPE_CHECKING:
    from pathlib import Path

NAMES: Final = ("profiles/mx1.yaml", "profiles/mx2.yaml", "profiles/wide area.yaml", "profiles/ünïcode.yaml")
EVIL: Final = "a|b`c<img src=x onerror=alert(1)>@everyone #1 https://evil.example [x](//y) ![i](j)\n::error::x\x1b[2J\u202e%0A{0},:"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the top of a working tree that holds the files of the reports, which one stands in."""
    put(tmp_path, dict.fromkeys((*NAMES, "base.yaml", ".git/HEAD"), ""))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def typical() -> Report:
    """Return a report such as a change of a base profile makes."""
    return Report(
        "What changes for mail",
        "4 profiles compared: 1 change is weaker, 1 is a delivery risk, 2 are stronger",
        (
            Notice(
                "outbound-tls-lowered",
                "weaker",
                "error",
                "mail to hmrc.gov.uk: `tls: required` became `opportunistic`, rule `*.gov.uk` of the base is gone",
                Span("tlsconf:uk-government@2026-11", 30, 7, 12),
                Span("main:base.yaml", 12, 9, 9),
                NAMES,
                ("held → clear: offers no STARTTLS; fails the handshake", "held → TLS: self-signed certificate"),
            ),
            Notice(
                "outbound-floor-raised",
                "delivery-risk",
                "warning",
                "mail to [relay.lab.example]:587 needs TLSv1.3",
                Span("profiles/wide area.yaml", 7, 3, 24),
                Span("main:profiles/wide area.yaml", 7, 3, 24),
                (NAMES[2],),
                ("TLS → held: speaks TLSv1.2 at most",),
            ),
            Notice(
                "inbound-tls-raised", "stronger", "note", "TLS is required of every client", Span("./base.yaml", 3, 1, 3), None, NAMES[:2]
            ),
            Notice("smarthost-changed", "neutral", "note", "no smarthost", None, Span("main:base.yaml", 9, 1, 4), (NAMES[3],)),
        ),
        {
            "inbound-tls-raised": "TLS is required of every client.",
            "outbound-floor-raised": "Older versions are no longer allowed.",
            "outbound-tls-lowered": "TLS is less so now.",
            "smarthost-changed": "All mail goes elsewhere.",
        },
    )


@pytest.fixture
def hostile() -> Report:
    """Return a report of which every text is somebody else's, and that could not be completed."""
    span = Span(f"main:{EVIL}", 1, 2, 0)
    notice = Notice(EVIL, EVIL, "error", EVIL, span, span._replace(file="/nowhere/\udcff"), (f"{EVIL}.yaml", *"bcdefgh"), (EVIL, EVIL))
    return Report(EVIL, EVIL, (notice,), {}, complete=False)
