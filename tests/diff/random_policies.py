"""Random policies over a universe that is small enough to ask the law about all of it, and all who live in that universe."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network
from itertools import combinations, product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from tests.policies import make_policy
from tlsconf.document import Document
from tlsconf.law import Incoming, Outgoing
from tlsconf.merge import Node, Origin
from tlsconf.policy import Inbound, InboundRule, Level, NextHop, OnPlaintext, Outbound, OutboundRule, Parameters, Policy, Verify
from tlsconf.prepared import Prepared
from tlsconf.resolve import Resolved
from tlsconf.tls import Version, is_tls13

if TYPE_CHECKING:
    from collections.abc import Sequence

SUITES: Final = ("TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")
GROUPS: Final = ("X25519MLKEM768", "X25519", "secp256r1")
PATTERNS: Final = ("a.test", "*.a.test", "b.a.test", "*.b.a.test", "c.test", "*.test")
HOPS: Final = (NextHop("relay.test", 25), NextHop("relay.test", 587))
NAMES: Final = ("*.m.test", "n.m.test", "o.test")  # that certificates may be for
NETWORKS: Final = tuple(map(ip_network, ("192.0.2.0/24", "192.0.2.0/25", "192.0.2.128/25", "2001:db8::/32", "2001:db8:8000::/33")))

# Each name that a pattern can tell from others: with a pattern of its own, below one at depth 1 and 2, and named by none.
_DOMAINS: Final = (
    "a.test", "b.a.test", "c.test", "x.test", "x.c.test", "x.a.test", "y.x.a.test", "x.b.a.test", "y.x.b.a.test", "fresh.example",
)  # fmt: skip
OUTGOING: Final = (
    *(Outgoing(domain) for domain in _DOMAINS),
    *(Outgoing("fresh.example", hop) for hop in (*HOPS, NextHop("free.test", 25))),
)
_CLIENTS: Final = tuple(map(ip_address, ("192.0.2.1", "192.0.2.129", "198.51.100.1", "2001:db8::1", "2001:db8:8000::1", "2001:db9::1")))
INCOMING: Final[tuple[Outgoing | Incoming, ...]] = tuple(Incoming(sender, client) for sender in (*_DOMAINS, None) for client in _CLIENTS)

_TERMS: Final = (
    (Level.NONE, Verify.NONE),
    (Level.OPPORTUNISTIC, Verify.NONE),
    (Level.OPPORTUNISTIC, Verify.DANE),
    (Level.REQUIRED, Verify.NONE),
    (Level.REQUIRED, Verify.HOSTNAME),
    (Level.REQUIRED, Verify.DANE),
)


def _subsets(values: Sequence[Any]) -> list[tuple[Any, ...]]:
    return [some for size in range(len(values) + 1) for some in combinations(values, size)]


def _floor(version: Version, suites: Sequence[str]) -> Version:
    """Return a version, or the highest below it that leaves a session: a profile without any is refused."""
    return version if any(map(is_tls13, suites)) else min(version, Version.TLSv1_2)


# Everything is picked from lists, so that a policy takes few decisions of hypothesis.
_PARAMETERS: Final = st.sampled_from(
    [
        Parameters(version, suites, groups, prefer_server_order=prefers)
        for version, suites, groups, prefers in product(Version, (*_subsets(SUITES)[1:], SUITES[::-1]), _subsets(GROUPS)[1:], (True, False))
        if version is _floor(version, suites)
    ]
)
_OUTBOUND_RULES: Final = st.sampled_from(
    [
        OutboundRule("", tls, verify, floor, mx)
        for (tls, verify), floor in product(_TERMS, (None, None, *Version))
        for mx in (_subsets(NAMES) if verify is Verify.HOSTNAME else [()])
        if floor is None or tls is not Level.NONE
    ]
)
_INBOUND_RULES: Final = st.sampled_from(
    [
        InboundRule("", senders, clients, floor, on_plaintext)
        for senders, clients in (*((some, ()) for some in _subsets(PATTERNS)[1:]), *(((), some) for some in _subsets(NETWORKS)[1:] * 2))
        for floor in (None, *Version)
        for on_plaintext in OnPlaintext
    ]
)
_OWNERS: Final = 4  # rules at the most
_SHARES: Final = st.integers(0, (_OWNERS + 1) ** (len(PATTERNS) + len(HOPS)) - 1)  # whose each pattern and hop is; 0: nobody's


@st.composite
def _outbound(draw: st.DrawFn, sessions: dict[Level, Parameters]) -> Outbound:
    smarthost = draw(st.sampled_from((None, None, None, *HOPS)))
    subjects: tuple[Any, ...] = HOPS if smarthost else (*PATTERNS, *HOPS)
    share = draw(_SHARES)
    shares: dict[int, list[Any]] = {}
    for subject in subjects:
        share, owner = divmod(share, _OWNERS + 1)
        if owner:
            shares.setdefault(owner, []).append(subject)
    rules = []
    for number, mine in shares.items():
        rule = draw(_OUTBOUND_RULES)
        if rule.minimum_version is not None:
            levels = {rule.tls, Level.REQUIRED} if rule.verify is Verify.DANE else {rule.tls}
            rule = rule._replace(minimum_version=min(_floor(rule.minimum_version, sessions[level].cipher_suites) for level in levels))
        domains = tuple(subject for subject in mine if isinstance(subject, str))
        hops = tuple(subject for subject in mine if isinstance(subject, NextHop))
        rules += [rule._replace(name=f"domains-{number}", domains=domains)] if domains else []
        rules += [rule._replace(name=f"hops-{number}", next_hops=hops)] if hops else []
    return Outbound(*draw(st.sampled_from(_TERMS)), None, smarthost, tuple(rules))


@st.composite
def _inbound(draw: st.DrawFn, sessions: dict[Level, Parameters]) -> Inbound:
    tls = draw(st.sampled_from(Level))
    found = draw(st.lists(_INBOUND_RULES, max_size=3)) if tls is not Level.NONE else []
    floors = [rule.minimum_version and _floor(rule.minimum_version, sessions[tls].cipher_suites) for rule in found]
    rules = [rule._replace(name=f"rule-{n}", minimum_version=floor) for n, (rule, floor) in enumerate(zip(found, floors, strict=True))]
    return Inbound(tls, draw(st.sampled_from(_subsets(NETWORKS[:3]))), tuple(rules))


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Draw a policy such as `resolve` makes them."""
    required = draw(_PARAMETERS)
    opportunistic = draw(st.just(required) | _PARAMETERS)
    return _with(draw, required, opportunistic, None, None)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Policy, Policy]:
    """Draw two policies that have much in common, or nothing."""
    old = draw(policies())
    required = draw(st.just(old.required) | _PARAMETERS)
    opportunistic = draw(st.just(old.opportunistic) | st.just(required) | _PARAMETERS)
    # Rules hold in the other policy only where their floors leave sessions there.
    same_suites = all(
        set(a.cipher_suites) == set(b.cipher_suites) for a, b in ((required, old.required), (opportunistic, old.opportunistic))
    )
    outbound = old.outbound if same_suites and draw(st.booleans()) else None
    inbound = old.inbound if same_suites and draw(st.booleans()) else None
    new = _with(draw, required, opportunistic, outbound, inbound)
    left = draw(st.integers(0, 2 ** (2 * _OWNERS) - 1))  # which of the rules that both have stay
    if outbound is not None:
        new = new._replace(outbound=outbound._replace(rules=tuple(rule for n, rule in enumerate(outbound.rules) if not left >> n & 1)))
    if inbound is not None:
        new = new._replace(inbound=inbound._replace(rules=tuple(rule for n, rule in enumerate(inbound.rules) if not left >> n & 1)))
    return (old, new) if draw(st.booleans()) else (new, old)


def _with(draw: st.DrawFn, required: Parameters, opportunistic: Parameters, outbound: Outbound | None, inbound: Inbound | None) -> Policy:
    sessions = {Level.NONE: required, Level.OPPORTUNISTIC: opportunistic, Level.REQUIRED: required}
    outbound = draw(_outbound(sessions)) if outbound is None else outbound
    inbound = draw(_inbound(sessions)) if inbound is None else inbound
    return make_policy(required=required, opportunistic=opportunistic)._replace(outbound=outbound, inbound=inbound)


_DOCUMENT: Final = Document("random.yaml", Path("random.yaml"), "tlsconf: 1\nname: random\n", {"tlsconf": 1, "name": "random"})


def prepared(policy: Policy) -> Prepared:
    """Return a policy as if it came from a profile that says nothing."""
    return Prepared(Resolved((policy,), (_DOCUMENT,), Node(Origin(_DOCUMENT, ())), ()), ())


def text(policy: Policy) -> str:
    """Return a profile that says what a policy of this file says."""
    sessions = [
        {
            "minimum_version": str(found.minimum_version),
            "cipher_suites": found.cipher_suites,
            "groups": found.groups,
            "prefer_server_order": found.prefer_server_order,
        }
        for found in (policy.required, policy.opportunistic)
    ]
    outbound, inbound = policy.outbound, policy.inbound
    profile = {
        "tlsconf": 1,
        "name": policy.name,
        "tls": {**sessions[0], "opportunistic": sessions[1]},
        "outbound": {
            "tls": outbound.tls,
            "verify": outbound.verify,
            "smarthost": str(outbound.smarthost) if outbound.smarthost else None,
            "rules": [{**_said(rule), "tls": rule.tls, "verify": rule.verify} for rule in outbound.rules],
        },
        "inbound": {
            "tls": inbound.tls,
            "exempt_clients": [str(network) for network in inbound.exempt_clients],
            "rules": [{**_said(rule), "tls": "required", "on_plaintext": rule.on_plaintext} for rule in inbound.rules],
        },
    }
    return json.dumps(profile)


def _said(rule: OutboundRule | InboundRule) -> dict[str, Any]:
    lists = {key: list(map(str, getattr(rule, key, ()))) for key in ("domains", "next_hops", "mx", "senders", "clients")}
    floor = {} if rule.minimum_version is None else {"minimum_version": str(rule.minimum_version)}
    return {"name": rule.name, **floor, **{key: values for key, values in lists.items() if values}}
