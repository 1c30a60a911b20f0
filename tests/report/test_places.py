"""Where a notice belongs in a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.samples import put
from tlsconf.diagnostics import Span
from tlsconf.report.notice import Notice
from tlsconf.report.places import Spot, checkout, move_text, path_in, spot

if TYPE_CHECKING:
    from pathlib import Path

NEW = Span("a.yaml", 1, 2, 3)
OLD = Span("main:a.yaml", 4, 5, 6)


@pytest.mark.parametrize(
    ("place", "before", "text"),
    [(NEW, OLD, "main:a.yaml:4:5 → a.yaml:1:2"), (NEW, None, "a.yaml:1:2"), (None, OLD, "was main:a.yaml:4:5"), (None, None, "")],
)
def test_old_and_new_places(place: Span | None, before: Span | None, text: str) -> None:
    assert move_text(Notice("id", "label", "note", "", place, before)) == text


def test_paths_begin_at_the_top_of_the_working_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {"tree/.git/HEAD": "", "tree/a.yaml": "", "tree/sub/b.yaml": "", "c.yaml": ""})
    monkeypatch.chdir(tmp_path / "tree" / "sub")
    top = checkout()
    assert top == tmp_path / "tree"
    paths = {name: path_in(top, name) for name in ("b.yaml", "../a.yaml", "./../sub/b.yaml", str(tmp_path / "tree" / "a.yaml"))}
    assert list(paths.values()) == ["sub/b.yaml", "a.yaml", "sub/b.yaml", "a.yaml"]
    assert path_in(top, "../../c.yaml") is None  # outside


def test_a_linked_working_tree_has_a_file_for_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, {".git": "gitdir: elsewhere", "sub/a.yaml": ""})
    monkeypatch.chdir(tmp_path / "sub")
    assert checkout() == tmp_path


def test_without_a_repository_the_folder_is_the_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert checkout() == tmp_path


@pytest.mark.usefixtures("checkout")
@pytest.mark.parametrize(
    "name", ["HEAD:base.yaml", "tlsconf:uk-government@2026-11", "profiles", "gone.yaml", "/etc/passwd", "", "a\0b", "x" * 5000]
)
def test_what_is_no_file_of_the_checkout(name: str) -> None:
    assert path_in(checkout(), name) is None


@pytest.mark.usefixtures("checkout")
def test_a_notice_stands_at_its_place_or_at_a_profile() -> None:
    here, there = Span("base.yaml", 3, 1, 1), Span("main:base.yaml", 3, 1, 1)
    notice = Notice("id", "label", "note", "", here, there, ("main:gone.yaml", "profiles/mx1.yaml"))
    assert spot(notice, checkout()) == Spot("base.yaml", here)
    assert spot(notice._replace(place=there), checkout()) == Spot("profiles/mx1.yaml", None)
    assert spot(notice._replace(place=None), checkout()) == Spot("profiles/mx1.yaml", None)
    assert spot(notice._replace(place=None, profiles=()), checkout()) is None
