"""Every golden is installed on the stock configuration of its release, and the real server is started with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from ruamel.yaml import YAML

from tests.lab import roots, sandbox
from tests.lab.install import install
from tests.native import servers

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN: Final = Path(__file__).parents[1] / "golden"
FOLDERS: Final = sorted(path.parent for path in GOLDEN.glob("*/*/manifest.json"))


def _named(name: str) -> list[object]:
    """Return a parameter for every golden of a server."""
    return [pytest.param(path, id=f"{path.parent.name}-{path.name}") for path in FOLDERS if path.name.startswith(f"{name}-")]


def _root_of(folder: Path, root: Callable[[str], Path]) -> Path:
    if folder.name not in roots.SERVERS:
        pytest.skip(f"no real program for {folder.name}")
    return root(folder.name)


def _install(box: sandbox.Sandbox, folder: Path) -> dict[str, Any]:
    """Install a golden on a site that routes as its profile says."""
    profile = YAML(typ="safe").load(folder.parent / "profile.yaml")
    servers.prepare_site(box, folder.name.partition("-")[0], profile.get("outbound", {}).get("smarthost"))
    return install(box, folder)


@pytest.mark.parametrize("folder", _named("postfix"))
def test_postfix(folder: Path, root: Callable[[str], Path]) -> None:
    with sandbox.opened(_root_of(folder, root)) as box:
        servers.check_postfix(box, folder, _install(box, folder))


@pytest.mark.parametrize("split", [True, False], ids=["split", "single"])
@pytest.mark.parametrize("folder", _named("exim"))
def test_exim(folder: Path, root: Callable[[str], Path], split: bool) -> None:  # noqa: FBT001
    with sandbox.opened(_root_of(folder, root)) as box:
        servers.choose_exim_mode(box, split=split)
        servers.check_exim(box, _install(box, folder), split=split)


@pytest.mark.parametrize("folder", _named("sendmail"))
def test_sendmail(folder: Path, root: Callable[[str], Path]) -> None:
    with sandbox.opened(_root_of(folder, root)) as box:
        servers.check_sendmail(box, _install(box, folder))


@pytest.mark.skipif(not FOLDERS, reason="no goldens")
def test_every_build_has_a_golden() -> None:
    assert set(roots.SERVERS) <= {folder.name for folder in FOLDERS}
