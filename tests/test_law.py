"""The tables of the design, word for word, held against the code: every row, every column, several floors."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policies import PARAMETERS, SUITES, make_policy
from tlsconf.law import (
    Certificate,
    Incoming,
    Outcome,
    Outgoing,
    Peer,
    Tlsa,
    at_least_as_strong,
    can_agree,
    decide,
    decide_inbound,
    decide_outbound,
    in_force,
    outbound_decision,
    outbound_law,
    outcome,
)
from tlsconf.policy import InboundRule, Level, NextHop, OnPlaintext, OutboundRule, Policy, Verify
from tlsconf.tls import Version, suites

OUTBOUND = """
| receiving host | none | opportunistic | required | required + hostname | opportunistic + dane | required + dane |
|---|---|---|---|---|---|---|
| offers no STARTTLS | clear | clear | held | held | clear | held |
| valid certificate, version at or above the floor | clear | TLS | TLS | TLS | TLS | held |
| only versions below the floor | clear | clear | held | held | clear | held |
| only suites outside the list | clear | clear | held | held | clear | held |
| self-signed | clear | TLS | TLS | held | TLS | held |
| certificate for another name | clear | TLS | TLS | held | TLS | held |
| expired certificate | clear | TLS | TLS | held | TLS | held |
| offers STARTTLS, then fails the handshake or answers 454 | clear | clear | held | held | clear | held |
| usable TLSA record, matching (3 1 1), self-signed | clear | TLS | TLS | held | TLS | TLS |
| usable TLSA record, not matching, otherwise valid | clear | TLS | TLS | TLS | held | held |
| usable TLSA record, but no STARTTLS, a failed handshake, or below the floor | clear | clear | held | held | held | held |
| TLSA lookup fails (SERVFAIL) | clear | as without | as without | as without | held | held |
| only unusable TLSA records | clear | as without | as without | as without | TLS (unauthenticated), never clear | held |
"""
INBOUND = """
| client | no rule, opportunistic | no rule, required | a matching rule requires TLS |
|---|---|---|---|
| speaks no TLS | accepted | refused 530 5.7.x | refused 530 5.7.x (`defer`: 4xx) |
| version and suite allowed | accepted | accepted | accepted |
| only versions or suites that are not allowed | handshake refused | handshake refused | handshake refused |
| allowed, but below the rule's own `minimum_version` | – | – | refused 5.7.x |
"""  # noqa: RUF001  (the dashes are the table's)

GOOD = Peer(versions=frozenset(Version), cipher_suites=frozenset(suites()))
SUITES_OUTSIDE = frozenset(suites()) - set(SUITES)
WITHOUT_TLSA = (
    GOOD,
    GOOD._replace(starttls=False),
    GOOD._replace(handshake_fails=True),
    GOOD._replace(certificate=Certificate.SELF_SIGNED),
    GOOD._replace(certificate=Certificate.EXPIRED),
    GOOD._replace(cipher_suites=SUITES_OUTSIDE),
)


def rows(table: str) -> dict[str, dict[str, str]]:
    """Read a table: row, then column, to cell."""
    lines = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in table.strip().splitlines() if "---" not in line]
    head, *body = lines
    return {label: dict(zip(head[1:], cells, strict=True)) for label, *cells in body}


def cells(table: str) -> list[tuple[str, str, str]]:
    return [(row, column, cell) for row, columns in rows(table).items() for column, cell in columns.items()]


def below(floor: Version) -> Peer:
    return GOOD._replace(versions=frozenset(version for version in Version if version < floor))


def receiving_hosts(floor: Version) -> dict[str, tuple[Peer, ...]]:
    """Return what each row of the outbound table is about; several where its words name several."""
    return {
        "offers no STARTTLS": (GOOD._replace(starttls=False),),
        "valid certificate, version at or above the floor": (
            GOOD,
            GOOD._replace(versions=frozenset(version for version in Version if version >= floor)),
            *(GOOD._replace(versions=frozenset({version})) for version in (Version.TLSv1_2, Version.TLSv1_3) if version >= floor),
        ),
        "only versions below the floor": (below(floor),),
        "only suites outside the list": (GOOD._replace(cipher_suites=SUITES_OUTSIDE),),
        "self-signed": (GOOD._replace(certificate=Certificate.SELF_SIGNED),),
        "certificate for another name": (GOOD._replace(certificate=Certificate.OTHER_NAME),),
        "expired certificate": (GOOD._replace(certificate=Certificate.EXPIRED),),
        "offers STARTTLS, then fails the handshake or answers 454": (GOOD._replace(handshake_fails=True),),
        "usable TLSA record, matching (3 1 1), self-signed": (GOOD._replace(tlsa=Tlsa.MATCHING, certificate=Certificate.SELF_SIGNED),),
        "usable TLSA record, not matching, otherwise valid": (GOOD._replace(tlsa=Tlsa.NOT_MATCHING),),
        "usable TLSA record, but no STARTTLS, a failed handshake, or below the floor": tuple(
            peer._replace(tlsa=tlsa)
            for tlsa in (Tlsa.MATCHING, Tlsa.NOT_MATCHING)
            for peer in (GOOD._replace(starttls=False), GOOD._replace(handshake_fails=True), below(floor))
        ),
        "TLSA lookup fails (SERVFAIL)": tuple(peer._replace(tlsa=Tlsa.LOOKUP_FAILS) for peer in (*WITHOUT_TLSA, below(floor))),
        "only unusable TLSA records": tuple(peer._replace(tlsa=Tlsa.UNUSABLE) for peer in (*WITHOUT_TLSA, below(floor))),
    }


def terms(column: str) -> tuple[Level, Verify]:
    tls, _, verify = column.partition(" + ")
    return Level(tls), Verify(verify or "none")


def policy_for(column: str, floor: Version, where: str) -> Policy:
    """Return a policy whose terms for `a.example` are the column's, said by a rule, by the default, or with a floor of the rule's own."""
    tls, verify = terms(column)
    parameters = PARAMETERS._replace(minimum_version=floor)
    if where == "default":
        return make_policy(outbound_tls=tls, outbound_verify=verify, outbound_rules=(), required=parameters, opportunistic=parameters)
    if where == "rule":
        rule = OutboundRule("a", tls, verify, domains=("a.example",))
        return make_policy(outbound_rules=(rule,), required=parameters, opportunistic=parameters)
    return make_policy(outbound_rules=(OutboundRule("a", tls, verify, floor, domains=("a.example",)),))


@pytest.mark.parametrize("where", ["default", "rule", "own floor"])
@pytest.mark.parametrize("floor", [Version.TLSv1_1, Version.TLSv1_2, Version.TLSv1_3], ids=str)
@pytest.mark.parametrize(("row", "column", "cell"), cells(OUTBOUND))
def test_every_outbound_cell_is_as_the_design_says(row: str, column: str, cell: str, floor: Version, where: str) -> None:
    decision = decide(policy_for(column, floor, where), Outgoing("a.example"))
    for peer in receiving_hosts(floor)[row]:
        seen = outcome(decision, peer)
        if cell == "as without":
            assert seen is outcome(decision, peer._replace(tlsa=Tlsa.NONE))
        elif cell == "TLS (unauthenticated), never clear":
            reachable = peer.starttls and not peer.handshake_fails and can_agree(PARAMETERS._replace(minimum_version=floor), peer)
            assert seen is (Outcome.TLS if reachable else Outcome.HELD)
        else:
            assert seen == cell


INBOUND_CELLS = {
    "accepted": Outcome.ACCEPTED,
    "refused 530 5.7.x": Outcome.REFUSED,
    "refused 530 5.7.x (`defer`: 4xx)": Outcome.REFUSED,
    "refused 5.7.x": Outcome.REFUSED,
    "handshake refused": Outcome.HANDSHAKE_REFUSED,
}
CLIENTS = {
    "speaks no TLS": (Peer(starttls=False),),
    "version and suite allowed": (
        GOOD,
        GOOD._replace(versions=frozenset({Version.TLSv1_2})),
        GOOD._replace(certificate=Certificate.EXPIRED),
    ),
    "only versions or suites that are not allowed": (below(Version.TLSv1_2), GOOD._replace(cipher_suites=SUITES_OUTSIDE)),
    "allowed, but below the rule's own `minimum_version`": (GOOD._replace(versions=frozenset({Version.TLSv1_2})),),
}
BANK = InboundRule("bank", senders=("bank.example",))
FROM_BANK = Incoming("bank.example", ip_address("198.51.100.1"))


def inbound(**changes: Any) -> Policy:
    return make_policy(**{"inbound_rules": (), "inbound_exempt_clients": (), **changes})


def inbound_policy(row: str, column: str, rule: InboundRule = BANK) -> Policy:
    if column == "no rule, required":
        return inbound(inbound_tls=Level.REQUIRED)
    if column == "no rule, opportunistic":
        return inbound()
    own = Version.TLSv1_3 if "own" in row else None
    return inbound(inbound_rules=(rule._replace(minimum_version=own),))


@pytest.mark.parametrize(("row", "column", "cell"), [entry for entry in cells(INBOUND) if entry[2] != "\N{EN DASH}"])
def test_every_inbound_cell_is_as_the_design_says(row: str, column: str, cell: str) -> None:
    for peer in CLIENTS[row]:
        assert outcome(decide(inbound_policy(row, column), FROM_BANK), peer) is INBOUND_CELLS[cell]


@pytest.mark.parametrize("row", rows(INBOUND))
def test_defer_changes_the_answer_to_clear_text_alone(row: str) -> None:
    column = "a matching rule requires TLS"
    rejecting, deferring = (inbound_policy(row, column, BANK._replace(on_plaintext=answer)) for answer in OnPlaintext)
    for peer in CLIENTS[row]:
        seen = outcome(decide(deferring, FROM_BANK), peer)
        assert seen is (outcome(decide(rejecting, FROM_BANK), peer) if peer.starttls else Outcome.DEFERRED)


@pytest.mark.parametrize("row", rows(INBOUND))
@pytest.mark.parametrize("column", ["no rule, required", "a matching rule requires TLS"])
def test_an_exempt_client_is_as_under_no_rule_opportunistic(row: str, column: str) -> None:
    strict = inbound_policy(row, column)
    exempting = strict._replace(inbound=strict.inbound._replace(exempt_clients=(ip_network("198.51.100.0/24"),)))
    for peer in CLIENTS[row]:
        assert outcome(decide(exempting, FROM_BANK), peer) is outcome(decide(inbound(), FROM_BANK), peer)


def test_an_exempt_client_still_meets_the_listener_of_its_level() -> None:
    policy = inbound(
        inbound_tls=Level.REQUIRED,
        inbound_exempt_clients=(ip_network("198.51.100.1"),),
        opportunistic=PARAMETERS._replace(minimum_version=Version.TLSv1_0),
    )
    assert decide_inbound(policy, FROM_BANK).parameters == policy.required


def test_the_listener_uses_the_opportunistic_floor_whatever_a_rule_demands() -> None:
    lower = PARAMETERS._replace(minimum_version=Version.TLSv1_1, cipher_suites=(*SUITES, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"))
    policy = inbound(inbound_rules=(BANK,), opportunistic=lower)
    old = GOOD._replace(versions=frozenset({Version.TLSv1_1}))
    assert decide_inbound(policy, FROM_BANK).parameters == lower
    assert outcome(decide(policy, FROM_BANK), old) is Outcome.ACCEPTED
    assert outcome(decide(inbound(inbound_tls=Level.REQUIRED, opportunistic=lower), FROM_BANK), old) is Outcome.HANDSHAKE_REFUSED


def test_inbound_none_offers_no_tls_so_that_everybody_speaks_clear_text() -> None:
    assert outcome(decide(inbound(inbound_tls=Level.NONE), FROM_BANK), GOOD) is Outcome.ACCEPTED


# --- which rule ------------------------------------------------------------------------------------------------------

RULES = (
    OutboundRule("uk", Level.REQUIRED, Verify.NONE, domains=("*.uk",)),
    OutboundRule("gov", Level.REQUIRED, Verify.HOSTNAME, domains=("*.gov.uk", "gov.uk")),
    OutboundRule("one", Level.OPPORTUNISTIC, Verify.NONE, domains=("a.gov.uk",)),
    OutboundRule("below", Level.NONE, Verify.NONE, domains=("*.a.gov.uk",)),
    OutboundRule("relay", Level.REQUIRED, Verify.NONE, next_hops=(NextHop("relay.example", 587),)),
)


@pytest.mark.parametrize("rules", [RULES, RULES[::-1]], ids=["as written", "reversed"])
@pytest.mark.parametrize(
    ("domain", "rule"),
    [
        ("a.gov.uk", "one"),
        ("b.gov.uk", "gov"),
        ("x.y.gov.uk", "gov"),
        ("gov.uk", "gov"),
        ("b.a.gov.uk", "below"),
        ("c.b.a.gov.uk", "below"),
        ("police.uk", "uk"),
        ("uk", None),
        ("gov.uk.example", None),
        ("agov.uk", "uk"),
    ],
)
def test_the_most_specific_pattern_wins_whatever_the_order(rules: tuple[OutboundRule, ...], domain: str, rule: str | None) -> None:
    assert decide_outbound(make_policy(outbound_rules=rules), Outgoing(domain)).rule == rule


@pytest.mark.parametrize(
    ("message", "rule"),
    [
        (Outgoing("a.gov.uk", NextHop("relay.example", 587)), "relay"),
        (Outgoing("a.gov.uk", NextHop("relay.example", 25)), None),
        (Outgoing("relay.example"), None),
    ],
)
def test_a_fixed_next_hop_decides_by_host_and_port_alone(message: Outgoing, rule: str | None) -> None:
    assert decide_outbound(make_policy(outbound_rules=RULES), message).rule == rule


@pytest.mark.parametrize(("port", "rule"), [(587, "relay"), (25, None)])
@pytest.mark.parametrize("message", [Outgoing("a.gov.uk"), Outgoing("other.example", NextHop("elsewhere.example", 25))])
def test_a_smarthost_is_the_receiving_host_of_every_message(message: Outgoing, port: int, rule: str | None) -> None:
    policy = make_policy(outbound_smarthost=NextHop("relay.example", port), outbound_rules=RULES[4:])
    assert decide_outbound(policy, message).rule == rule


@given(st.lists(st.sampled_from(["a.gov.uk", "b.gov.uk", "gov.uk", "police.uk", "uk", "other.example"])), st.booleans())
def test_many_messages_are_decided_as_each_of_them(domains: list[str], with_hop: bool) -> None:  # noqa: FBT001
    policy = make_policy(outbound_rules=RULES)
    decide_each = outbound_law(policy)
    messages = [Outgoing(domain, NextHop("relay.example", 587) if with_hop else None) for domain in domains]
    assert [decide_each(message) for message in messages] == [decide_outbound(policy, message) for message in messages]


def test_without_a_rule_the_default_decides() -> None:
    decision = decide_outbound(
        make_policy(outbound_tls=Level.REQUIRED, outbound_verify=Verify.DANE, outbound_rules=()), Outgoing("a.example")
    )
    assert (decision.rule, decision.tls, decision.verify, decision.parameters) == (None, Level.REQUIRED, Verify.DANE, PARAMETERS)


LOWER = PARAMETERS._replace(minimum_version=Version.TLSv1_0)


@pytest.mark.parametrize(
    ("level", "own", "floor"),
    [
        (Level.REQUIRED, None, Version.TLSv1_2),
        (Level.OPPORTUNISTIC, None, Version.TLSv1_0),
        (Level.REQUIRED, Version.TLSv1_3, Version.TLSv1_3),
        (Level.OPPORTUNISTIC, Version.TLSv1_1, Version.TLSv1_1),
    ],
)
def test_each_level_has_its_floor_and_a_rules_own_takes_its_place(level: Level, own: Version | None, floor: Version) -> None:
    assert in_force(make_policy(opportunistic=LOWER), level, own).minimum_version is floor


def test_a_session_that_tlsa_records_make_mandatory_uses_the_floor_of_required_tls() -> None:
    policy = make_policy(outbound_verify=Verify.DANE, outbound_rules=(), opportunistic=LOWER._replace(cipher_suites=tuple(suites())))
    decision = decide(policy, Outgoing("a.example"))
    old = GOOD._replace(versions=frozenset({Version.TLSv1_1}))
    assert outcome(decision, old) is Outcome.TLS
    assert [outcome(decision, old._replace(tlsa=tlsa)) for tlsa in (Tlsa.MATCHING, Tlsa.UNUSABLE)] == [Outcome.HELD, Outcome.HELD]


@pytest.mark.parametrize(
    ("version", "suite", "agree"),
    [
        (Version.TLSv1_3, "TLS_AES_256_GCM_SHA384", True),
        (Version.TLSv1_3, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", False),
        (Version.TLSv1_2, "TLS_AES_256_GCM_SHA384", False),
        (Version.TLSv1_2, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", True),
        (Version.TLSv1_1, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", False),
        (Version.TLSv1_1, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", True),
    ],
)
def test_a_suite_is_agreed_on_only_in_the_versions_that_have_it(version: Version, suite: str, agree: bool) -> None:  # noqa: FBT001
    everything = PARAMETERS._replace(minimum_version=Version.TLSv1_0, cipher_suites=tuple(suites()))
    assert can_agree(everything, Peer(versions=frozenset({version}), cipher_suites=frozenset({suite}))) is agree


# --- inbound: every rule that matches --------------------------------------------------------------------------------

MANY = (
    InboundRule("wide", senders=("*.bank.example",)),
    InboundRule("narrow", senders=("a.bank.example",), on_plaintext=OnPlaintext.DEFER),
    InboundRule("link", clients=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")), minimum_version=Version.TLSv1_3),
)


@pytest.mark.parametrize(
    ("sender", "client", "rules"),
    [
        ("a.bank.example", "198.51.100.1", ["wide", "narrow"]),
        ("b.bank.example", "198.51.100.1", ["wide"]),
        ("bank.example", "198.51.100.1", []),
        ("a.bank.example", "192.0.2.9", ["wide", "narrow", "link"]),
        ("other.example", "2001:db8::7", ["link"]),
        (None, "198.51.100.1", []),
        (None, "192.0.2.9", ["link"]),
    ],
)
def test_every_rule_that_matches_counts_and_the_null_sender_matches_none(sender: str | None, client: str, rules: list[str]) -> None:
    decision = decide_inbound(inbound(inbound_rules=MANY), Incoming(sender, ip_address(client)))
    assert [rule.name for rule in decision.rules] == rules


@pytest.mark.parametrize(
    ("client", "peer", "seen"),
    [
        ("198.51.100.1", Peer(starttls=False), Outcome.REFUSED),  # one rejects, one defers
        ("192.0.2.9", GOOD._replace(versions=frozenset({Version.TLSv1_2})), Outcome.REFUSED),  # the highest floor counts
        ("192.0.2.9", GOOD, Outcome.ACCEPTED),
    ],
)
def test_a_message_must_satisfy_all_of_its_rules(client: str, peer: Peer, seen: Outcome) -> None:
    assert outcome(decide(inbound(inbound_rules=MANY), Incoming("a.bank.example", ip_address(client))), peer) is seen


# --- as strong as ----------------------------------------------------------------------------------------------------

FEWER = PARAMETERS._replace(cipher_suites=SUITES[:2])
NEWER = PARAMETERS._replace(minimum_version=Version.TLSv1_3)


def terms_of(tls: str, verify: str = "none", mx: tuple[str, ...] = (), **parameters: Any) -> Any:
    policy = make_policy(**{"required": PARAMETERS, "opportunistic": PARAMETERS, **parameters})
    return outbound_decision(policy, OutboundRule("a", Level(tls), Verify(verify), mx=mx, domains=("a.example",)))


@pytest.mark.parametrize(
    ("one", "other", "strong"),
    [
        (terms_of("required"), terms_of("required"), True),
        (terms_of("required"), terms_of("opportunistic"), True),
        (terms_of("opportunistic"), terms_of("required"), False),
        (terms_of("opportunistic"), terms_of("none"), True),
        (terms_of("none"), terms_of("opportunistic"), False),
        (terms_of("required", "hostname"), terms_of("required"), True),
        (terms_of("required"), terms_of("required", "hostname"), False),
        (terms_of("required", "dane"), terms_of("required", "hostname"), False),
        (terms_of("required", "hostname"), terms_of("required", "dane"), False),
        (terms_of("required", "dane"), terms_of("opportunistic", "dane"), True),
        (terms_of("required", "hostname", ("mx.example",)), terms_of("required", "hostname"), True),
        (terms_of("required", "hostname"), terms_of("required", "hostname", ("mx.example",)), False),
        (terms_of("required", required=NEWER), terms_of("required"), True),
        (terms_of("required"), terms_of("required", required=NEWER), False),
        (terms_of("required", required=FEWER), terms_of("required"), True),
        (terms_of("required"), terms_of("required", required=FEWER), False),
        (terms_of("required"), terms_of("none", opportunistic=NEWER), True),
        (terms_of("required"), terms_of("opportunistic", opportunistic=NEWER), False),
        (terms_of("opportunistic", opportunistic=NEWER), terms_of("opportunistic"), False),  # TLS 1.2 would become clear text
        (terms_of("opportunistic", opportunistic=FEWER), terms_of("opportunistic"), False),
    ],
)
def test_terms_are_as_strong_where_all_that_the_others_demand_is_demanded(one: Any, other: Any, strong: bool) -> None:  # noqa: FBT001
    assert at_least_as_strong(one, other) is strong


STRENGTH = [Outcome.CLEAR, Outcome.TLS, Outcome.HELD]
DECISIONS = st.builds(
    lambda pair, own, required, opportunistic: outbound_decision(
        make_policy(required=required, opportunistic=opportunistic), OutboundRule("a", pair[0], pair[1], own, domains=("a.example",))
    ),
    st.sampled_from([terms(column) for column in rows(OUTBOUND)["self-signed"]]),
    st.sampled_from([None, *Version]),
    st.sampled_from([PARAMETERS, FEWER, NEWER, LOWER]),
    st.sampled_from([PARAMETERS, FEWER, NEWER, LOWER]),
)
PEERS = st.builds(
    Peer,
    starttls=st.booleans(),
    handshake_fails=st.booleans(),
    versions=st.frozensets(st.sampled_from(list(Version))),
    cipher_suites=st.frozensets(st.sampled_from([*SUITES, "TLS_RSA_WITH_AES_128_CBC_SHA"])),
    certificate=st.sampled_from(list(Certificate)),
    tlsa=st.sampled_from(list(Tlsa)),
)


@settings(max_examples=1000)
@given(DECISIONS, DECISIONS, PEERS)
def test_where_terms_are_as_strong_no_peer_gets_anything_weaker(one: Any, other: Any, peer: Peer) -> None:
    if at_least_as_strong(one, other):
        assert STRENGTH.index(outcome(one, peer)) >= STRENGTH.index(outcome(other, peer))


@given(DECISIONS, PEERS)
def test_nothing_goes_in_clear_where_tls_is_required_and_no_session_breaks_its_terms(decision: Any, peer: Peer) -> None:
    seen = outcome(decision, peer)
    if decision.tls is Level.REQUIRED:
        assert seen is not Outcome.CLEAR
    if seen is Outcome.TLS:
        assert can_agree(decision.parameters, peer) or can_agree(decision.authenticated, peer)
