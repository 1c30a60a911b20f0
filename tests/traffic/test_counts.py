"""What passages add up to, and what goes against a profile."""

from __future__ import annotations

import time

import pytest

from tests.policies import make_policy
from tlsconf.policy import InboundRule, Level
from tlsconf.tls import Version
from tlsconf.traffic.counts import CLEAR, OTHERS, UNKNOWN, Counts, Day, Key, count
from tlsconf.traffic.evidence import Failure, Passage, Proof, Session
from tlsconf.traffic.judge import Judge
from tlsconf.traffic.memory import Memory
from tlsconf.traffic.once import Once

NOON = time.mktime((2026, 11, 23, 12, 0, 0, 0, 0, -1))
AES256 = "TLS_AES_256_GCM_SHA384"
TLS13 = Session(Version.TLSv1_3, AES256, AES256, 256, None, Proof.VERIFIED)
TLS12 = Session(Version.TLSv1_2, "X-Y-Z", None, 128, None, Proof.UNTRUSTED)


def passage(domain: str | None = "x.example", session: Session | None = TLS13, result: str = "delivered", **more: object) -> Passage:
    values = {"when": NOON, "server": "mx", "sent": True, "host": "h", "address": "198.51.100.1", "port": 25, "queue_id": "1"}
    return Passage(**{**values, "domain": domain, "session": session, "result": result, **more})  # type: ignore[arg-type]


def test_rows() -> None:
    counts = count(
        [
            passage(),
            passage(session=TLS12, when=NOON + 5),
            passage(session=None, failure=Failure.HANDSHAKE),
            passage(session=Session(), when=NOON - 5),
            passage(session=None, result="deferred", failure=Failure.NOT_OFFERED, when=NOON + 9),
            passage(result="bounced"),
            passage(sent=False),
        ]
    )
    row = counts.rows[Key("x.example", sent=True)]
    assert (row.messages, row.tls, row.clear, row.share) == (4, 3, 1, 0.75)
    assert row.versions == {"TLSv1.3": 1, "TLSv1.2": 1, CLEAR: 1, UNKNOWN: 1}
    assert row.ciphers == {AES256: 1, "X-Y-Z": 1, UNKNOWN: 1}
    assert row.proofs == {Proof.VERIFIED: 1, Proof.UNTRUSTED: 1, Proof.UNKNOWN: 1}
    assert row.failures == {Failure.HANDSHAKE: 1, Failure.NOT_OFFERED: 1}
    assert (row.deferred, row.bounced, row.refused) == (1, 1, 0)
    assert (row.first, row.last) == (NOON - 5, NOON + 9)
    assert counts.rows[Key("x.example", sent=False)].messages == 1
    assert counts.total(sent=True).versions == row.versions


def test_days() -> None:
    counts = count([passage(), passage(when=NOON + 86400, session=None), passage(when=NOON - 43200), passage(result="deferred")])
    assert counts.days == {
        Day("2026-11-23", sent=True): {"TLSv1.3": 2},
        Day("2026-11-24", sent=True): {CLEAR: 1},
    }


def test_domains_beyond_the_limit_share_a_row() -> None:
    counts = Counts(most_domains=2)
    for number in range(10):
        counts.add(passage(f"{number}.example"))
        counts.add(passage("0.example"))
    assert {key.domain: row.messages for key, row in counts.rows.items()} == {"0.example": 11, "1.example": 1, OTHERS: 8}


def test_ciphers_beyond_the_limit_share_a_name() -> None:
    row = count(passage(session=Session(None, f"made-up-{number}")) for number in range(1000)).rows[Key("x.example", sent=True)]
    assert len(row.ciphers) < 50
    assert sum(row.ciphers.values()) == row.messages == 1000


@pytest.mark.parametrize(
    ("what", "rule", "used"),
    [
        (passage("a.gov.uk", None), "central", "clear text"),
        (passage("bank.example", TLS12), "modern", "TLSv1.2"),
        (passage("a.gov.uk", Session(Version.TLSv1_3, "x", "TLS_AES_128_CCM_SHA256")), "central", "TLS_AES_128_CCM_SHA256"),
        (passage("z.example", None, host="relay2.lab.example", port=587), "lab-relay", "clear text"),
        (passage("bank.example", None, sent=False), "bank", "clear text"),
        (passage("z.example", None, sent=False, address="192.0.2.7"), "site-link", "clear text"),
        (passage("z.example", None, sent=False, address="IPv6:2001:db8::7"), "site-link", "clear text"),
        (passage("z.example", None, sent=False, address="::ffff:192.0.2.7"), "site-link", "clear text"),
    ],
)
def test_what_goes_against_a_rule(what: Passage, rule: str, used: str) -> None:
    counts = count([what], Judge(make_policy()))
    assert [(breach.passage, breach.rule, breach.what) for breach in counts.breaches] == [(what, rule, used)]
    assert [row.breaches for row in counts.rows.values()] == [1]


@pytest.mark.parametrize(
    "what",
    [
        passage("a.gov.uk"),
        passage("a.gov.uk", Session()),
        passage("bank.example", TLS13),
        passage("a.gov.uk", None, "deferred"),
        passage("z.example", None),
        passage(None, None),
        passage("z.example", None, host="relay2.lab.example", port=25),
        passage("a.gov.uk", None, address="127.0.0.1"),
        passage("bank.example", None, sent=False, address="127.0.0.1"),
        passage("bank.example", None, "refused", sent=False),
        passage("z.example", None, sent=False, address="unknown"),
    ],
)
def test_what_goes_against_none(what: Passage) -> None:
    assert count([what], Judge(make_policy())).breaches == []


@pytest.mark.parametrize(
    ("own_floor", "used", "breaches"),
    [
        (Version.TLSv1_3, Version.TLSv1_2, 1),
        (Version.TLSv1_3, Version.TLSv1_3, 0),
        (Version.TLSv1_0, Version.TLSv1_1, 1),  # a rule does not lower what the listener has
        (None, Version.TLSv1_1, 1),
        (None, Version.TLSv1_2, 0),
    ],
)
def test_the_strictest_floor_of_what_applies_to_received_mail(own_floor: Version | None, used: Version, breaches: int) -> None:
    judge = Judge(make_policy(inbound_rules=(InboundRule("bank", ("bank.example",), minimum_version=own_floor),)))
    found = count([passage("bank.example", Session(used), sent=False)], judge).breaches
    assert [(each.rule, each.what) for each in found] == [("bank", str(used))] * breaches


def test_an_exempt_client_owes_nothing_to_the_default() -> None:
    judge = Judge(make_policy(inbound_tls=Level.REQUIRED))
    assert count([passage("z.example", None, sent=False, address="127.0.0.1")], judge).breaches == []


def test_the_default_may_require_tls() -> None:
    judge = Judge(make_policy(outbound_tls=Level.REQUIRED, inbound_tls=Level.REQUIRED))
    counts = count([passage("z.example", None), passage("z.example", None, sent=False)] * 30, judge)
    assert {breach.rule for breach in counts.breaches} == {None}
    assert len(counts.breaches) == 20
    assert sum(row.breaches for row in counts.rows.values()) == 60


def test_memory_is_bounded_and_forgets_the_least_recently_used() -> None:
    memory: Memory[int, str] = Memory(100)
    memory.put(-1, "used")
    for number in range(10_000):
        memory.put(number, "x")
        assert memory.get(-1) == "used"
    assert sum(memory.get(number) is not None for number in range(10_000)) <= 200
    assert memory.get(9_999) == "x"
    memory.drop(9_999)
    assert memory.get(9_999) is None


def test_one_message_is_delivered_once_and_tried_now_and_then() -> None:
    once = Once()
    assert [once.is_new(passage(when=NOON + later)) for later in (0, 5, 5000)] == [True, False, False]
    tried = [once.is_new(passage(result="deferred", when=NOON + later)) for later in (0, 5, 5000)]
    assert tried == [True, False, True]
    assert once.is_new(passage(queue_id="2"))
    once.forget("mx", "1")
    assert once.is_new(passage())
