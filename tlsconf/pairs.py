"""Which profiles are compared with which: two files, two folders, or files and their old selves."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack, contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import git
from tlsconf.errors import EnvironmentFailedError, UsageError
from tlsconf.files import DISK, FileKind
from tlsconf.revision import Revision

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import PurePath

    from tlsconf.files import Files

_AT_REVISION: Final = re.compile(r"((?:[^:{]|\{[^}]*\})*):(.*)", re.DOTALL)  # a colon between braces belongs to the revision
# The key `tlsconf` of the outermost mapping, at the beginning of a line or of a mapping in braces; cheaper than to parse every file.
_PROFILE: Final = re.compile(rb"""(?:\A(?:\xef\xbb\xbf)?\s*|^)(?:---[ \t]+)?(?:\{\s*)?["']?tlsconf["']?\s*:""", re.MULTILINE)


class Side(NamedTuple):
    """A profile: its name, as users know it and as `pipeline.prepare` takes it, and the files among which it lies."""

    name: str
    files: Files


class Pair(NamedTuple):
    """A profile before and after, `None` where there was or is none; `name` is what it is called after, or would be."""

    name: str
    old: Side | None
    new: Side | None


@contextmanager
def pairs(old: str, new: str) -> Iterator[list[Pair]]:
    """Give the pairs of two files or of two folders; profiles of folders belong together where their paths below the folder are one.

    Each is a path, or `REV:PATH` of the repository one stands in. Raises `UsageError` for a file and a folder, `EnvironmentFailedError`
    where one of them is not there, or is a folder without a profile.
    """
    with ExitStack() as stack:
        before, after = _place(old, stack), _place(new, stack)
        kinds = before.kind(), after.kind()
        if kinds[0] is not kinds[1]:
            message = f"{old} and {new}: one is a file, the other a folder"
            raise UsageError(message)
        if kinds[1] is FileKind.FILE:
            yield [Pair(after.name, Side(before.name, before.files), Side(after.name, after.files))]
            return
        files = before.yaml_files(), after.yaml_files()
        for place, found in zip((before, after), files, strict=True):
            if not any(found.values()):
                raise _without_profile(place.name)
        yield _of_folders(before, after, *files)


@contextmanager
def pairs_since(rev: str, profiles: Sequence[str]) -> Iterator[list[Pair]]:
    """Give the pairs of profiles, or of those in folders, and what they were at a revision of the repository that each lies in.

    Raises `EnvironmentFailedError` where the revision can't be had, or a folder has no profile, then and now.
    """
    with ExitStack() as stack:
        past = _Past(rev, stack, {})
        found: list[Pair] = []
        for name in profiles:
            new = _place_on_disk(name)
            now = DISK.kind(new.path)
            old = past.of(new)
            was = old.files.kind(old.path)
            if now is None and was is FileKind.FILE:
                found.append(Pair(name, Side(old.name, old.files), None))
                continue
            if now is not FileKind.FOLDER:  # of a file that is not there either, who reads it says so
                found.append(Pair(name, None if was is None else Side(old.name, old.files), Side(name, DISK)))
                continue
            pairs = _of_folders(old, new, old.yaml_files() if was is FileKind.FOLDER else {}, new.yaml_files())
            if not pairs:
                raise _without_profile(name)
            found += pairs
        yield list(dict.fromkeys(found))


class _Place(NamedTuple):
    """A file or folder that the user named."""

    name: str
    files: Files
    path: PurePath

    def kind(self) -> FileKind:
        """Return what it is. Raises `EnvironmentFailedError` where it is not there."""
        kind = self.files.kind(self.path)
        if kind is None:
            message = f"{self.name}: there is no such file or folder"
            raise EnvironmentFailedError(message)
        return kind

    def yaml_files(self) -> dict[str, bool]:
        """Return the YAML files below the folder, and whether each looks like a profile; what can't be read does, so that it is told."""
        try:
            return {name: self._looks_like_profile(name) for name in self.files.below(self.path) if name.endswith((".yaml", ".yml"))}
        except OSError as error:
            message = f"{self.name}: {error.strerror}"
            raise EnvironmentFailedError(message) from None

    def _looks_like_profile(self, name: str) -> bool:
        try:
            content = self.files.read(self.path / name, regular=True)
        except OSError:
            return True
        return b"tlsconf" in content and _PROFILE.search(content) is not None


class _Past(NamedTuple):
    """A revision of each repository that was asked for, by a folder that lies in it."""

    rev: str
    stack: ExitStack
    revisions: dict[str, tuple[str, Revision]]

    def of(self, place: _Place) -> _Place:
        """Return where a file or folder of a work tree was at the revision."""
        folder, name = (place.path, "") if DISK.kind(place.path) is FileKind.FOLDER else (place.path.parent, place.path.name)
        real = os.path.realpath(folder)
        near = _nearest_repository(real)
        if near not in self.revisions:
            repository = git.around(near)  # the folder itself may be gone
            self.revisions[near] = repository.top(), self.stack.enter_context(Revision(repository, self.rev))
        top, revision = self.revisions[near]
        path = PurePosixPath(os.path.relpath(real, top), name)
        return _Place(revision.name(path), revision, path)


def _place(text: str, stack: ExitStack) -> _Place:
    """Return what the user named; a file of that very name comes before a revision."""
    _check_name(text)
    found = _AT_REVISION.fullmatch(text)
    if found is None or os.path.lexists(text):
        return _place_on_disk(text)
    rev, path = found.groups()
    repository = git.here()
    revision = stack.enter_context(Revision(repository, rev))
    if path in {".", ".."} or path.startswith(("./", "../")):  # as git has it
        path = repository.ask("rev-parse", "--show-prefix") + path
    return _Place(revision.name(PurePosixPath(path)), revision, PurePosixPath(path))


def _place_on_disk(name: str) -> _Place:
    _check_name(name)
    return _Place(name, DISK, DISK.path(name))


def _check_name(name: str) -> None:
    """Refuse what no file can be called."""
    if not name:
        message = "a profile's name is empty"
        raise UsageError(message)
    try:
        possible = b"\0" not in os.fsencode(name)
    except UnicodeEncodeError:
        possible = False
    if not possible:
        message = f"{name!a}: no file can be called so"
        raise EnvironmentFailedError(message)


def _nearest_repository(folder: str) -> str:
    """Return the nearest folder above, or this one, that begins a repository: git need not be asked again in each folder."""
    above = folder
    while not os.path.lexists(os.path.join(above, ".git")):  # noqa: PTH118
        above, below = os.path.dirname(above), above  # noqa: PTH120
        if above == below:
            return folder
    return above


def _of_folders(old: _Place, new: _Place, old_files: dict[str, bool], new_files: dict[str, bool]) -> list[Pair]:
    """Return the pairs of two folders: what looks like a profile on one side is one on the other too, so that a broken one is told."""
    found = []
    for below in sorted({name for files in (old_files, new_files) for name, is_profile in files.items() if is_profile}):
        before, after = (Side(place.files.name(place.path / below), place.files) for place in (old, new))
        found.append(Pair(after.name, before if below in old_files else None, after if below in new_files else None))
    return found


def _without_profile(name: str) -> EnvironmentFailedError:
    return EnvironmentFailedError(f"{name}: no profile lies in this folder")
