"""`tlsconf audit`: findings in every format, exit codes, and profiles that could not be audited."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.audit.checking import EDGE
from tests.samples import HEAD, put
from tlsconf.audit.standards import shipped

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done

FORMATS = ("text", "json", "markdown", "github", "sarif")
OLD = f"{EDGE}tls: {{minimum_version: TLSv1.1}}\n"
HOUSE = """\
standard: 1
id: house
edition: '1'
title: House rules
source: a shelf
note: read whole
requirements:
  - {id: floor, text: Nothing old., source: page 1, level: LEVEL, check: version-too-old, parameters: {minimum: TLSv1.2}}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(done: Done) -> list[tuple[str, str]]:
    return [(finding["id"], finding["severity"]) for finding in json.loads(done.out)["findings"]]


def test_text_says_what_where_why_and_what_to_do(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"old.yaml": OLD})
    done = tlsconf("audit", "old.yaml", "--standard", "ncsc-nl")
    assert (done.code, done.err) == (1, "")
    assert done.out.startswith(
        "error ncsc-nl/version-floor: TLSv1.1 is allowed for mail whose TLS nobody requires and received mail\n"
        "    old.yaml:7:24\n"
        "    TLS 1.0 and 1.1 are insufficient.\n"
        "    source: ncsc-nl 2025-05, guideline 3.3.1\n"
        "    remedy: `minimum_version: TLSv1.2`\n"
    )
    assert done.out.splitlines()[-1] == "1 profile audited against ncsc-nl 2025-05: 1 error, 2 notes"


def test_without_a_standard_what_always_runs_is_told(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"p.yaml": EDGE})
    assert tlsconf("audit", "p.yaml") == (0, "1 profile audited: nothing found\n", "")


def test_json_has_every_field(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"old.yaml": OLD})
    done = tlsconf("audit", "old.yaml", "--standard", "rfc9325", "--standard", "nist-sp-800-52r2", "--format", "json")
    answer = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert {**answer, "findings": []} == {
        "format": 1,
        "audited": 1,
        "failed": 0,
        "standards": [
            {"id": "rfc-9325", "edition": "2022", "title": "RFC 9325 (BCP 195), recommendations for the secure use of TLS"},
            {"id": "nist-sp-800-52r2", "edition": "2019", "title": "NIST SP 800-52r2, guidelines for TLS implementations"},
        ],
        "findings": [],
    }
    assert next(finding for finding in answer["findings"] if finding["check"] == "version-too-old") == {
        "id": "nist-sp-800-52r2/version-floor",
        "severity": "warning",
        "message": "TLSv1.1 is allowed for mail whose TLS nobody requires and received mail",
        "path": "old.yaml",
        "line": 7,
        "column": 24,
        "profile": "old.yaml",
        "standard": "nist-sp-800-52r2-2019",
        "requirement": "version-floor",
        "level": "SHOULD",
        "source": "nist-sp-800-52r2 2019, nist.xml, SUPPORTS_TLS_1_0 and SUPPORTS_TLS_1_1",
        "check": "version-too-old",
        "remedy": "`minimum_version: TLSv1.2`",
    }
    assert all(finding["path"] for finding in answer["findings"])


def test_a_check_that_always_runs_has_no_standard(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"p.yaml": f"{EDGE}inbound: {{tls: required}}\n"})
    (finding,) = json.loads(tlsconf("audit", "p.yaml", "--format", "json").out)["findings"]
    assert {key: finding[key] for key in ("id", "severity", "standard", "requirement", "level", "check")} == {
        "id": "inbound-required-on-public-mx",
        "severity": "warning",
        "standard": None,
        "requirement": None,
        "level": None,
        "check": "inbound-required-on-public-mx",
    }
    assert finding["source"].startswith("RFC 3207 section 4; ")


def test_what_a_standard_asks_is_not_told_twice(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"p.yaml": f"{EDGE}extends: uk-government\ninbound: {{tls: required}}\n"})
    done = tlsconf("audit", "p.yaml", "--standard", "uk-government", "--format", "json")
    assert [name for name, severity in findings(done) if severity == "warning"] == ["uk-government/inbound-not-required"]


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_has_the_finding_and_its_place(tlsconf: Callable[..., Done], here: Path, format_: str) -> None:
    put(here, {"old.yaml": OLD})
    done = tlsconf("audit", "old.yaml", "--standard", "ncsc-nl", "--format", format_)
    assert (done.code, done.err) == (1, "")
    assert "ncsc-nl/version-floor" in done.out
    assert "old.yaml" in done.out


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_says_that_a_profile_could_not_be_audited(tlsconf: Callable[..., Done], here: Path, format_: str) -> None:
    put(here, {"wrong.yaml": f"{HEAD}foo: 1\n", "right.yaml": EDGE})
    done = tlsconf("audit", "wrong.yaml", "right.yaml", "--format", format_)
    assert done.code == 3
    assert "unknown key `foo`" in done.err
    assert done.err.endswith("tlsconf: wrong.yaml could not be audited\n")
    if format_ == "json":
        assert {key: json.loads(done.out)[key] for key in ("audited", "failed", "findings")} == {"audited": 1, "failed": 1, "findings": []}
    else:
        assert "1 could not be audited" in done.out or json.loads(done.out)["runs"][0]["invocations"][0]["executionSuccessful"] is False


def test_the_worst_exit_code_counts(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"old.yaml": OLD, "wrong.yaml": f"{HEAD}foo: 1\n"})
    assert tlsconf("audit", "old.yaml", "none.yaml", "wrong.yaml", "--standard", "ncsc-nl", "--fail-on", "never").code == 4
    assert tlsconf("audit", "old.yaml", "wrong.yaml", "--standard", "ncsc-nl", "--fail-on", "never").code == 3


@pytest.mark.parametrize(
    ("level", "fail_on", "code"),
    [
        ("MUST", "error", 1), ("MUST", "warning", 1), ("MUST", "never", 0),
        ("SHOULD", "error", 0), ("SHOULD", "warning", 1), ("SHOULD", "never", 0),
    ],
)  # fmt: skip
def test_a_standard_of_ones_own_and_what_fails(tlsconf: Callable[..., Done], here: Path, level: str, fail_on: str, code: int) -> None:
    put(here, {"old.yaml": OLD, "house.yaml": HOUSE.replace("LEVEL", level)})
    done = tlsconf("audit", "old.yaml", "--standard", "house.yaml", "--fail-on", fail_on, "--format", "json")
    assert done.code == code
    assert findings(done) == [("house/floor", {"MUST": "error", "SHOULD": "warning"}[level])]


def test_an_organisation_can_ask_for_its_base_in_a_standard(tlsconf: Callable[..., Done], here: Path) -> None:
    asked = HOUSE.replace("LEVEL", "MUST").replace("version-too-old", "base-missing").replace("minimum: TLSv1.2", "base: uk-government")
    put(here, {"p.yaml": EDGE, "house.yaml": asked})
    assert findings(tlsconf("audit", "p.yaml", "--standard", "house.yaml", "--format", "json")) == [("house/floor", "error")]


def test_notes_never_fail(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"p.yaml": f"{EDGE}extends: uk-government\n"})
    done = tlsconf("audit", "p.yaml", "--standard", "uk-government", "--fail-on", "warning")
    assert done.code == 0
    assert done.out.endswith("1 profile audited against uk-government 2026-11: 2 notes\n")


def test_a_finding_in_a_base_is_one_for_all_its_profiles(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"base.yaml": f"{HEAD}tls: {{minimum_version: TLSv1.1}}\n"})
    names = [str(put(here, {f"{number}.yaml": f"{EDGE}extends: ./base.yaml\n"}).relative_to(here)) for number in range(5)]
    done = tlsconf("audit", *names, "--standard", "ncsc-nl")
    assert done.code == 1
    assert done.out.count("version-floor") == 1
    assert done.out.endswith("5 profiles audited against ncsc-nl 2025-05: 1 error, 2 notes\n")
    answer = tlsconf("audit", *names, "--standard", "ncsc-nl", "--format", "json")
    assert findings(answer).count(("ncsc-nl/version-floor", "error")) == 5


def test_bases_without_targets_are_audited(tlsconf: Callable[..., Done]) -> None:
    shipped = Path(__file__).parent.parent.parent / "profiles" / "uk-government@2026-11.yaml"
    assert tlsconf("audit", shipped, "--standard", "uk-government@2026-11").code == 0


def test_a_profile_that_dropped_its_base_fails(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"p.yaml": EDGE, "q.yaml": f"{EDGE}extends: uk-government\n"})
    done = tlsconf("audit", "p.yaml", "q.yaml", "--must-extend", "uk-government", "--format", "json")
    assert done.code == 1
    assert findings(done) == [("base-missing", "error")]
    assert json.loads(done.out)["findings"][0]["profile"] == "p.yaml"


EXCEPTION = "- {profile: sample, change: outbound-tls-lowered, owner: o, reason: r, ticket: T-1, expires: 2026-06-30}\n"


@pytest.mark.parametrize(("day", "code", "found"), [("2026-06-30", 0, 0), ("2026-07-01", 1, 1)])
def test_an_exception_fails_when_it_has_run_out(tlsconf: Callable[..., Done], here: Path, day: str, code: int, found: int) -> None:
    put(
        here,
        {
            "p.yaml": f"{EDGE}extends: ./base.yaml\noutbound: {{tls: none}}\n",
            "base.yaml": "tlsconf: 1\nname: base\noverlays: stronger\nexceptions: exceptions.yaml\noutbound: {tls: opportunistic}\n",
            "exceptions.yaml": EXCEPTION,
        },
    )
    done = tlsconf("audit", "p.yaml", "--on", day, "--format", "json")
    assert (done.code, done.err) == (code, "")
    assert findings(done).count(("exception-expired", "error")) == found


@pytest.mark.parametrize("day", ["2026-13-01", "2026-02-30", "20260701", "tomorrow", "2026-W01-1", "", "2026-07-01T00:00"])
def test_a_day_that_is_none(tlsconf: Callable[..., Done], here: Path, day: str) -> None:
    put(here, {"p.yaml": EDGE})
    done = tlsconf("audit", "p.yaml", "--on", day)
    assert (done.code, done.out) == (2, "")
    assert "is no date" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--standard", "rfc-9235"], 2, "did you mean `rfc-9325`?"),
        (["--standard", "none/house.yaml"], 4, "none/house.yaml: No such file or directory"),
        (["--standard", "a\0b/house.yaml"], 4, "a NUL is in the name"),
        (["--must-extend", "uk-government@2026-10"], 2, "did you mean `uk-government@2026-11`?"),
        (["--must-extend", "./none.yaml"], 4, "there is no such file"),
        (["--format", "xml"], 2, "xml"),
        (["--fail-on", "note"], 2, "note"),
    ],
)
def test_what_is_asked_for_is_not_there(tlsconf: Callable[..., Done], here: Path, arguments: list[str], code: int, message: str) -> None:
    put(here, {"p.yaml": EDGE})
    done = tlsconf("audit", "p.yaml", *arguments)
    assert (done.code, done.out) == (code, "")
    assert message in done.err


def test_a_wrong_standard_is_shown_as_a_profile_is(tlsconf: Callable[..., Done], here: Path) -> None:
    put(here, {"p.yaml": EDGE, "house.yaml": HOUSE.replace("LEVEL", "MAY")})
    done = tlsconf("audit", "p.yaml", "--standard", "./house.yaml")
    assert (done.code, done.out) == (3, "")
    assert done.err.startswith("error: `MAY` does not fit `requirements[0].level`\n --> ./house.yaml:8:60\n")
    assert "^^^ expected one of `MUST`, `SHOULD`" in done.err


@pytest.mark.parametrize("format_", FORMATS)
def test_names_that_no_text_holds_break_nothing(tlsconf: Callable[..., Done], here: Path, format_: str) -> None:
    name = "a\udcff\x1b[31m|`\n::error.yaml"
    put(here, {name: OLD})
    done = tlsconf("audit", name, "--standard", "ncsc-nl", "--format", format_)
    assert done.code == 1
    assert "\x1b" not in done.out
    if format_ in {"json", "sarif"}:
        answer: Any = json.loads(done.out)
        assert answer


ROOT = Path(__file__).parent.parent.parent
PROFILES = [
    ROOT / "tests/design/profile.yaml",
    *sorted(ROOT.glob("examples/*/profile.yaml")),
    *sorted(ROOT.glob("tests/golden/*/profile.yaml")),
]


@pytest.mark.parametrize("path", PROFILES, ids=lambda path: path.parent.name)
def test_every_profile_here_gets_an_answer_by_every_standard(tlsconf: Callable[..., Done], path: Path) -> None:
    asked = [argument for name in shipped() for argument in ("--standard", name)]
    done = tlsconf("audit", path, *asked, "--format", "json", "--fail-on", "never")
    assert (done.code, done.err) == (0, "")
    assert {finding["severity"] for finding in json.loads(done.out)["findings"]} <= {"error", "warning", "note"}
