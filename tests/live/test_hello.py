"""The ClientHello written by hand: OpenSSL answers it as it would a client of its own, and hostile answers are no answers."""

from __future__ import annotations

import io
import os
import ssl
from contextlib import suppress

import pytest
import trustme

from tlsconf.live import hello
from tlsconf.live.hello import Chosen, Refused
from tlsconf.live.registry import group_names, suite_names
from tlsconf.live.smtp import BusyError, SmtpError
from tlsconf.tls import GROUPS, suites

NUMBERS = {name: number for number, name in suite_names().items()}


@pytest.fixture(scope="module")
def context() -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("mx.example", key_type=trustme.KeyType.RSA).configure_cert(made)
    made.set_ecdh_curve("secp384r1")
    return made


def answered(context: ssl.SSLContext, version: int, *names: str, groups: tuple[int, ...] = (0x17, 0x18)) -> Chosen | Refused:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    to_server.write(hello.client_hello(version, [NUMBERS[name] for name in names], groups, "mx.example"))
    with pytest.raises(ssl.SSLError):  # it wants more, or refuses
        context.wrap_bio(to_server, to_client, server_side=True).do_handshake()
    return hello.answer(io.BytesIO(to_client.read()).read)


def test_what_a_server_chooses(context: ssl.SSLContext) -> None:
    old, new = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"
    assert answered(context, hello.TLS12, old) == Chosen(hello.TLS12, NUMBERS[old], 0x18)
    assert answered(context, hello.TLS13, new) == Chosen(hello.TLS13, NUMBERS[new], 0x18)
    assert isinstance(answered(context, hello.TLS13, new, groups=(0x1D,)), Refused)
    assert answered(context, hello.TLS12, "TLS_RSA_WITH_RC4_128_SHA") == Refused("alert handshake_failure")
    assert answered(context, 0x0302, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA") == Refused("alert protocol_version")


def test_hostile_answers() -> None:
    assert hello.answer(io.BytesIO(b"").read) == Refused("it closed the connection")
    assert hello.answer(io.BytesIO(b"554 what?\r\n").read) == Refused("it says 554 in clear text")
    with pytest.raises(BusyError):
        hello.answer(io.BytesIO(b"421 later\r\n").read)
    for answer in (
        b"220 what?\r\n",
        b"\x16\x03\x03\xff\xff",
        b"\x16\x03\x03\x00\x04\x02\x00\x00\x00",
        b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x03",
    ):
        with pytest.raises(SmtpError):
            hello.answer(io.BytesIO(answer).read)
    for _ in range(500):
        body = os.urandom(60)
        record = b"\x16\x03\x03\x00\x40\x02\x00\x00\x3c" + body
        with suppress(SmtpError):
            assert isinstance(hello.answer(io.BytesIO(record + b"\x16\x03\x03\x00\x04\x0e\x00\x00\x00").read), Chosen | Refused)
    endless = b"\x16\x03\x03\x40\x00" + b"\x0b\xff\xff\xff" + bytes(16380)
    with pytest.raises(SmtpError, match="more than"):
        hello.answer(io.BytesIO(endless * 20).read)


def test_the_numbers_are_those_of_openssl_and_every_name_of_a_profile_has_one() -> None:
    assert set(suites()) <= set(NUMBERS)
    assert set(GROUPS) <= {*group_names(tls13=True).values(), *group_names(tls13=False).values()}
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.set_ciphers("ALL:COMPLEMENTOFALL:@SECLEVEL=0")
    by_openssl = {suite.openssl: suite.iana for suite in suites().values()}
    found = {by_openssl[item["name"]]: item["id"] & 0xFFFF for item in context.get_ciphers() if item["name"] in by_openssl}
    assert len(found) > 20
    assert found == {name: NUMBERS[name] for name in found}
