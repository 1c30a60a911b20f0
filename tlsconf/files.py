"""Where a profile and the files that it names are read from: the disk, or one revision of a repository."""

from __future__ import annotations

import os
import stat
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath

MAXIMUM_BYTES: Final = 16 * 1024 * 1024  # of a profile or of a list; readers read one byte more, so that the excess is seen


class FileKind(Enum):
    """What lies at a path."""

    FILE = "file"  # or what nobody can look at: reading it says why
    FOLDER = "folder"


class Files(Protocol):
    """A place that holds files. A path is what `path` returned, or `path.parent / FILE` of the file that names FILE."""

    def __hash__(self) -> int:
        """Tell places apart."""

    def path(self, name: str) -> PurePath:
        """Return the path of a file that the user named."""

    def name(self, path: PurePath) -> str:
        """Return what users are told that a file is called."""

    def identity(self, path: PurePath) -> str:
        """Return what is the same for two paths of one file, whatever links lead to it. The file was read before."""

    def kind(self, path: PurePath) -> FileKind | None:
        """Return what lies there, links followed; `None` for nothing."""

    def below(self, path: PurePath) -> Iterator[str]:
        """Yield the files below a folder, as paths that begin there. Raises `OSError`.

        Hidden files and folders are left out, and folders that are links are not entered.
        """

    def read(self, path: PurePath, *, regular: bool) -> bytes:
        """Return at most `MAXIMUM_BYTES` + 1 bytes of a file. Raises `OSError`, whose `strerror` says why there are none.

        `regular`: another file names this one, and it must be a regular file; a device or a pipe could block for ever.
        """


class Disk:
    """The files of this machine."""

    def path(self, name: str) -> Path:
        """Return the path that the name is."""
        return Path(name)

    def name(self, path: PurePath) -> str:
        """Return the path, as short as it can be said from where the user stands."""
        return os.path.normpath(path)

    def identity(self, path: PurePath) -> str:
        """Return the path without links."""
        return os.path.realpath(path)

    def kind(self, path: PurePath) -> FileKind | None:
        """Return what lies there."""
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116  (no `Path` is needed)
        except (FileNotFoundError, NotADirectoryError):
            return FileKind.FILE if os.path.lexists(path) else None  # a link to nothing is something
        except (OSError, ValueError):
            return FileKind.FILE
        return FileKind.FOLDER if stat.S_ISDIR(mode) else FileKind.FILE

    def below(self, path: PurePath) -> Iterator[str]:
        """Yield the files below a folder; pipes and devices are left out."""
        for folder, folders, files in os.walk(path, onerror=_raise):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in files:
                file = os.path.join(folder, name)  # noqa: PTH118  (thousands of `Path`s take their time)
                if not name.startswith(".") and (os.path.isfile(file) or not os.path.exists(file)):  # noqa: PTH110, PTH113
                    yield os.path.relpath(file, path)

    def read(self, path: PurePath, *, regular: bool) -> bytes:
        """Return what lies there."""
        file = Path(path)
        try:
            if regular and not stat.S_ISREG(file.stat().st_mode):
                raise OSError(0, "it is no regular file")
            with file.open("rb") as stream:
                return stream.read(MAXIMUM_BYTES + 1)
        except ValueError:
            raise OSError(0, "a NUL is in the name") from None


def _raise(error: OSError) -> None:
    raise error


DISK: Final = Disk()
