"""Plans: what the law's words become in Postfix's."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import pytest

from tests.policies import CERTIFICATE, PARAMETERS, RULES, make_policy, make_target
from tlsconf.errors import PlanError
from tlsconf.mta import postfix
from tlsconf.policy import Certificate, InboundRule, Level, NextHop, OnPlaintext, OutboundRule, Server, Verify
from tlsconf.tls import Version

if TYPE_CHECKING:
    from tlsconf.plan import Plan

OLDER = PARAMETERS.cipher_suites[2:]
TLS13 = PARAMETERS.cipher_suites[:2]
RELEASES = ("3.5", "3.5.25", "3.6", "3.7", "3.7.11", "3.8", "3.9", "3.10", "3.11.7")


def plan_of(release: str = "3.10.13", *, target: Any = None, **changes: Any) -> Plan:
    return postfix.plan(make_policy(**changes), target or make_target("postfix", release))


def main(plan: Plan) -> dict[str, str]:
    return dict(plan.settings["main.cf"])


def outbound(**rule: Any) -> dict[str, str]:
    rule = {"name": "r", "tls": Level.REQUIRED, "verify": Verify.NONE, **rule}
    return dict(plan_of(outbound_rules=(OutboundRule(**rule),)).settings["tlsconf/outbound"])


def ids(plan: Plan) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(limitation.id, limitation.kind, limitation.rules) for limitation in plan.limitations]


@pytest.mark.parametrize(
    ("tls", "verify", "level"),
    [
        (Level.NONE, Verify.NONE, "none"),
        (Level.OPPORTUNISTIC, Verify.NONE, "may"),
        (Level.OPPORTUNISTIC, Verify.DANE, "dane"),
        (Level.REQUIRED, Verify.NONE, "encrypt"),
        (Level.REQUIRED, Verify.HOSTNAME, "verify"),
        (Level.REQUIRED, Verify.DANE, "dane-only"),
    ],
)
def test_levels(tls: Level, verify: Verify, level: str) -> None:
    assert main(plan_of(outbound_tls=tls, outbound_verify=verify))["smtp_tls_security_level"] == level
    assert outbound(tls=tls, verify=verify, domains=("a.example",)) == {"a.example": level}


@pytest.mark.parametrize(("verify", "support"), [(Verify.NONE, ""), (Verify.DANE, "dnssec")])
def test_dane_asks_for_dnssec(verify: Verify, support: str) -> None:
    rule = OutboundRule("r", Level.OPPORTUNISTIC, verify, domains=("a.example",))
    assert main(plan_of(outbound_rules=(rule,)))["smtp_dns_support_level"] == support


def test_keys_of_domains() -> None:
    assert list(outbound(domains=("a.example", "*.a.example", "xn--bcher-kva.example"))) == [
        "a.example",
        ".a.example",
        "xn--bcher-kva.example",
        "bücher.example",
    ]


def test_keys_of_next_hops() -> None:
    hops = (NextHop("r.example", 25), NextHop("r.example", 587), NextHop("r.example", 2525), NextHop("2001:db8::1", 25))
    assert list(outbound(next_hops=hops)) == [
        "[r.example]",
        "[r.example]:25",
        "[r.example]:smtp",
        "[r.example]:587",
        "[r.example]:submission",
        "[r.example]:2525",
        "[2001:db8::1]",
        "[2001:db8::1]:25",
        "[2001:db8::1]:smtp",
        "[IPv6:2001:db8::1]",
        "[IPv6:2001:db8::1]:25",
        "[IPv6:2001:db8::1]:smtp",
    ]


def test_names_of_certificates() -> None:
    value = outbound(verify=Verify.HOSTNAME, mx=("*.mx.example", "mx.example"), domains=("a.example",))["a.example"]
    assert value == "secure match=.mx.example:mx.example"


@pytest.mark.parametrize(
    ("release", "value"), [("3.10", "encrypt protocols=>=TLSv1.3"), ("3.5", "encrypt protocols=!SSLv2:!SSLv3:!TLSv1:!TLSv1.1:!TLSv1.2")]
)
def test_a_floor_of_its_own(release: str, value: str) -> None:
    rule = OutboundRule("r", Level.REQUIRED, Verify.NONE, Version.TLSv1_3, domains=("a.example",))
    assert plan_of(release, outbound_rules=(rule,)).settings["tlsconf/outbound"] == (("a.example", value),)


@pytest.mark.parametrize(
    ("release", "minimum", "suites", "expected"),
    [
        ("3.10", Version.TLSv1_2, TLS13 + OLDER, ">=TLSv1.2"),
        ("3.10", Version.TLSv1_0, (*TLS13, "TLS_RSA_WITH_AES_128_CBC_SHA"), ">=TLSv1"),
        ("3.10", Version.TLSv1_0, TLS13 + OLDER, ">=TLSv1.2"),
        ("3.10", Version.TLSv1_2, OLDER, ">=TLSv1.2, <=TLSv1.2"),
        ("3.10", Version.TLSv1_2, TLS13, ">=TLSv1.3"),
        ("3.5", Version.TLSv1_2, TLS13 + OLDER, "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1"),
        ("3.5", Version.TLSv1_2, OLDER, "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1, !TLSv1.3"),
        ("3.5", Version.TLSv1_2, TLS13, "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1, !TLSv1.2"),
    ],
)
def test_protocols(release: str, minimum: Version, suites: tuple[str, ...], expected: str) -> None:
    parameters = PARAMETERS._replace(minimum_version=minimum, cipher_suites=suites)
    values = main(plan_of(release, required=parameters, opportunistic=parameters, outbound_rules=()))
    names = ("smtp_tls_protocols", "smtp_tls_mandatory_protocols", "smtpd_tls_protocols", "smtpd_tls_mandatory_protocols")
    assert {values[name] for name in names} == {expected}


def test_no_suite_from_the_floor_up() -> None:
    parameters = PARAMETERS._replace(cipher_suites=OLDER)
    with pytest.raises(PlanError):
        plan_of(required=parameters, outbound_rules=(RULES[1],))


def test_two_floors() -> None:
    old = PARAMETERS._replace(minimum_version=Version.TLSv1_0, cipher_suites=(*PARAMETERS.cipher_suites, "TLS_RSA_WITH_AES_128_CBC_SHA"))
    plan = plan_of(opportunistic=old)
    values = main(plan)
    assert (values["smtp_tls_protocols"], values["smtp_tls_mandatory_protocols"]) == (">=TLSv1", ">=TLSv1.2")
    assert values["tls_medium_cipherlist"].endswith(":AES128-SHA:@SECLEVEL=0")
    assert "SECLEVEL" not in values["tls_high_cipherlist"]
    assert (values["smtpd_tls_protocols"], values["smtpd_tls_ciphers"]) == (">=TLSv1", "medium")
    assert any(note.startswith("warning: TLS 1.0") for note in plan.notes)


@pytest.mark.parametrize("exempt", [(), (ip_network("127.0.0.0/8"),)])
def test_the_listener_follows_required_tls(exempt: tuple[Any, ...]) -> None:
    old = PARAMETERS._replace(minimum_version=Version.TLSv1_0, cipher_suites=("TLS_RSA_WITH_AES_128_CBC_SHA",))
    plan = plan_of(opportunistic=old, inbound_tls=Level.REQUIRED, inbound_exempt_clients=exempt)
    values = main(plan)
    assert values["smtpd_tls_security_level"] == ("may" if exempt else "encrypt")
    assert (values["smtpd_tls_protocols"], values["smtpd_tls_ciphers"]) == (">=TLSv1.2", "high")
    assert values["tlsconf_inbound"] == "tlsconf_reject"


def test_no_older_suites_leave_no_cipher_list_empty() -> None:
    parameters = PARAMETERS._replace(cipher_suites=TLS13)
    assert main(plan_of(required=parameters))["tls_high_cipherlist"] == "PSK+AESGCM"


def test_exempt_clients_get_no_answer() -> None:
    assert plan_of().settings["tlsconf/inbound_exempt"] == (
        ("127.0.0.0/8", "DUNNO"),
        ("::1/128", "DUNNO"),
        ("0.0.0.0/0", "tlsconf_inbound"),
        ("::/0", "tlsconf_inbound"),
    )


def test_what_rejects_stands_before_what_defers() -> None:
    net = ip_network("192.0.2.0/24")
    rules = (
        InboundRule("a", clients=(net, ip_network("198.51.100.0/24")), on_plaintext=OnPlaintext.DEFER),
        InboundRule("b", clients=(net, ip_network("198.51.100.0/25"))),
        InboundRule("c", senders=("x.example", "*.example"), on_plaintext=OnPlaintext.DEFER),
        InboundRule("d", senders=("x.example", "y.example")),
    )
    plan = plan_of(inbound_rules=rules)
    assert plan.settings["tlsconf/inbound_clients"] == (
        ("192.0.2.0/24", "tlsconf_reject"),
        ("198.51.100.0/25", "tlsconf_reject"),
        ("198.51.100.0/24", "tlsconf_defer"),
    )
    assert plan.settings["tlsconf/inbound_senders"] == (
        ("x.example", "tlsconf_reject"),
        ("y.example", "tlsconf_reject"),
        ("*.example", "tlsconf_sender_defer"),
    )


def test_ours_first_then_what_the_site_keeps() -> None:
    keep = {
        "smtpd_sender_restrictions": ("check_sender_access  hash:/a", "reject_unknown_sender_domain"),
        "smtpd_client_restrictions": ("permit_mynetworks",),
        "smtpd_restriction_classes": ("strict",),
        "smtp_tls_policy_maps": ("hash:/etc/postfix/tls_policy",),
    }
    values = main(plan_of(target=make_target("postfix", "3.10.13", keep=keep)))
    assert values["smtpd_sender_restrictions"].endswith("/inbound_exempt, check_sender_access hash:/a, reject_unknown_sender_domain")
    assert values["smtpd_client_restrictions"] == "permit_mynetworks"
    assert values["smtpd_restriction_classes"].endswith(", strict")
    assert values["smtp_tls_policy_maps"] == "texthash:${config_directory}/tlsconf/outbound, hash:/etc/postfix/tls_policy"


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ({"release": "3.4"}, "release"),
        ({"release": "3.11.7", "platform": "debian-14", "map_type": "hash"}, "map_type"),
        ({"release": "3.7", "map_type": "mysql"}, "map_type"),
        ({"release": "3.7", "keep": {"smtpd_helo_restrictions": ("x",)}}, "keep"),
        ({"release": "3.7", "keep": {"smtpd_sender_restrictions": ("a\nb",)}}, "keep"),
        ({"release": "3.7", "keep": {"smtpd_sender_restrictions": (" ,",)}}, "keep"),
    ],
)
def test_refused_targets(target: dict[str, Any], path: str) -> None:
    with pytest.raises(PlanError) as error:
        plan_of(target=make_target("postfix", **target))
    assert path in error.value.path


def test_a_certificate_path_that_would_be_two() -> None:
    with pytest.raises(PlanError):
        plan_of(server=Server("a", (Certificate("/a b", "/c"),)))


def test_keys_come_before_chains() -> None:
    other = Certificate("/etc/ssl/ec.pem", "/etc/ssl/ec.key")
    plan = plan_of(server=Server("a", (other, CERTIFICATE)))
    assert main(plan)["smtpd_tls_chain_files"] == f"/etc/ssl/ec.key, /etc/ssl/ec.pem, {CERTIFICATE.key}, {CERTIFICATE.chain}"
    assert [requirement.path for requirement in plan.requires][:2] == ["/etc/ssl/ec.pem", "/etc/ssl/ec.key"]


def test_hostnames_need_trust_anchors() -> None:
    with pytest.raises(PlanError):
        plan_of(outbound_trust_anchors=None)
    assert main(plan_of(outbound_trust_anchors=None, outbound_rules=()))["smtp_tls_CAfile"] == ""


def test_a_newer_release_is_said() -> None:
    assert plan_of("3.12").notes[0].startswith("warning: ")


def test_many_sender_patterns_are_said() -> None:
    rules = (InboundRule("a", senders=tuple(f"a{number}.example" for number in range(1001))),)
    assert any(note.startswith("warning: the 1001 sender patterns") for note in plan_of(inbound_rules=rules).notes)


@pytest.mark.parametrize("release", RELEASES)
def test_what_is_set_depends_on_the_release_alone(release: str) -> None:
    empty: dict[str, Any] = {"outbound_rules": (), "inbound_rules": (), "inbound_exempt_clients": (), "server": Server(None, ())}
    one, other = plan_of(release), plan_of(release, outbound_tls=Level.NONE, inbound_tls=Level.NONE, **empty)
    assert [setting.name for setting in one.settings["main.cf"]] == [setting.name for setting in other.settings["main.cf"]]
    assert list(one.settings) == list(other.settings)


@pytest.mark.parametrize(
    ("listed", "curves", "ffdhe"),
    [
        (("X25519MLKEM768", "X25519", "secp256r1"), "X25519MLKEM768 *X25519 prime256v1", ""),
        (("X25519", "X25519MLKEM768"), "*X25519 X25519MLKEM768", ""),
        (("X25519", "ffdhe2048"), "X25519", "ffdhe2048"),
        (("X25519MLKEM768", "ffdhe2048"), "X25519MLKEM768", "*ffdhe2048"),
        (("ffdhe2048",), "", "ffdhe2048"),
    ],
)
def test_groups(listed: tuple[str, ...], curves: str, ffdhe: str) -> None:
    parameters = PARAMETERS._replace(groups=listed)
    target = make_target("postfix", "3.10.13", platform="debian-13", version=(3, 5))
    plan = plan_of(target=target, required=parameters, opportunistic=parameters)
    assert (main(plan)["tls_eecdh_auto_curves"], main(plan)["tls_ffdhe_auto_groups"]) == (curves, ffdhe)
    assert ids(plan) == []


def test_groups_that_are_not_there() -> None:
    parameters = PARAMETERS._replace(groups=("X25519MLKEM768", "X25519", "ffdhe2048"))
    plan = plan_of("3.7.11", required=parameters, opportunistic=parameters, outbound_rules=RULES[:1])
    assert main(plan)["tls_eecdh_auto_curves"] == "X25519"
    assert ids(plan) == [("postfix-group-unavailable", "different", ()), ("postfix-group-unavailable", "different", ("central",))]
    with pytest.raises(PlanError):
        plan_of(
            "3.7.11",
            required=PARAMETERS._replace(groups=("X25519MLKEM768",)),
            outbound_rules=RULES[:1],
            opportunistic=parameters._replace(groups=("ffdhe2048",)),
        )


def test_groups_are_shared() -> None:
    plan = plan_of(opportunistic=PARAMETERS._replace(groups=("X25519", "X448")), outbound_rules=RULES[:1])
    assert main(plan)["tls_eecdh_auto_curves"] == "X25519 prime256v1 secp384r1 X448"
    assert ids(plan) == [("postfix-groups-shared", "different", ()), ("postfix-groups-shared", "different", ("central",))]


@pytest.mark.parametrize(
    ("suites", "expected"),
    [
        (("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"), None),
        (("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"), "different"),
        (("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"), "different"),
        (("TLS_AES_256_GCM_SHA384",), "weaker"),
        (("TLS_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"), "different"),
        (("TLS_AES_128_CCM_SHA256",), "missing"),
        (("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",), None),
    ],
)
def test_tls13_suites_of_an_old_patch_level(suites: tuple[str, ...], expected: str | None) -> None:
    parameters = PARAMETERS._replace(cipher_suites=suites)
    plan = plan_of("3.7", required=parameters, opportunistic=parameters, outbound_rules=())
    assert "tlsconf/openssl.cnf" not in plan.settings
    assert ids(plan) == ([("postfix-tls13-suites-fixed", expected, ())] if expected else [])


def test_tls13_suites_are_shared() -> None:
    opportunistic = PARAMETERS._replace(cipher_suites=("TLS_AES_256_GCM_SHA384", *OLDER))
    plan = plan_of("3.7.11", opportunistic=opportunistic, outbound_rules=RULES[:1])
    assert plan.settings["tlsconf/openssl.cnf"] == (("Ciphersuites", "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256"),)
    assert ids(plan) == [("postfix-tls13-suites-shared", "different", ())]
    strong = opportunistic._replace(cipher_suites=("TLS_AES_256_GCM_SHA384",))
    assert ids(plan_of("3.7.11", opportunistic=strong, outbound_rules=RULES[:1])) == [("postfix-tls13-suites-shared", "weaker", ())]


def test_an_inbound_rule_cannot_raise_the_floor() -> None:
    rules = (
        InboundRule("a", senders=("a.example",), minimum_version=Version.TLSv1_3),
        InboundRule("b", senders=("b.example",), minimum_version=Version.TLSv1_2),
    )
    assert ids(plan_of(inbound_rules=rules)) == [("postfix-inbound-rule-version", "weaker", ("a",))]


def test_an_address_has_no_name() -> None:
    rules = (
        OutboundRule("a", Level.REQUIRED, Verify.HOSTNAME, next_hops=(NextHop("192.0.2.1", 25),)),
        OutboundRule("b", Level.REQUIRED, Verify.HOSTNAME, mx=("r.example",), next_hops=(NextHop("192.0.2.2", 25),)),
    )
    assert ids(plan_of(outbound_rules=rules)) == [("postfix-address-unverifiable", "stricter", ("a",))]
    smarthost = NextHop("192.0.2.3", 25)
    plan = plan_of(outbound_rules=(), outbound_smarthost=smarthost, outbound_tls=Level.REQUIRED, outbound_verify=Verify.HOSTNAME)
    assert ids(plan) == [("postfix-address-unverifiable", "stricter", ())]


def test_dhe_suites_bring_their_group() -> None:
    parameters = PARAMETERS._replace(cipher_suites=(*PARAMETERS.cipher_suites, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"))
    assert ids(plan_of(opportunistic=parameters, outbound_rules=())) == [("postfix-dhe-group", "different", ())]


@pytest.mark.parametrize("release", RELEASES)
def test_the_sample_needs_no_acceptance(release: str) -> None:
    plan = plan_of(release)
    assert {limitation.kind for limitation in plan.limitations} <= {"different"}


def test_a_sender_cannot_take_tls_off() -> None:
    assert main(plan_of("3.10"))["tls_required_enable"] == "no"
    assert "tls_required_enable" not in main(plan_of("3.9"))


def test_the_openssl_file_has_an_absolute_path() -> None:
    assert main(plan_of("3.9"))["tls_config_file"] == "/etc/postfix/tlsconf/openssl.cnf"
