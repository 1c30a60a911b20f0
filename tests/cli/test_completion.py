"""Completion in shells: the script, and what it is given to complete."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
START = "import sys; sys.argv[0] = 'tlsconf'; from tlsconf.cli import main; main()"
COMMANDS = {
    "init", "validate", "render", "explain", "diff", "audit", "inspect", "headers", "logs", "probe", "schema", "profiles",
    "limitations", "checks",
}  # fmt: skip


def start(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `tlsconf` under its own name, as the shell knows it."""
    command = [sys.executable, "-c", START, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **environment}, timeout=60)


def complete(*words: str) -> set[str]:
    done = start(_TLSCONF_COMPLETE="complete_bash", COMP_WORDS=" ".join(words), COMP_CWORD=str(len(words) - 1))
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


def test_bash_gets_a_script_that_it_can_read() -> None:
    script = start(_TLSCONF_COMPLETE="source_bash")
    assert script.returncode == 0
    assert "complete -o default -F" in script.stdout
    subprocess.run(["bash", "-n"], input=script.stdout, text=True, check=True, timeout=30)
    shown = start("--show-completion", _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert "Traceback" not in shown.stderr


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["tlsconf", ""], COMMANDS),
        (["tlsconf", "va"], {"validate"}),
        (["tlsconf", "render", "-t", "p"], {"postfix"}),
        (["tlsconf", "init", "--platform", "debian-1"], {"debian-11", "debian-12", "debian-13", "debian-14"}),
        (["tlsconf", "profiles", "uk"], {"uk-government", "uk-government@2026-11"}),
    ],
)
def test_commands_and_values_are_completed(words: list[str], found: set[str]) -> None:
    assert complete(*words) == found


def test_ids_are_completed() -> None:
    assert complete("tlsconf", "limitations", "postfix-")
    assert complete("tlsconf", "checks", "rule-") == {"rule-shadowed", "rule-weaker-than-default"}
    assert complete("tlsconf", "checks", "rfc") == complete("tlsconf", "audit", "--standard", "rfc") == {"rfc-9325-2022"}
