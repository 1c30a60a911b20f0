"""The shell lines, given to a shell with a stand-in for postconf."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.policies import make_policy, make_target
from tlsconf.mta import postfix
from tlsconf.policy import NextHop

if TYPE_CHECKING:
    from pathlib import Path

OURS = "check_client_access cidr:${config_directory}/tlsconf/inbound_exempt"


def run(line: str, answer: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = folder / "postconf"
    program.write_text(f"#!/bin/sh\ncat <<'ANSWER'\n{answer}\nANSWER\n")
    program.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"}
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, env=environment, check=False)


def line_with(lines: tuple[str, ...], text: str) -> str:
    return next(line for line in lines if text in line)


@pytest.mark.parametrize(
    ("current", "stops"),
    [
        ("", False),
        (OURS, False),
        (f"{OURS}, reject_unknown_sender_domain", False),
        ("reject_unknown_sender_domain", False),
        (f"{OURS},  check_sender_access\thash:/a , reject_unknown_sender_domain", False),
        ("permit", True),
        (f"{OURS}, permit", True),
        ("reject_unknown_sender_domain_x", True),
        ("*", True),
    ],
)
def test_the_guard_of_a_list(current: str, *, stops: bool, tmp_path: Path) -> None:
    keep = {"smtpd_sender_restrictions": ("reject_unknown_sender_domain", "check_sender_access hash:/a")}
    plan = postfix.plan(make_policy(), make_target("postfix", "3.10.13", keep=keep))
    done = run(line_with(plan.compile, "postconf -h smtpd_sender_restrictions"), current, tmp_path)
    assert (done.returncode != 0) is stops
    assert ("targets.postfix.keep.smtpd_sender_restrictions" in done.stderr) is stops


@pytest.mark.parametrize(("installed", "stops"), [("3.10.2", False), ("3.1.0", True), ("3.11.0", True)])
def test_the_guard_of_the_release(installed: str, *, stops: bool, tmp_path: Path) -> None:
    plan = postfix.plan(make_policy(), make_target("postfix", "3.10.13"))
    assert (run(plan.compile[0], installed, tmp_path).returncode != 0) is stops


@pytest.mark.parametrize(
    ("smarthost", "relayhost", "stops"),
    [
        (None, "", False),
        (None, "[relay.example]", True),
        (NextHop("relay.example", 25), "[relay.example]", False),
        (NextHop("relay.example", 25), "[relay.example]:25", False),
        (NextHop("relay.example", 587), "[relay.example]", True),
        (NextHop("relay.example", 587), "", True),
    ],
)
def test_the_check_of_the_relayhost(smarthost: NextHop | None, relayhost: str, *, stops: bool, tmp_path: Path) -> None:
    plan = postfix.plan(make_policy(outbound_smarthost=smarthost, outbound_rules=()), make_target("postfix", "3.10.13"))
    assert (run(line_with(plan.check, "postconf -hx relayhost"), relayhost, tmp_path).returncode != 0) is stops


def test_values_are_quoted_for_the_shell() -> None:
    plan = postfix.plan(make_policy(outbound_trust_anchors="/etc/it's $HOME"), make_target("postfix", "3.10.13"))
    assert "smtp_tls_CAfile = /etc/it's $$HOME" in shlex.split(line_with(plan.compile, "postconf -e"))


def test_only_some_types_need_postmap() -> None:
    assert not any(line.startswith("postmap") for line in postfix.plan(make_policy(), make_target("postfix", "3.10.13")).compile)
    plan = postfix.plan(make_policy(), make_target("postfix", "3.10.13", map_type="lmdb"))
    assert plan.compile[-1] == "postmap lmdb:/etc/postfix/tlsconf/outbound"


def test_every_parameter_is_set_and_taken_back() -> None:
    plan = postfix.plan(make_policy(), make_target("postfix", "3.10.13"))
    names = [setting.name for setting in plan.settings["main.cf"]]
    (parameters,) = [line for line in plan.compile if line.startswith("postconf -e")]
    assert [word.split(" ")[0] for word in shlex.split(parameters)[2:]] == names
    assert plan.rollback[1].split()[2:] == names


@pytest.mark.parametrize("release", ["3.5", "3.10.13"])
def test_the_shell_can_read_every_line(release: str) -> None:
    plan = postfix.plan(make_policy(), make_target("postfix", release))
    for line in (*plan.compile, *plan.check, *plan.activate, *plan.rollback, *plan.on_certificate_change):
        assert "\n" not in line
        subprocess.run(["sh", "-n", "-c", line], check=True)


def test_what_is_installed_is_compared_first() -> None:
    plan = postfix.plan(make_policy(), make_target("postfix", "3.10.13"))
    copied = [f"cmp {file.path} {file.destination}" for file in plan.files if file.destination is not None]
    compared = [index for index, line in enumerate(plan.compile) if line.startswith(tuple(copied))]
    assert len(compared) == len(copied)
    assert max(compared) < min(index for index, line in enumerate(plan.compile) if line.startswith("postconf -e"))


def test_a_changed_main_cf_is_left_to_age() -> None:
    plan = postfix.plan(make_policy(), make_target("postfix", "3.10.13"))
    assert plan.activate == plan.rollback[-2:] == ("sleep 3", "postfix reload")
