"""What is told of messages is found wrong wherever it is: every error on purpose, by the comparison that it is for."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab import told
from tests.lab.evidence import Used, used
from tests.lab.kinds import HOSTS
from tests.lab.scenarios import Outbound, Scenario
from tests.lab.told import Attempt, World
from tests.policies import make_policy
from tlsconf.tls import Version
from tlsconf.traffic.evidence import Failure, Passage, Proof, Session

SUITE = "TLS_AES_256_GCM_SHA384"
TLS13 = Session(Version.TLSv1_3, SUITE, SUITE, 256, None, Proof.VERIFIED)
CLIENT = "198.18.255.1"
HERE = "127.0.0.1"
HELD = Outbound("out/s/held", "held.gov.uk", "clear.hosts.test", "held")
SCENARIO = Scenario("s", {}, hosts={"valid.hosts.test": (HOSTS["valid"], 25), "clear.hosts.test": (HOSTS["no-starttls"], 25)})
NO_TLS = "5.7.0 Must issue a STARTTLS command first"


def event(host: str, to: str, sender: str, header: str, version: str | None, cipher: str | None) -> dict[str, Any]:
    text = f"Received: from client.lab.example {header}; Mon, 23 Nov 2026 12:00:00 +0000\r\n\r\n"
    return {"event": "message", "host": host, "from": sender, "to": [to], "text": text, "version": version, "cipher": cipher}


IN_TLS = f"([{CLIENT}]) (using TLSv1.3 with cipher {SUITE} (256/256 bits)) by mail.lab.example (Postfix) with ESMTPS id AAAAA1"
IN_CLEAR = f"(localhost [{HERE}]) by mail.lab.example (Postfix) with ESMTP id BBBBB2"
WORLD = World(
    SCENARIO,
    make_policy(),
    (
        event("valid.hosts.test", "a@dept.gov.uk", "x@bank.example", IN_TLS, "TLSv1.3", SUITE),
        event("clear.hosts.test", "b@free.test", "x@mail.lab.example", IN_CLEAR, None, None),
    ),
    {"c@held.gov.uk": HELD},
    {
        "a@dept.gov.uk": Attempt("bank.example", CLIENT, "accepted", 250, "ok", Used(Version.TLSv1_3, SUITE)),
        "b@free.test": Attempt("mail.lab.example", HERE, "accepted", 250, "ok", Used()),
        "c@held.gov.uk": Attempt("mail.lab.example", HERE, "accepted", 250, "ok", Used()),
    },
    (
        Attempt("bank.example", CLIENT, "mail", 530, NO_TLS, Used()),
        Attempt("free.test", CLIENT, "handshake", None, "reset", Used()),
        Attempt("blocked.test", CLIENT, "rcpt", 554, "5.7.1 not from there", Used()),
    ),
    frozenset({("CCCCC3", "c@held.gov.uk")}),
    {"valid.hosts.test": "198.18.0.1", "clear.hosts.test": "198.18.0.2"},
    frozenset(),
)


def out(domain: str, host: str | None, address: str, queue_id: str, session: Session | None, failure: Failure | None = None) -> Passage:
    result = "delivered" if failure is None else "deferred"
    return Passage(0, "mail", True, domain, host, address, 25, queue_id, result, session, failure)  # noqa: FBT003


def into(domain: str | None, address: str, queue_id: str | None, session: Session | None = None, failure: Failure | None = None) -> Passage:
    result = "delivered" if failure is None else "refused"
    return Passage(0, "mail", False, domain, None, address, None, queue_id, result, session, failure)  # noqa: FBT003


A, B, C = PASSAGES = (
    out("dept.gov.uk", "valid.hosts.test", "198.18.0.1", "AAAAA1", TLS13),
    out("free.test", "clear.hosts.test", "198.18.0.2", "BBBBB2", None),
    out("held.gov.uk", "clear.hosts.test", "198.18.0.2", "CCCCC3", None, Failure.NOT_OFFERED),
)
TAKEN, LOCAL, WAITING, REFUSED, FAILED = INTO = (
    into("bank.example", CLIENT, "AAAAA1", TLS13),
    into("mail.lab.example", HERE, "BBBBB2"),
    into("mail.lab.example", HERE, "CCCCC3"),
    into("bank.example", CLIENT, None, None, Failure.REQUIRED_OF_CLIENT),
    into(None, CLIENT, None, None, Failure.HANDSHAKE),
)
ALL = (*PASSAGES, *INTO)


def replaced(one: Passage, *others: Passage) -> list[Passage]:
    return [*(passage for passage in ALL if passage != one), *others]


def test_nothing_is_wrong_with_what_is_right() -> None:
    comparisons = (told.sent_wrong, told.received_wrong, told.breaches_wrong)
    assert [comparison(WORLD, ALL) for comparison in comparisons] == [[], [], []]
    assert told.headers_wrong(WORLD) == []


@pytest.mark.parametrize(
    "found",
    [
        replaced(A),
        replaced(A, A, A),
        replaced(A, A._replace(session=None)),
        replaced(A, A._replace(session=TLS13._replace(version=Version.TLSv1_2))),
        replaced(A, A._replace(session=TLS13._replace(suite="TLS_AES_128_GCM_SHA256"))),
        replaced(A, A._replace(session=TLS13._replace(proof=Proof.UNTRUSTED))),
        replaced(A, A._replace(failure=Failure.HANDSHAKE)),
        replaced(A, A._replace(domain="gov.uk")),
        replaced(A, A._replace(address="198.18.0.2")),
        replaced(A, A._replace(host="clear.hosts.test")),
        replaced(A, A._replace(port=26)),
        replaced(A, A._replace(queue_id="BBBBB2")),
        replaced(A, A._replace(result="deferred")),
        replaced(B, B._replace(session=TLS13)),
        replaced(C),
        replaced(C, C._replace(failure=None)),
        replaced(C, C._replace(failure=Failure.CERTIFICATE)),
        replaced(C, C._replace(result="bounced")),
        replaced(C, C, C._replace(domain="never.gov.uk")),
    ],
)
def test_errors_about_what_was_sent(found: list[Passage]) -> None:
    assert told.sent_wrong(WORLD, found) != []


@pytest.mark.parametrize(
    "found",
    [
        replaced(TAKEN),
        replaced(TAKEN, TAKEN._replace(session=None)),
        replaced(TAKEN, TAKEN._replace(domain=None)),
        replaced(TAKEN, TAKEN._replace(address="198.18.255.2")),
        replaced(LOCAL, LOCAL, LOCAL._replace(queue_id="DDDDD4")),
        replaced(WAITING),
        replaced(REFUSED),
        replaced(REFUSED, REFUSED._replace(result="deferred")),
        replaced(REFUSED, REFUSED._replace(failure=Failure.HANDSHAKE)),
        replaced(REFUSED, REFUSED, REFUSED._replace(domain="blocked.test")),
        replaced(FAILED),
    ],
)
def test_errors_about_what_came_in(found: list[Passage]) -> None:
    assert told.received_wrong(WORLD, found) != []


@pytest.mark.parametrize("found", [replaced(A, A._replace(session=None)), replaced(TAKEN, TAKEN._replace(session=None))])
def test_clear_text_that_was_none_is_no_breach(found: list[Passage]) -> None:
    assert told.breaches_wrong(WORLD, found) != []


def test_clear_text_where_tls_is_required_must_be_told() -> None:
    first = {**WORLD.events[0], "version": None, "cipher": None}
    world = WORLD._replace(events=(first, WORLD.events[1]))
    assert told.breaches_wrong(world, ALL) != []
    assert told.breaches_wrong(world, replaced(A, A._replace(session=None))) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("TLSv1.3", "TLSv1.2"),
        (SUITE, "TLS_AES_128_GCM_SHA256"),
        (f"(using TLSv1.3 with cipher {SUITE} (256/256 bits)) ", ""),
        (CLIENT, "198.18.255.2"),
        ("mail.lab.example", "mx.lab.example"),
        ("Received:", "X-Received:"),
        ("AAAAA1", "AAAAA1 for <other@dept.gov.uk>"),
    ],
)
def test_errors_in_headers(old: str, new: str) -> None:
    first = {**WORLD.events[0], "text": WORLD.events[0]["text"].replace(old, new)}
    assert told.headers_wrong(WORLD._replace(events=(first,))) != []


def test_the_names_of_what_was_used() -> None:
    assert used("TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384") == (Version.TLSv1_2, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384")
    assert used("TLSv1", "ECDHE-RSA-AES128-SHA") == (Version.TLSv1_0, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")
    assert used("TLSv1.3", SUITE) == (Version.TLSv1_3, SUITE)
    assert used(None, None) == (None, None)
    with pytest.raises(KeyError):
        used("TLSv1.2", "SOMETHING-ELSE")
