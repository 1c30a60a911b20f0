"""Bases that may only be strengthened: what an overlay may not do, the exceptions to it, and the day on which these end."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.samples import SERVER, line, put
from tlsconf import overlays, pipeline
from tlsconf.errors import ProfileError
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

BASE = """\
tlsconf: 1
name: organisation
overlays: stronger
exceptions: exceptions.yaml
tls:
  minimum_version: TLSv1.2
outbound:
  tls: opportunistic
  rules:
    - {name: central, domains: ["*.gov.example", police.example], tls: required}
    - {name: bank, domains: [bank.example], tls: required, verify: hostname}
inbound:
  rules:
    - {name: courts, senders: [courts.example], tls: required}
"""
HEAD = f"tlsconf: 1\nname: department\nextends: ./base.yaml\nplatform: debian-12\ntargets: [postfix]\n{SERVER}"
PLAIN = "    - {name: plain, domains: [old.example], tls: none}\n"
NONE = "# none at present\n"


def refusals(folder: Path, child: str, exceptions: str = NONE, base: str = BASE, **more: str) -> list[str]:
    """Return what is wrong with an overlay of a guarded base, in the order of its findings."""
    path = put(folder, {"child.yaml": child, "base.yaml": base, "exceptions.yaml": exceptions, **more})
    try:
        pipeline.prepare(str(path))
    except ProfileError as error:
        return [line(finding, folder) for finding in error.findings]
    return []


def exception(change: str, rule: str = "", profile: str = "department", expires: str = "2027-03-31") -> str:
    """Return an entry of an exceptions file."""
    whose = f", rule: {rule}" if rule else ""
    return f"- {{profile: {profile}{whose}, change: {change}, owner: mail, reason: old relay, ticket: T-1, expires: {expires}}}\n"


@pytest.mark.parametrize(
    "child",
    [
        "",
        "outbound: {rules: [{name: more, domains: [partner.example], tls: required, verify: hostname}]}\n",
        "outbound: {rules: [{name: central, verify: hostname}]}\n",
        "outbound: {rules: [{name: bank, minimum_version: TLSv1.3}]}\n",
        "outbound: {tls: required}\n",
        "tls: {minimum_version: TLSv1.3, opportunistic: {minimum_version: TLSv1.2}}\n",
        "outbound: {rules: [{name: central, remove: true}, {name: mine, domains: ['*.gov.example', police.example], tls: required}]}\n",
        "outbound: {rules: [{name: special, domains: [tax.gov.example], tls: required, minimum_version: TLSv1.3}]}\n",
        "inbound: {tls: required, rules: [{name: courts, remove: true}]}\n",
        "inbound: {rules: [{name: courts, on_plaintext: defer}]}\n",
        'outbound: {smarthost: "[r.example]:587", rules: [{name: r, next_hops: ["[r.example]:587"], tls: required, verify: hostname}]}\n',
    ],
)
def test_what_strengthens_or_changes_nothing_is_right(tmp_path: Path, child: str) -> None:
    assert refusals(tmp_path, HEAD + child) == []


def test_both_lines_and_what_would_be_allowed_are_named(tmp_path: Path) -> None:
    child = HEAD + "outbound:\n  rules:\n    - {name: central, tls: opportunistic}\n"
    (told,) = refusals(tmp_path, child)
    assert told == (
        "child.yaml:9:28: `organisation` may only be strengthened; mail to *.gov.example, police.example: TLS: required → opportunistic "
        "(weaker: outbound-tls-lowered) (what the base says, or stronger; or an exception in exceptions.yaml: "
        "{profile: department, rule: central, change: outbound-tls-lowered, …}) "
        "[allowed: this, or what is stronger base.yaml:10:72]"
    )


@pytest.mark.parametrize(
    ("child", "found"),
    [
        ("outbound: {rules: [{name: central, remove: true}]}", ["mail to *.gov.example, police.example: TLS: required → opportunistic"]),
        ("outbound: {rules: [{name: bank, verify: none}]}", ["mail to bank.example: verification: required + hostname → required"]),
        ("outbound: {rules: [{name: central, domains: ['*.gov.example']}]}", ["mail to police.example: TLS: required → opportunistic"]),
        (
            "outbound: {rules: [{name: old, domains: [tax.gov.example], tls: opportunistic}]}",
            ["mail to tax.gov.example: TLS: required → opportunistic"],
        ),
        (
            "outbound: {rules: [{name: central, minimum_version: TLSv1.1}]}",
            [],  # no suite of the list has that version: nothing changes
        ),
        ("outbound: {tls: none}", ["mail to every destination that no rule names: TLS: opportunistic → none"]),
        (
            "outbound: {rules: [{name: bank, verify: dane}]}",
            ["mail to bank.example: verification: required + hostname → required + dane"],
        ),
        ("outbound: {trust_anchors: /etc/own.pem}", ["mail to bank.example: trust anchors: the platform's own → /etc/own.pem"]),
        ("inbound: {rules: [{name: courts, remove: true}]}", ["mail from courts.example: TLS: required → not required"]),
        ("inbound: {exempt_clients: [192.0.2.0/24]}", ["clients 192.0.2.0/24: requirements apply → exempt from all of them"]),
        (
            "tls: {minimum_version: TLSv1.3}",
            [
                "mail to every destination that no rule names: minimum version: TLSv1.2 → TLSv1.3",
                "mail from every client: minimum version: TLSv1.2 → TLSv1.3",
            ],
        ),
    ],
)
def test_every_way_to_weaken_is_found(tmp_path: Path, child: str, found: list[str]) -> None:
    told = [text.partition("may only be strengthened; ")[2] for text in refusals(tmp_path, HEAD + child + "\n")]
    assert [text[: len(start)] for text, start in zip(told, found, strict=True)] == found


def test_a_base_below_another_binds_too_and_nobody_can_lift_it(tmp_path: Path) -> None:
    middle = "tlsconf: 1\nname: middle\nextends: ./base.yaml\noutbound: {rules: [{name: bank, tls: opportunistic, verify: none}]}\n"
    child = HEAD.replace("./base.yaml", "./middle.yaml")
    (told,) = refusals(tmp_path, child, **{"middle.yaml": middle})
    assert told.startswith("middle.yaml:4:38: `organisation` may only be strengthened; mail to bank.example")


def test_a_base_without_that_word_binds_nobody(tmp_path: Path) -> None:
    free = BASE.replace("overlays: stronger\nexceptions: exceptions.yaml\n", "")
    assert refusals(tmp_path, HEAD + "outbound: {rules: [{name: central, remove: true}]}\n", base=free) == []


def test_an_exception_lets_exactly_its_change_pass(tmp_path: Path) -> None:
    child = HEAD + "outbound: {tls: none, rules: [{name: central, tls: opportunistic}, {name: bank, verify: none}]}\n"
    allowed = exception("outbound-tls-lowered", "central") + exception("outbound-tls-lowered")
    (told,) = refusals(tmp_path, child, allowed)
    assert "mail to bank.example: verification" in told
    assert refusals(tmp_path, child, allowed + exception("outbound-verify-lowered", "bank")) == []


@pytest.mark.parametrize(
    "entry",
    [
        exception("outbound-tls-lowered", "bank"),  # another rule
        exception("outbound-verify-lowered", "central"),  # another change
        exception("outbound-tls-lowered"),  # the default only
        exception("outbound-tls-raised", "central"),
    ],
)
def test_an_exception_that_matches_nothing_is_wrong(tmp_path: Path, entry: str) -> None:
    child = HEAD + "outbound: {rules: [{name: central, tls: opportunistic}]}\n"
    told = refusals(tmp_path, child, entry)
    assert [text.partition(" (")[0] for text in told[1:]] == [
        f"exceptions.yaml:1:3: the exception for `department` matches nothing: {entry.split('change: ')[1].partition(',')[0]}"
    ]


def test_exceptions_of_other_profiles_are_not_ones_own(tmp_path: Path) -> None:
    assert refusals(tmp_path, HEAD, exception("outbound-tls-lowered", "central", profile="other")) == []
    child = HEAD + "outbound: {rules: [{name: central, tls: opportunistic}]}\n"
    assert len(refusals(tmp_path, child, exception("outbound-tls-lowered", "central", profile="other"))) == 1


def test_the_overlay_cannot_name_a_file_of_exceptions_for_its_base(tmp_path: Path) -> None:
    child = HEAD + "overlays: stronger\nexceptions: mine.yaml\noutbound: {rules: [{name: central, tls: opportunistic}]}\n"
    (told,) = refusals(tmp_path, child, **{"mine.yaml": exception("outbound-tls-lowered", "central")})
    assert "may only be strengthened" in told


def test_an_accepted_limitation_weakens_too_unless_the_base_accepts_it(tmp_path: Path) -> None:
    rule = "outbound: {rules: [{name: plain, domains: [old.example], tls: none}]}\n"
    accept = "targets: {sendmail: {accept: [{id: sendmail-none-by-host, rules: [plain], reason: r}]}}\n"
    child = HEAD.replace("targets: [postfix]\n", accept)
    base = BASE.replace("  rules:\n    - {name: central", f"  rules:\n{PLAIN}    - {{name: central")
    (told,) = refusals(tmp_path, child, base=base)
    assert "`organisation` may only be strengthened; the server sendmail: sendmail-none-by-host (missing)" in told
    assert refusals(tmp_path, child, exception("limitation-added", "plain"), base=base) == []
    assert refusals(tmp_path, HEAD.replace("[postfix]", "[sendmail]"), base=base + accept) == []
    assert "may only" in refusals(tmp_path, child + rule, base=BASE)[0]


def test_a_target_alone_does_not_make_exceptions_of_others_vain(tmp_path: Path) -> None:
    accept = "targets: {postfix: {}, sendmail: {accept: [{id: sendmail-none-by-host, rules: [plain], reason: r}]}}\n"
    base = BASE.replace("  rules:\n    - {name: central", f"  rules:\n{PLAIN}    - {{name: central")
    files = {"child.yaml": HEAD.replace("targets: [postfix]\n", accept), "base.yaml": base}
    path = put(tmp_path, {**files, "exceptions.yaml": exception("limitation-added", "plain")})
    assert [item.target.name for item in pipeline.prepare(str(path), ["postfix"]).planned] == ["postfix"]


def test_expired_exceptions_are_told_by_the_day_and_change_no_plan(tmp_path: Path) -> None:
    child = HEAD + "outbound: {rules: [{name: central, tls: opportunistic}]}\n"
    assert refusals(tmp_path, child, exception("outbound-tls-lowered", "central", expires="2026-11-22")) == []
    resolved = resolve(str(tmp_path / "child.yaml"))
    assert overlays.expired(resolved, date(2026, 11, 22)) == []
    (told,) = overlays.expired(resolved, date(2026, 11, 23))
    assert line(told, tmp_path) == (
        "exceptions.yaml:1:124: the exception for `department` expired on 2026-11-22: outbound-tls-lowered of the rule `central` "
        "(no such change any more, or a new date that mail answers for (T-1))"
    )


def test_a_base_by_itself_tells_all_that_expired_in_its_file(tmp_path: Path) -> None:
    entries = exception("a", "r", profile="one", expires="2026-01-01") + exception("b", "r", profile="two", expires="2026-01-02")
    put(tmp_path, {"base.yaml": BASE, "exceptions.yaml": entries})
    resolved = resolve(str(tmp_path / "base.yaml"), bases=True)
    assert len(overlays.expired(resolved, date(2026, 1, 2))) == 1
    assert len(overlays.expired(resolved, date(2026, 1, 3))) == 2


def test_exceptions_need_something_to_be_exceptions_to(tmp_path: Path) -> None:
    put(tmp_path, {"base.yaml": BASE.replace("overlays: stronger\n", "")})
    with pytest.raises(ProfileError) as error:
        resolve(str(tmp_path / "base.yaml"), bases=True)
    (told,) = error.value.findings
    assert line(told, tmp_path).startswith("base.yaml:3:1: `exceptions` has no effect: nothing here keeps overlays from weakening")


def test_without_the_guard_a_profile_that_weakens_its_base_can_be_had(tmp_path: Path) -> None:
    child = HEAD + "outbound: {rules: [{name: central, tls: opportunistic}]}\n"
    assert len(refusals(tmp_path, child)) == 1
    assert pipeline.prepare(str(tmp_path / "child.yaml"), guard=False).resolved.policies[0].outbound.rules[0].tls == "opportunistic"
