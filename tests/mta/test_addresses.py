"""Next hops without a name: which rules ask them to prove one, and which servers say that they can't."""

from __future__ import annotations

import pytest

from tests.policies import make_policy, make_target
from tlsconf.mta import load
from tlsconf.mta.addresses import addresses_to_verify
from tlsconf.policy import Level, NextHop, OutboundRule, Policy, Verify

ADDRESS = NextHop("192.0.2.1", 25)
ADDRESS6 = NextHop("2001:db8::25", 25)
VERIFIED = {"outbound_verify": Verify.HOSTNAME, "outbound_tls": Level.REQUIRED}
RULE = OutboundRule("by-address", Level.REQUIRED, Verify.HOSTNAME, next_hops=(ADDRESS, NextHop("relay.example", 25)))


@pytest.mark.parametrize(
    ("policy", "found"),
    [
        (make_policy(outbound_rules=(RULE,)), {"by-address": (ADDRESS,)}),
        (make_policy(outbound_rules=(RULE._replace(next_hops=(ADDRESS6,)),)), {"by-address": (ADDRESS6,)}),
        (make_policy(outbound_rules=(RULE._replace(mx=("mx.example",)),)), {}),
        (make_policy(outbound_rules=(RULE._replace(verify=Verify.NONE),)), {}),
        (make_policy(outbound_rules=(RULE._replace(next_hops=(NextHop("1.example", 25),)),)), {}),
        (make_policy(outbound_rules=(), outbound_smarthost=ADDRESS, **VERIFIED), {None: (ADDRESS,)}),
        (make_policy(outbound_rules=(RULE._replace(verify=Verify.NONE),), outbound_smarthost=ADDRESS, **VERIFIED), {}),
    ],
)  # fmt: skip
def test_rules_that_want_a_name_of_an_address(policy: Policy, found: dict[str | None, tuple[NextHop, ...]]) -> None:
    assert addresses_to_verify(policy) == found


@pytest.mark.parametrize(
    ("server", "release", "library", "version", "is_held"),
    [
        ("postfix", "3.5.25", "openssl", (1, 1, 1), True),
        ("postfix", "3.7.11", "openssl", (3, 0), False),
        ("postfix", "3.10.13", "openssl", (3, 5), False),
        ("postfix", "3.10.13", "openssl", None, True),
        ("exim", "4.98.2", "gnutls", (3, 8, 9), False),
        ("exim", "4.98.2", "openssl", None, True),
        ("sendmail", "8.15.2", "openssl", (1, 1, 1), True),
        ("sendmail", "8.18.1", "openssl", (3, 5), True),
    ],
)
def test_who_says_so(server: str, release: str, library: str, version: tuple[int, ...] | None, *, is_held: bool) -> None:
    target = make_target(server, release, library=library, version=version)
    plan = load(server).plan(make_policy(outbound_rules=(RULE,)), target)
    found = [item for item in plan.limitations if item.id.endswith("-address-unverifiable")]
    assert [(item.kind, item.rules) for item in found] == ([("stricter", ("by-address",))] if is_held else [])
