"""`tlsconf headers`: what is printed, what is proof, exit codes, and any bytes as a message."""

from __future__ import annotations

import gzip
import json
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.samples import SERVER, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_regressions.file_regression import FileRegressionFixture

    from tests.cli.conftest import Done

SAMPLES = Path(__file__).parent.parent / "traffic/samples"
NAMES = ("exim", "postfix", "sendmail")
PROFILE = "tlsconf: 1\nname: sample\nplatform: debian-12\ntargets: [postfix]\n" + SERVER + "inbound: {tls: required}\n"
LETTER = (
    "Return-Path: <a@far.example>\n"
    "Received: from mx.example.com (mx.example.com [192.0.2.1])\n"
    "\tby store.example.com (Postfix) with ESMTPS id 2 for <u@example.com>; Mon, 23 Nov 2026 11:22:36 +0000 (UTC)\n"
    "Received: from far.example (far.example [198.51.100.1]) by mx.example.com (Postfix) with ESMTP id 1;\n"
    "\tMon, 23 Nov 2026 11:22:35 +0000 (UTC)\n"
    "Received: from pc.far.example ([10.0.0.1]) by mx.example.com with ESMTPSA id 0\n"
    "\t(version=TLS1_2 cipher=ECDHE-RSA-AES128-GCM-SHA256 bits=128/128); Mon, 23 Nov 2026 11:22:34 +0000\n"
    "Message-ID: <1@far.example>\n\nReceived: from nobody by nothing\n"
)


@pytest.fixture
def letter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    put(tmp_path, {"letter.eml": LETTER, "profile.yaml": PROFILE})
    monkeypatch.chdir(tmp_path)
    return "letter.eml"


def hops(done: Done) -> list[dict[str, Any]]:
    data = json.loads(done.out)
    assert data["format"] == 1
    return [hop for message in data["messages"] for hop in message["hops"]]


def test_the_example_of_the_guidance(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    text = "Received: by mx.google.com with ESMTPS id 1\n (version=TLS1_2 cipher=ECDHE-RSA-AES128-GCM-SHA256 bits=128/128);\n x\n\n"
    done = tlsconf("headers", put(tmp_path, {"m": text}))
    assert done.code == 0
    assert "ESMTPS, TLSv1.2, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, 128 bits\n" in done.out
    assert "hearsay: no host is trusted: name your own with --trust" in done.out
    assert done.err == ""


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("format_", ["text", "json"])
def test_real_mailboxes(
    tlsconf: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, file_regression: FileRegressionFixture, name: str, format_: str
) -> None:
    monkeypatch.chdir(SAMPLES)
    done = tlsconf("headers", f"{name}.mbox", "--trust", "*.example.test", "--format", format_)
    assert (done.code, done.err) == (0, "")
    text = done.out if format_ == "text" else json.dumps(json.loads(done.out), indent=1) + "\n"
    file_regression.check(text, extension=".txt" if format_ == "text" else ".json", encoding="utf-8")


def test_a_letter_from_its_origin_to_its_reader(tlsconf: Callable[..., Done], letter: str, file_regression: FileRegressionFixture) -> None:
    done = tlsconf("headers", letter, "--trust", "*.example.com", "--profile", "profile.yaml")
    assert done.code == 1
    file_regression.check(done.out, encoding="utf-8")


def test_clear_text_where_tls_is_required_is_a_no_only_where_it_is_proof(tlsconf: Callable[..., Done], letter: str) -> None:
    assert tlsconf("headers", letter, "--profile", "profile.yaml", "--trust", "store.example.com").code == 1
    assert tlsconf("headers", letter, "--trust", "store.example.com").code == 0
    done = tlsconf("headers", letter, "--profile", "profile.yaml")  # its own host did not write the newest header
    assert done.code == 0
    assert "nothing was held against the profile" in done.err


def test_the_host_names_of_the_profile_are_trusted(tlsconf: Callable[..., Done], letter: str) -> None:
    Path(letter).write_text(
        LETTER.partition("store.example.com")[0].partition("Received")[0] + LETTER[LETTER.index("Received: from far") :]
    )
    done = tlsconf("headers", letter, "--profile", "profile.yaml", "--format", "json")
    assert done.code == 1
    assert [(hop["proof"], hop["verdict"] and hop["verdict"]["answer"]) for hop in hops(done)] == [(False, None), (True, "broken")]


def test_json_says_the_same(tlsconf: Callable[..., Done], letter: str) -> None:
    done = tlsconf("headers", letter, "--trust", "*.example.com", "--profile", "profile.yaml", "--format", "json")
    first, second, third = hops(done)
    assert json.loads(done.out)["messages"][0] | {"hops": None} == {
        "file": "letter.eml",
        "number": 1,
        "message_id": "<1@far.example>",
        "sender": "a@far.example",
        "hops": None,
    }
    assert first == {
        "by": "mx.example.com",
        "from": "pc.far.example",
        "from_name": None,
        "from_address": "10.0.0.1",
        "protocol": "ESMTPSA",
        "used": "TLS",
        "version": "TLSv1.2",
        "version_as_written": "TLS1_2",
        "suite": "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "cipher_as_written": "ECDHE-RSA-AES128-GCM-SHA256",
        "bits": 128,
        "group": None,
        "client_certificate": "unknown",
        "authenticated": True,
        "id": "0",
        "sender": None,
        "recipient": None,
        "date": "2026-11-23T11:22:34Z",
        "proof": False,
        "hearsay": "it came with the message from far.example [198.51.100.1], which is not trusted",
        "verdict": None,
    }
    assert (second["used"], second["proof"], second["verdict"]["answer"]) == ("clear", True, "broken")
    assert (third["used"], third["suite"], third["verdict"]["answer"]) == ("TLS", None, "unclear")


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input(tlsconf: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(LETTER.encode())))
    done = tlsconf("headers", *arguments)
    assert done.out.startswith("standard input, message 1: <1@far.example>\n")


def test_several_files_and_one_that_can_not_be_read(tlsconf: Callable[..., Done], letter: str) -> None:
    done = tlsconf("headers", letter, "missing", SAMPLES / "exim.mbox", "--format", "json")
    assert done.code == 4
    assert len(json.loads(done.out)["messages"]) == 10
    assert done.err == "tlsconf: missing: No such file or directory\n"


def test_what_is_no_message_is_said(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    name = put(tmp_path, {"junk": bytes(range(256)) * 100})
    done = tlsconf("headers", name)
    assert done.code == 0
    assert done.err == f"tlsconf: {name}, message 1: no Received: header was found: is it a message?\n"


def test_an_archive_is_not_taken_for_a_message_without_headers(tlsconf: Callable[..., Done], letter: str, tmp_path: Path) -> None:
    (tmp_path / "old.gz").write_bytes(gzip.compress(LETTER.encode()))
    done = tlsconf("headers", "old.gz", letter)
    assert done.code == 4
    assert done.err == "tlsconf: old.gz: it is compressed: unpack it first, as in `zcat FILE | tlsconf headers`\n"
    assert "1 message(s)" in done.out


def test_wrong_use(tlsconf: Callable[..., Done], letter: str) -> None:
    assert tlsconf("headers", letter, "--trust", "*example.com").code == 2
    assert tlsconf("headers", letter, "--format", "html").code == 2
    assert tlsconf("headers", letter, "--profile", letter).code == 3
    assert tlsconf("headers", letter, "--profile", "missing.yaml").code == 4


def test_what_a_terminal_obeys_is_spelt_out(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    text = "Received: from \x1b[31mh\u202e ([192.0.2.1]) by x\x07 with ESMTP\x9b; y\nMessage-ID: <\x1b]0;x\x07>\n\n"
    for format_ in ("text", "json"):
        done = tlsconf("headers", put(tmp_path, {"m": text}), "--format", format_)
        assert done.out.replace("\n", "").isprintable()


ARCHIVES = (b"\x1f\x8b", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"BZh")  # which are not read at all
PIECES = st.sampled_from(
    [
        b"From a Mon Nov 23 11:23:18 2026\n",
        b"Received: ",
        b"from ",
        b"by mx.example.com ",
        b"with ESMTPS ",
        b"(version=TLS1_2 cipher=",
        b"(",
        b")",
        b"[192.0.2.1]",
        b"[::",
        b"\n",
        b"\r\n\t",
        b";",
        b"\0",
        b"\xff",
        b"\x1b",
        b"Return-Path: <a@",
        b"for <@>",
        b"23 Nov 0001 11:22:34 -2359",
    ]
)


@settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=400), st.lists(PIECES, max_size=40).map(b"".join)))
@example(b"Received: by mx.example.com with ESMTP; 1 Jan 0001 00:00:00 +2359\n")
@example(b"Received: from x ([fe80::1%eth0]) by mx.example.com with ESMTP\n")
def test_any_bytes_get_an_answer(tlsconf: Callable[..., Done], tmp_path: Path, content: bytes) -> None:
    assume(not any(magic in content for magic in ARCHIVES))
    put(tmp_path, {"profile.yaml": PROFILE, "m": content})
    for format_ in ("text", "json"):
        done = tlsconf("headers", tmp_path / "m", "--profile", tmp_path / "profile.yaml", "--format", format_)
        assert done.code in {0, 1}
        assert "fault of tlsconf" not in done.err
    assert json.loads(done.out)["messages"]
