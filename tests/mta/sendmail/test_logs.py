"""Sendmail's lines, joined."""

from __future__ import annotations

import pytest

from tests.traffic.lines import read, understood
from tlsconf.tls import Version
from tlsconf.traffic.evidence import Failure, Proof, Session

ID = "6ANBMcOg016844"
TLS12 = Session(Version.TLSv1_2, "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256, None, Proof.TRUSTED)


def line(text: str, pid: int = 7) -> str:
    return f"Nov 23 11:22:38 mx sm-mta[{pid}]: {text}\n"


def made(relay: str = "a.example.", pid: int = 7, verify: str = "OK") -> str:
    return line(f"STARTTLS=client, relay={relay}, version=TLSv1.2, verify={verify}, cipher=ECDHE-RSA-AES256-GCM-SHA384, bits=256/256", pid)


def sent(
    to: str = "<u@X.example>", relay: str = "a.example. [192.0.2.1]", stat: str = "Sent (Ok)", pid: int = 7, queue_id: str = ID
) -> str:
    return line(
        f"{queue_id}: to={to}, ctladdr=<a@y.example> (1/1), delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=30072, relay={relay}, "
        f"dsn=2.0.0, stat={stat}",
        pid,
    )


def test_a_delivery_has_the_connection_of_its_process() -> None:
    (passage,) = understood(made() + sent())
    assert passage[1:] == ("mx", True, "x.example", "a.example", "192.0.2.1", None, ID, "delivered", TLS12, None, None)


def test_a_process_keeps_connections_for_other_messages() -> None:
    text = made() + made("b.example.") + sent() + sent(queue_id="6ANBMcOg016845")
    assert [passage.session for passage in understood(text)] == [TLS12, TLS12]


@pytest.mark.parametrize("text", [made(pid=8), made("b.example."), made().replace(" mx ", " other "), made().replace("11:22", "09:22")])
def test_the_connection_of_another(text: str) -> None:
    (passage,) = understood(text + sent())
    assert passage.session is None


def test_hosts_without_a_name() -> None:
    (passage,) = understood(made("[192.0.2.1]") + sent(relay="[192.0.2.1] [192.0.2.1]"))
    assert (passage.host, passage.address, passage.session) == ("192.0.2.1", "192.0.2.1", TLS12)


def test_long_names_are_shortened_in_the_middle() -> None:
    (passage,) = understood(made("a-very-long-name-of-a-host.example.") + sent(relay="a-very-long-n...ost.example. [192.0.2.1]"))
    assert passage.session == TLS12


def test_recipients_of_one_domain_are_one_message() -> None:
    found = understood(made() + sent("<u@x.example>,<v@x.example>,<v@y.example>") + sent("<w@x.example>"))
    assert [passage.domain for passage in found] == ["x.example", "y.example"]


@pytest.mark.parametrize("mailer", ["local", "prog", "procmail", "*file*"])
def test_deliveries_on_the_machine_are_left_out(mailer: str) -> None:
    assert understood(sent().replace("mailer=esmtp", f"mailer={mailer}")) == []


@pytest.mark.parametrize(
    ("verify", "proof"),
    [
        ("OK", Proof.TRUSTED), ("TRUSTED", Proof.VERIFIED), ("NO", Proof.ANONYMOUS), ("NOT", Proof.ANONYMOUS), ("FAIL", Proof.UNTRUSTED),
        ("DANE_FAIL", Proof.UNTRUSTED), ("TEMP", Proof.UNKNOWN),
    ],
)  # fmt: skip
def test_what_a_certificate_proved(verify: str, proof: Proof) -> None:
    (passage,) = understood(made(verify=verify) + sent())
    assert passage.session is not None
    assert passage.session.proof is proof


@pytest.mark.parametrize(
    ("stat", "result", "failure"),
    [
        ("Deferred: 454 4.7.0 TLS is required, rule bank", "deferred", Failure.NOT_OFFERED),
        ("Deferred: 403 4.7.0 TLS handshake failed.", "deferred", Failure.HANDSHAKE),
        ("Deferred: 454 4.7.0 TLSv1.3 or later is required, rule bank", "deferred", Failure.HANDSHAKE),
        ("Deferred: 454 4.7.0 certificate not verified, rule bank", "deferred", Failure.CERTIFICATE),
        ("Deferred: 454 4.7.0 certificate is for another name, rule bank", "deferred", Failure.CERTIFICATE),
        ("Deferred: 454 4.7.0 DANE check failed, rule bank", "deferred", Failure.DANE),
        ("Deferred: DANE: missing STARTTLS", "deferred", Failure.DANE),
        ("Deferred: Connection refused by a.example.", "deferred", None),
        ("User unknown", "bounced", None),
        ("Service unavailable", "bounced", None),
    ],
)
def test_why_a_message_is_kept(stat: str, result: str, failure: Failure | None) -> None:
    (passage,) = understood(sent(stat=stat))
    assert (passage.result, passage.failure) == (result, failure)


def test_clear_text_after_a_failed_handshake_is_said() -> None:
    failed = line(
        "STARTTLS=client, error: connect failed=-1, reason=no protocols available, SSL_error=1, errno=0, retry=-1, relay=a.example."
    )
    (passage,) = understood(made() + failed + sent())
    assert (passage.result, passage.session, passage.failure) == ("delivered", None, Failure.HANDSHAKE)


def test_the_client_does_not_say_with_whom_a_handshake_failed() -> None:
    failed = line("STARTTLS=client, error: connect failed=-1, reason=tlsv1 alert protocol version, SSL_error=1, errno=0, retry=-1")
    text = failed + sent(stat="Deferred: 454 4.7.0 TLS is required, rule bank") + sent("<u@y.example>", "b.example. [192.0.2.2]")
    assert [passage.failure for passage in understood(text)] == [Failure.HANDSHAKE, None]


def test_a_reason_that_only_the_ruleset_says() -> None:
    why = line(f"{ID}: ruleset=tls_rcpt, arg1=u@x.example, relay=a.example., reject=454 4.7.0 certificate not verified, rule bank")
    (passage,) = understood(made() + why + sent(stat="Deferred"))
    assert (passage.sent, passage.session, passage.failure) == (True, TLS12, Failure.CERTIFICATE)


@pytest.mark.parametrize(
    "text",
    [
        "STARTTLS=client, relay=a.example., field=cn_issuer, status=failed to extract CN",
        "STARTTLS=client, relay=a.example., warning=DANE configured in DNS but STARTTLS failed",
        "TLSA=_25._tcp.a.example, records=1, status=all TLSA RRs are unsupported",
        "STARTTLS=client, cert-subject=/CN=a.example, cert-issuer=/CN=b, verifymsg=ok",
        "STARTTLS=server, init=1",
        "tls_srv_features=empty, stat=0, relay=c.example [198.51.100.1]",
    ],
)
def test_lines_about_tls_that_say_nothing_of_a_message(text: str) -> None:
    assert understood(line(text)) == []


CONNECT = line("NOQUEUE: connect from c.example [198.51.100.1]")
STARTED = line(
    "STARTTLS=server, relay=c.example [198.51.100.1], version=TLSv1.2, verify=OK, cipher=ECDHE-RSA-AES256-GCM-SHA384, bits=256/256"
)


def came(protocol: str, sender: str = "<a@X.example>", nrcpts: int = 1, relay: str = "c.example [198.51.100.1]") -> str:
    return line(f"{ID}: from={sender}, size=75, class=0, nrcpts={nrcpts}, msgid=<1@x>, proto={protocol}, daemon=MTA-v4, relay={relay}")


def test_a_message_that_comes_in() -> None:
    (passage,) = understood(CONNECT + STARTED + came("ESMTPS"))
    assert passage[1:] == ("mx", False, "x.example", "c.example", "198.51.100.1", None, ID, "delivered", TLS12, None, None)


def test_a_message_that_comes_in_as_clear_text() -> None:
    assert [passage.session for passage in understood(STARTED + CONNECT + came("ESMTP"))] == [None]


def test_a_client_that_does_not_greet_again_after_starttls() -> None:
    other = came("ESMTP", relay="d.example [198.51.100.2]")
    assert [passage.session for passage in understood(CONNECT + STARTED + came("ESMTP") + other)] == [TLS12, None]


def test_lines_have_the_message_in_front_where_there_is_a_milter() -> None:
    milter = line(f"{ID}: Milter: connect to filters")
    (passage,) = understood(CONNECT + milter + STARTED.replace("STARTTLS=", f"{ID}: STARTTLS=") + came("ESMTPS"))
    assert passage.session == TLS12
    (passage,) = understood(
        line(f"{ID}: STARTTLS=server, error: accept failed=-1, reason=unknown, SSL_error=1, errno=0, retry=-1, relay=[198.51.100.1]")
    )
    assert (passage.address, passage.failure) == ("198.51.100.1", Failure.HANDSHAKE)


def test_a_session_of_which_only_the_protocol_is_written() -> None:
    assert [passage.session for passage in understood(STARTED + CONNECT + came("ESMTPS"))] == [Session()]


def test_what_was_not_taken_and_what_the_machine_made_is_left_out() -> None:
    assert understood(came("ESMTP", nrcpts=0) + came("ESMTP", relay="root@localhost")) == []


def test_senders_without_a_domain() -> None:
    assert [passage.domain for passage in understood(came("ESMTP", "<>") + came("ESMTP", "<a@[192.0.2.1]>"))] == [None, None]


def test_handshakes_that_fail() -> None:
    (passage,) = understood(
        line(
            "STARTTLS=server, error: accept failed=-1, reason=unsupported protocol, SSL_error=1, errno=0, retry=-1, "
            "relay=c.example [198.51.100.1]"
        )
        + line("STARTTLS=server: error:0A000102:SSL routines::unsupported protocol:../ssl/statem/statem_srvr.c:1780:")
    )
    assert (passage.address, passage.result, passage.failure) == ("198.51.100.1", "refused", Failure.HANDSHAKE)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("530 5.7.0 Must issue a STARTTLS command first", "refused"),
        ("450 4.7.0 Must issue a STARTTLS command first", "deferred"),
        ("530 5.7.0 TLSv1.3 or later is required", "refused"),
        ("550 5.7.1 <a@x.example>... Access denied", None),
    ],
)
def test_clients_without_tls_are_refused(answer: str, result: str | None) -> None:
    found = understood(line(f"{ID}: ruleset=check_mail, arg1=<a@x.example>, relay=c.example [198.51.100.1], reject={answer}"))
    assert [(p.domain, p.result, p.failure) for p in found] == ([("x.example", result, Failure.REQUIRED_OF_CLIENT)] if result else [])


def refused_recipient(to: str = "r@own.example", queue_id: str = ID) -> str:
    answer = "530 5.7.0 Must issue a STARTTLS command first"
    return line(f"{queue_id}: ruleset=check_rcpt, arg1=<{to}>, relay=c.example [198.51.100.1], reject={answer}")


def nothing_taken(sender: str, queue_id: str = ID) -> str:
    return line(f"{queue_id}: from=<{sender}>, size=0, class=0, nrcpts=0, proto=ESMTP, daemon=MTA-v4, relay=c.example [198.51.100.1]")


def test_a_refused_recipient_counts_for_the_sender_who_is_written_later() -> None:
    (passage,) = understood(refused_recipient() + refused_recipient("s@own.example") + nothing_taken("a@X.example"))
    assert (passage.domain, passage.result, passage.failure) == ("x.example", "refused", Failure.REQUIRED_OF_CLIENT)
    other = "6ANBMcOg016845"
    assert understood(nothing_taken("a@x.example") + refused_recipient() + nothing_taken("a@x.example", other)) == []


def test_a_handshake_that_failed_is_told_of_every_recipient_of_the_message_and_of_no_other() -> None:
    failed = line("STARTTLS=client, error: connect failed=-1, reason=no protocols available, SSL_error=1, errno=0, retry=-1")
    named = line("ruleset=tls_server, arg1=SOFTWARE, relay=a.example, reject=454 4.7.0 TLS handshake failed.")
    later = sent(queue_id="6ANBMcOg016845")
    reason = "Deferred: 454 4.7.0 TLS is required, rule bank"
    found = understood(failed + named + sent(stat=reason) + sent("<u@z.example>") + later)
    assert [(passage.domain, passage.failure) for passage in found] == [
        ("x.example", Failure.HANDSHAKE),
        ("z.example", Failure.HANDSHAKE),
        ("x.example", None),
    ]


def test_a_handshake_that_failed_takes_the_place_of_an_older_connection() -> None:
    failed = line("STARTTLS=client, error: connect failed=-1, reason=no protocols available, SSL_error=1, errno=0, retry=-1")
    named = line("ruleset=tls_server, arg1=SOFTWARE, relay=a.example, reject=454 4.7.0 TLS handshake failed.")
    (_, second) = understood(made() + sent() + failed + named + sent(queue_id="6ANBMcOg016845"))
    assert (second.session, second.failure) == (None, Failure.HANDSHAKE)


def test_lines_about_tls_that_nobody_knows_are_counted() -> None:
    found, reading = read(line("STARTTLS=client, the engine sings") + line("sings"))
    assert (found, reading.unknown) == ([], 1)
