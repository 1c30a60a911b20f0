"""`tlsconf diff`: what is compared, how it is told, and which exit code it has."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.repositories import ENVIRONMENT, IMPORTS, commit, git, repository
from tests.samples import HEAD, SERVER, WHOLE, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done

pytestmark = pytest.mark.usefixtures("only_git")

ROOT = Path(__file__).parent.parent.parent
FORMATS = ("text", "json", "markdown", "github", "sarif")


def base(tls: str = "required", floor: str = "TLSv1.2", **files: str) -> dict[str, str]:
    """Return a base with one rule, which takes its domains from a file."""
    rule = f"{{name: partners, domains: [{{file: partners.txt}}], tls: {tls}}}"
    text = f"{HEAD}tls: {{minimum_version: {floor}}}\noutbound: {{rules: [{rule}]}}\n"
    return {"base.yaml": text, "partners.txt": "partner.example\n", **files}


def department(number: int) -> dict[str, str]:
    """Return a profile that extends the base."""
    return {
        f"deps/d{number}.yaml": f"tlsconf: 1\nname: d{number}\nextends: ../base.yaml\nplatform: debian-12\ntargets: [postfix]\n{SERVER}"
    }


@pytest.fixture
def organisation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository of two departments and their base, in which the user stands."""
    folder = repository(tmp_path / "r", {**base(), **department(1), **department(2)})
    monkeypatch.chdir(folder)
    return folder


def answer(done: Done) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(done.out)
    return found


def ids(done: Done) -> list[tuple[str, str]]:
    return [(change["profile"], change["id"]) for change in answer(done)["changes"]]


# --- what is compared -------------------------------------------------------------------------------------------------


def test_nothing_changed(tlsconf: Callable[..., Done], organisation: Path) -> None:
    assert organisation.is_dir()
    assert tlsconf("diff", "--since", "HEAD", "deps", "base.yaml") == (0, "3 profiles compared: no change\n", "")


def test_a_change_of_a_base_is_told_once_for_all_profiles_that_it_touches(tlsconf: Callable[..., Done], organisation: Path) -> None:
    put(organisation, base("opportunistic"))
    done = tlsconf("diff", "--since", "HEAD", "deps")
    assert (done.code, done.err) == (1, "")
    assert done.out.splitlines() == [
        "weaker outbound-tls-lowered: mail to partner.example: TLS: required → opportunistic",
        "    HEAD:base.yaml:4:75 → base.yaml:4:75",
        "    held → clear: offers no STARTTLS; offers STARTTLS, then fails the handshake or answers 454",
        "    for deps/d1.yaml, deps/d2.yaml",
        "2 profiles compared: 1 weaker",
    ]


def test_a_change_of_a_list_is_a_change(tlsconf: Callable[..., Done], organisation: Path) -> None:
    put(organisation, {"partners.txt": "other.example\n"})
    done = tlsconf("diff", "--since", "HEAD", "deps/d1.yaml")
    assert done.code == 1
    assert "partner.example" in done.out
    assert "other.example" in done.out


def test_a_base_that_moved_is_read_where_it_was(tlsconf: Callable[..., Done], organisation: Path) -> None:
    git(organisation, "mv", "base.yaml", "bases.yaml")
    for number in (1, 2):
        text = department(number)[f"deps/d{number}.yaml"].replace("../base.yaml", "../bases.yaml")
        put(organisation, {f"deps/d{number}.yaml": text})
    assert tlsconf("diff", "--since", "HEAD", "deps").out == "2 profiles compared: no change\n"


def test_branches_folders_and_a_subfolder_as_the_place_to_stand(
    tlsconf: Callable[..., Done], organisation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(organisation, "switch", "--quiet", "--create", "topic")
    commit(organisation, {**base("opportunistic"), **department(3)})
    git(organisation, "switch", "--quiet", "main")
    monkeypatch.chdir(organisation / "deps")
    expected = [("d1", "outbound-tls-lowered"), ("d2", "outbound-tls-lowered"), ("d3", "profile-added")]
    for old, new in (("main:deps", "topic:deps"), ("main:./", "topic:./"), (".", "topic:deps")):
        done = tlsconf("diff", old, new, "--format", "json")
        assert (done.code, done.err) == (1, "")
        assert [(Path(profile).stem, change) for profile, change in ids(done)] == expected
    assert tlsconf("diff", "topic:deps/d1.yaml", "d1.yaml").code == 0
    assert tlsconf("diff", "main:base.yaml", "topic:base.yaml").code == 1


def test_a_work_tree_of_a_bare_repository(
    tlsconf: Callable[..., Done], organisation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(organisation), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "--quiet", str(tmp_path / "tree"))
    put(tmp_path / "tree", base("none"))
    monkeypatch.chdir(tmp_path / "tree/deps")
    assert tlsconf("diff", "--since", "HEAD", "d1.yaml").code == 1
    monkeypatch.chdir(tmp_path / "bare.git")
    assert tlsconf("diff", "HEAD:deps", "main:deps").out == "2 profiles compared: no change\n"


@pytest.mark.parametrize("name", ["a b.yaml", "é/ü.yaml", "line\nbreak.yaml", os.fsdecode(b"\xff.yaml"), "\x1b[31m\u202e.yaml", "a:b.yaml"])
@pytest.mark.parametrize("format_", FORMATS)
def test_names_of_any_kind(tlsconf: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, format_: str) -> None:
    folder = repository(tmp_path / "r", {name: WHOLE})
    put(folder, {name: f"{WHOLE}outbound: {{tls: none}}\n"})
    monkeypatch.chdir(folder)
    for arguments in (("--since", "HEAD", name), (f"HEAD:{name}", name), ("--since", "HEAD", ".")):
        done = tlsconf("diff", *arguments, "--format", format_)
        assert (done.code, done.err) == (1, "")
        assert "\x1b" not in done.out
        assert "\u202e" not in done.out
        if format_ in {"json", "sarif"}:
            json.loads(done.out)


def test_a_base_alone_can_be_compared(tlsconf: Callable[..., Done], organisation: Path) -> None:
    put(organisation, base(floor="TLSv1.3"))
    done = tlsconf("diff", "--since", "HEAD", "base.yaml", "--format", "json")
    assert done.code == 1
    assert {change["kind"] for change in answer(done)["changes"]} >= {"plaintext-risk"}


# --- what could not be compared ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fail_on", ["weaker", "any", "never"])
@pytest.mark.parametrize(
    ("breaks", "code", "said"),
    [
        ({"deps/d1.yaml": f"{WHOLE}x: 1\n"}, 3, "unknown key `x`"),
        ({"deps/d1.yaml": ""}, 3, "the document holds nothing"),
        ({"deps/d1.yaml": f"{WHOLE}extends: ./gone.yaml\n"}, 3, "the base `./gone.yaml` can't be read: No such file or directory"),
        ({"deps/d1.yaml": b"\xff"}, 3, "byte 0xff is not UTF-8"),
    ],
)
def test_a_comparison_that_can_t_be_made_is_never_clean(
    tlsconf: Callable[..., Done], organisation: Path, breaks: dict[str, str | bytes], code: int, said: str, fail_on: str
) -> None:
    put(organisation, breaks)
    done = tlsconf("diff", "--since", "HEAD", "deps/d1.yaml", "deps/d2.yaml", "--fail-on", fail_on)
    assert done.code == code
    assert done.out == "1 profile compared: no change; 1 could not be compared\n"
    assert said in done.err
    assert done.err.endswith("tlsconf: deps/d1.yaml could not be compared\n")


def test_a_profile_that_was_never_there_is_not_compared(tlsconf: Callable[..., Done], organisation: Path) -> None:
    assert (organisation / "deps").is_dir()
    done = tlsconf("diff", "--since", "HEAD", "deps/typo.yaml", "deps/d2.yaml", "--fail-on", "never")
    assert (done.code, done.out) == (4, "1 profile compared: no change; 1 could not be compared\n")
    assert "deps/typo.yaml: No such file or directory" in done.err


def test_a_profile_that_is_gone_is_a_change(tlsconf: Callable[..., Done], organisation: Path) -> None:
    (organisation / "deps/d1.yaml").unlink()
    done = tlsconf("diff", "--since", "HEAD", "deps/d1.yaml", "deps/d2.yaml", "--format", "json")
    assert done.code == 1
    assert [(change["id"], change["profile"]) for change in answer(done)["changes"]] == [("profile-removed", "deps/d1.yaml")]


def test_the_old_side_may_be_what_is_wrong(tlsconf: Callable[..., Done], organisation: Path) -> None:
    commit(organisation, {"deps/d1.yaml": f"{WHOLE}x: 1\nextends: ../gone.yaml\n", "base.yaml": f"{HEAD}y: 1\n"})
    put(organisation, {**base(), **department(1)})
    done = tlsconf("diff", "--since", "HEAD", "deps")
    assert (done.code, done.out) == (3, "0 profiles compared; 2 could not be compared\n")
    for text in ("HEAD:deps/d1.yaml:6:1", "the base `../gone.yaml` can't be read: it is not in HEAD", "HEAD:base.yaml:3:1"):
        assert text in done.err


def test_a_broken_base_is_told_once(tlsconf: Callable[..., Done], organisation: Path) -> None:
    put(organisation, {**base(), **department(3), "base.yaml": f"{HEAD}y: 1\n"})
    done = tlsconf("diff", "--since", "HEAD", "deps")
    assert (done.code, done.err.count("unknown key `y`"), done.err.count("could not be compared")) == (3, 1, 3)
    assert done.out == "0 profiles compared; 3 could not be compared\n"


@pytest.mark.parametrize("format_", FORMATS)
def test_what_is_known_is_told_in_every_format(tlsconf: Callable[..., Done], organisation: Path, format_: str) -> None:
    put(organisation, {**base("none"), "deps/d1.yaml": "tlsconf: [\n"})
    done = tlsconf("diff", "--since", "HEAD", "deps", "--format", format_)
    assert done.code == 3
    assert "not YAML" in done.err
    if format_ == "json":
        assert (answer(done)["compared"], answer(done)["failed"]) == (1, 1)
        assert ids(done) == [("deps/d2.yaml", "outbound-tls-lowered")]
    else:
        assert "1 could not be compared" in done.out
        assert "outbound-tls-lowered" in done.out
    if format_ == "sarif":
        assert answer(done)["runs"][0]["invocations"][0]["executionSuccessful"] is False


@pytest.mark.parametrize("format_", ["json", "sarif"])
@pytest.mark.parametrize("name", ["deps/d1.yaml", "none.yaml"])
def test_the_answer_can_be_parsed_where_nothing_is_in_it(tlsconf: Callable[..., Done], organisation: Path, format_: str, name: str) -> None:
    assert organisation.is_dir()
    done = tlsconf("diff", "--since", "HEAD", name, "--format", format_)
    assert done.code == (0 if name.startswith("deps") else 4)
    found = answer(done)
    assert (found["changes"] if format_ == "json" else found["runs"][0]["results"]) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "Missing argument"),
        (("deps/d1.yaml",), 2, "OLD and NEW are wanted, or `--since REV` and profiles"),
        (("a", "b", "c"), 2, "OLD and NEW are wanted, or `--since REV` and profiles"),
        (("--since", "HEAD"), 2, "Missing argument"),
        (("deps", "base.yaml"), 2, "deps and base.yaml: one is a file, the other a folder"),
        (("deps", "deps", "--format", "xml"), 2, "'xml' is not one of"),
        (("deps", "deps", "--fail-on", "stronger"), 2, "'stronger' is not one of"),
        (("--since", "HEAD", ""), 2, "a profile's name is empty"),
        (("none", "deps"), 4, "none: there is no such file or folder"),
        (("nope:deps", "deps"), 4, "revision `nope`: the repository has no such commit"),
        (("--since", "nope", "deps"), 4, "revision `nope`: the repository has no such commit"),
        (("--since=-x", "deps"), 4, "revision `-x`: the repository has no such commit"),
        (("--since", "HEAD", "lists"), 4, "lists: no profile lies in this folder"),
    ],
)
def test_what_is_wrong_with_the_call(
    tlsconf: Callable[..., Done], organisation: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    put(organisation, {"lists/a.txt": "a.example\n"})
    done = tlsconf("diff", *arguments)
    assert (done.code, done.out) == (code, "")
    assert said in " ".join(done.err.split())
    assert "fault of tlsconf" not in done.err


def test_a_shallow_clone_says_so(tlsconf: Callable[..., Done], organisation: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit(organisation)
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{organisation}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    done = tlsconf("diff", "--since", "HEAD~1", "deps")
    assert (done.code, done.out) == (4, "")
    assert "it is a shallow clone" in done.err


STRANGE = st.lists(
    st.sampled_from(
        ["HEAD", ":", "deps", "/", ".", "..", "{", "}", "^", "~1", "@", "-", "--", "\0", "\n", "\udcff", "\ud800", "é", "d1.yaml", "*", " "]
    ),
    max_size=6,
).map("".join)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STRANGE, STRANGE)
def test_any_names_get_an_answer(tlsconf: Callable[..., Done], organisation: Path, one: str, other: str) -> None:
    assert organisation.is_dir()
    for arguments in ((one, other), (f"--since={one}", "--", other)):
        done = tlsconf("diff", *(arguments if arguments[0].startswith("--since") else ("--", *arguments)))
        assert done.code in {0, 1, 2, 3, 4}
        assert "fault of tlsconf" not in done.err
        assert (done.err == "") is (done.code in {0, 1})


# --- the exit code ----------------------------------------------------------------------------------------------------

CHANGES = {
    "weaker": ("outbound: {tls: opportunistic}\n", "outbound: {tls: none}\n"),
    "plaintext-risk": ("", "tls: {opportunistic: {minimum_version: TLSv1.3}}\n"),
    "delivery-risk": ("outbound: {tls: required}\n", "outbound: {tls: required, verify: hostname}\n"),
    "stronger": ("outbound: {tls: none}\n", "outbound: {tls: opportunistic}\n"),
    "neutral": ("", "tls: {prefer_server_order: false}\n"),
    None: ("", "description: other words\n"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_what_fails(tlsconf: Callable[..., Done], tmp_path: Path, kind: str | None) -> None:
    old, new = CHANGES[kind]
    put(tmp_path, {"old.yaml": WHOLE + old, "new.yaml": WHOLE + new})
    done = tlsconf("diff", tmp_path / "old.yaml", tmp_path / "new.yaml", "--format", "json", "--fail-on", "never")
    assert (done.code, done.err) == (0, "")
    kinds = [name for name, count in answer(done)["counts"].items() if count]
    assert kinds[:1] == ([kind] if kind else [])
    codes = [
        tlsconf("diff", tmp_path / "old.yaml", tmp_path / "new.yaml", "--fail-on", level).code
        for level in ("weaker", "delivery-risk", "any")
    ]
    bad = {"weaker", "plaintext-risk"}
    assert codes == [int(bool(bad & {*kinds})), int(bool({*bad, "delivery-risk"} & {*kinds})), int(bool(kinds))]


def test_weaker_is_what_fails_unless_something_else_is_said(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    put(tmp_path, {"old.yaml": WHOLE + CHANGES["weaker"][0], "new.yaml": WHOLE + CHANGES["weaker"][1]})
    assert tlsconf("diff", tmp_path / "old.yaml", tmp_path / "new.yaml").code == 1
    assert tlsconf("diff", tmp_path / "new.yaml", tmp_path / "old.yaml").code == 0


# --- in the places where it runs --------------------------------------------------------------------------------------


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**ENVIRONMENT, "PYTHONPATH": IMPORTS, **more}
    command = [sys.executable, "-m", "tlsconf", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("tree", ["r", "tree"])
def test_in_a_pre_commit_hook(organisation: Path, tmp_path: Path, tree: str) -> None:
    git(organisation, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    command = f"{sys.executable} -m tlsconf diff --since HEAD deps base.yaml deps/d1.yaml"
    put(organisation, {".git/hooks/pre-commit": f"#!/bin/sh\nexport PYTHONPATH={IMPORTS}\n{command} >&2\n"})
    (organisation / ".git/hooks/pre-commit").chmod(0o755)
    put(tmp_path / tree, base("opportunistic"))
    for extra in ([], ["--all"]):
        with pytest.raises(subprocess.CalledProcessError) as caught:
            git(tmp_path / tree, "commit", *extra, "--allow-empty", "--message=weaker")
        assert "for deps/d1.yaml, deps/d2.yaml, base.yaml" in caught.value.stderr.decode()
        assert "3 profiles compared: 1 weaker" in caught.value.stderr.decode()
    put(tmp_path / tree, base())
    git(tmp_path / tree, "commit", "--allow-empty", "--message=same")


def test_without_git(organisation: Path) -> None:
    done = run(organisation, "diff", "HEAD:deps", "deps", PATH="/nowhere")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "tlsconf: git: it is not installed, and a revision is read by it\n"
    assert run(organisation, "diff", "deps", "deps", PATH="/nowhere").returncode == 0


def test_a_bar_shows_how_far_it_is_where_somebody_watches(organisation: Path) -> None:
    put(organisation, department(3))
    master, slave = pty.openpty()
    environment = {**ENVIRONMENT, "PYTHONPATH": IMPORTS}
    command = [sys.executable, "-m", "tlsconf", "diff", "--since", "HEAD", "deps"]
    done = subprocess.run(command, cwd=organisation, env=environment, stdout=subprocess.PIPE, stderr=slave, check=False, timeout=60)
    os.close(slave)
    shown = os.read(master, 100_000).decode()
    os.close(master)
    assert "comparing" in shown
    assert done.stdout.decode().endswith("3 profiles compared: 1 neutral\n")
