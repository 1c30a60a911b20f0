"""A throw-away copy of a root in namespaces of its own: no network but loopback, and no process that outlives it."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.lab import inside, talk

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_ENVIRONMENT: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "HOME": "/root"}
_LIMIT: Final = 60.0  # seconds for a program that nobody gave a limit
_LAST_WORDS: Final = 10.0  # seconds for a sandbox to end


class SandboxError(Exception):
    """A program in a sandbox failed, or took too long; the text has its output."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended."""

    command: tuple[str, ...]
    status: int
    stdout: str
    stderr: str

    def __str__(self) -> str:
        """Return all that a person wants to see of it."""
        return f"`{' '.join(self.command)}` exited with {self.status}\n{self.stdout}{self.stderr}"


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A running sandbox; `pid` is its first process, as the machine counts."""

    pid: int

    def run(
        self,
        *command: str,
        stdin: bytes = b"",
        check: bool = True,
        timeout: float = _LIMIT,
        cwd: str = "/",
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run a program to its end. Raises `SandboxError` where it takes longer than `timeout` seconds, or fails while `check` is set."""
        argv = [*self._enter(cwd), *command]
        try:
            done = subprocess.run(argv, check=False, input=stdin, capture_output=True, timeout=timeout, env={**_ENVIRONMENT, **(env or {})})
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"`{' '.join(command)}` took more than {timeout} s\n{error.stdout!r}\n{error.stderr!r}") from None
        result = Result(
            command, done.returncode, done.stdout.decode(errors="backslashreplace"), done.stderr.decode(errors="backslashreplace")
        )
        if check and result.status != 0:
            raise SandboxError(str(result))
        return result

    def start(self, *command: str, output: str) -> None:
        """Start a program that goes on, a server, with its output in a file of the sandbox; it ends with the sandbox."""
        self.run("sh", "-c", 'output=$1; shift; "$@" < /dev/null > "$output" 2>&1 &', "sh", output, *command)

    def read(self, path: str) -> str:
        """Return a file's text. Raises `SandboxError` where there is none."""
        return self.run("cat", path).stdout

    def write(self, path: str, text: str) -> None:
        """Replace a file's text and keep its owner and mode."""
        self.run("sh", "-c", 'cat > "$1"', "sh", path, stdin=text.encode())

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file or folder."""
        return self.run("test", "-e", path, check=False).status == 0

    def put(self, folder: Path, destination: str) -> None:
        """Copy a folder of this machine to a new one in the sandbox. A tar stream, as links inside must not lead outside."""
        packed = subprocess.run(["tar", "-C", str(folder), "-c", "."], check=True, capture_output=True, timeout=_LIMIT).stdout
        self.run("mkdir", "-p", destination)
        self.run("tar", "--no-same-owner", "-C", destination, "-x", stdin=packed)

    def log(self) -> str:
        """Return all that the servers sent to syslog so far."""
        return self.read(inside.LOG)

    def talk(self, port: int = 25, host: str = "127.0.0.1", seconds: float = 20.0) -> dict[str, Any]:
        """Greet a server in the sandbox and start TLS where it is offered; see `tests.lab.talk.greet`."""
        argv = ["nsenter", "-t", str(self.pid), "-n", sys.executable, "-I", talk.__file__, host, str(port), str(seconds)]
        done = subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds + _LIMIT)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def _enter(self, cwd: str) -> list[str]:
        return ["nsenter", "-t", str(self.pid), "-m", "-u", "-n", "-p", "-r", "env", "-C", cwd]


@contextmanager
def opened(root: Path, binds: Mapping[Path, str] | None = None) -> Iterator[Sandbox]:
    """Run a sandbox over a root, which stays as it is; `binds` are folders of this machine to be seen there, read-only."""
    with tempfile.TemporaryDirectory(prefix="tlsconf-sandbox-") as work:
        own = ["setpriv", "--pdeathsig", "KILL", "unshare", "-m", "-u", "-n", "-p", "-f", "--kill-child"]
        shown = [text for source, destination in (binds or {}).items() for text in (str(source), destination)]
        command = [*own, sys.executable, "-I", inside.__file__, str(root), work, *shown]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as first:
            assert first.stdin is not None
            assert first.stdout is not None
            assert first.stderr is not None
            try:
                ready = first.stdout.readline()
                if not ready:
                    raise SandboxError(f"the sandbox did not start: {first.stderr.read()}")
                yield Sandbox(int(ready))
            finally:
                first.stdin.close()  # it ends by that, and unshare when the last process of the namespace has ended
                try:
                    first.wait(_LAST_WORDS)
                except subprocess.TimeoutExpired:
                    first.kill()
