"""Quoting: each text comes back exactly, or is refused."""

from __future__ import annotations

from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policies import make_policy, make_target
from tlsconf.errors import UnrepresentableError
from tlsconf.mta import postfix
from tlsconf.mta.postfix.syntax import is_list_item, parse, quote
from tlsconf.plan import Plan, PlannedFile, Raw, Section, Setting
from tlsconf.render import render_plan

BREAKING = st.one_of(
    st.text(),
    st.text(alphabet="ab.$*{};:#/\\\"'`\n\r\t\0 ,=()[]|^+?@-é\u200f\u200d\u2028\x85ßÜüİ"),
    st.sampled_from(
        ["", " ", "$", "$$", "${a}", "\n", "a\nb", "#a", " a", "a ", "*.", "*.a", "a.", ".a", '"', "if /a/", "x" * 65536, "0.0.0.0/0"]
    ),
)
FILES = {
    "main.cf": ("postfix/main.cf.j2", "parameter", "value"),
    "tlsconf/outbound": ("postfix/outbound.j2", "key", "policy"),
    "tlsconf/inbound_exempt": ("postfix/clients.j2", "network", "action"),
    "tlsconf/inbound_clients": ("postfix/clients.j2", "network", "action"),
    "tlsconf/inbound_senders": ("postfix/senders.j2", "sender", "action"),
    "tlsconf/openssl.cnf": ("postfix/openssl.cnf.j2", "parameter", "openssl value"),
}
GOOD = {"parameter": "name", "key": "a.example", "network": "192.0.2.0/24", "sender": "a.example"}
GOOD_VALUES = {"value": "b", "policy": "b", "action": "b", "openssl value": "b"}


def rendered(plan: Plan) -> dict[str, str]:
    return {file.path: file.text for file in render_plan(plan, profile="sample", host=None, digest="sha256:0")}


def plan_of(path: str, setting: Setting) -> Plan:
    return Plan("postfix", "3.10", (PlannedFile(path, FILES[path][0], (Section("One", (setting,)),), None),))


@pytest.mark.parametrize("path", FILES)
@given(text=BREAKING)
def test_a_value_comes_back_or_is_refused(path: str, text: str) -> None:
    plan = plan_of(path, Setting(GOOD[FILES[path][1]], text))
    try:
        files = rendered(plan)
    except UnrepresentableError:
        return
    assert parse(files) == plan.settings


@pytest.mark.parametrize("path", FILES)
@given(text=BREAKING)
def test_a_name_comes_back_or_is_refused(path: str, text: str) -> None:
    plan = plan_of(path, Setting(text, GOOD_VALUES[FILES[path][2]]))
    try:
        files = rendered(plan)
    except UnrepresentableError:
        return
    assert parse(files) == plan.settings


@pytest.mark.parametrize(
    ("text", "place", "quoted"),
    [
        ("a$b", "value", "a$$b"),
        ("", "value", ""),
        ("bank.example", "sender", r"/@bank\.example\.?$/"),
        ("*.bank.example", "sender", r"/@.+\.bank\.example\.?$/"),
        ("bücher.example", "sender", r"/@b(ü|Ü)cher\.example\.?$/"),
        ("[relay.example]:25", "key", "[relay.example]:25"),
        ("2001:db8::/32", "network", "2001:db8::/32"),
    ],
)
def test_quote(text: str, place: str, quoted: str) -> None:
    assert quote(text, place) == quoted


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a\nb", "value"),
        (" a", "value"),
        ("a\u200f", "value"),
        ("#a", "key"),
        ('"a', "key"),
        ("a b", "key"),
        ("", "policy"),
        ("a/b", "sender"),
        ("a|b", "sender"),
        ("192.0.2.1/24", "network"),
        ("a b", "action"),
        ("a$b", "openssl value"),
    ],
)
def test_quote_refuses(text: str, place: str) -> None:
    with pytest.raises(UnrepresentableError):
        quote(text, place)


def test_raw_is_left_alone() -> None:
    assert quote(Raw("${config_directory}/x, $y"), "value") == "${config_directory}/x, $y"


@pytest.mark.parametrize("text", ["", "/a b", "/a,b", "/{a", "/a\n"])
def test_no_list_item(text: str) -> None:
    assert not is_list_item(text)


def test_a_whole_plan_comes_back() -> None:
    plan = postfix.plan(make_policy(), make_target("postfix", "3.10.13", platform="debian-13", version=(3, 5)))
    assert parse(rendered(plan)) == plan.settings


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_networks_come_back(address: object, length: int) -> None:
    network = str(ip_network(f"{address}/{length}", strict=False))
    assert quote(network, "network") == network
