"""Findings for people at a terminal: the line, the spot underlined, what was expected."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tlsconf.diagnostics import Finding, Span

_WIDTH: Final = 100  # how much of a long line is shown
_MOST: Final = 100  # findings shown; a list of 100,000 bad names needs no more
_RED: Final = "\x1b[1;31m"
_BOLD: Final = "\x1b[1m"
_PLAIN: Final = "\x1b[0m"


def findings_text(findings: Iterable[Finding], *, colour: bool) -> str:
    """Return findings in the order of their places, at most a hundred of them."""
    ordered = sorted(findings, key=lambda f: (f.span.file, f.span.line, f.span.column) if f.span else ("", 0, 0))
    shown = [_finding(finding, colour=colour) for finding in ordered[:_MOST]]
    if len(ordered) > _MOST:
        shown.append(f"… and {len(ordered) - _MOST} more\n")
    return "".join(shown)


def printable(text: str) -> str:
    """Return text without anything that a terminal obeys: control and format characters (also bidirectional ones) are spelt out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" if ord(c) > 0xFF else f"\\x{ord(c):02x}" for c in text)  # noqa: PLR2004


def unicode_only(text: str) -> str:
    """Return text that JSON can hold: a byte that is no text, as names of files may have, is spelt out."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _finding(finding: Finding, *, colour: bool) -> str:
    mark, bold, plain = (_RED, _BOLD, _PLAIN) if colour else ("", "", "")
    text = f"{mark}error{plain}{bold}: {printable(finding.message)}{plain}\n"
    if finding.span is not None:
        note = (
            f"expected {printable(finding.expected)}"
            if finding.expected and not finding.expected.startswith("did you")
            else finding.expected
        )
        text += _excerpt(finding.span, printable(note), mark, plain)
    for label, span in finding.related:
        text += _excerpt(span, printable(label), mark, plain)
    return text + "\n"


def _excerpt(span: Span, note: str, mark: str, plain: str) -> str:
    number = str(span.line)
    margin = " " * len(number)
    start = max(0, span.column - 1 - _WIDTH // 2) if len(span.source) > _WIDTH else 0
    piece = span.source[start : start + _WIDTH]
    before = piece[: span.column - 1 - start]
    under = piece[span.column - 1 - start : span.column - 1 - start + span.length]
    lead = "…" if start else ""
    tail = "…" if start + _WIDTH < len(span.source) else ""
    indent = " " * (_columns(printable(before)) + len(lead))
    return (
        f"{margin}--> {printable(span.file)}:{span.line}:{span.column}\n"
        f"{margin} |\n"
        f"{number} | {lead}{printable(piece)}{tail}\n"
        f"{margin} | {indent}{mark}{'^' * max(1, _columns(printable(under)))}{plain} {note}".rstrip()
        + "\n"
    )


def _columns(text: str) -> int:
    """Return how many columns a terminal uses for a text (Unicode standard annex 11)."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
