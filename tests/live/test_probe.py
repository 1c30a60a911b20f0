"""The probe against a small server: each fault is found, and what can't be found out is never a pass."""

from __future__ import annotations

import datetime as dt
import re
import ssl
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from tests.lab.certificates import Authority
from tests.live.talker import Faults, serving
from tests.policies import PARAMETERS, make_policy
from tlsconf.errors import EnvironmentFailedError
from tlsconf.live.probe import CHECKS, probe
from tlsconf.live.smtp import Address
from tlsconf.plan import Limitation
from tlsconf.policy import InboundRule, Level, OnPlaintext, Parameters
from tlsconf.tls import Version

if TYPE_CHECKING:
    from pathlib import Path

    from tlsconf.live.probed import Probed
    from tlsconf.policy import Policy

SUITES = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
ALLOWED = Parameters(Version.TLSv1_2, SUITES, ("X25519",), prefer_server_order=True)
REQUIRED = b"530 5.7.0 Must issue a STARTTLS command first\r\n"


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    return trustme.CA(key_type=trustme.KeyType.RSA)


def serving_context(cert: trustme.LeafCert, ciphers: str = "ECDHE-RSA-AES256-GCM-SHA384") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    context.set_ciphers(ciphers)
    context.set_ecdh_curve("X25519")
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    return context


@pytest.fixture(scope="module")
def good(ca: trustme.CA) -> ssl.SSLContext:
    return serving_context(ca.issue_cert("mx.sample.example", key_type=trustme.KeyType.RSA))


def policy(**changes: Any) -> Policy:
    own = {"required": ALLOWED, "opportunistic": ALLOWED, "inbound_rules": (), "inbound_exempt_clients": (), "outbound_trust_anchors": None}
    return make_policy(**{**own, **changes})


def ask(faults: Faults, wanted: Policy, *limitations: Limitation, seconds: float = 30) -> Probed:
    with serving(faults) as (port, seen):
        (answer,) = probe([Address("127.0.0.1", port)], wanted, limitations, time.monotonic() + seconds)
    assert not isinstance(answer, EnvironmentFailedError), answer
    assert not [line for line in seen if line.upper().startswith("DATA")]
    assert {item.id for item in answer.found} <= set(CHECKS)
    return answer


def errors(answer: Probed) -> set[str]:
    return {item.id for item in answer.found if item.severity == "error"}


def test_a_server_that_conforms(good: ssl.SSLContext, ca: trustme.CA, tmp_path: Path) -> None:
    ca.cert_pem.write_to_path(tmp_path / "anchors.pem")
    answer = ask(Faults(good), policy(outbound_trust_anchors=str(tmp_path / "anchors.pem")))
    assert (answer.found, answer.untested) == ((), ())
    assert answer.seen.suites == {"TLSv1.2": SUITES[3:], "TLSv1.3": SUITES[:3]}
    assert answer.seen.groups == {"TLSv1.3": ("X25519",), "TLSv1.2": ("X25519",)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"minimum_version": Version.TLSv1_3}, "version-accepted"),
        ({"cipher_suites": SUITES[1:]}, "suite-accepted"),
        ({"cipher_suites": (*SUITES, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")}, "suite-refused"),
        ({"cipher_suites": (*SUITES, "TLS_RSA_WITH_AES_128_CBC_SHA"), "minimum_version": Version.TLSv1_1}, "version-refused"),
        ({"groups": ("secp256r1",)}, "group-accepted"),
        ({"groups": ("X25519", "secp384r1")}, "group-refused"),
    ],
)
def test_sessions(good: ssl.SSLContext, changes: dict[str, Any], expected: str) -> None:
    wanted = ALLOWED._replace(**changes)
    assert expected in errors(ask(Faults(good), policy(opportunistic=wanted)))


def test_a_suite_that_needs_another_certificate_is_not_tested(good: ssl.SSLContext) -> None:
    answer = ask(Faults(good), policy(opportunistic=ALLOWED._replace(cipher_suites=(*SUITES, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"))))
    assert errors(answer) == set()
    assert any("ECDSA" in item.message for item in answer.untested if item.id == "suites")


def test_another_order_is_a_warning(good: ssl.SSLContext) -> None:
    answer = ask(Faults(good), policy(opportunistic=ALLOWED._replace(cipher_suites=SUITES[::-1])))
    assert [(item.id, item.severity) for item in answer.found] == [("suites-order", "warning")]


def test_a_limitation_makes_a_warning_of_what_it_explains(good: ssl.SSLContext) -> None:
    wanted = policy(opportunistic=ALLOWED._replace(groups=("secp256r1",)))
    item = Limitation("sendmail-library-groups", "different", (), "the groups are those of the library")
    answer = ask(Faults(good), wanted, item)
    assert {found.severity for found in answer.found} == {"warning"}
    assert all("(limitation sendmail-library-groups)" in found.message for found in answer.found)


def test_certificates(ca: trustme.CA) -> None:
    past = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    future = past + dt.timedelta(days=3)
    kind = trustme.KeyType.RSA
    expired = ca.issue_cert("mx.sample.example", not_before=past - dt.timedelta(days=9), not_after=past, key_type=kind)
    early = ca.issue_cert("mx.sample.example", not_before=future, not_after=future + dt.timedelta(days=9), key_type=kind)
    other = ca.issue_cert("other.sample.example", key_type=kind)
    for cert, expected in ((expired, "certificate-expired"), (early, "certificate-not-yet-valid"), (other, "certificate-other-name")):
        assert errors(ask(Faults(serving_context(cert)), policy())) == {expected}


def test_a_short_key(tmp_path: Path) -> None:
    pair = Authority().issue_weak("mx.sample.example")
    (tmp_path / "pair.pem").write_text(pair.key + pair.chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0")
    context.set_ecdh_curve("X25519")
    context.load_cert_chain(tmp_path / "pair.pem")
    assert errors(ask(Faults(context), policy())) == {"key-short"}


def test_starttls(good: ssl.SSLContext) -> None:
    missing = ask(Faults(), policy())
    assert errors(missing) == {"starttls-missing"}
    assert "sessions" in {item.id for item in missing.untested}
    assert errors(ask(Faults(good), policy(inbound_tls=Level.NONE))) == {"starttls-offered"}
    fails = ask(Faults(good, starttls=b"454 4.7.0 TLS not available\r\n"), policy())
    assert errors(fails) == {"starttls-fails"}
    assert {item.id for item in fails.untested} >= {"sessions", "certificates"}
    assert errors(ask(Faults(good, starttls=b"220 go\r\n250 obeyed\r\n"), policy())) == {"starttls-garbage"}
    assert errors(ask(Faults(good, injectable=True), policy())) == {"starttls-injection"}


def by_rule(sender: str, reply: bytes, *, also_over_tls: bool = False) -> Any:
    return lambda found, tls: reply if sender in found and (also_over_tls or not tls) else None


BANK = InboundRule("bank", senders=("bank.example",))


@pytest.mark.parametrize(
    ("refuse", "rule", "expected"),
    [
        (by_rule("bank.example", REQUIRED), BANK, set()),
        (by_rule("nobody", REQUIRED), BANK, {"clear-text-accepted"}),
        (by_rule("bank.example", b"450 4.7.0 later\r\n"), BANK, {"answer-differs"}),
        (by_rule("bank.example", b"450 4.7.0 later\r\n"), BANK._replace(on_plaintext=OnPlaintext.DEFER), set()),
        (by_rule("", b"530 5.7.0 always\r\n"), BANK, {"clear-text-refused"}),
        (by_rule("bank.example", REQUIRED, also_over_tls=True), BANK, {"mail-refused"}),
    ],
)
def test_clear_text(good: ssl.SSLContext, refuse: Any, rule: InboundRule, expected: set[str]) -> None:
    assert errors(ask(Faults(good, refuse=refuse), policy(inbound_rules=(rule,)))) == expected


def test_a_refusal_that_tls_does_not_change_is_not_taken_for_one_by_the_rule(good: ssl.SSLContext) -> None:
    refuse = by_rule("bank.example", b"550 5.1.8 no such domain\r\n", also_over_tls=True)
    answer = ask(Faults(good, refuse=refuse), policy(inbound_rules=(BANK,)))
    assert errors(answer) == set()
    assert any("no such domain" in item.message for item in answer.untested)


def test_a_rule_with_a_minimum_version(good: ssl.SSLContext) -> None:
    rule = BANK._replace(minimum_version=Version.TLSv1_3)
    answer = ask(Faults(good, refuse=by_rule("bank.example", REQUIRED)), policy(inbound_rules=(rule,)))
    assert errors(answer) == {"rule-version-accepted"}


def test_what_can_not_be_seen_from_here_is_not_tested(good: ssl.SSLContext) -> None:
    exempt = make_policy().inbound.exempt_clients
    assert any(
        "exempt" in item.message for item in ask(Faults(good), policy(inbound_rules=(BANK,), inbound_exempt_clients=exempt)).untested
    )
    link = make_policy().inbound.rules[1]
    assert any("other clients" in item.message for item in ask(Faults(good), policy(inbound_rules=(link,))).untested)


def test_a_server_that_wants_no_more(good: ssl.SSLContext) -> None:
    answer = ask(Faults(good, busy_after=3), policy(), seconds=4)
    assert any("421" in item.message or "time was up" in item.message for item in answer.untested)
    assert {"certificates", "mail"} <= {item.id for item in answer.untested}


@pytest.mark.parametrize("greeting", [b"hello\r\n", b"554 not you\r\n", b"220-" + b"x" * 9000, b"220-a\r\n" * 500, b"", b"\xff\x1b[2J\r\n"])
def test_what_is_no_mail_server_is_not_reached_and_that_is_known_soon(greeting: bytes) -> None:
    with serving(Faults(greeting=greeting)) as (port, _):
        began = time.monotonic()
        (answer,) = probe([Address("127.0.0.1", port)], policy(), (), began + 2)
        assert time.monotonic() - began < 4
    assert isinstance(answer, EnvironmentFailedError)
    assert re.match(r"127\.0\.0\.1:\d+: \w", str(answer))


def test_the_parameters_of_the_samples_are_not_those_of_this_server(good: ssl.SSLContext) -> None:
    assert ask(Faults(good), policy(opportunistic=PARAMETERS)).errors
