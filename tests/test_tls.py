"""The table of names, held against the programs of the libraries themselves where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter

import pytest

from tlsconf.tls import (
    FFDHE_GROUPS,
    GROUPS,
    HYBRID_GROUPS,
    OPENSSL_DEFAULT_TLS13,
    VERSIONS,
    GnutlsParts,
    Strength,
    Version,
    gnutls_parts,
    is_tls13,
    older_suites,
    openssl_list,
    strength,
    suite_minimum_version,
    suites,
    tls13_suites,
    weakest,
)


def run(program: str, *arguments: str) -> str:
    """Return what a program prints, or skip where it is not installed."""
    path = shutil.which(program)
    if path is None:
        pytest.skip(f"{program} is not installed")
    return subprocess.run([path, *arguments], check=True, capture_output=True, text=True, timeout=30).stdout


def test_versions_have_their_numbers_on_the_wire_and_their_order() -> None:
    assert {name: int(version) for name, version in VERSIONS.items()} == {"TLSv1.0": 769, "TLSv1.1": 770, "TLSv1.2": 771, "TLSv1.3": 772}
    assert sorted(Version) == [Version.TLSv1_0, Version.TLSv1_1, Version.TLSv1_2, Version.TLSv1_3]


@pytest.mark.parametrize("field", [0, 1, 2], ids=["IANA", "OpenSSL", "GnuTLS"])
def test_no_suite_stands_twice_in_the_table(field: int) -> None:
    assert [name for name, count in Counter(suite[field] for suite in suites().values()).items() if count > 1] == []


def test_weak_suites_are_not_known() -> None:
    banned = re.compile("NULL|anon|PSK|EXPORT|RC4|3DES|DES_CBC|MD5|SRP|IDEA|SEED")
    assert [name for name in suites() if banned.search(name)] == []


def test_openssl_knows_every_suite_by_the_names_of_the_table() -> None:
    newest = ":".join(tls13_suites(suites()))  # two of them are listed only where they are asked for
    listed = run("openssl", "ciphers", "-V", "-stdname", "-ciphersuites", newest, "ALL:@SECLEVEL=0")
    # 0xC0,0x30 - TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 - ECDHE-RSA-AES256-GCM-SHA384 TLSv1.2 Kx=… Au=… Enc=… Mac=…
    rows = [line.split() for line in listed.splitlines()]
    found = {row[2]: (row[4], row[5]) for row in rows}
    assert {name: found.get(name, ("", ""))[0] for name in suites()} == {name: suite.openssl for name, suite in suites().items()}
    versions = {"SSLv3": Version.TLSv1_0, "TLSv1": Version.TLSv1_0, "TLSv1.2": Version.TLSv1_2, "TLSv1.3": Version.TLSv1_3}
    assert {name: suite_minimum_version(name) for name in suites()} == {name: versions[found[name][1]] for name in suites()}


def test_openssl_takes_the_list_of_all_suites_in_order() -> None:
    older = openssl_list(older_suites(suites()))
    listed = run("openssl", "ciphers", "-s", "-tls1_2", f"{older}:@SECLEVEL=0").strip()
    assert listed == older


def test_openssl_takes_every_group_that_its_release_has() -> None:
    release = tuple(map(int, re.findall(r"\d+", run("openssl", "version"))[:2]))
    known = [group.openssl for group in GROUPS.values() if release >= (3, 5) or group.iana not in HYBRID_GROUPS]
    for name in known:
        outcome = subprocess.run(
            ["openssl", "s_client", "-groups", name, "-connect", "127.0.0.1:1"], check=False, capture_output=True, text=True, timeout=30
        )
        assert (name, "onnect" in outcome.stderr, "-groups" in outcome.stderr) == (name, True, False)


def test_gnutls_knows_every_suite_by_the_names_of_the_table() -> None:
    rows = [line.split() for line in run("gnutls-cli", "-l").splitlines() if line.startswith("TLS_")]
    found = {row[0]: row[-1] for row in rows}
    assert {suite.gnutls for suite in suites().values()} - set(found) == set()
    versions = {"SSL3.0": Version.TLSv1_0, "TLS1.0": Version.TLSv1_0, "TLS1.2": Version.TLSv1_2, "TLS1.3": Version.TLSv1_3}
    assert {name: versions[found[suite.gnutls]] for name, suite in suites().items()} == {
        name: suite_minimum_version(name) for name in suites()
    }


@pytest.mark.parametrize("iana", suites())
def test_gnutls_makes_each_suite_from_its_parts_and_no_other(iana: str) -> None:
    exchange, cipher, mac = gnutls_parts(iana)
    version = {Version.TLSv1_0: "1.0", Version.TLSv1_2: "1.2", Version.TLSv1_3: "1.3"}[suite_minimum_version(iana)]
    parts = ["NONE", f"+VERS-TLS{version}", f"+{cipher}", f"+{mac}", "+SIGN-ALL", "+GROUP-ALL", "+COMP-NULL"]
    listed = run("gnutls-cli", "-l", "--priority", ":".join([*parts, f"+{exchange}"] if exchange else parts))
    names = [line.split()[0] for line in listed.splitlines() if line.startswith("TLS_")]
    assert suites()[iana].gnutls in names
    assert {gnutls_parts(name) for name, suite in suites().items() if suite.gnutls in names} == {gnutls_parts(iana)}


def test_gnutls_knows_every_classical_group() -> None:
    listed = run("gnutls-cli", "-l")
    assert [
        group.gnutls for group in GROUPS.values() if group.gnutls and group.iana not in HYBRID_GROUPS and group.gnutls not in listed
    ] == []


@pytest.mark.parametrize(
    ("iana", "parts"),
    [
        ("TLS_AES_256_GCM_SHA384", GnutlsParts(None, "AES-256-GCM", "AEAD")),
        ("TLS_AES_128_CCM_8_SHA256", GnutlsParts(None, "AES-128-CCM-8", "AEAD")),
        ("TLS_CHACHA20_POLY1305_SHA256", GnutlsParts(None, "CHACHA20-POLY1305", "AEAD")),
        ("TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", GnutlsParts("ECDHE-RSA", "CHACHA20-POLY1305", "AEAD")),
        ("TLS_DHE_RSA_WITH_AES_256_CCM_8", GnutlsParts("DHE-RSA", "AES-256-CCM-8", "AEAD")),
        ("TLS_RSA_WITH_AES_128_CBC_SHA", GnutlsParts("RSA", "AES-128-CBC", "SHA1")),
        ("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", GnutlsParts("ECDHE-ECDSA", "AES-256-CBC", "SHA384")),
    ],
)
def test_suites_fall_into_parts_of_a_priority_string(iana: str, parts: GnutlsParts) -> None:
    assert gnutls_parts(iana) == parts


@pytest.mark.parametrize(
    ("iana", "expected"),
    [
        ("TLS_RSA_WITH_AES_128_CBC_SHA", Strength(128, forward_secrecy=False, aead=False)),
        ("TLS_RSA_WITH_AES_256_GCM_SHA384", Strength(256, forward_secrecy=False, aead=True)),
        ("TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA", Strength(256, forward_secrecy=True, aead=False)),
        ("TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", Strength(128, forward_secrecy=True, aead=True)),
        ("TLS_CHACHA20_POLY1305_SHA256", Strength(256, forward_secrecy=True, aead=True)),
    ],
)
def test_strength_is_bits_then_forward_secrecy_then_aead(iana: str, expected: Strength) -> None:
    assert strength(iana) == expected


def test_the_weakest_suite_is_the_one_with_the_fewest_bits_first() -> None:
    assert weakest(["TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_AES_128_GCM_SHA256"]) == strength("TLS_AES_128_GCM_SHA256")


def test_suites_are_told_apart_by_version_in_the_order_given() -> None:
    mixed = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_RSA_WITH_AES_128_CCM", "TLS_AES_128_GCM_SHA256")
    assert tls13_suites(mixed) == (mixed[1], mixed[3])
    assert older_suites(mixed) == (mixed[0], mixed[2])
    assert [name for name in suites() if is_tls13(name)] == [name for name, suite in suites().items() if suite.openssl == name]


def test_the_default_suites_of_openssl_are_those_it_lists() -> None:
    listed = run("openssl", "ciphers", "-s", "-tls1_3").strip().split(":")
    assert tuple(name for name in listed if name.startswith("TLS_")) == OPENSSL_DEFAULT_TLS13


def test_group_kinds_are_groups() -> None:
    assert GROUPS.keys() > HYBRID_GROUPS
    assert set(FFDHE_GROUPS) == {"ffdhe2048", "ffdhe3072", "ffdhe4096", "ffdhe6144", "ffdhe8192"}
