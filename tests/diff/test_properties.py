"""What holds of every comparison, on random policies, judged by the law and not by the code of the comparison."""

from __future__ import annotations

import re
import tempfile
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.diff import cells
from tests.diff.random_policies import INCOMING, OUTGOING, pairs, policies, prepared, text
from tests.samples import put
from tlsconf.diff import compare, coverage
from tlsconf.diff.change import Kind
from tlsconf.domains import candidates
from tlsconf.law import Incoming, Outgoing
from tlsconf.pipeline import prepare
from tlsconf.policy import InboundRule, OutboundRule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.diff.change import Change
    from tlsconf.policy import Policy

R = TypeVar("R", OutboundRule, InboundRule)

MANY: Final = settings(max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW: Final = settings(MANY, max_examples=200)

# What an id becomes when old and new change places; an id that is not here is its own mirror.
_OPPOSITES: Final = (
    ("raised", "lowered"), ("widened", "narrowed"), ("added", "removed"), ("lost", "gained"), ("freed", "bound"),
)  # fmt: skip
_WITHOUT_MIRROR: Final = {"outbound-may-be-held", "inbound-may-be-refused"}


@pytest.fixture(autouse=True, scope="module")
def whole_subjects() -> Iterator[None]:
    """Have subjects name all parts, so that they can be read back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coverage, "_SHOWN", 99)
        yield


def changes(old: Policy, new: Policy) -> list[Change]:
    return compare(prepared(old), prepared(new))


def is_worse(change: Change) -> bool:
    return change.incomparable or change.kind in {Kind.WEAKER, Kind.PLAINTEXT_RISK}


@MANY
@given(policies())
def test_nothing_changes_from_a_policy_to_itself(policy: Policy) -> None:
    assert changes(policy, policy) == []


@MANY
@given(pairs())
def test_old_and_new_change_places(pair: tuple[Policy, Policy]) -> None:
    there, back = changes(*pair), changes(*pair[::-1])
    risks = {Kind.NEUTRAL, Kind.PLAINTEXT_RISK, Kind.DELIVERY_RISK}  # a group or an answer is a risk in one direction and none in the other
    for kinds, others in (({Kind.STRONGER}, {Kind.WEAKER}), ({Kind.WEAKER}, {Kind.STRONGER}), (risks, risks)):
        mirrored = {(_opposite(id_), whom) for id_, whom in _comparable(pair, there, kinds)}
        assert mirrored == _comparable(pair, back, others)
    assert {(_opposite(id_), whom) for id_, whom in _incomparable(pair, there)} == _incomparable(pair, back)


def _comparable(pair: tuple[Policy, Policy], some: list[Change], kinds: set[Kind]) -> set[tuple[str, object]]:
    chosen = [change for change in some if not change.incomparable and change.kind in kinds and change.id not in _WITHOUT_MIRROR]
    return {(change.id, whom) for change in chosen for whom in _whom(pair, change)}


def _incomparable(pair: tuple[Policy, Policy], some: list[Change]) -> set[tuple[str, object]]:
    # A level that falls is called lowered, and one that rises changed, where neither is as strong as the other.
    ids = [(re.sub("-tls-(lowered|changed)$", "-tls-moved", change.id), change) for change in some if change.incomparable]
    return {(id_, whom) for id_, change in ids for whom in _whom(pair, change)}


def _opposite(id_: str) -> str:
    stem, _, word = id_.rpartition("-")
    other = {one: other for pair in _OPPOSITES for one, other in (pair, pair[::-1])}.get(word, word)
    return f"{stem}-{other}"


def _whom(pair: tuple[Policy, Policy], change: Change) -> list[object]:
    """Return the messages that a change is about; where a smarthost comes or goes, words name more than there is, and do not count."""
    if change.id.startswith("outbound") and any(policy.outbound.smarthost for policy in pair):
        return ["all mail"]
    return [message for message in (*OUTGOING, *INCOMING) if concerns(change, message, pair)] or [change.subject]


@MANY
@given(pairs())
def test_findings_are_what_the_law_says(pair: tuple[Policy, Policy]) -> None:
    """One comparison for all that the law can judge: to draw a pair costs more than to judge it."""
    found = changes(*pair)
    assert [change for change in found if change.incomparable and change.kind not in {Kind.WEAKER, Kind.PLAINTEXT_RISK}] == []
    for messages in (OUTGOING, INCOMING):
        side = "outbound" if messages is OUTGOING else "inbound"
        mine = [change for change in found if change.id.startswith(side)]
        for message in messages:
            seen = cells.compared(*pair, message)
            told = [change for change in mine if concerns(change, message, pair)]
            _nothing_is_missed(seen, told, mine, message)
            _mail_that_stops_is_told(seen, told, message)
            if not pair[1].outbound.smarthost:
                _what_is_weaker_is_so_for_all(seen, told, message)


def _nothing_is_missed(seen: cells.Found, told: list[Change], side: list[Change], message: object) -> None:
    """Where nothing is found, nothing differs; who fares worse is told, and not by what is called stronger alone."""
    assert side or not seen.differ, message
    assert any(map(is_worse, told)) or not seen.weaker, (message, told)


def _mail_that_stops_is_told(seen: cells.Found, told: list[Change], message: object) -> None:
    assert any(change.kind is Kind.DELIVERY_RISK for change in told) or not seen.stopped, (message, told)
    assert any(change.kind is Kind.DELIVERY_RISK or is_worse(change) for change in told) or not seen.shut_out, (message, told)


def _what_is_weaker_is_so_for_all(seen: cells.Found, told: list[Change], message: object) -> None:
    """No destination is named that loses nothing."""
    ids = {f"outbound-{name}" for name in ("tls-lowered", "verify-lowered", "mx-widened", "floor-lowered", "suites-widened")}
    weaker = [change for change in told if change.id in ids and change.kind is Kind.WEAKER and not change.incomparable]
    assert seen.weaker or not weaker, (message, weaker)


@MANY
@given(policies(), st.randoms(use_true_random=False))
def test_names_and_order_of_rules_mean_nothing(policy: Policy, random: object) -> None:
    outbound = [piece for rule in policy.outbound.rules for piece in _split(rule)]
    inbound = [piece for rule in policy.inbound.rules for piece in _split(rule)]
    for rules in (outbound, inbound):
        random.shuffle(rules)  # type: ignore[attr-defined]
    other = policy._replace(
        outbound=policy.outbound._replace(rules=tuple(rule._replace(name=f"out-{number}") for number, rule in enumerate(outbound))),
        inbound=policy.inbound._replace(
            rules=tuple(rule._replace(name=f"in-{number}") for number, rule in enumerate(inbound)),
            exempt_clients=tuple(half for network in policy.inbound.exempt_clients for half in network.subnets()),
        ),
    )
    assert changes(policy, other) == []  # renamed, split, moved
    assert changes(other, policy) == []  # merged


@FEW
@given(pairs())
def test_policies_made_here_are_those_of_profiles(pair: tuple[Policy, Policy]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [put(Path(folder), {f"{side}.yaml": text(policy)}) for side, policy in zip(("old", "new"), pair, strict=True)]
        read = [prepare(str(path), bases=True) for path in paths]
    # Without places: what differs by its place alone is one change where there are none.
    assert set(map(_anywhere, compare(*read))) == set(map(_anywhere, changes(*pair)))


def _anywhere(change: Change) -> Change:
    return change._replace(old=None, new=None)


def _split(rule: R) -> list[R]:
    """Return a rule as one rule for each of those it is for; networks as their halves."""
    pieces: list[R] = []
    for key in ("domains", "next_hops", "senders", "clients"):
        for subject in getattr(rule, key, ()):
            parts = subject.subnets() if key == "clients" else [subject]
            pieces += [rule._replace(**{key: (part,)}) for part in parts]  # type: ignore[arg-type]
    return pieces


def concerns(change: Change, message: Outgoing | Incoming, pair: tuple[Policy, Policy]) -> bool:
    """Tell whether a change's subject, as users read it, covers a message."""
    side, _, _ = change.id.partition("-")
    if side != ("outbound" if isinstance(message, Outgoing) else "inbound"):
        return False
    if isinstance(message, Incoming):
        return _concerns_incoming(change.subject, message)
    subject, _, excepted = change.subject.rstrip(")").partition(" (except ")
    if subject.startswith("all mail"):
        return True
    if subject == "mail to every destination that no rule names":
        return _nearest(message, _patterns(pair)) is None
    if subject.startswith("mail to every destination"):
        less, _, more = subject.removeprefix("mail to every destination").removeprefix(" except ").partition(", and mail to ")
        return _nearest(message, {*less.split(", "), *more.split(", ")}) not in less.split(", ")
    words = [word for part in subject.split(" and ") for word in re.sub("^mail (to|by way of) ", "", part).split(", ")]
    return _nearest(message, {*words, *excepted.split(", ")}) in words


def _patterns(pair: tuple[Policy, Policy]) -> set[str]:
    """Return what the rules name; a rule for hops has no effect beside a smarthost."""
    rules = [rule for policy in pair if policy.outbound.smarthost is None for rule in policy.outbound.rules]
    return {pattern for rule in rules for pattern in rule.domains} | {str(hop) for rule in rules for hop in rule.next_hops}


def _nearest(message: Outgoing, patterns: set[str]) -> str | None:
    """Return the most specific of some patterns and next hops that a message falls under."""
    names = [str(message.next_hop)] if message.next_hop else candidates(message.domain)
    return next((name for name in names if name in patterns), None)


def _concerns_incoming(whom: str, message: Incoming) -> bool:
    subject, _, excepted = whom.rstrip(")").partition(" (except ")
    if subject in {"mail from every client", "mail that a rule requires TLS for"}:
        return True
    if subject.startswith("clients "):
        names = [ip_network(name) for name in subject.removeprefix("clients ").split(", ") if name]
        less = [ip_network(name) for name in excepted.split(", ") if name]
        holding = [network for network in (*names, *less) if message.client in network]
        return bool(holding) and max(holding, key=lambda network: network.prefixlen) in names
    words = subject.removeprefix("mail from ").split(", ")
    found = next((name for name in candidates(message.sender) if name in {*words, *excepted.split(", ")}), None) if message.sender else None
    return found in words
