"""What is found where a machine does not do what a profile says: values only."""

from __future__ import annotations

from typing import Literal, NamedTuple

Severity = Literal["error", "warning"]


class Discrepancy(NamedTuple):
    """One difference between a machine and a profile.

    `id` is stable; an `error` means that the promise of the profile is not kept, or that nobody can tell; a `warning` that somebody should
    look. `path` is on the machine that was looked at, `line` counts from 1; `remedy` says what to do, in one line.
    """

    id: str
    severity: Severity
    message: str
    path: str | None = None
    line: int | None = None
    remedy: str = ""


class Installed(NamedTuple):
    """The program that was found: its release as it says it (`3.7.11`), its TLS library where it says so, and the user it runs as."""

    release: str
    tls_library: str | None
    user: str
