"""What is written can be read back, whatever a text tries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mta.exim.rendering import render
from tests.policies import make_policy, make_target
from tlsconf.errors import UnrepresentableError
from tlsconf.mta import exim
from tlsconf.mta.exim.syntax import items, literal, word
from tlsconf.plan import PlannedFile, Raw, Section, Setting
from tlsconf.policy import Certificate, Level, OutboundRule, Server, Verify

if TYPE_CHECKING:
    from tlsconf.plan import Plan

SPECIMENS = (
    "", " ", "a", " a", "a ", "\t", "a\nb", "a\n", "\n.include /etc/passwd", "\r\n", "$domain", "${run{/bin/id}}", "}{", "\\", "\\\\",
    "\\n",
    "a\\", "\\x41", "a;b", "a:b", ":", "::", "<; a", '"', '"a"', "'", "`m4'", "#", "# a", "\u202e", "\u2028", "\x85", "\0", "\x01", "\x7f",
    "TLSCONF_RULE", "_HAVE_TLS",
    ".endif", "a: b", "a = b", "é", "x" * 65536,
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(SPECIMENS),
    st.text(alphabet=st.sampled_from("ab \t\n\r$`{};:\"'\\#<>=.,!*\0\x01\u202eéTLSCONF_"), max_size=20),
    st.text(max_size=20),
)


def planned(library: str = "gnutls") -> Plan:
    return exim.plan(make_policy(), make_target("exim", "4.96", library=library, version=(3, 7), platform="debian-12"))


@pytest.mark.parametrize("library", ["gnutls", "openssl"])
def test_a_plan_is_read_back(library: str) -> None:
    plan = planned(library)
    assert exim.parse(render(plan)) == plan.settings


@given(TEXTS)
def test_an_option_is_read_back_or_refused(text: str) -> None:
    check(PlannedFile("main", "exim/main.j2", (Section("a", (Setting("x", text), Setting("y", Raw("${if def:z}")))),), None))


@given(TEXTS, TEXTS)
def test_a_line_of_a_table_is_read_back_or_refused(key: str, data: str) -> None:
    check(PlannedFile("tlsconf/t", "exim/table.j2", (Section("a", (Setting(key, data), Setting("b", "c"))),), None))


def check(file: PlannedFile) -> None:
    plan = planned()._replace(files=(file,))
    try:
        texts = render(plan)
    except UnrepresentableError:
        return
    assert exim.parse(texts) == plan.settings


@given(TEXTS)
def test_a_policy_is_read_back_or_refused(text: str) -> None:
    rules = (OutboundRule(text, Level.REQUIRED, Verify.HOSTNAME, mx=("mx.example",), domains=("a.example",)),)
    policies = (
        make_policy(outbound_rules=rules),
        make_policy(outbound_trust_anchors=text),
        make_policy(server=Server("mx.example", (Certificate(text, "/key"), Certificate("/chain", text)))),
    )
    for policy in policies:
        try:
            plan = exim.plan(policy, make_target("exim", "4.96", library="gnutls"))
            texts = render(plan)
        except UnrepresentableError:
            continue
        assert exim.parse(texts) == plan.settings
        for name in ("main", "transport_smtp"):
            assert "${run" not in texts[name]


def test_a_text_can_not_be_a_macro() -> None:
    assert exim.quote("/a/TLSCONF_RULE", "option").isascii()
    assert "TLSCONF" not in exim.quote("/a/TLSCONF_RULE", "option")
    assert "TLSCONF" not in literal("/a/TLSCONF_RULE")
    assert "_HAVE" not in literal("/a/_HAVE_TLS")


def test_no_option_ends_in_a_backslash_or_holds_a_new_line() -> None:
    for text in ("a\\", "a\nb"):
        written = exim.quote(text, "option")
        assert "\n" not in written
        assert not written.endswith("\\")


@pytest.mark.parametrize(
    ("texts", "written"),
    [(["/a", "/b"], "/a : /b"), (["/a:b"], "/a::b"), (["/a$b{c}"], "/a\\x24b\\x7bc\\x7d"), (["/Ab"], "/\\x41b"), ([], "")],
)
def test_lists_keep_their_items(texts: list[str], written: str) -> None:
    assert items(texts) == written


@pytest.mark.parametrize("text", ["", " a", "a\n", "a\0", "a b", "a=b", "a:b", '"'])
def test_words_are_plain(text: str) -> None:
    with pytest.raises(UnrepresentableError):
        word(text)


def test_keys_are_quoted_where_they_must() -> None:
    assert exim.quote("*.gov.uk", "key") == "*.gov.uk"
    assert exim.quote("2001:db8::/32", "key") == '"2001:db8::/32"'
    assert exim.quote('a"\\b', "key") == '"a\\x22\\x5cb"'
