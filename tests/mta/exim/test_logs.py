"""Exim's lines."""

from __future__ import annotations

import pytest

from tests.traffic.lines import read, understood
from tlsconf.tls import Version
from tlsconf.traffic.evidence import Failure, Proof, Session

ID = "1xVS86-000000004NI-1kZl"
AES256 = "TLS_AES_256_GCM_SHA384"
REMOTE = "SMTP error from remote mail server after RCPT TO:<dane@co.dane.example>: 451"
GNUTLS = "X=TLS1.3:ECDHE_SECP256R1__RSA_PSS_RSAE_SHA256__AES_256_GCM:256"


def line(text: str) -> str:
    return f"2026-11-23 11:22:38 {text}\n"


def sent(fields: str, flag: str = "=>", to: str = "u@X.example") -> str:
    return line(f"{ID} {flag} {to} R=dnslookup T=remote_smtp {fields}")


def test_a_delivery() -> None:
    (passage,) = understood(sent(f'H=a.example [192.0.2.1]:25 {GNUTLS} CV=yes DN="CN=a.example" K C="250 Ok"'))
    cipher = "ECDHE_SECP256R1__RSA_PSS_RSAE_SHA256__AES_256_GCM"
    session = Session(Version.TLSv1_3, cipher, AES256, 256, "SECP256R1", Proof.VERIFIED)
    assert passage[1:] == ("", True, "x.example", "a.example", "192.0.2.1", 25, ID, "delivered", session, None, None)


def test_a_delivery_in_clear_text() -> None:
    (passage,) = understood(sent('H=a.example [2001:db8::1] C="250 X=TLS1.3:TLS_AES_256_GCM_SHA384:256"'))
    assert (passage.result, passage.session, passage.address) == ("delivered", None, "2001:db8::1")


@pytest.mark.parametrize(
    ("written", "version", "suite", "group"),
    [
        ("X=TLS1.3:TLS_AES_256_GCM_SHA384:256", Version.TLSv1_3, AES256, None),
        ("X=TLS1.3:TLS_AES_256_GCM_SHA384:256:X25519MLKEM768", Version.TLSv1_3, AES256, "X25519MLKEM768"),
        ("X=TLS1.3:TLS_AES_256_GCM_SHA384:256*", Version.TLSv1_3, AES256, None),
        ("X=TLS1.2:ECDHE-RSA-AES256-GCM-SHA384:256", Version.TLSv1_2, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", None),
        ("X=TLSv1.2:ECDHE-RSA-AES256-GCM-SHA384:256", Version.TLSv1_2, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", None),
        ("X=TLS1.2:DHE_RSA_AES_256_GCM_SHA384:256", Version.TLSv1_2, None, None),
    ],
)
def test_how_sessions_are_written(written: str, version: Version, suite: str | None, group: str | None) -> None:
    (passage,) = understood(sent(f"H=a.example [192.0.2.1] {written} CV=no"))
    assert passage.session is not None
    assert (passage.session.version, passage.session.group, passage.session.proof) == (version, group, Proof.UNTRUSTED)
    if suite is not None:
        assert passage.session.suite == suite


@pytest.mark.parametrize(
    ("word", "proof"), [("CV=yes", Proof.VERIFIED), ("CV=dane", Proof.VERIFIED), ("CV=no", Proof.UNTRUSTED), ("", Proof.UNKNOWN)]
)
def test_what_a_certificate_proved(word: str, proof: Proof) -> None:
    (passage,) = understood(sent(f"H=a.example [192.0.2.1] {GNUTLS} {word}"))
    assert passage.session is not None
    assert passage.session.proof is proof


def test_recipients_of_one_domain_are_one_message() -> None:
    fields = f"H=a.example [192.0.2.1] {GNUTLS} CV=yes"
    text = sent(fields) + sent(fields, "->", "v@x.example") + sent(fields, "->", "v@y.example")
    assert [passage.domain for passage in understood(text)] == ["x.example", "y.example"]


def test_the_address_that_was_delivered_to_counts() -> None:
    (passage,) = understood(sent("H=a.example [192.0.2.1]", to="u@new.example <u@old.example>"))
    assert passage.domain == "new.example"


@pytest.mark.parametrize("text", ["=> root <root@x.example> R=r_local T=t_local", "=> /var/mail/u <u@x.example> R=a T=file", "Completed"])
def test_deliveries_on_the_machine_are_left_out(text: str) -> None:
    assert understood(line(f"{ID} {text}")) == []


@pytest.mark.parametrize(
    ("flag", "text", "result", "failure"),
    [
        (
            "==",
            "defer (-38) H=a.example [192.0.2.1]: a TLS session is required, but the server did not offer TLS support",
            "deferred",
            "NOT_OFFERED",
        ),
        ("==", "defer (-38): a TLS session is required for a.example, but the server did not offer TLS support", "deferred", "NOT_OFFERED"),
        (
            "==",
            "defer (-38) H=a.example [192.0.2.1]: a TLS session is required, but an attempt to start TLS failed",
            "deferred",
            "HANDSHAKE",
        ),
        (
            "==",
            "defer (-37) H=a.example [192.0.2.1]: TLS session: (gnutls_handshake): A TLS fatal alert has been received.",
            "deferred",
            "HANDSHAKE",
        ),
        (
            "==",
            "defer (-37) H=a.example [192.0.2.1]: TLS session: (certificate verification failed): certificate invalid",
            "deferred",
            "CERTIFICATE",
        ),
        (
            "==",
            "defer (-37) H=a.example [192.0.2.1]: TLS session: (SSL_connect): error:0A::certificate verify failed",
            "deferred",
            "CERTIFICATE",
        ),
        (
            "==",
            "defer (0) H=a.example [192.0.2.1]: SMTP error from remote mail server after STARTTLS: 454 4.7.0 no",
            "deferred",
            "HANDSHAKE",
        ),
        ("==", "defer (-36) H=a.example [192.0.2.1]: DANE error: tlsa lookup FAIL", "deferred", "DANE"),
        ("**", f'H=a.example [192.0.2.1] {GNUTLS} CV=yes DN="CN=a": SMTP error from remote mail server: 550 no', "bounced", None),
        (
            "==",
            f"defer (-44) H=mx.co.dane.example [192.0.2.1]: {REMOTE} try later",
            "deferred",
            None,
        ),
        (
            "==",
            f"defer (-44) H=a.example [192.0.2.1]: {REMOTE} TLS session: (gnutls_handshake) failed",
            "deferred",
            None,
        ),
        ("==", "defer (-37) H=a.example [192.0.2.1]: failure while setting up TLS session", "deferred", "HANDSHAKE"),
    ],
)
def test_what_is_not_delivered(flag: str, text: str, result: str, failure: str | None) -> None:
    (passage,) = understood(sent(text, flag))
    assert (passage.result, passage.failure and passage.failure.name) == (result, failure)


def test_clear_text_after_all_is_said() -> None:
    text = line(
        f"{ID} TLS session: (certificate verification failed): certificate invalid: "
        "delivering unencrypted to H=a.example [192.0.2.1] (not in hosts_require_tls)"
    )
    (passage,) = understood(text + sent("H=a.example [192.0.2.1]"))
    assert (passage.result, passage.session, passage.failure) == ("delivered", None, Failure.CERTIFICATE)
    (other,) = understood(text + sent("H=a.example [192.0.2.2]"))
    assert other.failure is None


def test_clear_text_after_all_in_older_words() -> None:
    text = line(f"{ID} TLS session failure: delivering unencrypted to a.example [192.0.2.1] (not in hosts_require_tls)")
    (passage,) = understood(text + sent("H=a.example [192.0.2.1]"))
    assert (passage.session, passage.failure) == (None, Failure.HANDSHAKE)


def test_what_comes_in() -> None:
    (passage,) = understood(line(f"{ID} <= a@X.example H=c.example (helo) [198.51.100.1]:4711 P=esmtps {GNUTLS} CV=no S=341 id=1@x"))
    assert passage[1:8] == ("", False, "x.example", "c.example", "198.51.100.1", None, ID)
    assert passage.session is not None
    assert passage.session.proof is Proof.UNKNOWN


def test_what_comes_in_as_clear_text() -> None:
    text = line(rf'{ID} <= a@x.example H=(helo) [198.51.100.1] P=esmtp S=288 T="\" X=TLS1.3:TLS_AES_256_GCM_SHA384:256 P=esmtps \""')
    (passage,) = understood(text)
    assert (passage.host, passage.session) == (None, None)


def test_a_session_of_which_only_the_protocol_is_written() -> None:
    (passage,) = understood(line(f"{ID} <= a@x.example H=(helo) [198.51.100.1] P=esmtpsa A=plain:u S=288"))
    assert passage.session == Session()


@pytest.mark.parametrize(("sender", "domain"), [("<>", None), ("a@[192.0.2.1]", None), ('"a b"@x.example', "x.example")])
def test_senders(sender: str, domain: str | None) -> None:
    (passage,) = understood(line(f"{ID} <= {sender} H=(helo) [198.51.100.1] P=esmtp S=288"))
    assert passage.domain == domain


def test_messages_of_the_machine_are_left_out() -> None:
    assert understood(line(f"{ID} <= <> R=1xVS86-000000004NP-23G6 U=Debian-exim P=local S=1726")) == []


@pytest.mark.parametrize("library", ["gnutls_handshake", "SSL_accept"])
def test_handshakes_that_fail(library: str) -> None:
    (passage,) = understood(
        line(f"TLS error on connection from c.example (x) [198.51.100.1] ({library}): An unexpected TLS packet was received.")
    )
    assert (passage.host, passage.address, passage.result, passage.failure) == ("c.example", "198.51.100.1", "refused", Failure.HANDSHAKE)


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("(recv): The TLS connection was non-properly terminated.", False),  # after the message, as many clients do
        ("(send): Error in the push function.", False),
        ("(recv): A TLS fatal alert has been received.: Certificate is bad", True),
    ],
)
def test_a_session_that_ends_is_no_handshake_that_fails(text: str, *, failed: bool) -> None:
    found = understood(line(f"TLS error on connection from (x) [198.51.100.1] {text}"))
    assert [passage.failure for passage in found] == ([Failure.HANDSHAKE] if failed else [])


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("F=<a@x.example> rejected MAIL <a@x.example>: 530 5.7.0 Must issue a STARTTLS command first", "refused"),
        ("F=<a@x.example> temporarily rejected MAIL <a@x.example>: 450 4.7.0 Must issue a STARTTLS command first", "deferred"),
        ("F=<a@x.example> rejected RCPT <tls@y.example>: relay not permitted", None),
    ],
)
def test_clients_without_tls_are_refused(text: str, result: str | None) -> None:
    found = understood(line(f"H=(helo) [198.51.100.1] {text}"))
    assert [(p.domain, p.result, p.failure) for p in found] == ([("x.example", result, Failure.REQUIRED_OF_CLIENT)] if result else [])


@pytest.mark.parametrize(
    "frame",
    [
        "2026-11-23 11:22:38.123 {}",
        "2026-11-23 11:22:38 +0100 {}",
        "2026-11-23 11:22:38.123 +0100 [4711] {}",
        "2026-11-23 11:22:38 [4711] {}",
        "Nov 23 11:22:38 mx exim[4711]: {}",
        "Nov 23 11:22:38 mx exim[4711]: 2026-11-23 11:22:38 {}",
        "Nov 23 11:22:38 mx exim4[4711]: [4711] {}",
        "Nov 23 11:22:38 mx exim[4711]: [1/2] 2026-11-23 11:22:38 {}\nNov 23 11:22:38 mx exim[4711]: [2/2] CV=no TLS and more",
        "Nov 23 11:22:38 mx exim[4711]: [1\\2] {}\nNov 23 11:22:38 mx exim[4711]: [2\\2] and more",
        "2026-11-23T11:22:38.123456+01:00 mx exim[4711]: 2026-11-23 11:22:38.123 +0100 {}",
        "<22>1 2026-11-23T11:22:38Z mx exim 4711 - - {}",
    ],
)
@pytest.mark.parametrize("identifier", [ID, "1OZjsa-00020M-G0"])
def test_how_lines_are_framed(frame: str, identifier: str) -> None:
    (passage,) = understood(frame.format(f"{identifier} => u@x.example R=r T=t H=a.example [192.0.2.1] {GNUTLS}") + "\n")
    assert passage.queue_id == identifier
    assert passage.session is not None


@pytest.mark.parametrize(("sender", "domain"), [("a@X.example", "x.example"), ("", None), ('"rejected RCPT: >"@x.example', "x.example")])
def test_whom_a_refused_client_brought_mail_of(sender: str, domain: str | None) -> None:
    answer = "530 5.7.0 Must issue a STARTTLS command first"
    (passage,) = understood(line(f"H=(c.example) [198.51.100.1] rejected MAIL <{sender}>: {answer}"))
    assert (passage.domain, passage.address) == (domain, "198.51.100.1")


def test_a_delivery_that_died_over_tlsa_records() -> None:
    died = sent("defer (-1): smtp transport process returned non-zero status 0x000b: terminated by signal 11", "==")
    (passage,) = understood(line(f"{ID} DANE error: No usable TLSA records") + died)
    assert (passage.domain, passage.host, passage.result, passage.failure) == ("x.example", None, "deferred", Failure.DANE)
    assert understood(died) == []


def test_lines_about_tls_that_nobody_knows_are_counted() -> None:
    found, reading = read(line(f"{ID} the TLS engine sings") + line("something new about TLS") + line("sings"))
    assert (found, reading.unknown) == ([], 2)
