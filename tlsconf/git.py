"""What git says of a repository: where it lies, and which commit a revision is."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from subprocess import Popen

_PATIENCE: Final = 60  # seconds for git to answer
_ENVIRONMENT: Final = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
_OF_A_HOOK: Final = ("GIT_DIR", "GIT_WORK_TREE")  # the hook's repository, whatever folder is asked for
_VAGUE: Final = "Needed a single revision"


class Repository(NamedTuple):
    """A repository as git is asked for it: from a folder, in an environment. Nothing asked here runs a hook, a filter or a pager."""

    folder: str
    environment: dict[str, str]

    def top(self) -> str:
        """Return the folder at the top of the work tree, without links. Raises `EnvironmentFailedError` where there is none."""
        return self.ask("rev-parse", "--show-toplevel")

    def commit(self, rev: str) -> str:
        """Return the id of a commit. Raises `EnvironmentFailedError` with the reason where `rev` is none, or may be two."""
        verify = ("-c", "core.warnAmbiguousRefs=true", "rev-parse", "--verify", "--end-of-options", f"{rev}^{{commit}}")
        answer, said = self._run(verify)
        ambiguous = any("refname" in line and "ambiguous" in line for line in said.splitlines())
        if answer is not None and not ambiguous:
            return answer
        told = _reason(said)
        if answer is not None:
            told = f"it may be a branch or a tag; say refs/heads/{rev} or refs/tags/{rev}"
        elif told == _VAGUE:
            told = "the repository has no such commit"
            if self._run(("rev-parse", "--is-shallow-repository"))[0] == "true":
                told += "; it is a shallow clone, for which it must be fetched first (`git fetch --unshallow` fetches all)"
        message = f"revision `{rev}`: {told}"
        raise EnvironmentFailedError(message)

    def ask(self, *arguments: str) -> str:
        """Return what git answers, without the end of the line. Raises `EnvironmentFailedError` with git's reason where it fails."""
        answer, said = self._run(arguments)
        if answer is None:
            message = f"git: {_reason(said)}"
            raise EnvironmentFailedError(message)
        return answer

    def start(self, *arguments: str) -> Popen[bytes]:
        """Start a git that reads and writes pipes. Raises `EnvironmentFailedError`."""
        import subprocess

        try:
            return subprocess.Popen(  # noqa: S603  (fixed arguments)
                self._command(arguments),
                env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        except OSError as error:
            raise _no_git(error) from None

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        return ["git", "-C", self.folder, *arguments]

    def _run(self, arguments: tuple[str, ...]) -> tuple[str | None, str]:
        """Return what git answers, `None` where it failed, and what it said on stderr."""
        import subprocess

        try:
            done = subprocess.run(  # noqa: S603  (a revision can't be taken for an option)
                self._command(arguments),
                env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False,
            )  # fmt: skip
        except OSError as error:
            raise _no_git(error) from None
        except subprocess.TimeoutExpired:
            message = f"git gave no answer in {_PATIENCE} seconds"
            raise EnvironmentFailedError(message) from None
        except ValueError:  # a NUL, or what no file name can hold
            return None, f"fatal: {_VAGUE}"
        answer = os.fsdecode(done.stdout).removesuffix("\n") if done.returncode == 0 else None
        return answer, done.stderr.decode(errors="replace")


def here() -> Repository:
    """Return the repository that the user, or the hook that runs, stands in. Raises `EnvironmentFailedError` where there is none."""
    return _found(Repository(".", dict(os.environ) | _ENVIRONMENT))


def around(folder: str) -> Repository:
    """Return the repository that a folder lies in. Raises `EnvironmentFailedError` where it lies in none.

    A hook's environment names the hook's repository, and git would take any folder for its top; so git is asked without, and as the hook
    says only where it finds nothing by itself.
    """
    own = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    found = Repository(folder, own | _ENVIRONMENT)
    try:
        return _found(found)
    except EnvironmentFailedError:
        if "GIT_DIR" not in os.environ:
            raise
        return here()


def _found(repository: Repository) -> Repository:
    repository.ask("rev-parse", "--git-dir")
    return repository


def _reason(said: str) -> str:
    """Return the sentence of git's complaint that says why; what follows it is advice."""
    lines = [line for line in said.splitlines() if line.startswith(("error: ", "fatal: "))]
    telling = [line for line in lines if _VAGUE not in line] or lines or ["fatal: git failed without a reason"]
    return telling[0].partition(": ")[2]


def _no_git(error: OSError) -> EnvironmentFailedError:
    reason = "it is not installed, and a revision is read by it" if isinstance(error, FileNotFoundError) else error.strerror
    return EnvironmentFailedError(f"git: {reason}")
