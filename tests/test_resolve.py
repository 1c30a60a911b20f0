"""What a profile means as a whole: defaults, two floors, what can't be, shipped baselines, and who said what."""

from __future__ import annotations

import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.samples import HEAD, SERVER, WHOLE, chain, policy, put, refusals, wrong
from tlsconf.chain import shipped, shipped_text
from tlsconf.policy import Inbound, InboundRule, Level, OnPlaintext, OutboundRule, Parameters, Policy, Verify
from tlsconf.resolve import DEFAULTS, resolve
from tlsconf.tls import Version

DESIGN = Path(__file__).parent / "design" / "profile.yaml"

# Copied from the sources that the heads of the profiles name: NCSC Mail Check (Recommendations.cs), and TLSRef guideline 6.0, which writes
# OpenSSL names for TLS 1.2 and earlier and `prime256v1` for secp256r1.
MAIL_CHECK_GOOD = {
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
}
TLSREF_NEW = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
TLSREF_OLDER = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
)
TLSREF_GROUPS = ("X25519MLKEM768", "X25519", "secp256r1", "secp384r1")


def based_on(folder: Path, name: str) -> Policy:
    return policy(folder, f"{WHOLE}extends: {name}\n")


# --- shipped baselines -----------------------------------------------------------------------------------------------


def test_uk_government_is_the_guidance_with_the_suites_that_every_standard_takes(tmp_path: Path) -> None:
    found = based_on(tmp_path, "uk-government@2026-11")
    assert found.required == found.opportunistic
    assert found.required.minimum_version is Version.TLSv1_2
    assert set(found.required.cipher_suites) == MAIL_CHECK_GOOD
    assert found.required.groups == ("X25519", "secp256r1", "secp384r1")
    assert (found.outbound.tls, found.outbound.verify) == (Level.OPPORTUNISTIC, Verify.NONE)
    assert found.outbound.rules == (OutboundRule("uk-government", Level.REQUIRED, Verify.NONE, domains=("*.gov.uk",)),)
    assert found.inbound == Inbound(Level.OPPORTUNISTIC, (), ())


def test_tlsref_intermediate_is_guideline_6_0(tmp_path: Path) -> None:
    found = based_on(tmp_path, "tlsref-intermediate@6.0")
    values = Parameters(Version.TLSv1_2, (*TLSREF_NEW, *TLSREF_OLDER), TLSREF_GROUPS, prefer_server_order=False)
    assert (found.required, found.opportunistic) == (values, values)
    assert (found.outbound.tls, found.inbound.tls, found.outbound.rules) == (Level.OPPORTUNISTIC, Level.OPPORTUNISTIC, ())


def test_tlsref_modern_is_guideline_6_0_where_tls_is_required(tmp_path: Path) -> None:
    found = based_on(tmp_path, "tlsref-modern@6.0")
    assert found.required == Parameters(Version.TLSv1_3, TLSREF_NEW, TLSREF_GROUPS, prefer_server_order=False)
    assert found.opportunistic == based_on(tmp_path, "tlsref-intermediate@6.0").opportunistic


@pytest.mark.parametrize("alias", [name for name in shipped() if "@" not in name])
def test_an_alias_means_what_its_newest_edition_means(tmp_path: Path, alias: str) -> None:
    newest = max(name for name in shipped() if name.startswith(f"{alias}@"))
    assert based_on(tmp_path, alias) == based_on(tmp_path, newest)
    assert f"extends: {newest}\n" in shipped_text(alias)


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_profile_begins_with_its_reasons(name: str) -> None:
    head = shipped_text(name).partition("tlsconf: 1")[0]
    assert all(line.startswith("#") for line in head.splitlines())
    assert re.match(r"# \S.*[:,] .+\.\n#", head)


# --- defaults and two floors -----------------------------------------------------------------------------------------


def test_where_nothing_is_said_everything_has_a_default(tmp_path: Path) -> None:
    found = policy(tmp_path, WHOLE)
    assert (found.required, found.opportunistic) == (DEFAULTS, DEFAULTS)
    assert set(DEFAULTS.cipher_suites) == MAIL_CHECK_GOOD
    assert found.outbound == (Level.OPPORTUNISTIC, Verify.NONE, "/etc/ssl/certs/ca-certificates.crt", None, (), ())
    assert found.inbound == Inbound(Level.OPPORTUNISTIC, (), ())
    assert (found.name, found.description, found.host) == ("sample", "", None)


TLS = "tls: {minimum_version: TLSv1.3, cipher_suites: [TLS_AES_128_GCM_SHA256], groups: [X448], prefer_server_order: false"


@pytest.mark.parametrize(
    ("own", "changes"),
    [
        ("", {}),
        (", opportunistic: {minimum_version: TLSv1.0}", {"minimum_version": Version.TLSv1_0}),
        (", opportunistic: {cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, TLS_AES_128_GCM_SHA256]}",
         {"cipher_suites": ("TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_128_GCM_SHA256")}),
        (", opportunistic: {groups: [X25519]}", {"groups": ("X25519",)}),
        (", opportunistic: {prefer_server_order: true}", {"prefer_server_order": True}),
    ],
)  # fmt: skip
def test_each_opportunistic_value_defaults_to_that_of_required_tls(tmp_path: Path, own: str, changes: dict[str, Any]) -> None:
    found = policy(tmp_path, f"{WHOLE}{TLS}{own}}}\n")
    assert found.required == Parameters(Version.TLSv1_3, ("TLS_AES_128_GCM_SHA256",), ("X448",), prefer_server_order=False)
    assert found.opportunistic == found.required._replace(**changes)


def test_an_overlay_s_value_reaches_the_opportunistic_one_only_where_that_is_not_said(tmp_path: Path) -> None:
    base = f"{WHOLE}tls: {{opportunistic: {{minimum_version: TLSv1.1}}}}\n"
    found = policy(tmp_path, base, f"{HEAD}tls: {{minimum_version: TLSv1.3, groups: [X448]}}\n")
    assert (found.opportunistic.minimum_version, found.opportunistic.groups) == (Version.TLSv1_1, ("X448",))


def test_suites_and_groups_keep_their_order_and_count_once(tmp_path: Path) -> None:
    found = policy(tmp_path, f"{WHOLE}tls: {{groups: [secp384r1, X25519, secp384r1]}}\n")
    assert found.required.groups == ("secp384r1", "X25519")


@pytest.mark.parametrize(
    ("tls", "said"),
    [
        ("groups: [x25519]", "1.yaml:6:16: `x25519` is no group that is known here (did you mean `X25519`?)"),
        ("groups: [prime256v1]", "1.yaml:6:16: `prime256v1` is no group that is known here (did you mean `secp256r1`?)"),
        ("groups: [GROUP-X448]", "1.yaml:6:16: `GROUP-X448` is no group that is known here (did you mean `X448`?)"),
        ("groups: [qqq]", "1.yaml:6:16: `qqq` is no group that is known here (an IANA name)"),
        ("groups: []", "1.yaml:6:15: `groups` is empty (at least one group)"),
        (
            "cipher_suites: [ECDHE-RSA-AES256-GCM-SHA384]",
            (
                "1.yaml:6:23: `ECDHE-RSA-AES256-GCM-SHA384` is no cipher suite that is known here "
                "(did you mean `TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384`?)"
            ),
        ),
        (
            "cipher_suites: [TLS_AES_256_GCM_SHA348]",
            "1.yaml:6:23: `TLS_AES_256_GCM_SHA348` is no cipher suite that is known here (did you mean `TLS_AES_256_GCM_SHA384`?)",
        ),
        (
            "minimum_version: TLSv1.3, cipher_suites: [TLS_RSA_WITH_AES_128_CCM]",
            "1.yaml:6:24: no session could ever be made: TLSv1.3 is the floor, and no suite of TLS 1.3 is listed (TLS 1.3 suites)",
        ),
        (
            "cipher_suites: [TLS_RSA_WITH_AES_128_CCM], opportunistic: {minimum_version: TLSv1.3}",
            "1.yaml:6:83: no session could ever be made: TLSv1.3 is the floor, and no suite of TLS 1.3 is listed (TLS 1.3 suites)",
        ),
    ],
)
def test_what_a_session_can_t_be(tmp_path: Path, tls: str, said: str) -> None:
    assert wrong(tmp_path, f"{WHOLE}tls: {{{tls}}}\n") == [said]


# --- inbound ---------------------------------------------------------------------------------------------------------


def test_inbound_rules_resolve_with_every_key(tmp_path: Path) -> None:
    text = (
        f"{WHOLE}inbound:\n  tls: required\n  exempt_clients: [127.0.0.0/8, '::1', 127.0.0.0/8]\n  rules:\n"
        "    - {name: a, senders: [B.example, '*.b.example', b.example], tls: required}\n"
        "    - {name: c, clients: [192.0.2.1, 192.0.2.1/32], tls: required, minimum_version: TLSv1.3, on_plaintext: defer}\n"
    )
    assert policy(tmp_path, text).inbound == Inbound(
        Level.REQUIRED,
        (ip_network("127.0.0.0/8"), ip_network("::1")),
        (
            InboundRule("a", ("b.example", "*.b.example")),
            InboundRule("c", (), (ip_network("192.0.2.1"),), Version.TLSv1_3, OnPlaintext.DEFER),
        ),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rules: [{name: a, senders: [b.example]}]", "1.yaml:6:19: the rule `a` does not say `tls` (the key `tls`)"),
        ("rules: [{name: a, tls: required}]", "1.yaml:6:19: the rule `a` does not say for whom it is (`senders` or `clients`)"),
        (
            "rules: [{name: a, tls: required, senders: [b.example], clients: ['::1']}]",
            "1.yaml:6:19: the rule `a` has `senders` and `clients` (`senders` or `clients`, never both)",
        ),
        (
            "tls: none, rules: [{name: a, tls: required, senders: [b.example]}]",
            "1.yaml:6:30: the rule `a` requires TLS, and `inbound.tls: none` offers it to nobody (`tls: opportunistic`)",
        ),
    ],
)
def test_what_an_inbound_rule_lacks(tmp_path: Path, text: str, said: str) -> None:
    assert wrong(tmp_path, f"{WHOLE}inbound: {{{text}}}\n") == [said]


def test_one_sender_may_be_in_several_rules_as_all_of_them_count(tmp_path: Path) -> None:
    rules = "[{name: a, tls: required, senders: [b.example]}, {name: c, tls: required, senders: [b.example]}]"
    assert len(policy(tmp_path, f"{WHOLE}inbound: {{rules: {rules}}}\n").inbound.rules) == 2


# --- the whole -------------------------------------------------------------------------------------------------------

OLDER = "tls: {cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"
BOTH = "tls: {cipher_suites: [TLS_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]"
NO_13 = "wants TLSv1.3, and no suite of TLS 1.3 is listed (TLS 1.3 suites under `tls`)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            f"{HEAD}platform: debian-12\n{SERVER}",
            "1.yaml:2:1: no `targets` are named: there is nothing to render (`targets: [postfix]`, for example)",
        ),
        (
            f"{HEAD}platform: debian-12\ntargets: [postfix]\n",
            "1.yaml:2:1: inbound TLS needs a certificate, and none is given (`certificates` under `server`, or `inbound: {tls: none}`)",
        ),
        (
            f"{HEAD}platform: debian-12\ntargets: [postfix]\nserver: {{hostname: a.b}}\n",
            "1.yaml:5:1: inbound TLS needs a certificate, and none is given (`certificates` under `server`, or `inbound: {tls: none}`)",
        ),
        (
            f"{WHOLE}{OLDER}}}\noutbound: {{rules: [{{name: a, domains: [b.c], tls: required, minimum_version: TLSv1.3}}]}}\n",
            f"1.yaml:7:78: the rule `a` {NO_13}",
        ),
        (
            (
                f"{WHOLE}{BOTH}, opportunistic: {OLDER.removeprefix('tls: ')}}}}}\n"
                "inbound: {rules: [{name: a, senders: [b.c], tls: required, minimum_version: TLSv1.3}]}\n"
            ),
            f"1.yaml:7:77: the rule `a` {NO_13}",
        ),
    ],
)
def test_what_does_not_fit_together(tmp_path: Path, text: str, said: str) -> None:
    assert wrong(tmp_path, text) == [said]


def test_without_inbound_tls_no_certificate_is_needed(tmp_path: Path) -> None:
    assert policy(tmp_path, f"{HEAD}platform: debian-12\ntargets: [postfix]\ninbound: {{tls: none}}\n").server.certificates == ()


def test_what_was_left_out_as_wrong_raises_no_second_complaint(tmp_path: Path) -> None:
    text = (
        "tlsconf: 1\nname: a\nplatform: debain-12\ntarget: [postfix]\nserver: {certificates: 1}\n"
        "tls: {minimum_version: TLSv1.3, cipher_suites: [5]}\n"
        "outbound: {tls: 1, verify: hostname, smarthost: '[a.example]',"
        " rules: [{name: b, domains: [{list: x}], tls: required, mx: [c.d]}]}\n"
    )
    assert [line.partition(" (")[0] for line in wrong(tmp_path, text)] == [
        "1.yaml:3:11: `debain-12` does not fit `platform`",
        "1.yaml:4:1: unknown key `target`",
        "1.yaml:5:24: `1` does not fit `server.certificates`",
        "1.yaml:6:49: `5` does not fit `tls.cipher_suites[0]`",
        "1.yaml:7:17: `1` does not fit `outbound.tls`",
        "1.yaml:7:99: there is no list `x`",
    ]


def test_the_example_of_the_design_resolves() -> None:
    found = resolve(str(DESIGN)).policies
    assert [(item.host, [(t.name, t.release.text, t.tls_library, t.layout) for t in item.targets]) for item in found] == [
        ("mx1", [("postfix", "3.7", "openssl", None), ("exim", "4.96", "gnutls", "debian"), ("sendmail", "8.17.1", "openssl", None)]),
        ("mx2", [("postfix", "3.10.13", "openssl", None), ("exim", "4.98.2", "gnutls", "debian"), ("sendmail", "8.18.1", "openssl", None)]),
    ]
    assert {rule.name: rule.domains for rule in found[0].outbound.rules} == {
        "central-government": ("*.gov.uk", "police.uk"),
        "clearing-house": ("partner.example", "*.partner.example"),
        "lab-relay": (),
    }


# --- who said what ---------------------------------------------------------------------------------------------------


def test_every_value_knows_its_file_and_line(tmp_path: Path) -> None:
    base = f"{WHOLE}outbound:\n  tls: opportunistic\n  rules:\n  - {{name: a, tls: required, domains: [x.example, {{list: l}}]}}\n"
    over = f"{HEAD}outbound:\n  rules:\n  - name: a\n    verify: hostname\n"
    over += "lists:\n  l: [y.example, {file: f.txt}]\nhosts:\n  h: {platform: debian-13}\n"
    found = resolve(str(chain(tmp_path, (base, over), {"f": "# x\nz.example\n"})))

    def place(*path: str, host: str | None = None) -> str:
        return str(found.origin(path, host)).removeprefix(f"{tmp_path}/")

    rule = ("outbound", "rules", "a")
    assert [place("outbound", "tls"), place(*rule, "tls"), place(*rule, "verify"), place(*rule)] == [
        "2.yaml:7",
        "2.yaml:9",
        "1.yaml:6",
        "1.yaml:5",
    ]
    assert [place("platform"), place("platform", host="h"), place("server", "hostname", host="h")] == ["2.yaml:3", "1.yaml:10", "2.yaml:5"]
    assert (found.said(("tls", "groups")), found.said((*rule, "minimum_version"))) == (None, None)
    spans = [found.pattern_span("outbound", "a", "domains", f"{name}.example") for name in "xyzw"]
    assert [span and f"{span.file}:{span.line}".removeprefix(f"{tmp_path}/") for span in spans] == ["2.yaml:9", "1.yaml:8", "f.txt:2", None]


# --- anything at all -------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    ["postfix", "TLSv1.3", "required", "none", "a.example", "*.b.example", "[c.example]:25", "192.0.2.0/24", "/x", "", "x y", "\x1b[31m"]
)
SCALARS = WORDS | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
KEYS = st.sampled_from(
    ["tlsconf", "name", "extends", "platform", "targets", "server", "hosts", "tls", "lists", "outbound", "inbound", "rules", "domains",
     "next_hops", "mx", "verify", "minimum_version", "cipher_suites", "groups", "opportunistic", "senders", "clients", "exempt_clients",
     "smarthost", "add", "remove", "list", "file", "hostname", "certificates", "chain", "key", "accept", "keep", "release", "postfix",
     "exim", "foo"]
)  # fmt: skip
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(KEYS, VALUES, max_size=6))
def test_nothing_that_is_yaml_breaks_it(tmp_path: Path, data: dict[str, object]) -> None:
    import json

    put(tmp_path, {"p.yaml": json.dumps({**data, "tlsconf": 1, "name": "a"})})
    try:
        assert refusals(tmp_path / "p.yaml")
    except AssertionError as error:
        assert "Resolved(" in str(error)  # noqa: PT017  (either will do)
