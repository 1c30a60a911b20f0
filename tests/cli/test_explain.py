"""`tlsconf explain`: the rule, who said each value, and the law's outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.samples import HEAD, SERVER, put

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Done

PROFILE = (
    HEAD
    + SERVER
    + """\
platform: debian-12
targets: [postfix]
tls:
  minimum_version: TLSv1.2
  cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]
  opportunistic: {minimum_version: TLSv1.1}
outbound:
  rules:
    - name: bank
      domains: [{file: partners.txt}]
      tls: required
      verify: hostname
      mx: ["*.mx.bank.example"]
    - {name: below, domains: ["*.bank.example"], tls: opportunistic, verify: dane}
    - {name: relay, next_hops: ["[relay.example]:587"], tls: none}
inbound:
  exempt_clients: [127.0.0.0/8]
  rules:
    - {name: senders, senders: ["*.bank.example"], tls: required, on_plaintext: defer}
    - {name: link, clients: [192.0.2.0/24], tls: required}
"""
)


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, {"p.yaml": PROFILE, "partners.txt": "# one\nbank.example\n"})
    return "p.yaml"


def test_mail_to_a_domain_is_explained_in_full(tlsconf: Callable[..., Done], profile: str) -> None:
    assert tlsconf("explain", profile, "--to", "Bank.Example") == (
        0,
        """\
mail to bank.example
  rule: bank (p.yaml:12), by the pattern bank.example (partners.txt:2)
  tls: required  (p.yaml:14)
  verify: hostname  (p.yaml:15)
  minimum version: TLSv1.2  (p.yaml:7)
  cipher suites: TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384  (p.yaml:8)
  groups: X25519, secp256r1, secp384r1  (default)
  the certificate must be for: *.mx.bank.example  (p.yaml:16)
  trust anchors: /etc/ssl/certs/ca-certificates.crt  (default)
  floor where TLS is required: TLSv1.2  (p.yaml:7)
  floor where nobody requires it: TLSv1.1  (p.yaml:9)
what happens, by what the receiving host is like:
  offers no STARTTLS                                         held
  valid certificate, version at or above the floor           TLS
  only versions below the floor                              held
  only suites outside the list                               held
  self-signed certificate                                    held
  certificate for another name                               held
  expired certificate                                        held
  offers STARTTLS, then fails the handshake or answers 454   held
""",
        "",
    )


@pytest.mark.parametrize(
    ("to", "lines"),
    [
        (
            "a.bank.example",
            ["  rule: below (p.yaml:17), by the pattern *.bank.example (p.yaml:17)", "  minimum version: TLSv1.1  (p.yaml:9)"],
        ),
        (
            "a.bank.example",
            [
                "  TLSA record that matches, self-signed certificate          TLS",
                "  TLSA lookup fails                                          held",
            ],
        ),
        ("other.example", ["  rule: none; the default of `outbound`", "  tls: opportunistic  (default)"]),
        ("bücher.example", ["mail to xn--bcher-kva.example"]),
        ("[relay.example]:587", ["mail to [relay.example]:587", "  rule: relay (p.yaml:18)", "  tls: none  (p.yaml:18)"]),
        ("[Relay.example]", ["mail to [relay.example]:25", "  rule: none; the default of `outbound`"]),
        ("[2001:db8:0::1]:25", ["mail to [2001:db8::1]:25"]),
    ],
)
def test_a_domain_or_a_next_hop_finds_its_rule(tlsconf: Callable[..., Done], profile: str, to: str, lines: list[str]) -> None:
    done = tlsconf("explain", profile, "--to", to)
    assert done.code == 0
    assert [line for line in lines if line not in done.out.splitlines()] == []


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (
            "user@bank.example",
            "tlsconf: `user@bank.example` is neither a domain nor a next hop: it has a local part; did you mean `bank.example`?\n",
        ),
        ("*.bank.example", "tlsconf: `*.bank.example` is neither a domain nor a next hop: a wildcard names many hosts\n"),
        ("[bank.example]:smtp", "tlsconf: `[bank.example]:smtp` is neither a domain nor a next hop\n"),
        (
            "bank.example.",
            "tlsconf: `bank.example.` is neither a domain nor a next hop: names have no final dot here; did you mean `bank.example`?\n",
        ),
        ("", "tlsconf: `` is neither a domain nor a next hop\n"),
    ],
)
def test_what_is_neither_is_wrong_use(tlsconf: Callable[..., Done], profile: str, to: str, said: str) -> None:
    assert tlsconf("explain", profile, "--to", to) == (2, "", said)


def test_mail_from_a_domain_is_explained_in_full(tlsconf: Callable[..., Done], profile: str) -> None:
    assert tlsconf("explain", profile, "--from", "a.bank.example", "--client", "192.0.2.7") == (
        0,
        """\
mail from a.bank.example, client 192.0.2.7
  inbound tls: opportunistic  (default)
  rule: senders (p.yaml:22): TLS required; clear text: defer
  rule: link (p.yaml:23): TLS required; clear text: reject
  note: a rule by sender also refuses forwarded mail of that sender, where the forwarder speaks no TLS
  minimum version: TLSv1.1  (p.yaml:9)
  cipher suites: TLS_AES_256_GCM_SHA384, TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384  (p.yaml:8)
  groups: X25519, secp256r1, secp384r1  (default)
  floor where TLS is required: TLSv1.2  (p.yaml:7)
  floor where nobody requires it: TLSv1.1  (p.yaml:9)
what happens, by the client:
  speaks no TLS                                              refused
  version and suite allowed                                  accepted
  only versions that are not allowed                         handshake refused
  only suites that are not allowed                           handshake refused
""",
        "",
    )


@pytest.mark.parametrize(
    ("arguments", "first", "rules"),
    [
        (["--from", "a.bank.example"], "mail from a.bank.example", ["senders"]),
        (["--from", "bank.example"], "mail from bank.example", []),
        (["--from", "<>", "--client", "192.0.2.7"], "mail from <>, client 192.0.2.7", ["link"]),
        (["--from", ""], "mail from <>", []),
        (["--from", "[192.0.2.7]"], "mail from [192.0.2.7]", []),
        (["--client", "192.0.2.7"], "mail from anybody, client 192.0.2.7", ["link"]),
        (["--client", "::ffff:192.0.2.7"], "mail from anybody, client 192.0.2.7", ["link"]),
        (["--from", "a.bank.example", "--client", "127.0.0.1"], "mail from a.bank.example, client 127.0.0.1", []),
    ],
)
def test_the_null_sender_address_literals_and_clients(
    tlsconf: Callable[..., Done], profile: str, arguments: list[str], first: str, rules: list[str]
) -> None:
    done = tlsconf("explain", profile, *arguments)
    lines = done.out.splitlines()
    assert (done.code, lines[0]) == (0, first)
    assert [line.split()[1] for line in lines if line.startswith("  rule: ")] == rules
    assert ("  the client is exempt: no requirement touches it  (p.yaml:20)" in lines) is ("127.0.0.1" in arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "a@b.example"], "tlsconf: it has a local part; did you mean `b.example`?\n"),
        (["--from", "a b"], "tlsconf: `a b` is no domain\n"),
        (["--from", "a.b", "--client", "host"], "tlsconf: 'host' does not appear to be an IPv4 or IPv6 address\n"),
    ],
)
def test_what_is_no_sender_and_no_client(tlsconf: Callable[..., Done], profile: str, arguments: list[str], said: str) -> None:
    assert tlsconf("explain", profile, *arguments) == (2, "", said)


def test_with_a_smarthost_its_terms_count(tlsconf: Callable[..., Done], smarthost: Path) -> None:
    done = tlsconf("explain", smarthost, "--to", "hmrc.gov.uk", "-t", "postfix")
    assert done.out.splitlines()[:3] == [
        "mail to hmrc.gov.uk",
        "  goes to the smarthost [relay.provider.example]:587, whose terms count",
        f"  rule: provider ({smarthost}:20)",
    ]


def test_limitations_that_touch_the_answer_are_told_by_target(tlsconf: Callable[..., Done], edge: Path) -> None:
    everything = tlsconf("explain", edge, "--to", "hmrc.gov.uk").out
    alone = tlsconf("explain", edge, "--to", "hmrc.gov.uk", "-t", "postfix").out
    assert "limitation exim-" in everything
    assert "limitation exim-" not in alone
    assert everything.startswith(alone.partition("limitation ")[0])
