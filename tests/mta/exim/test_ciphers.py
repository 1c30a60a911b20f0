"""What a session may be, in the words of both libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.policies import PARAMETERS, make_policy, make_target
from tlsconf.errors import PlanError
from tlsconf.mta import exim
from tlsconf.mta.exim.ciphers import gnutls_priority
from tlsconf.policy import Level, OutboundRule, Parameters, Verify
from tlsconf.tls import Version

if TYPE_CHECKING:
    from tlsconf.plan import Plan

NEW = ("TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256")
TWELVE = ("TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256")
OLD = ("TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",)


def parameters(floor: Version, *suites: str, groups: tuple[str, ...] = PARAMETERS.groups) -> Parameters:
    return Parameters(floor, suites, groups, prefer_server_order=True)


def planned(
    required: Parameters,
    opportunistic: Parameters | None = None,
    *,
    library: str = "openssl",
    version: tuple[int, ...] | None = (3, 5),
    release: str = "4.98.2",
    floor: Version | None = None,
) -> Plan:
    rules = (OutboundRule("r", Level.REQUIRED, Verify.NONE, floor, domains=("r.example",)),)
    policy = make_policy(required=required, opportunistic=opportunistic or required, outbound_rules=rules, inbound_rules=())
    return exim.plan(policy, make_target("exim", release, library=library, version=version))


def value(plan: Plan, file: str, name: str) -> str:
    return next(setting.value for setting in plan.settings[file] if setting.name == name)


def ids(plan: Plan) -> dict[str, str]:
    return {item.id: item.kind for item in plan.limitations}


def test_a_priority_string_has_versions_parts_and_groups() -> None:
    assert gnutls_priority(PARAMETERS) == (
        "NONE:+VERS-TLS1.3:+VERS-TLS1.2:+ECDHE-ECDSA:+ECDHE-RSA:+AES-256-GCM:+AES-128-GCM:+AEAD:+SIGN-ALL"
        ":+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:+COMP-NULL"
    )


@pytest.mark.parametrize(
    ("given", "versions"),
    [
        (parameters(Version.TLSv1_2, *NEW), ["VERS-TLS1.3"]),
        (parameters(Version.TLSv1_2, *TWELVE), ["VERS-TLS1.2"]),
        (parameters(Version.TLSv1_0, *TWELVE), ["VERS-TLS1.2"]),
        (parameters(Version.TLSv1_0, *OLD), ["VERS-TLS1.2", "VERS-TLS1.1", "VERS-TLS1.0"]),
        (parameters(Version.TLSv1_3, *NEW, *TWELVE), ["VERS-TLS1.3"]),
    ],
)
def test_a_priority_string_has_the_versions_that_have_a_suite(given: Parameters, versions: list[str]) -> None:
    assert [part[1:] for part in gnutls_priority(given).split(":") if "VERS" in part] == versions


def test_only_the_listener_has_a_preference() -> None:
    plan = planned(PARAMETERS, library="gnutls")
    assert value(plan, "main", "tls_require_ciphers").endswith(":%SERVER_PRECEDENCE")
    assert "%" not in value(plan, "tlsconf/sessions", "required")
    without = planned(PARAMETERS._replace(prefer_server_order=False), library="gnutls")
    assert "%" not in value(without, "main", "tls_require_ciphers")


def test_combinations_that_gnutls_adds_are_named() -> None:
    suites = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384")
    plan = planned(parameters(Version.TLSv1_2, *suites), library="gnutls")
    (found,) = (item for item in plan.limitations if item.id == "exim-gnutls-suites-added")
    assert found.kind == "different"
    assert "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256" in found.message
    assert "TLS_AES" not in found.message


def test_a_weaker_combination_is_weaker() -> None:
    suites = ("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384")
    assert ids(planned(parameters(Version.TLSv1_2, *suites), library="gnutls"))["exim-gnutls-suites-added"] == "weaker"


def test_groups_without_a_name_are_left_out() -> None:
    plan = planned(parameters(Version.TLSv1_2, *NEW, groups=("X25519MLKEM768", "brainpoolP256r1", "X25519")), library="gnutls")
    assert ids(plan)["exim-gnutls-groups"] == "different"
    assert value(plan, "tlsconf/sessions", "required").endswith(":+GROUP-X25519:+COMP-NULL")
    with pytest.raises(PlanError):
        planned(parameters(Version.TLSv1_2, *NEW, groups=("X25519MLKEM768",)), library="gnutls")


@pytest.mark.parametrize("library", ["gnutls", "openssl"])
def test_a_list_that_allows_nothing_is_an_error(library: str) -> None:
    with pytest.raises(PlanError):
        planned(parameters(Version.TLSv1_2, *TWELVE), library=library, floor=Version.TLSv1_3)


def test_openssl_versions_hold_for_the_whole_server() -> None:
    plan = planned(PARAMETERS)
    assert value(plan, "main", "openssl_options") == "+no_tlsv1 +no_tlsv1_1 +cipher_server_preference"
    only_new = planned(parameters(Version.TLSv1_3, *NEW))
    assert value(only_new, "main", "openssl_options") == "+no_tlsv1 +no_tlsv1_1 +no_tlsv1_2 +cipher_server_preference"
    only_old = planned(parameters(Version.TLSv1_2, *TWELVE))
    assert value(only_old, "main", "openssl_options") == "+no_tlsv1 +no_tlsv1_1 +no_tlsv1_3 +cipher_server_preference"
    assert "exim-openssl-tls13-suites" not in ids(only_old)


def test_an_openssl_list_is_never_empty() -> None:
    plan = planned(PARAMETERS, floor=Version.TLSv1_3)
    assert value(plan, "tlsconf/sessions", "required-TLSv1.3") == "PSK"
    for setting in (s for file in plan.settings.values() for s in file if s.name == "tls_require_ciphers"):
        assert setting.value


def test_tls_13_suites_of_openssl_are_its_own() -> None:
    assert ids(planned(parameters(Version.TLSv1_2, *NEW, *TWELVE)))["exim-openssl-tls13-suites"] == "different"
    assert ids(planned(parameters(Version.TLSv1_2, NEW[0], TWELVE[0])))["exim-openssl-tls13-suites"] == "weaker"
    exact = ("TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256")
    assert "exim-openssl-tls13-suites" not in ids(planned(parameters(Version.TLSv1_2, *exact, *TWELVE)))
    lost = planned(parameters(Version.TLSv1_2, *exact, "TLS_AES_128_CCM_SHA256"))
    assert ids(lost)["exim-openssl-tls13-suites"] == "different"


def test_openssl_floors_below_tls_12_differ_by_security_level() -> None:
    plan = planned(parameters(Version.TLSv1_2, *TWELVE, *OLD), parameters(Version.TLSv1_1, *TWELVE, *OLD))
    assert value(plan, "tlsconf/sessions", "opportunistic").endswith(":ECDHE-RSA-AES256-SHA:@SECLEVEL=0")
    assert value(plan, "tlsconf/sessions", "required").endswith(":ECDHE-RSA-AES256-SHA")
    unknown = planned(parameters(Version.TLSv1_2, *TWELVE, *OLD), parameters(Version.TLSv1_1, *TWELVE, *OLD), version=None)
    assert not value(unknown, "tlsconf/sessions", "required").endswith("SHA")
    assert ids(unknown)["exim-openssl-old-suites"] == "stricter"


def test_openssl_can_not_part_tls_10_from_tls_11() -> None:
    plan = planned(parameters(Version.TLSv1_1, *TWELVE, *OLD), parameters(Version.TLSv1_0, *TWELVE, *OLD))
    assert ids(plan)["exim-openssl-floor-raised"] == "stricter"
    assert "SECLEVEL" not in value(plan, "tlsconf/sessions", "required")


@pytest.mark.parametrize(
    ("release", "version", "groups", "curves"),
    [
        ("4.98.2", (3, 5), ("X25519", "secp256r1"), "X25519:prime256v1"),
        ("4.98.2", (3, 5), ("X25519MLKEM768", "X25519"), "auto"),
        ("4.98.2", None, ("X25519MLKEM768", "X25519"), "auto"),
        ("4.98.2", (3, 0), ("X25519MLKEM768", "X25519"), "X25519"),
        ("4.96", (3, 0), ("X25519", "secp256r1"), "auto"),
    ],
)
def test_the_groups_of_an_openssl_listener(release: str, version: tuple[int, ...] | None, groups: tuple[str, ...], curves: str) -> None:
    plan = planned(parameters(Version.TLSv1_2, *NEW, groups=groups), release=release, version=version)
    assert value(plan, "main", "tls_eccurve") == curves
    assert ("exim-openssl-groups-inbound" in ids(plan)) is (curves == "auto")
