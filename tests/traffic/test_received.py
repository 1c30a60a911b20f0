"""One Received: header: every writer's form, the headers of real servers counted, and any text at all."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tlsconf.tls import Version, suites
from tlsconf.traffic.evidence import Proof, Session
from tlsconf.traffic.messages import messages
from tlsconf.traffic.names import suite_of
from tlsconf.traffic.received import Hop, Kind, hop_of

SAMPLES = Path(__file__).parent / "samples"
DATE = "Mon, 23 Nov 2026 11:22:34 +0000"
WHEN = 1795432954.0


def test_the_example_of_the_guidance() -> None:
    hop = hop_of(
        "from mail.a.example (mail.a.example. [192.0.2.1])\r\n by mx.google.com with ESMTPS id x1si for <u@b.example>\r\n"
        f" (version=TLS1_2 cipher=ECDHE-RSA-AES128-GCM-SHA256 bits=128/128);\r\n {DATE}"
    )
    assert hop == Hop(
        Kind.TLS,
        host="mx.google.com",
        helo="mail.a.example",
        name="mail.a.example",
        address="192.0.2.1",
        protocol="ESMTPS",
        version="TLS1_2",
        session=Session(Version.TLSv1_2, "ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 128),
        authenticated=False,
        id="x1si",
        recipient="u@b.example",
        when=WHEN,
    )


V10, V12, V13 = Version.TLSv1_0, Version.TLSv1_2, Version.TLSv1_3
POSTFIX = "from h (c [192.0.2.1])\n\t(using {}){}\n\tby px (Postfix) with ESMTPS id 1; x"
SENDMAIL = "from h (c [192.0.2.1]) by sm (8.18.1/8.18.1) with ESMTPS id 1\n\t(version={}); x"

FORMS = [
    (
        POSTFIX.format(
            "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)\n\t key-exchange X25519MLKEM768 server-signature RSA-PSS (2048 bits)"
            " server-digest SHA256",
            "\n\t(No client certificate requested)",
        ),
        Session(V13, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", 256, "X25519MLKEM768", Proof.ANONYMOUS),
    ),
    (
        POSTFIX.format(
            "TLSv1.3 with cipher TLS_AES_128_GCM_SHA256 (128/128 bits) key-exchange ECDHE (P-256) server-signature ECDSA (P-256)",
            '(Client CN "x (y)", Issuer "\\"z (verified OK)" (not verified))',
        ),
        Session(V13, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", 128, "secp256r1", Proof.UNTRUSTED),
    ),
    (
        POSTFIX.format("TLSv1 with cipher ADH-AES256-SHA (256/256 bits)", '(Client CN "x", Issuer "y" (verified OK))'),
        Session(V10, "ADH-AES256-SHA", "TLS_DH_anon_WITH_AES_256_CBC_SHA", 256, None, Proof.TRUSTED),
    ),
    (
        POSTFIX.format(
            "TLSv1.3 with cipher TLS_AES_128_GCM_SHA256 (128/128 bits) key-exchange DHE (2048 bits)", "(Client RPK sha256 digest 0A:1B)"
        ),
        Session(V13, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", 128, "DHE", Proof.UNTRUSTED),
    ),
    (  # Stalwart
        "from h (c [192.0.2.1])\r\n\t(using TLSv1.3 with cipher TLS13_AES_256_GCM_SHA384)\r\n\tby st (Stalwart SMTP) with ESMTPS id 1; x",
        Session(V13, "TLS13_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    ),
    (  # Yandex: behind the date
        f"from h (h [192.0.2.1]) by ya (Yandex) with ESMTPS id 1;\n\t{DATE}\n\t(using TLSv1.2 with cipher AES128-SHA (128/128 bits))",
        Session(V12, "AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", 128),
    ),
    (
        SENDMAIL.format("TLSv1.3 cipher=TLS_AES_256_GCM_SHA384 bits=256 verify=OK"),
        Session(V13, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", 256, None, Proof.TRUSTED),
    ),
    (
        SENDMAIL.format("TLSv1/SSLv3 cipher=AES128-GCM-SHA256 bits=128 verify=NOT"),  # also IBM's and Proofpoint's
        Session(None, "AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256", 128, None, Proof.ANONYMOUS),
    ),
    (
        SENDMAIL.format("TLSv1 cipher=DES-CBC3-SHA bits=168 verify=FAIL"),
        Session(V10, "DES-CBC3-SHA", "TLS_RSA_WITH_3DES_EDE_CBC_SHA", 168, None, Proof.UNTRUSTED),
    ),
    (
        SENDMAIL.format("TLSv1.2 cipher=AES128-SHA bits=128 verify=SOFTWARE"),
        Session(V12, "AES128-SHA", "TLS_RSA_WITH_AES_128_CBC_SHA", 128),
    ),
    (  # Exim from 4.94 on, with GnuTLS
        "from [192.0.2.1] (helo=h)\n\tby ex with esmtps  (TLS1.3) tls TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384\n\t(Exim 4.98.2)\n\tid 1; x",
        Session(V13, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    ),
    (  # and before, with OpenSSL, GnuTLS, and the size of the key in bytes
        "from h ([192.0.2.1]) by ex with esmtps (TLS1.2:ECDHE-RSA-AES256-GCM-SHA384:256) (Exim 4.89) id 1; x",
        Session(V12, "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256),
    ),
    (
        "from h ([192.0.2.1]) by ex with esmtps (TLS1.2:ECDHE_SECP256R1__RSA_SHA256__AES_128_GCM:128) (Exim 4.92) id 1; x",
        Session(V12, "ECDHE_SECP256R1__RSA_SHA256__AES_128_GCM", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", 128),
    ),
    (
        "from h ([192.0.2.1]) by ex with esmtps (TLS-1.0:RSA_AES_256_CBC_SHA1:32) (Exim 4.71) id 1; x",
        Session(),
    ),
    (
        "from h ([192.0.2.1]) by ex with esmtps (TLS1.0:RSA_AES_256_CBC_SHA1:32) (Exim 4.72) id 1; x",
        Session(V10, "RSA_AES_256_CBC_SHA1", "TLS_RSA_WITH_AES_256_CBC_SHA", 256),
    ),
    (  # a form that some sites give it
        "from h ([192.0.2.1]) by ex with utf8esmtpsa\n\t(Cipher TLS1.3:ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM:256) (Exim) id 1; x",
        Session(V13, "ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM", "TLS_AES_256_GCM_SHA384", 256),
    ),
    ("from h ([192.0.2.1]) by ip with ESMTP/TLS; 05 Jul 2021 12:00:00 +0200", Session()),  # Cisco, without a cipher
    ("from h ([192.0.2.1]) (Using TLS) by mc with ESMTP id us-mta-1; x", Session()),  # Mimecast
    ("from h ([192.0.2.1]) (using TLSv1) by po with SMTP; x", Session(V10)),  # Postini
    (  # Symantec
        "from h (h [192.0.2.1]) (using TLS with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)) (No client certificate requested) by s",
        Session(None, "ECDHE-RSA-AES256-GCM-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", 256, None, Proof.ANONYMOUS),
    ),
    ("from h ([192.0.2.1]) by hm over TLS secured channel with Microsoft SMTPSVC(7.5.7601.23008); x", Session()),  # Exchange 2003
    ("from h ([192.0.2.1]) by iw with ESMTP (SSL) id 1; x", Session()),  # IceWarp
    ("from h ([192.0.2.1]) by gw with ESMTP (TLS encrypted); x", Session()),  # GroupWise
    ("from h ([192.0.2.1]) by cg with ESMTP-TLS id 1; x", Session()),  # CommuniGate
    (  # Exim from 4.99 on, with TLS from the first byte
        "from h ([192.0.2.1]) by ex with essmtpa  (TLS1.3) tls TLS_AES_256_GCM_SHA384\n\t(Exim 4.99.1)\n\tid 1; x",
        Session(V13, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    ),
    ("from h ([192.0.2.1]) by ex with essmtp (Exim 4.99.1) id 1; x", Session()),
    (  # OpenSMTPD before 6.6
        "from h (h [192.0.2.1]) by os (OpenSMTPD) with ESMTPS id 1\n\tTLS version=TLSv1.2 cipher=AES256-GCM-SHA384 bits=256 verify=NO; x",
        Session(V12, "AES256-GCM-SHA384", "TLS_RSA_WITH_AES_256_GCM_SHA384", 256),
    ),
    (
        "from h by q with ESMTPSA (AES256-SHA encrypted, authenticated); x",
        Session(None, "AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
    ),
    (
        "from h by q with ESMTPS (TLS1.3; AEAD-AES256-GCM-SHA384); x",
        Session(V13, "AEAD-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384"),
    ),
    (
        "from h ([192.0.2.1]) by os (OpenSMTPD) with ESMTPS id 1 (TLSv1.3:AEAD-AES256-GCM-SHA384:256:NO) for <u@b>; x",
        Session(V13, "AEAD-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384", 256),
    ),
    (
        (
            "from A.example (2001:db8::1) by B.example\n (2001:db8::2) with Microsoft SMTP Server (version=TLS1_2,\n"
            " cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.20.1.2 via Frontend\n Transport; x"
        ),
        Session(V12, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    ),
    (
        "from a by b with Microsoft SMTP Server\n (version=TLS1_2, cipher=TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384_P384) id 15.1; x",
        Session(V12, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384_P384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    ),
    ("from a (192.0.2.1) by b (192.0.2.2) with Microsoft SMTP Server (TLS) id 15.0.1; x", Session()),
    (
        "from unknown (HELO h) ([192.0.2.1]) by esa with ESMTP/TLS/AES256-SHA256; x",
        Session(None, "AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    ),
    (
        "from h ([192.0.2.1]) by esa with ESMTP/TLS/TLS_AES_256_GCM_SHA384; x",
        Session(V13, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
    ),
    ("from h ([192.0.2.1]) by esa with ESMTP/TLS/; x", Session()),
    (
        "from unknown (HELO h) (192.0.2.1)\n by q with (DHE-RSA-AES128-SHA encrypted) SMTP; x",
        Session(None, "DHE-RSA-AES128-SHA", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    ),
    (
        "from unknown (HELO h) (192.0.2.1)\n by q with AES256-SHA encrypted SMTP; x",
        Session(None, "AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
    ),
    (
        "from h (h [192.0.2.1]) (TLS: TLSv1.3,256bits,TLS_AES_256_GCM_SHA384) by co with ESMTPS; x",
        Session(V13, "TLS_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384", 256),
    ),
    (
        "from h (h) by mc with smtp\n (TLS: TLSv1/SSLv3,256bits,AES256-SHA) id 1; x",
        Session(None, "AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", 256),
    ),
    (
        "from h (h[192.0.2.1]) (Firewall v4.1 with TLSv1.2 ECDHE-RSA-AES256-SHA384 256/256) with ESMTP id 1; x",
        Session(V12, "ECDHE-RSA-AES256-SHA384", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", 256),
    ),
    (
        "from h (h[192.0.2.1]) by sy (using TLS: TLSv1.2, AES256-SHA)\n id <1>; x",
        Session(V12, "AES256-SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"),
    ),
    # RFC 8314 section 4.3
    (
        "from h ([192.0.2.1]) by r with ESMTPS tls TLS_AES_128_GCM_SHA256 group secp256r1 id 1; x",
        Session(V13, "TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", None, "secp256r1"),
    ),
    ("from h ([192.0.2.1]) by r with ESMTPS id 1; x", Session()),
    ("from h ([192.0.2.1]) by r with UTF8SMTPSA id 1; x", Session()),
    ("from h ([192.0.2.1]) by r with SMTPs (version=TLS1_2 cipher=NEW-CIPHER); x", Session(V12, "NEW-CIPHER")),
    (
        "from h ([192.0.2.1]) by r with ESMTPS (version=SSLv3 cipher=RC4-SHA bits=99999/1); x",
        Session(None, "RC4-SHA", "TLS_RSA_WITH_RC4_128_SHA"),
    ),
]


@pytest.mark.parametrize(("text", "session"), FORMS)
def test_sessions_by_writer(text: str, session: Session) -> None:
    hop = hop_of(text)
    assert (hop.kind, hop.session) == (Kind.TLS, session)


@pytest.mark.parametrize("text", [text for text, _ in FORMS])
def test_where_a_header_is_folded_does_not_matter(text: str) -> None:
    assert hop_of("\r\n\t ".join(text.split())) == hop_of(" ".join(text.split())) == hop_of(text)


FORGED = r'"a)(TLS1.3:TLS_AES_256_GCM_SHA384:256)("@clinic.example'  # what a stranger may have for a name


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("from h (h [192.0.2.1]) by px (Postfix) with ESMTP id 1; x", Kind.CLEAR),
        ("from h (h [192.0.2.1]) by px (Postfix) with SMTP id 1; x", Kind.CLEAR),
        ("from h (h [192.0.2.1]) by px with ESMTPA id 1; x", Kind.CLEAR),
        ("from h (192.0.2.1) by b (192.0.2.2) with Microsoft SMTP Server id 14.3; x", Kind.CLEAR),
        ("from h (192.0.2.1) by b (192.0.2.2) with mapi id 15.20; x", Kind.OTHER),
        ("from h (192.0.2.1) by b with HTTPS; x", Kind.OTHER),
        ("from h ([192.0.2.1]) by b (Dovecot) with LMTP id 1; x", Kind.OTHER),
        ("from u by ex with local (Exim 4.98) id 1; x", Kind.OTHER),
        ("from u by ex with local-smtp (Exim 4.98) id 1; x", Kind.OTHER),
        ("by px (Postfix, from userid 1000) id 1; x", Kind.OTHER),
        ("(qmail 123 invoked by uid 89); x", Kind.OTHER),
        ("", Kind.OTHER),
        ("from h (h [192.0.2.1]) by b id 1; x", Kind.UNKNOWN),
        # What the client says of itself is not what the server says of TLS.
        ("from TLS (with.tls [192.0.2.1]) by px with ESMTP id 1; x", Kind.CLEAR),
        ('from h (h [192.0.2.1]) ("(using TLSv1.3 with cipher X (1/1 bits))") by px with ESMTP id 1; x', Kind.CLEAR),
        ("from [192.0.2.1] (helo=TLS) by px with esmtp id 1; x", Kind.CLEAR),
        (rf"from h ([192.0.2.1]) by px with esmtp (Exim 4.98) (envelope-from <{FORGED}>) id 1; x", Kind.CLEAR),
        (rf"from h ([192.0.2.1]) by px with esmtp (Exim 4.98) (envelope-from <a.{FORGED}>) id 1; x", Kind.CLEAR),
        (rf"from h ([192.0.2.1]) by px with ESMTP id 1 for <{FORGED.replace(')(', '>(')}>; x", Kind.CLEAR),
        # Who says that there was none says so in many ways; and what nobody knows is not told.
        ("from h ([192.0.2.1]) by gw with ESMTP (NOT encrypted); x", Kind.CLEAR),
        ("from h ([192.0.2.1]) (not using TLS) by ag with ESMTP id 1; x", Kind.CLEAR),
        ("from h ([192.0.2.1]) by mm with MailMarshal (v6,8,2); x", Kind.UNKNOWN),
        ("from h ([192.0.2.1]) by b with NNFMP; x", Kind.OTHER),
    ],
)
def test_hops_without_tls(text: str, kind: Kind) -> None:
    hop = hop_of(text)
    assert hop.kind is kind
    assert hop.session is None


@pytest.mark.parametrize(
    ("text", "helo", "name", "address"),
    [
        ("from h.example (c.example [192.0.2.1]) by x", "h.example", "c.example", "192.0.2.1"),
        ("from H.Example. (unknown [IPv6:2001:db8::1]) by x", "h.example", None, "2001:db8::1"),
        ("from [10.0.0.1] (c.example [192.0.2.1]) by x", "[10.0.0.1]", "c.example", "192.0.2.1"),
        ("from h (c [192.0.2.1] (may be forged)) by x", "h", None, "192.0.2.1"),  # Sendmail: whoever has the address chose the name
        ("from h (IDENT:u@c [192.0.2.1]) by x", "h", "c", "192.0.2.1"),
        ("from h (::ffff:192.0.2.1) by x", "h", None, "192.0.2.1"),
        ("from [192.0.2.1] (helo=[10.0.0.1]) by x (Exim 4.98)", "[10.0.0.1]", None, "192.0.2.1"),
        ("from [192.0.2.1] (port=4711 helo=h) by x (Exim 4.98)", "h", None, "192.0.2.1"),
        ("from c.example ([192.0.2.1]:4711 helo=h) by x (Exim 4.98)", "h", "c.example", "192.0.2.1"),
        ("from c.example ([192.0.2.1]) by x (Exim 4.98)", "c.example", "c.example", "192.0.2.1"),
        ("from c.example (HELO h) (u@192.0.2.1) by x", "h", "c.example", "192.0.2.1"),
        ("from h ([192.0.2.1]) by x", "h", None, "192.0.2.1"),
        ("from h ([999.0.2.1]) by x", "h", None, None),
        ("from by (c [192.0.2.1]) by x", "by", "c", "192.0.2.1"),
        ("from h [192.0.2.1] by x", "h", None, "192.0.2.1"),
        ("from h [10.0.0.1] (c [192.0.2.1]) by x", "h", "c", "192.0.2.1"),  # the server's own comment goes before
        ('from c ([192.0.2.1]:4711 "EHLO h" rhost-flags-OK-OK) by x', "h", "c", "192.0.2.1"),
        ('from "a b" (c [192.0.2.1]) by x', '"a b"', "c", "192.0.2.1"),
        ("by x", None, None, None),
    ],
)
def test_who_the_client_is(text: str, helo: str | None, name: str | None, address: str | None) -> None:
    hop = hop_of(text)
    assert (hop.helo, hop.name, hop.address, hop.host) == (helo, name, address, "x")


@pytest.mark.parametrize(
    ("text", "authenticated"),
    [
        ("from h by x with ESMTPSA id 1", True),
        ("from h by x with esmtpa id 1", True),
        ("from h (Authenticated sender: u) by x with ESMTPS id 1", True),
        ("from h by x with ESMTPS id 1", False),
        ("from h (authenticated bits=0) by x (8.14.7/8.12.4) with ESMTP id 1", True),
        ("from h by x with asmtp id 1", True),
        ("from h by x with essmtpa id 1", True),
        ("from h by x with Microsoft SMTP Server id 1", None),
        ("by x id 1", None),
    ],
)
def test_authentication_where_it_is_said(text: str, *, authenticated: bool | None) -> None:
    assert hop_of(text).authenticated is authenticated


def test_the_envelope() -> None:
    hop = hop_of("from h (h [192.0.2.1]) by x with esmtp (Exim 4.98) (envelope-from <a@b.example>) id 1 for <rfc822;c@d.example>; x")
    assert (hop.sender, hop.recipient) == ("a@b.example", "c@d.example")
    assert hop_of("by x (envelope-from <>)").sender == ""
    assert hop_of(r'by x (envelope-from <"a \" )> b"@bank.example>)').sender == r'"a \" )> b"@bank.example'


@pytest.mark.parametrize(
    ("date", "when"),
    [
        (DATE, WHEN),
        ("23 Nov 2026 12:22:34 +0100 (CET)", WHEN),
        (f"{DATE}\n id 0001", WHEN),
        ("yesterday", None),
        ("99 Nov 2026 11:22:34", None),
        ("23 Foo 2026 11:22:34", None),
    ],
)
def test_dates(date: str, when: float | None) -> None:
    assert hop_of(f"by x; y; {date}").when == when


def test_every_header_of_the_samples_is_classified() -> None:
    hops = [
        hop_of(text)
        for name in ("exim", "postfix", "sendmail")
        for item in messages(str(SAMPLES / f"{name}.mbox"))
        for text in item.received
    ]
    assert all(hop.host and hop.address == "127.0.0.1" and hop.id and hop.when and hop.recipient for hop in hops)
    assert all((hop.session is None) == (hop.kind is Kind.CLEAR) for hop in hops)
    assert all(hop.session.suite in suites() and hop.session.version for hop in hops if hop.session)
    found = Counter((hop.host, str(hop.session.version) if hop.session else None) for hop in hops)
    assert found == {
        ("ex.example.test", None): 1,
        ("ex.example.test", "TLSv1.2"): 4,
        ("ex.example.test", "TLSv1.3"): 5,
        ("px.example.test", None): 1,
        ("px.example.test", "TLSv1.2"): 4,
        ("px.example.test", "TLSv1.3"): 7,
        ("sm.example.test", None): 1,
        ("sm.example.test", "TLSv1.2"): 4,
        ("sm.example.test", "TLSv1.3"): 4,
    }


@pytest.mark.parametrize("name", ["exim", "postfix", "sendmail"])
def test_the_samples_say_what_their_senders_used(name: str) -> None:
    path = SAMPLES / f"{name}.mbox"
    used = re.findall(
        r"^Subject: t \d+ (True|False) (None|771) (\S+)$", path.read_text(), re.MULTILINE
    )  # TLS or not, version at most, cipher
    for message, (tls, newest, cipher) in zip(messages(str(path)), used, strict=True):
        session = hop_of(message.received[-1]).session
        assert (session is not None) is (tls == "True")
        if session is not None:
            assert session.version is (V12 if newest == "771" else V13)
            assert cipher == "None" or session.suite == suite_of(cipher.partition(":")[0], V12)


WORDS = st.sampled_from(
    [
        "from",
        "by",
        "with",
        "tls",
        "for",
        "id",
        "via",
        "ESMTPS",
        "ESMTP/TLS/",
        "(",
        ")",
        "\\",
        '"',
        "<",
        ">",
        ";",
        "[",
        "]",
        "[192.0.2.1]",
        "(TLS1.3)",
        "(version=",
        "cipher=",
        "bits=",
        "using TLSv1.2 with cipher ",
        "TLS:",
        "1.2",
        "23 Nov 2026 11:22:34",
        "\r\n\t",
        " ",
        "\x1b[31m",
        "\u202e",
        "x",
    ]
)


@given(st.one_of(st.text(), st.lists(WORDS, max_size=60).map(" ".join), st.lists(WORDS, max_size=60).map("".join)))
@example("((((")
@example('"')
@example("\\")
@example("from ( by")
@example("by x; 31 Dec 9999 23:59:59 -9999")
def test_any_text_has_an_answer(text: str) -> None:
    hop = hop_of(text)
    assert hop.kind in Kind
    assert (hop.kind is not Kind.TLS) or hop.session is not None


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        ")",
        '"',
        "\\",
        "<",
        "[",
        "a@",
        '\\"',
        "( ",
        "from ",
        "by x (",
        "a ",
        ";",
        "a.",
        "1:",
        "with TLS ",
        " with TLSv1",
        "helo=",
        "1 Nov 2026 ",
        '<"',
        '<"a" <"a"',
        '<a"',
        '<"a\\"',
    ],
)
def test_time_grows_with_the_length_alone(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    for start in ("", "from h ", "from h (", "from h (using ", "by x with ESMTPS (version=", "by x; ", '"', "from h (c "):
        begin = time.process_time()
        hop_of(start + text)
        assert time.process_time() - begin < 3
