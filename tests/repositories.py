"""Real git repositories for tests, which no configuration of the machine touches."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.samples import put

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where another process finds what this one has imported: the checkout, and what lies beside it where nothing is installed.
IMPORTS: Final = os.pathsep.join(filter(None, [str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH")]))
ENVIRONMENT = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_SYSTEM": "/dev/null",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
}


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder and return what it prints."""
    command = ["git", "-C", str(folder), "-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "protocol.file.allow=always"]
    done = subprocess.run([*command, *arguments], check=True, capture_output=True, env=ENVIRONMENT, timeout=60)
    return os.fsdecode(done.stdout).removesuffix("\n")


def repository(folder: Path, files: Mapping[str, str | bytes] | None = None) -> Path:
    """Make a repository with a first commit of some files, and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, files or {"README": "nothing\n"})
    return folder


def commit(folder: Path, files: Mapping[str, str | bytes] | None = None) -> str:
    """Commit some files and all that was changed or deleted besides, and return the commit's id."""
    if files:
        put(folder, files)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=test")
    return git(folder, "rev-parse", "HEAD")
