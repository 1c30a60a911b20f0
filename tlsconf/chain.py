"""The files that make one profile: the document itself, its bases, and the list files they name."""

from __future__ import annotations

import difflib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tlsconf import document as documents
from tlsconf import profile, resources
from tlsconf.diagnostics import Finding
from tlsconf.errors import EnvironmentFailedError, ProfileError

if TYPE_CHECKING:
    from tlsconf.document import Document

_SUFFIX: Final = ".yaml"
_SHIPPED: Final = "tlsconf:"


def load_chain(name: str, findings: list[Finding]) -> tuple[Document, ...]:
    """Read a profile and its bases, the outermost base first, each held against the language; what is wrong is added to `findings`.

    `name` is a path as the user wrote it. Raises `EnvironmentFailedError` where that file can't be read, and `ProfileError` where it is no
    YAML; where a base can't be had, the chain ends before it.
    """
    path = Path(name)
    documents = [_load(name, path, _read_argument(path), findings)]
    seen = {os.path.realpath(path)}
    while (wanted := documents[-1].data.get("extends")) is not None:
        try:
            base = _load_base(documents[-1], wanted, findings)
        except ProfileError as error:
            findings += error.findings
            break
        real = os.path.realpath(base.path)
        if real in seen:
            names = " extends ".join(f"`{document.name}`" for document in (*documents, base))
            findings += _wrong(documents[-1], f"`extends` runs in a circle: {names}", "a chain that ends").findings
            break
        seen.add(real)
        documents.append(base)
    return tuple(reversed(documents))


def shipped() -> tuple[str, ...]:
    """Return the names of the shipped profiles: each edition, `NAME@EDITION`, and each moving alias, `NAME`."""
    return tuple(sorted(path.name.removesuffix(_SUFFIX) for path in resources.PROFILES.glob(f"*{_SUFFIX}")))


def shipped_text(name: str) -> str:
    """Return a shipped profile as it is written, with its head comment."""
    return (resources.PROFILES / f"{name}{_SUFFIX}").read_text(encoding="utf-8")


def shipped_titles() -> dict[str, str]:
    """Return the first line of each shipped profile's head comment, by name."""
    return {name: shipped_text(name).partition("\n")[0].lstrip("# ") for name in shipped()}


def read_list(referring: Document, file: str) -> Document:
    """Read a list file, whose path is relative to the document that names it. Raises `ProfileError` or `OSError`."""
    path = referring.path.parent / file
    return documents.decode(_beside(referring, file), path, _read_regular(path))


def _load_base(document: Document, wanted: str, findings: list[Finding]) -> Document:
    if "/" not in wanted and not wanted.endswith((_SUFFIX, ".yml")):
        return _load_shipped(document, wanted, findings)
    path = document.path.parent / wanted
    try:
        content = _read_regular(path)
    except OSError as error:
        raise _wrong(
            document, f"the base `{wanted}` can't be read: {error.strerror}", "a file beside this one, or a shipped profile"
        ) from None
    return _load(_beside(document, wanted), path, content, findings)


def _load_shipped(document: Document, wanted: str, findings: list[Finding]) -> Document:
    known = shipped()
    if wanted not in known:
        name, _, edition = wanted.partition("@")
        editions = [entry for entry in known if entry.startswith(f"{name}@")]
        if edition and editions:
            raise _wrong(document, f"`{name}` has no edition `{edition}`", f"one of {', '.join(editions)}")
        near = difflib.get_close_matches(wanted, known, 1, 0.6)
        hint = f"did you mean `{near[0]}`? " if near else ""
        raise _wrong(document, f"no profile `{wanted}` is shipped", f"{hint}one of {', '.join(known)}; a path contains `/`")
    path = resources.PROFILES / f"{wanted}{_SUFFIX}"
    return _load(f"{_SHIPPED}{wanted}", path, path.read_bytes(), findings)


def _load(name: str, path: Path, content: bytes, findings: list[Finding]) -> Document:
    return profile.check(documents.load(name, path, content, findings), findings)


def _wrong(document: Document, message: str, expected: str) -> ProfileError:
    return ProfileError((Finding(message, document.span(("extends",)), expected),))


def _beside(document: Document, file: str) -> str:
    """Return a file's name as the user of the naming document knows it."""
    if document.name.startswith(_SHIPPED):
        return f"{_SHIPPED}{file}"
    return os.path.normpath(Path(document.name).parent / file)


def _read_argument(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(documents.MAXIMUM_BYTES + 1)
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise EnvironmentFailedError(message) from None
    except ValueError:
        message = f"{path}: a NUL is in the name"
        raise EnvironmentFailedError(message) from None


def _read_regular(path: Path) -> bytes:
    """Read a file that a profile names: a device or a pipe could block for ever, so it must be a regular file."""
    try:
        mode = path.stat().st_mode
    except ValueError:
        raise OSError(0, "a NUL is in the name") from None
    if not stat.S_ISREG(mode):
        raise OSError(0, "it is no regular file")
    with path.open("rb") as stream:
        return stream.read(documents.MAXIMUM_BYTES + 1)
