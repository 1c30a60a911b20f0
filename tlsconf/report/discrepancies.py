"""What an inspection found, as text for people and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tlsconf.live.discrepancy import Discrepancy

FORMAT: Final = 1


def discrepancies_text(items: Iterable[Discrepancy]) -> str:
    """Return one block for each: `error ID: PATH:LINE: message`, and what to do."""
    return "".join(map(_block, items))


def discrepancies_json(found: Sequence[tuple[str, str, Sequence[Discrepancy]]]) -> str:
    """Return an object with `format`, the servers `inspected`, and `findings`: the fields of a discrepancy, its target and release."""
    findings = [{"target": target, "release": release, **item._asdict()} for target, release, items in found for item in items]
    inspected = [{"target": target, "release": release} for target, release, _ in found]
    return json.dumps({"format": FORMAT, "inspected": inspected, "findings": findings}, indent=2)


def _block(item: Discrepancy) -> str:
    place = "" if item.path is None else f"{item.path}: " if item.line is None else f"{item.path}:{item.line}: "
    remedy = f"  {item.remedy}\n" if item.remedy else ""
    return f"{item.severity} {item.id}: {place}{item.message}\n{remedy}"
