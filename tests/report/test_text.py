"""What a person at a terminal sees of a finding."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsconf.diagnostics import Finding, Span
from tlsconf.report.text import findings_text, printable

SPAN = Span("p.yaml", 12, 8, 4, "  tls: nome")


def shown(*findings: Finding) -> str:
    return findings_text(findings, colour=False)


def test_a_finding_is_a_headline_its_place_and_what_was_expected() -> None:
    related = (("first here", Span("base.yaml", 3, 1, 3, "tls: x")),)
    assert shown(Finding("`nome` is no level", SPAN, "`none`", related)) == (
        "error: `nome` is no level\n"
        "  --> p.yaml:12:8\n"
        "   |\n"
        "12 |   tls: nome\n"
        "   |        ^^^^ expected `none`\n"
        " --> base.yaml:3:1\n"
        "  |\n"
        "3 | tls: x\n"
        "  | ^^^ first here\n"
        "\n"
    )


@pytest.mark.parametrize(
    ("expected", "note"),
    [("`none`", " expected `none`"), ("did you mean `none`?", " did you mean `none`?"), ("", "")],
)
def test_a_near_miss_is_asked_for_as_it_is(expected: str, note: str) -> None:
    assert shown(Finding("wrong", SPAN, expected)).splitlines()[4] == f"   |        ^^^^{note}"


def test_a_finding_without_a_place_is_its_headline() -> None:
    assert shown(Finding("wrong", None, "something")) == "error: wrong\n\n"


def test_findings_come_in_the_order_of_their_places() -> None:
    places = [("b", 1, 1), ("a", 2, 7), ("a", 2, 3), ("a", 10, 1)]
    findings = [Finding(f"{file}{line}.{column}", Span(file, line, column, 1, " " * 9)) for file, line, column in places]
    heads = [line for line in shown(*findings, Finding("nowhere", None)).splitlines() if line.startswith("error")]
    assert heads == ["error: nowhere", "error: a2.3", "error: a2.7", "error: a10.1", "error: b1.1"]


def test_a_hundred_findings_are_enough() -> None:
    text = shown(*(Finding(f"number {number}", None) for number in range(250)))
    assert text.count("error: ") == 100
    assert text.endswith("error: number 99\n\n… and 150 more\n")


@pytest.mark.parametrize(
    ("source", "column", "length", "lines"),
    [
        ("ключ: x", 7, 1, ["ключ: x", "      ^"]),
        ("日本: x", 5, 1, ["日本: x", "      ^"]),  # wide characters take two columns
        ("e\u0301: x", 5, 1, ["e\u0301: x", "   ^"]),  # a combining one takes none
        ("\tx: y", 5, 1, ["\\x09x: y", "       ^"]),
        ("x: \u202ey", 4, 2, ["x: \\u202ey", "   ^^^^^^^"]),
        ("", 1, 1, ["", "^"]),
        ("short", 6, 1, ["short", "     ^"]),
    ],
)
def test_the_spot_is_underlined_by_columns_of_the_terminal(source: str, column: int, length: int, lines: list[str]) -> None:
    text = shown(Finding("wrong", Span("p", 1, column, length, source)))
    assert text.splitlines()[3:5] == [f"1 | {lines[0]}", f"  | {lines[1]}"]


@pytest.mark.parametrize("column", [1, 50, 51, 52, 5_000, 9_999, 10_000])
def test_of_a_long_line_the_part_around_the_spot_is_shown(column: int) -> None:
    source = "".join(str(number % 10) for number in range(1, 10_001))
    lines = shown(Finding("wrong", Span("p", 1, column, 1, source))).splitlines()
    at = lines[4].index("^")
    assert lines[3][at] == source[column - 1]
    assert len(lines[3]) <= 110
    assert ("…" in lines[3][:6], lines[3].endswith("…")) == (column > 51, column < 9_950)


def test_colour_is_put_around_the_mark_the_headline_and_the_spot() -> None:
    assert findings_text([Finding("wrong", SPAN)], colour=True) == (
        "\x1b[1;31merror\x1b[0m\x1b[1m: wrong\x1b[0m\n  --> p.yaml:12:8\n   |\n12 |   tls: nome\n   |        \x1b[1;31m^^^^\x1b[0m\n\n"
    )


ANY = st.text(alphabet=st.characters())


@given(ANY, ANY, ANY, ANY, st.integers(1, 200), st.integers(1, 200))
def test_nothing_that_a_terminal_obeys_gets_through(message: str, file: str, source: str, label: str, column: int, length: int) -> None:
    span = Span(file, 1, column, length, source)
    text = shown(Finding(message, span, label, ((label, span),)))
    assert {unicodedata.category(character) for character in text.replace("\n", "")} & {"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"} == set()


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain ü 日本", "plain ü 日本"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\nb\tc\x7f", "a\\x0ab\\x09c\\x7f"),
        ("\u202eevil\u2066", "\\u202eevil\\u2066"),
        ("\udcff", "\\udcff"),
        ("\U000e0001", "\\ue0001"),
    ],
)
def test_control_and_format_characters_are_spelt_out(text: str, safe: str) -> None:
    assert printable(text) == safe
