"""The standards that are shipped: each requirement can be met and missed, and they agree with one another as they are known to."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.audit.checking import EDGE
from tests.samples import HEAD, line, put
from tlsconf.audit.checks import CHECKS, LINT
from tlsconf.audit.standards import shipped, standard
from tlsconf.chain import shipped as shipped_profiles
from tlsconf.errors import EnvironmentFailedError, ProfileError, UsageError
from tlsconf.resolve import DEFAULTS, resolve
from tlsconf.tls import GROUPS, suites

if TYPE_CHECKING:
    from tlsconf.audit.flaw import Flaw
    from tlsconf.resolve import Resolved

STANDARDS = shipped()
ROOT = Path(__file__).parent.parent

# What every requirement but the notes finds fault with, laid over the base below; `required` is one that makes sessions of required TLS.
REQUIRED: Final = "outbound: {tls: required}\n"
SUITES: Final = "tls: {cipher_suites: [%s]}\n"
GCM: Final = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
CBC: Final = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"
STATIC: Final = "TLS_RSA_WITH_AES_128_CBC_SHA"
CHACHA: Final = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"
VIOLATIONS: Final = {
    "tlsref-intermediate/version-floor": "tls: {minimum_version: TLSv1.1}\n",
    "tlsref-intermediate/tls-1-2": "tls: {minimum_version: TLSv1.3}\n",
    "tlsref-intermediate/tls-1-3": SUITES % GCM,
    "tlsref-intermediate/suites": SUITES % CBC,
    "tlsref-intermediate/groups": "tls: {groups: [secp521r1]}\n",
    "tlsref-modern/version-floor": REQUIRED,
    "tlsref-modern/opportunistic-floor": "tls: {minimum_version: TLSv1.1}\n",
    "tlsref-modern/tls-1-3": SUITES % GCM,
    "tlsref-modern/suites": REQUIRED,
    "tlsref-modern/groups": "tls: {groups: [secp521r1]}\n",
    "uk-government/version-floor": "tls: {minimum_version: TLSv1.1}\n",
    "uk-government/gov-uk-required": "outbound: {rules: [{name: uk, domains: ['*.gov.uk'], tls: opportunistic}]}\n",
    "uk-government/opportunistic-outbound": "outbound: {tls: none}\n",
    "uk-government/starttls-offered": "inbound: {tls: none}\n",
    "uk-government/inbound-not-required": "inbound: {tls: required}\n",
    "uk-government/tls-1-2-inbound": "tls: {minimum_version: TLSv1.3}\n",
    "uk-government/good-suites-inbound": SUITES % CHACHA,
    "uk-government/tls-1-3-inbound": SUITES % GCM,
    "uk-government/good-suites-first": SUITES % f"{CBC}, {GCM}",
    "uk-government/good-suites-only": SUITES % f"{GCM}, {CHACHA}",
    "ncsc-nl/version-floor": "tls: {minimum_version: TLSv1.1}\n",
    "ncsc-nl/suites": SUITES % STATIC,
    "ncsc-nl/suites-phased-out": SUITES % f"{GCM}, {CBC}",
    "ncsc-nl/order": SUITES % f"{CBC}, {GCM}",
    "ncsc-nl/groups": "tls: {groups: [secp256r1, ffdhe2048]}\n",
    "ncsc-nl/groups-phased-out": "tls: {groups: [secp256r1, ffdhe3072]}\n",
    "bsi-tr-02102-2/version-floor": "tls: {minimum_version: TLSv1.1}\n",
    "bsi-tr-02102-2/suites": SUITES % CHACHA,
    "bsi-tr-02102-2/groups": "tls: {groups: [X25519]}\n",
    "nist-sp-800-52r2/tls-1-2": "tls: {minimum_version: TLSv1.3}\n",
    "nist-sp-800-52r2/tls-1-3": SUITES % GCM,
    "nist-sp-800-52r2/version-floor": "tls: {minimum_version: TLSv1.1}\n",
    "nist-sp-800-52r2/suites": SUITES % CHACHA,
    "nist-sp-800-52r2/groups": "tls: {groups: [X25519]}\n",
    "rfc-9325/version-floor": f"{REQUIRED}tls: {{minimum_version: TLSv1.1}}\n",
    "rfc-9325/tls-1-2": f"{REQUIRED}tls: {{minimum_version: TLSv1.3}}\n",
    "rfc-9325/tls-1-3": f"{REQUIRED}{SUITES % GCM}",
    "rfc-9325/forward-secrecy": f"{REQUIRED}{SUITES % STATIC}",
    "rfc-9325/no-static-rsa": f"{REQUIRED}{SUITES % f'{GCM}, {STATIC}'}",
    "rfc-9325/no-dhe": f"{REQUIRED}{SUITES % f'{GCM}, TLS_DHE_RSA_WITH_AES_128_GCM_SHA256'}",
    "rfc-9325/no-cbc": f"{REQUIRED}{SUITES % f'{GCM}, {CBC}'}",
    "rfc-9325/recommended-suites": f"{REQUIRED}{SUITES % GCM}",
    "rfc-9325/groups": f"{REQUIRED}tls: {{groups: [secp256r1]}}\n",
}
# Two profiles that together meet everything: the first where TLS 1.2 is wanted, the second where 1.3 alone is.
SATISFIED: Final = (
    f"{EDGE}extends: uk-government\ntls: {{groups: [secp256r1, secp384r1]}}\n",
    f"{EDGE}extends: uk-government\n",
    f"{EDGE}extends: tlsref-modern\noutbound: {{rules: [{{name: a, domains: [a.example], tls: required}}]}}\n",
)
JUDGED = [
    (f"{each.id}/{requirement.id}", requirement)
    for each in STANDARDS.values()
    for requirement in each.requirements
    if requirement.check != "not-judged"
]


def flaws(resolved: Resolved, requirement: Any) -> list[Flaw]:
    return list(CHECKS[requirement.check].check(resolved, requirement.parameters))


def test_there_are_seven_and_their_files_are_called_after_them() -> None:
    files = {path.stem for path in (ROOT / "tlsconf" / "standards").glob("*.yaml")}
    assert set(STANDARDS) == files
    assert len(files) == 7


def test_ids_of_requirements_are_their_own() -> None:
    ids = Counter(f"{each.id}/{requirement.id}" for each in STANDARDS.values() for requirement in each.requirements)
    assert [identifier for identifier, count in ids.items() if count > 1] == []


def test_every_check_that_a_standard_can_name_has_a_user() -> None:
    used = {requirement.check for each in STANDARDS.values() for requirement in each.requirements}
    assert set(CHECKS) - set(LINT) - used == {"base-missing"}  # that one is for organisations


def test_every_requirement_has_a_violation() -> None:
    assert set(VIOLATIONS) == {identifier for identifier, _ in JUDGED}


@pytest.mark.parametrize(("identifier", "requirement"), JUDGED, ids=[identifier for identifier, _ in JUDGED])
def test_a_requirement_can_be_missed_and_met(tmp_path: Path, identifier: str, requirement: Any) -> None:
    wrong = resolve(str(put(tmp_path, {"wrong.yaml": EDGE + VIOLATIONS[identifier]})))
    assert [flaw for flaw in flaws(wrong, requirement) if flaw.severity is None]
    right = [resolve(str(put(tmp_path, {f"{number}.yaml": text}))) for number, text in enumerate(SATISFIED)]
    assert any(flaws(each, requirement) == [] for each in right)


@pytest.mark.parametrize("profile", shipped_profiles())
def test_a_shipped_profile_keeps_the_standard_of_its_name(profile: str) -> None:
    resolved = resolve(str(ROOT / "profiles" / f"{profile}.yaml"), bases=True)
    found = [flaw for requirement in standard(profile).requirements for flaw in flaws(resolved, requirement)]
    assert [flaw.message for flaw in found if flaw.severity != "note"] == []


PAIR: Final = ("TLS_ECDHE_ECDSA_WITH_", "TLS_ECDHE_RSA_WITH_")
UK, RFC, TLSREF, NL, BSI, NIST = "uk-government", "rfc-9325", "tlsref-intermediate", "ncsc-nl", "bsi-tr-02102-2", "nist-sp-800-52r2"
# Which standards have nothing against a suite, warnings included (RFC 9325 names no suites of TLS 1.3, and so has nothing against one).
CONSENSUS: Final = [
    (["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"], {UK, RFC, TLSREF, NL, BSI, NIST}),
    (["TLS_CHACHA20_POLY1305_SHA256"], {RFC, TLSREF, NL}),
    ([f"{key}AES_128_GCM_SHA256" for key in PAIR], {UK, RFC, TLSREF, NL, BSI, NIST}),
    ([f"{key}AES_256_GCM_SHA384" for key in PAIR], {UK, RFC, TLSREF, NL, BSI, NIST}),
    ([f"{key}CHACHA20_POLY1305_SHA256" for key in PAIR], {RFC, TLSREF, NL}),
    ([f"{key}{cipher}" for key in PAIR for cipher in ("AES_128_CBC_SHA256", "AES_256_CBC_SHA384")], {BSI, NIST}),
    ([f"{key}{cipher}" for key in PAIR for cipher in ("AES_128_CBC_SHA", "AES_256_CBC_SHA")], {NIST}),
    (["TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"], {BSI, NIST}),
    (["TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_256_GCM_SHA384"], {NIST}),
    (["TLS_AES_128_CCM_SHA256"], {RFC, NL, BSI, NIST}),
]


@pytest.mark.parametrize(("names", "accepting"), CONSENSUS, ids=[names[0] for names, _ in CONSENSUS])
def test_the_consensus_on_suites(tmp_path: Path, names: list[str], accepting: set[str]) -> None:
    for suite in names:
        path = put(tmp_path, {"profile.yaml": f"{EDGE}{REQUIRED}{SUITES % suite}"})
        resolved = resolve(str(path))
        against = {
            each.id
            for each in STANDARDS.values()
            for requirement in each.requirements
            if requirement.check in {"suite-not-allowed", "suite-discouraged"} and flaws(resolved, requirement)
        }
        assert {UK, RFC, TLSREF, NL, BSI, NIST} - against == accepting, suite


def test_the_defaults_have_suites_that_every_standard_but_modern_accepts(tmp_path: Path) -> None:
    resolved = resolve(str(put(tmp_path, {"profile.yaml": EDGE + REQUIRED})))
    assert resolved.policies[0].required == DEFAULTS
    against = {
        each.id
        for each in STANDARDS.values()
        for requirement in each.requirements
        if requirement.check == "suite-not-allowed" and flaws(resolved, requirement)
    }
    assert against == {"tlsref-modern"}


@pytest.mark.parametrize(
    "name",
    ["rfc-9325", "RFC9325", "rfc 9325", "rfc-9325-2022", "rfc-9325@2022", "RFC 9325 (2022)", "./tlsconf/standards/rfc-9325-2022.yaml"],
)
def test_a_standard_goes_by_several_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert standard(name) == STANDARDS["rfc-9325-2022"]


def test_an_id_alone_is_the_newest_edition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = WHOLE.replace("id: house", "id: house\nedition: '%s'").replace("edition: '1'\n", "")
    put(tmp_path, {f"house-{edition}.yaml": text % edition for edition in ("9.0", "10.0", "10.0-draft")})
    monkeypatch.setattr("tlsconf.resources.STANDARDS", tmp_path)
    assert standard("house").edition == "10.0-draft"
    assert [each.edition for each in shipped().values()] == ["9.0", "10.0", "10.0-draft"]


def test_a_name_that_is_not_known_gets_a_near_one() -> None:
    with pytest.raises(UsageError, match=r"no standard `rfc-9235` is shipped: did you mean `rfc-9325`\? one of bsi-tr-02102-2-2023, "):
        standard("rfc-9235")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFailedError, match="No such file"):
        standard(str(tmp_path / "none.yaml"))
    with pytest.raises(EnvironmentFailedError, match="Is a directory"):
        standard(f"{tmp_path}/")


WHOLE: Final = """\
standard: 1
id: house
edition: '1'
title: House rules
source: a shelf
note: read whole
requirements:
  - id: floor
    text: Not too old.
    source: page 1
    level: MUST
    check: version-too-old
    parameters: {minimum: TLSv1.2}
"""
WRONG: Final = [
    (WHOLE.replace("standard: 1", "standard: 2"), ["1:11: `2` does not fit `standard` (`1`)"]),
    (WHOLE.replace("'1'", "2022"), ["3:10: `2022` does not fit `edition` (text: put it between quotes)"]),
    (WHOLE.replace("note:", "notes:"), ["1:1: `note` is missing (the key `note`)", "6:1: unknown key `notes` (did you mean `note`?)"]),
    (WHOLE.replace("MUST", "must"), ["11:12: `must` does not fit `requirements[0].level` (one of `MUST`, `SHOULD`)"]),
    (
        WHOLE.replace("version-too-old", "version-to-old"),
        [
            (
                "12:12: `version-to-old` does not fit `requirements[0].check`"
                f" (one of {', '.join(f'`{name}`' for name in CHECKS)}; did you mean `version-too-old`?)"
            )
        ],
    ),
    (
        WHOLE.replace("TLSv1.2", "1.2"),
        [
            (
                "13:27: `1.2` does not fit `requirements[0].parameters.minimum`"
                " (one of `TLSv1.0`, `TLSv1.1`, `TLSv1.2`, `TLSv1.3`; did you mean `TLSv1.2`?)"
            )
        ],
    ),
    (
        WHOLE.replace("minimum:", "minimun:"),
        [
            "13:17: `minimum` is missing (the key `minimum`)",
            "13:18: unknown key `minimun` (did you mean `minimum`?)",
        ],
    ),
    (WHOLE.replace("    parameters: {minimum: TLSv1.2}\n", ""), ["8:5: `minimum` is missing (the key `minimum`)"]),
    (
        WHOLE.replace("version-too-old", "suite-missing").replace("{minimum: TLSv1.2}", "{suites: [TLS_AES_256_GCM_SHA348], need: two}"),
        [
            "13:27: `TLS_AES_256_GCM_SHA348` does not fit `requirements[0].parameters.suites[0]` (did you mean `TLS_AES_256_GCM_SHA384`?)",
            "13:58: `two` does not fit `requirements[0].parameters.need` (one of `all`, `one`)",
        ],
    ),
    (
        WHOLE.replace("version-too-old", "destination-not-required").replace("{minimum: TLSv1.2}", "{domains: [.gov.uk]}"),
        [
            (
                "13:28: `.gov.uk` does not fit `requirements[0].parameters.domains[0]`"
                " (a name such as `example.com`, or `*.` and a name for all its subdomains)"
            )
        ],
    ),
    (
        WHOLE.replace("version-too-old", "suite-discouraged").replace("{minimum: TLSv1.2}", "{kinds: [TSL_RSA]}"),
        ["13:26: `TSL_RSA` does not fit `requirements[0].parameters.kinds[0]` (a part of the name of a suite that a profile can list)"],
    ),
    (
        WHOLE.replace("version-too-old", "suite-not-allowed").replace("{minimum: TLSv1.2}", "{allowed: [AES128-SHA, TLS_NEW_WITH_X]}"),
        ["13:28: `AES128-SHA` does not fit `requirements[0].parameters.allowed[0]` (an IANA name)"],
    ),
    (
        WHOLE + WHOLE[WHOLE.index("  - id") :].replace("MUST", "SHOULD"),
        ["14:9: two requirements are called `floor` (each id once) [first here 8:9]"],
    ),
    (WHOLE[: WHOLE.index("requirements")] + "requirements: []\n", ["7:15: a list does not fit `requirements` (at least one entry)"]),
    ("- a\n", ["1:1: the document holds a list (a mapping that begins with `standard: 1`)"]),
    ("", ["1:1: the document holds nothing (a mapping that begins with `standard: 1`)"]),
    (
        WHOLE.replace("parameters: {", "parameters: [").replace("}", "]"),
        ["13:17: a list does not fit `requirements[0].parameters` (a mapping)"],
    ),
    (WHOLE.replace("read whole", "read: whole"), ["6:11: not YAML: mapping values are not allowed in this context"]),
]


@pytest.mark.parametrize(("text", "found"), WRONG)
def test_a_wrong_standard_gets_every_mistake_at_its_place(tmp_path: Path, text: str, found: list[str]) -> None:
    path = put(tmp_path, {"house.yaml": text})
    with pytest.raises(ProfileError) as error:
        standard(str(path))
    ordered = sorted(error.value.findings, key=lambda finding: finding.span[:3] if finding.span else ("", 0, 0))
    assert [line(finding, tmp_path).replace("house.yaml:", "") for finding in ordered] == found


def test_a_standard_of_ones_own_is_right(tmp_path: Path) -> None:
    house = standard(str(put(tmp_path, {"house.yaml": WHOLE})))
    wrong = resolve(str(put(tmp_path, {"p.yaml": f"{HEAD}tls: {{minimum_version: TLSv1.0}}\n"})), bases=True)
    assert [len(flaws(wrong, requirement)) for requirement in house.requirements] == [1]


def test_names_in_what_has_to_be_offered_are_known() -> None:
    named = [requirement.parameters.model_dump() for _, requirement in JUDGED if requirement.check in {"suite-missing", "group-missing"}]
    assert {name for given in named for name in given.get("suites", ())} <= set(suites())
    assert {name for given in named for name in given.get("groups", ())} <= set(GROUPS)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(st.data())
def test_whatever_a_standard_holds_there_is_an_answer_with_a_place(tmp_path: Path, data: st.DataObject) -> None:
    lines = (ROOT / "tlsconf" / "standards" / "rfc-9325-2022.yaml").read_text().splitlines()
    for _ in range(data.draw(st.integers(1, 3))):
        number = data.draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[number].partition(": ")
        other = data.draw(
            st.sampled_from(["null", "[]", "{}", "[a]", "{a: b}", "1", "true", "2026-01-01", "'\\0'", '"\\0/x"', "*a", "rule-shadowed"])
        )
        lines[number : number + 1] = [f"{key}: {other}"] if colon else data.draw(st.sampled_from([[], [lines[number]] * 2]))
    path = put(tmp_path, {"house.yaml": "\n".join(lines)})
    try:
        found = standard(str(path)).requirements
    except ProfileError as error:
        found, places = (), [finding.span for finding in error.findings]
    else:
        places = []
    assert found or places
    assert None not in places
