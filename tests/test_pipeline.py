"""From a path to files: errors of every step at their place, and hosts that share what was said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.samples import HEAD, SERVER, WHOLE, line, put
from tlsconf import pipeline
from tlsconf.errors import ProfileError, UsageError
from tlsconf.mta import postfix
from tlsconf.plan import Limitation, Plan, PlannedFile, Raw, Section, Setting

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tlsconf.policy import Policy, Target

FILE = PlannedFile("main.cf", "postfix/main.cf.j2", (Section("All", (Setting("a", Raw("b")),)),), "/etc/x")


def refused(path: Path, targets: tuple[str, ...] = ()) -> list[str]:
    """Return what is wrong with a profile, up to what was expected."""
    with pytest.raises(ProfileError) as error:
        pipeline.render(pipeline.prepare(str(path), targets), alone=True)
    return [line(finding, path.parent).partition(" (")[0] for finding in error.value.findings]


@pytest.fixture
def planner(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Policy, Target], tuple[Limitation, ...]]], None]:
    """Return a function that gives Postfix other limitations, by policy and target."""

    def stand_in(limitations: Callable[[Policy, Target], tuple[Limitation, ...]]) -> None:
        def plan(policy: Policy, target: Target) -> Plan:
            return Plan("postfix", target.release.text, (FILE,), limitations(policy, target))

        monkeypatch.setattr(postfix, "plan", plan)

    return stand_in


def weaker(*rules: str) -> Limitation:
    return Limitation("postfix-gap", "weaker", rules, "not so good")


def accepting(*items: str, hosts: str = "") -> str:
    entries = "".join(f"      - {{id: postfix-gap, {item}reason: r}}\n" for item in items)
    return f"{HEAD}{SERVER}platform: debian-12\ntargets:\n  postfix:\n    accept:\n{entries}{hosts}"


HOSTS = "hosts: {old: {platform: debian-11}, new: {}}\n"


# --- planning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("targets", "place"),
    [
        ('targets:\n  postfix:\n    release: "2.0"\n', "p.yaml:7:14"),
        ('targets: {exim: {tls_library: gnutls, release: "3.0"}}\n', "p.yaml:5:48"),
    ],
)
def test_a_release_that_is_too_old_is_said_where_it_stands(tmp_path: Path, targets: str, place: str) -> None:
    (said,) = refused(put(tmp_path, {"p.yaml": f"{HEAD}{SERVER}platform: debian-12\n{targets}"}))
    assert said.startswith(f"{place}: ")


def test_every_target_that_can_t_be_planned_is_told_at_once(tmp_path: Path) -> None:
    targets = 'targets: {postfix: {release: "2.0"}, exim: {tls_library: gnutls, release: "3.0"}, sendmail: {release: "7.0"}}\n'
    path = put(tmp_path, {"p.yaml": f"{HEAD}{SERVER}{targets}outbound: {{trust_anchors: /x}}\n"})
    assert len(refused(path)) == 3
    assert len(refused(path, ("exim",))) == 1


def test_a_target_that_is_not_there_is_wrong_use(tmp_path: Path) -> None:
    path = put(tmp_path, {"p.yaml": WHOLE})
    with pytest.raises(UsageError, match="has no target `exim`; it has postfix"):
        pipeline.prepare(str(path), ["exim"])


@pytest.mark.parametrize("value", ["a\\nb", "a\\0b", "\\e[31m", "$(reboot)"])
def test_no_text_of_a_profile_breaks_out_of_its_place(tmp_path: Path, value: str) -> None:
    text = WHOLE.replace("[postfix]", f'{{postfix: {{keep: {{smtpd_client_restrictions: ["{value}"]}}}}}}')
    try:
        (rendered,) = pipeline.render(pipeline.prepare(str(put(tmp_path, {"p.yaml": text}))), alone=True)
    except ProfileError as error:
        assert [finding.span.line for finding in error.findings if finding.span] == [4]  # noqa: PT017  (either will do)
    else:
        files = {file.path: file.text for file in rendered.files}
        (found,) = [text for text in files["main.cf"].splitlines() if text.startswith("smtpd_client_restrictions")]
        assert value in found


# --- acceptances -----------------------------------------------------------------------------------------------------


def test_what_is_weaker_stops_the_render_until_it_is_accepted(tmp_path: Path, planner: Callable[..., None]) -> None:
    planner(lambda *_: (weaker("one"), weaker("two")))
    assert refused(put(tmp_path, {"p.yaml": WHOLE})) == ["p.yaml:4:11: postfix 3.7.11 can't keep this"] * 2
    assert refused(put(tmp_path, {"p.yaml": accepting("rules: [one], ")})) == ["p.yaml:6:3: postfix 3.7.11 can't keep this"]
    assert pipeline.prepare(str(put(tmp_path, {"p.yaml": accepting("rules: [one], ", "rules: [two], ")})))


def test_an_acceptance_that_matches_nothing_is_told_where_it_stands(tmp_path: Path, planner: Callable[..., None]) -> None:
    planner(lambda *_: (weaker(),))
    said = "the acceptance of `postfix-gap` matches nothing"
    assert refused(put(tmp_path, {"p.yaml": accepting("", "rules: [one], ")})) == [f"p.yaml:9:9: {said}"]
    over = f"{HEAD}extends: ./p.yaml\ntargets: {{postfix: {{accept: {{add: [{{id: postfix-gap, rules: [x], reason: r}}]}}}}}}\n"
    put(tmp_path, {"p.yaml": accepting("")})
    assert refused(put(tmp_path, {"over.yaml": over})) == [f"over.yaml:4:36: {said}"]


def test_an_acceptance_that_one_host_needs_is_not_in_vain_for_the_others(tmp_path: Path, planner: Callable[..., None]) -> None:
    planner(lambda policy, _: (weaker("one"),) if policy.host == "old" else (weaker("two"),) if policy.host == "new" else ())
    path = put(tmp_path, {"p.yaml": accepting("rules: [one], ", "rules: [two], ", hosts=HOSTS)})
    assert len(pipeline.prepare(str(path)).planned) == 2
    path = put(tmp_path, {"p.yaml": accepting("rules: [one, two], ", hosts=HOSTS)})
    assert len(pipeline.prepare(str(path)).planned) == 2
    path = put(tmp_path, {"p.yaml": accepting("rules: [one, two], ", "rules: [three], ", hosts=HOSTS)})
    assert refused(path) == ["p.yaml:9:9: the acceptance of `postfix-gap` matches nothing"]


def test_a_host_s_own_acceptances_are_judged_by_that_host_alone(tmp_path: Path, planner: Callable[..., None]) -> None:
    planner(lambda policy, _: (weaker("one"),) if policy.host == "old" else ())
    own = "hosts: {old: {}, new: {targets: {postfix: {accept: [{id: postfix-gap, rules: [one], reason: r}]}}}}\n"
    path = put(tmp_path, {"p.yaml": accepting("rules: [one], ", hosts=own)})
    assert refused(path) == ["p.yaml:9:53: the acceptance of `postfix-gap` matches nothing"]


# --- what comes out --------------------------------------------------------------------------------------------------


def test_a_limitation_of_several_hosts_is_told_once(tmp_path: Path, planner: Callable[..., None]) -> None:
    different = Limitation("postfix-other", "different", (), "otherwise")
    planner(lambda *_: (different,))
    prepared = pipeline.prepare(str(put(tmp_path, {"p.yaml": WHOLE + HOSTS})))
    assert pipeline.limitations(prepared) == [("postfix on old (3.5.25), postfix on new (3.7.11)", different)]
    assert pipeline.limitations(pipeline.prepare(str(put(tmp_path, {"p.yaml": WHOLE})))) == [("postfix (3.7.11)", different)]


@pytest.mark.parametrize(
    ("hosts", "alone", "folders"),
    [
        ("", True, ["postfix"]),
        ("", False, ["sample/postfix"]),
        (HOSTS, True, ["sample/old/postfix", "sample/new/postfix"]),
        (HOSTS, False, ["sample/old/postfix", "sample/new/postfix"]),
    ],
)
def test_folders_are_as_deep_as_they_must_be(tmp_path: Path, hosts: str, *, alone: bool, folders: list[str]) -> None:
    prepared = pipeline.prepare(str(put(tmp_path, {"p.yaml": WHOLE + hosts})))
    assert [item.folder for item in pipeline.render(prepared, alone=alone)] == folders


def test_hosts_that_differ_have_digests_that_differ(tmp_path: Path) -> None:
    rendered = pipeline.render(pipeline.prepare(str(put(tmp_path, {"p.yaml": WHOLE + HOSTS}))), alone=True)
    digests = {file.text.split("\n")[2] for item in rendered for file in item.files if file.path == "main.cf"}
    assert len(digests) == 2
