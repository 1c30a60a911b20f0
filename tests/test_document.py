"""What is YAML, how much of it, and where each thing stands."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.samples import line
from tlsconf import document
from tlsconf.errors import ProfileError

if TYPE_CHECKING:
    from tlsconf.diagnostics import Finding

HERE = Path()


def load(content: str | bytes) -> tuple[Any, list[str]]:
    """Return the data of a document and what is wrong with its form."""
    found: list[Finding] = []
    read = document.load("p", HERE / "p", content.encode() if isinstance(content, str) else content, found)
    return read.data, [line(finding, HERE) for finding in found]


def refusal(content: str | bytes) -> list[str]:
    """Return what is wrong with a document of which nothing can be had."""
    with pytest.raises(ProfileError) as error:
        load(content)
    return [line(finding, HERE) for finding in error.value.findings]


def span_of(text: str, *path: str | int, key: bool = False) -> tuple[int, int, int, str]:
    span = document.load("p", HERE / "p", text.encode(), []).span(path, key=key)
    return span.line, span.column, span.length, span.source


# --- what is YAML ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("a: 1\n", {"a": 1}),
        ("a: b", {"a": "b"}),
        ("\ufeffa: b\n", {"a": "b"}),
        ("a: b\r\nc:\r\n- d\r\n", {"a": "b", "c": ["d"]}),
        ("a: b\rc: d\r", {"a": "b", "c": "d"}),
        ("---\na: b\n...\n", {"a": "b"}),
        ("%YAML 1.1\n---\na: b\n", {"a": "b"}),
        ("# x\na: b # y\n", {"a": "b"}),
        ("a: \tb\n", {"a": "b"}),
        ("a: 'ü 日本'\n", {"a": "ü 日本"}),
        ("a: &x [b]\nc: *x\n", {"a": ["b"], "c": ["b"]}),
        ("a: '<<'\nb: \"!x\"\n", {"a": "<<", "b": "!x"}),
        ("a: !!str 1.2\n", {"a": "1.2"}),
        ("a: [no, off, yes, 1.2, 1.10, true, 0x10, ~]\n", {"a": ["no", "off", "yes", 1.2, 1.1, True, 16, None]}),
    ],
)
def test_a_document_is_what_the_c_parser_says(text: str, data: Any) -> None:
    assert load(text) == (data, [])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "p:1:1: the document holds nothing (a mapping that begins with `tlsconf: 1`)"),
        ("# nothing\n", "p:1:1: the document holds nothing (a mapping that begins with `tlsconf: 1`)"),
        ("hello\n", "p:1:1: the document holds a text (a mapping that begins with `tlsconf: 1`)"),
        ("- a\n", "p:1:1: the document holds a list (a mapping that begins with `tlsconf: 1`)"),
        ("12\n", "p:1:1: the document holds a number (a mapping that begins with `tlsconf: 1`)"),
        ("a: b\n---\nc: d\n", "p:2:1: a second document begins here (one document in the file)"),
        ("a: [b\n", "p:2:1: not YAML: did not find expected ',' or ']'"),
        ("a:\n\tb: c\n", "p:2:1: not YAML: found character that cannot start any token (spaces: YAML takes no tabs here)"),
        ("a: *b\n", "p:1:4: not YAML: found undefined alias"),
        ('a: "\\ud800"\n', "p:1:7: not YAML: found invalid Unicode character escape code"),
        ("%YAML 3.0\n---\na: b\n", "p:1:1: not YAML: found incompatible YAML document"),
        (b"a: caf\xe9\n", "p:1:7: byte 0xe9 is not UTF-8 (a text file in UTF-8)"),
        ("a: 1\nb: ü".encode("utf-16"), "p:1:1: byte 0xff is not UTF-8 (a text file in UTF-8)"),
        (b"\x7fELF\x02\x01\x01\x00", "p:1:1: the character U+007F is not allowed (a text file in UTF-8)"),
        (b"a: b\nc: d\x00e\n", "p:2:5: the character U+0000 is not allowed (a text file in UTF-8)"),
        ("a: ü\nc: d\x1be\n", "p:2:5: the character U+001B is not allowed (a text file in UTF-8)"),
        ("a: ü\ufffe\n", "p:1:5: the character U+FFFE is not allowed (a text file in UTF-8)"),
        ("a: !!bool abc\n", "p:1:4: `abc` can't be read as bool (text: put it between quotes)"),
        ('a: !!int ""\n', "p:1:4: `` can't be read as int (text: put it between quotes)"),
        ("a: =\n", "p:1:4: `=` can't be read as value (text: put it between quotes)"),
        (f"a: {'9' * 5000}\n", f"p:1:4: `{'9' * 57}…` can't be read as int (text: put it between quotes)"),
        ("a: {[b]: {c: d}, {e: f}: g}\n", "p:1:18: a key is a list or a mapping (a word)"),
    ],
)
def test_what_can_t_be_read_is_said_at_its_place(content: str | bytes, said: str) -> None:
    assert refusal(content)[-1] == said


QUOTES = 'quotes around a value that begins with one of : * & ! % @ ` [ ] { } , such as "::1"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [127.0.0.0/8, ::1]\n", f"p:1:18: not YAML: did not find expected node content ({QUOTES})"),
        ("a: @b\n", f"p:1:4: not YAML: found character that cannot start any token ({QUOTES})"),
        ("a: `b`\n", f"p:1:4: not YAML: found character that cannot start any token ({QUOTES})"),
    ],
)
def test_what_needs_quotes_is_told_so(text: str, said: str) -> None:
    assert refusal(text) == [said]


@pytest.mark.parametrize(
    ("text", "data", "said"),
    [
        ("a: 1\na: 2\n", {"a": 1}, ["p:2:1: the key `a` is given twice (each key once) [first here p:1:1]"]),
        (
            "a: {b: 1, b: 2}\nc: [{d: 1, d: 2, d: 3}]\n",
            {"a": {"b": 1}, "c": [{"d": 1}]},
            [
                "p:1:11: the key `b` is given twice (each key once) [first here p:1:5]",
                "p:2:12: the key `d` is given twice (each key once) [first here p:2:6]",
                "p:2:18: the key `d` is given twice (each key once) [first here p:2:6]",
            ],
        ),
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n",
            {"a": {"b": 1}, "c": {"b": 1}},
            ["p:3:3: the merge key `<<` is not allowed (an anchor and an alias for a whole value, or `extends`)"],
        ),
        ("a: !!set {b}\n", {"a": {"b"}}, ["p:1:4: a tag of this kind is not allowed (a plain value)"]),
        ("a: !!binary aGk=\n", {"a": b"hi"}, ["p:1:4: a tag of this kind is not allowed (a plain value)"]),
    ],
)
def test_mistakes_of_form_are_all_found_and_leave_the_rest_to_be_judged(text: str, data: Any, said: list[str]) -> None:
    assert load(text) == (data, said)


@pytest.mark.parametrize("tag", ["!x", "!!python/object/apply:os.system", "!<tag:example.com,2000:x>"])
def test_tags_of_other_languages_are_refused(tag: str) -> None:
    assert refusal(f"a: {tag} [b]\n") == ["p:1:4: a tag of this kind is not allowed (a plain value)"]


# --- how much --------------------------------------------------------------------------------------------------------


def test_sixteen_mebibytes_are_read_and_one_byte_more_is_not() -> None:
    most = b"a: b\n#" + b"x" * (16 * 1024 * 1024 - 6)
    assert load(most) == ({"a": "b"}, [])
    assert refusal(most + b"x") == ["p:1:1: the file is too long (16777216 bytes at the most)"]


NODES = "the document has too many nodes, aliases counted as often as they are used (1000000 nodes at the most)"


def aliases(levels: int, width: int) -> str:
    return "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]\n" for n in range(1, levels + 1))


def test_aliases_count_as_often_as_they_are_used() -> None:
    assert load(aliases(5, 9))[1] == []
    assert refusal(aliases(6, 9)) == [f"p:1:1: {NODES}"]


@pytest.mark.parametrize("text", [aliases(30, 9), aliases(5000, 2), "a: &a [*a]\n", "a: &a {b: *a}\n", "a: &a\n- b: &b [*a, *b]\n"])
def test_a_bomb_of_aliases_does_not_go_off(text: str) -> None:
    start = time.perf_counter()
    assert refusal(text) == [f"p:1:1: {NODES}"]
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("text", ["a:\n" + "- b\n" * 1100, "a: [" + "b," * 1100 + "]\n", "".join(f"a{n}: b\n" for n in range(550))])
def test_a_million_nodes_are_the_limit_without_aliases_too(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(document, "MAXIMUM_NODES", 1000)  # the same path in a thousandth of the time
    assert load(text[: len(text) // 2].rpartition("\n")[0] or "a: b")[1] == []
    (said,) = refusal(text)
    assert said.endswith(NODES)


@pytest.mark.parametrize(
    "text",
    [
        "a: " + "[" * 100_000,
        "a: " + "{b: " * 100_000,
        "a: " + "[[]," * 100_000,
        "a: " + "[x, {}, " * 100_000,
        "a: " + '["]", ' * 100_000,
        "- " * 100_000,
        "-  " * 100_000,
        "? " * 100_000,
        "?   " * 100_000,
        "a:\n" + ": " * 100_000,
        "".join(f"{' ' * depth}a:\n" for depth in range(1500)),
        "".join(f"{' ' * depth}-\n" for depth in range(1500)),
        "".join(f"{' ' * depth}a:\n{' ' * depth}-\n" for depth in range(1500)),
        "".join(f"{'  ' * depth}? a\n{'  ' * depth}:\n" for depth in range(1500)),
        "".join(" " * 100 * step + "- " * 49 + "\n" for step in range(100)),
        "".join(" " * 90 * step + "- a: b\n" for step in range(100)),
    ],
)
def test_deep_nesting_is_an_error_and_no_crash(text: str) -> None:
    start = time.perf_counter()
    (said,) = refusal(text)
    assert "the document nests too deeply (100 levels at the most)" in said or "not YAML" in said
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(
    "content",
    ["a: " + "x" * 10_000_000, "a: [" + "x, " * 300_000 + "]", "x" * 10_000_000, "[" * 49 + "x" * 10_000_000, "&" * 10_000_000],
)
def test_ten_megabytes_in_one_line_are_read_or_refused_in_time(content: str) -> None:
    start = time.perf_counter()
    try:
        load(content)
    except ProfileError as error:
        assert len(error.findings) == 1  # noqa: PT017  (either will do)
    assert time.perf_counter() - start < 30


TOKENS = st.sampled_from(
    ["a", "b: ", ": ", "- ", "-  ", "? ", "[", "]", "{", "}", ", ", "\n", " ", "  ", "&x ", "*x ", "<<: *x", "!!set ", "!!int ", "!!bool ",
     "!y ", "|\n", ">\n", '"', "'", "# ", "---\n", "...\n", "%YAML 1.1\n", "=", "~", "1", "1.2", "0x", "2024-13-45", "\t", "\r\n", "\x85",
     "\u2028", "ü"]
)  # fmt: skip


@given(st.lists(TOKENS, max_size=40).map("".join))
@example("a: &x {<<: *x}\n")
@example("? &x a\n: *x\n")
def test_no_yaml_breaks_the_reader(text: str) -> None:
    try:
        load(text)
    except ProfileError as error:
        assert error.findings  # noqa: PT017  (either will do)


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    try:
        load(content)
    except ProfileError as error:
        assert error.findings  # noqa: PT017  (either will do)


# --- where -----------------------------------------------------------------------------------------------------------

TEXT = "a:\n  b: [c, {d: e}]\nf: |\n  long\n"


@pytest.mark.parametrize(
    ("path", "span"),
    [
        (("a", "b"), (2, 6, 11, "  b: [c, {d: e}]")),
        (("a", "b", 0), (2, 7, 1, "  b: [c, {d: e}]")),
        (("a", "b", 1, "d"), (2, 14, 1, "  b: [c, {d: e}]")),
        (("a", "nothing", "more"), (2, 3, 14, "  b: [c, {d: e}]")),
        (("a", "b", 7), (2, 6, 11, "  b: [c, {d: e}]")),
        (("f",), (3, 4, 1, "f: |")),
        ((), (1, 1, 2, "a:")),
    ],
)
def test_a_key_path_has_its_place_or_that_of_its_nearest_parent(path: tuple[str | int, ...], span: tuple[int, int, int, str]) -> None:
    assert span_of(TEXT, *path) == span


def test_a_key_has_its_own_place() -> None:
    assert span_of(TEXT, "a", "b", key=True) == (2, 3, 1, "  b: [c, {d: e}]")
    assert span_of("1: a\n", 1, key=True) == (1, 1, 1, "1: a")
    assert span_of("a: 1\n? [b]\n: c\n", ("b",), key=True) == (2, 3, 3, "? [b]")  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\x85", "\u2028", "\u2029"], ids=ascii)
def test_lines_end_where_yaml_ends_them(end: str) -> None:
    assert span_of(f"a: b{end}# ü{end}c: d{end}", "c") == (3, 4, 1, "c: d")


@given(st.text(alphabet="ab \n\r\x85\u2028ü"), st.integers(1, 9), st.integers(1, 9), st.integers(0, 9) | st.none())
def test_a_stretch_of_a_line_stays_in_its_line(text: str, number: int, column: int, length: int | None) -> None:
    span = document.Document("p", HERE / "p", text, None).line_span(number, column, length)
    assert (span.line, span.column) == (number, column)
    assert 1 <= span.length <= max(1, len(span.source) - column + 1)
    assert not set(span.source) & set("\n\r\x85\u2028")
