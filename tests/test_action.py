"""What runs in pull requests: the action's script on real repositories with real branches, the hooks by pre-commit, the examples."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
import yaml
from typer.main import get_command

from tests.repositories import IMPORTS
from tests.samples import SERVER, put
from tlsconf.cli import app

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.programs
ROOT: Final = Path(__file__).parent.parent
SCRIPT: Final = ROOT / ".github" / "review.sh"
CI: Final = ROOT / "examples" / "ci"
PRE_COMMIT: Final = (sys.executable, "-m", "pre_commit")
BASE: Final = "tlsconf: 1\nname: base\noutbound: {rules: [{name: gov, domains: ['*.gov.uk'], tls: required}]}\n"
WEAKER: Final = BASE.replace("tls: required", "tls: opportunistic")
STRONGER: Final = BASE.replace("}]}", "}, {name: bank, domains: [bank.example], tls: required}]}")
INPUTS: Final = {
    "TLSCONF_PROFILES": "base.yaml\nprofiles/*.yaml",
    "TLSCONF_OUTPUT": "",
    "TLSCONF_RENDER_PROFILES": "profiles/*.yaml",
    "TLSCONF_BASE": "main",
    "TLSCONF_FAIL_ON": "weaker",
    "TLSCONF_STANDARD": "",
    "TLSCONF_COMMENT_FILE": "../review/comment.md",
    "TLSCONF_SARIF_FILE": "../review/diff.sarif",
}
ENVIRONMENT: Final = {
    "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "LC_ALL": "C.UTF-8",
    **{f"GIT_{who}_{what}": "x@x.example" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}  # fmt: skip


class Reviewed(NamedTuple):
    """What the script did: its exit code, what it printed, the comment, its outputs, and the results in the SARIF file by rule."""

    code: int
    log: str
    comment: str
    outputs: dict[str, str]
    changes: list[str]

    @property
    def annotations(self) -> list[str]:
        """Return the lines that GitHub obeys: outside of what is shown of other programs."""
        plain = re.sub(r"::stop-commands::(\w+)\n.*?\n::\1::", "", self.log, flags=re.DOTALL)
        return [line for line in plain.split("\n") if re.match(r" *::(error|warning|notice)|.*##\[", line)]


class Place(NamedTuple):
    """A checkout of a branch that began when main had three profiles, and what main's repository is."""

    folder: Path
    origin: Path

    def git(self, *arguments: str) -> str:
        """Run git in the checkout."""
        return git(self.folder, *arguments)

    def change(self, files: dict[str, str | None]) -> None:
        """Write files, or take them out, and commit that."""
        for name, text in files.items():
            if text is None:
                (self.folder / name).unlink()
            else:
                put(self.folder, {name: text})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "change")

    def review(self, **inputs: str) -> Reviewed:
        """Run the script as the action does."""
        written = {name: self.folder.parent / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in written.values():
            path.write_text("")
        chosen = {**INPUTS, **{f"TLSCONF_{name.upper()}": value for name, value in inputs.items()}}
        environment = {**os.environ, **ENVIRONMENT, **chosen, **{name: str(path) for name, path in written.items()}}
        environment["PATH"] = f"{self.folder.parent / 'bin'}:{environment['PATH']}"
        done = subprocess.run(["bash", SCRIPT], cwd=self.folder, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert done.stderr == "", done.stderr
        comment = (self.folder / chosen["TLSCONF_COMMENT_FILE"]).read_text()
        assert written["GITHUB_STEP_SUMMARY"].read_text() == comment
        outputs = dict(line.split("=", 1) for line in written["GITHUB_OUTPUT"].read_text().splitlines())
        sarif = self.folder / chosen["TLSCONF_SARIF_FILE"]
        changes = [result["ruleId"] for result in json.loads(sarif.read_text())["runs"][0]["results"]] if sarif.exists() else []
        return Reviewed(done.returncode, done.stdout, comment, outputs, changes)


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, env={**os.environ, **ENVIRONMENT}, check=True, capture_output=True, text=True
    ).stdout


def profile(name: str) -> str:
    return f"tlsconf: 1\nname: {name}\nextends: ../base.yaml\nplatform: debian-12\ntargets: [postfix]\n{SERVER}"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a checkout of the branch `topic`, with `tlsconf` of this checkout on the path."""
    origin = tmp_path / "origin"
    put(origin, {"base.yaml": BASE, "profiles/mx1.yaml": profile("mx1"), "profiles/wide area.yaml": profile("wide-area")})
    git(origin, "init", "--quiet", "--initial-branch", "main")
    git(origin, "add", "--all")
    git(origin, "commit", "--quiet", "--message", "first")
    git(tmp_path, "clone", "--quiet", f"file://{origin}", "checkout")
    git(tmp_path / "checkout", "switch", "--quiet", "--create", "topic")
    put(tmp_path, {"bin/tlsconf": f'#!/bin/sh\nPYTHONPATH="{IMPORTS}" exec "{sys.executable}" -m tlsconf "$@"\n'})
    (tmp_path / "bin" / "tlsconf").chmod(0o755)
    return Place(tmp_path / "checkout", origin)


def test_a_clean_change_passes(place: Place) -> None:
    place.change({"base.yaml": STRONGER})
    done = place.review()
    assert (done.code, done.outputs["result"]) == (0, "clean")
    assert done.outputs["comment-file"] == INPUTS["TLSCONF_COMMENT_FILE"]
    assert done.comment.startswith("<!-- tlsconf -->\n## ")
    assert "`profiles/wide area.yaml`" in done.comment
    assert done.changes
    assert not any(line.startswith("::error") for line in done.annotations)


def test_no_change_is_clean(place: Place) -> None:
    done = place.review()
    assert (done.code, done.changes, len(done.annotations)) == (0, [], 1)


def test_a_weaker_base_is_told_for_every_profile_that_extends_it(place: Place) -> None:
    place.change({"base.yaml": WEAKER})
    done = place.review()
    assert (done.code, done.outputs["result"]) == (1, "failed")
    assert "| **weaker** |" in done.comment
    for name in ("base.yaml", "profiles/mx1.yaml", "profiles/wide area.yaml"):
        assert f"`{name}`" in done.comment
    assert done.annotations[0].startswith("::error file=base.yaml,line=3,")
    assert "outbound-tls-lowered" in done.changes


def test_fail_on_decides(place: Place) -> None:
    place.change({"base.yaml": WEAKER})
    assert place.review(fail_on="never").code == 0
    assert place.review(fail_on="sometimes").outputs == {"result": "error", "comment-file": INPUTS["TLSCONF_COMMENT_FILE"]}


def test_main_may_have_moved_on(place: Place) -> None:
    put(place.origin, {"base.yaml": STRONGER})
    git(place.origin, "commit", "--quiet", "--all", "--message", "main is stronger now")
    place.git("fetch", "--quiet")
    place.change({"profiles/mx1.yaml": profile("mx1") + "description: the first\n"})
    done = place.review()  # compared with main as it is, the branch would take a rule away
    assert (done.code, done.changes) == (0, [])


@pytest.mark.parametrize("history", ["whole", "shallow"])
def test_a_shallow_checkout_fetches_what_it_lacks(place: Place, history: str) -> None:
    place.change({"base.yaml": WEAKER})
    place.change({"profiles/mx1.yaml": profile("mx1") + "description: the first\n"})
    place.git("push", "--quiet", "origin", "topic")
    depth = ["--depth", "1"] if history == "shallow" else []
    git(place.folder.parent, "clone", "--quiet", *depth, "--branch", "topic", f"file://{place.origin}", "again")
    done = place._replace(folder=place.folder.parent / "again").review(base=git(place.origin, "rev-parse", "main").strip())
    assert (done.code, "outbound-tls-lowered" in done.changes) == (1, True)


def test_a_shallow_merge_of_the_pull_request_as_github_checks_it_out(place: Place) -> None:
    put(place.origin, {"notes.txt": "main moved on"})
    git(place.origin, "add", "--all")
    git(place.origin, "commit", "--quiet", "--message", "more")
    place.change({"base.yaml": WEAKER})
    place.git("fetch", "--quiet")
    place.git("switch", "--quiet", "--detach", "origin/main")
    place.git("merge", "--quiet", "--no-ff", "--no-edit", "topic")
    place.git("push", "--quiet", "origin", "HEAD:refs/pull/1/merge")
    again = place.folder.parent / "again"
    git(place.folder.parent, "init", "--quiet", "again")
    git(again, "remote", "add", "origin", f"file://{place.origin}")
    git(again, "fetch", "--quiet", "--no-tags", "--depth", "1", "origin", "+refs/pull/1/merge:refs/remotes/pull/1/merge")
    git(again, "checkout", "--quiet", "refs/remotes/pull/1/merge")
    done = place._replace(folder=again).review(base=git(place.origin, "rev-parse", "main").strip())
    assert (done.code, "outbound-tls-lowered" in done.changes) == (1, True)


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("gone", "gone"),
        ("", "no base"),
        ("--upload-pack=touch x", "neither"),
        ("0" * 40, ""),
        ("main:x", "neither"),
        ("unrelated", "no history"),
    ],
)
def test_what_can_not_be_compared_fails(place: Place, base: str, reason: str) -> None:
    place.git("switch", "--quiet", "--orphan", "unrelated")
    place.change({"x": ""})
    place.git("switch", "--quiet", "topic")
    done = place.review(base=base, fail_on="never")
    assert (done.code, done.outputs["result"], done.changes) == (4, "error", [])
    assert reason in done.log
    assert "could not be compared with the base" in done.comment
    assert "sarif-file" not in done.outputs
    assert "profiles/mx1.yaml: right" in done.log  # the other steps run all the same


def test_a_profile_that_is_taken_out_is_told(place: Place) -> None:
    place.change({"profiles/wide area.yaml": None})
    done = place.review()
    assert (done.code, done.changes) == (1, ["profile-removed"])
    assert "wide area.yaml" in done.comment


def test_a_profile_that_is_new_is_told(place: Place) -> None:
    place.change({"profiles/mx9.yaml": profile("mx9")})
    done = place.review()
    assert (done.code, done.changes) == (0, ["profile-added"])


def test_a_wrong_profile_fails_and_the_others_are_compared(place: Place) -> None:
    place.change({"base.yaml": WEAKER, "profiles/mx1.yaml": profile("mx1") + "outbond: {}\n"})
    done = place.review()
    assert (done.code, done.outputs["result"]) == (3, "error")
    assert "### Profiles are wrong" in done.comment
    assert "    error: " in done.comment
    assert "outbond" in done.comment
    assert "| **weaker** |" in done.comment
    assert "Not everything could be looked at" in done.comment


def test_rendered_output_is_checked(place: Place) -> None:
    names = ["profiles/mx1.yaml", "profiles/wide area.yaml"]
    program = place.folder.parent / "bin" / "tlsconf"
    subprocess.run([program, "render", *names, "-o", "rendered"], cwd=place.folder, check=True, capture_output=True)
    place.git("add", "--all")
    place.git("commit", "--quiet", "--message", "rendered")
    assert place.review(output="rendered").code == 0
    place.change({"base.yaml": STRONGER})
    done = place.review(output="rendered")
    assert (done.code, done.outputs["result"]) == (1, "failed")
    assert "### Rendered output is not current" in done.comment
    assert "bank.example" in done.comment
    assert "::error title=tlsconf::Rendered output is not current" in done.annotations
    assert place.review(output="").code == 0


def test_an_audit_is_added(place: Place) -> None:
    place.change({"base.yaml": STRONGER.replace("outbound:", "tls: {minimum_version: TLSv1.0}\noutbound:")})
    done = place.review(standard="rfc-9325 uk-government", fail_on="never")
    assert done.code == 1
    assert done.comment.count("\n## ") == 2
    audit = json.loads((place.folder / done.outputs["audit-sarif-file"]).read_text())
    assert any(result["ruleId"].startswith("rfc-9325/") for result in audit["runs"][0]["results"])
    assert place.review(standard="no-such-standard").code >= 2


def test_the_worst_exit_code_is_the_answer(place: Place) -> None:
    place.change({"base.yaml": WEAKER})
    assert place.review(output="nowhere").code == 1  # weaker, and nothing was rendered
    assert place.review(profiles="profiles/mx1.yaml gone.yaml").code == 4


@pytest.mark.parametrize(
    "profiles",
    [
        "profiles/*.yaml",
        "profiles/mx1.yaml\nprofiles/wide area.yaml",
        "  profiles/mx1.yaml \r\n\n\tprofiles/wide*.yaml\r\n",
        "profiles/mx1.yaml profiles/w*.yaml",
        "**/mx1.yaml **/wide*",
        "profiles/** profiles/mx1.yaml",
    ],
)
def test_paths_and_globs(place: Place, profiles: str) -> None:
    log = place.review(profiles=profiles).log
    assert re.findall(r"^(.*): right", log, re.MULTILINE) == ["profiles/mx1.yaml", "profiles/wide area.yaml"]


def test_no_profile_is_an_error(place: Place) -> None:
    done = place.review(profiles="nothing/*.yaml")
    assert done.code >= 2
    assert done.outputs["result"] == "error"


def test_no_text_of_a_profile_is_obeyed(place: Place) -> None:
    evil = "::error::obeyed ##[error]obeyed"
    name = "profiles/::error::obeyed $(touch obeyed) `touch obeyed`.yaml"
    text = profile("evil") + f'outbound: {{rules: [{{name: "{evil}", domains: ["{evil}"], tls: required}}]}}\n'
    place.change({name: text, "base.yaml": WEAKER})
    done = place.review()
    assert done.code == 3
    assert "##[error]" in done.log
    assert [re.match("::(error|notice) (file|title)=", line) is not None for line in done.annotations] == [True] * len(done.annotations)
    assert not list(place.folder.parent.rglob("obeyed"))


def test_a_comment_fits(place: Place) -> None:
    rules = ", ".join(f"{{name: r{n}, domains: [{'d' * 60}{n}.example], tls: required}}" for n in range(400))
    place.change({"base.yaml": f"tlsconf: 1\nname: base\noutbound: {{rules: [{rules}]}}\n"})
    done = place.review(standard="rfc-9325 tlsref-modern")
    assert len(done.comment.encode()) <= 65_536


def test_the_script_reads_what_the_action_gives() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    *_, review = action["runs"]["steps"]
    read = set(re.findall(r"\bTLSCONF_[A-Z_]+", SCRIPT.read_text()))
    own = set(re.findall(r"\bTLSCONF_[A-Z_]+", review["run"]))
    assert set(review["env"]) == read | own
    assert set(INPUTS) == read
    assert set(action["inputs"]) == set(re.findall(r"inputs\.([a-z-]+)", str(action["runs"])))
    outputs = set(re.findall(r"echo \"([a-z-]+)=", SCRIPT.read_text()))
    assert set(action["outputs"]) == outputs
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", "")  # what comes from outside comes as a variable, and is no text of a script


def _shellcheck() -> str:
    """Return the program that came with the test dependencies, wherever these lie."""
    folders = [str(Path(sys.executable).parent), *(str(Path(folder) / "bin") for folder in sys.path)]
    found = shutil.which("shellcheck", path=os.pathsep.join(folders))
    assert found is not None
    return found


def test_the_script_is_sound_shell() -> None:
    subprocess.run([_shellcheck(), SCRIPT], check=True)
    assert os.access(SCRIPT, os.X_OK)


def commands(text: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the commands of tlsconf that a text of shell or YAML has, with their options."""
    for line in text.replace("\\\n", " ").split("\n"):
        for name, rest in re.findall(r"^[^#\n]*?\btlsconf (validate|render|diff|audit) (.*)", line):
            yield name, set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", rest.split("||")[0]))


@pytest.mark.parametrize("path", [SCRIPT, ROOT / ".pre-commit-hooks.yaml", *sorted(CI.iterdir())], ids=lambda path: path.name)
def test_every_option_exists(path: Path) -> None:
    known = get_command(app).commands  # type: ignore[attr-defined]
    for name, options in commands(path.read_text()):
        assert options <= {option for parameter in known[name].params for option in parameter.opts}, name


def test_options_are_found() -> None:
    assert list(commands("x: tlsconf diff --since main -- a --format \\\n markdown || y --z")) == [("diff", {"--since", "--format"})]
    used = {name for path in (SCRIPT, CI / "gitlab-ci.yml", ROOT / ".pre-commit-hooks.yaml") for name, _ in commands(path.read_text())}
    assert used == {"validate", "render", "diff"}


def test_the_options_of_a_report_exist() -> None:
    known = get_command(app).commands  # type: ignore[attr-defined]
    called = re.findall(r"^ *report \S+ (diff|audit) (.*) -- ", SCRIPT.read_text(), re.MULTILINE)
    assert [name for name, _ in called] == ["diff", "audit"]
    for name, rest in called:
        options = {"--format", *re.findall(r"--[a-z-]+", rest)}
        assert options <= {option for parameter in known[name].params for option in parameter.opts}


def test_the_workflow_gives_the_action_what_it_takes() -> None:
    inputs = yaml.safe_load((ROOT / "action.yml").read_text())["inputs"]
    workflow = yaml.safe_load((CI / "github.yml").read_text())
    (given,) = [step["with"] for step in workflow["jobs"]["review"]["steps"] if step.get("uses", "").startswith("OWNER/tlsconf@")]
    assert set(given) <= set(inputs)
    assert {name for name, spec in inputs.items() if spec.get("required")} <= set(given)
    assert workflow["permissions"] == {"contents": "read"}
    assert "permissions" not in workflow["jobs"]["review"]  # nothing that reads a pull request can write
    assert not any("checkout" in str(step) and step["with"].get("persist-credentials", True)
                   for job in workflow["jobs"].values() for step in job["steps"] if "actions/checkout" in step.get("uses", ""))  # fmt: skip


@pytest.mark.parametrize(("base", "output", "code"), [(STRONGER, "current", 0), (STRONGER, "stale", 1), (WEAKER, "current", 1)])
def test_the_job_on_gitlab(place: Place, base: str, output: str, code: int) -> None:
    """The script of the example, after what it installs, as the runner of GitLab starts it."""
    job = yaml.safe_load((CI / "gitlab-ci.yml").read_text())["tlsconf"]
    *_, script = job["script"]
    place.change({"base.yaml": base, "base.txt": ""})
    variables = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": place.git("merge-base", "main", "HEAD").strip(), **job["variables"]}
    path = f"{place.folder.parent / 'bin'}:{os.environ['PATH']}"
    if output == "current":
        render = ["tlsconf", "render", "profiles/mx1.yaml", "-o", "rendered"]
        subprocess.run(["env", f"PATH={path}", *render], cwd=place.folder, check=True, capture_output=True)
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=place.folder, env={**os.environ, **ENVIRONMENT, **variables, "PATH": path}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    assert (place.folder / "tlsconf.md").read_text().startswith("## ")
    assert "profiles/wide area.yaml: right" in done.stdout


class Hooks(NamedTuple):
    """A repository whose hooks are those of the example, with `tlsconf` of this checkout instead of one that pre-commit installs."""

    place: Place

    def run(self, hook: str) -> tuple[int, str]:
        """Run a hook on all files, and return its exit code and what it says."""
        done = subprocess.run(
            [*PRE_COMMIT, "run", "--all-files", "--verbose", hook],
            cwd=self.place.folder,
            env={
                **os.environ, **ENVIRONMENT, "PRE_COMMIT_HOME": str(self.place.folder.parent / "cache"),
                "PATH": f"{self.place.folder.parent / 'bin'}:{os.environ['PATH']}",
            },
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
def hooks(place: Place) -> Hooks:
    """Return the repository, in which one profile is rendered and another has a space in its name."""
    source = place.folder.parent / "source"
    put(source, {".pre-commit-hooks.yaml": (ROOT / ".pre-commit-hooks.yaml").read_text()})
    git(source, "init", "--quiet")
    git(source, "add", "--all")
    git(source, "commit", "--quiet", "--message", "hooks")
    config = yaml.safe_load((CI / "pre-commit-config.yaml").read_text())
    (repo,) = config["repos"]
    repo |= {"repo": str(source), "rev": git(source, "rev-parse", "HEAD").strip()}
    for hook in repo["hooks"]:
        hook["language"] = "system"
    config_text = yaml.safe_dump(config)
    put(place.folder, {"profiles/mx2.yaml": profile("mx2")})
    program = place.folder.parent / "bin" / "tlsconf"
    render = shlex.split("render profiles/mx1.yaml profiles/mx2.yaml -o rendered")
    subprocess.run([program, *render], cwd=place.folder, check=True, capture_output=True)
    place.change({".pre-commit-config.yaml": config_text})
    return Hooks(place)


def test_the_hooks_pass_where_all_is_right(hooks: Hooks) -> None:
    code, said = hooks.run("tlsconf-validate")
    assert (code, said.count(": right; ")) == (0, 3)
    code, said = hooks.run("tlsconf-render")
    assert (code, "Passed" in said) == (0, True)


def test_the_hooks_fail_where_something_is_wrong(hooks: Hooks) -> None:
    hooks.place.change({"profiles/wide area.yaml": profile("wide-area") + "outbond: {}\n"})
    code, said = hooks.run("tlsconf-validate")
    assert (code, "outbond" in said) == (1, True)
    hooks.place.change({"base.yaml": STRONGER})  # rendered output is stale by a change of what a profile names
    code, said = hooks.run("tlsconf-render")
    assert (code, "bank.example" in said) == (1, True)


def test_the_manifest_of_hooks_is_one() -> None:
    subprocess.run([*PRE_COMMIT, "validate-manifest", ROOT / ".pre-commit-hooks.yaml"], check=True)
    subprocess.run([*PRE_COMMIT, "validate-config", CI / "pre-commit-config.yaml"], check=True)
    offered = {hook["id"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    used = {hook["id"] for repo in yaml.safe_load((CI / "pre-commit-config.yaml").read_text())["repos"] for hook in repo["hooks"]}
    assert offered == used == {"tlsconf-validate", "tlsconf-render"}
