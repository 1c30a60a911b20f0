"""Pairs of profiles, and the findings that each must give: all of them, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.diff.table import Situation, inbound, outbound, sessions, whole
from tests.samples import HEAD, put
from tlsconf.diff import compare
from tlsconf.pipeline import prepare

if TYPE_CHECKING:
    from pathlib import Path

    from tlsconf.diff.change import Change
    from tlsconf.prepared import Prepared

SITUATIONS = (*outbound.SITUATIONS, *sessions.SITUATIONS, *inbound.SITUATIONS, *whole.SITUATIONS)


def prepared(folder: Path, text: str, files: dict[str, str]) -> Prepared:
    whole_text = text if text.startswith("tlsconf:") else f"{HEAD}{text}\n"
    return prepare(str(put(folder, {"profile.yaml": whole_text, **files})), bases=True)


def changes(folder: Path, old: str, new: str, files: dict[str, str] | None = None) -> list[Change]:
    return compare(*(prepared(folder / name, text, files or {}) for name, text in (("old", old), ("new", new))))


def shown(change: Change) -> str:
    return f"{change.kind}{' (incomparable)' if change.incomparable else ''} {change.id}: {change.subject}"


def test_there_are_more_than_sixty() -> None:
    names = [situation.name for situation in SITUATIONS]
    assert len(set(names)) == len(names) > 60


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: situation.name)
@pytest.mark.parametrize("direction", ["there", "back"])
def test_findings(direction: str, situation: Situation, tmp_path: Path) -> None:
    old, new, expected = situation.one, situation.other, situation.there
    if direction == "back":
        old, new, expected = new, old, situation.back
    assert sorted(map(shown, changes(tmp_path, old, new, situation.files))) == sorted(expected)
