"""Which roots are built, and when one counts as built. No root is built here."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.lab import roots

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TLSCONF_LAB_CACHE", str(tmp_path))
    return tmp_path


def pretend_built(cache: Path, name: str) -> None:
    (cache / name / "root").mkdir(parents=True)
    (cache / name / "record.json").write_text(json.dumps({"digest": roots.digest(name), "packages": {"postfix": "3.7.11-0+deb12u1"}}))


def test_every_release_has_every_server_and_there_is_an_exim_with_openssl() -> None:
    releases = ("debian-11", "debian-12", "debian-13", "debian-14")
    assert set(roots.SERVERS) == {f"{server}-{release}" for server in ("postfix", "exim", "sendmail") for release in releases} | {
        "exim-openssl"
    }


def test_a_root_is_out_of_date_when_its_recipe_changes(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_built(cache, "postfix-debian-12")
    assert roots.is_fresh("postfix-debian-12")
    base = roots.RECIPES["debian-12"]
    monkeypatch.setitem(roots.RECIPES, "debian-12", replace(base, packages=(*base.packages, "iproute2")))
    assert not roots.is_fresh("postfix-debian-12")


def test_what_a_killed_build_left_behind_does_not_count(cache: Path) -> None:
    (cache / "postfix-debian-12.part/root").mkdir(parents=True)
    assert not roots.is_fresh("postfix-debian-12")


def test_a_parent_is_built_first_and_the_longest_way_before_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []
    monkeypatch.setattr(roots, "_WORKERS", 1)
    monkeypatch.setattr(roots, "obstacle", lambda: None)
    monkeypatch.setattr(roots, "_prepare_machine", lambda: None)
    monkeypatch.setattr(roots, "_build", lambda recipe: built.append(recipe.name))
    assert roots.build(["postfix-debian-12", "exim-openssl"]) == {}
    assert built == ["debian-13", "exim-openssl", "debian-12", "postfix-debian-12"]


def test_where_nothing_can_be_built_the_reason_is_given(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(roots, "obstacle", lambda: "the lab needs root")
    monkeypatch.delenv("TLSCONF_LAB", raising=False)
    assert roots.main(["--if-possible", "debian-12"]) == 0
    assert roots.main(["debian-12"]) == 1
    monkeypatch.setenv("TLSCONF_LAB", "required")
    assert roots.main(["--if-possible", "debian-12"]) == 1
    assert "lab: debian-12: not built: the lab needs root" in capsys.readouterr().err


def test_the_list_says_what_is_there(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pretend_built(cache, "postfix-debian-12")
    (cache / "exim-debian-12").mkdir()
    assert roots.main(["--list", "postfix-debian-12", "exim-debian-12", "exim-openssl"]) == 0
    assert capsys.readouterr().out.split("\n")[:3] == [
        "postfix-debian-12    postfix 3.7.11-0+deb12u1",
        "exim-debian-12       out of date",
        "exim-openssl         not built",
    ]
