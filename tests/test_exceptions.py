"""The file of exceptions: both its forms, and every mistake at its place."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.samples import line, put
from tlsconf import exceptions
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

    from tlsconf.diagnostics import Finding
    from tlsconf.exceptions import Allowed

BASE = "tlsconf: 1\nname: base\noverlays: stronger\nexceptions: exceptions.yaml\n"
ENTRY = "{profile: p, rule: r, change: c, owner: o, reason: why, ticket: t, expires: 2027-03-31}"
BLOCK = "profile: p\n  rule: r\n  change: c\n  owner: o\n  reason: why\n  ticket: t\n"


def loaded(folder: Path, text: str | bytes | None) -> tuple[tuple[Allowed, ...], list[str]]:
    """Return the exceptions of a base, and what is wrong with their file."""
    path = put(folder, {"base.yaml": BASE, **({} if text is None else {"exceptions.yaml": text})})
    findings: list[Finding] = []
    found = exceptions.load(resolve(str(path), bases=True).documents[-1], findings)
    return found, [line(finding, folder) for finding in findings]


@pytest.mark.parametrize("text", [f"- {ENTRY}\n", f"exceptions:\n  - {ENTRY}\n", f"- {ENTRY.replace('2027-03-31', repr('2027-03-31'))}\n"])
def test_a_list_and_a_mapping_say_the_same(tmp_path: Path, text: str) -> None:
    (found,), wrong = loaded(tmp_path, text)
    assert wrong == []
    assert found.said.model_dump() == {
        "profile": "p", "rule": "r", "change": "c", "owner": "o", "reason": "why", "ticket": "t", "expires": date(2027, 3, 31),
    }  # fmt: skip


@pytest.mark.parametrize("text", ["", "# nothing\n", "[]\n", "exceptions: []\n"])
def test_none_is_right_too(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text) == ((), [])


def test_a_rule_may_be_left_out(tmp_path: Path) -> None:
    (found,), wrong = loaded(tmp_path, f"- {ENTRY.replace('rule: r, ', '')}\n")
    assert found.said.rule is None
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            f"- {BLOCK}  expires: 2027-03-31 10:00:00\n",
            "exceptions.yaml:7:12: `2027-03-31 10:00:00` does not fit `[0].expires` (a date such as `2027-03-31`)",
        ),
        (None, "base.yaml:4:13: the exceptions `exceptions.yaml` can't be read: No such file or directory (a file beside this profile)"),
        ("7\n", "exceptions.yaml:1:1: the document holds a number (a list of exceptions, or one under the key `exceptions`)"),
        ("- 7\n", "exceptions.yaml:1:3: `7` does not fit `[0]` (a mapping)"),
        (f"exception:\n- {ENTRY}\n", "exceptions.yaml:1:1: `exceptions` is missing (the key `exceptions`)"),
        (f"- {ENTRY.replace('owner: o, ', '')}\n", "exceptions.yaml:1:3: `owner` is missing (the key `owner`)"),
        (f"- {ENTRY.replace('owner: o', 'ower: o')}\n", "exceptions.yaml:1:3: `owner` is missing (the key `owner`)"),
        (
            f"- {ENTRY.replace('2027-03-31', '2027-02-30')}\n",
            "exceptions.yaml:1:79: `2027-02-30` can't be read as timestamp (text: put it between quotes)",
        ),
        (
            f"- {ENTRY.replace('2027-03-31', 'never')}\n",
            "exceptions.yaml:1:79: `never` does not fit `[0].expires` (a date such as `2027-03-31`)",
        ),
        (f"- {ENTRY.replace('rule: r', 'rule: R')}\n", "exceptions.yaml:1:22: `R` does not fit `[0].rule` (small letters, digits and `-`)"),
        (
            f"- {ENTRY.replace('reason: why', 'reason: 7')}\n",
            "exceptions.yaml:1:54: `7` does not fit `[0].reason` (text: put it between quotes)",
        ),
        (b"- \xff\n", "exceptions.yaml:1:3: byte 0xff is not UTF-8 (a text file in UTF-8)"),
        ("- {\n", "exceptions.yaml:2:1: not YAML: did not find expected node content"),
    ],
)
def test_every_mistake_is_told_at_its_place(tmp_path: Path, text: str | bytes | None, told: str) -> None:
    found, wrong = loaded(tmp_path, text)
    assert found == ()
    assert told == wrong[0][: len(told)]


def test_right_entries_count_beside_a_wrong_one(tmp_path: Path) -> None:
    found, wrong = loaded(tmp_path, f"- {ENTRY}\n- 7\n- {ENTRY}\n")
    assert (len(found), len(wrong)) == (2, 1)


def test_a_duplicate_key_is_told(tmp_path: Path) -> None:
    _, wrong = loaded(tmp_path, f"- {ENTRY.replace('rule: r', 'rule: r, rule: s')}\n")
    assert wrong == ["exceptions.yaml:1:25: the key `rule` is given twice (each key once) [first here exceptions.yaml:1:16]"]
