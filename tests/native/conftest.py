"""Marks what needs the real programs, and says how much of it did not run, and why."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab import roots

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def root() -> Callable[[str], Path]:
    """Return a function that gives the root of a build, such as `postfix-debian-12`.

    Where it can't be had, the test is skipped; with `TLSCONF_LAB=required` in the environment it fails.
    """

    def find(name: str) -> Path:
        try:
            return roots.lease(name)
        except roots.LabError as error:
            if os.environ.get("TLSCONF_LAB") == "required":
                pytest.fail(f"TLSCONF_LAB=required: {error}")
            pytest.skip(str(error))

    return find


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker("native")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.getreports("skipped") if "tests/native/" in report.nodeid]
    if not skipped:
        return
    terminalreporter.section(f"not given to the real programs: {len(skipped)} tests")
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped if isinstance(report.longrepr, tuple))
    for reason, count in reasons.most_common():
        terminalreporter.line(f"{count:5} {reason}")
