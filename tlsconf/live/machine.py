"""Asks a machine, this one or a file system below a folder: runs its programs, reads its files, changes nothing."""

from __future__ import annotations

import errno
import os
import pwd
import signal
import socket
import stat
import subprocess
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from tlsconf.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_LIMIT: Final = 60.0  # seconds for any one program
_FIELDS: Final = 4  # that a line of /etc/group has, and one of /etc/passwd at least
_MOST_LINKS: Final = 40  # as the kernel has it
_NOT_STARTED: Final = (125, 126, 127)  # chroot(1): it failed itself, the program can't be run here, or an interpreter of it is missing


class Output(NamedTuple):
    """How a program ended, and what it wrote."""

    status: int
    stdout: str
    stderr: str


class Machine:
    """A machine by its root folder. Paths are absolute, as the machine itself sees them; links never lead out of the folder."""

    def __init__(self, root: Path) -> None:
        """Look at the machine whose `/` is `root`. Raises `EnvironmentFailedError` where that can't be done here."""
        self.root: Final = root.absolute()
        self.is_this: Final = self.root == Path("/")
        self.is_privileged: Final = os.geteuid() == 0
        if not self.root.is_dir():
            message = f"{root}: no such folder"
            raise EnvironmentFailedError(message)
        if not self.is_this and not self.is_privileged:
            message = f"{root}: to run its programs (chroot), tlsconf must run as root"
            raise EnvironmentFailedError(message)

    def names(self) -> tuple[str, ...]:
        """Return what the machine is called: what is running knows its own name, a folder has it in files."""
        own = (socket.getfqdn(), socket.gethostname()) if self.is_this else ()
        lines = (line.strip() for name in ("/etc/mailname", "/etc/hostname") for line in (self.read(name) or "").splitlines())
        return tuple(dict.fromkeys(name.lower() for name in (*own, *lines) if name and not name.startswith("#")))

    def which(self, program: str) -> str | None:
        """Return where a program lies, or `None`; a path is looked at as it is."""
        places = [program] if program.startswith("/") else [f"{folder}/{program}" for folder in _PATH]
        return next((place for place in places if self.is_file(place) and os.access(self.real(place), os.X_OK)), None)

    def run(self, program: str, *arguments: str, user: str | None = None, stdin: str = "") -> Output:
        """Run a program of the machine to its end, as oneself or as `user`, in the C locale.

        Raises `EnvironmentFailedError` where there is no such program or user, it can't be run here, or it takes more than a minute.
        """
        found = self.which(program)
        if found is None:
            message = f"there is no program {program} on this machine"
            raise EnvironmentFailedError(message)
        command = [*self._enter(user), found, *arguments]
        try:
            output = _run(command, stdin.encode("utf-8", "surrogateescape"))
        except subprocess.TimeoutExpired:
            message = f"{program} did not end within {_LIMIT:.0f} s"
            raise EnvironmentFailedError(message) from None
        except OSError as error:
            self._give_up(program, error)
        if command[0] == "chroot" and output.status in _NOT_STARTED and output.stderr.startswith("chroot: "):
            message = f"{program} can't be run: {output.stderr.strip()}"
            raise EnvironmentFailedError(message)
        return output

    def read(self, path: str) -> str | None:
        """Return a file's text, `None` where there is none. Raises `EnvironmentFailedError` where it can't be read."""
        try:
            return _text(self.real(path).read_bytes())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            self._give_up(path, error)

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file or folder. Raises `EnvironmentFailedError` where that can't be seen."""
        return self.stat(path) is not None

    def is_file(self, path: str) -> bool:
        """Tell whether there is such a file: no folder, no device. Raises `EnvironmentFailedError` where that can't be seen."""
        status = self.stat(path)
        return status is not None and stat.S_ISREG(status.st_mode)

    def stat(self, path: str) -> os.stat_result | None:
        """Return a file's owner, mode and times, or `None` where there is none. Raises `EnvironmentFailedError` as `exists` does."""
        try:
            return self.real(path).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self._give_up(path, error)

    def entries(self, folder: str) -> tuple[str, ...]:
        """Return the paths of what lies in a folder, in order; nothing where there is no such folder.

        Raises `EnvironmentFailedError` where it can't be listed.
        """
        try:
            return tuple(f"{folder.rstrip('/')}/{name}" for name in sorted(os.listdir(self.real(folder))))  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            return ()
        except OSError as error:
            self._give_up(folder, error)

    def can_read(self, path: str, user: str) -> bool | None:
        """Tell whether a user of the machine can read a path; `None` where only root could find out, or there is no such user."""
        if not self.is_privileged:
            return os.access(path, os.R_OK) if self.user_id(user) == os.geteuid() else None
        if self.user_id(user) is None:
            return None
        return self.run("test", "-r", path, user=user).status == 0

    def user_id(self, user: str) -> int | None:
        """Return a user's number on the machine, or `None`."""
        entry = self._account(user)
        return None if entry is None else entry[0]

    def real(self, path: str) -> Path:
        """Return where a path of the machine lies here: its links are followed as the machine would.

        Raises `EnvironmentFailedError` where they are too many, as where they go round in circles.
        """
        if self.is_this:
            return Path(path)
        parts = list(reversed(PurePosixPath(path).parts[1:]))
        at = PurePosixPath("/")
        links = 0
        while parts:
            part = parts.pop()
            if part == "..":
                at = at.parent
                continue
            here = Path(f"{self.root}{at / part}")
            if here.is_symlink():
                links += 1
                if links > _MOST_LINKS:  # one that is left would be followed here, and out of the folder
                    self._give_up(path, OSError(errno.ELOOP, os.strerror(errno.ELOOP)))
                to = PurePosixPath(here.readlink())
                at = PurePosixPath("/") if to.is_absolute() else at
                parts += reversed([step for step in to.parts if step != "/"])
            else:
                at /= part
        return Path(f"{self.root}{at}")

    def _give_up(self, what: str, error: OSError) -> NoReturn:
        denied = isinstance(error, PermissionError) and not self.is_privileged
        message = f"{what}: {error.strerror}" + (": run tlsconf as root" if denied else "")
        raise EnvironmentFailedError(message) from None

    def _enter(self, user: str | None) -> tuple[str, ...]:
        if user is None:
            return () if self.is_this else ("chroot", str(self.root))
        if not self.is_privileged:
            message = f"to run programs as {user}, tlsconf must run as root"
            raise EnvironmentFailedError(message)
        account = self._account(user)
        if account is None:
            message = f"there is no user {user} on this machine"
            raise EnvironmentFailedError(message)
        number, group, groups = account
        return ("chroot", f"--userspec={number}:{group}", f"--groups={','.join(map(str, groups))}", str(self.root))

    def _account(self, user: str) -> tuple[int, int, tuple[int, ...]] | None:
        """Return a user's number, group and groups: of this machine by its own means, of another by its files."""
        if self.is_this:
            try:
                entry = pwd.getpwnam(user)
            except KeyError:
                return None
            return entry.pw_uid, entry.pw_gid, tuple(os.getgrouplist(user, entry.pw_gid))
        for name, _, number, group, *_ in self._fields("/etc/passwd"):
            if name == user and group.isdecimal():
                groups = [int(entry[2]) for entry in self._fields("/etc/group") if user in entry[3].split(",")]
                return int(number), int(group), (int(group), *groups)
        return None

    def _fields(self, path: str) -> Iterator[list[str]]:
        for line in (self.read(path) or "").splitlines():
            fields = line.split(":")
            if len(fields) >= _FIELDS and fields[2].isdecimal():
                yield fields


def _run(command: Sequence[str], stdin: bytes) -> Output:
    """Run a program away from the terminal, so that it can't ask; whatever it started ends with it where it takes too long."""
    pipe = subprocess.PIPE
    environment = {"PATH": ":".join(_PATH), "LC_ALL": "C"}
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True) as process:  # noqa: S603
        try:
            out, err = process.communicate(stdin, _LIMIT)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
        return Output(process.returncode, _text(out), _text(err))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
