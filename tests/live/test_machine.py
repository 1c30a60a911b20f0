"""What a machine says of itself: whatever lies in a folder that is looked at, nothing outside it is seen or changed."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tlsconf.errors import EnvironmentFailedError
from tlsconf.live import machine as module
from tlsconf.live.machine import Machine, Output

if TYPE_CHECKING:
    from collections.abc import Callable

needs_root: Final = pytest.mark.skipif(os.geteuid() != 0, reason="chroot and other users: only root can")
THIS: Final = Path("/")
USER: Final = "reader"
ACCOUNTS: Final = {
    "etc/passwd": f"root:x:0:0::/root:/bin/sh\n{USER}:x:4321:4322::/:/bin/false\nbroken\nodd:x:many:1::/:/bin/sh\n+::::::\n",
    "etc/group": f"root:x:0:\nkeys:x:4323:other,{USER}\nodd:x:many:{USER}\nmore:x:4324:{USER}\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the root folder of a machine with a user, in a place that others can enter."""
    root = tmp_path / "machine"
    for name, text in ACCOUNTS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.fixture
def add(folder: Path) -> Callable[..., Path]:
    """Return a function that writes a file of the machine."""

    def write(name: str, text: str = "inside", mode: int = 0o644) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    return write


@pytest.fixture
def whole(folder: Path) -> Path:
    """Return the root folder with the programs `sh`, `id`, `sleep`, `test` and `cat`, and the libraries that they need."""
    for program in ("sh", "id", "sleep", "test", "cat"):
        found = shutil.which(program)
        assert found is not None
        said = subprocess.run(["ldd", found], check=False, capture_output=True, text=True).stdout
        for path in (found, *re.findall(r"(/\S+) \(0x", said)):
            to = folder / ("usr/bin/" + program if path == found else path.lstrip("/"))
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
    return folder


# --- what can be looked at -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_root_that_is_no_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentFailedError, match=rf"{name}: no such folder$"):
        Machine(tmp_path / name)


def test_another_root_needs_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(EnvironmentFailedError, match=r"\(chroot\), tlsconf must run as root$"):
        Machine(tmp_path)
    assert Machine(THIS).is_this


@needs_root
def test_a_relative_root(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder.parent)
    machine = Machine(Path("machine"))
    monkeypatch.chdir("/")
    assert machine.read("/etc/passwd") == ACCOUNTS["etc/passwd"]


# --- files -----------------------------------------------------------------------------------------------------------


@needs_root
def test_links_stay_in_the_folder(folder: Path, add: Callable[..., Path]) -> None:
    add("data/file")
    (folder.parent / "data").mkdir()
    (folder.parent / "data" / "file").write_text("outside")
    links = {
        "absolute": "/data/file",
        "climbing": "../../../../data/file",
        "data/beside": "file",
        "folder": "/data",
        "to-a-link": "/absolute",
        "through": "folder/../data/./file",
    }
    for name, to in links.items():
        (folder / name).symlink_to(to)
    machine = Machine(folder)
    for path in ("/absolute", "/climbing", "/data/beside", "/folder/file", "/to-a-link", "/through", "/../data/file", "/folder/beside"):
        assert machine.read(path) == "inside", path
        assert machine.real(path) == folder / "data/file"


@needs_root
@pytest.mark.parametrize("chain", [1, 2, 41, 60])
def test_too_many_links_lead_nowhere(folder: Path, chain: int, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("outside")
    for number in range(chain):  # the last one leads to the first, or, where they are many, out of the folder
        (folder / f"link{number}").symlink_to(
            f"link{number + 1}" if number + 1 < chain else str(tmp_path / "secret") if chain > 2 else "link0"
        )
    machine = Machine(folder)
    for ask in (machine.read, machine.exists, machine.stat, machine.entries, machine.which):
        with pytest.raises(EnvironmentFailedError, match=r"^/link0: Too many levels of symbolic links$"):
            ask("/link0")


@needs_root
def test_files_that_are_there_and_those_that_are_not(folder: Path, add: Callable[..., Path]) -> None:
    add("etc/b", "ü\n")
    (folder / "etc/a").write_bytes(b"\xff\x00")
    (folder / "etc/dangling").symlink_to("/nowhere")
    machine = Machine(folder)
    assert (machine.read("/etc/b"), machine.read("/etc/a")) == ("ü\n", "\udcff\x00")
    for missing in ("/etc/c", "/etc/a/b", "/etc/dangling"):
        assert (machine.read(missing), machine.exists(missing), machine.stat(missing), machine.entries(missing)) == (None, False, None, ())
    assert machine.read("/etc") is None
    assert machine.exists("/etc")
    assert (machine.is_file("/etc/b"), machine.is_file("/etc"), machine.is_file("/nothing")) == (True, False, False)
    assert machine.entries("/etc/") == ("/etc/a", "/etc/b", "/etc/dangling", "/etc/group", "/etc/passwd")
    status = machine.stat("/etc/b")
    assert status is not None
    assert stat.S_IMODE(status.st_mode) == 0o644


def test_what_may_not_be_seen_is_not_taken_for_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("stat", "read_bytes"):
        monkeypatch.setattr(Path, name, deny)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "listdir", deny)
    machine = Machine.__new__(Machine)
    for name, value in {"root": THIS, "is_this": True, "is_privileged": False}.items():
        setattr(machine, name, value)
    for ask in (machine.read, machine.exists, machine.is_file, machine.stat, machine.entries):
        with pytest.raises(EnvironmentFailedError, match=r"^/etc/ssl/private: Permission denied: run tlsconf as root$"):
            ask("/etc/ssl/private")


# --- programs --------------------------------------------------------------------------------------------------------


@needs_root
def test_where_a_program_lies(folder: Path, add: Callable[..., Path]) -> None:
    add("usr/bin/twice", mode=0o755)
    add("usr/sbin/twice", mode=0o755)
    add("usr/bin/plain")
    add("opt/own", mode=0o755)
    (folder / "usr/bin/sh").mkdir()
    (folder / "usr/bin/linked").symlink_to("/opt/own")
    (folder / "usr/bin/dangling").symlink_to("/bin/sh")
    machine = Machine(folder)
    expected = {
        "twice": "/usr/sbin/twice",
        "plain": None,
        "sh": None,
        "linked": "/usr/bin/linked",
        "dangling": None,
        "/opt/own": "/opt/own",
        "own": None,
    }
    assert {name: machine.which(name) for name in expected} == expected


def test_a_program_that_is_missing() -> None:
    with pytest.raises(EnvironmentFailedError, match=r"^there is no program no-such-mta on this machine$"):
        Machine(THIS).run("no-such-mta", "-bV")


def test_what_a_program_says() -> None:
    code = 'cat; echo "$1 $LC_ALL $HOME" >&2; exit 3'
    assert Machine(THIS).run("sh", "-c", code, "sh", "$(id)", stdin="ü\udcff") == Output(3, "ü\udcff", "$(id) C \n")


@needs_root
def test_a_program_of_another_machine_sees_that_machine(whole: Path) -> None:
    (whole / "etc/motto").write_text("other")
    assert Machine(whole).run("sh", "-c", "cat /etc/motto; cd /; pwd").stdout == "other/\n"


@needs_root
def test_a_program_as_another_user(whole: Path) -> None:
    output = Machine(whole).run("sh", "-c", "id -u; id -g; id -G", user=USER)
    assert output.stdout.split() == ["4321", "4322", "4322", "4323", "4324"]
    with pytest.raises(EnvironmentFailedError, match=r"^there is no user nobody-here on this machine$"):
        Machine(whole).run("id", user="nobody-here")


@needs_root
@pytest.mark.parametrize("text", ["#!/no/such/interpreter\n", "\x7fELF, but of another kind of machine"])
def test_a_program_that_can_not_be_run_here(folder: Path, add: Callable[..., Path], text: str) -> None:
    add("usr/bin/postconf", text, 0o755)
    with pytest.raises(EnvironmentFailedError, match=r"^postconf can't be run: chroot: failed to run command"):
        Machine(folder).run("postconf")


def test_a_program_of_this_machine_that_can_not_be_run(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    with pytest.raises(EnvironmentFailedError, match=r"program: No such file or directory$"):
        Machine(THIS).run(str(program))


def test_a_program_that_does_not_end_is_ended_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_LIMIT", 0.3)
    begin = time.monotonic()
    with pytest.raises(EnvironmentFailedError, match=r"^sh did not end within 0 s$"):
        Machine(THIS).run("sh", "-c", f"sleep 60 & echo $! > {tmp_path}/pid; wait")
    assert time.monotonic() - begin < 10
    state = Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    assert _ended(state)


def _ended(state: Path) -> bool:
    """Tell whether a process is gone, or a zombie that nobody has waited for."""
    for _ in range(50):
        try:
            if state.read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


# --- users -----------------------------------------------------------------------------------------------------------


@needs_root
def test_users_are_those_of_the_machine_itself(folder: Path) -> None:
    machine = Machine(folder)
    assert {name: machine.user_id(name) for name in ("root", USER, "odd", "broken", "+", "daemon")} == {
        "root": 0,
        USER: 4321,
        "odd": None,
        "broken": None,
        "+": None,
        "daemon": None,
    }
    assert Machine(THIS).user_id("root") == 0
    assert Machine(THIS).user_id("no-such-user") is None


@needs_root
def test_whether_a_user_can_read(whole: Path, add: Callable[..., Path]) -> None:
    for name, mode, group in (("open", 0o644, 0), ("group", 0o640, 4323), ("closed", 0o600, 0)):
        os.chown(add(f"etc/keys/{name}", mode=mode), 0, group)
    machine = Machine(whole)
    names = ("open", "group", "closed", "missing")

    def readable(user: str) -> list[bool | None]:
        return [machine.can_read(f"/etc/keys/{name}", user) for name in names]

    assert readable(USER) == [True, True, False, False]
    assert readable("root") == [True, True, True, False]
    assert readable("nobody-here") == [None, None, None, None]
    (whole / "etc/keys").chmod(0o700)
    assert readable(USER) == [False, False, False, False]
    assert readable("root") == [True, True, True, False]


def test_without_rights_only_the_own_user_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setattr(os, "geteuid", lambda: 1)
    machine = Machine(THIS)
    monkeypatch.setattr(machine, "user_id", {"own": 1, "root": 0}.get)
    assert [machine.can_read(str(file), user) for user in ("own", "root", "nobody-here")] == [True, None, None]
    assert machine.can_read(str(tmp_path / "missing"), "own") is False
    with pytest.raises(EnvironmentFailedError, match=r"^to run programs as root, tlsconf must run as root$"):
        machine.run("id", user="root")


# --- names -----------------------------------------------------------------------------------------------------------


@needs_root
def test_what_a_machine_is_called(folder: Path, add: Callable[..., Path]) -> None:
    machine = Machine(folder)
    assert machine.names() == ()
    add("etc/hostname", "# a comment\n\nMX1\n")
    assert machine.names() == ("mx1",)
    add("etc/mailname", "Example.ORG\n")
    assert machine.names() == ("example.org", "mx1")


def test_what_this_machine_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: "MX1.example.org")
    monkeypatch.setattr("socket.gethostname", lambda: "mx1")
    assert Machine(THIS).names()[:2] == ("mx1.example.org", "mx1")
