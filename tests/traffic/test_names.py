"""Names of versions, suites and groups, as every writer has them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlsconf.tls import GROUPS, Version, is_tls13, suites
from tlsconf.traffic.names import group_of, suite_of, version_of

GCM = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"


@pytest.mark.parametrize("text", ["TLS1_2", r"TLS\Tls12", "Tls12", "TLSv1.2", "TLS1.2", "tlsv1_2", "TLS 1.2", "TLSV1.2"])
def test_every_spelling_of_a_version(text: str) -> None:
    assert version_of(text) is Version.TLSv1_2


@pytest.mark.parametrize(("text", "version"), [("TLSv1", Version.TLSv1_0), ("TLS1.0", Version.TLSv1_0), ("TLS1_1", Version.TLSv1_1)])
def test_old_versions(text: str, version: Version) -> None:
    assert version_of(text) is version


@pytest.mark.parametrize("text", ["TLSv1/SSLv3", "SSLv3", "SSLv2", "TLSv1.4", "TLSv2", "1.2", "", "TLS", "TLSv1.2.3", "TLSv1.\u0662"])
def test_what_is_no_version(text: str) -> None:
    assert version_of(text) is None


@pytest.mark.parametrize("name", suites())
def test_every_suite_by_each_of_its_names(name: str) -> None:
    version = Version.TLSv1_3 if is_tls13(name) else Version.TLSv1_2
    suite = suites()[name]
    for spelling in (suite.iana, suite.openssl, suite.gnutls, suite.iana.lower()):
        assert suite_of(spelling, version) == name
        assert suite_of(spelling, None) == name


@pytest.mark.parametrize(
    ("text", "version", "name"),
    [
        ("ECDHE_X25519__RSA_PSS_RSAE_SHA256__AES_256_GCM", "TLS1.3", "TLS_AES_256_GCM_SHA384"),
        ("RSA__AES_128_CBC__SHA1", "TLS1.2", "TLS_RSA_WITH_AES_128_CBC_SHA"),
        ("RSA__AES_128_GCM", "TLS1.2", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
        ("DHE_CUSTOM2048__RSA_PSS_RSAE_SHA256__AES_256_GCM", "TLS1.2", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
        ("ECDHE_X25519__RSA_SHA1__AES_256_CBC__SHA1", "TLS1.0", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
        ("ECDHE_SECP256R1__ECDSA_SHA256__AES_128_GCM", "TLS1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE_SECP256R1__ECDSA_SECP256R1_SHA256__CHACHA20_POLY1305", "TLS1.2", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("ECDHE_X25519__EDDSA_ED25519__AES_256_GCM", "TLS1.2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
        ("ECDHE_SECP384R1__RSA_SHA512__AES_256_CBC__SHA384", "TLS1.2", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
        ("(TLS1.3)-(ECDHE-X25519)-(RSA-PSS-RSAE-SHA256)-(AES-256-GCM)", "TLS1.3", "TLS_AES_256_GCM_SHA384"),
        ("(TLS1.2)-(ECDHE-SECP256R1)-(RSA-SHA256)-(AES-256-GCM)", "TLS1.2", GCM),
        ("(TLS1.2)-(ECDHE-ECDSA-SECP256R1)-(AES-128-GCM)", "TLS1.2", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE_RSA_AES_256_GCM_SHA384", "TLS1.2", GCM),  # Exim before 4.93 with GnuTLS
        ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384_P384", "TLS1.2", GCM),  # Windows before 10
        (GCM, "TLS1.3", "TLS_AES_256_GCM_SHA384"),  # Exim with GnuTLS
        ("TLS13_AES_256_GCM_SHA384", "TLSv1.3", "TLS_AES_256_GCM_SHA384"),  # rustls
        ("TLS13_CHACHA20_POLY1305_SHA256", None, "TLS_CHACHA20_POLY1305_SHA256"),
        ("AEAD-AES128-GCM-SHA256", None, "TLS_AES_128_GCM_SHA256"),  # LibreSSL
        ("DES-CBC3-SHA", "TLS1.0", "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
        ("ADH-AES256-GCM-SHA384", "TLS1.2", "TLS_DH_anon_WITH_AES_256_GCM_SHA384"),
        ("SSL_RSA_WITH_RC4_128_MD5", "TLS1.0", "TLS_RSA_WITH_RC4_128_MD5"),  # Java
    ],
)
def test_names_by_writer(text: str, version: str | None, name: str) -> None:
    assert suite_of(text, version_of(version) if version else None) == name


@pytest.mark.parametrize("text", ["ke-RSA-AES256-SHAnnn", "NONE", "", "__", "(", "ECDHE-RSA-AES256-SHA384"])
def test_what_is_no_suite_of_tls_1_3(text: str) -> None:
    assert suite_of(text, Version.TLSv1_3) is None


def test_a_suite_of_tls_1_3_is_none_of_tls_1_2() -> None:
    assert suite_of("TLS_AES_256_GCM_SHA384", Version.TLSv1_2) is None


@pytest.mark.parametrize(
    ("text", "group"),
    [
        ("x25519", "X25519"),
        ("P-256", "secp256r1"),
        ("prime256v1", "secp256r1"),
        ("SECP384R1", "secp384r1"),
        ("X25519MLKEM768", "X25519MLKEM768"),
        ("X25519_MLKEM768", "X25519_MLKEM768"),
        ("FFDHE2048", "ffdhe2048"),
        ("GROUP-X448", "X448"),
    ],
)
def test_groups(text: str, group: str) -> None:
    assert group_of(text) == group


@pytest.mark.parametrize("name", GROUPS)
def test_every_group_by_its_own_name(name: str) -> None:
    assert group_of(name) == name


@given(st.text(), st.sampled_from([None, *Version]))
def test_any_text_has_an_answer(text: str, version: Version | None) -> None:
    assert suite_of(text, version) is None or isinstance(suite_of(text, version), str)
    assert version_of(text) is None or text
    assert isinstance(group_of(text), str)


def test_names_of_the_past_are_those_of_openssl() -> None:
    path = shutil.which("openssl")
    if path is None:
        pytest.skip("openssl is not installed")
    command = [path, "ciphers", "-V", "-stdname", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout
    rows = [line.split() for line in listed.splitlines()]
    known = {row[4]: row[2] for row in rows}  # 0xC0,0x30 - IANA - OPENSSL …
    found = {name: suite_of(name, None) for name in known}
    assert {name: iana for name, iana in found.items() if iana not in {None, known[name]}} == {}
    assert found["ADH-AES128-SHA"] == "TLS_DH_anon_WITH_AES_128_CBC_SHA"
