"""Messages out of files, mailboxes, folders and streams, whole and broken."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tracemalloc
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.samples import put
from tlsconf.errors import EnvironmentFailedError
from tlsconf.traffic.messages import Message, messages

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SAMPLES = Path(__file__).parent / "samples"
LETTER = (
    b"Return-Path: <a@one.example>\nReceived: from x\n\tby y\n with SMTP; z\nMessage-ID: <1@x>\n"
    b"Received: by older\n\nReceived: in the body\n"
)


def read(folder: Path, content: bytes) -> list[Message]:
    return list(messages(str(put(folder, {"m": content}))))


def test_a_message(tmp_path: Path) -> None:
    (found,) = read(tmp_path, LETTER)
    assert found == Message(str(tmp_path / "m"), 1, "<1@x>", "a@one.example", ("from x by y with SMTP; z", "by older"), cut=False)


def test_line_ends_of_the_network_blank_lines_before_it_and_a_mark_of_order(tmp_path: Path) -> None:
    (found,) = read(tmp_path, b"\xef\xbb\xbf" + LETTER.replace(b"\n", b"\r\n"))
    assert found.received == ("from x by y with SMTP; z", "by older")
    assert found.sender == "a@one.example"
    assert read(tmp_path, b"\n\r\n" + LETTER)[0].received == found.received


@pytest.mark.parametrize(
    ("headers", "sender"),
    [
        (b"Return-Path: <>\n", ""),
        (b"Return-path: a@one.example\n", "a@one.example"),
        (b"Received: by x\nReturn-Path: <forged@one.example>\n", None),
        (b"Subject: x\n", None),
    ],
)
def test_whose_word_the_sender_is(tmp_path: Path, headers: bytes, sender: str | None) -> None:
    assert read(tmp_path, headers + b"\n")[0].sender == sender


def test_names_that_only_begin_like_received_are_other_headers(tmp_path: Path) -> None:
    (found,) = read(tmp_path, b"Received-SPF: pass\nX-Received: by x\nreceived : by y\nReceived: by z\n\n")
    assert found.received == ("by y", "by z")


@pytest.mark.parametrize(("name", "number"), [("postfix", 10), ("exim", 9), ("sendmail", 7)])
def test_mailboxes_of_three_servers(name: str, number: int) -> None:
    found = list(messages(str(SAMPLES / f"{name}.mbox")))
    assert [item.number for item in found] == list(range(1, number + 1))
    assert {item.sender for item in found} == {"a@cl.example.test"}
    assert all(item.received for item in found)


def test_text_that_begins_like_a_separator_is_text(tmp_path: Path) -> None:
    start = b"From a@x.example Mon Nov 23 11:23:18 2026\n"
    body = b"text\nFrom a@x.example Mon Nov 23 11:23:18 2026\n\nFrom now on\n>From a@x.example Mon Nov 23 11:23:18 2026\n\n"
    found = read(tmp_path, start + LETTER + body + b"From - Mon Nov  3 11:23:18 2026\nReceived: by z\n\n")
    assert [(item.number, item.sender, item.received[0]) for item in found] == [
        (1, "a@one.example", "from x by y with SMTP; z"),
        (2, None, "by z"),
    ]


def test_the_mailboxes_own_line_names_no_sender_of_bounces(tmp_path: Path) -> None:
    (found,) = read(tmp_path, b"From MAILER-DAEMON Mon Nov 23 11:23:18 2026\nReceived: by z\n\n")
    assert found.sender == ""


def test_a_maildir_has_its_messages_in_two_folders(tmp_path: Path) -> None:
    box = {"cur/2:2,S": b"Received: by c\n\n", "new/1": b"Received: by n\n\n", "tmp/3": b"Received: by t\n\n", "dovecot.index": b"\0\1"}
    put(tmp_path, {f"box/{name}": text for name, text in {**box, ".Sent/cur/4": b"Received: by s\n\n"}.items()})
    (tmp_path / "box/.Sent/new").mkdir()
    assert [item.received for item in messages(str(tmp_path / "box"))] == [("by s",), ("by c",), ("by n",)]


def test_a_folder_of_messages_and_mailboxes(tmp_path: Path) -> None:
    put(tmp_path, {"a.eml": LETTER, "b/c.mbox": (SAMPLES / "exim.mbox").read_bytes(), ".hidden": LETTER})
    assert len(list(messages(str(tmp_path)))) == 10


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(LETTER)))
    (found,) = messages("-")
    assert (found.file, found.message_id) == ("standard input", "<1@x>")


def test_standard_input_that_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(EnvironmentFailedError, match="closed"):
        list(messages("-"))


@pytest.mark.parametrize(("name", "says"), [("missing", "No such file"), ("/dev/zero", "neither a file nor a folder"), ("a\0b", "null")])
def test_what_can_not_be_read(name: str, says: str) -> None:
    with pytest.raises(EnvironmentFailedError, match=says):
        list(messages(name))


@pytest.mark.parametrize(("pack", "program"), [(gzip.compress, "zcat"), (lzma.compress, "xzcat"), (bz2.compress, "bzcat")])
def test_an_archive_is_no_message(tmp_path: Path, pack: Callable[[bytes], bytes], program: str) -> None:
    with pytest.raises(EnvironmentFailedError, match=rf"m: it is compressed: unpack it first, as in `{program} FILE"):
        read(tmp_path, pack(b"Received: by x\n\n"))


def test_a_name_that_is_too_long() -> None:
    with pytest.raises(EnvironmentFailedError, match=r": File name too long$"):
        next(messages("x" * 5000))


def test_nobody_waits_for_a_pipe_in_a_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    put(tmp_path, {"letter": b"Received: by x\n\n"})
    assert [message.file for message in messages(str(tmp_path))] == [str(tmp_path / "letter")]


def test_what_can_be_read_of_a_folder_comes_first(tmp_path: Path) -> None:
    put(tmp_path, {"a": LETTER, "c": LETTER})
    (tmp_path / "b").symlink_to("/dev/zero")
    found: list[Message] = []
    with pytest.raises(EnvironmentFailedError, match="/b: neither"):
        found.extend(messages(str(tmp_path)))
    assert [Path(item.file).name for item in found] == ["a", "c"]


@pytest.mark.parametrize(
    "content",
    [
        b"x" * 2_000_000,
        b"Received: " + b"x" * 2_000_000,
        b"Received: x\n" * 100_000,
        b"Received: x\n" + b" y\n" * 100_000,
        b"\0" * 2_000_000,
    ],
    ids=["one line", "one header", "many headers", "many lines", "nothing"],
)
def test_giants_take_little_memory(tmp_path: Path, content: bytes) -> None:
    name = str(put(tmp_path, {"m": content}))
    tracemalloc.start()
    try:
        (found,) = messages(name)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert len(found.received) <= 1000
    assert sum(map(len, found.received)) <= 1024 * 1024
    assert found.cut is (content.count(b"Received") > 100)


def test_a_mailbox_is_read_one_message_at_a_time(tmp_path: Path) -> None:
    one = b"From a@x.example Mon Nov 23 11:23:18 2026\n" + LETTER + b"body\n" * 500 + b"\n"
    name = str(put(tmp_path, {"m": one * 200}))
    tracemalloc.start()
    try:
        assert sum(1 for _ in messages(name)) == 200
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


PIECES: Sequence[bytes] = [
    b"From a Mon Nov 23 11:23:18 2026\n",
    b"From ",
    b"Received:",
    b"\n",
    b"\r\n",
    b" ",
    b":",
    b"\0",
    b"\xff",
    b"x",
    b"by y",
]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(), st.lists(st.sampled_from(PIECES)).map(b"".join)))
@example(b"")
def test_any_bytes_are_at_least_one_message(tmp_path: Path, content: bytes) -> None:
    assume(not any(magic in content for magic in (b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh")))  # archives are not read
    found = read(tmp_path, content)
    assert [item.number for item in found] == list(range(1, len(found) + 1))
    assert found
    assert all(text.isascii() or text.encode() for item in found for text in item.received)
