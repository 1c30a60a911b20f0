"""The files that make one profile: the document itself, its bases, and the list files they name."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from tlsconf import document as documents
from tlsconf import profile, resources
from tlsconf.diagnostics import Finding
from tlsconf.errors import EnvironmentFailedError, ProfileError
from tlsconf.files import DISK

if TYPE_CHECKING:
    from pathlib import PurePath

    from tlsconf.document import Document
    from tlsconf.files import Files

_SUFFIX: Final = ".yaml"
_SHIPPED: Final = "tlsconf:"


def load_chain(name: str, findings: list[Finding], files: Files = DISK) -> tuple[Document, ...]:
    """Read a profile and its bases, the outermost base first, each held against the language; what is wrong is added to `findings`.

    `name` is what the user calls the file, which lies among `files`, as does all that it names but the shipped profiles. Raises
    `EnvironmentFailedError` where that file can't be read, and `ProfileError` where it is no YAML; where a base can't be had, the
    chain ends before it.
    """
    path = files.path(name)
    documents = [_load(name, path, _read_argument(name, path, files), findings, files)]
    seen = {files.identity(path)}
    while (wanted := documents[-1].data.get("extends")) is not None:
        try:
            base = _load_base(documents[-1], wanted, findings)
        except ProfileError as error:
            findings += error.findings
            break
        real = base.files.identity(base.path)
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


def read_beside(referring: Document, file: str) -> Document:
    """Read a text file, whose path is relative to the document that names it, as a document without data.

    Raises `OSError` where it can't be read, and `ProfileError` where it is no text.
    """
    path = referring.path.parent / file
    return documents.decode(_name_of(referring, path, file), path, referring.files.read(path, regular=True), referring.files)


def _load_base(document: Document, wanted: str, findings: list[Finding]) -> Document:
    if "/" not in wanted and not wanted.endswith((_SUFFIX, ".yml")):
        return _load_shipped(document, wanted, findings)
    path = document.path.parent / wanted
    try:
        content = document.files.read(path, regular=True)
    except OSError as error:
        raise _wrong(
            document, f"the base `{wanted}` can't be read: {error.strerror}", "a file beside this one, or a shipped profile"
        ) from None
    return _load_shared(_name_of(document, path, wanted), path, content, findings, document.files)


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
    return _load_shared(f"{_SHIPPED}{wanted}", path, path.read_bytes(), findings, DISK)


def _load(name: str, path: PurePath, content: bytes, findings: list[Finding], files: Files) -> Document:
    return profile.check(documents.load(name, path, content, findings, files), findings)


def _load_shared(name: str, path: PurePath, content: bytes, findings: list[Finding], files: Files) -> Document:
    document, found = _parsed(name, path, content, files)
    findings += found
    return document


@lru_cache(maxsize=16)
def _parsed(name: str, path: PurePath, content: bytes, files: Files) -> tuple[Document, tuple[Finding, ...]]:
    """Return a base and what is wrong with it: a thousand profiles may extend one, and its bytes decide all of it."""
    findings: list[Finding] = []
    return _load(name, path, content, findings, files), tuple(findings)


def _wrong(document: Document, message: str, expected: str) -> ProfileError:
    return ProfileError((Finding(message, document.span(("extends",)), expected),))


def _name_of(document: Document, path: PurePath, file: str) -> str:
    """Return a file's name as the user of the naming document knows it."""
    return f"{_SHIPPED}{file}" if document.name.startswith(_SHIPPED) else document.files.name(path)


def _read_argument(name: str, path: PurePath, files: Files) -> bytes:
    try:
        return files.read(path, regular=False)
    except OSError as error:
        message = f"{name or '.'}: {error.strerror}"
        raise EnvironmentFailedError(message) from None
