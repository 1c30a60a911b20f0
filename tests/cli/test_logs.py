"""`tlsconf logs`, from its arguments to its exit code."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pty
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.repositories import IMPORTS
from tests.traffic.lines import SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytest_regressions.file_regression import FileRegressionFixture

    from tests.cli.conftest import Done

    Tlsconf = Callable[..., Done]

ALL = sorted(path for path in SAMPLES.iterdir() if path.name.endswith("log"))
CLEAR = (
    "Nov 22 11:23:20 mx postfix/smtp[7]: ABCDE1: to=<u@x.gov.uk>, relay=a.example[198.51.100.1]:25, delay=0.6, "
    "delays=0.1/0/0.2/0.3, dsn=2.0.0, status=sent (250 Ok)\n"
    "Nov 23 11:23:20 mx postfix/smtp[7]: ABCDE2: to=<u@x.example>, relay=a.example[198.51.100.1]:25, delay=0.6, "
    "delays=0.1/0/0.2/0.3, dsn=2.0.0, status=sent (250 Ok)\n"
)
YEAR = ("--year", "2026")


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be in one zone everywhere."""
    monkeypatch.setenv("TZ", "UTC0")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log with two messages in clear text."""
    path = tmp_path / "mail.log"
    path.write_text(CLEAR)
    return path


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    """Return a profile that requires TLS for a part of the world."""
    path = tmp_path / "profile.yaml"
    path.write_text(
        "tlsconf: 1\nname: sample\nextends: uk-government\nplatform: debian-12\ntargets: [postfix]\n"
        "server: {hostname: mx.example, certificates: [{chain: /c.pem, key: /k.pem}]}\n"
        "outbound: {rules: [{name: central, domains: ['*.gov.uk'], tls: required}]}\n"
    )
    return path


@pytest.mark.parametrize("format_", ["text", "json", "csv"])
def test_the_samples(tlsconf: Tlsconf, file_regression: FileRegressionFixture, format_: str) -> None:
    done = tlsconf("logs", *ALL, *YEAR, "--format", format_)
    assert (done.code, done.err) == (0, "")
    file_regression.check(done.out, extension=f".{format_.replace('text', 'txt')}")


def rows(done: Done) -> dict[tuple[str, str | None], Any]:
    return {(row["direction"], row["domain"]): row for row in json.loads(done.out)["rows"]}


def test_directions(tlsconf: Tlsconf) -> None:
    both, sent, received = (rows(tlsconf("logs", *ALL, *YEAR, "--format", "json", "--direction", d)) for d in ("both", "sent", "received"))
    assert {**sent, **received} == both
    assert {direction for direction, _ in sent} == {"sent"}


@pytest.mark.parametrize(
    ("options", "domains"),
    [
        ((), {"x.gov.uk", "x.example"}),
        (("--since", "2026-11-23"), {"x.example"}),
        (("--until", "2026-11-22"), {"x.gov.uk"}),
        (("--since", "2026-11-22", "--until", "2026-11-23"), {"x.gov.uk", "x.example"}),
        (("--since", "2027-01-01"), set()),
    ],
)
def test_periods(tlsconf: Tlsconf, log: Path, options: tuple[str, ...], domains: set[str]) -> None:
    done = tlsconf("logs", log, *YEAR, *options, "--format", "json")
    assert {domain for _, domain in rows(done)} == domains


def test_clear_text_where_a_rule_requires_tls(tlsconf: Tlsconf, log: Path, profile: Path) -> None:
    done = tlsconf("logs", log, *YEAR, "--profile", profile)
    assert done.code == 1
    assert "against the rule central: message ABCDE1 to x.gov.uk (a.example) went with clear text, 2026-11-22T11:23:20+00:00" in done.out
    assert tlsconf("logs", log, *YEAR, "--profile", profile, "--since", "2026-11-23").code == 0
    (found,) = json.loads(tlsconf("logs", log, *YEAR, "--profile", profile, "--format", "json").out)["against_rules"]
    assert (found["rule"], found["domain"], found["used"]) == ("central", "x.gov.uk", "clear text")


def test_a_profile_that_is_only_a_base(tlsconf: Tlsconf, log: Path, profile: Path) -> None:
    text = profile.read_text()
    profile.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith(("targets", "platform", "server"))))
    assert profile.read_text() != text
    assert tlsconf("logs", log, *YEAR, "--profile", profile).code == 1
    assert f"{profile}:4): 1 message on 1 day" in tlsconf("logs", log, *YEAR, "--simulate", "--profile", profile).out
    assert tlsconf("logs", log, *YEAR, "--suggest", profile).code == 0


def test_stdin(tlsconf: Tlsconf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(CLEAR.encode()))))
    done = tlsconf("logs", "-", *YEAR)
    assert done.out.startswith("sent: 2 messages, 0 with TLS (0 %), 2 in clear text\n")


def test_a_standard_input_that_is_closed(tlsconf: Tlsconf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    done = tlsconf("logs", "-")
    assert (done.code, done.err) == (4, "tlsconf: standard input is closed\n")


def test_no_cell_is_a_formula(tlsconf: Tlsconf, log: Path) -> None:
    log.write_text(CLEAR.replace("x.example", "=cmd|x").replace("x.gov.uk", '@"x,\ty'))
    done = tlsconf("logs", log, *YEAR, "--format", "csv")
    cells = [cell for row in csv.reader(io.StringIO(done.out)) for cell in row]
    assert "'=cmd|x" in cells
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)


def test_nothing_that_a_terminal_obeys(tlsconf: Tlsconf, log: Path) -> None:
    log.write_bytes(
        CLEAR.encode().replace(b"x.example", b"\x1b[2Jx\xff.example") + b"Nov 23 11:23:20 mx postfix/smtp[7]: TLS \x1b[31m\xfe\n"
    )
    done = tlsconf("logs", log, *YEAR)
    assert "1 line about TLS was not understood" in done.out
    assert "\x1b" not in done.out + done.err
    for format_ in ("json", "csv", "html"):
        done = tlsconf("logs", log, *YEAR, "--format", format_)
        assert "\x1b" not in done.out + done.err
        assert done.err == "tlsconf: lines about TLS that were not understood: 1\n"


def test_an_archive_that_ends_too_early(tlsconf: Tlsconf, log: Path) -> None:
    log.write_bytes(gzip.compress(CLEAR.encode() * 5000)[:-20])
    done = tlsconf("logs", log, *YEAR)
    assert done.code == 4
    assert "sent: " in done.out
    assert "mail.log: the archive ends too early" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("missing.log",), 4, "missing.log: No such file or directory"),
        ((".",), 4, ".: Is a directory"),
        (("-", "--since", "yesterday"), 2, "`yesterday` is no date"),
        (("-", "--until", "9999-12-31"), 2, "there is no such time"),
        (("-", "--since", "2026-12-01", "--until", "2026-11-01"), 2, "--since 2026-12-01 is after --until 2026-11-01"),
        (("-", "--year", "26"), 2, "--year 26"),
        (("-", "--direction", "up"), 2, "up"),
        (("-", "--profile", "missing.yaml"), 4, "missing.yaml"),
    ],
)
def test_wrong_arguments(tlsconf: Tlsconf, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = tlsconf("logs", *arguments)
    assert done.code == code
    assert said in done.err


def test_a_log_without_mail(tlsconf: Tlsconf, log: Path) -> None:
    log.write_text("Nov 23 11:23:20 mx sshd[1]: hello\n")
    done = tlsconf("logs", log)
    assert (done.code, done.out, done.err) == (0, "no mail between servers in 1 line\n", "")


@pytest.mark.parametrize("data", [CLEAR.encode("utf-16"), bytes(range(256)) * 100, b"From: a@b.example\n\nhi\n"])
def test_what_is_no_log_is_said(tlsconf: Tlsconf, log: Path, data: bytes) -> None:
    log.write_bytes(data)
    done = tlsconf("logs", log)
    assert done.out.startswith("no mail between servers in ")
    assert "mail.log: none of its first " in done.err
    assert "has the form of a mail log" in done.err


def test_a_byte_order_mark_is_no_part_of_the_first_line(tlsconf: Tlsconf, log: Path) -> None:
    expected = tlsconf("logs", log, *YEAR).out
    log.write_bytes(b"\xef\xbb\xbf" + CLEAR.encode())
    assert tlsconf("logs", log, *YEAR).out == expected


def test_the_first_of_many_domains_are_shown(tlsconf: Tlsconf, log: Path) -> None:
    line = CLEAR.splitlines(keepends=True)[1]
    log.write_text("".join(line.replace("x.example", f"{n}.example").replace("ABCDE2", f"ABCD{n:04}") for n in range(60)))
    done = tlsconf("logs", log, *YEAR)
    assert "… and 20 domains more" in done.out


def on_a_terminal(arguments: list[str], stdin: Path) -> tuple[str, str]:
    """Run `tlsconf` with a terminal of its own as stderr; return what it wrote to stdout and to the terminal."""
    ours, theirs = pty.openpty()
    with stdin.open("rb") as source:
        process = subprocess.Popen(
            [sys.executable, "-m", "tlsconf", *arguments],
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "PYTHONPATH": IMPORTS},
        )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # Linux says EIO when nobody has the other end any more
        while data := os.read(ours, 65_536):
            shown += data
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return out.decode(), shown.decode()


@pytest.mark.parametrize(("kind", "last"), [("plain", "#] 100%"), ("gzip", "#] 100%"), ("stdin", ": 4 MB")])
def test_a_terminal_sees_how_far_reading_is(log: Path, kind: str, last: str) -> None:
    content = CLEAR.encode() * 13_000
    log.write_bytes(gzip.compress(content) if kind == "gzip" else content)
    out, shown = on_a_terminal(["logs", "-" if kind == "stdin" else str(log), *YEAR], log)
    assert out.startswith("sent: 2 messages, ")
    assert "reading" not in out
    assert "\r" not in out
    *before, gone = shown.split("\r")
    assert gone == "\x1b[K"
    assert before[-1].startswith("reading")
    assert before[-1].endswith(f"{last}\x1b[K")
    assert len(set(before)) > 2 or kind == "gzip"  # an archive as small as this one may be read at once


def test_nothing_but_a_terminal_sees_it(log: Path) -> None:
    command = [sys.executable, "-m", "tlsconf", "logs", str(log), *YEAR]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60, env={**os.environ, "PYTHONPATH": IMPORTS})
    assert done.stderr == b""
    assert b"reading" not in done.stdout
