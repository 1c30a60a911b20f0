"""Outbound rules: who owns a pattern, which combinations mean something, and what a smarthost leaves of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.samples import HEAD, WHOLE, policy, wrong
from tlsconf.policy import Level, NextHop, OutboundRule, Verify
from tlsconf.resolve import resolve
from tlsconf.tls import Version

if TYPE_CHECKING:
    from pathlib import Path


def rules(*entries: str) -> str:
    return "outbound:\n  rules:\n" + "".join(f"    - {{{entry}}}\n" for entry in entries)


def owners(folder: Path, *texts: str) -> dict[Any, str]:
    """Return the rule of each pattern and next hop."""
    return {key: rule.name for rule in policy(folder, *texts).outbound.rules for key in (*rule.domains, *rule.next_hops)}


def test_a_rule_resolves_with_every_key(tmp_path: Path) -> None:
    text = WHOLE + "outbound:\n  verify: hostname\n  tls: required\n  rules:\n" + (
        "    - {name: a, domains: [b.example, B.example], tls: required, minimum_version: TLSv1.3, mx: [mx.b.example, MX.b.example]}\n"
        "    - {name: c, next_hops: ['[d.example]', '[d.example]:25', '[d.example]:26'], tls: opportunistic, verify: dane}\n"
    )  # fmt: skip
    assert policy(tmp_path, text).outbound.rules == (
        OutboundRule("a", Level.REQUIRED, Verify.HOSTNAME, Version.TLSv1_3, ("mx.b.example",), ("b.example",), ()),
        OutboundRule("c", Level.OPPORTUNISTIC, Verify.DANE, None, (), (), (NextHop("d.example", 25), NextHop("d.example", 26))),
    )


# --- what a rule must say --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("name: a, domains: [b.example]", "1.yaml:8:7: the rule `a` does not say `tls` (the key `tls`)"),
        ("name: a, tls: none", "1.yaml:8:7: the rule `a` does not say for whom it is (`domains` or `next_hops`)"),
        (
            "name: a, tls: none, domains: [b.example], next_hops: ['[c.example]']",
            "1.yaml:8:7: the rule `a` has `domains` and `next_hops` (`domains` or `next_hops`, never both)",
        ),
        ("name: a, tls: none, domains: []", "1.yaml:8:37: `domains` of the rule `a` is empty (at least one entry)"),
        ("name: a, tls: none, next_hops: {add: []}", "1.yaml:8:7: `next_hops` of the rule `a` is empty (at least one entry)"),
        ("name: a, remove: true", "1.yaml:8:14: no base has a rule `a` that could be removed (one of the base's rules: none)"),
        (
            "name: a, domains: [b.example], tls: required, mx: [c.example]",
            "1.yaml:8:54: `mx` of the rule `a` has no effect: nothing verifies the name (`verify: hostname` beside it)",
        ),
        (
            "name: a, domains: [b.example], tls: none, minimum_version: TLSv1.3",
            "1.yaml:8:67: `minimum_version` of the rule `a` has no effect: it uses no TLS (no floor here)",
        ),
    ],
)
def test_what_a_rule_lacks_or_says_in_vain(tmp_path: Path, entry: str, said: str) -> None:
    assert wrong(tmp_path, WHOLE + rules(entry)) == [said]


def test_what_was_left_out_as_wrong_is_not_missed_as_well(tmp_path: Path) -> None:
    text = WHOLE + rules("name: a, domains: 5, tls: reqired", "name: b, tls: none")
    assert [line.partition(" (")[0] for line in wrong(tmp_path, text)] == [
        "1.yaml:8:26: `5` does not fit `outbound.rules[0].domains`",
        "1.yaml:8:34: `reqired` does not fit `outbound.rules[0].tls`",
        "1.yaml:9:7: the rule `b` does not say for whom it is",
    ]


# --- combinations ----------------------------------------------------------------------------------------------------

COLUMNS = {
    ("none", "none"),
    ("opportunistic", "none"),
    ("opportunistic", "dane"),
    ("required", "none"),
    ("required", "hostname"),
    ("required", "dane"),
}
COMBINATIONS = [(tls, verify) for tls in Level for verify in Verify]


@pytest.mark.parametrize(("tls", "verify"), COMBINATIONS)
def test_a_combination_has_a_column_or_is_an_error(tmp_path: Path, tls: str, verify: str) -> None:
    as_rule = WHOLE + rules(f"name: a, domains: [b.example], tls: {tls}, verify: {verify}")
    as_default = f"{WHOLE}outbound: {{tls: {tls}, verify: {verify}}}\n"
    if (tls, verify) in COLUMNS:
        assert policy(tmp_path, as_rule).outbound.rules[0][1:3] == (tls, verify)
        assert policy(tmp_path, as_default).outbound[:2] == (tls, verify)
    else:
        end = f"joins `tls: {tls}` with `verify: {verify}`: nothing would follow from the verification (`verify: none`, or `tls: required`)"
        (said,) = wrong(tmp_path, as_rule)
        assert said.endswith(f"the rule `a` {end}")
        (said,) = wrong(tmp_path, as_default)
        assert said.endswith(f"the default of `outbound` {end}")


def test_an_inherited_verification_that_does_not_fit_is_told_as_such(tmp_path: Path) -> None:
    text = f"{WHOLE}outbound:\n  verify: dane\n  rules: [{{name: a, domains: [b.example], tls: none}}]\n"
    assert wrong(tmp_path, text) == [
        (
            "1.yaml:8:48: the rule `a` joins `tls: none` with `verify: dane` (its `verify` comes from `outbound`): "
            "nothing would follow from the verification (`verify: none`, or `tls: required`)"
        )
    ]


# --- who owns a pattern ----------------------------------------------------------------------------------------------

ONE = "name: one, tls: required, domains: [a.example, '*.b.example']"
TWO = "name: two, tls: none, domains: [A.EXAMPLE]"


def test_one_pattern_in_two_rules_of_a_file_is_an_error_that_names_both_places(tmp_path: Path) -> None:
    assert wrong(tmp_path, WHOLE + rules(ONE, TWO)) == [
        "1.yaml:9:40: `a.example` is in two rules: `one` and `two` (each pattern in one rule) [and here 1.yaml:8:44]"
    ]


def test_patterns_are_compared_in_their_final_form(tmp_path: Path) -> None:
    text = WHOLE + rules("name: one, tls: none, domains: [bücher.example]", "name: two, tls: none, domains: [{file: f.txt}]")
    assert wrong(tmp_path, text, f="# x\nXN--BCHER-KVA.example\n") == [
        "f.txt:2:1: `xn--bcher-kva.example` is in two rules: `one` and `two` (each pattern in one rule) [and here 1.yaml:8:40]"
    ]


def test_one_next_hop_in_two_rules_is_an_error_with_and_without_its_port(tmp_path: Path) -> None:
    text = WHOLE + rules(
        "name: one, tls: none, next_hops: ['[a.example]']", "name: two, tls: none, next_hops: ['[A.example]:25', '[a.example]:26']"
    )
    assert wrong(tmp_path, text) == [
        "1.yaml:9:42: `[a.example]:25` is in two rules: `one` and `two` (each pattern in one rule) [and here 1.yaml:8:42]"
    ]


def test_a_pattern_twice_in_one_rule_and_a_wildcard_beside_its_name_are_no_conflict(tmp_path: Path) -> None:
    text = WHOLE + rules(
        "name: one, tls: none, domains: [a.example, a.example]", "name: two, tls: none, domains: ['*.a.example', b.a.example]"
    )
    assert owners(tmp_path, text) == {"a.example": "one", "*.a.example": "two", "b.a.example": "two"}


def test_an_overlay_takes_over_patterns_of_its_base(tmp_path: Path) -> None:
    over = HEAD + rules(TWO)
    assert owners(tmp_path, WHOLE + rules(ONE), over) == {"a.example": "two", "*.b.example": "one"}
    assert owners(tmp_path, WHOLE + rules(ONE), HEAD, over) == {"a.example": "two", "*.b.example": "one"}


@pytest.mark.parametrize("first", [True, False])
def test_an_overlay_takes_over_by_what_it_adds_to_a_rule_of_the_base_too(tmp_path: Path, *, first: bool) -> None:
    base = [ONE, "name: two, tls: none, domains: [c.example]"]
    over = HEAD + rules("name: two, domains: {add: [a.example]}")
    assert owners(tmp_path, WHOLE + rules(*(base if first else base[::-1])), over) == {
        "a.example": "two",
        "*.b.example": "one",
        "c.example": "two",
    }


def test_two_rules_of_an_overlay_are_in_conflict_whatever_the_base_says(tmp_path: Path) -> None:
    over = HEAD + rules("name: one, domains: {add: [a.example]}", "name: two, tls: none, domains: [a.example]")
    (said,) = wrong(tmp_path, WHOLE + rules(ONE), over)
    assert said.startswith("1.yaml:6:40: `a.example` is in two rules: `one` and `two`")


def test_a_rule_that_loses_all_its_patterns_is_gone_and_that_is_noted(tmp_path: Path) -> None:
    assert owners(tmp_path, WHOLE + rules("name: old, tls: required, domains: [a.example]"), HEAD + rules(TWO)) == {"a.example": "two"}
    (note,) = resolve(str(tmp_path / "1.yaml")).notes
    assert note.replace(f"{tmp_path}/", "") == (
        "the rule `old` (2.yaml:8) is for nobody: its lists are empty, or other rules take over all that is in them"
    )


def test_a_rule_that_is_removed_leaves_its_patterns_to_others(tmp_path: Path) -> None:
    assert owners(tmp_path, WHOLE + rules(ONE), HEAD + rules("name: one, remove: true", TWO)) == {"a.example": "two"}


def test_twenty_thousand_conflicts_are_found_at_once(tmp_path: Path) -> None:
    text = WHOLE + rules("name: one, tls: none, domains: [{file: f.txt}]", "name: two, tls: none, domains: [{file: f.txt}]")
    names = "".join(f"a{number}.example\n" for number in range(20_000))
    assert len(wrong(tmp_path, text, f=names)) == 20_000


# --- smarthost -------------------------------------------------------------------------------------------------------

RELAY = "  smarthost: '[relay.example]:587'\n"
PROVIDER = "name: provider, tls: required, verify: hostname, next_hops: ['[relay.example]:587']"
BASE = f"{WHOLE}{rules('name: strict, tls: required, domains: [a.example]', 'name: lax, tls: none, domains: [b.example]')}"


def smart(*entries: str, tls: str = "") -> str:
    return HEAD + rules(*entries).replace("outbound:\n", f"outbound:\n{RELAY}{tls}")


def test_inherited_rules_are_set_aside_where_the_smarthost_gets_nothing_weaker(tmp_path: Path) -> None:
    found = policy(tmp_path, BASE, smart(PROVIDER)).outbound
    assert (found.smarthost, [rule.name for rule in found.rules], found.set_aside) == (
        NextHop("relay.example", 587),
        ["provider"],
        ("strict", "lax"),
    )
    notes = [note.replace(f"{tmp_path}/", "") for note in resolve(str(tmp_path / "1.yaml")).notes]
    assert notes == [
        f"the rule `{name}` ({place}) is set aside: all mail goes to [relay.example]:587, on terms as strong"
        for name, place in (("strict", "2.yaml:8"), ("lax", "2.yaml:9"))
    ]


def test_the_default_is_what_applies_where_no_rule_is_for_the_smarthost(tmp_path: Path) -> None:
    other = "name: other, tls: none, next_hops: ['[relay.example]:25']"
    found = policy(tmp_path, BASE, smart(other, tls="  tls: required\n")).outbound
    assert ([rule.name for rule in found.rules], found.set_aside) == (["other"], ("strict", "lax"))
    assert wrong(tmp_path, BASE, smart(other)) == [
        (
            "1.yaml:4:14: the smarthost would get mail on weaker terms than the base demands: the rule `strict` "
            "(a rule with `next_hops` for the smarthost that is as strong) [the rule `strict` 2.yaml:8:46]"
        )
    ]


def test_a_rule_by_domain_of_ones_own_can_never_apply(tmp_path: Path) -> None:
    own = "name: own, tls: none, domains: [c.example]"
    said = "the rule `own` has `domains`, and a smarthost takes all mail: it could never apply (a rule with `next_hops`, or no smarthost)"
    assert wrong(tmp_path, WHOLE, smart(PROVIDER, own)) == [f"1.yaml:7:39: {said} [the smarthost 1.yaml:4:14]"]
    assert wrong(tmp_path, WHOLE + smart(PROVIDER).removeprefix(HEAD), HEAD + rules(own)) == [
        f"1.yaml:5:39: {said} [the smarthost 2.yaml:7:14]"
    ]


def test_what_ones_own_profile_adds_to_an_inherited_rule_is_ones_own(tmp_path: Path) -> None:
    (said,) = wrong(tmp_path, BASE, smart(PROVIDER, "name: strict, domains: {add: [c.example]}"))
    assert said.startswith("1.yaml:7:37: the rule `strict` has `domains`, and a smarthost takes all mail")


def test_an_overlay_may_do_without_its_base_s_smarthost(tmp_path: Path) -> None:
    base = f"{WHOLE}outbound:\n{RELAY}  tls: required\n"
    found = policy(tmp_path, base, HEAD + "outbound: {smarthost: null, rules: [{name: a, tls: required, domains: [b.example]}]}\n").outbound
    assert (found.smarthost, found.tls, [rule.name for rule in found.rules]) == (None, Level.REQUIRED, ["a"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("relay.example", "without brackets it would be a domain, whose MX is looked up"),
        ("'[relay.example]:0'", "ports go from 1 to 65535"),
        ("'[*.example]'", "a wildcard names many hosts"),
    ],
)
def test_a_smarthost_is_a_fixed_next_hop(tmp_path: Path, text: str, said: str) -> None:
    (line,) = wrong(tmp_path, f"{WHOLE}outbound: {{smarthost: {text}}}\n")
    assert said in line


# --- trust anchors ---------------------------------------------------------------------------------------------------

VERIFYING = rules("name: a, tls: required, verify: hostname, domains: [b.example]")
NO_PLATFORM = WHOLE.replace("platform: debian-12\n", "").replace("[postfix]", '{postfix: {release: "3.7"}}')


@pytest.mark.parametrize(
    ("text", "anchors"),
    [
        (WHOLE, "/etc/ssl/certs/ca-certificates.crt"),
        (WHOLE.replace("debian-12", "rhel-9"), "/etc/pki/tls/certs/ca-bundle.crt"),
        (WHOLE + "outbound: {trust_anchors: /etc/ssl/own.pem}\n", "/etc/ssl/own.pem"),
        (NO_PLATFORM, None),
    ],
)
def test_trust_anchors_are_those_said_or_the_platform_s(tmp_path: Path, text: str, anchors: str | None) -> None:
    assert policy(tmp_path, text).outbound.trust_anchors == anchors


def test_verification_without_trust_anchors_is_an_error(tmp_path: Path) -> None:
    assert wrong(tmp_path, NO_PLATFORM + VERIFYING) == [
        "1.yaml:5:1: the rule `a` verifies certificates, and no trust anchors are given (`trust_anchors` under `outbound`, or a `platform`)"
    ]
    assert wrong(tmp_path, NO_PLATFORM + "outbound: {tls: required, verify: hostname}\n") == [
        "1.yaml:5:1: the default verifies certificates, and no trust anchors are given (`trust_anchors` under `outbound`, or a `platform`)"
    ]


def test_trust_anchors_are_one_path_for_every_host(tmp_path: Path) -> None:
    (said,) = wrong(tmp_path, WHOLE + 'outbound: {trust_anchors: "/etc/{hostname}.pem"}\n')
    assert said.startswith(
        "1.yaml:6:27: `/etc/{hostname}.pem` is no path: `{hostname}` has no value: "
        "it is for paths of `server` and `hosts`, beside a `hostname`"
    )
