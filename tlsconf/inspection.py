"""Compares an installed server with a profile: the order of the checks, and those that are alike for all servers."""

from __future__ import annotations

from posixpath import commonprefix
from typing import TYPE_CHECKING, Final

from tlsconf.diagnostics import short
from tlsconf.errors import TlsconfError
from tlsconf.live.discrepancy import Discrepancy, Installed
from tlsconf.live.requirements import inspect_requirements
from tlsconf.mta import load, load_native

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tlsconf.live.machine import Machine
    from tlsconf.plan import PlannedFile, Setting
    from tlsconf.prepared import Planned

# What each id means that no single server has; those of a server are in its `native.CHECKS`.
CHECKS: Final[dict[str, str]] = {
    "release-differs": "Another release is installed than the one that the profile was rendered for.",
    "tls-library-differs": "The server is built with another TLS library than the profile says.",
    "file-missing": "A rendered file is not installed.",
    "file-differs": "An installed file does not say what the profile says.",
    "file-not-protected": "Others than root can change an installed file.",
    "file-unreadable": "The server's user can't read an installed file.",
    "path-missing": "A certificate, a key or the trust anchors are not there.",
    "path-unreadable": "The server's user can't read a certificate, a key or the trust anchors.",
    "user-missing": "The user who has to read a file does not exist.",
    "key-exposed": "Every user of the machine can read or change a private key.",
    "key-encrypted": "A private key needs a password, which no server could give.",
    "certificate-key-mismatch": "A certificate is not for its key.",
    "certificate-unusable": "OpenSSL can't use a certificate.",
    "certificate-expired": "A certificate has expired.",
    "certificate-not-yet-valid": "A certificate is not valid yet.",
    "certificate-other-name": "A certificate is not for the server's host name.",
    "certificate-untrusted": "The profile's own trust anchors do not lead to a certificate.",
    "anchors-unusable": "The file of trust anchors has no certificate that can be read.",
}
_WRITABLE: Final = 0o022
_BEFORE: Final = 30  # characters that are shown before a difference


def installed(machine: Machine, server: str) -> Installed | None:
    """Return what of a server is installed, or `None`. Raises `EnvironmentFailedError` where its program does not answer."""
    return load_native(server).installed(machine)


def inspect(machine: Machine, planned: Planned, texts: Mapping[str, str], found: Installed) -> tuple[Discrepancy, ...]:
    """Return every difference between a machine and what is planned for it, errors first; `texts` are the rendered files by path.

    Raises `EnvironmentFailedError` where something could not be looked at: an answer that is not known is not given.
    """
    policy, target, plan = planned
    discrepancies = [
        *_release(planned, found),
        *(item for file in plan.files if file.destination for item in _file(machine, planned, file, texts[file.path], found.user)),
        *inspect_requirements(machine, policy, plan.requires),
        *load_native(target.name).inspect(machine, policy, target, plan, texts),
    ]
    return tuple(sorted(dict.fromkeys(discrepancies), key=lambda item: item.severity))


def _release(planned: Planned, found: Installed) -> Iterator[Discrepancy]:
    target = planned.target
    if found.tls_library is not None and found.tls_library != target.tls_library:
        message = f"{target.name} is built with {found.tls_library}, the profile says {target.tls_library}"
        yield Discrepancy("tls-library-differs", "error", message, remedy=f"targets.{target.name}.tls_library: {found.tls_library}")
    wanted, has = target.release.text.split("."), found.release.split(".")
    if has[: len(wanted)] == wanted:
        return
    # Within one feature release the files are the same but for what a patch level brought: a look is enough.
    same = has[:2] == wanted[:2]
    message = f"{target.name} {found.release} is installed, the profile is rendered for {target.release.text}"
    yield Discrepancy(
        "release-differs", "warning" if same else "error", message, remedy="say the release that is installed, and render again"
    )


def _file(machine: Machine, planned: Planned, file: PlannedFile, text: str, user: str) -> Iterator[Discrepancy]:
    path = str(file.destination)
    found = machine.read(path)
    status = machine.stat(path)
    if found is None or status is None:
        yield Discrepancy("file-missing", "error", "the file is not installed", path, remedy="install it as INSTALL.md says")
        return
    if status.st_uid != 0 or status.st_mode & _WRITABLE:
        yield Discrepancy(
            "file-not-protected", "error", "others than root can change it", path, remedy=f"chown root {path}; chmod go-w {path}"
        )
    if machine.can_read(path, user) is False:
        yield Discrepancy(
            "file-unreadable", "error", f"{user}, as whom the server runs, can't read it", path, remedy=f"chmod {file.mode} {path}"
        )
    if found != text and (difference := _difference(planned, file, found)):
        message = f"it does not say what the profile says: {difference}"
        yield Discrepancy("file-differs", "error", message, path, remedy="render again, and install it as INSTALL.md says")


def _difference(planned: Planned, file: PlannedFile, found: str) -> str | None:
    """Return the first setting that is not as planned, or `None` where the files differ in comments only."""
    wanted = planned.plan.settings[file.path]
    try:
        has = load(planned.target.name).parse({file.path: found})[file.path]
    except (TlsconfError, ValueError, LookupError, TypeError):  # `parse` reads what was rendered, and this may be anything
        return "it can't be read back"
    if has == wanted:
        return None
    known, there = set(wanted), set(has)
    extra = [_line(setting) for setting in has if setting not in known]
    missing = [_line(setting) for setting in wanted if setting not in there]
    if extra and missing:
        # Two long values may begin alike: what is shown begins shortly before they part.
        start = max(0, len(commonprefix((extra[0], missing[0]))) - _BEFORE)
        now, then = (f"{'…' if start else ''}{short(line[start:])}" for line in (extra[0], missing[0]))
        return f"`{now}` where `{then}` is wanted"
    if extra or missing:
        return f"`{short(extra[0])}` is too much" if extra else f"`{short(missing[0])}` is missing"
    return "its settings are in another order, or there twice"


def _line(setting: Setting) -> str:
    return f"{setting.name} {setting.value}".strip()
