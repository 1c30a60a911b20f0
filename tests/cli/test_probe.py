"""`tlsconf probe`: the command line, the formats and the exit codes; what is found is the subject of tests/live and tests/native."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.live.talker import Faults, serving

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done


@pytest.fixture
def closed() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"127.0.0.1:{listener.getsockname()[1]}"


def put_profile(folder: Path, inbound: str) -> Path:
    """Write a profile with a level for mail that comes in, and return its path."""
    profile = folder / "p.yaml"
    certificates = "" if inbound == "none" else ", certificates: [{chain: /c.pem, key: /k.pem}]"
    profile.write_text(
        f"tlsconf: 1\nname: sample\nplatform: debian-13\ntargets: [postfix]\nserver: {{hostname: mx.example{certificates}}}\n"
        f"inbound: {{tls: {inbound}}}\noutbound: {{trust_anchors: /etc/ssl/certs/ca-certificates.crt}}\n"
        "tls: {minimum_version: TLSv1.2, cipher_suites: [TLS_AES_256_GCM_SHA384], groups: [X25519]}\n"
    )
    return profile


def test_a_server_that_does_not_conform(tlsconf: Callable[..., Done], edge: Path) -> None:
    with serving(Faults()) as (port, seen):
        done = tlsconf("probe", edge, f"127.0.0.1:{port}", "--timeout", 20, "--recipient", "me@sample.example")
        assert (done.code, done.err) == (1, "")
        assert f"error starttls-missing: 127.0.0.1:{port}: STARTTLS is not offered" in done.out
        assert "not tested, sessions:" in done.out
        assert done.out.splitlines()[-1].startswith(f"127.0.0.1:{port}: 1 error(s), ")
        assert done.out.splitlines()[-1].endswith(" not tested")
        assert "RCPT TO:<me@sample.example>" in seen
        answer = json.loads(tlsconf("probe", edge, f"127.0.0.1:{port}", "--format", "json").out)
    assert answer["format"] == 1
    assert [(item["id"], item["severity"], item["server"]) for item in answer["findings"]] == [
        ("starttls-missing", "error", f"127.0.0.1:{port}")
    ]
    known: dict[str, object] = {"address": "127.0.0.1", "host": None, "suites": {}, "groups": {}, "certificates": [], "whole": True}
    assert answer["probed"][0] | {"server": ""} == {"server": "", **known}
    assert {"sessions"} <= {item["id"] for item in answer["not_tested"]}


def test_one_that_conforms_and_one_that_is_not_there(tlsconf: Callable[..., Done], tmp_path: Path, closed: str) -> None:
    profile = put_profile(tmp_path, "none")
    with serving(Faults()) as (port, _):
        done = tlsconf("probe", profile, f"127.0.0.1:{port}")
        assert (done.code, done.out, done.err) == (0, f"127.0.0.1:{port}: does what the profile says\n", "")
        done = tlsconf("probe", profile, f"127.0.0.1:{port}", closed)
    assert (done.code, done.out) == (4, f"127.0.0.1:{port}: does what the profile says\n")
    assert done.err.startswith(f"tlsconf: {closed}: ")


def test_nothing_that_a_terminal_obeys(tlsconf: Callable[..., Done], edge: Path) -> None:
    with serving(Faults(greeting=b"554 \x1b[2J\xff\x07\r\n")) as (port, _):
        done = tlsconf("probe", edge, f"127.0.0.1:{port}")
    assert done.code == 4
    assert all(line.isprintable() for line in (done.out + done.err).splitlines())


def test_what_was_not_looked_at_to_the_end_is_no_pass(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    silent = Faults(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), handshake=lambda _: time.sleep(5))
    with serving(silent) as (port, _):
        done = tlsconf("probe", put_profile(tmp_path, "opportunistic"), f"127.0.0.1:{port}", "--timeout", 1)
    assert (done.code, done.err) == (4, "")
    assert "nothing wrong was found, but it could not be looked at to the end" in done.out


def test_one_server_is_asked_once(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    with serving(Faults()) as (port, _):
        done = tlsconf("probe", put_profile(tmp_path, "none"), f"127.0.0.1:{port}", f"127.0.0.1:{port}")
    assert done.out == f"127.0.0.1:{port}: does what the profile says\n"


def test_a_user_who_has_enough_does_not_wait(edge: Path) -> None:
    silent = Faults(greeting=b"")
    with serving(silent) as (port, _):
        words = [sys.executable, "-m", "tlsconf", "probe", str(edge), f"127.0.0.1:{port}"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            time.sleep(2)
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.communicate(timeout=20) == (b"", b"")
    assert process.returncode == 130
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(
    "arguments",
    [(), ("mx:0",), ("mx", "--timeout", "0"), ("mx", "--format", "yaml"), ("mx", "--host", "nobody"), ("mx", "--recipient", "a b@c")],
)
def test_a_wrong_command_line(tlsconf: Callable[..., Done], edge: Path, arguments: tuple[str, ...]) -> None:
    done = tlsconf("probe", edge, *arguments)
    assert (done.code, done.out) == (2, "")
    assert done.err


def test_which_of_the_hosts(tlsconf: Callable[..., Done], department: Path, closed: str) -> None:
    done = tlsconf("probe", department, closed)
    assert (done.code, done.err) == (2, "tlsconf: which of the profile's hosts are these servers? Say --host with one of mx1, mx2\n")
    assert tlsconf("probe", department, closed, "--host", "mx2").code == 4
