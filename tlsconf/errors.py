"""One class per way to fail, each with its exit code."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from tlsconf.diagnostics import Finding, KeyPath


class TlsconfError(Exception):
    """An expected failure: its text is for users, and no traceback is shown."""

    exit_code: ClassVar[int] = 4


class ProfileError(TlsconfError):
    """A profile, or a file that it names, is wrong; carries every finding that could be made."""

    exit_code = 3

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        """Keep the findings, in the order in which they are shown."""
        super().__init__(f"{len(findings)} error(s) in the profile")
        self.findings = findings


class PlanError(TlsconfError):
    """A back-end can't render a policy because of one value of the profile, named by its key path."""

    exit_code = 3

    def __init__(self, path: KeyPath, message: str, expected: str = "") -> None:
        """Say what is wrong with the value at `path`, and what was expected there."""
        super().__init__(message)
        self.path = path
        self.message = message
        self.expected = expected


class UnrepresentableError(TlsconfError):
    """A text that a target's grammar can't hold, quoted or not."""

    exit_code = 3

    def __init__(self, text: str, place: str) -> None:
        """Name the text (shortened) and the place of the grammar that refuses it."""
        super().__init__(f"{text[:60]!r} can't be written as {place}")


class UsageError(TlsconfError):
    """The command line is wrong in a way that only the command itself can know."""

    exit_code = 2


class EnvironmentFailedError(TlsconfError):
    """The machine failed: a file argument or folder can't be read or written, a program is missing."""

    exit_code = 4
