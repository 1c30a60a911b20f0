"""Plans: which settings a release gets, and what is said where the law can't be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mta.sendmail.helpers import DEBIAN_11, DEBIAN_12, DEBIAN_13, DEBIAN_14, TARGETS, values
from tests.policies import CERTIFICATE, PARAMETERS, RULES, make_policy, make_target
from tlsconf.errors import PlanError
from tlsconf.mta import sendmail
from tlsconf.policy import Certificate, Level, NextHop, OutboundRule, Server, Verify
from tlsconf.tls import Version

if TYPE_CHECKING:
    from tlsconf.policy import Policy, Target

HOSTNAME = OutboundRule("named", Level.REQUIRED, Verify.HOSTNAME, domains=("a.example",))
DANE = OutboundRule("dane", Level.REQUIRED, Verify.DANE, domains=("d.example",))
OPPORTUNISTIC_DANE = OutboundRule("maybe", Level.OPPORTUNISTIC, Verify.DANE, domains=("o.example",))
NONE = OutboundRule("legacy", Level.NONE, Verify.NONE, domains=("n.example",))
CBC = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"


def claims(policy: Policy, target: Target) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(item.id.removeprefix("sendmail-"), item.kind, item.rules) for item in sendmail.plan(policy, target).limitations}


def ids(policy: Policy, target: Target) -> set[str]:
    return {item for item, _, _ in claims(policy, target)}


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.release.text)
def test_names_and_files_depend_on_the_release_alone(target: Target) -> None:
    full = sendmail.plan(make_policy(), target)
    empty = sendmail.plan(make_policy(outbound_rules=(), inbound_rules=(), inbound_tls=Level.NONE, server=Server(None, ())), target)
    assert [file.path for file in full.files] == [file.path for file in empty.files]
    assert list(values(full, "tlsconf.m4")) == list(values(empty, "tlsconf.m4"))


def test_options_follow_the_release() -> None:
    def new(older: Target, newer: Target) -> set[str]:
        return set(values(sendmail.plan(make_policy(), newer), "tlsconf.m4")) - set(
            values(sendmail.plan(make_policy(), older), "tlsconf.m4")
        )

    assert new(DEBIAN_11, DEBIAN_12) == {"confTLS_FALLBACK_TO_CLEAR", "TLSCONF_CIPHER_SUITES", "TLSCONF_SET_CERT_ALTNAMES"}
    assert new(DEBIAN_12, DEBIAN_13) == {"confDANE"}
    assert new(DEBIAN_13, DEBIAN_14) == set()
    assert new(make_target("sendmail", "8.15"), make_target("sendmail", "8.18.2")) == {"confTLS_FALLBACK_TO_CLEAR", "TLSCONF_CIPHER_SUITES"}


def test_versions_and_suites_become_openssl_options() -> None:
    options = values(sendmail.plan(make_policy(), DEBIAN_13), "tlsconf.m4")
    assert options["confCLIENT_SSL_OPTIONS"] == "+SSL_OP_NO_SSLv2 +SSL_OP_NO_SSLv3 +SSL_OP_NO_TLSv1 +SSL_OP_NO_TLSv1_1"
    assert options["confSERVER_SSL_OPTIONS"].endswith(" +SSL_OP_NO_TLSv1_1 +SSL_OP_CIPHER_SERVER_PREFERENCE")
    assert options["TLSCONF_CIPHER_SUITES"] == "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"


def test_without_older_suites_older_versions_are_off() -> None:
    only = PARAMETERS._replace(cipher_suites=("TLS_AES_256_GCM_SHA384",))
    options = values(sendmail.plan(make_policy(required=only, opportunistic=only), DEBIAN_13), "tlsconf.m4")
    assert options["confCIPHER_LIST"] == ""
    assert "+SSL_OP_NO_TLSv1_2" in options["confCLIENT_SSL_OPTIONS"].split()
    assert "+SSL_OP_NO_TLSv1_2" in options["confSERVER_SSL_OPTIONS"].split()


@pytest.mark.parametrize(("target", "name"), [(DEBIAN_11, "+0x20000000"), (DEBIAN_12, "+SSL_OP_NO_TLSv1_3")])
def test_without_tls13_suites_tls13_is_off(target: Target, name: str) -> None:
    older = PARAMETERS._replace(cipher_suites=(CBC,))
    options = values(sendmail.plan(make_policy(required=older, opportunistic=older), target), "tlsconf.m4")
    assert name in options["confCLIENT_SSL_OPTIONS"].split()


def test_inbound_none_presents_no_certificate() -> None:
    options = values(sendmail.plan(make_policy(inbound_tls=Level.NONE), DEBIAN_13), "tlsconf.m4")
    assert (options["confSERVER_CERT"], options["confSERVER_KEY"]) == ("", "")


def test_dane_is_on_only_where_a_rule_asks() -> None:
    assert values(sendmail.plan(make_policy(), DEBIAN_13), "tlsconf.m4")["confDANE"] == "false"
    assert values(sendmail.plan(make_policy(outbound_rules=(DANE,)), DEBIAN_13), "tlsconf.m4")["confDANE"] == "true"


def test_tls_is_never_tried_where_nobody_wants_it() -> None:
    policy = make_policy(outbound_tls=Level.NONE, outbound_rules=(NONE,))
    assert values(sendmail.plan(policy, DEBIAN_13), "tlsconf.m4")["TLSCONF_OUTBOUND"].startswith("none:")
    assert "none-by-host" not in ids(policy, DEBIAN_13)


def test_the_smarthosts_rule_is_the_default() -> None:
    hop = NextHop("relay.example", 587)
    rules = (OutboundRule("relay", Level.REQUIRED, Verify.HOSTNAME, next_hops=(hop,)),)
    options = values(sendmail.plan(make_policy(outbound_smarthost=hop, outbound_rules=rules), DEBIAN_13), "tlsconf.m4")
    assert options["TLSCONF_OUTBOUND"] == "required:hostname:TLSv1_2:relay"


def test_none_by_domain_is_missing() -> None:
    assert ("none-by-host", "missing", ("legacy",)) in claims(make_policy(outbound_rules=(NONE,)), DEBIAN_14)
    assert ("none-by-host", "missing", ()) in claims(make_policy(outbound_tls=Level.NONE, outbound_rules=(HOSTNAME,)), DEBIAN_14)


def test_8_15_holds_mail_after_a_failed_handshake() -> None:
    assert ("no-fallback", "stricter", ()) in claims(make_policy(), DEBIAN_11)
    assert "no-fallback" not in ids(make_policy(), DEBIAN_12)
    assert "no-fallback" not in ids(make_policy(outbound_tls=Level.REQUIRED), DEBIAN_11)


def test_tls13_suites_before_8_17() -> None:
    assert ("library-tls13-suites", "different", ()) in claims(make_policy(), DEBIAN_11)
    strong = PARAMETERS._replace(cipher_suites=("TLS_AES_256_GCM_SHA384",))
    assert ("library-tls13-suites", "weaker", ()) in claims(make_policy(required=strong, opportunistic=strong), DEBIAN_11)
    assert "library-tls13-suites" not in ids(make_policy(required=strong, opportunistic=strong), DEBIAN_12)


def test_two_lists_of_suites() -> None:
    wide = PARAMETERS._replace(cipher_suites=(*PARAMETERS.cipher_suites, CBC))
    assert {("one-suite-list", "stricter", tuple(rule.name for rule in RULES))} == {
        claim for claim in claims(make_policy(opportunistic=wide), DEBIAN_13) if claim[0] == "one-suite-list"
    }
    assert "one-suite-list" not in ids(make_policy(), DEBIAN_13)


def test_two_floors() -> None:
    high = PARAMETERS._replace(minimum_version=Version.TLSv1_3)
    assert ("one-floor", "stricter", ()) in claims(make_policy(opportunistic=high), DEBIAN_13)


def test_old_versions() -> None:
    old = PARAMETERS._replace(minimum_version=Version.TLSv1_0)
    policy = make_policy(opportunistic=old, required=old)
    assert values(sendmail.plan(policy, DEBIAN_13), "tlsconf.m4")["confCIPHER_LIST"].endswith(":@SECLEVEL=0")
    assert {"security-level"} <= ids(policy, DEBIAN_13)
    assert {"system-minimum"} <= ids(policy, DEBIAN_11)
    assert "security-level" not in ids(policy, DEBIAN_11)


def test_dhe_suites_of_the_server() -> None:
    both = PARAMETERS._replace(cipher_suites=(*PARAMETERS.cipher_suites, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"))
    assert "server-dhe" in ids(make_policy(required=both, opportunistic=both), DEBIAN_13)
    alone = PARAMETERS._replace(cipher_suites=("TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",))
    policy = make_policy(required=alone, opportunistic=alone)
    assert "server-dhe" not in ids(policy, DEBIAN_13)
    assert values(sendmail.plan(policy, DEBIAN_13), "tlsconf.m4")["confDH_PARAMETERS"] == "i"


def test_a_third_certificate_is_not_used() -> None:
    server = Server("mx.example", (CERTIFICATE, Certificate("/b.pem", "/b.key"), Certificate("/c.pem", "/c.key")))
    plan = sendmail.plan(make_policy(server=server), DEBIAN_13)
    assert values(plan, "tlsconf.m4")["confSERVER_CERT"] == "/etc/ssl/tlsconf/chain.pem,/b.pem"
    assert "not used: /c.pem" in {item.message for item in plan.limitations}


def test_names_of_certificates() -> None:
    policy = make_policy(outbound_rules=(HOSTNAME,))
    assert ("common-name-only", "stricter", ("named",)) in claims(policy, DEBIAN_11)
    assert ("common-name-counts", "different", ("named",)) in claims(policy, DEBIAN_12)
    wildcard = HOSTNAME._replace(mx=("*.mail.example", "mx.example"))
    assert ("mx-wildcard", "stricter", ("named",)) in claims(make_policy(outbound_rules=(wildcard,)), DEBIAN_12)
    assert sendmail.plan(make_policy(outbound_rules=(wildcard,)), DEBIAN_12).settings["tlsconf/names.m4"] == (
        ("named", "*.mail.example"),
        ("named", "mx.example"),
    )


def test_ports_are_not_seen() -> None:
    assert ("port-not-seen", "stricter", ("lab-relay",)) in claims(make_policy(), DEBIAN_13)
    lax = OutboundRule("lax", Level.NONE, Verify.NONE, next_hops=(NextHop("relay.example", 25),))
    assert ("port-not-seen", "different", ("lax",)) in claims(make_policy(outbound_rules=(lax,)), DEBIAN_13)


def test_dane() -> None:
    policy = make_policy(outbound_rules=(DANE, HOSTNAME, OPPORTUNISTIC_DANE))
    assert ("dane-missing", "missing", ("dane", "maybe")) in claims(policy, DEBIAN_12)
    assert ("dane-missing", "missing", ("dane", "maybe")) in claims(policy, make_target("sendmail", "8.18.1"))
    assert ("dane-is-global", "stricter", ("named",)) in claims(policy, DEBIAN_13)
    assert "dane-unusable-records" not in ids(policy, DEBIAN_13)
    two = policy._replace(opportunistic=PARAMETERS._replace(minimum_version=Version.TLSv1_1))
    assert ("dane-unusable-records", "weaker", ("maybe",)) in claims(two, DEBIAN_13)


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.release.text)
def test_groups_of_the_library(target: Target) -> None:
    assert "library-groups" in ids(make_policy(), target)


def test_groups_that_are_the_librarys_own() -> None:
    own = PARAMETERS._replace(groups=("X25519", "secp256r1", "X448", "secp521r1", "secp384r1"))
    assert "library-groups" not in ids(make_policy(required=own, opportunistic=own), DEBIAN_11)


def test_an_old_release_is_refused() -> None:
    with pytest.raises(PlanError) as error:
        sendmail.plan(make_policy(), make_target("sendmail", "8.14.9"))
    assert (error.value.path, error.value.expected) == (("targets", "sendmail", "release"), "one of 8.15, 8.16, 8.17, 8.18")


def test_a_newer_release_is_said() -> None:
    assert sendmail.plan(make_policy(), make_target("sendmail", "8.19")).notes[0].startswith("warning: ")


def test_a_map_type_that_makemap_does_not_make_is_refused() -> None:
    with pytest.raises(PlanError):
        sendmail.plan(make_policy(), make_target("sendmail", "8.18.1", map_type="texthash"))
    assert "makemap btree" in "".join(sendmail.plan(make_policy(), make_target("sendmail", "8.18.1", map_type="btree")).compile)


@pytest.mark.parametrize("path", ["relative.pem", "/a b", "/a,b", "/a'b", "/a$b", "/a\nb"])
def test_a_path_that_sendmail_can_not_read_is_refused(path: str) -> None:
    with pytest.raises(PlanError) as error:
        sendmail.plan(make_policy(server=Server("mx.example", (Certificate(path, "/key.pem"),))), DEBIAN_13)
    assert error.value.path == ("server", "certificates", 0, "chain")


def test_the_anchor_is_one_line_of_each_stock_file() -> None:
    import re

    (edit,) = sendmail.plan(make_policy(), DEBIAN_13).site_edits
    debian = "MAILER_DEFINITIONS\nMAILER(`local')dnl\nMAILER(`smtp')dnl\n"
    red_hat = "dnl MAILER(cyrusv2)dnl\nMAILER(smtp)dnl\nMAILER(procmail)dnl\n"
    assert [len(re.findall(edit.anchor, text, re.MULTILINE)) for text in (debian, red_hat)] == [1, 1]
