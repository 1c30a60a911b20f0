"""Files of a commit: what a real repository gives, and why it gives nothing."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from tests.repositories import ENVIRONMENT, commit, git, repository
from tests.samples import HEAD, WHOLE, line, put
from tlsconf import git as asking
from tlsconf.errors import EnvironmentFailedError, ProfileError
from tlsconf.files import MAXIMUM_BYTES, FileKind
from tlsconf.resolve import resolve
from tlsconf.revision import Revision
from tlsconf.tls import Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.policy import Policy


pytestmark = pytest.mark.usefixtures("only_git")


def revision(folder: Path, rev: str = "HEAD") -> Revision:
    return Revision(asking.around(str(folder)), rev)


def policy_at(folder: Path, rev: str, path: str) -> Policy:
    with revision(folder, rev) as files:
        return resolve(f"{rev}:{path}", files).policies[0]


def read(folder: Path, path: str) -> bytes:
    with revision(folder) as files:
        return files.read(PurePosixPath(path), regular=True)


def refused(folder: Path, path: str, *, regular: bool = True) -> str:
    """Return why something can't be read."""
    with revision(folder) as files:
        try:
            content = files.read(PurePosixPath(path), regular=regular)
        except OSError as error:
            return str(error.strerror)
    raise AssertionError(content)


# --- profiles at a revision -------------------------------------------------------------------------------------------

CHAIN = {
    "teams/a/top.yaml": f"{WHOLE}extends: ../../base.yaml\n",
    "base.yaml": f"{HEAD}extends: uk-government\ntls: {{minimum_version: TLSv1.2}}\n"
    "outbound: {rules: [{name: p, domains: [{file: lists/partners.txt}], tls: required}]}\n",
    "lists/partners.txt": "old.example\n",
}


def test_the_whole_chain_and_its_lists_are_those_of_the_revision(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", CHAIN)
    commit(folder, {"base.yaml": CHAIN["base.yaml"].replace("TLSv1.2", "TLSv1.3")})
    commit(folder, {"lists/partners.txt": "new.example\n"})
    for path in ("base.yaml", "lists/partners.txt"):
        (folder / path).unlink()  # what lies on the disk does not matter
    found = [policy_at(folder, rev, "teams/a/top.yaml") for rev in ("HEAD~2", "HEAD~1", "HEAD")]
    assert [policy.required.minimum_version for policy in found] == [Version.TLSv1_2, Version.TLSv1_3, Version.TLSv1_3]
    assert [policy.outbound.rules[-1].domains for policy in found] == [("old.example",), ("old.example",), ("new.example",)]


def test_branches_tags_and_commits_are_revisions(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", CHAIN)
    git(folder, "tag", "--annotate", "v1", "--message=v1")
    git(folder, "switch", "--quiet", "--create", "topic/one")
    new = commit(folder, {"lists/partners.txt": "new.example\n"})
    git(folder, "switch", "--quiet", "main")
    for rev, domain in {"v1": "old", "main": "old", "topic/one": "new", new: "new", new[:12]: "new", "topic/one^{/test}": "new"}.items():
        assert policy_at(folder, rev, "teams/a/top.yaml").outbound.rules[-1].domains == (f"{domain}.example",)


def test_places_are_told_by_revision_and_path(tmp_path: Path) -> None:
    folder = repository(
        tmp_path / "r", {**CHAIN, "lists/partners.txt": "old.example\n-\n", "teams/a/top.yaml": CHAIN["teams/a/top.yaml"] + "x: 1\n"}
    )
    with revision(folder) as files, pytest.raises(ProfileError) as caught:
        resolve("HEAD:teams/a/top.yaml", files)
    assert [line(finding, folder).partition(" (")[0] for finding in caught.value.findings] == [
        "HEAD:teams/a/top.yaml:7:1: unknown key `x`",
        "HEAD:lists/partners.txt:2:1: `-` is no domain pattern",
    ]


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ("./none.yaml", "the base `./none.yaml` can't be read: it is not in HEAD"),
        ("./top.yaml/x.yaml", "the base `./top.yaml/x.yaml` can't be read: it is not in HEAD"),
        ("../../../x.yaml", "the base `../../../x.yaml` can't be read: it lies outside the repository"),
        ("/etc/passwd.yaml", "the base `/etc/passwd.yaml` can't be read: it lies outside the repository"),
        ("./out.yaml", "the base `./out.yaml` can't be read: a link leads out of the repository"),
        ("./loop.yaml", "the base `./loop.yaml` can't be read: Too many levels of symbolic links"),
        ("./folder/", "the base `./folder/` can't be read: it is no regular file"),
        ("./module/x.yaml", "the base `./module/x.yaml` can't be read: it lies in a submodule"),
        ("./module/", "the base `./module/` can't be read: it is a submodule"),
        ('"./a\\0b.yaml"', "the base `./a\0b.yaml` can't be read: it is not in HEAD"),
        ("./round.yaml", "`extends` runs in a circle: `HEAD:a/top.yaml` extends `HEAD:a/round.yaml` extends `HEAD:b/link.yaml`"),
        ("uk", "no profile `uk` is shipped"),
    ],
)
def test_a_base_that_can_t_be_had_is_told_where_it_is_named(tmp_path: Path, extends: str, said: str) -> None:
    folder = repository(tmp_path / "r")
    put(
        folder,
        {"a/top.yaml": f"{WHOLE}extends: {extends}\n", "a/round.yaml": f"{HEAD}extends: ../b/link.yaml\n", "a/folder/x": "", "b/x": ""},
    )
    for name, target in {"a/out.yaml": "/etc/hosts", "a/loop.yaml": "loop.yaml", "b/link.yaml": "../a/round.yaml"}.items():
        (folder / name).symlink_to(target)
    git(folder, "submodule", "--quiet", "add", str(repository(tmp_path / "other")), "a/module")
    commit(folder)
    with revision(folder) as files, pytest.raises(ProfileError) as caught:
        resolve("HEAD:a/top.yaml", files)
    (finding,) = caught.value.findings
    assert finding.message.startswith(said)
    assert finding.span is not None
    assert finding.span.file == ("HEAD:a/round.yaml" if "round" in extends else "HEAD:a/top.yaml")


def test_an_absolute_path_may_be_of_the_work_tree(tmp_path: Path) -> None:
    folder = repository(
        tmp_path / "r", {"a.yaml": f"{WHOLE}extends: {tmp_path.resolve()}/r/b.yaml\n", "b.yaml": f"{HEAD}description: old\n"}
    )
    (folder / "b.yaml").write_text(f"{HEAD}description: new\n")
    assert policy_at(folder, "HEAD", "a.yaml").description == "old"


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["a b.yaml", "ü/é.yaml", "line\nbreak.yaml", 'quo"te.yaml', "-x.yaml", ":x:y.yaml", "{a}.yaml", os.fsdecode(b"\xff.yaml"), "*?[.yaml"],
)
def test_names_of_any_kind(tmp_path: Path, name: str) -> None:
    folder = repository(tmp_path / "r", {name: "content\n"})
    (folder / name).unlink()
    assert read(folder, name) == b"content\n"
    with revision(folder) as files:
        assert list(files.below(PurePosixPath(""))) == [name]
        assert files.name(PurePosixPath("x/..") / name) == f"HEAD:{name}"
        assert files.path(f"HEAD:{name}") == PurePosixPath(name)


def test_links_are_followed_as_on_a_disk(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a/b/deep": "deep", "a/beside": "beside", "top": "top"})
    links = {"file": "a/b/deep", "folder": "a/b", "a/up": "../top", "twice": "folder", "a/b/above": "../../folder/../beside"}
    for name, target in links.items():
        (folder / name).symlink_to(target)
    commit(folder)
    paths = ["file", "folder/deep", "a/up", "twice/deep", "folder/../beside", "a/b/above", "a/./b//deep"]
    assert [read(folder, path) for path in paths] == [(folder / path).read_bytes() for path in paths]
    with revision(folder) as files:
        assert len({files.identity(PurePosixPath(path)) for path in ("file", "folder/deep", "twice/deep", "a/b/../b/deep")}) == 1


def test_what_lies_at_a_path(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"folder/a": ""})
    for name, target in {"dangling": "nothing", "link": "folder", "file": "folder/a", "out": "/etc", "above": "../.."}.items():
        (folder / name).symlink_to(target)
    commit(folder)
    with revision(folder) as files:
        kinds = {name: files.kind(PurePosixPath(name)) for name in ("", "link", "file", "out", "above", "none", "folder/a/b", "../x")}
    files_, folders = dict.fromkeys(("file", "out", "above", "../x"), FileKind.FILE), dict.fromkeys(("", "link"), FileKind.FOLDER)
    assert kinds == {**files_, **folders, "none": None, "folder/a/b": None}


def test_files_below_a_folder(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"in/a.yaml": "", "in/sub/b": "", "in/.hidden/c": "", "in/.d": "", "out/e": "", "in.x/f": ""})
    (folder / "in/linked").symlink_to("../out")
    (folder / "in/file").symlink_to("../out/e")
    git(folder, "submodule", "--quiet", "add", str(repository(tmp_path / "other")), "in/module")
    commit(folder)
    with revision(folder) as files:
        assert sorted(files.below(PurePosixPath("in"))) == ["a.yaml", "file", "sub/b"]
        with pytest.raises(OSError, match="it is not in HEAD"):
            list(files.below(PurePosixPath("none")))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"folder/a": ""})
    assert [refused(folder, "folder"), refused(folder, "folder", regular=False)] == ["it is no regular file", "Is a directory"]
    assert refused(folder, "none") == "it is not in HEAD"


def test_of_a_long_file_the_rest_is_not_read_and_others_can_be(tmp_path: Path) -> None:
    folder = repository(
        tmp_path / "r", {"exact": b"x" * MAXIMUM_BYTES, "more": b"y" * (MAXIMUM_BYTES + 1), "much": b"z" * MAXIMUM_BYTES * 4, "small": "s"}
    )
    with revision(folder) as files:
        sizes = [len(files.read(PurePosixPath(name), regular=True)) for name in ("exact", "more", "small", "much", "exact", "small")]
    assert sizes == [MAXIMUM_BYTES, MAXIMUM_BYTES + 1, 1, MAXIMUM_BYTES + 1, MAXIMUM_BYTES, 1]


def test_repositories_of_sha256(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    git(folder, "init", "--quiet", "--object-format=sha256")
    commit(folder, {"a/b/c": "content"})
    assert read(folder, "a/b/c") == b"content"


def test_a_bare_repository_and_a_work_tree_beside_it(tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "--quiet", "--bare", str(repository(tmp_path / "r", {"sub/a": "content"})), str(bare))
    git(bare, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    assert [read(folder, "sub/a") for folder in (bare, tmp_path / "tree", tmp_path / "tree/sub")] == [b"content"] * 3
    assert refused(bare, f"{bare}/sub/a") == "it lies outside the repository"
    assert asking.around(str(tmp_path / "tree/sub")).top() == str((tmp_path / "tree").resolve())


# --- the process ------------------------------------------------------------------------------------------------------


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Put a git on PATH that notes the process id of every `git cat-file`, and give the note."""
    note = tmp_path / "pids"
    real = subprocess.run(["which", "git"], check=True, capture_output=True, text=True).stdout.strip()
    put(tmp_path, {"bin/git": f'#!/bin/sh\ncase "$*" in *cat-file*) echo $$ >> "{note}";; esac\nexec {real} "$@"\n'})
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    yield note
    for pid in note.read_text().split():
        assert not Path(f"/proc/{pid}").exists()


def test_one_process_reads_everything_and_is_ended(tmp_path: Path, counted: Path) -> None:
    folder = repository(tmp_path / "r", {f"{number}.yaml": HEAD for number in range(200)})
    with revision(folder) as files:
        assert len([files.read(PurePosixPath(name), regular=True) for name in files.below(PurePosixPath(""))]) == 200
    assert len(counted.read_text().split()) == 1


def test_the_process_is_ended_where_reading_fails(tmp_path: Path, counted: Path) -> None:
    folder = repository(tmp_path / "r", {"much": b"z" * MAXIMUM_BYTES * 2})
    with pytest.raises(FileNotFoundError), revision(folder) as files:
        files.read(PurePosixPath(files.read(PurePosixPath("much"), regular=True)[:1].decode()), regular=True)
    assert len(counted.read_text().split()) == 1


def test_an_object_that_the_repository_has_lost_is_a_failed_environment(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a": "content of a", "b": "content of b"})
    lost = git(folder, "rev-parse", "HEAD:a")
    path = folder / ".git/objects" / lost[:2] / lost[2:]
    path.unlink()
    with revision(folder) as files:
        with pytest.raises(EnvironmentFailedError, match=rf"HEAD: git can't read the object {lost} \(a\); `git fsck` may say why"):
            files.read(PurePosixPath("a"), regular=True)
        assert files.read(PurePosixPath("b"), regular=True) == b"content of b"
        path.write_bytes(b"rubbish")
        with pytest.raises(EnvironmentFailedError, match="git can't read the object"):
            files.read(PurePosixPath("a"), regular=True)
        assert files.read(PurePosixPath("b"), regular=True) == b"content of b"


def test_neither_hooks_nor_monitors_nor_pagers_are_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"a.yaml": WHOLE, ".gitattributes": "* filter=trap diff=trap\n"})
    put(tmp_path, {"trap": f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n"})
    (tmp_path / "trap").chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "pager.cat-file",
        "filter.trap.smudge",
        "diff.trap.textconv",
        "core.sshCommand",
        "diff.external",
    ):
        git(folder, "config", key, str(tmp_path / "trap"))
    for hook in ("post-checkout", "post-index-change", "reference-transaction"):
        (folder / ".git/hooks" / hook).symlink_to(tmp_path / "trap")
    monkeypatch.setenv("GIT_PAGER", str(tmp_path / "trap"))
    assert policy_at(folder, "HEAD", "a.yaml").name == "sample"
    assert not (tmp_path / "sprung").exists()


# --- revisions that can't be had --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rev", "said"),
    [
        ("nope", "revision `nope`: the repository has no such commit"),
        ("", "revision ``: the repository has no such commit"),
        ("-x", "revision `-x`: the repository has no such commit"),
        ("--help", "revision `--help`: the repository has no such commit"),
        ("HEAD~9", "revision `HEAD~9`: the repository has no such commit"),
        ("main..main", "revision `main..main`: the repository has no such commit"),
        ("0" * 40, f"revision `{'0' * 40}`: the repository has no such commit"),
        ("a\0b", "revision `a\0b`: the repository has no such commit"),
        ("\ud800", "revision `\ud800`: the repository has no such commit"),
        ("HEAD:a", "revision `HEAD:a`: the repository has no such commit"),
        ("HEAD^{tree}", "expected commit type, but the object dereferences to tree type"),
        ("HEAD@{5}", "revision `HEAD@{5}`: log for 'HEAD' only has 1 entries"),
        ("twice", "revision `twice`: it may be a branch or a tag; say refs/heads/twice or refs/tags/twice"),
    ],
)
def test_a_revision_that_is_no_commit(tmp_path: Path, rev: str, said: str) -> None:
    folder = repository(tmp_path / "r", {"a": ""})
    git(folder, "tag", "twice")
    git(folder, "branch", "twice")
    git(folder, "config", "core.warnAmbiguousRefs", "false")
    with pytest.raises(EnvironmentFailedError) as caught:
        revision(folder, rev)
    assert str(caught.value).endswith(said)
    assert "\n" not in str(caught.value)


def test_a_short_id_of_several_objects(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r")
    seen: dict[str, str] = {}
    for number in range(2000):
        made = subprocess.run(
            ["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit-tree", "HEAD^{tree}", "-m", str(number)],
            check=True, capture_output=True, text=True, env=ENVIRONMENT,
        ).stdout.strip()  # fmt: skip
        if made[:4] in seen:
            break
        seen[made[:4]] = made
    with pytest.raises(EnvironmentFailedError, match=f"revision `{made[:4]}`: short object ID {made[:4]} is ambiguous"):
        revision(folder, made[:4])


def test_a_shallow_clone_says_that_it_is_one(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r", {"a": "1"})
    old = git(folder, "rev-parse", "HEAD")
    commit(folder, {"a": "2"})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{folder}", "shallow")
    assert read(tmp_path / "shallow", "a") == b"2"
    for rev in (old, "HEAD~1"):
        with pytest.raises(EnvironmentFailedError, match=f"revision `{rev}`: .*it is a shallow clone.*git fetch --unshallow"):
            revision(tmp_path / "shallow", rev)
    git(tmp_path / "shallow", "fetch", "--quiet", "--unshallow")
    with revision(tmp_path / "shallow", old) as files:
        assert files.read(PurePosixPath("a"), regular=True) == b"1"


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    with pytest.raises(EnvironmentFailedError, match="revision `HEAD`: the repository has no such commit"):
        revision(tmp_path)


def test_no_repository(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailedError, match="git: not a git repository"):
        asking.around(str(tmp_path))
    with pytest.raises(EnvironmentFailedError, match=r"git: cannot change to '.*/none': No such file or directory"):
        asking.around(str(tmp_path / "none"))


def test_git_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository(tmp_path / "r")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EnvironmentFailedError, match="git: it is not installed, and a revision is read by it"):
        asking.around(str(tmp_path / "r"))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_repository_of_somebody_else_is_refused_as_git_refuses_it(tmp_path: Path) -> None:
    folder = repository(tmp_path / "r")
    for path in (folder, folder / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(EnvironmentFailedError, match="git: detected dubious ownership in repository at "):
        asking.around(str(folder))


def test_git_that_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"git": "#!/bin/sh\nexec sleep 20\n"})
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(asking, "_PATIENCE", 0.2)
    start = time.monotonic()
    with pytest.raises(EnvironmentFailedError, match=r"git gave no answer in 0\.2 seconds"):
        asking.around(str(tmp_path))
    assert time.monotonic() - start < 10


# --- in hooks ---------------------------------------------------------------------------------------------------------


def test_a_hook_s_environment_does_not_hide_the_repository_of_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    main, other = repository(tmp_path / "main", {"sub/a": "main"}), repository(tmp_path / "other", {"sub/a": "other"})
    git(main, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    monkeypatch.setenv("GIT_DIR", str(main / ".git/worktrees/tree"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(main / ".git/worktrees/tree/index.lock"))
    monkeypatch.chdir(tmp_path / "tree")
    assert asking.around("sub").top() == str((tmp_path / "tree").resolve())
    assert read(other / "sub", "sub/a") == b"other"
    with Revision(asking.here(), "HEAD") as files:
        assert files.read(PurePosixPath("sub/a"), regular=True) == b"main"


def test_a_repository_that_only_the_environment_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = repository(tmp_path / "r", {"sub/a": "content"})
    (folder / ".git").rename(tmp_path / "elsewhere")
    monkeypatch.chdir(folder / "sub")
    monkeypatch.setenv("GIT_DIR", "../../elsewhere")
    monkeypatch.setenv("GIT_WORK_TREE", "..")
    repository_ = asking.around(str(folder / "sub"))
    assert repository_.top() == str(folder.resolve())
    with Revision(repository_, "HEAD") as files:
        assert files.read(PurePosixPath("sub/a"), regular=True) == b"content"
