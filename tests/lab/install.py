"""Does to a server what INSTALL.md tells the administrator, by the manifest alone."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, Final

from tests.lab.inside import HOSTNAME

if TYPE_CHECKING:
    from pathlib import Path

    from tests.lab.sandbox import Sandbox

OUT: Final = "/srv/out"
_PAIRS: Final[dict[str, tuple[bytes, bytes]]] = {}


class InstallError(Exception):
    """A step of the manifest can't be taken; the text says which and why."""


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return a target's manifest. Raises `InstallError` where it is of another format, or a file is not the one that it names."""
    manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    if manifest["format"] != 1:
        raise InstallError(f"format {manifest['format']}")
    for file in manifest["files"]:
        if hashlib.sha256((folder / file["path"]).read_bytes()).hexdigest() != file["sha256"]:
            raise InstallError(f"{file['path']} is not the file that the manifest names")
    return manifest


def install(sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    """Install a rendered `OUT/TARGET/` folder onto the stock configuration of a root, and return its manifest.

    What the manifest requires is made first; then files are copied, the site's files are edited, and `compile` and `check` are run.
    Raises `InstallError`, or `SandboxError` where a command fails.
    """
    manifest = read_manifest(folder)
    out = f"{OUT}/{manifest['target']}"
    sandbox.put(folder, out)
    provide(sandbox, manifest["requires"])
    for file in manifest["files"]:
        if file["destination"] is not None:
            owner, _, group = file["owner"].partition(":")
            options = ("-D", "-o", owner, "-g", group, "-m", file["mode"])
            sandbox.run("install", *options, f"{out}/{file['path']}", file["destination"])
    for edit in manifest["site_edits"]:
        before = sandbox.read(edit["file"]) if edit["where"] != "end" or sandbox.exists(edit["file"]) else ""
        after = edited(before, edit)
        if edited(after, edit) != after:
            raise InstallError(f"{edit['file']}: the line is not recognised when it is there: {edit['line']}")
        sandbox.write(edit["file"], after)
    for line in (*manifest["compile"], *manifest["check"]):
        sandbox.run("sh", "-c", line, cwd=out)
        if manifest["target"] == "postfix":
            settle(sandbox)
    return manifest


def settle(sandbox: Sandbox) -> None:
    """Date back Postfix's configuration: its programs wait until it is more than a second old, for fear that it is being written."""
    sandbox.run("touch", "-c", "-d", "1 hour ago", "/etc/postfix/main.cf", "/etc/postfix/master.cf")


def edited(text: str, edit: dict[str, str]) -> str:
    """Return a site's file with a line added where a site edit says; it is added once, however often one asks.

    Raises `InstallError` where the anchor is not there, or is there twice.
    """
    lines = text.splitlines()
    new = edit["line"].splitlines()
    if edit["where"] == "end":
        return text if set(new) <= set(lines) else "\n".join([*lines, *new]) + "\n"
    found = [number for number, line in enumerate(lines) if re.search(edit["anchor"], line)]
    if len(found) != 1:
        raise InstallError(f"{edit['file']}: {len(found)} lines match the anchor {edit['anchor']}")
    if edit["where"] == "after":
        at = found[0] + 1
        present = lines[at : at + len(new)] == new
    else:
        at = found[0]
        present = lines[max(0, at - len(new)) : at] == new
    return text if present else "\n".join([*lines[:at], *new, *lines[at:]]) + "\n"


def provide(sandbox: Sandbox, requires: list[dict[str, str]]) -> None:
    """Make the certificates, keys and trust anchors that are not there, readable as the manifest says, and by nobody else.

    Raises `InstallError` where a user who must read a path can't.
    """
    apart = any("key" in item["path"].rpartition("/")[2] for item in requires)
    for item in requires:
        path, user = item["path"], item["readable_by"]
        group = sandbox.run("id", "-gn", user).stdout.strip()
        if not sandbox.exists(path):
            key, certificate = _self_signed(sandbox, "ec" if re.search(r"(?i)ec(c|dsa|-|_|\.|$)", path.rpartition("/")[2]) else "rsa")
            content = key + certificate if not apart else key if "key" in path.rpartition("/")[2] else certificate
            sandbox.run("mkdir", "-p", path.rpartition("/")[0])
            sandbox.run("install", "-o", "root", "-g", group, "-m", "0640" if user != "root" else "0600", "/dev/stdin", path, stdin=content)
        as_user = ("setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups")
        if sandbox.run(*as_user, "test", "-r", path, check=False).status != 0:
            raise InstallError(f"{user} can't read {path}")


def _self_signed(sandbox: Sandbox, kind: str) -> tuple[bytes, bytes]:
    """Return a key and its certificate in PEM; one pair of each kind serves all tests of a process."""
    if kind not in _PAIRS:
        new = ("-newkey", "rsa:2048") if kind == "rsa" else ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
        names = ("-subj", f"/CN={HOSTNAME}", "-addext", f"subjectAltName=DNS:{HOSTNAME}")
        sandbox.run("openssl", "req", "-x509", "-nodes", "-days", "30", *new, *names, "-keyout", "/srv/key.pem", "-out", "/srv/chain.pem")
        _PAIRS[kind] = sandbox.read("/srv/key.pem").encode(), sandbox.read("/srv/chain.pem").encode()
    return _PAIRS[kind]
