"""The command line, run inside the test's own process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tlsconf.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


class Done(NamedTuple):
    """What a command did: its exit code, and what it printed on which stream."""

    code: object
    out: str
    err: str


@pytest.fixture
def tlsconf(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Return a function that runs `tlsconf` with arguments."""

    def run(*arguments: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["tlsconf", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main()
        out, err = capsys.readouterr()
        return Done(exit_.value.code, out, err)

    return run


@pytest.fixture
def edge() -> Path:
    """Return the example of an edge server."""
    return EXAMPLES / "edge" / "profile.yaml"


@pytest.fixture
def smarthost() -> Path:
    """Return the example of a branch office, which leaves a rule of its base aside."""
    return EXAMPLES / "smarthost" / "profile.yaml"


@pytest.fixture
def department() -> Path:
    """Return the example with two hosts."""
    return EXAMPLES / "department" / "profile.yaml"
