"""The project's own tests, run by the Python of later Debian releases: no network, and the checkout read-only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.lab import roots, sandbox

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHECKOUT: Final = "/src"
LEFT_OUT: Final = ("--ignore", f"{CHECKOUT}/tests/native", "--ignore", f"{CHECKOUT}/tests/lab")
COMMAND: Final = (
    *("python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", CHECKOUT, "-c", f"{CHECKOUT}/pyproject.toml"),
    *("-n", "2", "-m", "not native and not lab and not programs", *LEFT_OUT, f"{CHECKOUT}/tests"),
)
ENVIRONMENT: Final = {
    "PYTHONPATH": f"{roots.DEPENDENCIES}:{CHECKOUT}",
    "PYTHONPYCACHEPREFIX": "/tmp/bytecode",  # noqa: S108  (as below: tests start Python many times)
    "HYPOTHESIS_STORAGE_DIRECTORY": "/tmp/hypothesis",  # noqa: S108  (inside the sandbox)
}


@pytest.mark.parametrize(("build", "version"), [("python-debian-13", "3.13"), ("python-debian-14", "3.14")])
def test_unit_tests_pass(root: Callable[[str], Path], build: str, version: str) -> None:
    with sandbox.opened(root(build), {roots.CHECKOUT: CHECKOUT}) as box:
        assert box.run("python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])").stdout == f"{version}\n"
        done = box.run(*COMMAND, check=False, timeout=900, cwd="/tmp", env=ENVIRONMENT)  # noqa: S108
    assert done.status == 0, str(done)
    assert " passed" in done.stdout
