"""Where a change is said to be, in both files; what it says happens, to whom and in which words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.diff.test_pairs import changes
from tests.samples import HEAD
from tlsconf.diff.catalogue import CHANGES

if TYPE_CHECKING:
    from pathlib import Path

    from tlsconf.diagnostics import Span
    from tlsconf.diff.change import Change

_GOV: Final = """\
outbound:
  rules:
    - name: gov
      domains: ["*.gov.uk"]
      tls: required
"""
_BANK: Final = """\
inbound:
  rules:
    - name: bank
      senders: [bank.example]
      tls: required
"""

# The line that decides is marked with `#<` on each side, for the first change with this id.
PLACES: Final = {
    "the default": ("outbound-tls-raised", "outbound:\n  tls: none #<\n", "outbound:\n  tls: required #<\n  verify: hostname\n"),
    "the default, said nowhere before": ("outbound-tls-lowered", "name: sample #<\n", "outbound:\n  tls: none #<\n"),
    "a rule": ("outbound-tls-lowered", _GOV.replace("required", "required #<"), _GOV.replace("required", "opportunistic #<")),
    "a rule that is new, and the default that held": (
        "outbound-tls-raised",
        "outbound:\n  tls: opportunistic #<\n",
        "outbound:\n  tls: opportunistic\n  rules:\n    - name: gov\n      domains: ['*.gov.uk']\n      tls: required #<\n",
    ),
    "a pattern that leaves a rule": (
        "outbound-tls-lowered",
        _GOV.replace('["*.gov.uk"]', "\n        - '*.gov.uk' #<\n        - hmrc.gov.uk"),
        _GOV.replace("rules:", "tls: opportunistic #<\n  rules:").replace('"*.gov.uk"', "hmrc.gov.uk"),
    ),
    "the verification of a rule": (
        "outbound-verify-lowered",
        _GOV + "      verify: hostname #<\n",
        _GOV + "      verify: none #<\n",
    ),
    "the verification that a rule inherits": (
        "outbound-verify-raised",
        "outbound:\n  tls: required\n  verify: none #<\n",
        "outbound:\n  tls: required\n  verify: hostname #<\n",
    ),
    "the floor of a rule": (
        "outbound-floor-raised",
        _GOV + "      minimum_version: TLSv1.2 #<\n",
        _GOV + "      minimum_version: TLSv1.3 #<\n",
    ),
    "the names of certificates": (
        "outbound-mx-widened",
        _GOV + "      verify: hostname\n      mx: [mx1.a.example] #<\n",
        _GOV + "      verify: hostname\n      mx: [mx1.a.example, mx2.a.example] #<\n",
    ),
    "the general floor": ("outbound-floor-raised", "tls:\n  minimum_version: TLSv1.2 #<\n", "tls:\n  minimum_version: TLSv1.3 #<\n"),
    "the floor of opportunistic TLS comes nearer": (
        "inbound-floor-lowered",
        "tls:\n  minimum_version: TLSv1.3 #<\n",
        "tls:\n  minimum_version: TLSv1.3\n  opportunistic:\n    minimum_version: TLSv1.2 #<\n",
    ),
    "the groups": ("outbound-groups-narrowed", "tls:\n  groups: [X25519, secp256r1] #<\n", "tls:\n  groups: [X25519] #<\n"),
    "the smarthost": (
        "smarthost-changed",
        "outbound:\n  smarthost: '[a.example]:587' #<\n",
        "outbound:\n  smarthost: '[b.example]:587' #<\n",
    ),
    "the listener": ("inbound-tls-raised", "inbound:\n  tls: opportunistic #<\n", "inbound:\n  tls: required #<\n"),
    "the answer of a rule by sender": (
        "inbound-answer-changed",
        _BANK + "      on_plaintext: reject #<\n",
        _BANK + "      on_plaintext: defer #<\n",
    ),
    "the floor of a rule by sender": (
        "inbound-rule-floor-raised",
        _BANK + "      minimum_version: TLSv1.2 #<\n",
        _BANK + "      minimum_version: TLSv1.3 #<\n",
    ),
    "exempt clients": (
        "inbound-exemption-added",
        _BANK + "  exempt_clients: [127.0.0.0/8] #<\n",
        _BANK + "  exempt_clients: [127.0.0.0/8, 192.0.2.0/24] #<\n",
    ),
}


@pytest.mark.parametrize(("identifier", "old", "new"), PLACES.values(), ids=PLACES.keys())
def test_places(identifier: str, old: str, new: str, tmp_path: Path) -> None:
    whole = [f"tlsconf: 1\n{text}" if text.startswith("name:") else HEAD + text for text in (old, new)]
    change = only(changes(tmp_path, whole[0], whole[1]), identifier)
    for span, text, side in zip((change.old, change.new), whole, ("old", "new"), strict=True):
        marked = next(number for number, line in enumerate(text.splitlines(), 1) if "#<" in line)
        assert place(span, tmp_path) == f"{side}/profile.yaml:{marked}"


def test_what_a_base_said_is_shown_in_the_base(tmp_path: Path) -> None:
    files = {"base.yaml": f"tlsconf: 1\nname: base\n{_GOV}"}
    new = f"{HEAD}extends: ./base.yaml\noutbound:\n  rules:\n    - name: gov\n      tls: none\n"
    change = only(changes(tmp_path, f"{HEAD}extends: ./base.yaml\n", new, files), "outbound-tls-lowered")
    assert place(change.old, tmp_path) == "old/base.yaml:7"
    assert place(change.new, tmp_path) == "new/profile.yaml:7"


@pytest.mark.parametrize(
    ("base", "removed", "identifier"),
    [
        (_GOV, "outbound:\n  rules:\n    - name: gov\n      remove: true\n", "outbound-tls-lowered"),
        (_BANK, "inbound:\n  rules:\n    - name: bank\n      remove: true\n", "inbound-requirement-lowered"),
    ],
)
def test_a_rule_that_is_taken_out_is_shown_where_that_is_said(tmp_path: Path, base: str, removed: str, identifier: str) -> None:
    files = {"base.yaml": f"tlsconf: 1\nname: base\n{base}"}
    old = f"{HEAD}extends: ./base.yaml\n"
    change = only(changes(tmp_path, old, old + removed, files), identifier)
    assert place(change.new, tmp_path) == "new/profile.yaml:6"


def test_a_floor_that_a_rule_gets_or_loses_is_shown_in_the_rule(tmp_path: Path) -> None:
    change = only(changes(tmp_path, HEAD + _GOV, f"{HEAD}{_GOV}      minimum_version: TLSv1.3\n"), "outbound-floor-raised")
    old, new = (_GOV.splitlines().index("    - name: gov") + 3, len(_GOV.splitlines()) + 3)
    assert (place(change.old, tmp_path), place(change.new, tmp_path)) == (f"old/profile.yaml:{old}", f"new/profile.yaml:{new}")


def test_what_a_list_said_is_shown_in_the_list(tmp_path: Path) -> None:
    files = {"partners.txt": "# ours\na.example\nb.example\n"}
    rule = "outbound:\n  rules:\n    - {name: a, tls: required, domains: [%s]}\n"
    change = only(changes(tmp_path, HEAD + rule % "{file: partners.txt}", HEAD + rule % "a.example", files), "outbound-tls-lowered")
    assert change.subject == "mail to b.example"
    assert place(change.old, tmp_path) == "old/partners.txt:3"


EFFECTS: Final = {
    "a level that rises": (
        "outbound: {tls: opportunistic}",
        "outbound: {tls: required, verify: hostname}",
        "outbound-may-be-held",
        {
            "offers no STARTTLS": ("clear", "held"),
            "offers STARTTLS, then fails the handshake or answers 454": ("clear", "held"),
            "self-signed certificate": ("TLS", "held"),
            "certificate for another name": ("TLS", "held"),
            "expired certificate": ("TLS", "held"),
        },
    ),
    "a level that falls": (
        "outbound: {tls: required}",
        "outbound: {tls: opportunistic}",
        "outbound-tls-lowered",
        {"offers no STARTTLS": ("held", "clear"), "offers STARTTLS, then fails the handshake or answers 454": ("held", "clear")},
    ),
    "a floor where nobody requires TLS": (
        "tls: {minimum_version: TLSv1.2}",
        "tls: {minimum_version: TLSv1.3}",
        "outbound-floor-raised",
        {"speaks only TLSv1.2": ("TLS", "clear")},
    ),
    "a floor where TLS is required": (
        "tls: {minimum_version: TLSv1.2}\noutbound: {tls: required}",
        "tls: {minimum_version: TLSv1.3}\noutbound: {tls: required}",
        "outbound-may-be-held",
        {"speaks only TLSv1.2": ("TLS", "held")},
    ),
    "DANE, where hosts have it": (
        "outbound: {verify: none}",
        "outbound: {verify: dane}",
        "outbound-may-be-held",
        {
            "TLSA record that does not match": ("TLS", "held"),
            "TLSA record that matches, but no STARTTLS": ("clear", "held"),
            "TLSA lookup fails": ("TLS", "held"),
        },
    ),
    "a suite": (
        "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256]}\noutbound: {tls: required}",
        "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384]}\noutbound: {tls: required}",
        "outbound-may-be-held",
        {"has only TLS_AES_128_GCM_SHA256": ("TLS", "held")},
    ),
    "a sender's rule": (
        "inbound: {rules: [{name: bank, senders: [bank.example], tls: required}]}",
        "",
        "inbound-requirement-lowered",
        {"speaks no TLS": ("refused", "accepted")},
    ),
}


@pytest.mark.parametrize(("old", "new", "identifier", "expected"), EFFECTS.values(), ids=EFFECTS.keys())
def test_effects(old: str, new: str, identifier: str, expected: dict[str, tuple[str, str]], tmp_path: Path) -> None:
    change = only(changes(tmp_path, old, new), identifier)
    assert {effect.peer: (effect.old, effect.new) for effect in change.effects} == expected


def test_words(tmp_path: Path) -> None:
    old = 'outbound: {rules: [{name: gov, domains: ["*.gov.uk", hmrc.gov.uk], tls: required, verify: hostname}]}'
    new = "outbound: {rules: [{name: tax, domains: [hmrc.gov.uk], tls: required, minimum_version: TLSv1.3}]}"
    assert [f"{change.subject}: {change.message}" for change in changes(tmp_path, old, new)] == [
        "mail to *.gov.uk (except hmrc.gov.uk): TLS: required + hostname → opportunistic",
        "mail to hmrc.gov.uk: verification: required + hostname → required",
        "mail to hmrc.gov.uk: mail that left before may be held now",
        "mail to hmrc.gov.uk: minimum version: TLSv1.2 → TLSv1.3",
    ]


def test_the_worst_stands_first_and_every_id_is_documented(tmp_path: Path) -> None:
    old = f"tls: {{groups: [X25519MLKEM768, X25519]}}\n{_GOV}{_BANK}"
    new = "tls: {minimum_version: TLSv1.3, groups: [X25519]}\noutbound: {tls: required}\ninbound: {exempt_clients: [192.0.2.0/24]}"
    found = changes(tmp_path, old, new)
    kinds = [change.kind for change in found]
    assert kinds == sorted(kinds, key=["weaker", "plaintext-risk", "delivery-risk", "stronger", "neutral"].index)
    assert {change.id for change in found} <= set(CHANGES)


def only(found: list[Change], identifier: str) -> Change:
    """Return the one change with an id."""
    (change,) = [change for change in found if change.id == identifier]
    return change


def place(span: Span | None, folder: Path) -> str:
    """Return the file, below the folder, and the line."""
    assert span is not None
    return f"{span.file.removeprefix(f'{folder}/')}:{span.line}"
