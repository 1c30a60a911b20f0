"""Whole logs: the samples of real servers, mixed, rotated, compressed, cut off and made up."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import shutil
import subprocess
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.traffic.lines import SAMPLES, read, read_files, understood
from tlsconf.errors import EnvironmentFailedError
from tlsconf.traffic.counts import CLEAR, count, version_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tlsconf.traffic.evidence import Passage

POSTFIX, GROUPS, EXIM, SENDMAIL = (
    "postfix-3.10.13.log",
    "postfix-3.10.13-groups.log",
    "exim-4.98.2-gnutls.mainlog",
    "sendmail-8.18.1.log",
)


def by_kind(found: list[Passage]) -> Counter[tuple[str, str, str, str | None]]:
    """Count passages by direction, result, version and failure."""
    return Counter(
        (
            "sent" if p.sent else "received",
            p.result,
            version_name(p) if p.session or p.result == "delivered" else "-",
            p.failure and p.failure.name,
        )
        for p in found
    )


WANTED: dict[str, tuple[int, dict[tuple[str, str, str, str | None], int]]] = {
    POSTFIX: (
        56,
        {
            ("received", "delivered", "TLSv1.3", None): 4,
            ("received", "delivered", "TLSv1.0", None): 1,
            ("received", "refused", "-", "HANDSHAKE"): 2,
            ("sent", "delivered", "TLSv1.3", None): 1,
            ("sent", "deferred", "TLSv1.3", "CERTIFICATE"): 1,
            ("sent", "deferred", "-", "NOT_OFFERED"): 1,
            ("sent", "bounced", "-", None): 2,
        },
    ),
    GROUPS: (
        180,
        {
            ("received", "delivered", "TLSv1.3", None): 9,
            ("received", "delivered", "TLSv1.0", None): 1,
            ("received", "refused", "-", "HANDSHAKE"): 3,
            ("sent", "delivered", "TLSv1.3", None): 1,
            ("sent", "deferred", "TLSv1.3", "CERTIFICATE"): 5,
            ("sent", "deferred", "-", "NOT_OFFERED"): 1,
            ("sent", "deferred", "-", "HANDSHAKE"): 1,
            ("sent", "bounced", "-", None): 2,
        },
    ),
    EXIM: (
        75,
        {
            ("received", "delivered", CLEAR, None): 1,
            ("received", "delivered", "TLSv1.3", None): 8,
            ("received", "delivered", "TLSv1.2", None): 4,
            ("received", "delivered", "TLSv1.0", None): 1,
            ("received", "refused", "-", "HANDSHAKE"): 2,
            ("sent", "delivered", "TLSv1.3", None): 1,
            ("sent", "delivered", CLEAR, None): 1,
            ("sent", "bounced", "TLSv1.3", None): 1,
            ("sent", "deferred", "-", "NOT_OFFERED"): 1,
        },
    ),
    SENDMAIL: (
        211,
        {
            ("received", "delivered", CLEAR, None): 1,
            ("received", "delivered", "TLSv1.3", None): 5,
            ("received", "delivered", "TLSv1.2", None): 4,
            ("received", "refused", "-", "HANDSHAKE"): 3,
            ("sent", "delivered", "TLSv1.3", None): 2,
            ("sent", "deferred", "-", None): 1,
        },
    ),
}


@pytest.mark.parametrize("name", WANTED)
def test_samples(name: str) -> None:
    found, reading = read_files(SAMPLES / name)
    lines, wanted = WANTED[name]
    assert by_kind(found) == wanted
    assert (reading.lines, reading.unknown, reading.troubles, reading.lost) == (lines, 0, [], [])


def test_every_line_about_tls_of_the_samples_is_known() -> None:
    """Lines in other words are counted as unknown: what is changed in one of them makes it so."""
    for name in WANTED:
        text = (
            (SAMPLES / name).read_text().replace("TLS connection established", "TLS connection made").replace("STARTTLS=", "STARTTLS is ")
        )
        _, reading = read(text)
        assert (reading.unknown > 0) == ("TLS connection established" in (SAMPLES / name).read_text() or name == SENDMAIL)


def test_two_servers_in_one_file() -> None:
    postfix = (SAMPLES / POSTFIX).read_bytes().splitlines()
    sendmail = (SAMPLES / SENDMAIL).read_bytes().splitlines()
    exim = (SAMPLES / EXIM).read_bytes().splitlines()
    longest = max(map(len, (postfix, sendmail, exim)))
    mixed = b"\n".join(lines[number] for number in range(longest) for lines in (postfix, sendmail, exim) if number < len(lines))
    found, reading = read(mixed)
    wanted: Counter[tuple[str, str, str, str | None]] = Counter()
    for name in (POSTFIX, SENDMAIL, EXIM):
        wanted.update(WANTED[name][1])
    assert by_kind(found) == wanted
    assert reading.unknown == 0


def _zstd(data: bytes) -> bytes:
    if shutil.which("zstd") is None:
        pytest.skip("there is no zstd to make an archive with")
    return subprocess.run(["zstd", "-cq"], input=data, stdout=subprocess.PIPE, check=True).stdout


@pytest.mark.parametrize("compress", [bytes, gzip.compress, lzma.compress, _zstd])
def test_compressed_and_rotated_in_any_order(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    lines = (SAMPLES / GROUPS).read_bytes().splitlines(keepends=True)
    parts = [b"".join(lines[begin : begin + 45]) for begin in range(0, len(lines), 45)]
    for number, part in enumerate(parts):
        (tmp_path / f"log.{number}").write_bytes(compress(part) if number % 2 else part)
    names = [tmp_path / f"log.{number}" for number in range(len(parts))]
    whole, _ = read_files(SAMPLES / GROUPS)
    for order in (names, names[::-1], names[2:] + names[:2]):
        found, reading = read_files(*order)
        assert found == whole
        assert reading.lines == len(lines)
        assert reading.lost == []


@pytest.mark.parametrize("compress", [gzip.compress, lzma.compress, _zstd])
def test_archives_that_end_too_early(compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    whole = (SAMPLES / GROUPS).read_bytes() * 20
    (tmp_path / "log").write_bytes(compress(whole)[:-30])
    _, reading = read_files(tmp_path / "log")
    assert len(reading.lost) == 1
    assert reading.lost[0].startswith(f"{tmp_path / 'log'}: ")


def test_an_archive_that_is_wrong_in_the_middle(tmp_path: Path) -> None:
    data = bytearray(gzip.compress((SAMPLES / GROUPS).read_bytes()))
    data[len(data) // 2] ^= 0xFF
    (tmp_path / "log").write_bytes(data)
    _, reading = read_files(tmp_path / "log")
    assert len(reading.lost) == 1


def test_two_archives_in_one_file(tmp_path: Path) -> None:
    data = (SAMPLES / POSTFIX).read_bytes()
    (tmp_path / "log").write_bytes(gzip.compress(data) + gzip.compress(data))
    _, reading = read_files(tmp_path / "log")
    assert (reading.lines, reading.lost) == (112, [])


@pytest.mark.parametrize("name", ["missing", "", "a\0b"])
def test_files_that_are_not_there(name: str) -> None:
    with pytest.raises(EnvironmentFailedError):
        read_files(SAMPLES / POSTFIX, name or SAMPLES)


def test_compression_that_is_not_known_is_just_no_log(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(bz2.compress((SAMPLES / POSTFIX).read_bytes()))
    assert read_files(tmp_path / "log")[0] == []


def test_the_journal(tmp_path: Path) -> None:
    """Lines of syslog say the same as objects of journalctl(1) in which a message may be an array of bytes."""
    objects = []
    for number, text in enumerate((SAMPLES / POSTFIX).read_text().splitlines()):
        head, _, message = text[16:].partition("]: ")
        program, _, pid = head.partition(" ")[2].partition("[")
        objects.append(
            {
                "__REALTIME_TIMESTAMP": str(1795433000000000 + number),
                "_HOSTNAME": "px",
                "SYSLOG_IDENTIFIER": program,
                "_PID": pid,
                "MESSAGE": list(message.encode()) if number % 2 else message,
            }
        )
    (tmp_path / "log").write_text("".join(json.dumps(item) + "\n" for item in objects))
    found, _ = read_files(tmp_path / "log")
    assert by_kind(found) == WANTED[POSTFIX][1]
    assert found[0].when == pytest.approx(1795433000, abs=1)


@pytest.mark.parametrize(
    "line",
    [
        "{", '{"SYSLOG_IDENTIFIER": "postfix/smtp"}', '{"SYSLOG_IDENTIFIER": "postfix/smtp", "MESSAGE": null, "__REALTIME_TIMESTAMP": 5}',
        '{"SYSLOG_IDENTIFIER": "postfix/smtp", "MESSAGE": [1, 256], "__REALTIME_TIMESTAMP": "5"}',
        '{"SYSLOG_IDENTIFIER": "postfix/smtp", ' * 99,
        "<22>", "<22>1 ", "<22>1 - - postfix/smtp - - - x", "<22><22><22>", '<22>1 2026-11-23T11:23:20Z - postfix/smtp 7 - [a b="c\\]"',
    ],
)  # fmt: skip
def test_frames_that_are_none(line: str) -> None:
    assert read(line + "\n")[0] == []


def test_lines_of_other_programs_are_ignored() -> None:
    text = "Nov 23 11:23:20 mx dovecot[1]: imap-login: TLS handshaking: SSL_accept() failed\nNov 23 11:23:20 mx kernel: TLS is fine\n"
    assert understood(text) == []


@pytest.mark.parametrize("stamp", ["Nov 31 24:23:20", "Foo 23 11:23:20", "Nov 23 11-23-20", "9999-99-99T11:23:20Z", "2026-11-23T1"])
def test_times_that_are_none_are_said(stamp: str) -> None:
    found, reading = read(f"{stamp} mx postfix/smtpd[5]: SSL_accept error from a[192.0.2.1]: -1\n")
    assert found == []
    assert len(reading.troubles) == 1


def test_lines_without_end() -> None:
    line = b"Nov 23 11:23:20 mx postfix/smtpd[5]: SSL_accept error from a[192.0.2.1]: -1"
    found, reading = read(b"x" * 5_000_000 + b"\n" + line + b"\n" + b"\0" * 3_000_000)
    assert len(found) == 1
    assert any("longer than" in sentence for sentence in reading.troubles)


def test_a_last_line_without_its_end_counts() -> None:
    assert len(understood("Nov 23 11:23:20 mx postfix/smtpd[5]: SSL_accept error from a[192.0.2.1]: -1")) == 1


def test_ends_of_lines_as_on_other_systems() -> None:
    found, reading = read((SAMPLES / POSTFIX).read_bytes().replace(b"\n", b"\r\n"))
    assert (by_kind(found), reading.unknown) == (WANTED[POSTFIX][1], 0)


@given(st.binary(max_size=400))
def test_any_bytes(data: bytes) -> None:
    with suppress(EnvironmentFailedError):  # what looks like a zstd archive, where nothing reads those
        read(data)


LINES = [line for name in WANTED for line in (SAMPLES / name).read_bytes().splitlines()]


@given(st.lists(st.tuples(st.sampled_from(LINES), st.integers(0, 200), st.integers(0, 40), st.binary(max_size=12)), max_size=20))
def test_lines_that_were_tampered_with(edits: list[tuple[bytes, int, int, bytes]]) -> None:
    found, _ = read(b"\n".join(line[:at] + new + line[at + drop :] for line, at, drop, new in edits))
    count(found)


PIECES = ('"', "<", " H=(", " I=[", "; from=<", ", ctladdr=", " F=<", "rejected MAIL", "delivering unencrypted to H=", "]: ", "X=", "TLS ")
STARTS = (
    "Nov 23 11:23:20 mx postfix/smtp[5]: ABCDEF: to=<",
    "Nov 23 11:23:20 mx postfix/smtpd[5]: NOQUEUE: reject: MAIL from a[1]: 530 ",
    "2026-11-23 11:23:20 1xVS86-000000004NI-1kZl <= ",
    "2026-11-23 11:23:20 1xVS86-000000004NI-1kZl => ",
    "2026-11-23 11:23:20 1xVS86-000000004NI-1kZl TLS session: ",
    "2026-11-23 11:23:20 TLS error on connection from ",
    "2026-11-23 11:23:20 H=x [::1] ",
    "Nov 23 11:23:20 sm-mta[1]: 6ANBMcOg016844: to=",
    "Nov 23 11:23:20 sm-mta[1]: 6ANBMcOg016844: from=",
)


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("start", STARTS)
def test_hostile_lines_are_read_in_time(start: str, piece: str) -> None:
    begin = os.times().user
    read(start + piece * (60_000 // len(piece)))
    assert os.times().user - begin < 1
