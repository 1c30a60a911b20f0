"""What a person at a terminal reads of a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf.report.lines import few, report_text
from tlsconf.report.notice import Notice, Report

if TYPE_CHECKING:
    from pytest_regressions.file_regression import FileRegressionFixture


def test_typical(typical: Report, file_regression: FileRegressionFixture) -> None:
    file_regression.check(report_text(typical), extension=".txt")


def test_hostile(hostile: Report, file_regression: FileRegressionFixture) -> None:
    text = report_text(hostile)
    assert all(line.isprintable() for line in text.split("\n"))
    assert len(text.split("\n")) == 6  # no line is forged
    file_regression.check(text, extension=".txt")


def test_nothing_found_is_the_summary() -> None:
    assert report_text(Report("Title", "2 profiles compared: no change", (), {})) == "2 profiles compared: no change"


def test_a_notice_needs_neither_place_nor_profile() -> None:
    notice = Notice("id", "label", "note", "message", None)
    assert report_text(Report("Title", "summary", (notice,), {})) == "label id: message\nsummary"


def test_few_names_stand_for_many() -> None:
    assert few(["a", "b", "c"], 2) == ["a", "b", "c"]  # "and 1 more" would be no shorter
    assert few(["a", "b", "c", "d"], 2) == ["a", "b", "and 2 more"]
    assert few([]) == []
