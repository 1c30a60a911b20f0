"""Where this machine gets Debian packages from, so that the roots come from the same place."""

from __future__ import annotations

import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

SUITES: Final = ("bullseye", "bookworm", "trixie", "forky")  # Debian 11, 12, 13, 14
_ALIASES: Final = frozenset({"oldoldstable", "oldstable", "stable", "testing", "unstable", "sid", *SUITES})
_CARRIED: Final = ("Acquire::http", "Acquire::https", "Acquire::Check-", "Acquire::Retries", "Acquire::ForceIP")
_FIELDS: Final = "$(COMPONENT)\t$(REPO_URI)\t$(RELEASE)\t$(ORIGIN)"
_KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


class Archive(NamedTuple):
    """The distribution's archives as this machine names them.

    `security` is `None` where the machine has none; `options` are lines of apt.conf; `proxies` is what wget needs to go the way apt goes.
    """

    main: str
    security: str | None
    keyring: Path | None
    options: tuple[str, ...]
    proxies: dict[str, str]


class NoArchiveError(Exception):
    """This machine's apt has no Debian archive."""


@cache
def archive() -> Archive:
    """Ask apt for its archives, in whatever format they are configured. Raises `NoArchiveError`."""
    main: list[tuple[bool, str]] = []
    security: list[str] = []
    for line in _output("apt-get", "indextargets", "--format", _FIELDS, "Created-By: Packages").splitlines():
        component, uri, suite, origin = line.split("\t")
        if component != "main" or origin not in {"Debian", "", "$(ORIGIN)"}:  # the last two: nobody has updated the lists yet
            continue
        if suite in _ALIASES:
            main.append((origin != "Debian", uri))
        elif suite.removesuffix("-security") in _ALIASES or suite.endswith("/updates"):
            security.append(uri)
    if not main:
        raise NoArchiveError("apt knows no Debian archive (`apt-get indextargets` lists none)")
    config = _output("apt-config", "dump").splitlines()
    options = [line for line in config if line.startswith(_CARRIED) and not line.endswith('"";')]
    return Archive(
        main=min(main)[1].rstrip("/"),
        security=security[0].rstrip("/") if security else None,
        keyring=_KEYRING if _KEYRING.is_file() else None,
        # Snapshots, and testing for some days, are older than their Release files allow.
        options=(*options, 'Acquire::Check-Valid-Until "false";', 'Acquire::Languages "none";', 'Acquire::GzipIndexes "true";'),
        proxies=_proxies(config),
    )


def _proxies(config: list[str]) -> dict[str, str]:
    found = {}
    for scheme in ("http", "https"):
        prefix = f'Acquire::{scheme}::Proxy "'
        values = [line.removeprefix(prefix).removesuffix('";') for line in config if line.startswith(prefix)]
        if values and values[-1] not in {"", "DIRECT"} and f"{scheme}_proxy" not in os.environ:
            found[f"{scheme}_proxy"] = values[-1]
    return found


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL).stdout
