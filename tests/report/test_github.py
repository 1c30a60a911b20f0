"""What GitHub makes of the workflow commands: they are read as its runner reads them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.report.conftest import EVIL, NAMES
from tlsconf.diagnostics import Span
from tlsconf.report.github import report_github
from tlsconf.report.notice import Notice, Report
from tlsconf.report.text import printable

if TYPE_CHECKING:
    from pytest_regressions.file_regression import FileRegressionFixture

pytestmark = pytest.mark.usefixtures("checkout")


class Command(NamedTuple):
    """A workflow command as the runner understands it."""

    name: str
    properties: dict[str, str]
    message: str


def commands(report: Report) -> list[Command]:
    """Read the lines: properties end at a comma, values at `::`, and the escapes are undone."""
    found = []
    for line in report_github(report).split("\n"):
        matched = re.fullmatch(r"::(error|warning|notice) (.*?)::(.*)", line)
        assert matched, line
        name, properties, message = matched.groups()
        pairs = [pair.split("=", 1) for pair in properties.split(",")]
        plain = {key: _plain(value.replace("%3A", ":").replace("%2C", ",")) for key, value in pairs}
        found.append(Command(name, plain, _plain(message)))
    return found


def _plain(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def test_typical(typical: Report, file_regression: FileRegressionFixture) -> None:
    file_regression.check(report_github(typical), extension=".txt")


def test_hostile(hostile: Report, file_regression: FileRegressionFixture) -> None:
    file_regression.check(report_github(hostile), extension=".txt")


def test_no_text_becomes_a_command_or_a_property(hostile: Report) -> None:
    error, summary = commands(hostile)
    assert error.properties == {"title": printable(f"{EVIL}: {EVIL}")}
    assert error.message.split("\n")[0] == printable(EVIL)
    assert summary == Command("error", {"title": printable(EVIL)}, printable(EVIL))  # the run was not complete


def test_an_annotation_stands_at_the_place(typical: Report) -> None:
    warning = commands(typical)[1]
    assert warning.name == "warning"
    assert warning.properties == {
        "file": "profiles/wide area.yaml", "line": "7", "col": "3", "endColumn": "27", "title": "delivery-risk: outbound-floor-raised",
    }  # fmt: skip
    assert warning.message.split("\n") == [
        "mail to [relay.lab.example]:587 needs TLSv1.3",
        "main:profiles/wide area.yaml:7:3 → profiles/wide area.yaml:7:3",
        "TLS → held: speaks TLSv1.2 at most",
    ]


def test_a_place_outside_the_checkout_is_told_at_the_profile(typical: Report) -> None:
    error = commands(typical)[0]
    assert error.properties == {"file": NAMES[0], "line": "1", "title": "weaker: outbound-tls-lowered"}
    assert "main:base.yaml:12:9 → tlsconf:uk-government@2026-11:30:7" in error.message


def test_the_summary_comes_last(typical: Report) -> None:
    assert commands(typical)[-1] == Command("notice", {"title": typical.title}, typical.summary)


def test_the_summary_is_among_the_ten_notices_that_github_shows() -> None:
    notes = [Notice("id", "neutral", "note", f"note {number}", Span("base.yaml", 1, 1, 1)) for number in range(20)]
    worse = [Notice("id", "weaker", "error", f"error {number}", Span("base.yaml", 1, 1, 1)) for number in range(20)]
    found = commands(Report("Title", "summary", (*worse, *notes), {}))
    assert [command.message for command in found if command.name == "error"] == [notice.message for notice in worse]
    assert [command.name for command in found].count("notice") == 10
    assert found[-1].message == "summary (11 notes are not shown here)"
