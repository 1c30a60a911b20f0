"""The one place that writes: atomically, beside hand edits and never through a link."""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import io
import json
import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tlsconf.errors import EnvironmentFailedError
from tlsconf.render import GENERATED_BY, MANIFEST, RenderedFile, is_untouched, json_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TEMPORARY: Final = ".tlsconf-new"


class RenderedTarget(NamedTuple):
    """A target's files and the folder, relative to the output folder, that they go to."""

    folder: str
    profile: str
    host: str | None
    target: str
    release: str
    files: tuple[RenderedFile, ...]


class Difference(NamedTuple):
    """A file of the output folder that is not as it would be written; `old` or `new` is `None` where one is missing."""

    path: str
    old: str | None
    new: str | None

    @property
    def summary(self) -> str:
        """Return one line on what is the matter."""
        if self.old is None:
            return f"{self.path}: is missing"
        if self.new is None:
            return f"{self.path}: no longer belongs here"
        edited = "" if is_untouched(self.old) else " (edited by hand)"
        return f"{self.path}: differs{edited}"

    def text(self) -> str:
        """Return a unified diff."""
        old, new = (list(io.StringIO(text or "", newline="\n")) for text in (self.old, self.new))
        before, after = (f"{side}/{self.path}" for side in ("old", "new"))
        lines = difflib.unified_diff(old, new, "/dev/null" if self.old is None else before, "/dev/null" if self.new is None else after)
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def compare(out: Path, rendered: Sequence[RenderedTarget], only: frozenset[str]) -> list[Difference]:
    """Return how a folder differs from what would be written, without writing. `only` names the targets that are judged, empty: all."""
    with _environment(out):
        return [difference for difference, _ in _differences(out, _Wanted.of(out, rendered, only))]


def write(out: Path, rendered: Sequence[RenderedTarget], only: frozenset[str], *, force: bool) -> list[Difference]:
    """Write all files, delete those of our own manifest that no longer belong, and return what changed.

    Each file is replaced in one step; the index comes last, after deletions too, so that a killed run is seen as stale. Raises
    `EnvironmentFailedError`, before anything is written, for a file that was edited by hand or is not ours (unless `force`), and for links
    that lead out of `out`.
    """
    with _environment(out):
        out.mkdir(parents=True, exist_ok=True)
        with _locked(out):
            wanted = _Wanted.of(out, rendered, only)
            changes = _differences(out, wanted)
            if not force:
                _refuse_edited(out, [difference for difference, _ in changes])
            for name in wanted.texts:
                _temporary(out / name).unlink(missing_ok=True)  # left behind by a run that was killed
            for difference, path in changes:
                if difference.new is None:
                    path.unlink()
                    _prune(path.parent, out)
            for difference, path in changes:
                if difference.new is not None:
                    _replace(path, difference.new)
    return [difference for difference, _ in changes]


class _Wanted(NamedTuple):
    """What the folder should hold: text by path, the index last; and paths of an older index that no longer belong."""

    texts: dict[str, str]
    stale: tuple[str, ...]

    @classmethod
    def of(cls, out: Path, rendered: Sequence[RenderedTarget], only: frozenset[str]) -> _Wanted:
        texts = {f"{target.folder}/{file.path}": file.text for target in rendered for file in target.files}
        entries = [_entry(target) for target in rendered]
        old = _old_entries(out)
        if only:  # another target's files are neither judged nor written
            new_folders = {entry["folder"] for entry in entries}
            kept = [entry for entry in old if entry.get("target") not in only and entry.get("folder") not in new_folders]
            old = [entry for entry in old if entry not in kept]
            entries += kept
        listed = (str(PurePosixPath(entry["folder"], file["path"])) for entry in old for file in entry["files"])
        stale = tuple(path for path in dict.fromkeys(listed) if path not in texts and path != MANIFEST and _is_inside(path))
        index = {"format": 1, "generated_by": GENERATED_BY, "rendered": sorted(entries, key=lambda entry: str(entry["folder"]))}
        return cls({**texts, MANIFEST: json_text(index)}, stale)


def _entry(target: RenderedTarget) -> dict[str, Any]:
    return {
        "folder": target.folder,
        "profile": target.profile,
        "host": target.host,
        "target": target.target,
        "release": target.release,
        "files": [{"path": file.path, "sha256": file.sha256} for file in target.files],
    }


def _old_entries(out: Path) -> list[dict[str, Any]]:
    text = _read(out / MANIFEST)
    if text is None or not text.startswith("{") or not is_untouched(text):
        return []  # not ours, or edited: nothing is deleted on its word
    index = json.loads(text)
    entries = index.get("rendered") if index.get("format") == 1 else None
    return [entry for entry in entries if _is_entry(entry)] if isinstance(entries, list) else []


def _is_entry(value: Any) -> bool:
    """Tell whether a value has the form of `_entry`: the digest of an index can be made by anybody."""
    if not isinstance(value, dict) or not isinstance(value.get("folder"), str) or not isinstance(value.get("files"), list):
        return False
    return all(isinstance(file, dict) and isinstance(file.get("path"), str) for file in value["files"])


def _is_inside(path: str) -> bool:
    pure = PurePosixPath(path)
    return bool(pure.parts) and not pure.is_absolute() and ".." not in pure.parts and "\0" not in path


def _differences(out: Path, wanted: _Wanted) -> list[tuple[Difference, Path]]:
    found = []
    root = Path(os.path.realpath(out))
    for name, text in wanted.texts.items():
        path = _safe(out, root, name)
        old = _read(path)
        if old != text:
            found.append((Difference(name, old, text), path))
    for name in wanted.stale:
        path = _safe(out, root, name)
        old = _read(path)
        if old is not None:
            found.append((Difference(name, old, None), path))
    return found


def _safe(out: Path, root: Path, name: str) -> Path:
    """Return the path of a file in the folder. A link that leads out of it, at any step, is refused."""
    path = out / name
    for step in (path, *path.parents):
        if step == out:
            break
        if step.is_symlink() and not Path(os.path.realpath(step)).is_relative_to(root):
            message = f"{step}: is a symbolic link out of {out}, which is not followed"
            raise EnvironmentFailedError(message)
    if path.is_symlink():
        message = f"{path}: is a symbolic link, not a file of ours"
        raise EnvironmentFailedError(message)
    return path


def _read(path: Path) -> str | None:
    try:
        return path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise EnvironmentFailedError(message) from None


def _refuse_edited(out: Path, differences: list[Difference]) -> None:
    edited = [out / difference.path for difference in differences if difference.old is not None and not is_untouched(difference.old)]
    if edited:
        names = ", ".join(map(str, edited))
        hint = "nothing is written (`--force` overwrites, `--diff --check` shows the difference)"
        message = f"{names}: edited by hand, or not made by tlsconf; {hint}"
        raise EnvironmentFailedError(message)


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = _temporary(path)
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666), "wb") as stream:
            stream.write(text.encode(errors="surrogateescape"))
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}{_TEMPORARY}")


def _prune(folder: Path, out: Path) -> None:
    """Remove folders that our deletions left empty."""
    while folder != out:
        try:
            folder.rmdir()
        except OSError:
            return
        folder = folder.parent


@contextlib.contextmanager
def _environment(out: Path) -> Iterator[None]:
    """Turn what the system refuses into a failure of the environment."""
    try:
        yield
    except OSError as error:
        message = f"{error.filename or out}: {error.strerror}"
        raise EnvironmentFailedError(message) from None


@contextlib.contextmanager
def _locked(out: Path) -> Iterator[None]:
    """Let one run at a time write into a folder; the lock is on the folder itself and goes with the process."""
    descriptor = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
