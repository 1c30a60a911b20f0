"""`tlsconf render`: to stdout, into folders, and the answers of `--check` and `--diff`."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.samples import HEAD, SERVER, WHOLE, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done

ROOT = Path(__file__).parent.parent.parent
DESIGN = Path(__file__).parent.parent / "design" / "profile.yaml"


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def folders(folder: Path) -> list[str]:
    return sorted(str(path.parent.relative_to(folder)) for path in folder.rglob("INSTALL.md"))


# --- where -----------------------------------------------------------------------------------------------------------


def test_without_a_folder_files_go_to_stdout_each_after_its_name(tlsconf: Callable[..., Done], edge: Path, tmp_path: Path) -> None:
    done = tlsconf("render", edge)
    tlsconf("render", edge, "-o", tmp_path)
    written = tree(tmp_path)
    index = written.pop("manifest.json")
    order = [
        f"{entry['folder']}/{file['path']}"
        for name in ("postfix", "exim", "sendmail")
        for entry in json.loads(index)["rendered"]
        if entry["target"] == name
        for file in entry["files"]
    ]
    assert done.code == 0
    assert done.out == "".join(f"==> {name} <==\n{written[name].decode()}\n" for name in order)


@pytest.mark.parametrize(
    ("profiles", "expected"),
    [
        (["edge"], ["exim", "postfix", "sendmail"]),
        (["department"], [f"revenue/{host}/{name}" for host in ("mx1", "mx2") for name in ("exim", "postfix", "sendmail")]),
        (["edge", "smarthost"], [f"{profile}/{name}" for profile in ("branch-office", "edge") for name in ("exim", "postfix", "sendmail")]),
    ],
)
def test_folders_are_named_after_targets_hosts_and_profiles_where_there_are_several(
    tlsconf: Callable[..., Done], tmp_path: Path, profiles: list[str], expected: list[str]
) -> None:
    assert tlsconf("render", *(ROOT / f"examples/{name}/profile.yaml" for name in profiles), "-o", tmp_path).code == 0
    assert folders(tmp_path) == expected


def test_the_example_of_the_design_renders_on_all_three(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    assert tlsconf("render", DESIGN, "-o", tmp_path).code == 0
    assert folders(tmp_path) == [f"revenue-edge/{host}/{name}" for host in ("mx1", "mx2") for name in ("exim", "postfix", "sendmail")]


def test_one_target_alone(tlsconf: Callable[..., Done], edge: Path, tmp_path: Path) -> None:
    done = tlsconf("render", edge, "-o", tmp_path, "-t", "exim")
    assert (done.code, folders(tmp_path)) == (0, ["exim"])
    assert tlsconf("render", edge, "-o", tmp_path, "-t", "postfix", "-t", "exim").out.count("wrote") == len(tree(tmp_path / "postfix")) + 1
    assert tlsconf("render", edge, "-o", tmp_path, "-t", "exim", "--check").code == 0
    assert tlsconf("render", edge, "-o", tmp_path, "--check").code == 1


def test_two_profiles_of_one_name_collide_and_nothing_is_written(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    one, two = (put(tmp_path, {f"{name}.yaml": WHOLE}) for name in "ab")
    done = tlsconf("render", one, two, "-o", tmp_path / "out")
    assert done == (2, "", "tlsconf: two profiles would be written to sample/postfix: give each a `name` of its own\n")
    assert not (tmp_path / "out").exists()


def test_one_wrong_profile_of_several_stops_all(tlsconf: Callable[..., Done], edge: Path, tmp_path: Path) -> None:
    wrong = put(tmp_path, {"wrong.yaml": HEAD})
    assert tlsconf("render", edge, wrong, "-o", tmp_path / "out")[:2] == (3, "")
    assert tlsconf("render", edge, wrong)[:2] == (3, "")
    assert not (tmp_path / "out").exists()


# --- check, diff, force ----------------------------------------------------------------------------------------------


def test_check_and_diff_answer_without_writing(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    out = tmp_path / "out"
    profile = put(tmp_path, {"p.yaml": WHOLE})
    done = tlsconf("render", profile, "-o", out, "--check")
    assert (done.code, out.exists()) == (1, False)
    assert done.out.splitlines()[0] == f"{out}/postfix/main.cf: is missing"
    wrote = tlsconf("render", profile, "-o", out)
    assert (wrote.code, wrote.out.splitlines()[0], wrote.out.splitlines()[-1]) == (
        0,
        f"wrote {out}/postfix/main.cf",
        f"wrote {out}/manifest.json",
    )
    before = tree(out)
    assert tlsconf("render", profile, "-o", out) == (0, "", "")
    assert tlsconf("render", profile, "-o", out, "--check", "--diff") == (0, "", "")
    put(tmp_path, {"p.yaml": WHOLE + "outbound: {rules: [{name: a, domains: [new.example], tls: required}]}\n"})
    done = tlsconf("render", profile, "-o", out, "--check", "--diff")
    assert done.code == 1
    assert re.findall(r"^\+\+\+ (.*)$", done.out, re.MULTILINE)[0] == "new/postfix/main.cf"
    assert "\n+new.example" in done.out
    assert tree(out) == before
    assert f"{out}/postfix/tlsconf/outbound: differs\n" in tlsconf("render", profile, "-o", out, "--check").out


def test_a_diff_without_check_writes_and_shows_what_was_written(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    profile = put(tmp_path, {"p.yaml": WHOLE})
    assert tlsconf("render", profile, "-o", tmp_path / "out", "--diff").out.startswith("--- /dev/null\n+++ new/postfix/main.cf\n")
    assert tlsconf("render", profile, "-o", tmp_path / "out", "--check").code == 0


def test_a_diff_is_a_patch(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    if shutil.which("patch") is None:
        pytest.skip("patch is not installed")
    out = tmp_path / "out"
    profile = put(tmp_path, {"p.yaml": WHOLE})
    tlsconf("render", profile, "-o", out)
    put(tmp_path, {"p.yaml": WHOLE + "outbound: {tls: required}\n"})
    patch = tlsconf("render", profile, "-o", out, "--check", "--diff").out
    subprocess.run(["patch", "-p1", "-s", "-d", str(out)], input=patch, text=True, check=True, timeout=30)
    assert tlsconf("render", profile, "-o", out, "--check") == (0, "", "")


def test_an_edited_file_is_named_and_force_overwrites_it(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    out = tmp_path / "out"
    profile = put(tmp_path, {"p.yaml": WHOLE})
    tlsconf("render", profile, "-o", out)
    right = tree(out)
    (out / "postfix/main.cf").write_text("mine\n")
    assert tlsconf("render", profile, "-o", out, "--check") == (1, f"{out}/postfix/main.cf: differs (edited by hand)\n", "")
    done = tlsconf("render", profile, "-o", out)
    assert (done.code, done.out) == (4, "")
    assert done.err.startswith(f"tlsconf: {out}/postfix/main.cf: edited by hand, or not made by tlsconf; nothing is written")
    assert tlsconf("render", profile, "-o", out, "--force") == (0, f"wrote {out}/postfix/main.cf\n", "")
    assert tree(out) == right


def test_what_no_longer_belongs_is_told_and_deleted(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    out = tmp_path / "out"
    hosts = "hosts: {mx1: {}, mx2: {}}\n"
    profile = put(tmp_path, {"p.yaml": WHOLE + hosts})
    tlsconf("render", profile, "-o", out)
    put(tmp_path, {"p.yaml": WHOLE + "hosts: {mx1: {}}\n"})
    assert f"{out}/sample/mx2/postfix/main.cf: no longer belongs here\n" in tlsconf("render", profile, "-o", out, "--check").out
    assert f"deleted {out}/sample/mx2/postfix/main.cf\n" in tlsconf("render", profile, "-o", out).out
    assert folders(out) == ["sample/mx1/postfix"]
    assert not (out / "sample/mx2").exists()


# --- the same everywhere ---------------------------------------------------------------------------------------------


def test_files_are_the_same_wherever_and_whenever_they_are_made(
    tlsconf: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = put(tmp_path / "here", {"p.yaml": WHOLE + "lists: {l: [{file: f.txt}]}\n", "f.txt": "a.example\n"})
    put(tmp_path / "other/place", {"q.yaml": here.read_text(), "f.txt": "a.example\n"})
    tlsconf("render", here, "-o", tmp_path / "one")
    monkeypatch.chdir(tmp_path / "other")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C")
    tlsconf("render", "place/q.yaml", "-o", "../two")
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    year = time.strftime("%Y")
    everything = b"".join(tree(tmp_path / "one").values()).decode()
    assert str(tmp_path) not in everything
    assert f"{year}-" not in everything.replace("2026-11", "")


def test_two_spellings_of_a_profile_give_one_output(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    flow = WHOLE + "lists: {l: [a.example]}\noutbound: {rules: [{name: r, domains: [{list: l}, {file: f.txt}], tls: required}]}\n"
    block = (
        HEAD
        + "extends: ./base.yaml\noutbound:\n  rules:\n  - name: r\n    tls: required\n    domains:\n    - A.example\n    - bücher.example\n"
    )
    put(tmp_path, {"one.yaml": flow, "two.yaml": block, "base.yaml": WHOLE, "f.txt": "# x\nxn--bcher-kva.example\r\n"})
    for name in ("one", "two"):
        assert tlsconf("render", tmp_path / f"{name}.yaml", "-o", tmp_path / name).code == 0
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_a_render_killed_at_any_moment_leaves_every_file_old_or_new(tmp_path: Path) -> None:
    hosts = "".join(f"  mx{number}: {{hostname: mx{number}.example.com}}\n" for number in range(30))
    out = tmp_path / "out"
    wanted = []
    for number, level in enumerate(("opportunistic", "required")):
        put(
            tmp_path,
            {f"{number}.yaml": f"{HEAD}{SERVER}platform: debian-12\ntargets: [postfix]\ninbound: {{tls: {level}}}\nhosts:\n{hosts}"},
        )
        subprocess.run(
            [sys.executable, "-m", "tlsconf", "render", f"{tmp_path}/{number}.yaml", "-o", str(out)],
            check=True,
            capture_output=True,
            cwd=ROOT,
            timeout=60,
        )
        wanted.append(tree(out))
    chance = random.Random(7)  # noqa: S311  (moments, not secrets)
    seen = set()
    for attempt in range(5):
        for left in out.rglob("*.tlsconf-new"):
            left.unlink()
        command = [sys.executable, "-m", "tlsconf", "render", f"{tmp_path}/{attempt % 2}.yaml", "-o", str(out)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as run:
            assert run.stdout is not None
            deadline = time.monotonic() + 10
            while run.poll() is None and time.monotonic() < deadline and not any(out.rglob("*.tlsconf-new")):
                time.sleep(0.002)
            time.sleep(chance.uniform(0, 0.01))
            run.send_signal(signal.SIGKILL)
        found = {name: content for name, content in tree(out).items() if not name.endswith(".tlsconf-new")}
        assert [name for name, content in found.items() if content not in (wanted[0][name], wanted[1][name])] == []
        seen.add(tuple(found == content for content in wanted))
    assert (False, False) in seen  # some were caught in the middle
    for number in (0, 1):
        subprocess.run(
            [sys.executable, "-m", "tlsconf", "render", f"{tmp_path}/{number}.yaml", "-o", str(out)],
            check=True,
            capture_output=True,
            cwd=ROOT,
            timeout=60,
        )
    assert tree(out) == wanted[1]


def test_two_renders_at_once_end_whole(tmp_path: Path, edge: Path) -> None:
    command = [sys.executable, "-m", "tlsconf", "render", str(edge), "-o", str(tmp_path)]
    runs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(3)]
    outputs = [run.communicate(timeout=60)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert sum(output.count(b"wrote ") for output in outputs) == len(tree(tmp_path))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
