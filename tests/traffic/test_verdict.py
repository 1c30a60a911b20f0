"""A hop held against a profile: kept, broken, or not to be told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.samples import SERVER, policy
from tlsconf.traffic.received import hop_of
from tlsconf.traffic.verdict import Answer, Verdict, verdict_of

if TYPE_CHECKING:
    from pathlib import Path

    from tlsconf.policy import Policy

WHOLE = "tlsconf: 1\nname: sample\nplatform: debian-12\ntargets: [postfix]\n" + SERVER + "tls: {minimum_version: TLSv1.2}\n"
BANK = "inbound: {rules: [{name: bank, senders: [bank.example], tls: required, minimum_version: TLSv1.3}]}\n"
SITE = "inbound: {exempt_clients: [198.51.100.9], rules: [{name: site, clients: [198.51.100.0/24], tls: required}]}\n"
NEW = "esmtps (TLS1.3:TLS_AES_256_GCM_SHA384:256)"
MIDDLE = "esmtps (TLS1.2:ECDHE-RSA-AES256-GCM-SHA384:256)"
OLD = "esmtps (TLS1.0:ECDHE-RSA-AES256-SHA:256)"
WEAK = "esmtps (TLS1.2:RC4-SHA:128)"
ODD = "esmtps (TLS1.2:SOMETHING:128)"


def told(
    of: Policy,
    protocol: str,
    *,
    sender: str | None = "a@one.example",
    address: str = "[198.51.100.1]",
    to: str = "u@two.example",
    own: bool = False,
) -> Verdict:
    found = verdict_of(of, hop_of(f"from h (h {address}) by mx.example.com with {protocol} id 1 for <{to}>; x"), sender, from_own=own)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("protocol", "answer"),
    [
        ("ESMTP", Answer.KEPT),
        (NEW, Answer.KEPT),
        (MIDDLE, Answer.KEPT),
        (OLD, Answer.BROKEN),
        (WEAK, Answer.BROKEN),
        (ODD, Answer.UNCLEAR),
        ("ESMTPS", Answer.UNCLEAR),
        ("ESMTPS (version=TLSv1/SSLv3 cipher=ECDHE-RSA-AES256-GCM-SHA384 bits=256)", Answer.KEPT),  # such a suite is of TLS 1.2
        ("ESMTPS (version=TLSv1/SSLv3 cipher=ECDHE-RSA-AES256-SHA bits=256)", Answer.BROKEN),
        ("ESMTPS (version=SSLv3 cipher=RC4-SHA bits=128)", Answer.BROKEN),
    ],
)
def test_a_listener_that_requires_nothing_has_a_floor(tmp_path: Path, protocol: str, answer: Answer) -> None:
    verdict = told(policy(tmp_path, WHOLE), protocol)
    assert (verdict.answer, verdict.rules) == (answer, ())


def test_clear_text_where_all_mail_must_use_tls(tmp_path: Path) -> None:
    verdict = told(policy(tmp_path, WHOLE + "inbound: {tls: required}\n"), "ESMTP")
    assert verdict == Verdict(Answer.BROKEN, "the profile requires TLS, and none was seen")


@pytest.mark.parametrize(
    ("sender", "protocol", "answer"),
    [
        ("a@bank.example", "ESMTP", Answer.BROKEN),
        ("a@BANK.example.", "SMTP", Answer.BROKEN),
        ("a@bank.example", MIDDLE, Answer.BROKEN),
        ("a@bank.example", NEW, Answer.KEPT),
        ("a@other.example", "ESMTP", Answer.KEPT),
        ("", "ESMTP", Answer.KEPT),
        ("a@[192.0.2.1]", "ESMTP", Answer.KEPT),
        (None, "ESMTP", Answer.UNCLEAR),
        ("a@not a domain", "ESMTP", Answer.UNCLEAR),
        (None, MIDDLE, Answer.UNCLEAR),
        (None, NEW, Answer.KEPT),  # whoever sent it
    ],
)
def test_rules_for_senders(tmp_path: Path, sender: str | None, protocol: str, answer: Answer) -> None:
    verdict = told(policy(tmp_path, WHOLE + BANK), protocol, sender=sender)
    assert verdict.answer is answer
    assert verdict.rules == (("bank",) if sender and "bank" in sender.lower() else ())


def test_the_sender_in_the_header_itself_comes_first(tmp_path: Path) -> None:
    verdict = told(policy(tmp_path, WHOLE + BANK), "ESMTP (envelope-from <a@bank.example>)")
    assert verdict == Verdict(Answer.BROKEN, "the rule bank requires TLS, and none was seen", ("bank",))


def test_what_no_rule_allows_is_the_profiles_word(tmp_path: Path) -> None:
    verdict = told(policy(tmp_path, WHOLE + BANK), OLD, sender="a@bank.example")
    assert verdict.message == "the profile does not allow TLSv1.0 with TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"
    assert verdict.rules == ("bank",)


@pytest.mark.parametrize(
    ("address", "protocol", "answer"),
    [
        ("[198.51.100.1]", "ESMTP", Answer.BROKEN),
        ("[198.51.100.1]", MIDDLE, Answer.KEPT),
        ("[203.0.113.1]", "ESMTP", Answer.KEPT),
        ("[198.51.100.9]", "ESMTP", Answer.KEPT),  # exempt
        ("[198.51.100.9]", "ESMTPS", Answer.UNCLEAR),  # not from the listener's floor
        ("[198.51.100.9]", OLD, Answer.BROKEN),
        ("", "ESMTP", Answer.UNCLEAR),
        ("", MIDDLE, Answer.KEPT),
    ],
)
def test_rules_for_clients(tmp_path: Path, address: str, protocol: str, answer: Answer) -> None:
    assert told(policy(tmp_path, WHOLE + SITE), protocol, address=address).answer is answer


def test_an_unknown_client_may_be_exempt(tmp_path: Path) -> None:
    verdict = told(policy(tmp_path, WHOLE + "inbound: {tls: required, exempt_clients: [192.0.2.1]}\n"), "ESMTP", address="")
    assert verdict.answer is Answer.UNCLEAR


OUTBOUND = (
    WHOLE
    + "outbound: {trust_anchors: /etc/ssl/ca.crt, rules: [{name: two, domains: [two.example], tls: required, verify: hostname},"
    + " {name: dane, domains: [dane.example], tls: required, verify: dane},"
    + ' {name: fixed, next_hops: ["[mx.example.com]"], tls: opportunistic}]}\n'
)


def test_what_an_own_host_sent_has_the_rules_for_sending(tmp_path: Path) -> None:
    rules = OUTBOUND.replace("mx.example.com]", "other.example]")
    of = policy(tmp_path, rules)
    assert told(of, "ESMTP").answer is Answer.KEPT
    assert told(of, "ESMTP", own=True) == Verdict(Answer.BROKEN, "the rule two requires TLS, and none was seen", ("two",))
    assert told(of, NEW, own=True) == Verdict(Answer.KEPT, "as the profile says", ("two",))
    assert told(of, NEW, own=True, to="u@dane.example").answer is Answer.KEPT
    assert told(of, "ESMTP", own=True, to="u@dane.example").answer is Answer.BROKEN
    assert told(of, "ESMTP", own=True, to="u@other.example").answer is Answer.KEPT
    assert told(of, "ESMTP", own=True, address="[127.0.0.1]").answer is Answer.KEPT  # through a filter
    assert told(of, "ESMTP", own=True, to="").answer is Answer.UNCLEAR
    assert told(of, NEW, own=True, to="").answer is Answer.KEPT


def test_what_routed_a_message_is_not_in_its_header(tmp_path: Path) -> None:
    of = policy(tmp_path, OUTBOUND)
    assert told(of, "ESMTP", own=True).answer is Answer.UNCLEAR  # by the rule for its domain, or by the one for the next hop
    assert told(of, NEW, own=True).answer is Answer.KEPT


def test_all_mail_goes_to_a_smarthost(tmp_path: Path) -> None:
    text = 'outbound: {smarthost: "[mx.example.com]", rules: [{name: hub, next_hops: ["[mx.example.com]"], tls: required}]}\n'
    of = policy(tmp_path, WHOLE + text)
    assert told(of, "ESMTP", own=True, to="") == Verdict(Answer.BROKEN, "the rule hub requires TLS, and none was seen", ("hub",))
    other = policy(tmp_path, WHOLE + text.replace("mx.example.com", "hub.example.com"))
    assert told(other, "ESMTP", own=True).answer is Answer.UNCLEAR  # it went elsewhere, and why is not in the header
    assert told(other, NEW, own=True).answer is Answer.KEPT


def test_what_is_no_smtp_has_no_rules(tmp_path: Path) -> None:
    of = policy(tmp_path, WHOLE + "inbound: {tls: required}\n")
    assert verdict_of(of, hop_of("from h ([192.0.2.1]) by x with LMTP"), None, from_own=False) is None
    assert verdict_of(of, hop_of("from h ([192.0.2.1]) by x id 1"), None, from_own=True) == Verdict(
        Answer.UNCLEAR, "the header names no protocol"
    )
