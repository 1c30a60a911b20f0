"""`tlsconf checks`: everything that audits and comparisons report, and the standards, listed and in full."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tlsconf.audit.checks import CHECKS, documentation
from tlsconf.audit.standards import shipped
from tlsconf.diff.catalogue import CHANGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.conftest import Done


def test_everything_is_listed_once_with_its_headline(tlsconf: Callable[..., Done]) -> None:
    done = tlsconf("checks")
    assert (done.code, done.err) == (0, "")
    parts = [part.splitlines() for part in done.out.rstrip("\n").split("\n\n")]
    assert [part[0] for part in parts] == [
        "checks that a standard can name:",
        "checks that every audit makes:",
        "changes that diff reports:",
        "standards:",
    ]
    listed = [tuple(line.split(maxsplit=1)) for part in parts for line in part[1:]]
    headlines = {name: text.partition("\n")[0] for name, text in documentation().items()}
    titles = {name: standard.title for name, standard in shipped().items()}
    assert sorted(listed) == sorted([*headlines.items(), *CHANGES.items(), *titles.items()])


@pytest.mark.parametrize("identifier", documentation())
def test_a_check_is_printed_in_full(tlsconf: Callable[..., Done], identifier: str) -> None:
    done = tlsconf("checks", identifier)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{identifier}\n\n{documentation()[identifier]}\n")
    fields = CHECKS[identifier].Parameters.model_fields if identifier in CHECKS else {}
    assert [line.partition(":")[0].strip() for line in done.out.partition("in a standard:\n")[2].splitlines()] == list(fields)


@pytest.mark.parametrize("identifier", CHANGES)
def test_a_change_is_printed(tlsconf: Callable[..., Done], identifier: str) -> None:
    assert tlsconf("checks", identifier) == (0, f"{identifier}\n\n{CHANGES[identifier]}\n", "")


@pytest.mark.parametrize("name", shipped())
def test_a_standard_is_printed_with_all_it_asks_for(tlsconf: Callable[..., Done], name: str) -> None:
    standard = shipped()[name]
    done = tlsconf("checks", name)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{standard.id} {standard.edition}: {standard.title}\n{standard.source}\n\n")
    assert [line for line in done.out.splitlines() if line.startswith(("MUST ", "SHOULD "))] == [
        f"{requirement.level} {requirement.id}" for requirement in standard.requirements
    ]
    assert max(map(len, done.out.splitlines())) <= 160


def test_a_name_that_is_not_known_gets_a_near_one(tlsconf: Callable[..., Done]) -> None:
    done = tlsconf("checks", "rule-shadow")
    assert (done.code, done.out) == (2, "")
    assert "no check, change or standard `rule-shadow`: did you mean `rule-shadowed`?" in done.err


def test_a_requirement_goes_by_the_id_that_audits_report(tlsconf: Callable[..., Done]) -> None:
    done = tlsconf("checks", "rfc-9325/no-dhe")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(
        "rfc-9325/no-dhe\n\nSHOULD no-dhe\n  No suite of TLS 1.2 with finite-field Diffie-Hellman is negotiated.\n  source: section 4.1\n"
    )
    assert done.out.endswith(f"\n\n{documentation()['suite-discouraged']}\n")
