"""The tables, looked up as the rulesets do, say what the law says."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.mta.sendmail.helpers import DEBIAN_13, values
from tests.policies import INBOUND_RULES, make_policy
from tlsconf import law
from tlsconf.domains import candidates
from tlsconf.mta import sendmail
from tlsconf.mta.sendmail.tables import outbound_words, prefixes
from tlsconf.policy import InboundRule, Level, NextHop, OnPlaintext, OutboundRule, Verify
from tlsconf.tls import Version

LABELS = st.sampled_from(("a", "b", "xn--bcher-kva"))
NAMES = st.lists(LABELS, min_size=1, max_size=4).map(".".join)
PATTERNS = st.tuples(st.sampled_from(("", "*.")), NAMES).map("".join)
FLOORS = st.sampled_from((None, Version.TLSv1_2, Version.TLSv1_3))
ANSWERS = st.sampled_from(OnPlaintext)
NETWORKS = st.sampled_from(
    [
        ip_network(text)
        for text in (
            "0.0.0.0/0",
            "10.0.0.0/8",
            "10.0.0.0/15",
            "10.1.2.0/23",
            "10.1.2.3",
            "::/0",
            "2001:db8::/32",
            "2001:db8:8000::/35",
            "2001:db8::1",
        )
    ]
)
ADDRESSES = st.sampled_from(
    [
        ip_address(text)
        for text in ("10.1.2.3", "10.1.3.3", "10.2.0.1", "192.0.2.1", "2001:db8::1", "2001:db8:9fff::1", "2001:db8:a000::1", "::1")
    ]
)


@st.composite
def outbound_rules(draw: st.DrawFn) -> tuple[OutboundRule, ...]:
    patterns = draw(st.lists(PATTERNS, unique=True, max_size=6))
    levels = draw(st.lists(st.sampled_from(Level), min_size=len(patterns), max_size=len(patterns)))
    return tuple(
        OutboundRule(f"r{i}", level, Verify.NONE, domains=(pattern,))
        for i, (pattern, level) in enumerate(zip(patterns, levels, strict=True))
    )


@st.composite
def inbound_rules(draw: st.DrawFn) -> tuple[InboundRule, ...]:
    by_sender = draw(st.lists(st.tuples(st.lists(PATTERNS, min_size=1, max_size=3), FLOORS, ANSWERS), max_size=3))
    by_client = draw(st.lists(st.tuples(st.lists(NETWORKS, min_size=1, max_size=2), FLOORS, ANSWERS), max_size=3))
    senders = (InboundRule(f"s{i}", tuple(p), (), floor, answer) for i, (p, floor, answer) in enumerate(by_sender))
    clients = (InboundRule(f"c{i}", (), tuple(n), floor, answer) for i, (n, floor, answer) in enumerate(by_client))
    return (*senders, *clients)


def _by_domain(table: dict[str, str], domain: str) -> str | None:
    return next((table[key] for key in candidates(domain) if key in table), None)


def _by_client(table: dict[str, str], address: IPv4Address | IPv6Address) -> str | None:
    if isinstance(address, IPv4Address):
        tokens = str(address).split(".")
        keys = [".".join(tokens[:size]) for size in range(4, 0, -1)] + ["ipv4"]
    else:
        tokens = [hextet.lstrip("0") or "0" for hextet in address.exploded.split(":")]
        keys = [":".join(("ipv6", *tokens[:size])) for size in range(8, -1, -1)]
    return next((table[key] for key in keys if key in table), None)


@given(rules=outbound_rules(), domain=NAMES)
def test_the_table_of_domains_decides_as_the_law(rules: tuple[OutboundRule, ...], domain: str) -> None:
    policy = make_policy(outbound_rules=rules)
    plan = sendmail.plan(policy, DEBIAN_13)
    found = _by_domain(values(plan, "tlsconf/outbound"), domain) or values(plan, "tlsconf.m4")["TLSCONF_OUTBOUND"]
    assert found == outbound_words(law.decide_outbound(policy, law.Outgoing(domain)))


@given(
    rules=inbound_rules(),
    exempt=st.lists(NETWORKS, max_size=2),
    sender=NAMES,
    client=ADDRESSES,
    version=st.sampled_from((None, Version.TLSv1_2, Version.TLSv1_3)),
)
def test_the_tables_of_senders_and_clients_decide_as_the_law(
    rules: tuple[InboundRule, ...],
    exempt: list[IPv4Network | IPv6Network],
    sender: str,
    client: IPv4Address | IPv6Address,
    version: Version | None,
) -> None:
    policy = make_policy(inbound_rules=rules, inbound_exempt_clients=tuple(exempt))
    plan = sendmail.plan(policy, DEBIAN_13)
    by_client = _by_client(values(plan, "tlsconf/clients"), client)
    by_sender = _by_domain(values(plan, "tlsconf/senders"), sender)
    found = [] if by_client == "exempt" else [words.split(":") for words in (by_client, by_sender) if words]
    if version is None:
        seen = (
            law.Outcome.ACCEPTED
            if not found
            else law.Outcome.REFUSED
            if any(word == "reject" for word, _ in found)
            else law.Outcome.DEFERRED
        )
    else:
        seen = law.Outcome.REFUSED if any(floor != "any" and Version[floor] > version for _, floor in found) else law.Outcome.ACCEPTED
    suites = frozenset({"TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"})
    peer = law.Peer(starttls=version is not None, versions=frozenset({version} if version else ()), cipher_suites=suites)
    assert seen == law.outcome(law.decide_inbound(policy, law.Incoming(sender, client)), peer)


@given(network=NETWORKS, address=ADDRESSES)
def test_prefixes_cover_exactly_their_network(network: IPv4Network | IPv6Network, address: IPv4Address | IPv6Address) -> None:
    assert (_by_client(dict.fromkeys(prefixes(network), "x"), address) == "x") == (address in network)


def test_a_name_of_two_spellings_is_in_the_table_twice() -> None:
    rules = (InboundRule("bank", senders=("*.xn--bcher-kva.example",)),)
    assert values(sendmail.plan(make_policy(inbound_rules=rules), DEBIAN_13), "tlsconf/senders") == {
        "*.xn--bcher-kva.example": "reject:any",
        "*.bücher.example": "reject:any",
    }


def test_next_hops_of_one_host_become_the_strictest_of_them() -> None:
    rules = (
        OutboundRule("lax", Level.OPPORTUNISTIC, Verify.NONE, next_hops=(NextHop("Relay.example", 25),)),
        OutboundRule("strict", Level.REQUIRED, Verify.HOSTNAME, next_hops=(NextHop("relay.example", 587), NextHop("2001:db8::1", 25))),
    )
    assert values(sendmail.plan(make_policy(outbound_rules=rules), DEBIAN_13), "tlsconf/next_hops") == {
        "[relay.example]": "required:hostname:TLSv1_2:strict",
        "[ipv6:2001:db8::1]": "required:hostname:TLSv1_2:strict",
        "[ipv6:2001:db8:0:0:0:0:0:1]": "required:hostname:TLSv1_2:strict",
    }


@pytest.mark.parametrize(("network", "count"), [("10.0.0.0/9", 128), ("2001:db8::/33", 32768), ("0.0.0.0/0", 1)])
def test_the_number_of_prefixes_is_bounded(network: str, count: int) -> None:
    assert len(list(prefixes(ip_network(network)))) == count


def test_the_sample_policy_has_the_entries_one_expects() -> None:
    assert values(sendmail.plan(make_policy(inbound_rules=INBOUND_RULES), DEBIAN_13), "tlsconf/clients") == {
        "192.0.2": "defer:any",
        "ipv6:2001:db8": "defer:any",
        "127": "exempt",
        "ipv6:0:0:0:0:0:0:0:1": "exempt",
    }
