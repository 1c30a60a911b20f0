"""Profiles of a few lines, written into a folder and resolved, with what is said about them in one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlsconf.errors import ProfileError
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tlsconf.diagnostics import Finding, Span
    from tlsconf.policy import Policy

HEAD = "tlsconf: 1\nname: sample\n"
SERVER = "server: {hostname: mx.example.com, certificates: [{chain: /etc/ssl/chain.pem, key: /etc/ssl/key.pem}]}\n"
WHOLE = f"{HEAD}platform: debian-12\ntargets: [postfix]\n{SERVER}"


def put(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files and return the path of the first."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder / next(iter(files))


def policies(folder: Path, *texts: str, **files: str | bytes) -> tuple[Policy, ...]:
    """Resolve texts laid over one another, the lowest first; `files` are lists beside them (`partners` for `partners.txt`)."""
    return resolve(str(chain(folder, texts, files))).policies


def policy(folder: Path, *texts: str, **files: str | bytes) -> Policy:
    """Resolve texts into the policy of their one host."""
    (only,) = policies(folder, *texts, **files)
    return only


def wrong(folder: Path, *texts: str, **files: str | bytes) -> list[str]:
    """Return what is wrong with texts laid over one another: `FILE:LINE:COLUMN: MESSAGE (EXPECTED)`, files numbered from 1 at the top."""
    return refusals(chain(folder, texts, files))


def refusals(path: Path) -> list[str]:
    """Return what is wrong with the profile at a path, in the order of the places."""
    try:
        found = resolve(str(path))
    except ProfileError as error:
        return [line(finding, path.parent) for finding in sorted(error.findings, key=_place)]
    raise AssertionError(found)


def chain(folder: Path, texts: tuple[str, ...], files: Mapping[str, str | bytes]) -> Path:
    """Write texts as a chain of profiles, 1.yaml at the top, and list files beside them."""
    height = len(texts)
    for number, text in enumerate(texts):
        below = f"extends: ./{height - number + 1}.yaml\n" if number else ""
        put(folder, {f"{height - number}.yaml": text + below})
    for name, content in files.items():
        put(folder, {f"{name}.txt": content})
    return folder / "1.yaml"


def line(finding: Finding, folder: Path) -> str:
    """Return a finding as one line."""
    expected = f" ({finding.expected})" if finding.expected else ""
    related = "".join(f" [{label} {place(span, folder)}]" for label, span in finding.related)
    return f"{place(finding.span, folder)}: {finding.message}{expected}{related}"


def place(span: Span | None, folder: Path) -> str:
    """Return where a finding is, with paths relative to the folder."""
    return "nowhere" if span is None else f"{span.file}:{span.line}:{span.column}".removeprefix(f"{folder}/")


def _place(finding: Finding) -> tuple[str, int, int]:
    return finding.span[:3] if finding.span else ("", 0, 0)
