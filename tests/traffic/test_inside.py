"""What a machine hands to itself is no mail of peers; what peers sent or got is counted once, whatever it went through."""

from __future__ import annotations

import pytest

from tests.traffic.lines import understood
from tlsconf.traffic.inside import is_loopback, queue_id_in

BEGIN = "Nov 23 11:22:38 mx "
TLS = "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)"
IN = f"""
postfix/smtpd[1]: connect from far.example[198.51.100.1]
postfix/smtpd[1]: Anonymous TLS connection established from far.example[198.51.100.1]: {TLS}
postfix/smtpd[1]: AAAAA1: client=far.example[198.51.100.1]
postfix/qmgr[9]: AAAAA1: from=<u@far.example>, size=1, nrcpt=2 (queue active)
"""
AGAIN = """
postfix/smtpd[2]: BBBBB2: client=localhost[127.0.0.1]
"""
AGAIN_ACTIVE = """
postfix/qmgr[9]: BBBBB2: from=<u@far.example>, size=2, nrcpt=2 (queue active)
"""
FIELDS = "relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent"
REPLY = "250 2.0.0 Ok, id=16532-01, from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as BBBBB2"
FILTERED = f"""
postfix/smtp[3]: AAAAA1: to=<a@here.example>, {FIELDS} ({REPLY})
postfix/smtp[3]: AAAAA1: to=<b@else.example>, {FIELDS} ({REPLY})
"""
OUT = f"""
postfix/smtp[4]: Verified TLS connection established to mx.else.example[192.0.2.1]:25: {TLS}
postfix/smtp[4]: BBBBB2: to=<b@else.example>, relay=mx.else.example[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, \
status=sent (250 ok)
"""
PROXIED = f"""
postfix/smtpd[1]: connect from far.example[198.51.100.1]
postfix/smtpd[1]: Anonymous TLS connection established from far.example[198.51.100.1]: {TLS}
postfix/smtpd[1]: NOQUEUE: client=far.example[198.51.100.1]
"""
ACCEPTED = """
postfix/smtpd[1]: proxy-accept: END-OF-MESSAGE: 250 2.0.0 Ok: queued as BBBBB2; from=<u@far.example> to=<a@here.example> \
proto=ESMTP helo=<h>
"""
FORWARDED = """
postfix/smtpd[2]: BBBBB2: client=localhost[127.0.0.1], orig_client=far.example[198.51.100.1]
"""
SUBMITTED = """
sendmail[5]: x89Bx1VC007420: from=root, size=396, class=0, nrcpts=1, msgid=<1@x>, relay=root@localhost
sm-mta[6]: STARTTLS=server, relay=localhost [127.0.0.1], version=TLSv1.3, verify=NOT, cipher=TLS_AES_256_GCM_SHA384, bits=256/256
sm-mta[6]: x89Bx1iP007421: from=<root@x.example>, size=600, class=0, nrcpts=1, msgid=<1@x>, proto=ESMTPS, daemon=MTA, \
relay=localhost [127.0.0.1]
sendmail[5]: STARTTLS=client, relay=[127.0.0.1], version=TLSv1.3, verify=FAIL, cipher=TLS_AES_256_GCM_SHA384, bits=256/256
sendmail[5]: x89Bx1VC007420: to=u@else.example, ctladdr=root (0/0), delay=00:00:00, xdelay=00:00:00, mailer=relay, pri=30396, \
relay=[127.0.0.1] [127.0.0.1], dsn=2.0.0, stat=Sent (x89Bx1iP007421 Message accepted for delivery)
"""
SUBMITTED_LATER = SUBMITTED.replace("sendmail[5]", "sm-msp-queue[5]")
ALSO_TLS = """
sm-mta[7]: STARTTLS=client, relay=mx.else.example., version=TLSv1.3, verify=OK, cipher=TLS_AES_256_GCM_SHA384, bits=256/256
sm-mta[7]: x89Bx1iP007421: to=<u@else.example>, delay=00:00:00, xdelay=00:00:00, mailer=esmtp, pri=1, relay=mx.else.example. \
[192.0.2.1], dsn=2.0.0, stat=Sent (ok)
"""
IN_AND_OUT = [("far.example", False, True), ("else.example", True, True)]


def told(*texts: str) -> list[tuple[str | None, bool, bool]]:
    """Return domain, direction and whether there was TLS, as the lines say."""
    lines = "".join(f"{BEGIN}{line}\n" for text in texts for line in text.strip().splitlines())
    return [(passage.domain, passage.sent, passage.session is not None) for passage in understood(lines)]


@pytest.mark.parametrize(
    "texts",
    [
        (IN, AGAIN, AGAIN_ACTIVE, FILTERED, OUT),
        (IN, AGAIN, FILTERED, AGAIN_ACTIVE, OUT),  # the queue manager is busy
    ],
)
def test_a_content_filter(texts: tuple[str, ...]) -> None:
    assert told(*texts) == IN_AND_OUT


@pytest.mark.parametrize(
    "texts",
    [
        (PROXIED, AGAIN, AGAIN_ACTIVE, ACCEPTED, OUT),
        (PROXIED, AGAIN, ACCEPTED, AGAIN_ACTIVE, OUT),
        (PROXIED, FORWARDED, AGAIN_ACTIVE, ACCEPTED, OUT),  # with XFORWARD
    ],
)
def test_a_filter_that_the_client_waits_for(texts: tuple[str, ...]) -> None:
    assert told(*texts) == IN_AND_OUT


@pytest.mark.parametrize("submitted", [SUBMITTED, SUBMITTED_LATER])
def test_what_sendmail_hands_to_its_daemon(submitted: str) -> None:
    assert told(submitted, ALSO_TLS) == [("else.example", True, True)]


def test_exim_behind_a_filter() -> None:
    filtered = """
exim[1]: 1xVS86-000000004NI-1kZl <= u@far.example H=far.example [198.51.100.1] P=esmtps X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=no S=1
exim[2]: 1xVS87-000000004NP-23G6 <= u@far.example H=localhost [127.0.0.1] P=esmtp S=2
exim[3]: 1xVS86-000000004NI-1kZl => a@here.example R=amavis T=amavis H=127.0.0.1 [127.0.0.1] C="250 2.0.0 from \
MTA(smtp:[127.0.0.1]:10025): 250 OK id=1xVS87-000000004NP-23G6"
"""
    assert told(filtered) == [("far.example", False, True)]


def test_a_filter_that_takes_each_recipient_by_itself() -> None:
    ends = [text.replace("BBBBB2", queue_id) for queue_id in ("BBBBB2", "CCCCC3") for text in (AGAIN, AGAIN_ACTIVE)]
    one = f"postfix/smtp[3]: AAAAA1: to=<a@here.example>, {FIELDS} (250 Ok: queued as BBBBB2)"
    other = f"postfix/smtp[3]: AAAAA1: to=<b@here.example>, {FIELDS} (250 Ok: queued as CCCCC3)"
    assert told(IN, *ends, one, other) == [("far.example", False, True)]


def test_one_end_alone_is_mail_of_a_peer() -> None:
    webmail = "postfix/smtpd[2]: CCCCC3: client=localhost[127.0.0.1], sasl_method=PLAIN, sasl_username=u\n"
    webmail += "postfix/qmgr[9]: CCCCC3: from=<u@own.example>, size=2, nrcpt=1 (queue active)"
    another = FILTERED.replace("BBBBB2", "DDDDD4")
    assert sorted(told(webmail, another, IN)) == [
        ("else.example", True, False),
        ("far.example", False, True),
        ("here.example", True, False),
        ("own.example", False, False),
    ]


def test_another_server_in_the_same_log_is_not_the_machine_itself() -> None:
    lines = "".join(f"{BEGIN}{line}\n" for text in (IN, FILTERED) for line in text.strip().splitlines())
    lines += "".join(f"Nov 23 11:22:38 other {line}\n" for text in (AGAIN, AGAIN_ACTIVE) for line in text.strip().splitlines())
    assert len(understood(lines)) == 4


def test_a_queue_id_is_used_again_after_an_hour() -> None:
    early = "".join(f"Nov 23 09:22:38 mx {line}\n" for line in FILTERED.strip().splitlines())  # whose other end is in no log
    late = "".join(f"{BEGIN}{line}\n" for text in (AGAIN, AGAIN_ACTIVE) for line in text.strip().splitlines())
    assert len(understood(early + late)) == 3


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("IPv6:::1", True),
        ("IPv6:0:0:0:0:0:0:0:1", True),
        ("128.0.0.1", False),
        ("::12", False),
        (None, False),
    ],
)
def test_addresses_of_the_machine(address: str | None, *, loopback: bool) -> None:
    assert is_loopback(address) is loopback


@pytest.mark.parametrize(
    ("reply", "queue_id"),
    [
        ("250 2.0.0 Ok: queued as 4Zx1BnPqz9zJrS", "4Zx1BnPqz9zJrS"),
        (REPLY, "BBBBB2"),
        ("Sent (x89Bx1iP007421 Message accepted for delivery)", "x89Bx1iP007421"),
        ("250 OK id=1dOqvZ-0002HB-Ob", "1dOqvZ-0002HB-Ob"),
        ("250 2.7.0 Ok, discarded, id=16532-01 - spam", None),
        ("", None),
    ],
)
def test_queue_ids_in_replies(reply: str, queue_id: str | None) -> None:
    assert queue_id_in(reply) == queue_id
