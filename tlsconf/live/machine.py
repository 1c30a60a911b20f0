"""Asks a machine, this one or a file system below a folder: runs its programs, reads its files, changes nothing."""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATH: Final = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
_LIMIT: Final = 60.0  # seconds for any one program
_FIELDS: Final = 4  # that a line of /etc/group has, and one of /etc/passwd at least
_MOST_LINKS: Final = 40  # as the kernel has it


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

    def hostname(self) -> str:
        """Return the machine's full name: what is running knows its own, a folder has it in a file."""
        if self.is_this:
            return socket.getfqdn().lower()
        lines = [line.strip() for name in ("/etc/mailname", "/etc/hostname") for line in (self.read(name) or "").splitlines()]
        return next((line.lower() for line in lines if line), "")

    def which(self, program: str) -> str | None:
        """Return where a program lies, or `None`; a path is looked at as it is."""
        places = [program] if program.startswith("/") else [f"{folder}/{program}" for folder in _PATH]
        return next((place for place in places if os.access(self.real(place), os.X_OK)), None)

    def run(self, program: str, *arguments: str, user: str | None = None, stdin: str = "") -> Output:
        """Run a program of the machine to its end, as root or as `user`, in the C locale.

        Raises `EnvironmentFailedError` where there is no such program, or it takes more than a minute.
        """
        found = self.which(program)
        if found is None:
            message = f"there is no program {program} on this machine"
            raise EnvironmentFailedError(message)
        command = [*self._enter(user), found, *arguments]
        try:
            done = subprocess.run(  # noqa: S603
                command,
                input=stdin.encode(),
                capture_output=True,
                check=False,
                timeout=_LIMIT,
                env={"PATH": ":".join(_PATH), "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired:
            message = f"{program} did not end within {_LIMIT:.0f} s"
            raise EnvironmentFailedError(message) from None
        except OSError as error:
            message = f"{program}: {error.strerror}"
            raise EnvironmentFailedError(message) from None
        return Output(done.returncode, _text(done.stdout), _text(done.stderr))

    def read(self, path: str) -> str | None:
        """Return a file's text, `None` where there is none. Raises `EnvironmentFailedError` where it can't be read."""
        try:
            return _text(self.real(path).read_bytes())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None
        except OSError as error:
            message = f"{path}: {error.strerror}"
            raise EnvironmentFailedError(message) from None

    def exists(self, path: str) -> bool:
        """Tell whether there is such a file or folder."""
        return self.real(path).exists()

    def stat(self, path: str) -> os.stat_result | None:
        """Return a file's owner, mode and times, or `None` where there is none."""
        try:
            return self.real(path).stat()
        except OSError:
            return None

    def entries(self, folder: str) -> tuple[str, ...]:
        """Return the paths of what lies in a folder, in order; nothing where there is no such folder."""
        try:
            return tuple(f"{folder.rstrip('/')}/{name}" for name in sorted(os.listdir(self.real(folder))))  # noqa: PTH208
        except OSError:
            return ()

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
        """Return where a path of the machine lies here: its links are followed as the machine would."""
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
            if links < _MOST_LINKS and here.is_symlink():
                links += 1
                to = PurePosixPath(here.readlink())
                at = PurePosixPath("/") if to.is_absolute() else at
                parts += reversed([step for step in to.parts if step != "/"])
            else:
                at /= part
        return Path(f"{self.root}{at}")

    def _enter(self, user: str | None) -> tuple[str, ...]:
        if user is None or not self.is_privileged:
            return () if self.is_this else ("chroot", str(self.root))
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
            if name == user:
                groups = [int(entry[2]) for entry in self._fields("/etc/group") if user in entry[3].split(",")]
                return int(number), int(group), (int(group), *groups)
        return None

    def _fields(self, path: str) -> Iterator[list[str]]:
        for line in (self.read(path) or "").splitlines():
            fields = line.split(":")
            if len(fields) >= _FIELDS:
                yield fields


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
