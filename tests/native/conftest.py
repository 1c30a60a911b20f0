"""Marks what needs the real programs, and says how much of it did not run, and why."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lab import roots
from tlsconf.platforms import PLATFORMS

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
            found = roots.lease(name)
        except roots.LabError as error:
            if os.environ.get("TLSCONF_LAB") == "required":
                pytest.fail(f"TLSCONF_LAB=required: {error}")
            pytest.skip(str(error))
        if (moved := _moved(name)) is not None:
            pytest.skip(moved)
        return found

    return find


def _moved(name: str) -> str | None:
    """Return why the goldens are not for what is installed: Debian 14 is still moving. The lab renders for what is there."""
    server, _, platform = name.partition("-")
    if platform != "debian-14" or server == "python":
        return None
    golden, installed = getattr(PLATFORMS[platform], server), roots.release(name)
    same = golden.split(".")[:2] == installed.split(".")[:2]
    return None if same else f"Debian 14 has moved on: {server} {installed} is there, the goldens are for {golden}"


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
