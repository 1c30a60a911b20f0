"""`tlsconf inspect`: its exit codes, which servers and which host are looked at, and what is printed; the machine stays as it is."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Final
from unittest import mock

import pytest

from tests.lab.certificates import Authority
from tests.samples import HEAD, put
from tlsconf import inspection, pipeline
from tlsconf.errors import EnvironmentFailedError
from tlsconf.live.discrepancy import Discrepancy, Installed
from tlsconf.live.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.cli.conftest import Done

NAMES: Final = {"postfix": ("3.7.11", "openssl"), "exim": ("4.96", "gnutls"), "sendmail": ("8.17.1.9", "openssl")}
HOST: Final = "mx.council.example"
AUTHORITY: Final = Authority()
PAIR: Final = AUTHORITY.issue(HOST)
CERTIFICATES: Final = {
    f"/etc/ssl/{HOST}/fullchain.pem": PAIR.chain,
    f"/etc/ssl/{HOST}/key.pem": PAIR.key,
    "/etc/ssl/certs/ca-certificates.crt": AUTHORITY.pem,
}

needs_root: Final = pytest.mark.skipif(os.geteuid() != 0, reason="a machine below a folder: only root can look at it")


class Native:
    """A server's own program: it is there where the machine has `/programs/NAME`, and finds or raises what it is told to."""

    def __init__(self, name: str) -> None:
        """Find nothing for the time being."""
        self.name = name
        self.found: tuple[Discrepancy, ...] = ()
        self.failure = ""

    def installed(self, machine: Machine) -> Installed | None:
        """Say what is installed."""
        release, library = NAMES[self.name]
        return Installed(release, library, "root") if machine.exists(f"/programs/{self.name}") else None

    def inspect(self, *_: object) -> Iterator[Discrepancy]:
        """Say what was found, or fail."""
        if self.failure:
            raise EnvironmentFailedError(self.failure)
        yield from self.found


@pytest.fixture
def natives(tmp_path: Path) -> Iterator[Mapping[str, Native]]:
    """Put programs made by hand in the place of the real ones, and let everybody read everything."""
    (tmp_path / "root/programs").mkdir(parents=True)
    found = {name: Native(name) for name in NAMES}
    with mock.patch.object(inspection, "load_native", found.__getitem__), mock.patch.object(Machine, "can_read", return_value=True):
        yield found


@pytest.fixture
def root(natives: Mapping[str, Native], tmp_path: Path, edge: Path) -> Path:
    """Return a machine on which all three servers do what the example of an edge server says."""
    assert natives
    files = dict(CERTIFICATES)
    prepared = pipeline.prepare(str(edge))
    for item, rendered in zip(prepared.planned, pipeline.render(prepared, alone=True), strict=True):
        texts = {file.path: file.text for file in rendered.files}
        files |= {file.destination: texts[file.path] for file in item.plan.files if file.destination is not None}
        files[f"/programs/{item.target.name}"] = ""
    found = tmp_path / "root"
    put(found, {name.lstrip("/"): text for name, text in files.items()})
    for name in files:
        (found / name.lstrip("/")).chmod(0o600 if name.endswith("key.pem") else 0o644)
    return found


def tree(folder: Path) -> dict[str, tuple[bytes, int, int, int]]:
    return {
        str(path): (path.read_bytes() if path.is_file() else b"", path.stat().st_mtime_ns, path.stat().st_ctime_ns, path.stat().st_mode)
        for path in sorted(folder.rglob("*"))
    }


# --- the answer ------------------------------------------------------------------------------------------------------


@needs_root
def test_a_machine_that_conforms(tlsconf: Callable[..., Done], edge: Path, root: Path) -> None:
    before = tree(root.parent)
    done = tlsconf("inspect", edge, "--root", root)
    assert (done.code, done.err) == (0, "")
    assert done.out == "".join(f"{name} {NAMES[name][0]}: does what the profile says\n" for name in NAMES)
    assert tree(root.parent) == before


@needs_root
def test_a_machine_that_does_not(tlsconf: Callable[..., Done], edge: Path, root: Path, natives: Mapping[str, Native]) -> None:
    natives["exim"].found = (Discrepancy("exim-x", "error", "it is bad", "/etc/exim4/x", 7, "mend it"),)
    (root / f"etc/ssl/{HOST}/key.pem").chmod(0o644)
    before = tree(root.parent)
    done = tlsconf("inspect", edge, "--root", root, "-t", "exim")
    assert (done.code, done.err) == (1, "")
    assert done.out == (
        f"error key-exposed: /etc/ssl/{HOST}/key.pem: every user of this machine can read or change this key\n"
        f"  chmod o= /etc/ssl/{HOST}/key.pem\n"
        "error exim-x: /etc/exim4/x:7: it is bad\n"
        "  mend it\n"
        "exim 4.96: 2 error(s)\n"
    )
    assert tree(root.parent) == before


@needs_root
def test_warnings_alone_are_a_yes(tlsconf: Callable[..., Done], edge: Path, root: Path, natives: Mapping[str, Native]) -> None:
    natives["postfix"].found = (Discrepancy("postfix-x", "warning", "look"),)
    done = tlsconf("inspect", edge, "--root", root, "-t", "postfix")
    assert (done.code, done.out.splitlines()[-1]) == (0, "postfix 3.7.11: does what the profile says, 1 warning(s)")


@needs_root
def test_json(tlsconf: Callable[..., Done], edge: Path, root: Path, natives: Mapping[str, Native]) -> None:
    natives["exim"].found = (Discrepancy("exim-x", "error", "it is bad", "/etc/exim4/x", 7, "mend it"),)
    done = tlsconf("inspect", edge, "--root", root, "--format", "json")
    answer = json.loads(done.out)
    assert (done.code, done.err, answer["format"]) == (1, "", 1)
    assert answer["inspected"] == [{"target": name, "host": None, "release": release} for name, (release, _) in NAMES.items()]
    assert answer["findings"] == [
        {
            "target": "exim",
            "release": "4.96",
            "id": "exim-x",
            "severity": "error",
            "message": "it is bad",
            "path": "/etc/exim4/x",
            "line": 7,
            "remedy": "mend it",
        }
    ]
    natives["exim"].found = ()
    assert json.loads(tlsconf("inspect", edge, "--root", root, "--format", "json").out)["findings"] == []


@needs_root
@pytest.mark.parametrize("format_", ["text", "json"])
def test_nothing_that_a_terminal_obeys(
    tlsconf: Callable[..., Done], edge: Path, root: Path, natives: Mapping[str, Native], format_: str
) -> None:
    natives["exim"].found = (
        Discrepancy("exim-x", "error", "\x1b[2J\nerror forged: \x9b\udcff\u202e", "/etc/\x1b]0;x\x07", None, "rm\r\x1b"),
    )
    (root / "etc/exim4/tlsconf/senders").write_bytes(b"\x1b]0;evil\x07 \xff\x9b\n")
    natives["sendmail"].failure = "\x1b[31mbad\udcff"
    done = tlsconf("inspect", edge, "--root", root, "-t", "exim", "-t", "sendmail", "--format", format_)
    assert done.code == 4
    assert all(line.isprintable() for line in (done.out + done.err).splitlines())
    assert not [line for line in done.out.splitlines() if line.startswith("error forged")]


# --- what is there ---------------------------------------------------------------------------------------------------


@needs_root
def test_only_what_is_installed_is_looked_at(tlsconf: Callable[..., Done], edge: Path, root: Path) -> None:
    for name in ("exim", "sendmail"):
        (root / "programs" / name).unlink()
    done = tlsconf("inspect", edge, "--root", root)
    assert (done.code, done.out) == (0, "postfix 3.7.11: does what the profile says\n")
    assert done.err.splitlines() == [f"tlsconf: {name} is not installed on this machine: not looked at" for name in ("exim", "sendmail")]


@needs_root
def test_what_was_asked_for_must_be_there(tlsconf: Callable[..., Done], edge: Path, root: Path) -> None:
    (root / "programs/exim").unlink()
    done = tlsconf("inspect", edge, "--root", root, "-t", "exim", "--format", "json")
    assert (done.code, done.out, done.err) == (4, "", "tlsconf: exim is not installed on this machine\n")
    done = tlsconf("inspect", edge, "--root", root, "-t", "exim", "-t", "postfix")
    assert (done.code, done.out) == (4, "postfix 3.7.11: does what the profile says\n")
    assert done.err == "tlsconf: exim is not installed on this machine\n"


@needs_root
@pytest.mark.parametrize("targets", [(), ("postfix",), ("exim",), ("sendmail",)])
def test_the_real_programs_are_missing(tlsconf: Callable[..., Done], edge: Path, tmp_path: Path, targets: tuple[str, ...]) -> None:
    done = tlsconf("inspect", edge, "--root", tmp_path, *(part for name in targets for part in ("-t", name)))
    assert (done.code, done.out) == (4, "")
    assert done.err.endswith(
        f"tlsconf: {targets[0]} is not installed on this machine\n"
        if targets
        else "tlsconf: no server of this profile is installed on this machine\n"
    )


@needs_root
@pytest.mark.parametrize("conforms", [True, False])
def test_where_one_of_two_can_not_be_looked_at_the_other_is_told_and_the_answer_is_not_known(
    tlsconf: Callable[..., Done], edge: Path, root: Path, natives: Mapping[str, Native], *, conforms: bool
) -> None:
    natives["postfix"].failure = "postconf did not end within 60 s"
    natives["exim"].found = () if conforms else (Discrepancy("exim-x", "error", "it is bad"),)
    done = tlsconf("inspect", edge, "--root", root, "-t", "postfix", "-t", "exim")
    assert done.code == 4
    assert done.out.endswith("exim 4.96: does what the profile says\n" if conforms else "error exim-x: it is bad\nexim 4.96: 1 error(s)\n")
    assert done.err == "tlsconf: postfix can't be looked at: postconf did not end within 60 s\n"


@needs_root
def test_without_rights_it_says_so(tlsconf: Callable[..., Done], edge: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    done = tlsconf("inspect", edge, "--root", root)
    assert (done.code, done.err) == (4, f"tlsconf: {root}: to run its programs (chroot), tlsconf must run as root\n")

    answers = {"installed": Installed("3.7.11", "openssl", "root"), "is_file": True, "can_read": None, "user_id": 0}
    with (
        mock.patch.object(Native, "installed", return_value=answers.pop("installed")),
        mock.patch.multiple(Machine, **{name: mock.Mock(return_value=answer) for name, answer in answers.items()}),
    ):
        done = tlsconf("inspect", edge, "-t", "postfix")
    assert (done.code, done.out) == (4, "")
    path = f"/etc/ssl/{HOST}/fullchain.pem"
    assert (
        done.err == f"tlsconf: postfix can't be looked at: {path}: only root can find out whether root can read it: run tlsconf as root\n"
    )


# --- the machine and its name ----------------------------------------------------------------------------------------


@needs_root
def test_a_root_that_is_missing(tlsconf: Callable[..., Done], edge: Path, tmp_path: Path) -> None:
    done = tlsconf("inspect", edge, "--root", tmp_path / "missing")
    assert (done.code, done.out, done.err) == (4, "", f"tlsconf: {tmp_path}/missing: no such folder\n")


@pytest.mark.parametrize(
    "arguments",
    [("--format", "yaml"), ("--host",), ("-t", "qmail"), ("--host", "mx1"), ("--no-such-option",)],
    ids=lambda arguments: arguments[-1],
)
def test_a_wrong_command_line(tlsconf: Callable[..., Done], edge: Path, arguments: tuple[str, ...]) -> None:
    done = tlsconf("inspect", edge, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_a_profile_that_is_wrong(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    done = tlsconf("inspect", put(tmp_path, {"p.yaml": HEAD + "targets: [qmail]\n"}))
    assert (done.code, done.out) == (3, "")
    assert tlsconf("inspect", tmp_path / "missing.yaml").code == 4


@needs_root
def test_a_host_is_chosen_by_the_name_of_the_machine(
    tlsconf: Callable[..., Done], department: Path, natives: Mapping[str, Native], tmp_path: Path
) -> None:
    root = tmp_path / "root"
    put(root, {"programs/postfix": "", "etc/mailname": "revenue.example\n"})

    def looked_at(*arguments: str) -> tuple[object, list[str]]:
        done = tlsconf("inspect", department, "--root", root, "-t", "postfix", "--format", "json", *arguments)
        return done.code, [item["host"] for item in json.loads(done.out)["inspected"]] if done.out else [done.err]

    assert natives["postfix"].found == ()
    code, (message,) = looked_at()
    assert code == 2
    assert "which of the profile's hosts is this machine (revenue.example)? Say --host with one of mx1, mx2" in message
    assert looked_at("--host", "mx2") == (1, ["mx2"])
    for name, expected in (("mx2", "mx2"), ("MX1.Revenue.Example", "mx1")):
        put(root, {"etc/hostname": f"{name}\n"})
        assert looked_at() == (1, [expected])
    assert looked_at("--host", "mx2") == (1, ["mx2"])
    code, (message,) = looked_at("--host", "mx3")
    assert (code, message) == (2, "tlsconf: the profile has no host `mx3`; it has mx1, mx2\n")


@needs_root
def test_a_machine_without_a_name(tlsconf: Callable[..., Done], department: Path, tmp_path: Path) -> None:
    done = tlsconf("inspect", department, "--root", tmp_path)
    assert done.code == 2
    assert "(it has no name)" in done.err


@needs_root
def test_a_host_without_the_target(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    pair = "certificates: [{chain: /etc/ssl/chain.pem, key: /etc/ssl/key.pem}]"
    profile = put(
        tmp_path,
        {
            "p.yaml": f"{HEAD}platform: debian-12\nserver: {{{pair}}}\n"
            "hosts:\n  a: {hostname: a.example, targets: [postfix]}\n  b: {hostname: b.example, targets: [exim]}\n"
        },
    )
    done = tlsconf("inspect", profile, "--root", tmp_path, "--host", "a", "-t", "exim")
    assert (done.code, done.err) == (2, "tlsconf: the host `a` has none of these targets\n")
