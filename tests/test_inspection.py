"""A machine made by hand is compared with a plan: what differs is named, and what does not matter is not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple
from unittest import mock

import pytest

from tests.policies import make_policy, make_target
from tlsconf import inspection
from tlsconf.diagnostics import short
from tlsconf.errors import EnvironmentFailedError
from tlsconf.inspection import inspect, installed
from tlsconf.live.discrepancy import Discrepancy, Installed
from tlsconf.live.machine import Machine
from tlsconf.mta import load
from tlsconf.prepared import Planned
from tlsconf.render import render_plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from tlsconf.plan import Plan
    from tlsconf.policy import Policy, Target

SERVERS: Final = {"postfix": "3.7.11", "exim": "4.96", "sendmail": "8.17.1.9"}
TABLE: Final = {"postfix": "tlsconf/outbound", "exim": "tlsconf/outbound", "sendmail": "tlsconf/outbound"}

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="a machine below a folder: only root can look at it")


class Native:
    """A server's own program, which finds what it is told to find."""

    found: tuple[Discrepancy, ...] = ()
    texts: Mapping[str, str] | None = None

    def installed(self, machine: Machine) -> Installed | None:
        """Be there where the machine has a certain file."""
        return Installed("3.7.11", "openssl", "root") if machine.exists("/installed") else None

    def inspect(self, _machine: Machine, _policy: Policy, _target: Target, _plan: Plan, texts: Mapping[str, str]) -> Iterator[Discrepancy]:
        """Keep the texts and find what was said."""
        self.texts = texts
        yield from self.found


class Deployed(NamedTuple):
    """A machine with the files of a plan."""

    root: Path
    planned: Planned
    texts: dict[str, str]
    native: Native

    def file(self, path: str) -> Path:
        """Return where a file of the plan is installed."""
        destination = next(file.destination for file in self.planned.plan.files if file.path == path)
        return self.root / str(destination).lstrip("/")

    def inspect(self, **installed: str | None) -> list[Discrepancy]:
        """Return what is found, given what the program says of itself."""
        values = {"release": self.planned.target.release.text, "tls_library": "openssl", "user": "root", **installed}
        found = inspect(Machine(self.root), self.planned, self.texts, Installed(**values))  # type: ignore[arg-type]
        return list(found)


@pytest.fixture(params=SERVERS)
def deployed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Deployed]:
    """Install the files of a plan below a folder, for each server in turn, with a program that finds nothing."""
    yield from _deployed(request.param, tmp_path)


@pytest.fixture
def postfix(tmp_path: Path) -> Iterator[Deployed]:
    """Do so for Postfix alone, where the server makes no difference."""
    yield from _deployed("postfix", tmp_path)


def _deployed(server: str, root: Path) -> Iterator[Deployed]:
    policy, target = make_policy(), make_target(server, SERVERS[server], platform="debian-12", version=(3, 0))
    plan = load(server).plan(policy, target)._replace(requires=())
    texts = {file.path: file.text for file in render_plan(plan, profile="sample", host=None, digest="sha256:0")}
    for file in plan.files:
        if file.destination is not None:
            path = root / file.destination.lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(texts[file.path])
            path.chmod(0o644)
    native = Native()
    with mock.patch.object(inspection, "load_native", return_value=native), mock.patch.object(Machine, "can_read", return_value=True):
        yield Deployed(root, Planned(policy, target, plan), texts, native)


def test_what_is_as_planned_is_not_mentioned(deployed: Deployed) -> None:
    assert deployed.inspect() == []
    assert deployed.native.texts == deployed.texts


def test_which_server_is_there(postfix: Deployed) -> None:
    machine = Machine(postfix.root)
    assert installed(machine, "postfix") is None
    (postfix.root / "installed").touch()
    assert installed(machine, "postfix") == Installed("3.7.11", "openssl", "root")


def test_errors_come_first_each_once_and_in_their_order(postfix: Deployed) -> None:
    postfix.native.found = tuple(Discrepancy(name, severity, name) for name, severity in (("b", "warning"), ("z", "error"), ("a", "error")))  # type: ignore[arg-type]
    postfix.native.found += postfix.native.found
    assert [item.id for item in postfix.inspect(release="3.7.10")] == ["z", "a", "release-differs", "b"]


def test_what_is_not_known_is_not_answered(postfix: Deployed) -> None:
    def give_up(*_: object) -> Iterator[Discrepancy]:
        raise EnvironmentFailedError("no answer")

    with mock.patch.object(postfix.native, "inspect", give_up), pytest.raises(EnvironmentFailedError, match="no answer"):
        postfix.inspect()


# --- releases --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("server", "planned", "found", "severity"),
    [
        ("postfix", "3.7.11", "3.7.11", None),
        ("postfix", "3.7", "3.7.11", None),
        ("postfix", "3.7.11", "3.7.6", "warning"),
        ("postfix", "3.7.1", "3.7.11", "warning"),
        ("postfix", "3.7.11", "3.7", "warning"),
        ("postfix", "3.7.11", "3.10.13", "error"),
        ("postfix", "3.1.1", "3.11.1", "error"),
        ("exim", "4.96", "4.96.2", None),
        ("exim", "4.98.2", "4.98", "warning"),
        ("exim", "4.96", "4.98", "error"),
        ("sendmail", "8.17.1.9", "8.17.1.9", None),
        ("sendmail", "8.17.1", "8.17.1.9", None),
        ("sendmail", "8.18.1", "8.18.2", "warning"),
        ("sendmail", "8.17.1.9", "8.18.1", "error"),
    ],
)
def test_another_release(tmp_path: Path, server: str, planned: str, found: str, severity: str | None) -> None:
    for machine in _deployed(server, tmp_path):
        other = machine._replace(planned=machine.planned._replace(target=make_target(server, planned)))
        items = other.inspect(release=found)
        assert [(item.id, item.severity) for item in items] == ([("release-differs", severity)] if severity else [])
        assert all(f"{server} {found} is installed" in item.message and f"for {planned}" in item.message for item in items)


def test_another_tls_library(deployed: Deployed) -> None:
    (item,) = deployed.inspect(tls_library="gnutls")
    assert (item.id, item.severity) == ("tls-library-differs", "error")
    name = deployed.planned.target.name
    assert item.message == f"{name} is built with gnutls, the profile says openssl"
    assert item.remedy == f"targets.{name}.tls_library: gnutls"
    assert deployed.inspect(tls_library=None) == []


# --- files -----------------------------------------------------------------------------------------------------------


def test_a_file_that_is_missing(deployed: Deployed) -> None:
    path = deployed.file(TABLE[deployed.planned.target.name])
    path.unlink()
    (item,) = deployed.inspect()
    assert (item.id, item.severity, item.path) == ("file-missing", "error", f"/{path.relative_to(deployed.root)}")
    path.mkdir()
    assert deployed.inspect() == [item]


def test_comments_and_the_header_are_no_difference(deployed: Deployed) -> None:
    for file in deployed.planned.plan.files:
        if file.destination is not None:
            path, (before, after) = deployed.file(file.path), file.comment
            path.write_text(f"{before}of the site{after}\n" + path.read_text().partition("\n")[2])
    assert deployed.inspect() == []


def test_one_value_that_differs_is_named(deployed: Deployed) -> None:
    tried = 0
    for file in deployed.planned.plan.files:
        settings = deployed.planned.plan.settings[file.path]
        path = None if file.destination is None else deployed.file(file.path)
        setting = next((item for item in reversed(settings) if len(item.value) > 3 and path and item.value in path.read_text()), None)
        if path is None or setting is None:
            continue
        tried += 1
        text = path.read_text()
        changed = "changed".join(text.rsplit(setting.value, 1))
        path.write_text(changed)
        (item,) = deployed.inspect()
        path.write_text(text)
        assert (item.id, item.severity, item.path) == ("file-differs", "error", f"/{path.relative_to(deployed.root)}")
        assert "changed" in item.message or "can't be read back" in item.message, item.message
    assert tried > 1


def test_values_that_begin_alike_are_shown_where_they_part(tmp_path: Path) -> None:
    for machine in _deployed("exim", tmp_path):
        path = machine.file("main")
        name, value = next(item for item in machine.planned.plan.settings["main"] if len(item.value) > 120)
        text = path.read_text()
        assert f"{name} = {value}" in text
        path.write_text(text.replace(value, value[:-5] + "XYZ"))
        (item,) = machine.inspect()
        assert f"{value[-20:-5]}XYZ` where `…" in item.message
        assert f"{value[-20:]}` is wanted" in item.message


@pytest.mark.parametrize("where", ["first", "last"])
def test_an_entry_too_much_and_one_too_few(deployed: Deployed, where: str) -> None:
    path = deployed.file(TABLE[deployed.planned.target.name])
    settings = deployed.planned.plan.settings[TABLE[deployed.planned.target.name]]
    text = path.read_text()
    lines = [line for line in text.splitlines(keepends=True) if line.strip() and not line.startswith("#")]
    added = lines[0].replace(settings[0].name, "added.example", 1)
    path.write_text(added + text if where == "first" else text + added)
    (item,) = deployed.inspect()
    assert (item.id, item.severity) == ("file-differs", "error")
    assert "`added.example " in item.message
    assert item.message.endswith("` is too much")
    gone = 0 if where == "first" else -1
    path.write_text(text.replace(lines[gone], "", 1))
    (item,) = deployed.inspect()
    assert item.message.endswith(f"`{short(f'{settings[gone].name} {settings[gone].value}'.strip())}` is missing")


def test_another_order(postfix: Deployed) -> None:
    path = postfix.file("tlsconf/inbound_clients")
    path.write_text("\n".join(reversed(path.read_text().splitlines())) + "\n")
    (item,) = postfix.inspect()
    assert item.message.endswith("in another order, or there twice")


@pytest.mark.parametrize(
    "garbage", [b"", b"\x00\xff\xfe\x80" * 50, b"\x1f\x8b\x08\x00binary", b"oneword\n", b"a\n" * 10_000, b"\x1b]0;evil\x07 x\n"]
)
def test_a_file_with_anything_in_it(deployed: Deployed, garbage: bytes) -> None:
    for file in deployed.planned.plan.files:
        if file.destination is not None and deployed.planned.plan.settings[file.path]:
            path = deployed.file(file.path)
            text = path.read_text()
            path.write_bytes(garbage)
            (item,) = deployed.inspect()
            path.write_text(text)
            assert (item.id, item.severity) == ("file-differs", "error")
            assert len(item.message) < 250
            assert "\n" not in item.message


@pytest.mark.parametrize(
    ("mode", "owner", "expected"),
    [
        (0o644, 0, []),
        (0o600, 0, []),
        (0o444, 0, []),
        (0o664, 0, ["file-not-protected"]),
        (0o646, 0, ["file-not-protected"]),
        (0o644, 1, ["file-not-protected"]),
    ],
)
def test_who_can_change_a_file(postfix: Deployed, mode: int, owner: int, expected: list[str]) -> None:
    path = postfix.file("tlsconf/outbound")
    path.chmod(mode)
    os.chown(path, owner, owner)
    found = postfix.inspect()
    assert [item.id for item in found] == expected
    assert all(item.severity == "error" and item.path == "/etc/postfix/tlsconf/outbound" for item in found)


def test_a_file_that_the_server_can_not_read(postfix: Deployed) -> None:
    def only_root(_: Machine, path: str, user: str) -> bool | None:
        return None if path.endswith("senders") else user == "root"

    with mock.patch.object(Machine, "can_read", only_root):
        found = postfix.inspect(user="mail")
        assert postfix.inspect(user="root") == []
    assert {item.id for item in found} == {"file-unreadable"}
    assert all(item.message == "mail, as whom the server runs, can't read it" for item in found)
    assert not [item for item in found if str(item.path).endswith("senders")]
