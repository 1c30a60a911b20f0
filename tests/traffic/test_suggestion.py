"""Which rules the evidence bears: never from little of it, never weaker than what there is, and none that would have held mail."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.policies import make_policy
from tests.traffic.mail import mail, passage, session
from tlsconf.policy import Level, NextHop, OutboundRule, Verify
from tlsconf.tls import Version
from tlsconf.traffic.evidence import Failure, Proof
from tlsconf.traffic.ledger import ledger
from tlsconf.traffic.simulation import simulate
from tlsconf.traffic.suggestion import Thresholds, suggest, with_rules

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.policy import Policy
    from tlsconf.traffic.evidence import Passage
    from tlsconf.traffic.suggestion import Suggestions

PROVEN = session(proof=Proof.VERIFIED)
TRUSTED = session()
POLICY = make_policy(outbound_rules=(OutboundRule("soft", Level.OPPORTUNISTIC, Verify.NONE, domains=("soft.example", "*.soft.example")),))


def suggested(found: Sequence[Passage], policy: Policy = POLICY, **more: object) -> Suggestions:
    return suggest(policy, ledger(policy, [*found, passage("other.example", TRUSTED)]), **more)  # type: ignore[arg-type]


def patterns(found: Suggestions) -> dict[str, str]:
    return {rule.pattern: str(rule.verify) for rule in found.rules}


def test_a_domain_that_was_always_proven_may_be_required_to_be() -> None:
    found = suggested(mail("x.example", PROVEN, messages=25, days=8))
    (rule,) = found.rules
    assert (rule.name, rule.pattern, rule.verify, rule.domains) == ("to-x-example", "x.example", Verify.HOSTNAME, ("x.example",))
    assert (rule.evidence.sums.messages, rule.evidence.sums.days.bit_count()) == (25, 8)
    assert rule.evidence.used == {"TLSv1.3": 25}
    assert rule.evidence.proofs == {Proof.VERIFIED: 25}
    assert found.thin == ("other.example",)


@pytest.mark.parametrize("proof", [Proof.TRUSTED, Proof.UNTRUSTED, Proof.ANONYMOUS, Proof.UNKNOWN])
def test_once_not_proven_is_not_proven(proof: Proof) -> None:
    found = suggested([*mail("x.example", PROVEN), passage("x.example", session(proof=proof))])
    assert patterns(found) == {"x.example": "none"}


def test_no_name_is_asked_for_without_trust_anchors() -> None:
    assert patterns(suggested(mail("x.example", PROVEN), POLICY._replace(outbound=POLICY.outbound._replace(trust_anchors=None)))) == {
        "x.example": "none"
    }


@pytest.mark.parametrize(
    "spoilt",
    [
        passage("x.example"),
        passage("x.example", failure=Failure.HANDSHAKE),
        passage("x.example", result="deferred", failure=Failure.NOT_OFFERED),
        passage("x.example", result="bounced", failure=Failure.HANDSHAKE),
        passage("x.example", TRUSTED, result="deferred", failure=Failure.CERTIFICATE),
        passage("x.example", TRUSTED, result="deferred", failure=Failure.DANE),
    ],
)
def test_a_domain_that_once_failed_is_not_suggested(spoilt: Passage) -> None:
    found = suggested([*mail("x.example", PROVEN, messages=500, days=30), spoilt])
    assert found == suggested([])


@pytest.mark.parametrize(
    "weak",
    [
        session(Version.TLSv1_1),
        session(Version.TLSv1_2, suite="TLS_RSA_WITH_AES_128_CBC_SHA"),
        session(None),
        session(Version.TLSv1_2, suite=None),
    ],
)
def test_what_required_tls_might_not_take_is_not_suggested(weak: object) -> None:
    found = suggested([*mail("x.example", PROVEN), passage("x.example", weak)])  # type: ignore[arg-type]
    assert (found.rules, found.too_weak) == ((), ("x.example",))


@pytest.mark.parametrize(("messages", "days"), [(19, 7), (500, 6), (1, 1)])
def test_little_evidence_is_none(messages: int, days: int) -> None:
    found = suggested(mail("x.example", PROVEN, messages=messages, days=days))
    assert found.rules == ()
    assert "x.example" in found.thin


def test_what_is_enough_can_be_said() -> None:
    found = suggested(mail("x.example", PROVEN, messages=3, days=2), wanted=Thresholds(3, 2))
    assert patterns(found) == {"x.example": "hostname"}


def test_what_was_not_delivered_for_another_reason_does_not_count() -> None:
    assert suggested([*mail("x.example", PROVEN, result="deferred"), *mail("x.example", PROVEN, messages=3)]).rules == ()


def test_what_a_rule_says_stays_said() -> None:
    found = suggested([*mail("soft.example", PROVEN), *mail("a.soft.example", PROVEN)])
    assert found.rules == ()
    assert set(found.ruled) == {("soft.example", "soft"), ("a.soft.example", "soft")}


def test_what_is_required_already_is_not_suggested() -> None:
    strict = make_policy(outbound_rules=(OutboundRule("strict", Level.REQUIRED, Verify.NONE, domains=("*.example",)),))
    assert suggested(mail("x.example", PROVEN), strict) == suggested([], strict)
    everything = make_policy(outbound_tls=Level.REQUIRED, outbound_rules=())
    assert suggested(mail("x.example", PROVEN), everything) == suggested([], everything)


def test_dane_is_not_given_up_for_a_rule() -> None:
    found = suggested(mail("x.example", PROVEN), make_policy(outbound_verify=Verify.DANE, outbound_rules=()))
    assert (found.rules, found.set_aside) == ((), ("x.example",))


def test_a_smarthost_leaves_no_rules_by_domain() -> None:
    relay = NextHop("relay.example", 25)
    assert suggested(mail("x.example", PROVEN), make_policy(outbound_smarthost=relay, outbound_rules=())).rules == ()


def test_what_a_fixed_next_hop_does_says_nothing_of_the_domain() -> None:
    rule = OutboundRule("relay", Level.OPPORTUNISTIC, Verify.NONE, next_hops=(NextHop("relay.example", 25),))
    found = suggested(mail("x.example", PROVEN, host="relay.example"), make_policy(outbound_rules=(rule,)))
    assert found.rules == ()


def test_several_domains_below_one_that_has_mail_itself_stand_for_all() -> None:
    below = [item for name in ("a", "b", "d.c") for item in mail(f"{name}.x.example", PROVEN)]
    found = suggested([*below, *mail("x.example", TRUSTED), passage("rare.x.example", PROVEN)])
    assert patterns(found) == {"x.example": "none", "*.x.example": "hostname"}
    tree = next(rule for rule in found.rules if rule.pattern == "*.x.example")
    assert (tree.name, tree.evidence.sums.messages) == ("below-x-example", 61)
    assert tree.domains == ("a.x.example", "b.x.example", "d.c.x.example", "rare.x.example")


def test_a_rule_that_proves_more_stays_beside_the_one_for_all() -> None:
    below = [*mail("a.x.example", PROVEN), *mail("b.x.example", TRUSTED), *mail("c.x.example", TRUSTED)]
    found = suggested([*below, *mail("x.example", TRUSTED)])
    assert patterns(found) == {"x.example": "none", "*.x.example": "none", "a.x.example": "hostname"}


@pytest.mark.parametrize(
    "spoilt",
    [
        passage("rare.x.example"),
        passage("rare.x.example", result="deferred", failure=Failure.NOT_OFFERED),
        passage("rare.x.example", TRUSTED, result="deferred", failure=Failure.CERTIFICATE),
        passage("y.rare.x.example", session(Version.TLSv1_0)),
    ],
)
def test_one_that_went_without_speaks_against_all(spoilt: Passage) -> None:
    names = ("a.x.example", "b.x.example", "c.x.example", "x.example")
    found = suggested([*(item for name in names for item in mail(name, PROVEN)), spoilt])
    assert patterns(found) == dict.fromkeys(sorted(names), "hostname")


def test_two_domains_are_not_several() -> None:
    names = ("a.x.example", "b.x.example", "x.example")
    assert "*.x.example" not in patterns(suggested([item for name in names for item in mail(name, PROVEN)]))


def test_where_anybody_may_register_is_not_suggested_as_one() -> None:
    names = ("a.co.example", "b.co.example", "c.co.example")
    found = suggested([item for name in names for item in mail(name, PROVEN)])
    assert patterns(found) == dict.fromkeys(names, "hostname")
    assert found.doubtful == ("co.example",)


def test_a_top_level_domain_is_nobodys() -> None:
    names = ("a.test", "b.test", "c.test", "test")
    assert "*.test" not in patterns(suggested([item for name in names for item in mail(name, PROVEN)]))


def test_names_are_new_and_fit() -> None:
    long = ".".join(["a" * 40, "b" * 40, "example"])
    found = suggested(
        [*mail("x.example", PROVEN), *mail("x-example", PROVEN), *mail(long, PROVEN), *mail(f"c.{long}", PROVEN), *mail("no", PROVEN)],
        taken={"to-x-example", "to-x-example-2"},
    )
    names = [rule.name for rule in found.rules]
    assert {"to-x-example-3", "to-x-example-4", "to-no"} <= set(names)
    assert len(set(names)) == 5
    assert max(map(len, names)) <= 64


@pytest.mark.parametrize("name", ["x_y.example", "a b", "x.example\n- name: evil", "münchen.example", "1.2.3.4", "*.x.example", "", "a..b"])
def test_a_name_that_no_profile_can_hold_is_not_suggested(name: str) -> None:
    assert suggested(mail(name, PROVEN)) == suggested([])


def test_no_domain_is_no_domain() -> None:
    assert suggested(mail(None, PROVEN)) == suggested([])


SESSIONS = st.sampled_from([None, PROVEN, TRUSTED, session(Version.TLSv1_2), session(Version.TLSv1_0), session(None)])
PASSAGES = st.builds(
    passage,
    st.sampled_from(["x.example", "a.x.example", "b.x.example", "c.x.example", "soft.example", "y.test"]),
    SESSIONS,
    st.integers(0, 4),
    failure=st.sampled_from([None, None, None, *Failure]),
    result=st.sampled_from(["delivered", "delivered", "delivered", "deferred", "bounced"]),
)


@given(st.lists(PASSAGES, max_size=30), st.sampled_from(["none", "opportunistic"]), st.sampled_from([Verify.NONE, Verify.DANE]))
def test_no_suggested_rule_would_have_held_or_weakened_anything(found: list[Passage], tls: str, verify: Verify) -> None:
    verify = Verify.NONE if tls == "none" else verify
    policy = make_policy(outbound_tls=Level(tls), outbound_verify=verify, outbound_rules=POLICY.outbound.rules)
    seen = ledger(policy, found)
    rules = suggest(policy, seen, wanted=Thresholds(2, 1)).rules
    names = {rule.name for rule in rules}
    before, after = simulate(policy, seen), simulate(with_rules(policy, rules), seen)
    for effect in after.effects:
        if effect.rule in names:
            assert effect.outcomes == {"TLS"}
        else:
            assert effect in before.effects or any(
                item.domain == effect.domain and item.outcomes == effect.outcomes for item in before.effects
            )
