"""What counts as extending a base: the very document, not one that calls itself so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.audit.checking import flaws
from tests.samples import HEAD, put
from tlsconf.audit.checks import base_missing
from tlsconf.audit.standards import standard
from tlsconf.errors import ProfileError
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

HOUSE = """\
standard: 1
id: house
edition: '1'
title: House rules
source: a shelf
note: read whole
requirements:
  - {id: base, text: Ours., source: page 1, level: MUST, check: base-missing, parameters: {base: ../base.yaml}}
"""
ORGANISATION = "tlsconf: 1\nname: organisation\nextends: uk-government@2026-11\n"


def missing(folder: Path, base: str, *texts: str) -> list[str]:
    return flaws(folder, "base-missing", {"base": base}, *texts)


@pytest.mark.parametrize("base", ["uk-government", "uk-government@2026-11", "organisation"])
def test_a_base_may_be_anywhere_in_the_chain(tmp_path: Path, base: str) -> None:
    assert missing(tmp_path, base, ORGANISATION, HEAD) == []


def test_a_moving_alias_is_its_edition_too(tmp_path: Path) -> None:
    assert missing(tmp_path, "uk-government@2026-11", f"{HEAD}extends: uk-government\n") == []


def test_a_profile_that_dropped_its_base_is_found(tmp_path: Path) -> None:
    assert missing(tmp_path, "uk-government", HEAD) == [
        "2:1: the profile does not extend `uk-government` (`extends: uk-government`, or a profile that does)"
    ]


def test_another_base_does_not_count(tmp_path: Path) -> None:
    assert missing(tmp_path, "uk-government", f"{HEAD}extends: tlsref-modern\n") == [
        "3:10: the profile does not extend `uk-government` (`extends: uk-government`, or a profile that does)"
    ]


def test_a_file_that_calls_itself_like_a_shipped_profile_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # so that its name is spelt as that of the shipped one
    put(tmp_path, {"tlsconf:uk-government@2026-11": "tlsconf: 1\nname: uk-government\n"})
    assert len(missing(tmp_path, "uk-government", f"{HEAD}extends: ./tlsconf:uk-government@2026-11\n")) == 1


def test_a_path_means_that_file(tmp_path: Path) -> None:
    base = put(tmp_path, {"base.yaml": ORGANISATION})
    put(tmp_path, {"other/base.yaml": ORGANISATION})
    profile = f"{HEAD}extends: ./base.yaml\n"
    assert missing(tmp_path, str(base), profile) == []
    assert missing(tmp_path, str(tmp_path / "other" / ".." / "base.yaml"), profile) == []
    assert len(missing(tmp_path, str(tmp_path / "other" / "base.yaml"), profile)) == 1


def test_a_path_in_a_standard_is_relative_to_the_standard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house = put(tmp_path, {"rules/house.yaml": HOUSE, "base.yaml": ORGANISATION})
    profile = resolve(str(put(tmp_path, {"1.yaml": f"{HEAD}extends: ./base.yaml\n"})), bases=True)
    other = resolve(str(put(tmp_path, {"2.yaml": HEAD})), bases=True)
    monkeypatch.chdir("/")
    (requirement,) = standard(str(house)).requirements
    assert list(base_missing.check(profile, requirement.parameters)) == []  # type: ignore[arg-type]
    assert len(list(base_missing.check(other, requirement.parameters))) == 1  # type: ignore[arg-type]


def test_a_nul_is_no_part_of_a_path(tmp_path: Path) -> None:
    house = put(tmp_path, {"house.yaml": HOUSE.replace("../base.yaml", '"./a\\0b"')})
    with pytest.raises(ProfileError) as error:
        standard(str(house))
    assert [finding.expected for finding in error.value.findings] == ["a name or a path"]


def test_the_base_itself_is_right_as_long_as_nothing_is_rendered_from_it(tmp_path: Path) -> None:
    assert missing(tmp_path, "organisation", ORGANISATION) == []
    assert len(missing(tmp_path, "organisation", f"{ORGANISATION}platform: debian-12\ntargets: [postfix]\ninbound: {{tls: none}}\n")) == 1
