"""Files of the disk: what lies where, what is listed, and what can't be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.samples import put
from tlsconf.files import DISK, MAXIMUM_BYTES, FileKind


def test_a_name_is_as_short_as_it_can_be() -> None:
    assert DISK.name(Path("a/../b/./c.yaml")) == "b/c.yaml"
    assert DISK.path("./a.yaml") == Path("a.yaml")


def test_two_paths_of_one_file_are_one_identity(tmp_path: Path) -> None:
    put(tmp_path, {"sub/a": ""})
    (tmp_path / "link").symlink_to("sub")
    assert DISK.identity(tmp_path / "link/../sub/a") == DISK.identity(tmp_path / "sub/a") == DISK.identity(tmp_path / "link/a")


def test_what_lies_at_a_path(tmp_path: Path) -> None:
    put(tmp_path, {"folder/a": ""})
    for name, target in {"dangling": "nothing", "loop": "loop", "link": "folder", "file": "folder/a"}.items():
        (tmp_path / name).symlink_to(target)
    kinds = {name: DISK.kind(tmp_path / name) for name in ("folder", "link", "folder/a", "file", "dangling", "loop", "none", "folder/a/b")}
    folders, files = (
        dict.fromkeys(("folder", "link"), FileKind.FOLDER),
        dict.fromkeys(("folder/a", "file", "dangling", "loop"), FileKind.FILE),
    )
    assert kinds == {**folders, **files, "none": None, "folder/a/b": None}
    assert DISK.kind(Path("a\0b")) is FileKind.FILE


def test_files_below_a_folder_without_hidden_ones_pipes_and_linked_folders(tmp_path: Path) -> None:
    put(tmp_path, {"in/a.yaml": "", "in/sub/b": "", "in/.hidden/c": "", "in/.d": "", "out/e": ""})
    (tmp_path / "in/linked").symlink_to("../out")
    (tmp_path / "in/file").symlink_to("../out/e")
    (tmp_path / "in/dangling").symlink_to("nothing")
    os.mkfifo(tmp_path / "in/pipe")
    assert sorted(DISK.below(tmp_path / "in")) == ["a.yaml", "dangling", "file", "sub/b"]


def test_a_folder_that_can_t_be_listed_is_no_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        list(DISK.below(tmp_path / "none"))


def test_no_more_is_read_than_shows_that_it_is_too_much(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as stream:
        stream.truncate(MAXIMUM_BYTES * 2)
    assert len(DISK.read(tmp_path / "large", regular=True)) == MAXIMUM_BYTES + 1


@pytest.mark.parametrize("name", ["pipe", "folder"])
def test_what_another_file_names_must_be_a_regular_file(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="it is no regular file"):
        DISK.read(tmp_path / name, regular=True)
    with pytest.raises(OSError, match="Is a directory"):
        DISK.read(tmp_path / "folder", regular=False)
