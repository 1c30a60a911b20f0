"""Postfix's lines, joined."""

from __future__ import annotations

import pytest

from tests.traffic.lines import read, understood
from tlsconf.tls import Version
from tlsconf.traffic.evidence import Failure, Proof, Session

SESSION = (
    "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits) "
    "key-exchange X25519MLKEM768 server-signature RSA-PSS (2048 bits) server-digest SHA256"
)
TLS13 = Session(Version.TLSv1_3, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", 256, "X25519MLKEM768", Proof.TRUSTED)


def smtp(text: str, pid: int = 7, second: int = 0) -> str:
    return f"Nov 23 11:23:{second:02} mx postfix/smtp[{pid}]: {text}\n"


def made(relay: str, pid: int = 7, session: str = SESSION, what: str = "Trusted TLS connection established") -> str:
    return smtp(f"{what} to {relay}: {session}", pid)


def sent(
    queue_id: str, to: str, relay: str, pid: int = 7, *, delays: str = "0.1/0/0.2/0.3", status: str = "sent (250 Ok)", tls: str = ""
) -> str:
    said = f"tls={tls}, " if tls else ""
    return smtp(f"{queue_id}: to=<{to}>, relay={relay}, delay=0.6, delays={delays}, {said}dsn=2.0.0, status={status}", pid)


A, B = "a.example[192.0.2.1]:25", "b.example[192.0.2.2]:25"


def sessions(text: str) -> list[tuple[str | None, Session | None]]:
    return [(passage.domain, passage.session) for passage in understood(text)]


def test_a_delivery_has_the_connection_of_its_process() -> None:
    (passage,) = understood(made(A) + made(B, pid=8) + sent("ABCDE1", "u@X.Example", A))
    assert passage[1:] == ("mx", True, "x.example", "a.example", "192.0.2.1", 25, "ABCDE1", "delivered", TLS13, None, None)


def test_without_a_connection_it_is_clear_text() -> None:
    assert sessions(sent("ABCDE1", "u@x.example", A)) == [("x.example", None)]


def test_another_message_of_the_process_has_not_the_connection_of_the_first() -> None:
    text = made(A) + sent("ABCDE1", "u@x.example", A) + sent("ABCDE2", "u@y.example", A)
    assert sessions(text) == [("x.example", TLS13), ("y.example", None)]


def test_another_request_of_the_message_has_not_the_connection_of_the_first() -> None:
    text = made(A) + sent("ABCDE1", "u@x.example", A) + sent("ABCDE1", "u@y.example", A, delays="0.1/0.4/0.1/0.3")
    assert sessions(text) == [("x.example", TLS13), ("y.example", None)]


def test_recipients_of_one_request_share_it() -> None:
    text = made(A) + sent("ABCDE1", "u@x.example", A) + sent("ABCDE1", "u@y.example", A, delays="0.1/0/0.2/0.9")
    assert sessions(text) == [("x.example", TLS13), ("y.example", TLS13)]


def test_a_connection_to_another_host_is_not_that_of_the_delivery() -> None:
    text = made(A) + sent("ABCDE1", "u@x.example", B) + sent("ABCDE1", "u@z.example", A)
    assert sessions(text) == [("x.example", None), ("z.example", None)]


def test_a_connection_of_an_hour_ago_is_forgotten() -> None:
    text = made(A) + sent("ABCDE1", "u@x.example", A).replace("11:23", "13:23")
    assert sessions(text) == [("x.example", None)]


def test_two_servers_may_have_processes_of_one_number() -> None:
    assert sessions(made(A).replace(" mx ", " other ") + sent("ABCDE1", "u@x.example", A)) == [("x.example", None)]


def test_recipients_of_one_domain_are_one_message() -> None:
    text = made(A) + sent("ABCDE1", "u@x.example", A) + sent("ABCDE1", "v@x.example", A)
    assert len(understood(text)) == 1


def test_a_queue_id_may_come_again() -> None:
    gone = "Nov 23 11:24:00 mx postfix/qmgr[3]: ABCDE1: removed\n"
    assert len(understood(sent("ABCDE1", "u@x.example", A) + gone + sent("ABCDE1", "v@x.example", A))) == 2


def test_connections_that_are_used_again() -> None:
    text = made(A) + sent("ABCDE1", "u@x.example", A) + made(A, what="Trusted TLS connection reused") + sent("ABCDE2", "u@x.example", A)
    assert sessions(text) == [("x.example", TLS13)] * 2


def tlsproxy(text: str) -> str:
    return f"Nov 23 11:23:00 mx postfix/tlsproxy[99]: {text}\n"


def test_connections_that_tlsproxy_makes_are_written_by_the_client_too() -> None:
    begin = tlsproxy("CONNECT to [192.0.2.1]:25") + tlsproxy(f"Trusted TLS connection established to {A}: {SESSION}")
    first = begin + made(A, pid=1) + sent("ABCDE1", "u@x.example", A, pid=1)
    again = made(A, pid=2, what="Trusted TLS connection reused") + sent("ABCDE2", "u@x.example", A, pid=2, tls="encrypt?")
    clear = tlsproxy("DISCONNECT [192.0.2.1]:25") + sent("ABCDE3", "u@x.example", A, pid=3)
    assert sessions(first + again + clear) == [("x.example", TLS13), ("x.example", TLS13), ("x.example", None)]


def test_handshakes_that_fail_in_tlsproxy() -> None:
    failed = tlsproxy("TLS handshake failed for service=smtp peer=[192.0.2.1]:2525")
    (passage,) = understood(failed)
    assert (passage.sent, passage.address, passage.result, passage.failure) == (False, "192.0.2.1", "refused", Failure.HANDSHAKE)
    status = "deferred (Cannot start TLS: handshake failure)"
    (passage,) = understood(
        tlsproxy("CONNECT to [192.0.2.1]:2525") + failed + sent("ABCDE1", "u@x.example", "[192.0.2.1]:2525", status=status)
    )
    assert (passage.sent, passage.result, passage.failure) == (True, "deferred", Failure.HANDSHAKE)


def test_connections_that_tlsproxy_takes_bring_no_mail() -> None:
    proxy = made("[192.0.2.9]:4711", pid=99).replace("postfix/smtp[", "postfix/tlsproxy[").replace(" to [", " from [")
    assert sessions(proxy + sent("ABCDE1", "u@x.example", "[192.0.2.9]:4711")) == [("x.example", None)]


@pytest.mark.parametrize(
    ("tls", "session"),
    [
        ("may", Session()),
        ("dane", Session()),
        ("dane-only", Session()),
        ("dane:encrypt", Session()),
        ("none", None),
        ("may:none", None),
        ("may?", None),
        ("", None),
        # Behind a slash come other features than TLS (postconf(5), smtp_log_tls_feature_status).
        ("may/requiretls:nocertmatch", Session()),
        ("encrypt/requiretls:none", Session()),
        ("may:none/requiretls", None),
    ],
)
def test_what_postfix_says_itself_from_311_on(tls: str, session: Session | None) -> None:
    assert sessions(sent("ABCDE1", "u@x.example", A, tls=tls)) == [("x.example", session)]


def test_what_postfix_says_itself_outweighs_a_join() -> None:
    assert sessions(made(A) + sent("ABCDE1", "u@x.example", A, tls="may:none")) == [("x.example", None)]
    assert sessions(made(A) + sent("ABCDE1", "u@x.example", A, tls="encrypt")) == [("x.example", TLS13)]
    assert sessions(made(A) + sent("ABCDE1", "u@x.example", A, tls="dane/requiretls:none")) == [("x.example", TLS13)]


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("TLS is required, but was not offered by host a.example[192.0.2.1]", Failure.NOT_OFFERED),
        ("TLS is required, but host a.example[192.0.2.1] refused to start TLS: 454 4.7.0 no", Failure.HANDSHAKE),
        ("Server certificate not verified", Failure.CERTIFICATE),
        ("Server certificate not trusted", Failure.CERTIFICATE),
        ("Cannot start TLS: handshake failure", Failure.HANDSHAKE),
        ("TLSA lookup error for a.example:25", Failure.DANE),
        (
            "host a.example[192.0.2.1] said: 530 5.7.0 Must issue a STARTTLS command first (in reply to MAIL FROM command)",
            Failure.REQUIRED_OF_CLIENT,
        ),
        ("connect to a.example[192.0.2.1]:25: Connection timed out", None),
    ],
)
def test_why_a_message_is_kept(text: str, failure: Failure | None) -> None:
    (passage,) = understood(sent("ABCDE1", "u@x.example", A, status=f"deferred ({text})"))
    assert (passage.result, passage.failure, passage.session) == ("deferred", failure, None)


def test_a_certificate_that_proves_nothing_under_dane() -> None:
    (passage,) = understood(sent("ABCDE1", "u@x.example", A, status="deferred (Server certificate not trusted)", tls="dane"))
    assert passage.failure is Failure.DANE


def test_clear_text_after_a_failed_handshake_is_said() -> None:
    failed = smtp("SSL_connect error to a.example[192.0.2.1]:25: -1") + smtp("warning: TLS library problem: error:0A000410:SSL routines::x")
    (passage,) = understood(failed + sent("ABCDE1", "u@x.example", A))
    assert (passage.result, passage.session, passage.failure) == ("delivered", None, Failure.HANDSHAKE)
    (other,) = understood(failed + sent("ABCDE1", "u@x.example", B))
    assert other.failure is None


def test_attempts_count_each() -> None:
    kept = sent("ABCDE1", "u@x.example", A, status="deferred (Cannot start TLS: handshake failure)")
    later = kept.replace("11:23", "11:53")
    assert [passage.result for passage in understood(kept + kept + later)] == ["deferred", "deferred"]


@pytest.mark.parametrize("daemon", ["local", "lmtp", "pipe", "virtual", "error", "cleanup"])
def test_deliveries_on_the_machine_are_left_out(daemon: str) -> None:
    assert understood(sent("ABCDE1", "u@x.example", A).replace("postfix/smtp[", f"postfix/{daemon}[")) == []


def test_probes_are_left_out() -> None:
    assert understood(sent("ABCDE1", "u@x.example", A, status="deliverable (250 Ok)")) == []


@pytest.mark.parametrize("name", ["postfix/smtp", "postfix-out/smtp", "postfix/relay/smtp", "postfix/submission/smtp"])
def test_names_of_services_and_instances(name: str) -> None:
    assert len(understood(sent("ABCDE1", "u@x.example", A).replace("postfix/smtp", name))) == 1


def test_what_an_address_holds_is_no_field() -> None:
    to = r'"x>, relay=evil[203.0.113.1]:25, delay=1, delays=1/1/1/1, dsn=2.0.0, status=sent ("@x.example'
    (passage,) = understood(made(A) + sent("ABCDE1", to, A, status="deferred (no)"))
    assert (passage.domain, passage.host, passage.result) == ("x.example", "a.example", "deferred")


def smtpd(text: str, pid: int = 5) -> str:
    return f"Nov 23 11:23:20 mx postfix/smtpd[{pid}]: {text}\n"


def came(queue_id: str, sender: str, pid: int = 5, rest: str = "") -> str:
    return smtpd(f"{queue_id}: client=c.example[198.51.100.1]{rest}", pid) + (
        f"Nov 23 11:23:20 mx postfix/qmgr[3]: {queue_id}: from=<{sender}>, size=536, nrcpt=1 (queue active)\n"
    )


CONNECT = smtpd("connect from c.example[198.51.100.1]")
STARTED = smtpd(
    "Anonymous TLS connection established from c.example[198.51.100.1]: TLSv1.2 with cipher ECDHE-RSA-AES128-GCM-SHA256 (128/128 bits)"
)


def test_a_message_that_comes_in() -> None:
    (passage,) = understood(CONNECT + STARTED + came("ABCDE1", "a@X.example"))
    session = Session(Version.TLSv1_2, "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 128, None, Proof.ANONYMOUS)
    assert passage[1:] == ("mx", False, "x.example", "c.example", "198.51.100.1", None, "ABCDE1", "delivered", session, None, None)


def test_the_next_client_of_a_process_has_not_the_session_of_the_last() -> None:
    text = CONNECT + STARTED + came("ABCDE1", "a@x.example") + CONNECT + came("ABCDE2", "a@x.example")
    assert [passage.session is None for passage in understood(text)] == [False, True]


@pytest.mark.parametrize("sender", ["", "a@[192.0.2.1]"])
def test_senders_without_a_domain(sender: str) -> None:
    (passage,) = understood(came("ABCDE1", sender))
    assert passage.domain is None


def test_a_message_is_taken_in_once_however_often_it_is_tried() -> None:
    again = "Nov 23 11:53:20 mx postfix/qmgr[3]: ABCDE1: from=<a@x.example>, size=536, nrcpt=1 (queue active)\n"
    assert len(understood(came("ABCDE1", "a@x.example") + again)) == 1


def test_what_comes_back_from_a_content_filter_is_no_other_message() -> None:
    assert understood(came("ABCDE1", "a@x.example", rest=", orig_queue_id=ABCDE0, orig_client=c.example[198.51.100.7]")) == []


def test_handshakes_that_fail() -> None:
    (passage,) = understood(
        CONNECT
        + smtpd("SSL_accept error from c.example[198.51.100.1]: -1")
        + smtpd("lost connection after STARTTLS from c.example[198.51.100.1]")
    )
    assert (passage.sent, passage.result, passage.failure, passage.session) == (False, "refused", Failure.HANDSHAKE, None)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("530 5.7.0 Must issue a STARTTLS command first", "refused"),
        ("530 5.7.10 <a@x.example>: Sender address rejected: Session encryption is required", "refused"),
        ("450 4.7.10 <a@x.example>: Sender address rejected: Session encryption is required", "deferred"),
        ("554 5.7.1 <tls@TLS.example>: Relay access denied", None),
    ],
)
def test_clients_without_tls_are_refused(answer: str, result: str | None) -> None:
    line = smtpd(f"NOQUEUE: reject: MAIL from c.example[198.51.100.1]: {answer}; from=<a@x.example> proto=ESMTP helo=<c.example>")
    found = understood(line + line)
    assert [(passage.domain, passage.result, passage.failure) for passage in found] == (
        [("x.example", result, Failure.REQUIRED_OF_CLIENT)] if result else []
    )


def test_lines_about_tls_that_nobody_knows_are_counted() -> None:
    found, reading = read(smtpd("the TLS engine sings") + smtp("SSL in words not known") + smtpd("sings"))
    assert (found, reading.unknown) == ([], 2)
    assert "the TLS engine sings" in reading.examples[0]


@pytest.mark.parametrize(
    "text",
    [
        "Host offered STARTTLS: [a.example]",
        "ABCDE1: Cannot start TLS: handshake failure",
        "warning: _25._tcp.a.example unsupported TLSA certificate usage: 1 1 1 E6CC",
        "setting up TLS connection to a.example[192.0.2.1]:25",
        "a.example[192.0.2.1]:25: subject_CN=a.example, issuer_CN=Trusted TLS CA",
    ],
)
def test_lines_about_tls_that_say_nothing_of_a_message(text: str) -> None:
    assert understood(smtp(text)) == []
