"""What is written can be read back, or is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mta.sendmail.helpers import TARGETS, rendered
from tests.policies import make_policy
from tlsconf import render
from tlsconf.errors import UnrepresentableError
from tlsconf.mta.sendmail.syntax import parse, quote
from tlsconf.plan import Limitation, Plan, PlannedFile, Raw, Section, Setting

if TYPE_CHECKING:
    from tlsconf.policy import Target

HOSTILE = (
    *("\n", "\r", "\t", "\0", "\x1b", "\x85", "\u2028", "\u202e", "$", "${", "$1", "$&{verify}", ";", ":", '"', "'", "`", "``", "''"),
    *("\\", "#", "dnl", "define(`x', `y')", " ", "", "*", "<TMPF>", "é", "x" * 65536),
)
TEXTS = st.one_of(st.text(), st.lists(st.sampled_from((*HOSTILE, "a", "b.c", "/etc")), max_size=5).map("".join))
PLACES = (
    ("tlsconf.m4", "sendmail/tlsconf.m4.j2", "m4"),
    ("tlsconf/names.m4", "sendmail/names.m4.j2", "pattern"),
    ("tlsconf/outbound", "sendmail/table.j2", "value"),
)


def _round_trip(path: str, template: str, settings: tuple[Setting, ...]) -> tuple[Setting, ...]:
    file = PlannedFile(path, template, (Section("title", settings),), None, ("dnl ", "") if path.endswith(".m4") else ("# ", ""))
    plan = Plan("sendmail", "8.18.1", (file,), (Limitation("id", "different", (), "define(`confCACERT', ``/evil'')"),))
    files = render.render_plan(plan, profile="sample", host=None, digest="sha256:0")
    return parse({item.path: item.text for item in files})[path]


@pytest.mark.parametrize(("path", "template", "place"), PLACES)
@given(text=TEXTS)
def test_a_value_comes_back_or_is_refused(path: str, template: str, place: str, text: str) -> None:
    settings = (Setting("before", "a"), Setting("x", text), Setting("after", "b"))
    try:
        quote(text, place)
    except UnrepresentableError:
        with pytest.raises(UnrepresentableError):
            _round_trip(path, template, settings)
    else:
        assert _round_trip(path, template, settings) == settings


@pytest.mark.parametrize(
    ("path", "template", "place"), [("tlsconf.m4", "sendmail/tlsconf.m4.j2", "name"), ("tlsconf/outbound", "sendmail/table.j2", "key")]
)
@given(text=TEXTS)
def test_a_name_comes_back_or_is_refused(path: str, template: str, place: str, text: str) -> None:
    settings = (Setting("before", "a"), Setting(text, "v"), Setting("after", "b"))
    try:
        quote(text, place)
    except UnrepresentableError:
        with pytest.raises(UnrepresentableError):
            _round_trip(path, template, settings)
    else:
        assert _round_trip(path, template, settings) == settings


@pytest.mark.parametrize("text", ["$1", "a'b", "a`b", "a\nb", 'a"b', "a\\b", "ü", "x" * 2001])
def test_a_definition_refuses_what_m4_or_readcf_would_read(text: str) -> None:
    with pytest.raises(UnrepresentableError):
        quote(text, "m4")


@pytest.mark.parametrize("text", ["", "#a", "a b", "a\tb", "A", "a\u202eb", "a$b"])
def test_a_key_refuses_what_makemap_would_not_keep(text: str) -> None:
    with pytest.raises(UnrepresentableError):
        quote(text, "key")


def test_raw_text_is_copied() -> None:
    assert quote(Raw("$1 `x'"), "m4") == "$1 `x'"


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.release.text)
def test_a_plan_comes_back(target: Target) -> None:
    plan, files = rendered(make_policy(), target)
    assert parse(files) == plan.settings
