"""`tlsconf validate`: one line for each profile that is right, everything else on stderr."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tests.samples import HEAD, SERVER, WHOLE, put

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from tests.cli.conftest import Done

DESIGN = Path(__file__).parent.parent / "design" / "profile.yaml"


def test_a_right_profile_gets_one_line(tlsconf: Callable[..., Done], edge: Path, department: Path) -> None:
    done = tlsconf("validate", edge, department)
    assert (done.code, done.out) == (
        0,
        (
            f"{edge}: right; renders for postfix 3.7.11, exim 4.96, sendmail 8.17.1.9\n"
            f"{department}: right; renders for postfix 3.7.11, exim 4.96, sendmail 8.17.1.9, "
            "postfix 3.10.13, exim 4.98.2, sendmail 8.18.1 on mx1, mx2\n"
        ),
    )


def test_a_wrong_profile_gets_every_mistake_with_its_line(
    tlsconf: Callable[..., Done], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path, {"p.yaml": WHOLE + "outbound:\n  tls: no\nfoo: 1\n"})
    assert tlsconf("validate", "p.yaml") == (
        3,
        "",
        (
            "error: `no` does not fit `outbound.tls`\n"
            " --> p.yaml:7:8\n"
            "  |\n"
            "7 |   tls: no\n"
            "  |        ^^ expected one of `none`, `opportunistic`, `required`; did you mean `none`?\n"
            "\n"
            "error: unknown key `foo`\n"
            " --> p.yaml:8:1\n"
            "  |\n"
            "8 | foo: 1\n"
            "  | ^^^ expected one of description, exceptions, extends, hosts, inbound, lists, name, outbound, overlays, platform, server, "
            "targets, tls, tlsconf\n"
            "\n"
        ),
    )


def test_the_right_ones_among_wrong_ones_are_told(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    right = put(tmp_path, {"right.yaml": WHOLE})
    wrong = put(tmp_path, {"wrong.yaml": HEAD})
    done = tlsconf("validate", wrong, right, wrong)
    assert (done.code, done.out) == (3, f"{right}: right; renders for postfix 3.7.11\n")
    assert done.err.count("error: no `targets` are named") == 2


def test_what_is_set_aside_and_where_the_law_is_not_kept_is_told(tlsconf: Callable[..., Done], smarthost: Path) -> None:
    done = tlsconf("validate", smarthost)
    lines = done.err.splitlines()
    assert done.code == 0
    assert lines[0].startswith(f"{smarthost}: note: the rule `uk-government` (tlsconf:uk-government@2026-11:")
    assert all(line.startswith((f"{smarthost}: note: ", f"{smarthost}: limitation ", f"{smarthost}: warning: ")) for line in lines)


def test_what_a_server_can_t_do_is_an_error_at_the_target_unless_it_is_accepted(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    rule = "{name: legacy, domains: [a.example], tls: none}"
    text = f"{HEAD}{SERVER}platform: debian-12\ntargets:\n  sendmail:\noutbound: {{rules: [{rule}]}}\n"
    done = tlsconf("validate", put(tmp_path, {"p.yaml": text}))
    assert (done.code, done.out) == (3, "")
    assert "error: sendmail 8.17.1.9 can't keep this (missing): " in done.err
    assert f"--> {tmp_path}/p.yaml:6:3\n" in done.err
    assert "accept: [{id: sendmail-none-by-host, rules: [legacy], reason: …}] (see `tlsconf limitations sendmail-none-by-host`)" in done.err
    accepting = text.replace("sendmail:\n", "sendmail: {accept: [{id: sendmail-none-by-host, rules: [legacy], reason: old}]}\n")
    done = tlsconf("validate", put(tmp_path, {"p.yaml": accepting}))
    assert (done.code, done.out) == (0, f"{tmp_path}/p.yaml: right; renders for sendmail 8.17.1.9\n")
    assert f"{tmp_path}/p.yaml: limitation sendmail-none-by-host (missing): sendmail (8.17.1.9), rules legacy: " in done.err


def test_the_example_of_the_design_is_right(tlsconf: Callable[..., Done]) -> None:
    done = tlsconf("validate", DESIGN)
    assert (done.code, done.out.count("right")) == (0, 1)
    assert "(weaker)" not in done.err
    assert "(missing)" not in done.err


RULE = "outbound: {rules: [{name: a, domains: [a.example], tls: required}]}\n"
BASE = f"tlsconf: 1\nname: base\noverlays: stronger\nexceptions: exceptions.yaml\n{RULE}"
EXCEPTION = "- {profile: sample, rule: a, change: outbound-tls-lowered, owner: o, reason: r, ticket: t, expires: 2027-03-31}\n"


def guarded(folder: Path) -> Path:
    """Write a profile that weakens its base by an exception which holds to the end of March 2027, and return its path."""
    child = f"{WHOLE}extends: ./base.yaml\noutbound: {{rules: [{{name: a, tls: opportunistic}}]}}\n"
    return put(folder, {"child.yaml": child, "base.yaml": BASE, "exceptions.yaml": EXCEPTION})


def test_a_base_is_right_where_bases_are_wanted(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    base = guarded(tmp_path).parent / "base.yaml"
    assert "no `targets` are named" in tlsconf("validate", base).err
    assert tlsconf("validate", "--bases", base, "--on", "2027-03-31") == (
        0,
        f"{base}: right; a base, which names no targets to render for\n",
        "",
    )


def test_an_exception_holds_through_its_last_day_and_no_longer(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    path = guarded(tmp_path)
    assert tlsconf("validate", path, "--on", "2027-03-31").code == 0
    done = tlsconf("validate", path, "--on", "2027-04-01")
    assert (done.code, done.out) == (3, "")
    assert "the exception for `sample` expired on 2027-03-31" in done.err
    assert "exceptions.yaml:1:" in done.err


def test_what_is_rendered_does_not_depend_on_the_day(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    path = guarded(tmp_path)
    before = tlsconf("render", path)
    (tmp_path / "exceptions.yaml").write_text(EXCEPTION.replace("2027", "1999"))
    assert tlsconf("validate", path).code == 3
    assert tlsconf("render", path) == before
    assert before.code == 0


def test_a_day_that_is_none_is_wrong_use(tlsconf: Callable[..., Done], tmp_path: Path) -> None:
    done = tlsconf("validate", guarded(tmp_path), "--on", "31.3.2027")
    assert (done.code, done.err) == (2, "tlsconf: `31.3.2027` is no date: write it as 2027-03-31\n")
