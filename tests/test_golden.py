"""Every case, server and release, byte for byte: tests/golden/<case>/<server>-<host>/."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tlsconf import pipeline

if TYPE_CHECKING:
    from pytest_regressions.file_regression import FileRegressionFixture

    from tlsconf.render import RenderedFile

GOLDEN = Path(__file__).parent / "golden"
CASES = sorted(path.parent.name for path in GOLDEN.glob("*/profile.yaml"))


@cache
def rendered(case: str) -> dict[str, tuple[RenderedFile, ...]]:
    """Render a case; keys are the names of its golden folders."""
    prepared = pipeline.prepare(str(GOLDEN / case / "profile.yaml"))
    return {f"{item.target}-{item.host}": item.files for item in pipeline.render(prepared, alone=True)}


@pytest.mark.parametrize("case", CASES)
def test_rendered_files_equal_their_goldens(case: str, file_regression: FileRegressionFixture) -> None:
    for folder, files in rendered(case).items():
        for file in files:
            path = GOLDEN / case / folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            file_regression.check(file.text, fullpath=path, extension=path.suffix)


@pytest.mark.parametrize("case", CASES)
def test_no_golden_is_orphaned(case: str) -> None:
    expected = {f"{folder}/{file.path}" for folder, files in rendered(case).items() for file in files}
    found = {str(path.relative_to(GOLDEN / case)) for path in (GOLDEN / case).glob("*-*/**/*") if path.is_file()}
    assert found - expected == set()


def test_no_case_is_orphaned() -> None:
    assert sorted(path.name for path in GOLDEN.iterdir()) == CASES


def test_every_server_and_platform_of_the_lab_has_a_golden() -> None:
    releases = [f"debian-{number}" for number in (11, 12, 13, 14)]
    servers = {f"{server}-{release}" for server in ("postfix", "exim", "sendmail") for release in releases} | {"exim-openssl"}
    assert {folder for case in CASES for folder in rendered(case)} == servers
