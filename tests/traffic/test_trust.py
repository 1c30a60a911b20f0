"""Which headers are proof: those of one's own hosts, as far as the message came from another of them."""

from __future__ import annotations

import pytest

from tlsconf.errors import UsageError
from tlsconf.traffic.received import hop_of
from tlsconf.traffic.trust import NOBODY, client, hearsay, trust_of

OWN = ("mx.own.example", "*.in.own.example")


def reasons(*headers: str, trust: tuple[str, ...] = OWN) -> list[str | None]:
    return hearsay([hop_of(header) for header in headers], trust_of(trust))


INNER = "from mx.own.example (mx.own.example [203.0.113.7]) by store.in.own.example with ESMTPS id 2"
OUTER = "from a.far.example (a.far.example [198.51.100.1]) by MX.own.example. (Postfix) with ESMTPS id 1"
FORGED = "from b.far.example (b.far.example [198.51.100.2]) by mx.own.example (Postfix) with ESMTPS id 0"


def test_nothing_is_proof_where_nobody_is_trusted() -> None:
    assert reasons(INNER, OUTER, trust=()) == [NOBODY, NOBODY]


def test_an_unbroken_run_of_topmost_headers_is_proof() -> None:
    assert reasons(INNER, OUTER) == [None, None]


def test_what_a_stranger_sent_is_hearsay_whatever_name_it_bears() -> None:
    why = "it came with the message from a.far.example [198.51.100.1], which is not trusted"
    assert reasons(INNER, OUTER, FORGED, FORGED) == [None, None, why, why]


def test_a_name_that_may_be_forged_is_not_an_own_one() -> None:
    own = "from x (mx.own.example [203.0.113.66] (may be forged)) by mx.own.example (8.18.1/8.18.1) with ESMTP id 1"
    assert reasons(own, FORGED)[1] is not None


def test_a_filter_on_the_same_machine_calls_itself_localhost() -> None:
    back = "from localhost (localhost [127.0.0.1]) by mx.own.example (Postfix) with ESMTP id 2"
    amavis = "from mx.own.example ([127.0.0.1]) by localhost (mx.own.example [127.0.0.1]) (amavisd-new, port 10024) with ESMTP id 3"
    assert reasons(back, amavis, OUTER) == [None, None, None]
    assert reasons(back, amavis, OUTER, FORGED)[3] is not None
    assert reasons(OUTER, amavis)[1] is not None  # a stranger's message begins with that header
    assert reasons(amavis, OUTER)[0] == "localhost is not trusted"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("from [192.0.2.7] by mx.own.example with SMTP id 1", "[192.0.2.7]"),
        ("from [192.0.2.7] ([192.0.2.7]) by mx.own.example with SMTP id 1", "[192.0.2.7]"),
        ("from [IPv6:2001:db8::7] (unknown [IPv6:2001:db8::7]) by mx.own.example with SMTP id 1", "[2001:db8::7]"),
        ("from [192.0.2.8] (unknown [192.0.2.7]) by mx.own.example with SMTP id 1", "[192.0.2.8] [192.0.2.7]"),
        ("by mx.own.example with SMTP id 1", "somebody whom the header does not name"),
    ],
)
def test_a_client_is_told_once(header: str, told: str) -> None:
    assert client(hop_of(header)) == told


def test_a_header_of_another_host_breaks_the_run() -> None:
    assert reasons("from x by list.far.example with ESMTP", INNER) == ["list.far.example is not trusted", "a header above it is hearsay"]


def test_a_header_without_a_host_breaks_the_run() -> None:
    assert reasons("(qmail 1 invoked by uid 2); x", OUTER) == ["it does not say who wrote it", "a header above it is hearsay"]


@pytest.mark.parametrize(
    ("client", "own"),
    [
        ("mx.own.example (mx.own.example [203.0.113.7])", True),
        ("mx.own.example (localhost [127.0.0.1])", True),
        ("anything ([::1])", True),
        ("mx.own.example (unknown [10.1.2.3])", True),  # no stranger has such an address
        ("mx.own.example (unknown [198.51.100.9])", True),  # documentation is private, too
        ("mx.own.example (unknown [93.184.216.34])", False),  # anybody can say so
        ("mx.own.example (evil.example [93.184.216.34])", False),
        ("other (unknown [10.1.2.3])", False),
        ("mx.own.example", False),
    ],
)
def test_a_message_came_from_an_own_host_by_what_the_client_can_not_choose(client: str, *, own: bool) -> None:
    found = reasons(f"from {client} by store.in.own.example with ESMTP", OUTER)
    assert (found[1] is None) is own


def test_what_a_host_hands_on_to_itself_does_not_break_the_run() -> None:
    assert reasons("by mx.own.example (Postfix, from userid 8) id 1", OUTER) == [None, None]


def test_hosts_by_address_and_network() -> None:
    headers = ("from x (unknown [93.184.216.34]) by 192.0.2.7 with ESMTP", OUTER)
    assert reasons(*headers, trust=("[192.0.2.7]", "93.184.216.0/24", "mx.own.example")) == [None, None]
    assert reasons(*headers, trust=("192.0.2.7", "mx.own.example"))[1] is not None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("*example", "did you mean `\\*.example`"),
        ("a b", "--trust a b: expected a name such as"),
        ("192.0.2.1/24", "did you mean `192.0.2.0/24`"),
        ("1.2.3.4.5", "expected an address or a network"),
        ("u@own.example", "did you mean `own.example`"),
        ("", "expected a name"),
    ],
)
def test_what_is_no_host(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        trust_of([text])
