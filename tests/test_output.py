"""Writing: in one step, beside hand edits, inside the folder alone, and only what is ours is ever deleted."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tlsconf import output
from tlsconf.errors import EnvironmentFailedError
from tlsconf.output import RenderedTarget
from tlsconf.render import Head, RenderedFile, json_text

ROOT = Path(__file__).parent.parent
EVERY: frozenset[str] = frozenset()


def text_of(body: str) -> str:
    return Head("sample", None, "sha256:0", ()).put_on(body, ("# ", ""))


def target(name: str, files: dict[str, str], folder: str | None = None) -> RenderedTarget:
    return RenderedTarget(
        folder or name, "sample", None, name, "1.0", tuple(RenderedFile(path, text_of(body)) for path, body in files.items())
    )


POSTFIX = target("postfix", {"main.cf": "a\n", "tlsconf/outbound": "b\n"})
EXIM = target("exim", {"main": "c\n"})


def tree(folder: Path) -> dict[str, str]:
    """Return every file of a folder, links and empty folders included, the index left out."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        elif path.is_file() and name != "manifest.json":
            found[name] = path.read_text(errors="surrogateescape")
        elif path.is_dir() and not any(path.iterdir()):
            found[f"{name}/"] = ""
    return found


def wanted(*targets: RenderedTarget) -> dict[str, str]:
    return {f"{item.folder}/{file.path}": file.text for item in targets for file in item.files}


def write(out: Path, *targets: RenderedTarget, only: frozenset[str] = EVERY, force: bool = False) -> list[str]:
    return [difference.path for difference in output.write(out, targets, only, force=force)]


def judge(out: Path, *targets: RenderedTarget, only: frozenset[str] = EVERY) -> list[str]:
    return [difference.summary for difference in output.compare(out, targets, only)]


def failure(out: Path, *targets: RenderedTarget, force: bool = False) -> str:
    with pytest.raises(EnvironmentFailedError) as error:
        write(out, *targets, force=force)
    return str(error.value).replace(str(out), "OUT")


def test_a_first_run_writes_everything_and_a_second_one_nothing(tmp_path: Path) -> None:
    out = tmp_path / "new" / "folder"
    assert write(out, POSTFIX, EXIM) == ["postfix/main.cf", "postfix/tlsconf/outbound", "exim/main", "manifest.json"]
    assert tree(out) == wanted(POSTFIX, EXIM)
    stamps = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert write(out, POSTFIX, EXIM) == []
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == stamps


def test_the_index_lists_what_was_rendered(tmp_path: Path) -> None:
    write(tmp_path, POSTFIX)
    index = json.loads((tmp_path / "manifest.json").read_text())
    assert index["format"] == 1
    assert index["rendered"] == [
        {
            "folder": "postfix",
            "profile": "sample",
            "host": None,
            "target": "postfix",
            "release": "1.0",
            "files": [{"path": file.path, "sha256": file.sha256} for file in POSTFIX.files],
        }
    ]


def test_only_what_changed_is_written_again(tmp_path: Path) -> None:
    write(tmp_path, POSTFIX, EXIM)
    changed = target("postfix", {"main.cf": "z\n", "tlsconf/outbound": "b\n"})
    assert write(tmp_path, changed, EXIM) == ["postfix/main.cf", "manifest.json"]
    assert tree(tmp_path) == wanted(changed, EXIM)


def test_judging_writes_nothing_and_says_what_is_the_matter(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert judge(out, EXIM) == ["exim/main: is missing", "manifest.json: is missing"]
    assert not out.exists()
    write(out, POSTFIX, EXIM)
    (out / "postfix/main.cf").write_text("mine\n")
    before = tree(out)
    assert judge(out, target("postfix", {"main.cf": "a\n"}), target("exim", {"main": "new\n"})) == [
        "postfix/main.cf: differs (edited by hand)",
        "exim/main: differs",
        "manifest.json: differs",
        "postfix/tlsconf/outbound: no longer belongs here",
    ]
    assert tree(out) == before
    assert judge(out, POSTFIX, EXIM) == ["postfix/main.cf: differs (edited by hand)"]


def test_differences_are_shown_line_by_line(tmp_path: Path) -> None:
    write(tmp_path, POSTFIX)
    (tmp_path / "postfix/main.cf").write_bytes(b"x\x0cy\r\nend \xff")
    found = output.compare(tmp_path, (target("postfix", {"main.cf": "a\n"}), EXIM), EVERY)
    new = wanted(target("postfix", {"main.cf": "a\n"}))["postfix/main.cf"]
    shown = {difference.path: difference.text() for difference in found}
    assert shown["postfix/main.cf"] == (
        "--- old/postfix/main.cf\n+++ new/postfix/main.cf\n@@ -1,2 +1,5 @@\n"
        "-x\x0cy\r\n-end \udcff\n\\ No newline at end of file\n" + "".join(f"+{line}\n" for line in new.splitlines())
    )
    assert shown["exim/main"].startswith("--- /dev/null\n+++ new/exim/main\n@@ -0,0 +1,5 @@\n")
    assert shown["postfix/tlsconf/outbound"].startswith("--- old/postfix/tlsconf/outbound\n+++ /dev/null\n@@ -1,5 +0,0 @@\n")


# --- what is not ours ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"mine\n", b"", text_of("a\n").encode() + b"# caf\xe9\n", b"\x00" * 100, text_of("a\n").replace("a", "b").encode()]
)
def test_a_file_that_was_edited_stops_everything_and_force_overwrites_it(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, POSTFIX)
    (tmp_path / "postfix/main.cf").write_bytes(content)
    before = tree(tmp_path)
    changed = target("postfix", {"main.cf": "z\n", "tlsconf/outbound": "z\n"})
    assert failure(tmp_path, changed) == (
        "OUT/postfix/main.cf: edited by hand, or not made by tlsconf; nothing is written "
        "(`--force` overwrites, `--diff --check` shows the difference)"
    )
    assert tree(tmp_path) == before
    write(tmp_path, changed, force=True)
    assert tree(tmp_path) == wanted(changed)


def test_an_edited_file_that_no_longer_belongs_is_not_deleted_either(tmp_path: Path) -> None:
    write(tmp_path, POSTFIX, EXIM)
    (tmp_path / "exim/main").write_text("mine\n")
    assert failure(tmp_path, POSTFIX).startswith("OUT/exim/main: edited by hand")
    write(tmp_path, POSTFIX, force=True)
    assert tree(tmp_path) == wanted(POSTFIX)


def test_stale_files_of_our_own_index_are_deleted_and_only_those(tmp_path: Path) -> None:
    write(tmp_path, POSTFIX, EXIM, target("sendmail", {"tlsconf/senders": "s\n"}))
    (tmp_path / "exim/notes").write_text("mine\n")
    (tmp_path / "README").write_text("mine\n")
    assert write(tmp_path, target("postfix", {"main.cf": "a\n"})) == [
        "manifest.json",
        "exim/main",
        "postfix/tlsconf/outbound",
        "sendmail/tlsconf/senders",
    ]
    assert tree(tmp_path) == {**wanted(target("postfix", {"main.cf": "a\n"})), "exim/notes": "mine\n", "README": "mine\n"}
    assert judge(tmp_path, target("postfix", {"main.cf": "a\n"})) == []


def test_an_index_that_was_edited_deletes_nothing(tmp_path: Path) -> None:
    write(tmp_path, POSTFIX, EXIM)
    index = tmp_path / "manifest.json"
    index.write_text(index.read_text().replace("1.0", "1.1"))
    assert failure(tmp_path, POSTFIX).startswith("OUT/manifest.json: edited by hand")
    write(tmp_path, POSTFIX, force=True)
    assert tree(tmp_path) == wanted(POSTFIX, EXIM)


VICTIM = text_of("a file of ours, elsewhere\n")


@pytest.mark.parametrize(
    "rendered",
    [
        [{"folder": "..", "files": [{"path": "victim"}]}],
        [{"folder": "a/../..", "files": [{"path": "victim"}]}],
        [{"folder": "exim", "files": [{"path": "../../victim"}]}],
        [{"folder": ".", "files": [{"path": "manifest.json"}]}],
        [{"folder": "", "files": [{"path": ""}]}],
        [{"folder": "\0", "files": [{"path": "x"}]}],
        [{"folder": "x", "files": "abc"}],
        [{"folder": "x", "files": [1]}],
        [{"folder": 1, "files": []}],
        [{}, 1, None, "x"],
        {"a": 1},
        None,
    ],
)
def test_a_forged_index_reaches_nothing(tmp_path: Path, rendered: object) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "victim").write_text(VICTIM)
    (out / "manifest.json").write_text(json_text({"format": 1, "rendered": rendered}))
    write(out, POSTFIX)
    assert tree(out) == wanted(POSTFIX)
    assert (tmp_path / "victim").read_text() == VICTIM


def test_a_forged_index_names_an_absolute_path_in_vain(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text(VICTIM)
    (tmp_path / "out").mkdir()
    entry = {"folder": str(tmp_path), "files": [{"path": "victim"}]}
    (tmp_path / "out/manifest.json").write_text(json_text({"format": 1, "rendered": [entry]}))
    write(tmp_path / "out", POSTFIX)
    assert (tmp_path / "victim").exists()


# --- one target of several -------------------------------------------------------------------------------------------


def test_one_target_alone_is_judged_written_and_cleaned_up(tmp_path: Path) -> None:
    write(tmp_path, POSTFIX, EXIM)
    (tmp_path / "exim/main").write_text("mine\n")
    changed = target("postfix", {"main.cf": "z\n"})
    only = frozenset({"postfix"})
    assert judge(tmp_path, POSTFIX, only=only) == []
    assert write(tmp_path, changed, only=only) == ["postfix/main.cf", "manifest.json", "postfix/tlsconf/outbound"]
    assert tree(tmp_path) == {**wanted(changed), "exim/main": "mine\n"}
    assert judge(tmp_path, changed, EXIM) == ["exim/main: differs (edited by hand)"]


def test_one_target_alone_into_an_empty_folder_knows_of_no_other(tmp_path: Path) -> None:
    write(tmp_path, EXIM, only=frozenset({"exim"}))
    assert judge(tmp_path, EXIM, only=frozenset({"exim"})) == []
    assert judge(tmp_path, POSTFIX, EXIM) == [
        "postfix/main.cf: is missing",
        "postfix/tlsconf/outbound: is missing",
        "manifest.json: differs",
    ]


def test_the_same_target_of_another_folder_goes_when_only_it_is_rendered(tmp_path: Path) -> None:
    write(tmp_path, target("exim", {"main": "a\n"}, "p/mx1/exim"), target("exim", {"main": "a\n"}, "p/mx2/exim"), POSTFIX)
    left = target("exim", {"main": "a\n"}, "p/mx2/exim")
    write(tmp_path, left, only=frozenset({"exim"}))
    assert tree(tmp_path) == wanted(left, POSTFIX)


# --- links and other things in the way -------------------------------------------------------------------------------


@pytest.mark.parametrize("link", ["postfix", "postfix/tlsconf", "postfix/main.cf", "manifest.json"])
def test_a_link_out_of_the_folder_is_refused_even_with_force(tmp_path: Path, link: str) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    (out / link).parent.mkdir(parents=True)
    elsewhere.mkdir()
    (elsewhere / "main.cf").write_text(VICTIM)
    (out / link).symlink_to(elsewhere / "main.cf" if "." in link else elsewhere)
    before = tree(tmp_path)
    assert failure(out, POSTFIX, force=True) == f"OUT/{link}: is a symbolic link out of OUT, which is not followed"
    assert judge_fails(out)
    assert tree(tmp_path) == before


def judge_fails(out: Path) -> bool:
    with pytest.raises(EnvironmentFailedError):
        judge(out, POSTFIX)
    return True


@pytest.mark.parametrize("aim", ["other", "main.cf", "missing"])
def test_a_link_inside_the_folder_is_no_file_of_ours(tmp_path: Path, aim: str) -> None:
    (tmp_path / "postfix").mkdir()
    (tmp_path / "postfix/other").write_text("x")
    (tmp_path / "postfix/main.cf").symlink_to(aim)
    assert failure(tmp_path, POSTFIX, force=True) == "OUT/postfix/main.cf: is a symbolic link, not a file of ours"


def test_the_folder_itself_and_a_folder_in_it_may_be_links(tmp_path: Path) -> None:
    real = tmp_path / "real"
    (real / "inner").mkdir(parents=True)
    (real / "postfix").symlink_to("inner")
    (tmp_path / "out").symlink_to("real")
    write(tmp_path / "out", POSTFIX)
    assert (real / "inner/main.cf").read_text() == wanted(POSTFIX)["postfix/main.cf"]
    assert judge(tmp_path / "out", POSTFIX) == []


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda out: out.write_text("x"), "OUT: File exists"),
        (lambda out: out.symlink_to("nowhere"), "OUT: File exists"),
        (lambda out: out.symlink_to("out"), "OUT: File exists"),
        (lambda out: (out / "postfix").mkdir(parents=True) or (out / "postfix/main.cf").mkdir(), "OUT/postfix/main.cf: Is a directory"),
        (lambda out: out.mkdir() or (out / "postfix").write_text("x"), "OUT/postfix/main.cf: Not a directory"),
    ],
)
def test_what_stands_in_the_way_is_named(tmp_path: Path, make: object, said: str) -> None:
    out = tmp_path / "out"
    make(out)  # type: ignore[operator]
    assert failure(out, POSTFIX) == said


# --- at the same time, and in the middle -----------------------------------------------------------------------------

WRITER = """
import sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tests import test_output as t
targets = [t.big(number) for number in (0, 1)]
print("ready", flush=True)
while True:
    for item in targets:
        t.write(Path(sys.argv[2]), item)
"""


def big(number: int) -> RenderedTarget:
    return target("postfix", {f"tlsconf/{name}": f"{number}\n" * 20_000 for name in range(10)})


def test_a_writer_killed_at_any_moment_leaves_whole_files(tmp_path: Path) -> None:
    contents = [wanted(big(number)) for number in (0, 1)]
    chance = random.Random(1)  # noqa: S311  (moments, not secrets)
    for _ in range(12):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(ROOT), str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(chance.uniform(0, 0.05))
            writer.send_signal(signal.SIGKILL)
        found = {name: text for name, text in tree(tmp_path).items() if not name.endswith(".tlsconf-new")}
        assert [name for name, text in found.items() if text not in {content[name] for content in contents}] == []
    write(tmp_path, big(0))
    write(tmp_path, big(1))
    assert tree(tmp_path) == contents[1]


def test_what_a_killed_run_left_behind_is_cleared_away(tmp_path: Path) -> None:
    write(tmp_path, POSTFIX)
    for name in ("postfix/.main.cf.tlsconf-new", ".manifest.json.tlsconf-new"):
        (tmp_path / name).write_text("half")
    assert write(tmp_path, POSTFIX) == []
    assert tree(tmp_path) == wanted(POSTFIX)


def test_a_run_that_was_killed_before_the_index_is_seen_as_stale(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, POSTFIX, EXIM)
    changed = target("postfix", {"main.cf": "z\n"})
    replace = output._replace

    def killed(path: Path, text: str) -> None:
        if path.name == "manifest.json":
            raise KeyboardInterrupt
        replace(path, text)

    monkeypatch.setattr(output, "_replace", killed)
    with pytest.raises(KeyboardInterrupt):
        write(tmp_path, changed)
    assert judge(tmp_path, changed) == ["manifest.json: differs"]


def test_two_runs_at_once_end_in_one_of_their_results(tmp_path: Path) -> None:
    targets = [target("postfix", {f"file{name}": f"{number}\n" for name in range(30)}) for number in range(2)]
    runs = [threading.Thread(target=lambda item=item: [write(tmp_path, item) for _ in range(10)]) for item in targets]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert tree(tmp_path) in [wanted(item) for item in targets]
    assert [] in [judge(tmp_path, item) for item in targets]


def test_a_temporary_file_that_cannot_be_written_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", "x")

    monkeypatch.setattr(Path, "replace", full)
    assert failure(tmp_path, POSTFIX) == "x: No space left on device"
    assert [name for name in tree(tmp_path) if "tlsconf-new" in name] == []


def without_override(command: list[str]) -> list[str]:
    """Return a command that runs without root's right to write everywhere."""
    if os.geteuid() != 0:
        return command
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("root may write everywhere, and setpriv, which takes that away, is not installed")
    return [setpriv, "--bounding-set=-all", "--inh-caps=-all", *command]


def test_a_folder_that_may_not_be_written_is_an_environment_that_failed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    out.chmod(0o555)
    profile = ROOT / "examples/edge/profile.yaml"
    command = [sys.executable, "-m", "tlsconf", "render", str(profile), "-t", "postfix", "-o", str(out)]
    done = subprocess.run(without_override(command), check=False, capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (4, "", f"tlsconf: {out}/postfix: Permission denied\n")
