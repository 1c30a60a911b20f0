"""Entries as people write them, and the one form that each gets or what is said about it."""

from __future__ import annotations

import time
from ipaddress import ip_network
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsconf.entries import domain, domain_patterns, network, next_hop, server_path
from tlsconf.policy import NextHop

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST_LABEL = "a" * 63


def refusal(read: Callable[[str], object], written: str) -> str:
    """Return what is said about a text that is refused."""
    try:
        found = read(written)
    except ValueError as error:
        return str(error)
    raise AssertionError(found)


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        ("example.com", "example.com"),
        ("*.example.com", "*.example.com"),
        ("Example.COM", "example.com"),
        ("*.Example.COM", "*.example.com"),
        ("localhost", "localhost"),
        ("3com.example", "3com.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.example", "xn--bcher-kva.example"),
        ("*.bücher.example", "*.xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),  # UTS 46, non-transitional
        ("почта.рф", "xn--80a1acny.xn--p1ai"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("ｅｘａｍｐｌｅ.com", "example.com"),  # noqa: RUF001  (as people write them)
        (f"{LONGEST_LABEL}.example", f"{LONGEST_LABEL}.example"),
        (f"{'a.' * 126}a", f"{'a.' * 126}a"),
    ],
)
def test_patterns_become_lower_case_a_labels(written: str, pattern: str) -> None:
    assert domain_patterns([written]) == ([pattern], {})


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", ""),
        (" ", ""),
        ("*", ""),
        ("*.", ""),
        (".", ""),
        ("..", ""),
        ("a..b", ""),
        ("-a.example", ""),
        ("a-.example", ""),
        ("a_b.example", ""),
        ("exa mple.com", ""),
        ("example.com:25", ""),
        ("192.0.2.1", ""),
        ("[192.0.2.1]", ""),
        ("example.com\n", ""),
        ("example.com\x00", ""),
        ("a.*.example", ""),
        ("https://example.com", ""),
        (f"{LONGEST_LABEL}a.example", ""),
        (f"{'a.' * 127}a", ""),
        (".gov.uk", "did you mean `*.gov.uk`?"),
        ("*gov.uk", "did you mean `*.gov.uk`?"),
        ("*.*.gov.uk", "did you mean `*.gov.uk`?"),
        ("user@example.com", "it has a local part; did you mean `example.com`?"),
        ("@Example.com", "it has a local part; did you mean `Example.com`?"),
        ("user@", "it has a local part"),
        ("example.com.", "names have no final dot here; did you mean `example.com`?"),
        ("*.example.com.", "names have no final dot here; did you mean `*.example.com`?"),
        ("xn--a.example", "Codepoint U+0080 at position 1 of '\\x80' not allowed"),
        ("a\u202eb.example", "Codepoint U+202E not allowed at position 2 in 'a\\u202eb.example'"),
    ],
)
def test_what_is_no_pattern_is_told_with_the_likely_meaning(written: str, reason: str) -> None:
    assert domain_patterns([written]) == ([""], {0: reason})


def test_a_wrong_pattern_leaves_its_neighbours_alone() -> None:
    assert domain_patterns(["a.example", "-", "B.example", "x y"]) == (["a.example", "", "b.example", ""], {1: "", 3: ""})


@given(st.text(max_size=300))
def test_a_pattern_in_its_final_form_stays_as_it_is(text: str) -> None:
    (pattern,), wrong = domain_patterns([text])
    assert pattern.isascii()
    assert len(pattern) <= len("*.") + 253
    assert wrong or domain_patterns([pattern]) == ([pattern], {})


@pytest.mark.parametrize("text", ["a" * 10_000_000, "ü" * 10_000_000, "." * 10_000_000, "a." * 5_000_000, "@" * 10_000_000])
def test_a_text_of_ten_megabytes_is_refused_at_once(text: str) -> None:
    start = time.perf_counter()
    assert domain_patterns([text])[0] == [""]
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize(("written", "reason"), [("*.example.com", "a wildcard names many hosts"), ("", ""), ("a b", "")])
def test_a_host_name_is_one_name(written: str, reason: str) -> None:
    assert refusal(domain, written) == reason


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("192.0.2.0/24", "192.0.2.0/24"),
        ("192.0.2.7", "192.0.2.7/32"),
        ("192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:db8::/32", "2001:db8::/32"),
        ("2001:DB8:0::1", "2001:db8::1/128"),
        ("::1", "::1/128"),
    ],
)
def test_addresses_and_networks(written: str, found: str) -> None:
    assert network(written) == ip_network(found)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("192.0.2.1/24", "bits are set behind the prefix; did you mean `192.0.2.0/24`?"),
        ("2001:db8::1/32", "bits are set behind the prefix; did you mean `2001:db8::/32`?"),
        ("::ffff:192.0.2.0/120", "servers see it as IPv4; did you mean `192.0.2.0/24`?"),
        ("::ffff:192.0.2.7", "servers see it as IPv4; did you mean `192.0.2.7`?"),
        ("fe80::1%eth0", "a zone has no meaning here; did you mean `fe80::1`?"),
        ("192.0.2", ""),
        ("192.0.2.0/33", ""),
        ("010.0.0.1", ""),
        ("example.com", ""),
        ("", ""),
        (" 192.0.2.1", ""),
        ("192.0.2.1\n", ""),
    ],
)
def test_what_is_no_address(written: str, reason: str) -> None:
    assert refusal(network, written) == reason


@pytest.mark.parametrize(
    ("written", "hop", "shown"),
    [
        ("[relay.example]", NextHop("relay.example", 25), "[relay.example]:25"),
        ("[Relay.Example]:587", NextHop("relay.example", 587), "[relay.example]:587"),
        ("[192.0.2.25]", NextHop("192.0.2.25", 25), "[192.0.2.25]:25"),
        ("[2001:DB8:0::25]:2525", NextHop("2001:db8::25", 2525), "[2001:db8::25]:2525"),
        ("[bücher.example]:025", NextHop("xn--bcher-kva.example", 25), "[xn--bcher-kva.example]:25"),
        ("[relay.example]:65535", NextHop("relay.example", 65535), "[relay.example]:65535"),
    ],
)
def test_next_hops_have_a_port_25_by_default(written: str, hop: NextHop, shown: str) -> None:
    assert (next_hop(written), str(next_hop(written))) == (hop, shown)


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("relay.example", "without brackets it would be a domain, whose MX is looked up"),
        ("relay.example:587", "without brackets it would be a domain, whose MX is looked up"),
        ("[relay.example]:0", "ports go from 1 to 65535"),
        ("[relay.example]:65536", "ports go from 1 to 65535"),
        ("[*.relay.example]", "a wildcard names many hosts"),
        ("[127.1]", "'127.1' does not appear to be an IPv4 or IPv6 address"),
        ("[IPv6:2001:db8::1]", "'IPv6:2001:db8::1' does not appear to be an IPv4 or IPv6 address"),
        ("[fe80::1%$(reboot)]", "a zone has no meaning here; did you mean `fe80::1`?"),
        ("[::ffff:192.0.2.25]", "servers see it as IPv4; did you mean `192.0.2.25`?"),
        ("[relay.example", ""),
        ("[relay.example]:", ""),
        ("[relay.example]:smtp", ""),
        ("[relay.example]:٢٥", ""),
        ("[relay.example]\n", ""),
        ("[a]b]", ""),
        ("[]", ""),
        ("", ""),
    ],
)
def test_what_is_no_next_hop(written: str, reason: str) -> None:
    assert refusal(next_hop, written) == reason


@pytest.mark.parametrize(
    ("written", "hostname", "path"),
    [
        ("/etc/ssl/{hostname}/fullchain.pem", "mx.example", "/etc/ssl/mx.example/fullchain.pem"),
        ("/{hostname}/{hostname}.pem", "mx.example", "/mx.example/mx.example.pem"),
        ("/etc/ssl/a_b-c.d@e+f=g~h%i", None, "/etc/ssl/a_b-c.d@e+f=g~h%i"),
    ],
)
def test_paths_have_one_placeholder(written: str, hostname: str | None, path: str) -> None:
    assert server_path(written, hostname) == path


NO_NAME = "`{hostname}` has no value: it is for paths of `server` and `hosts`, beside a `hostname`"
PEM = "this is the PEM text itself; keys and certificates are named by path"


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("/etc/{hostname}.pem", NO_NAME),
        ("/etc/{host}.pem", "`{hostname}` is the one placeholder"),
        ("/etc/}", "`{hostname}` is the one placeholder"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", PEM),
        ("-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n", PEM),
        ("relative.pem", ""),
        ("/etc/ssl/", ""),
        ("/", ""),
        ("", ""),
        *((f"/etc/a{character}b", "") for character in " \t\n\r\0'\"`$;:,<>|&*?!#()[]\\^ü\u202e"),
    ],
)
def test_paths_that_any_server_would_read_otherwise_are_refused(written: str, reason: str) -> None:
    assert refusal(lambda text: server_path(text, None), written) == reason
