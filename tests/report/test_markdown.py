"""What a reader of a pull request sees: the comment is rendered as GitHub does (CommonMark with tables), and the result read."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tests.report.conftest import EVIL
from tlsconf.diagnostics import Span
from tlsconf.report.markdown import report_markdown
from tlsconf.report.notice import Notice, Report
from tlsconf.report.text import printable

if TYPE_CHECKING:
    from pytest_regressions.file_regression import FileRegressionFixture

# What the page may hold: a heading, paragraphs, one table, and what the report folds in.
TAGS = {"h2", "p", "table", "thead", "tbody", "tr", "th", "td", "code", "strong", "br", "details", "summary"}
# What GitHub and GitLab read into text outside code: mentions, references, addresses of the web and of mail.
READ_INTO = re.compile(r"[@#!$~&]\w|://|www\.|\bgh-\d|\b[0-9a-f]{7,40}\b", re.IGNORECASE)


class Page(NamedTuple):
    """A rendered comment: every tag, the text of each row's cells, each stretch in code font, and the text that is in none."""

    tags: list[tuple[str, tuple[tuple[str, str | None], ...]]]
    rows: list[list[str]]
    code: list[str]
    outside: list[str]


class Reader(HTMLParser):
    """Collects what a page holds."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.page = Page([], [], [], [])
        self.inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag, and begin what it begins."""
        self.page.tags.append((tag, tuple(attrs)))
        if tag == "br":
            self.handle_data("\n")
            return
        self.inside.append(tag)
        if tag == "tr":
            self.page.rows.append([])
        elif tag in {"td", "th"}:
            self.page.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """Leave it: tags are nested as they should be."""
        assert self.inside.pop() == tag

    def handle_data(self, data: str) -> None:
        """Add text to what it belongs to."""
        if {"td", "th"} & set(self.inside):
            self.page.rows[-1][-1] += data
        (self.page.code if "code" in self.inside else self.page.outside).append(data)


def read(report: Report) -> Page:
    """Render a report's comment and read the page."""
    reader = Reader()
    reader.feed(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(report_markdown(report)))
    reader.close()
    return reader.page


def row(**fields: object) -> list[str]:
    """Return the cells of a report's one row."""
    notice = Notice("an-id", "weaker", "error", "message", None)._replace(**fields)  # type: ignore[arg-type]
    page = read(Report("Title", "summary", (notice,), {}))
    assert {tag for tag, _ in page.tags} <= TAGS
    return page.rows[1]


def test_typical(typical: Report, file_regression: FileRegressionFixture) -> None:
    file_regression.check(report_markdown(typical), extension=".md")


def test_hostile(hostile: Report, file_regression: FileRegressionFixture) -> None:
    file_regression.check(report_markdown(hostile), extension=".md")


def test_a_row_for_each_notice(typical: Report) -> None:
    page = read(typical)
    assert [cells[0] for cells in page.rows] == ["", *(notice.label for notice in typical.notices)]
    assert all(len(cells) == 4 for cells in page.rows)
    assert page.rows[2] == [
        "delivery-risk",
        "mail to [relay.lab.example]:587 needs TLSv1.3\noutbound-floor-raiseddetailsTLS → held: speaks TLSv1.2 at most",
        "profiles/wide area.yaml",
        "main:profiles/wide area.yaml:7:3 → profiles/wide area.yaml:7:3",
    ]
    assert page.rows[4][3] == "was main:base.yaml:9:1"
    assert [tag for tag, _ in page.tags].count("strong") == 1  # only errors stand out


def test_hostile_text_is_shown_and_nothing_more(hostile: Report) -> None:
    page = read(hostile)
    assert {tag for tag, _ in page.tags} <= TAGS
    assert not any(attributes for _, attributes in page.tags)
    assert len(page.rows) == 2
    label, what, names, where = page.rows[1]
    shown = printable(EVIL)
    assert label == shown
    assert what.startswith(f"{shown}\n{shown}")
    assert names.split("\n") == [f"{shown}.yaml", "b", "c", "d", "e", "and 3 more"]
    assert where == f"/nowhere/\\udcff:1:2 → main:{shown}:1:2"
    assert READ_INTO.search(" ".join(page.outside)) is None


def test_a_run_that_was_not_complete_says_so(hostile: Report) -> None:
    assert "Not everything could be looked at." in " ".join(read(hostile).outside)


def test_nothing_found_is_the_summary() -> None:
    report = Report("What changes for mail", "3 profiles compared: no change", (), {})
    assert report_markdown(report) == "## What changes for mail\n\n3 profiles compared: no change"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("mail to hmrc.gov.uk: `required` became (more or less) opportunistic.", ["required"]),
        ("it's → better", []),
        ("`a`, `b`.", ["a", "b"]),
        ("to *.bank.example: (required + hostname), 2,048 bits", ["*.bank.example"]),
        ("to @owner and #12, GH-12 or www.evil.example", ["@owner", "#12", "GH-12", "www.evil.example"]),
        ("deadbeef1 *bold* _it_ ~x~ <b>", ["deadbeef1", "*bold*", "_it_", "~x~", "<b>"]),
        ("one ` alone <b>", ["<b>"]),
        ("`a``b`", ["a", "b"]),
        (r"\| \` x\\", ["\\", "\\", "x\\\\"]),
    ],
)
def test_words_that_could_mean_something_are_in_code_font(message: str, code: list[str]) -> None:
    page = read(Report("Title", "summary", (Notice("an-id", "weaker", "error", message, None),), {}))
    assert page.code == [*code, "an-id"]
    assert READ_INTO.search(" ".join(page.outside)) is None


TEXT = st.text(st.one_of(st.sampled_from("|`\\<>[]()!@#*_~&:/.- \n'\"ab1"), st.characters(codec="utf-8")), min_size=1, max_size=60).filter(
    str.strip
)


@given(TEXT)
def test_any_text_is_shown_as_it_is(text: str) -> None:
    shown = re.sub(r"`([^`]+)`", r"\1", printable(text))  # pairs of backticks become code font
    cells = row(message=text, id=text, label=text, profiles=(text,), details=(text,), place=Span(text, 1, 1, 1))
    loose = [re.sub(r"\s+", "", cell) for cell in cells]
    whole, inline = (re.sub(r"\s+", "", value) for value in (printable(text), shown))
    assert loose == [inline, f"{inline}{whole}details{inline}", whole, f"{whole}:1:1"]


@given(TEXT)
def test_any_title_and_summary_stay_a_heading_and_a_paragraph(text: str) -> None:
    page = read(Report(text, f"x {text}", (), {}))
    assert {tag for tag, _ in page.tags} <= {"h2", "p", "code"}
    assert READ_INTO.search(" ".join(page.outside)) is None


def test_a_long_report_fits_a_comment_and_keeps_the_worst() -> None:
    wide = [Notice(f"id-{number}", "weaker", "error", "wörd " * 1000, None, None, (), ("d" * 5000,) * 30) for number in range(50)]
    text = report_markdown(Report("Title", "summary", tuple(wide), {}))
    assert 50_000 < len(text.encode()) < 65_000
    shown = [int(number) for number in re.findall(r"`id-(\d+)`", text)]
    assert shown == list(range(len(shown)))
    assert text.endswith(f"\n{50 - len(shown)} more rows, none of them worse, are left out here.")


def test_a_comment_has_a_hundred_rows_at_most() -> None:
    notices = tuple(Notice(f"id-{number}", "weaker", "error", "message", None) for number in range(130))
    text = report_markdown(Report("Title", "summary", notices, {}))
    assert text.count("`id-") == 100
    assert text.endswith("\n\n30 more rows, none of them worse, are left out here.")
