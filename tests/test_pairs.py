"""What is compared with what: files, folders and revisions, and what can't be paired."""

from __future__ import annotations

import os
import re
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.repositories import commit, git, repository
from tests.samples import HEAD, put
from tlsconf.errors import EnvironmentFailedError, UsageError
from tlsconf.files import DISK
from tlsconf.pairs import Pair, pairs, pairs_since

pytestmark = pytest.mark.usefixtures("only_git")


def shown(found: list[Pair]) -> list[tuple[str, str | None, str | None]]:
    """Return the names of pairs and of their sides."""
    return [(pair.name, pair.old and pair.old.name, pair.new and pair.new.name) for pair in found]


def paired(old: object, new: object) -> list[tuple[str, str | None, str | None]]:
    with pairs(str(old), str(new)) as found:
        return shown(found)


def since(rev: str, *profiles: str) -> list[tuple[str, str | None, str | None]]:
    with pairs_since(rev, profiles) as found:
        return shown(found)


def contents(pair: Pair) -> list[bytes | None]:
    return [side and side.files.read(side.files.path(side.name), regular=True) for side in (pair.old, pair.new)]


# --- OLD and NEW ------------------------------------------------------------------------------------------------------


def test_two_files(tmp_path: Path) -> None:
    put(tmp_path, {"a": "", "b": ""})
    assert paired(tmp_path / "a", tmp_path / "b") == [(f"{tmp_path}/b", f"{tmp_path}/a", f"{tmp_path}/b")]


def test_folders_are_paired_by_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"old/a.yaml": HEAD, "old/sub/b.yml": HEAD, "old/gone.yaml": HEAD, "old/c.txt": HEAD, "old/list.yaml": "- x\n"})
    put(tmp_path, {"new/a.yaml": HEAD, "new/sub/b.yml": HEAD, "new/new.yaml": HEAD, "new/list.yaml": "- y\n", "new/sub/.x/h.yaml": HEAD})
    monkeypatch.chdir(tmp_path)
    assert paired("old", "./new/") == [
        ("new/a.yaml", "old/a.yaml", "new/a.yaml"),
        ("new/gone.yaml", "old/gone.yaml", None),
        ("new/new.yaml", None, "new/new.yaml"),
        ("new/sub/b.yml", "old/sub/b.yml", "new/sub/b.yml"),
    ]


@pytest.mark.parametrize(
    ("text", "is_profile"),
    [
        ("tlsconf: 1\n", True),
        ("# a\nname: x\ntlsconf: 1\n", True),
        ("---\r\n'tlsconf' : 1\r\n", True),
        ("--- {tlsconf: 1}\n", True),
        ('{ "tlsconf": 1}\n', True),
        ("\ufefftlsconf: 1\n", True),
        ("  tlsconf: 1\n  name: x\n", True),
        ("tlsconf: [\n", True),
        ("jobs:\n  tlsconf:\n    run: x\n", False),
        ("# tlsconf: 1\n", False),
        ("x: tlsconf: 1\n", False),
        ("tlsconfig: 1\n", False),
        ("", False),
    ],
)
def test_a_profile_is_known_by_its_first_key(tmp_path: Path, text: str, *, is_profile: bool) -> None:
    put(tmp_path, {"old/p.yaml": HEAD, "new/p.yaml": HEAD, "old/x.yaml": text, "new/x.yaml": text})
    assert (len(paired(tmp_path / "old", tmp_path / "new")) == 2) is is_profile


@pytest.mark.parametrize("broken", ["", "name: x\n", "\0", "- x\n"])
def test_what_is_a_profile_on_one_side_is_one_on_the_other(tmp_path: Path, broken: str) -> None:
    put(tmp_path, {"old/p.yaml": HEAD, "old/x.yaml": HEAD, "new/p.yaml": HEAD, "new/x.yaml": broken})
    for old, new in (("old", "new"), ("new", "old")):
        assert paired(tmp_path / old, tmp_path / new)[1][1:] == (f"{tmp_path}/{old}/x.yaml", f"{tmp_path}/{new}/x.yaml")


def test_a_file_of_a_folder_that_can_t_be_read_is_not_left_out(tmp_path: Path) -> None:
    put(tmp_path, {"old/p.yaml": HEAD, "new/p.yaml": HEAD})
    (tmp_path / "new/x.yaml").symlink_to("nothing")
    assert paired(tmp_path / "old", tmp_path / "new")[1][1:] == (None, f"{tmp_path}/new/x.yaml")


def test_a_revision_and_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"deps/a.yaml": f"{HEAD}# old\n", "deps/b.yaml": HEAD})
    put(folder, {"deps/a.yaml": f"{HEAD}# new\n"})
    (folder / "deps/b.yaml").unlink()
    monkeypatch.chdir(folder / "deps")
    for old, new in (("HEAD:deps", "."), ("HEAD:./", "."), ("HEAD:.", "."), ("HEAD:", ".."), ("HEAD:..", ".."), ("HEAD:deps/", "../deps")):
        with pairs(old, new) as found:
            assert contents(found[0]) == [f"{HEAD}# old\n".encode(), f"{HEAD}# new\n".encode()]
            assert [found[1].old is None, found[1].new is None] == [False, True]
    assert paired("HEAD:./a.yaml", "a.yaml") == [("a.yaml", "HEAD:deps/a.yaml", "a.yaml")]
    assert paired("HEAD:../deps/a.yaml", "HEAD:deps/b.yaml") == [("HEAD:deps/b.yaml", "HEAD:deps/a.yaml", "HEAD:deps/b.yaml")]


def test_two_revisions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"a.yaml": f"{HEAD}# 1\n", "old name.yaml": HEAD})
    git(folder, "mv", "old name.yaml", "nëw\nname.yaml")
    commit(folder, {"a.yaml": f"{HEAD}# 2\n"})
    monkeypatch.chdir(folder)
    with pairs("HEAD~1:", "HEAD@{0}:") as found:
        assert shown(found) == [
            ("HEAD@{0}:a.yaml", "HEAD~1:a.yaml", "HEAD@{0}:a.yaml"),
            ("HEAD@{0}:nëw\nname.yaml", None, "HEAD@{0}:nëw\nname.yaml"),
            ("HEAD@{0}:old name.yaml", "HEAD~1:old name.yaml", None),
        ]
        assert contents(found[0]) == [f"{HEAD}# 1\n".encode(), f"{HEAD}# 2\n".encode()]
        assert contents(found[1]) == [None, HEAD.encode()]


def test_a_colon_between_braces_belongs_to_the_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=fix: x")
    commit(folder, {"a:b.yaml": HEAD})
    monkeypatch.chdir(folder)
    (folder / "a:b.yaml").unlink()
    assert paired("HEAD:a:b.yaml", "HEAD^{/test}:a:b.yaml")[0][1:] == ("HEAD:a:b.yaml", "HEAD^{/test}:a:b.yaml")
    with pytest.raises(EnvironmentFailedError, match=re.escape("HEAD^{/fix: x}:a:b.yaml: there is no such file or folder")):
        paired("HEAD^{/fix: x}:a:b.yaml", "HEAD:a:b.yaml")


def test_a_file_of_that_very_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"a.yaml": HEAD, "HEAD:a.yaml": HEAD})
    monkeypatch.chdir(folder)
    with pairs("HEAD:a.yaml", "a.yaml") as found:
        assert found[0].old is not None
        assert found[0].old.files is DISK


@pytest.mark.parametrize(
    ("old", "new", "kind", "said"),
    [
        ("folder", "a.yaml", UsageError, "folder and a.yaml: one is a file, the other a folder"),
        ("HEAD:a.yaml", "folder", UsageError, "HEAD:a.yaml and folder: one is a file, the other a folder"),
        ("", "a.yaml", UsageError, "a profile's name is empty"),
        ("a.yaml", "none.yaml", EnvironmentFailedError, "none.yaml: there is no such file or folder"),
        ("HEAD:none", "folder", EnvironmentFailedError, "HEAD:none: there is no such file or folder"),
        ("nope:a.yaml", "a.yaml", EnvironmentFailedError, "revision `nope`: the repository has no such commit"),
        (":a.yaml", "a.yaml", EnvironmentFailedError, "revision ``: the repository has no such commit"),
        ("-x:a.yaml", "a.yaml", EnvironmentFailedError, "revision `-x`: the repository has no such commit"),
        ("folder", "without", EnvironmentFailedError, "without: no profile lies in this folder"),
        ("without", "folder", EnvironmentFailedError, "without: no profile lies in this folder"),
        ("HEAD:without", "folder", EnvironmentFailedError, "HEAD:without: no profile lies in this folder"),
        ("a\0b", "a.yaml", EnvironmentFailedError, r"'a\x00b': no file can be called so"),
    ],
)
def test_what_can_t_be_paired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, kind: type[Exception], said: str
) -> None:
    folder = repository(tmp_path / "r", {"a.yaml": HEAD, "folder/a.yaml": HEAD, "without/a.yaml": "a: b\n"})
    monkeypatch.chdir(folder)
    with pytest.raises(kind, match=f"^{re.escape(said)}$"):
        paired(old, new)


def test_outside_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"a.yaml": HEAD})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EnvironmentFailedError, match="git: not a git repository"):
        paired("HEAD:a.yaml", "a.yaml")
    with pytest.raises(EnvironmentFailedError, match="git: not a git repository"):
        since("HEAD", "a.yaml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_can_t_be_entered(tmp_path: Path) -> None:
    put(tmp_path, {"old/a.yaml": HEAD, "new/a.yaml": HEAD, "new/sub/b.yaml": HEAD})
    (tmp_path / "new/sub").chmod(0)
    with pytest.raises(EnvironmentFailedError, match="Permission denied"):
        paired(tmp_path / "old", tmp_path / "new")


# --- since a revision -------------------------------------------------------------------------------------------------


def test_profiles_and_what_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"a.yaml": f"{HEAD}# old\n", "sub/b c.yaml": f"{HEAD}# old\n"})
    put(folder, {"a.yaml": f"{HEAD}# new\n", "sub/b c.yaml": f"{HEAD}# new\n", "sub/new.yaml": HEAD})
    monkeypatch.chdir(folder / "sub")
    with pairs_since("main", ["../a.yaml", "b c.yaml", "new.yaml", f"{folder}/a.yaml"]) as found:
        assert shown(found) == [
            ("../a.yaml", "main:a.yaml", "../a.yaml"),
            ("b c.yaml", "main:sub/b c.yaml", "b c.yaml"),
            ("new.yaml", None, "new.yaml"),
            (f"{folder}/a.yaml", "main:a.yaml", f"{folder}/a.yaml"),
        ]
        assert [contents(pair)[0] for pair in found] == [
            f"{HEAD}# old\n".encode(),
            f"{HEAD}# old\n".encode(),
            None,
            f"{HEAD}# old\n".encode(),
        ]


def test_folders_and_what_they_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"deps/a.yaml": HEAD, "deps/gone.yaml": HEAD, "deps/x/list.yaml": "a: b\n"})
    (folder / "deps/gone.yaml").unlink()
    put(folder, {"deps/x/new.yaml": HEAD, "later/p.yaml": HEAD})
    monkeypatch.chdir(folder)
    deps = [
        ("deps/a.yaml", "HEAD:deps/a.yaml", "deps/a.yaml"),
        ("deps/gone.yaml", "HEAD:deps/gone.yaml", None),
        ("deps/x/new.yaml", None, "deps/x/new.yaml"),
    ]
    later = [("later/p.yaml", None, "later/p.yaml")]
    assert since("HEAD", "deps", "later", "deps/a.yaml") == [*deps, *later]
    assert since("HEAD", ".") == [*deps, *later]
    (folder / "empty").mkdir()
    with pytest.raises(EnvironmentFailedError, match=r"^empty: no profile lies in this folder$"):
        since("HEAD", "deps", "empty")


def test_all_profiles_of_a_folder_may_be_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"deps/a.yaml": HEAD, "deps/README": ""})
    (folder / "deps/a.yaml").unlink()
    monkeypatch.chdir(folder)
    assert since("HEAD", "deps") == [("deps/a.yaml", "HEAD:deps/a.yaml", None)]


def test_a_file_that_is_gone_was_there_or_is_left_to_whoever_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"a.yaml": HEAD, "gone.yaml": HEAD, "sub/gone.yaml": HEAD})
    (folder / "gone.yaml").unlink()
    (folder / "sub/gone.yaml").unlink()
    (folder / "sub").rmdir()
    monkeypatch.chdir(folder)
    assert since("HEAD", "a.yaml", "gone.yaml", "sub/gone.yaml", "no/such") == [
        ("a.yaml", "HEAD:a.yaml", "a.yaml"),
        ("gone.yaml", "HEAD:gone.yaml", None),
        ("sub/gone.yaml", "HEAD:sub/gone.yaml", None),
        ("no/such", None, "no/such"),
    ]


def test_a_file_that_was_a_folder_is_no_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"a.yaml/x": ""})
    (folder / "a.yaml/x").unlink()
    (folder / "a.yaml").rmdir()
    put(folder, {"a.yaml": HEAD})
    monkeypatch.chdir(folder)
    assert since("HEAD", "a.yaml") == [("a.yaml", "HEAD:a.yaml", "a.yaml")]


def test_links_lead_to_the_repository_where_a_profile_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = repository(tmp_path / "one", {"sub/a.yaml": HEAD}), repository(tmp_path / "other", {"a.yaml": HEAD, "linked.yaml": HEAD})
    (tmp_path / "link").symlink_to("one/sub")
    (other / "linked.yaml").unlink()
    (other / "linked.yaml").symlink_to("a.yaml")
    monkeypatch.chdir(tmp_path)
    git(one, "tag", "v1")
    git(other, "tag", "v1")
    with pairs_since("v1", ["link/a.yaml", "other/a.yaml", "other/linked.yaml", "link"]) as found:
        assert [pair.old and pair.old.name for pair in found] == [
            "v1:sub/a.yaml",
            "v1:a.yaml",
            "v1:linked.yaml",
        ]  # the folder has nothing more
        assert len({id(pair.old.files) for pair in found if pair.old}) == 2


def test_the_revisions_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"a.yaml": HEAD})
    monkeypatch.chdir(folder)
    with ExitStack() as stack:
        found = [*stack.enter_context(pairs("HEAD:a.yaml", "a.yaml")), *stack.enter_context(pairs_since("HEAD", ["a.yaml"]))]
        for pair in found:
            contents(pair)
        running = children()
    assert len(running) == 2
    assert children() == set()


def children() -> set[str]:
    """Return the process ids of this process's children."""
    return {pid for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text().split()}


def test_git_is_not_asked_again_for_each_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {f"d{number}/p.yaml": HEAD for number in range(300)})
    monkeypatch.chdir(folder)
    start = time.monotonic()
    assert len(since("HEAD", *(f"d{number}/p.yaml" for number in range(300)))) == 300
    assert time.monotonic() - start < 1  # 600 processes would take longer
