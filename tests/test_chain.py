"""Which files make a profile: its bases by name, by edition and by path, and what happens where one can't be had."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.samples import HEAD, WHOLE, chain, policy, put, refusals, wrong
from tlsconf.chain import load_chain, shipped, shipped_text, shipped_titles
from tlsconf.errors import EnvironmentFailedError
from tlsconf.resolve import resolve
from tlsconf.tls import VERSIONS, Version

SHIPPED = (
    "tlsref-intermediate",
    "tlsref-intermediate@6.0",
    "tlsref-modern",
    "tlsref-modern@6.0",
    "uk-government",
    "uk-government@2026-11",
)


# --- what is found ---------------------------------------------------------------------------------------------------


def test_profiles_are_shipped_as_editions_and_moving_aliases() -> None:
    assert shipped() == SHIPPED
    assert list(shipped_titles()) == list(SHIPPED)
    assert shipped_text("uk-government").startswith(f"# {shipped_titles()['uk-government']}\n")


@pytest.mark.parametrize(
    ("extends", "found"),
    [
        ("uk-government", ["tlsconf:uk-government@2026-11", "tlsconf:uk-government", "top.yaml"]),
        ("uk-government@2026-11", ["tlsconf:uk-government@2026-11", "top.yaml"]),
        ("./base.yaml", ["base.yaml", "top.yaml"]),
        ("base.yaml", ["base.yaml", "top.yaml"]),
        ("base.yml", ["base.yml", "top.yaml"]),
        ("./sub/base", ["../base.yaml", "sub/base", "top.yaml"]),
        ("sub/../base.yaml", ["base.yaml", "top.yaml"]),
    ],
)
def test_a_base_is_named_by_name_by_edition_or_by_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extends: str, found: list[str]
) -> None:
    files = {
        "top.yaml": f"{HEAD}extends: {extends}\n",
        "base.yaml": HEAD,
        "base.yml": HEAD,
        "sub/base": f"{HEAD}extends: ../../base.yaml\n",
    }
    put(tmp_path / "here", files)
    put(tmp_path, {"base.yaml": HEAD})
    monkeypatch.chdir(tmp_path / "here")
    assert [document.name for document in load_chain("top.yaml", [])] == found


def test_paths_are_relative_to_the_file_that_names_them_and_shown_from_where_the_user_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(
        tmp_path,
        {
            "team/edge/top.yaml": f"{WHOLE}extends: ../base.yaml\n"
            "outbound: {rules: [{name: b, domains: [{file: list}], tls: none}]}\n",
            "team/base.yaml": f"{HEAD}outbound: {{rules: [{{name: a, domains: [{{file: lists/list}}], tls: required}}]}}\n",
            "team/lists/list": "base.example\n-\n",
            "team/edge/list": "top.example\n",
        },
    )
    monkeypatch.chdir(tmp_path / "team")
    assert [line.partition(": ")[0] for line in refusals(Path("edge/top.yaml"))] == ["lists/list:2:1"]
    (tmp_path / "team/lists/list").write_text("base.example\n")
    rules = resolve("edge/top.yaml").policies[0].outbound.rules
    assert [(rule.name, rule.domains) for rule in rules] == [("a", ("base.example",)), ("b", ("top.example",))]


def test_a_chain_may_have_any_length(tmp_path: Path) -> None:
    length = 1200  # more than Python's stack
    base = f"{WHOLE}tls: {{minimum_version: TLSv1.3}}\n"
    files = {f"{number}.yaml": f"{HEAD}extends: ./{number + 1}.yaml\n" for number in range(length)}
    top = put(tmp_path, {**files, f"{length}.yaml": base})
    found: list[object] = []
    assert len(load_chain(str(top), found)) == length + 1  # type: ignore[arg-type]
    assert found == []


def test_three_levels_resolve(tmp_path: Path) -> None:
    found = policy(tmp_path, WHOLE, f"{HEAD}tls: {{minimum_version: TLSv1.3}}\n", f"{HEAD}description: top\n")
    assert (found.description, found.required.minimum_version) == ("top", Version.TLSv1_3)


def test_a_base_that_several_profiles_share_is_never_stale(tmp_path: Path) -> None:
    top = chain(tmp_path, (WHOLE, HEAD), {})
    for version in ("TLSv1.2", "TLSv1.3", "TLSv1.2"):
        (tmp_path / "2.yaml").write_text(f"{WHOLE}tls: {{minimum_version: {version}}}\n")
        assert resolve(str(top)).policies[0].required.minimum_version is VERSIONS[version]
    (tmp_path / "2.yaml").write_text(f"{WHOLE}x: 1\n")
    assert [refusals(top)[0].partition(" (")[0] for _ in range(2)] == ["2.yaml:6:1: unknown key `x`"] * 2


# --- what is not -----------------------------------------------------------------------------------------------------

KNOWN = ", ".join(SHIPPED)
KEYS = "(one of description, exceptions, extends, hosts, inbound, lists, name, outbound, overlays, platform, server, targets, tls, tlsconf)"


@pytest.mark.parametrize(
    ("extends", "said"),
    [
        ("uk-goverment", f"no profile `uk-goverment` is shipped (did you mean `uk-government`? one of {KNOWN}; a path contains `/`)"),
        ("mine", f"no profile `mine` is shipped (one of {KNOWN}; a path contains `/`)"),
        ("..", f"no profile `..` is shipped (one of {KNOWN}; a path contains `/`)"),
        ("uk-government@1999", "`uk-government` has no edition `1999` (one of uk-government@2026-11)"),
        ("uk-government@", "`uk-government@`"),
        ("./none.yaml", "the base `./none.yaml` can't be read: No such file or directory (a file beside this one, or a shipped profile)"),
        ("./folder", "the base `./folder` can't be read: it is no regular file (a file beside this one, or a shipped profile)"),
        ("./pipe", "the base `./pipe` can't be read: it is no regular file (a file beside this one, or a shipped profile)"),
        ("/dev/zero", "the base `/dev/zero` can't be read: it is no regular file (a file beside this one, or a shipped profile)"),
        ("./1.yaml/x", "the base `./1.yaml/x` can't be read: Not a directory (a file beside this one, or a shipped profile)"),
        (f"./{'x' * 300}", "File name too long"),
        ('"./a\\0b"', "a NUL is in the name"),
        ("./1.yaml", "`extends` runs in a circle: `1.yaml` extends `1.yaml` (a chain that ends)"),
        ("./link.yaml", "`extends` runs in a circle: `1.yaml` extends `link.yaml` (a chain that ends)"),
        (
            "./round.yaml",
            "`extends` runs in a circle: `1.yaml` extends `round.yaml` extends `again.yaml` extends `round.yaml` (a chain that ends)",
        ),
    ],
)
def test_a_base_that_can_t_be_had_is_said_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extends: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, {"round.yaml": f"{HEAD}extends: again.yaml\n", "again.yaml": f"{HEAD}extends: round.yaml\n"})
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.yaml").symlink_to("1.yaml")
    put(tmp_path, {"1.yaml": f"{WHOLE}extends: {extends}\n"})
    (line,) = refusals(Path("1.yaml"))
    assert said in line
    assert line.startswith("again.yaml:3:10: " if "round" in extends else "1.yaml:6:10: ")


def test_mistakes_of_every_file_of_the_chain_are_told_at_once(tmp_path: Path) -> None:
    base = f"{WHOLE}foo: 1\nlists: {{a: ['-']}}\n"
    assert wrong(
        tmp_path, base, f"{HEAD}bar: 1\n", f"{HEAD}outbound: {{tls: maybe, rules: [{{name: a, domains: [x y], tls: none}}]}}\n"
    ) == [
        "1.yaml:3:17: `maybe` does not fit `outbound.tls` (one of `none`, `opportunistic`, `required`)",
        "1.yaml:3:52: `x y` is no domain pattern (a name such as `example.com`, or `*.` and a name for all its subdomains)",
        f"2.yaml:3:1: unknown key `bar` {KEYS}",
        f"3.yaml:6:1: unknown key `foo` {KEYS}",
        "3.yaml:7:13: `-` is neither a domain nor an address (a name such as `example.com`, or `*.` and a name for all its subdomains)",
    ]


def test_a_missing_base_does_not_hide_the_mistakes_above_it_nor_invent_some(tmp_path: Path) -> None:
    rules = "[{name: a, remove: true}, {name: b, domains: ['-', {list: x}], tls: none}]"
    text = f"{HEAD}extends: ./none.yaml\noutbound: {{rules: {rules}}}\n"
    assert [line.partition(" (")[0] for line in refusals(put(tmp_path, {"1.yaml": text}))] == [
        "1.yaml:3:10: the base `./none.yaml` can't be read: No such file or directory",
        "1.yaml:4:65: `-` is no domain pattern",
    ]


def test_a_base_that_is_no_yaml_is_told_at_its_own_place(tmp_path: Path) -> None:
    assert wrong(tmp_path, "tlsconf: [\n", f"{HEAD}foo: 1\n") == [
        f"1.yaml:3:1: unknown key `foo` {KEYS}",
        (
            "2.yaml:2:1: not YAML: did not find expected node content "
            '(quotes around a value that begins with one of : * & ! % @ ` [ ] { } , such as "::1")'
        ),
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.yaml", "none.yaml: No such file or directory"),
        ("", ".: Is a directory"),
        (".", ".: Is a directory"),
        ("a\0b", "a\0b: a NUL is in the name"),
        ("x" * 300, "File name too long"),
    ],
)
def test_an_argument_that_can_t_be_read_is_a_failed_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(EnvironmentFailedError, match=re.escape(said)):
        resolve(name)


def test_an_argument_without_end_is_too_long(tmp_path: Path) -> None:
    assert refusals(Path("/dev/zero")) == ["zero:1:1: the file is too long (16777216 bytes at the most)"]
    assert refusals(chain(tmp_path, ("\0",), {})) == ["1.yaml:1:1: the character U+0000 is not allowed (a text file in UTF-8)"]
