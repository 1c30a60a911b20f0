"""The probe against a small server: each fault is found, and what can't be found out is never a pass."""

from __future__ import annotations

import datetime as dt
import itertools
import re
import socket
import ssl
import time
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import trustme
from cryptography import x509

from tests.lab.certificates import Authority
from tests.live.talker import Faults, serving
from tests.policies import PARAMETERS, make_policy
from tlsconf.errors import EnvironmentFailedError
from tlsconf.live import server, smtp
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
def good_leaf(ca: trustme.CA) -> trustme.LeafCert:
    return ca.issue_cert("mx.sample.example", key_type=trustme.KeyType.RSA)


@pytest.fixture(scope="module")
def good(good_leaf: trustme.LeafCert) -> ssl.SSLContext:
    return serving_context(good_leaf)


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


def test_a_server_that_conforms(good: ssl.SSLContext, good_leaf: trustme.LeafCert, ca: trustme.CA, tmp_path: Path) -> None:
    ca.cert_pem.write_to_path(tmp_path / "anchors.pem")
    answer = ask(Faults(good), policy(outbound_trust_anchors=str(tmp_path / "anchors.pem")))
    assert (answer.found, answer.untested) == ((), ())
    assert answer.seen.suites == {"TLSv1.2": SUITES[3:], "TLSv1.3": SUITES[:3]}
    assert answer.seen.groups == {"TLSv1.3": ("X25519",), "TLSv1.2": ("X25519",)}
    (certificate,) = answer.seen.certificates
    assert certificate.key == "RSA, 2048 bits"
    leaf = x509.load_pem_x509_certificate(good_leaf.cert_chain_pems[0].bytes())
    assert certificate.until == leaf.not_valid_after_utc.timestamp()


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


def speaking(data: bytes, times: int = 1, pause: float = 0) -> Any:
    def talk(client: socket.socket) -> None:
        client.recv(4096)
        for _ in range(times):
            client.sendall(data)
            time.sleep(pause)

    return talk


@pytest.mark.parametrize("data", [b"220 what?\r\n" * 9, b"\x16\x03\x03\x00\x04\x02\x00\x00\x00", bytes(range(256)) * 9])
def test_what_is_no_tls_is_an_error_and_no_pass(good: ssl.SSLContext, data: bytes) -> None:
    answer = ask(Faults(good, handshake=speaking(data)), policy(), seconds=5)
    assert errors(answer) == {"starttls-fails"}
    assert {item.id for item in answer.untested} >= {"sessions", "certificates"}


def test_a_refusal_in_the_words_of_smtp_is_one(good: ssl.SSLContext) -> None:
    answer = ask(Faults(good, handshake=speaking(b"554 Security failure\r\n")), policy(), seconds=5)
    assert errors(answer) == {"version-refused"}


def test_a_server_that_is_busy_where_tls_should_begin_is_asked_again(good: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exim says 421 in clear text on port 465, too."""
    monkeypatch.setattr(server, "_PAUSES", (0.01, 0.01, 0.01))
    count = itertools.count()

    def moody(client: socket.socket) -> None:
        if next(count) % 2:
            client.recv(4096)
            client.sendall(b"421 too many\r\n")
        else:
            with good.wrap_socket(client, server_side=True) as session, session.makefile("rwb", 0) as lines:
                while line := lines.readline():
                    lines.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 ok\r\n")

    answer = ask(Faults(good, handshake=moody), policy())
    assert (answer.found, [item for item in answer.untested if item.is_cut]) == ((), [])
    assert answer.seen.suites == {"TLSv1.2": SUITES[3:], "TLSv1.3": SUITES[:3]}


@pytest.mark.parametrize(("data", "pause"), [(b"", 9), (b"\x16\x03\x03\x40\x00", 9), (b"\x16", 0.3)])
def test_a_server_that_is_silent_for_a_handshake_is_not_called_well(good: ssl.SSLContext, data: bytes, pause: float) -> None:
    began = time.monotonic()
    answer = ask(Faults(good, handshake=speaking(data, 20, pause)), policy(), seconds=2)
    assert time.monotonic() - began < 5
    assert (answer.errors, answer.is_whole) == (0, False)
    assert {item.id for item in answer.untested if item.is_cut} >= {"sessions", "certificates", "mail"}


def test_a_handshake_without_end(good: ssl.SSLContext) -> None:
    """OpenSSL takes requests for another handshake as long as they come, and looks at no clock."""
    requests = b"\x16\x03\x03\x00\x04\x00\x00\x00\x00" * 1000
    with serving(Faults(good, handshake=speaking(requests, 5000))) as (port, _):
        began = time.monotonic()
        (answer,) = probe([Address("127.0.0.1", port)], policy(), (), began + 1)
        assert time.monotonic() - began < 5
    assert isinstance(answer, EnvironmentFailedError) or not answer.is_whole


def test_an_answer_that_comes_byte_by_byte_is_not_waited_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smtp, "_PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            client, _ = listener.accept()
            with client, suppress(OSError):
                for _ in range(100):
                    client.sendall(b"2")
                    time.sleep(0.1)

        Thread(target=drip, daemon=True).start()
        began = time.monotonic()
        (answer,) = probe([Address("127.0.0.1", listener.getsockname()[1])], policy(), (), began + 30)
        assert 0.9 < time.monotonic() - began < 5
    assert str(answer).endswith(": the server did not answer in time")


def test_a_name_that_nobody_finds_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(8))
    began = time.monotonic()
    answers = probe([Address(f"mx{number}.example", 25) for number in range(40)], policy(), (), began + 0.5)
    assert time.monotonic() - began < 4
    assert len({str(answer) for answer in answers}) == 40
    assert all("the time was up" in str(answer) for answer in answers)


def test_dead_addresses_are_tried_one_after_the_other(good: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(Faults(good)) as (port, _), socket.create_server(("127.0.0.1", 0)) as dead:
        closed = dead.getsockname()[1]
        dead.close()
        kinds = ((socket.AF_UNSPEC, closed), (socket.AF_INET, closed), (socket.AF_INET, port))  # the first has no sockets here
        found = [(kind, socket.SOCK_STREAM, 0, "", ("127.0.0.1", number)) for kind, number in kinds]
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: found if host == "mx.sample.example" else found[2:])
        (answer,) = probe([Address("mx.sample.example", 25)], policy(), (), time.monotonic() + 30)
    assert not isinstance(answer, EnvironmentFailedError)
    assert (answer.address, answer.errors) == ("127.0.0.1", 0)


def test_ipv6(good: ssl.SSLContext) -> None:
    exempt = make_policy().inbound.exempt_clients
    with serving(Faults(good), "::1") as (port, seen):
        (answer,) = probe([Address("::1", port)], policy(inbound_rules=(BANK,), inbound_exempt_clients=exempt), (), time.monotonic() + 30)
    assert not isinstance(answer, EnvironmentFailedError)
    assert (answer.server, answer.address, answer.errors, answer.is_whole) == (f"[::1]:{port}", "::1", 0, True)
    assert "EHLO [IPv6:::1]" in seen
    assert any("this client (::1) is exempt" in item.message for item in answer.untested)


@pytest.mark.parametrize("also_in_clear", [True, False])
def test_a_port_for_those_who_log_in_says_nothing_of_the_rules(good: ssl.SSLContext, *, also_in_clear: bool) -> None:
    login = b"530 5.7.0 Authentication required\r\n"
    refuse = lambda _, tls: login if tls or also_in_clear else REQUIRED  # noqa: E731
    answer = ask(Faults(good, refuse=refuse), policy(inbound_rules=(BANK,), inbound_tls=Level.REQUIRED))
    assert errors(answer) == set()
    assert [item.message.endswith("only after a login (AUTH)") for item in answer.untested if item.id == "rules"] == [True, True]


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
