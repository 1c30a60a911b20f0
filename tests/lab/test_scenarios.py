"""The lab asks everything that the law says, and every question has a name of its own."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.lab import kinds, limited, mutations, report, roots
from tests.lab.judge import TOLD, Result, token
from tests.lab.run import Run
from tests.lab.scenarios import Scenario, all_scenarios
from tlsconf.law import Certificate, Tlsa
from tlsconf.mta.documentation import limitation_documents
from tlsconf.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Callable

SCENARIOS = all_scenarios()
# As rules in the scenario `rules`, and as defaults in one scenario each.
POLICIES = ("none", "opportunistic", "required", "hostname", "dane", "dane-required")
DEFAULTS = ("nothing", "rules", "required-any", "required", "dane-default", "dane-required-default")
# The rows of the law's table for receiving hosts, by what a kind must be like.
ROWS: dict[str, Callable[[kinds.Host], bool]] = {
    "offers no STARTTLS": lambda h: not h.starttls and h.tlsa is Tlsa.NONE,
    "valid": lambda h: h == kinds.Host(),
    "below the floor": lambda h: h.session == kinds.TLS11 and h.tlsa is Tlsa.NONE,
    "suites outside": lambda h: h.session == kinds.CBC,
    "self-signed": lambda h: h.certificate == "self-signed" and h.tlsa is Tlsa.NONE,
    "another name": lambda h: h.certificate == "other-name",
    "expired": lambda h: h.certificate == "expired",
    "handshake fails": lambda h: h.fault == "garbage" and h.tlsa is Tlsa.NONE,
    "454": lambda h: h.fault == "454" and h.tlsa is Tlsa.NONE,
    "matching": lambda h: h.tlsa is Tlsa.MATCHING and h.certificate == "self-signed" and h.starttls and not h.fault,
    "not matching": lambda h: h.tlsa is Tlsa.NOT_MATCHING,
    "TLSA, no STARTTLS": lambda h: h.tlsa is Tlsa.MATCHING and not h.starttls,
    "TLSA, handshake fails": lambda h: h.tlsa is Tlsa.MATCHING and h.fault == "garbage",
    "TLSA, below the floor": lambda h: h.tlsa is Tlsa.MATCHING and h.session == kinds.TLS11,
    "lookup fails": lambda h: h.tlsa is Tlsa.LOOKUP_FAILS,
    "unusable": lambda h: h.tlsa is Tlsa.UNUSABLE and h.starttls,
}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_cells_have_names_of_their_own(scenario: Scenario) -> None:
    ids = [*(cell.id for cell in scenario.outbound), *(cell.id for cell in scenario.inbound)]
    assert [name for name, count in Counter(ids).items() if count > 1] == []
    assert len({token(name) for name in ids}) == len(ids)


@pytest.mark.parametrize(("row", "policy"), list(product(ROWS, POLICIES)))
def test_every_row_is_asked_under_every_policy(row: str, policy: str) -> None:
    default = DEFAULTS[POLICIES.index(policy)]
    for scenario, rule in (("rules", policy), (default, "opportunistic" if default == "rules" else "default")):
        found = next(s for s in SCENARIOS if s.name == scenario)
        asked = [found.hosts[cell.host][0] for cell in found.outbound if cell.id.startswith(f"out/{scenario}/{rule}/")]
        assert any(ROWS[row](host) for host in asked)


def test_a_certificate_is_judged_by_the_names_that_count() -> None:
    judged = {name: kinds.Host(name).judged(("*.named.test", "relay.named-wildcard.test")) for name in ("valid", "named", "named-below")}
    assert judged == {"valid": Certificate.OTHER_NAME, "named": Certificate.VALID, "named-below": Certificate.VALID}
    assert kinds.Host("named").judged(()) is Certificate.OTHER_NAME


def test_errors_on_purpose_name_cells_that_are_there() -> None:
    known = {cell.id for scenario in SCENARIOS for cell in scenario.outbound} | {
        cell.id for scenario in SCENARIOS for cell in scenario.inbound
    }
    named = {name for mutation in mutations.MUTATIONS for name in mutation.cells if not name.endswith(TOLD)}
    assert named <= known
    assert {mutation.build for mutation in mutations.MUTATIONS} <= set(roots.SERVERS)
    assert len(mutations.MUTATIONS) >= 12


def test_limitations_that_change_a_cell_are_limitations() -> None:
    assert set(limitation_documents()) >= limited.KNOWN


def test_what_a_result_is() -> None:
    kept = Result("out/x", "TLS", "TLS", expected="TLS")
    limited_ = Result("out/x", "clear", "held", expected="held", limitations=("some",))
    claimed_only = Result("out/x", "clear", "clear", expected="held", limitations=("some",))
    wrong = Result("out/x", "held", "clear", expected="held")
    assert [(r.is_kept, r.is_limited, r.is_broken) for r in (kept, limited_, claimed_only, wrong)] == [
        (True, False, False), (False, True, False), (True, False, True), (False, False, True),
    ]  # fmt: skip


def test_the_report_counts_cells_and_forgets_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roots, "release", lambda _: "4.96")
    results = (
        Result("out/s/a", "TLS", "TLS"),
        Result("out/s/b", "clear", "held", expected="held", limitations=("some",)),
        Result("in/s/received", "x", "x"),
    )
    made = report.made_from([Run("exim-debian-12", "s", Plan("exim", "4.96", ()), results, 1.0)])
    assert made["exim-debian-12"]["cells"] == {"out": [1, 2], "in": [0, 0], "all": [1, 1]}
    assert made["exim-debian-12"]["limitations"] == {"some": 1}
    assert "| Exim 4.96, Debian 12 | 1 of 2 | 0 of 0 | 1 of 1 | 1 |" in report.table(made)
    monkeypatch.setattr(report, "kept", lambda: {"exim-debian-12": {**made["exim-debian-12"], "release": "4.97"}})
    assert report.is_current(made)
    monkeypatch.setattr(report, "kept", dict)
    assert not report.is_current(made)


def test_the_report_that_is_kept_has_every_build_and_nothing_broken() -> None:
    kept = report.kept()
    assert set(kept) == set(roots.SERVERS)
    for entry in kept.values():
        missing = sum(cells - held for held, cells in entry["cells"].values())
        assert sum(entry["limitations"].values()) >= missing
        assert entry["cells"]["all"][0] == entry["cells"]["all"][1]


def test_every_limitation_is_shown() -> None:
    cells = {identifier for entry in report.kept().values() for identifier in entry["limitations"]}
    tests = (roots.CHECKOUT / "tests/native/test_limitations.py").read_text()
    by_test = {identifier for identifier in limitation_documents() if f'"{identifier}"' in tests}
    # No build of the lab is without `tls_config_file`.
    assert set(limitation_documents()) - cells - by_test == {"postfix-tls13-suites-fixed"}
