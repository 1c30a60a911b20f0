"""The files of one commit of a git repository, read through one process."""

from __future__ import annotations

import errno
import os
import posixpath
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Final, NamedTuple, Self, cast

from tlsconf.errors import EnvironmentFailedError
from tlsconf.files import MAXIMUM_BYTES, FileKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath
    from subprocess import Popen
    from types import TracebackType

    from tlsconf.git import Repository

_FOLDER: Final = b"40000"  # the modes of `git ls-tree`
_LINK: Final = b"120000"
_SUBMODULE: Final = b"160000"
_MOST_LINKS: Final = 40  # as Linux has it
_OUTSIDE: Final = "it lies outside the repository"


class _Entry(NamedTuple):
    """What a folder of a commit holds under a name: its mode, and the id of its object."""

    name: bytes
    mode: bytes
    oid: str


class Revision:
    """The files of one commit. To be closed after use, best by `with`.

    A file is called `REV:PATH`, its path counts from the top of the repository. Links are followed inside the repository; what leads
    out of it can't be read.
    """

    def __init__(self, repository: Repository, rev: str) -> None:
        """Look the revision up. Raises `EnvironmentFailedError` where it can't be had."""
        self._repository = repository
        self._rev = rev
        self._commit = repository.commit(rev)
        self._top = _Entry(b"", _FOLDER, repository.ask("rev-parse", "--verify", f"{self._commit}^{{tree}}"))
        self._folders: dict[str, dict[bytes, _Entry]] = {}
        self._git: Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Return this revision."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the process that reads."""
        self.close()

    def close(self) -> None:
        """End the process that reads; whoever reads again starts it again."""
        if self._git is not None:
            git, self._git = self._git, None
            git.kill()  # it holds nothing, and may be about to say what nobody waits for
            git.communicate()

    def path(self, name: str) -> PurePosixPath:
        """Return the path of `REV:PATH`."""
        return PurePosixPath(name.removeprefix(f"{self._rev}:"))

    def name(self, path: PurePath) -> str:
        """Return `REV:PATH`."""
        shortest = posixpath.normpath(path)
        return f"{self._rev}:{'' if shortest == '.' else shortest}"

    def identity(self, path: PurePath) -> str:
        """Return the path without links, and whose it is."""
        return f"{self._commit}:{os.fsdecode(b'/'.join(entry.name for entry in self._way(path)[1:]))}"

    def kind(self, path: PurePath) -> FileKind | None:
        """Return what the commit has there."""
        try:
            mode = self._way(path)[-1].mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError:
            return FileKind.FILE  # whoever reads it is told why it can't be read
        return FileKind.FOLDER if mode == _FOLDER else FileKind.FILE

    def below(self, path: PurePath) -> Iterator[str]:
        """Yield the files below a folder; submodules are not entered."""
        left = [("", self._way(path)[-1])]
        while left:
            before, folder = left.pop()
            for entry in self._entries(folder).values():
                name = before + os.fsdecode(entry.name)
                if entry.name.startswith(b".") or entry.mode == _SUBMODULE:
                    continue
                if entry.mode == _FOLDER:
                    left.append((f"{name}/", entry))
                elif entry.mode != _LINK or self.kind(path / name) is not FileKind.FOLDER:
                    yield name

    def read(self, path: PurePath, *, regular: bool) -> bytes:
        """Return what the commit has there."""
        entry = self._way(path)[-1]
        if entry.mode == _FOLDER:
            raise OSError(0, "it is no regular file" if regular else os.strerror(errno.EISDIR))
        if entry.mode == _SUBMODULE:
            raise OSError(0, "it is a submodule")
        return self._object(entry)

    def _way(self, path: PurePath) -> list[_Entry]:
        """Return the entries from the top to a path, links followed as an operating system follows them."""
        way = [self._top]
        left = self._from_top(path).split(b"/")[::-1]
        links = 0
        while left:
            part = left.pop()
            if part in {b"", b"."}:
                continue
            entry = self._step(way, part)
            if entry is None:
                way.pop()
            elif entry.mode != _LINK:
                way.append(entry)
            else:
                links += 1
                target = self._object(entry)
                if links > _MOST_LINKS or target.startswith(b"/"):
                    raise OSError(0, os.strerror(errno.ELOOP) if links > _MOST_LINKS else "a link leads out of the repository")
                left += target.split(b"/")[::-1]
        return way

    def _step(self, way: list[_Entry], part: bytes) -> _Entry | None:
        """Return what the last folder of a way has under a name, `None` for the folder above it."""
        missing = f"it is not in {self._rev}"
        if way[-1].mode == _SUBMODULE:
            raise OSError(0, "it lies in a submodule")
        if way[-1].mode != _FOLDER:
            raise NotADirectoryError(errno.ENOTDIR, missing)
        if part == b"..":
            if len(way) == 1:
                raise OSError(0, _OUTSIDE)
            return None
        entry = self._entries(way[-1]).get(part)
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, missing)
        return entry

    def _from_top(self, path: PurePath) -> bytes:
        """Return a path as it is from the top; an absolute one may be of the work tree."""
        try:
            text = os.fsencode(path)
        except UnicodeEncodeError:
            raise FileNotFoundError(errno.ENOENT, f"it is not in {self._rev}") from None
        if not text.startswith(b"/"):
            return text
        try:
            top = os.fsencode(self._repository.top()) + b"/"
        except EnvironmentFailedError:
            raise OSError(0, _OUTSIDE) from None  # a repository without a work tree
        if not text.startswith(top):
            raise OSError(0, _OUTSIDE)
        return text.removeprefix(top)

    def _entries(self, folder: _Entry) -> dict[bytes, _Entry]:
        """Return what a folder holds, by name. Its object has `MODE SP NAME NUL ID` for each, the id as bytes (git help cat-file)."""
        if folder.oid not in self._folders:
            tree = self._object(folder)
            if len(tree) > MAXIMUM_BYTES:
                raise OSError(0, "its folder holds too much")
            length = len(folder.oid) // 2
            entries = {}
            start = 0
            while start < len(tree):
                end = tree.index(b"\0", start)
                mode, _, name = tree[start:end].partition(b" ")
                start = end + 1 + length
                entries[name] = _Entry(name, mode, tree[end + 1 : start].hex())
            self._folders[folder.oid] = entries
        return self._folders[folder.oid]

    def _object(self, entry: _Entry) -> bytes:
        """Return an object's content, of a longer one `MAXIMUM_BYTES` + 1. Raises `EnvironmentFailedError` where git can't read it."""
        if self._git is None:
            self._git = self._repository.start("cat-file", "--batch")
        try:
            content = _answer(cast("IO[bytes]", self._git.stdin), cast("IO[bytes]", self._git.stdout), entry.oid)
        except (OSError, ValueError):
            self.close()
            message = f"{self._rev}: git can't read the object {entry.oid} ({os.fsdecode(entry.name)}); `git fsck` may say why"
            raise EnvironmentFailedError(message) from None
        if len(content) > MAXIMUM_BYTES:
            self.close()  # rather than wait for the rest
        return content


def _answer(asked: IO[bytes], answer: IO[bytes], oid: str) -> bytes:
    """Return the content of an object, or its beginning. Raises `OSError` or `ValueError` where git has no such thing to give."""
    asked.write(f"{oid}\n".encode())
    asked.flush()
    _, _, size = answer.readline().split()  # `ID KIND SIZE`; `ID missing`; nothing
    wanted = min(int(size), MAXIMUM_BYTES + 1)
    content = answer.read(wanted)
    if len(content) < wanted or (wanted <= MAXIMUM_BYTES and answer.read(1) != b"\n"):
        raise OSError
    return content
