"""What a policy would have done with mail: the law's answer where the log tells, and every possible one where it does not."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from tests.policies import make_policy
from tests.traffic.mail import A_DAY, FIRST, mail, passage, session
from tlsconf import law
from tlsconf.policy import InboundRule, Level, NextHop, OnPlaintext, OutboundRule, Verify
from tlsconf.tls import Version
from tlsconf.traffic.evidence import Failure, Proof
from tlsconf.traffic.ledger import Ability, Ledger, Seen, Subject, ledger
from tlsconf.traffic.simulation import outcome_name, possible, simulate

if TYPE_CHECKING:
    from tlsconf.policy import Policy
    from tlsconf.traffic.evidence import Passage

PROVEN = session(proof=Proof.VERIFIED)
TRUSTED = session()


def required(verify: Verify = Verify.NONE, floor: Version | None = None, **more: Any) -> Policy:
    rule = OutboundRule("strict", Level.REQUIRED, verify, floor, domains=("x.example",))
    return make_policy(outbound_rules=(rule._replace(**more),))


def outcomes(policy: Policy, *found: Passage) -> dict[str, int]:
    """Return what would have become of messages that were sent, beside one that shows that the server uses TLS 1.3."""
    total = simulate(policy, ledger(policy, [*found, passage("other.example", PROVEN)])).total(sent=found[0].sent)
    if found[0].sent:
        name = "TLS" if "TLS" in total else "TLS or held"
        total[name] -= 1
    return {name: number for name, number in total.items() if number}


@pytest.mark.parametrize(
    ("policy", "one", "outcome"),
    [
        (required(), passage("x.example", TRUSTED), "TLS"),
        (required(), passage("x.example"), "held"),
        (required(), passage("x.example", result="deferred", failure=Failure.NOT_OFFERED), "held"),
        (required(), passage("x.example", result="bounced", failure=Failure.NOT_OFFERED), "held"),
        (required(), passage("x.example", failure=Failure.HANDSHAKE), "held"),
        (required(), passage("x.example", session(Version.TLSv1_1)), "held"),  # its best: the server itself can do more
        (required(floor=Version.TLSv1_3), passage("x.example", session(Version.TLSv1_2)), "held"),
        (required(floor=Version.TLSv1_3), passage("x.example", session(Version.TLSv1_3)), "TLS"),
        (required(), passage("x.example", session(Version.TLSv1_2, suite="TLS_RSA_WITH_AES_128_CBC_SHA")), "TLS or held"),  # has it others?
        (required(), passage("x.example", session(Version.TLSv1_2, suite=None)), "TLS or held"),
        (required(), passage("x.example", session(None)), "TLS or held"),
        (required(Verify.HOSTNAME), passage("x.example", PROVEN), "TLS"),
        (required(Verify.HOSTNAME), passage("x.example", TRUSTED), "TLS or held"),  # a chain does not prove the name
        (required(Verify.HOSTNAME), passage("x.example", session(proof=Proof.UNTRUSTED)), "TLS or held"),  # other anchors may
        (required(Verify.HOSTNAME, mx=("*.y.example",)), passage("x.example", PROVEN), "TLS or held"),  # which name was proven
        (required(Verify.HOSTNAME), passage("x.example", TRUSTED, result="deferred", failure=Failure.CERTIFICATE), "held"),
        (required(), passage("x.example", TRUSTED, result="deferred", failure=Failure.CERTIFICATE), "TLS"),
        (required(), passage("x.example", result="deferred", failure=Failure.CERTIFICATE), "TLS or held"),
        (required(Verify.DANE), passage("x.example", PROVEN), "TLS or held"),
        (required(Verify.DANE), passage("x.example", TRUSTED, result="deferred", failure=Failure.DANE), "held"),
        (required(), passage("y.example"), "clear"),
        (required(), passage("y.example", session(Version.TLSv1_1)), "clear"),
        (required(), passage("y.example", result="deferred", failure=Failure.NOT_OFFERED), "clear"),
        (required(tls=Level.NONE), passage("x.example", PROVEN), "clear"),
        (make_policy(outbound_verify=Verify.DANE), passage("y.example", TRUSTED), "TLS or held"),
        (required(), passage("x.example", result="deferred", failure=Failure.REQUIRED_OF_CLIENT), "TLS or held"),
    ],
)
def test_what_is_sent(policy: Policy, one: Passage, outcome: str) -> None:
    assert outcomes(policy, one) == {outcome: 1}


BANK = InboundRule("bank", senders=("bank.example",), minimum_version=Version.TLSv1_3)
LINK = InboundRule("link", clients=(ip_network("192.0.2.0/24"),), on_plaintext=OnPlaintext.DEFER)


@pytest.mark.parametrize(
    ("one", "outcome"),
    [
        (passage("bank.example", TRUSTED, sent=False), "accepted"),
        (passage("bank.example", session(Version.TLSv1_2), sent=False), "refused"),
        (passage("bank.example", sent=False), "refused"),
        (passage("bank.example", sent=False, address="127.0.0.1"), "accepted"),  # exempt
        (passage("a.example", sent=False), "deferred"),  # by its address
        (passage(None, sent=False, address="198.51.100.1"), "accepted"),
        (passage("a.example", sent=False, address="::ffff:192.0.2.1"), "deferred"),
        (passage("a.example", sent=False, address="unknown"), "accepted"),
        (passage("bank.example", sent=False, result="refused", failure=Failure.REQUIRED_OF_CLIENT), "refused"),
        (passage("c.example", session(Version.TLSv1_0), sent=False, address="198.51.100.1"), "handshake refused"),
        (passage("c.example", session(None), sent=False, address="198.51.100.1"), "accepted or handshake refused"),
    ],
)
def test_what_is_received(one: Passage, outcome: str) -> None:
    policy = make_policy(inbound_rules=(BANK, LINK))
    found = simulate(policy, ledger(policy, [one, passage("z.example", TRUSTED, sent=False, address="203.0.113.1")]))
    assert [outcome_name(effect.outcomes) for effect in found.effects if effect.domain == one.domain] == [outcome]


def test_a_server_that_never_used_tls_does_not_tell_what_others_can() -> None:
    policy = required()
    found = simulate(policy, ledger(policy, [passage("x.example")]))
    assert found.total(sent=True) == {"TLS or held": 1}
    found = simulate(policy, ledger(policy, [passage("x.example"), passage("z.example", TRUSTED, server="mx2")]))
    assert found.total(sent=True) == {"TLS or held": 1, "TLS": 1}
    found = simulate(policy, ledger(policy, [passage("x.example"), passage("z.example", TRUSTED)]))
    assert found.total(sent=True) == {"held": 1, "TLS": 1}


def test_an_old_server_does_not_tell_what_others_can() -> None:
    policy = required()
    found = simulate(policy, ledger(policy, [passage("x.example", session(Version.TLSv1_1))]))
    assert found.total(sent=True) == {"TLS or held": 1}


def test_a_next_hop_decides_where_a_rule_names_it() -> None:
    hop = OutboundRule("relay", Level.REQUIRED, Verify.NONE, next_hops=(NextHop("relay.example", 587),))
    policy = make_policy(outbound_rules=(hop,))
    found = simulate(
        policy, ledger(policy, [passage("x.example", host="relay.example", port=587), passage("x.example", host="relay.example")])
    )
    assert {(effect.rule, outcome_name(effect.outcomes)) for effect in found.effects} == {("relay", "TLS or held"), (None, "TLS or clear")}


def test_effects_have_their_evidence() -> None:
    policy = required()
    found = simulate(
        policy,
        ledger(
            policy,
            [
                passage("x.example", TRUSTED),
                passage("x.example", day=1),
                passage("x.example", day=3, host="b.example"),
                passage("x.example", day=3, result="deferred", failure=Failure.NOT_OFFERED, host=None),
                passage("x.example", day=9, result="deferred"),  # no matter of TLS
            ],
        ),
    )
    held, passed = found.effects
    assert (held.rule, held.domain, held.is_stopped, held.is_known, held.sums.messages) == ("strict", "x.example", True, True, 3)
    assert (held.sums.first, held.sums.last, held.sums.days.bit_count()) == (FIRST + A_DAY, FIRST + 3 * A_DAY, 2)
    assert held.sums.hosts == ("mx.x.example", "b.example", "192.0.2.1")
    assert held.used == {"clear text": 2, "STARTTLS was not offered": 1}
    assert (passed.is_stopped, passed.used) == (False, {"TLSv1.3": 1})
    assert found.stopped == (held,)


def test_mail_that_loses_tls_is_told_from_mail_that_had_none() -> None:
    policy = required()
    effects = simulate(
        policy, ledger(policy, [passage("y.example", session(Version.TLSv1_0)), passage("z.example"), passage("a", TRUSTED)])
    ).effects
    assert {effect.domain: effect.loses_tls for effect in effects} == {"y.example": True, "z.example": False, "a": False}


def test_a_message_that_is_held_again_and_again_is_one() -> None:
    policy = required()
    held = passage("x.example", result="deferred", failure=Failure.NOT_OFFERED, queue_id="1")
    made = ledger(policy, [held, held._replace(when=FIRST + A_DAY), held._replace(queue_id="2"), held._replace(server="mx2")])
    assert simulate(policy, made).total(sent=True) == {"held": 3}


def test_a_handshake_without_a_message_is_no_message() -> None:
    policy = required()
    found = simulate(policy, ledger(policy, [passage(None, sent=False, result="refused", failure=Failure.HANDSHAKE)]))
    assert (found.effects, found.handshakes) == ((), 1)


def test_no_more_subjects_than_the_limit_are_kept() -> None:
    made = Ledger(required(), most_subjects=2)
    for name in ("a.example", "b.example", "c.example", "a.example", "d.example"):
        made.add(passage(name))
    assert {subject.domain for subject in made.seen} == {"a.example", "b.example"}
    assert made.beyond == 2


def test_no_more_servers_than_a_hundred_have_abilities() -> None:
    made = ledger(required(), [passage("a.example", TRUSTED, server=f"mx{number}") for number in range(150)])
    assert len(made.abilities) == 100
    assert sum(seen.server == "" for seen in made.seen[Subject(sent=True, domain="a.example")]) == 1


def test_days_out_of_order_are_never_counted_too_high() -> None:
    made = ledger(required(), [passage("a.example", TRUSTED, day=day) for day in (5, 6, 4, 3, 99_999, 999_999)])
    (sums,) = made.seen[Subject(sent=True, domain="a.example")].values()
    assert sums.days.bit_count() == 3  # the two before the first count with it, the two far away as one


def test_the_law_alone_says_what_a_known_host_gets() -> None:
    """Where everything is written down, what is possible is what the law says of that very host."""
    for policy in (required(), required(Verify.HOSTNAME), required(floor=Version.TLSv1_3), make_policy()):
        decision = law.decide_outbound(policy, law.Outgoing("x.example"))
        for version in Version:
            made = session(version, Proof.VERIFIED)
            peer = law.Peer(versions=frozenset({version}), cipher_suites=frozenset({made.suite or ""}))
            found = possible(decision, Seen("mx1", made, None), Ability(uses_tls=True, highest=Version.TLSv1_3))
            assert law.outcome(decision, peer) in found
            if version >= Version.TLSv1_3 or version < decision.parameters.minimum_version:
                assert found == {law.outcome(decision, peer)}


def test_much_mail_is_little_evidence() -> None:
    made = ledger(required(), mail("a.example", TRUSTED, messages=5_000, days=30))
    assert len(made.seen) == 1
    assert sum(map(len, made.seen.values())) == 1
