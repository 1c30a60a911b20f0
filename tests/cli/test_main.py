"""What all commands have in common: exit codes, streams, and nothing of ours that ever surprises a terminal or a pipe."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.samples import HEAD, WHOLE, put

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done

ROOT = Path(__file__).parent.parent.parent
COMMAND = [sys.executable, "-m", "tlsconf"]
COMMANDS = ["init", "validate", "render", "explain", "schema", "profiles", "limitations"]
EVIL = "\x1b[31m\u202e"


def shell(line: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a line of bash in which `tlsconf` is the program."""
    script = f'tlsconf() {{ "{sys.executable}" -m tlsconf "$@"; }}; set -o pipefail; {line}'
    return subprocess.run(["bash", "-c", script], check=False, capture_output=True, cwd=ROOT, env={**os.environ, **environment}, timeout=60)


# --- exit codes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--help"], 0, ""),
        ([], 2, "Usage: tlsconf"),
        (["nonsense"], 2, "No such command 'nonsense'"),
        (["--nonsense"], 2, "No such option: --nonsense"),
        *(([name, "--nonsense"], 2, "No such option: --nonsense") for name in COMMANDS),
        *(([name, "--help"], 0, "") for name in COMMANDS),
        *(([name], 2, "Missing argument 'PROFILE") for name in ("validate", "render", "explain")),
        (["schema", "x"], 2, "unexpected extra argument"),
        (["init", "--platform", "debian-1"], 2, "no platform `debian-1` is known"),
        (["init", "--extends", "uk-goverment"], 2, "no profile `uk-goverment` is shipped"),
        (["profiles", "nonsense"], 2, "no profile `nonsense` is shipped"),
        (["limitations", "nonsense"], 2, "no limitation `nonsense`"),
        (["render", "EDGE", "-t", "qmail"], 2, "no server is called `qmail`"),
        (["render", "EDGE", "--check"], 2, "need `-o DIR`"),
        (["render", "EDGE", "-o", ""], 2, "`-o` names no folder"),
        (["render", "EDGE", "--diff"], 2, "need `-o DIR`"),
        (["render", "EDGE", "--force"], 2, "need `-o DIR`"),
        (["render", "POSTFIX", "-t", "exim"], 2, "has no target `exim`; it has postfix"),
        (["explain", "EDGE"], 2, "give `--to`, or `--from`"),
        (["explain", "EDGE", "--to", "a.b", "--from", "c.d"], 2, "give `--to`, or `--from`"),
        (["explain", "EDGE", "--to", "a.b", "--client", "::1"], 2, "give `--to`, or `--from`"),
        (["explain", "POSTFIX", "--to", "a.b", "-t", "exim"], 2, "has no target `exim`"),
        (["validate", "BAD"], 3, "unknown key `foo`"),
        (["render", "BAD"], 3, "unknown key `foo`"),
        (["explain", "BAD", "--to", "a.b"], 3, "unknown key `foo`"),
        (["validate", "none.yaml"], 4, "none.yaml: No such file or directory"),
        (["render", "none.yaml"], 4, "none.yaml: No such file or directory"),
        (["explain", "none.yaml", "--to", "a.b"], 4, "none.yaml: No such file or directory"),
        (["validate", "."], 4, ".: Is a directory"),
        (["render", "EDGE", "-o", "BAD"], 4, "File exists"),
        (["render", "EDGE", "-o", "BAD", "--check"], 4, "Not a directory"),
        (["render", "EDGE", "-o", "/proc/none"], 4, "No such file or directory"),
        (["validate", "EDGE", "BAD", "none.yaml"], 4, "unknown key `foo`"),
        (["validate", "EDGE", "POSTFIX", "BAD"], 3, "unknown key `foo`"),
    ],
)
def test_exit_codes_say_who_was_wrong_and_only_stderr_says_how(
    tlsconf: Callable[..., Done], tmp_path: Path, edge: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], code: int, said: str
) -> None:
    put(tmp_path, {"bad.yaml": HEAD + "foo: 1\n", "postfix.yaml": WHOLE})
    monkeypatch.chdir(tmp_path)
    files = {"EDGE": edge, "BAD": tmp_path / "bad.yaml", "POSTFIX": tmp_path / "postfix.yaml"}
    done = tlsconf(*(files.get(argument, argument) for argument in arguments))
    assert done.code == code
    assert said in done.err
    assert "Traceback" not in done.err
    assert "fault of tlsconf" not in done.err
    assert code == 0 or [line for line in done.out.splitlines() if ": right; renders for " not in line] == []


def test_a_fault_of_our_own_is_said_to_be_one(tlsconf: Callable[..., Done], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KeyError(EVIL)

    monkeypatch.setattr("tlsconf.profile.json_schema", broken)
    done = tlsconf("schema")
    assert (done.code, done.out) == (4, "")
    assert done.err == f"tlsconf: a fault of tlsconf itself: KeyError: {EVIL!r} (TLSCONF_TRACEBACK=1 shows where)\n"
    monkeypatch.setenv("TLSCONF_TRACEBACK", "1")
    with pytest.raises(KeyError):
        tlsconf("schema")


def test_an_interrupted_run_ends_as_shells_expect(tmp_path: Path) -> None:
    fifo = tmp_path / "slow.yaml"
    os.mkfifo(fifo)  # reading the argument waits for a writer
    with subprocess.Popen([*COMMAND, "validate", str(fifo)], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        writer = os.open(fifo, os.O_WRONLY)
        time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=30)
        os.close(writer)
    assert (run.returncode, out, err) == (130, b"", b"")


# --- streams ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["schema", "profiles uk-government", "render examples/edge/profile.yaml -t postfix"])
def test_a_reader_that_has_seen_enough_is_no_failure(command: str) -> None:
    done = shell(f"tlsconf {command} | head -n 1; tlsconf {command} | true")
    assert (done.returncode, b"rror" in done.stderr, b"xception" in done.stderr) == (0, False, False)


def test_the_exit_code_is_the_answer_even_where_nobody_reads_it(tmp_path: Path) -> None:
    put(tmp_path, {"bad.yaml": HEAD + "foo: 1\n"})
    assert shell(f"tlsconf validate examples/edge/profile.yaml {tmp_path}/bad.yaml | true").returncode == 3
    assert shell(f"tlsconf render examples/edge/profile.yaml -o {tmp_path}/out --check | true").returncode == 1


@pytest.mark.parametrize("command", ["schema", "profiles"])
def test_a_full_disk_is_an_environment_that_failed(command: str) -> None:
    done = shell(f"tlsconf {command} > /dev/full")
    assert (done.returncode, done.stderr) == (4, b"tlsconf: standard output: No space left on device\n")


@pytest.mark.parametrize("closing", [">&-", "2>&-", ">&- 2>&-"])
def test_streams_may_be_closed(closing: str) -> None:
    done = shell(f"tlsconf validate examples/smarthost/profile.yaml {closing}")
    assert (done.returncode, b"Traceback" in done.stderr, b"fault of tlsconf" in done.stderr) == (0, False, False)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
def test_stdout_is_utf_8_whatever_the_locale(tmp_path: Path, encoding: str) -> None:
    keep = "targets: {postfix: {keep: {smtpd_sender_restrictions: [reject_unknown_sender_domain]}}}\n"
    path = put(tmp_path, {"größe.yaml": WHOLE.replace("targets: [postfix]\n", keep)})
    done = shell(f"tlsconf validate {path}", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stdout.decode()) == (0, f"{path}: right; renders for postfix 3.7.11\n")


def test_a_name_that_is_no_text_is_spelt_out(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/caf\xe9.yaml"
    with open(path, "w") as stream:  # noqa: PTH123  (a Path can't be made of bytes)
        stream.write(WHOLE)
    done = subprocess.run([*map(os.fsencode, COMMAND), b"validate", path], check=False, capture_output=True, cwd=ROOT, timeout=60)
    assert done.stdout == os.fsencode(tmp_path) + b"/caf\\udce9.yaml: right; renders for postfix 3.7.11\n"


# --- a terminal ------------------------------------------------------------------------------------------------------


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """Run a command whose streams are a terminal, and return what that is given."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, env={**os.environ, **environment}
    ) as run:
        os.close(slave)
        found = b""
        try:
            while piece := os.read(master, 65536):
                found += piece
        except OSError:  # how Linux says that the other side is closed
            pass
        run.wait(timeout=60)
    os.close(master)
    return found.decode().replace("\r\n", "\n")


def test_colour_is_for_terminals_alone_and_no_color_is_honoured(tmp_path: Path, tlsconf: Callable[..., Done]) -> None:
    path = str(put(tmp_path, {"bad.yaml": HEAD + "foo: 1\n"}))
    plain = tlsconf("validate", path).err
    assert "\x1b" not in plain
    coloured = on_a_terminal("validate", path, NO_COLOR="")
    assert coloured.startswith("\x1b[1;31merror\x1b[0m")
    assert on_a_terminal("validate", path, NO_COLOR="1") == plain


def test_progress_is_shown_on_a_terminal_from_three_profiles_on(edge: Path, tlsconf: Callable[..., Done]) -> None:
    assert "validating" in on_a_terminal("validate", *[str(edge)] * 3)
    assert "validating" not in on_a_terminal("validate", *[str(edge)] * 2)
    assert "validating" not in tlsconf("validate", *[edge] * 3).err


def test_what_a_file_holds_never_commands_a_terminal(tmp_path: Path) -> None:
    out = tmp_path / "out"
    profile = str(put(tmp_path, {"p.yaml": WHOLE}))
    subprocess.run([*COMMAND, "render", profile, "-o", str(out)], check=True, cwd=ROOT, capture_output=True, timeout=60)
    (out / "postfix/main.cf").write_bytes(f"{EVIL}\r\n".encode() + b"\xff\n")
    shown = on_a_terminal("render", profile, "-o", str(out), "--check", "--diff")
    assert "-\\x1b[31m\\u202e\\x0d" in shown
    piped = subprocess.run(
        [*COMMAND, "render", profile, "-o", str(out), "--check", "--diff"], check=False, cwd=ROOT, capture_output=True, timeout=60
    )
    assert f"-{EVIL}\r".encode() in piped.stdout  # what a patch is made from is left as it is


@pytest.mark.parametrize(
    "arguments",
    [
        ["validate", f"{EVIL}.yaml"],
        ["validate", "evil.yaml"],
        ["render", f"{EVIL}.yaml", "-o", f"out{EVIL}"],
        ["explain", f"{EVIL}.yaml", "--to", "a.gov.uk"],
        ["explain", "plain.yaml", "--to", EVIL],
        ["explain", "plain.yaml", "--from", EVIL],
        ["explain", "plain.yaml", "--from", "a.b", "--client", EVIL],
        ["explain", "plain.yaml", "--to", f"[{EVIL}]"],
        ["render", "plain.yaml", "-t", EVIL],
        ["init", "--platform", EVIL],
        ["init", "--extends", f"./{EVIL}"],
        ["profiles", EVIL],
        ["limitations", EVIL],
        ["schema", EVIL],
        [EVIL],
        [f"--{EVIL}"],
        ["validate", f"--{EVIL}"],
        ["validate", f"none{EVIL}"],
    ],
    ids=ascii,
)
def test_no_argument_and_no_text_of_a_profile_commands_a_terminal(
    tlsconf: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    text = 'foo: "\\e[31m"\n"ba\\u202er": 1\nextends: "\\e./x"\nlists: {a: ["\\e\\x9b", {file: "\\e"}]}\n# \u202e\ntls: "\u202e\\e"\n'
    put(tmp_path, {f"{EVIL}.yaml": WHOLE, "plain.yaml": WHOLE, "evil.yaml": WHOLE + text})
    monkeypatch.chdir(tmp_path)
    done = tlsconf(*arguments)
    assert not set(done.out + done.err) & set("\x1b\u202e\x9b")
    assert "fault of tlsconf" not in done.err
