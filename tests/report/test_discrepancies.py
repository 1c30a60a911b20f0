"""What an inspection found, as people and programs read it."""

from __future__ import annotations

import json
from typing import Final

from tlsconf.live.discrepancy import Discrepancy
from tlsconf.report.discrepancies import Inspected, discrepancies_json, discrepancies_text

ERROR: Final = Discrepancy("file-differs", "error", "it differs", "/etc/postfix/main.cf", 12, "render again")
WARNING: Final = Discrepancy("release-differs", "warning", "another release")
HOSTILE: Final = Discrepancy("file-differs", "error", "\x1b[2J\nerror x: y\x9b\udcff\u202e", "/etc/\x1b]0;x\x07", None, "rm\r\x1b[A")


def test_nothing_found_is_one_line() -> None:
    assert discrepancies_text([Inspected("postfix", None, "3.7.11", ())]) == "postfix 3.7.11: does what the profile says"


def test_a_block_for_each_and_a_line_for_each_server() -> None:
    inspected = [Inspected("postfix", "mx1", "3.7.11", (ERROR, WARNING)), Inspected("exim", "mx1", "4.96", (WARNING,))]
    assert discrepancies_text(inspected).split("\n") == [
        "error file-differs: /etc/postfix/main.cf:12: it differs",
        "  render again",
        "warning release-differs: another release",
        "postfix 3.7.11 on mx1: 1 error(s), 1 warning(s)",
        "warning release-differs: another release",
        "exim 4.96 on mx1: does what the profile says, 1 warning(s)",
    ]


def test_what_a_terminal_obeys_is_spelt_out_and_no_line_is_forged() -> None:
    text = discrepancies_text([Inspected("postfix", None, "3.7\x1b[m", (HOSTILE,))])
    assert all(line.isprintable() for line in text.split("\n"))
    assert len(text.split("\n")) == 3


def test_json_has_every_field() -> None:
    answer = json.loads(discrepancies_json([Inspected("postfix", "mx1", "3.7.11", (ERROR,)), Inspected("exim", None, "4.96", (WARNING,))]))
    assert answer == {
        "format": 1,
        "inspected": [{"target": "postfix", "host": "mx1", "release": "3.7.11"}, {"target": "exim", "host": None, "release": "4.96"}],
        "findings": [
            {"target": "postfix", "release": "3.7.11", **ERROR._asdict()},
            {"target": "exim", "release": "4.96", **WARNING._asdict()},
        ],
    }


def test_json_is_ascii_and_holds_text_only() -> None:
    text = discrepancies_json([Inspected("postfix", None, "3.7.11", (HOSTILE,))])
    assert text.isascii()
    assert "\x1b" not in text
    (finding,) = json.loads(text)["findings"]
    assert finding["message"] == "\x1b[2J\nerror x: y\x9b\\xff\u202e"
    assert finding["message"].encode()
