"""The formats in which a report can be had."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tlsconf.report.notice import Report


class Format(StrEnum):
    """How the answer is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    GITHUB = "github"
    SARIF = "sarif"


def written(report: Report, format_: Format) -> str:
    """Return a report in any format but JSON, which each command has of its own."""
    match format_:
        case Format.MARKDOWN:
            from tlsconf.report.markdown import report_markdown as write
        case Format.GITHUB:
            from tlsconf.report.github import report_github as write
        case Format.SARIF:
            from tlsconf.report.sarif import report_sarif as write
        case _:
            from tlsconf.report.lines import report_text as write
    return write(report)
