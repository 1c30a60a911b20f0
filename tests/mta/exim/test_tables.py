"""Looking up in the tables, as Exim does, gives what the law says."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policies import make_policy, make_target
from tlsconf import law
from tlsconf.mta import exim
from tlsconf.policy import InboundRule, Level, NextHop, OnPlaintext, OutboundRule, Policy, Verify
from tlsconf.tls import VERSIONS, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = st.lists(st.sampled_from(["a", "b", "uk"]), min_size=1, max_size=4).map(".".join)
PATTERNS = st.sets(st.one_of(NAMES, NAMES.map("*.{}".format)), max_size=8).map(tuple)


def tables(policy: Policy) -> dict[str, dict[str, str]]:
    """Return each table as Exim sees it: the first line of a key counts."""
    plan = exim.plan(policy, make_target("exim", "4.98.2", library="gnutls", platform="debian-13"))
    found: dict[str, dict[str, str]] = {}
    for path, settings in plan.settings.items():
        for setting in settings:
            found.setdefault(path.removeprefix("tlsconf/"), {}).setdefault(setting.name, setting.value)
    return found


def partial_keys(name: str, minimum: int) -> Iterator[str]:
    """Yield the keys that a partial lookup tries (specification, "Partial matching in single-key lookups")."""
    yield name
    parts = name.split(".")
    while len(parts) >= max(minimum, 1):
        yield "*." + ".".join(parts)
        parts = parts[1:]
    if minimum == 0:
        yield "*"


def partial(table: dict[str, str], name: str, minimum: int = 0) -> str | None:
    return next((table[key] for key in partial_keys(name, minimum) if key in table), None)


def words(text: str | None) -> dict[str, str]:
    return dict(item.split("=", 1) for item in (text or "").split())


@given(PATTERNS, PATTERNS, NAMES)
def test_a_domain_finds_its_rule(first: tuple[str, ...], second: tuple[str, ...], domain: str) -> None:
    rules = (
        OutboundRule("one", Level.REQUIRED, Verify.HOSTNAME, domains=first),
        OutboundRule("two", Level.NONE, Verify.NONE, domains=tuple(p for p in second if p not in first)),
    )
    policy = make_policy(outbound_rules=rules)
    decision = law.decide_outbound(policy, law.Outgoing(domain))
    found = words(partial(tables(policy)["outbound"], domain))
    assert (found["tls"], found["verify"]) == (decision.tls, decision.verify)


@given(PATTERNS, PATTERNS, PATTERNS, NAMES)
def test_a_sender_finds_all_its_rules(first: tuple[str, ...], second: tuple[str, ...], third: tuple[str, ...], sender: str) -> None:
    rules = (
        InboundRule("one", senders=first, minimum_version=Version.TLSv1_3),
        InboundRule("two", senders=second, on_plaintext=OnPlaintext.DEFER),
        InboundRule("three", senders=third, on_plaintext=OnPlaintext.DEFER, minimum_version=Version.TLSv1_2),
    )
    policy = make_policy(inbound_rules=rules)
    agrees(policy, sender, partial(tables(policy)["senders"], sender), "203.0.113.1")


@given(PATTERNS, NAMES)
def test_a_sender_finds_its_only_rule(patterns: tuple[str, ...], sender: str) -> None:
    policy = make_policy(inbound_rules=(InboundRule("one", senders=patterns),))
    agrees(policy, sender, partial(tables(policy)["senders"], sender), "203.0.113.1")


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(8, 32)), max_size=6), st.integers(0, 255), st.sampled_from(list(Level)))
def test_a_client_finds_all_its_rules(networks: list[tuple[int, int]], last: int, level: Level) -> None:
    rules = tuple(
        InboundRule(
            f"r{i}",
            clients=(ip_network(f"198.51.100.{byte}/{length}", strict=False),),
            on_plaintext=OnPlaintext.DEFER if i % 2 else OnPlaintext.REJECT,
            minimum_version=Version.TLSv1_3 if i % 3 else None,
        )
        for i, (byte, length) in enumerate(networks)
    )
    policy = make_policy(inbound_rules=rules, inbound_tls=level)
    client = ip_address(f"198.51.100.{last}")
    found = next(value for key, value in tables(policy)["clients"].items() if client in ip_network(key))
    agrees(policy, None, found, str(client))


def agrees(policy: Policy, sender: str | None, found: str | None, client: str) -> None:
    """Compare the words of one table with what the law does with clear text and with each version."""
    demand = words(found)
    decision = law.decide_inbound(policy, law.Incoming(sender, ip_address(client)))
    clear = {"reject": law.Outcome.REFUSED, "defer": law.Outcome.DEFERRED, "accept": law.Outcome.ACCEPTED}[demand["plaintext"]]
    assert law.outcome(decision, law.Peer(starttls=False)) == clear
    floor = VERSIONS[demand["floor"]] if "floor" in demand else Version.TLSv1_0
    for version in (Version.TLSv1_2, Version.TLSv1_3):
        want = law.Outcome.ACCEPTED if version >= floor else law.Outcome.REFUSED
        if decision.tls is not Level.NONE:
            assert law.outcome(decision, law.Peer(versions=frozenset({version}))) == want


def test_networks_stand_smallest_first() -> None:
    networks = ("192.0.2.0/24", "192.0.2.128/25", "2001:db8::/32", "2001:db8:1::/48", "192.0.2.200/32")
    policy = make_policy(inbound_rules=(InboundRule("r", clients=tuple(ip_network(n) for n in networks)),))
    assert list(tables(policy)["clients"]) == [
        "192.0.2.200/32", "192.0.2.128/25", "192.0.2.0/24", "0.0.0.0/0", "2001:db8:1::/48", "2001:db8::/32", "::/0",
    ]  # fmt: skip


def test_names_are_written_in_both_spellings() -> None:
    rules = (OutboundRule("r", Level.REQUIRED, Verify.NONE, domains=("xn--bcher-kva.example", "*.xn--bcher-kva.test")),)
    table = tables(make_policy(outbound_rules=rules, inbound_rules=(InboundRule("i", senders=("xn--bcher-kva.example",)),)))
    assert {"bücher.example", "*.bücher.test", "bücher.test", "xn--bcher-kva.test"} <= set(table["outbound"])
    assert table["senders"]["bücher.example"] == "plaintext=reject"


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("mx.partner.example", True), ("a.mail.partner.example", True), ("a.b.mail.partner.example", True), ("mail.partner.example", False),
        ("partner.example", False), ("x.mx.partner.example", False), ("*.partner.example", True), ("*.mail.partner.example", True),
        ("*.a.mail.partner.example", True), ("*.example", False), ("other.example", False),
    ],
)  # fmt: skip
def test_certificates_are_for_the_names_of_a_rule(name: str, accepted: bool) -> None:  # noqa: FBT001
    table = tables(make_policy())["names"]
    key = re.sub(r"^\*\.", "_wildcard.", name)
    assert ("partner" in (partial(table, key, 1) or "").split(" : ")) is accepted


def test_next_hops_are_keyed_as_exim_shows_them() -> None:
    hops = (NextHop("relay.example", 25), NextHop("192.0.2.1", 587), NextHop("2001:db8::1", 25))
    table = tables(make_policy(outbound_rules=(OutboundRule("r", Level.REQUIRED, Verify.NONE, next_hops=hops),)))["next_hops"]
    assert list(table) == ["*", "relay.example:25", "192.0.2.1:587", "2001:0db8:0000:0000:0000:0000:0000:0001:25"]
    assert words(table["*"])["tls"] == "opportunistic"


def test_the_smarthost_decides_for_each_host_that_has_no_line() -> None:
    hop = NextHop("relay.example", 587)
    rules = (OutboundRule("r", Level.REQUIRED, Verify.HOSTNAME, next_hops=(hop,)),)
    assert words(tables(make_policy(outbound_rules=rules, outbound_smarthost=hop))["next_hops"]["*"])["tls"] == "required"


def test_dane_has_the_session_of_required_tls() -> None:
    rules = (OutboundRule("d", Level.OPPORTUNISTIC, Verify.DANE, Version.TLSv1_3, domains=("d.example",)),)
    table = tables(make_policy(outbound_rules=rules))
    found = words(table["outbound"]["d.example"])
    assert (found["session"], found["dane_session"]) == ("opportunistic-TLSv1.3", "required-TLSv1.3")
    assert {"opportunistic-TLSv1.3", "required-TLSv1.3"} <= set(table["sessions"])
