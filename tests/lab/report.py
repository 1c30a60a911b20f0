"""The conformance report: cells held of cells by build, and which limitation the others show; kept as JSON, shown as a table."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.lab import roots
from tests.lab.judge import TOLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.lab.judge import Result
    from tests.lab.run import Run

PATH: Final = Path(__file__).parent / "conformance.json"
_TITLES: Final = {"out": "sent", "in": "received", "all": "counts, logs and headers"}


def made_from(runs: Iterable[Run]) -> dict[str, Any]:
    """Return the report of runs: by build, the release that was found, `cells` by kind as [held, all], and cells by limitation."""
    by_build: dict[str, list[Result]] = {}
    for run in runs:
        by_build.setdefault(run.build, []).extend(run.results)
    return {name: _build(name, by_build[name]) for name in roots.SERVERS if name in by_build}


def _build(name: str, results: Sequence[Result]) -> dict[str, Any]:
    cells = {kind: [0, 0] for kind in _TITLES}
    for result in results:
        count = cells[_kind(result.cell)]
        count[0] += result.is_kept
        count[1] += 1
    limitations = Counter(identifier for result in results if result.is_limited for identifier in result.limitations)
    return {"release": roots.release(name), "cells": cells, "limitations": dict(sorted(limitations.items()))}


def _kind(cell: str) -> str:
    """Return the kind of a cell: what logs, headers and counts say is apart from what happens to a message."""
    return "all" if cell.endswith(TOLD) else cell.partition("/")[0]


def is_current(made: dict[str, Any]) -> bool:
    """Tell whether the report that is kept says the same; releases may move, as those of Debian 14 do."""
    return _without_releases(made) == _without_releases(kept())


def kept() -> dict[str, Any]:
    """Return the report that is in the repository."""
    report: dict[str, Any] = json.loads(PATH.read_text()) if PATH.exists() else {}
    return report


def keep(made: dict[str, Any]) -> None:
    """Put a report into the repository."""
    PATH.write_text(json.dumps(made, indent=2) + "\n")


def _without_releases(report: dict[str, Any]) -> dict[str, Any]:
    return {name: {key: value for key, value in entry.items() if key != "release"} for name, entry in report.items()}


def table(report: dict[str, Any]) -> str:
    """Return the report in Markdown: a line for each build, and one for each limitation."""
    lines = [f"| build | {' | '.join(_TITLES.values())} | by a limitation |", f"|---|{'---|' * len(_TITLES)}---|"]
    for name, entry in report.items():
        counts = [f"{held} of {cells}" for held, cells in entry["cells"].values()]
        missing = sum(cells - held for held, cells in entry["cells"].values())
        lines.append(f"| {_title(name, entry['release'])} | {' | '.join(counts)} | {missing or ''} |".replace("  |", " |"))
    lines += ["", "| limitation | cells that show it, by build |", "|---|---|"]
    shown: dict[str, list[str]] = {}
    for name, entry in report.items():
        for identifier, count in entry["limitations"].items():
            shown.setdefault(identifier, []).append(f"{name} {count}")
    lines += [f"| `{identifier}` | {', '.join(builds)} |" for identifier, builds in shown.items()]
    return "\n".join(lines) + "\n"


def _title(name: str, release: str) -> str:
    server, _, base = name.partition("-")
    where = "with OpenSSL, from Debian 13's source" if base == "openssl" else base.replace("debian-", "Debian ")
    return f"{server.capitalize()} {release}, {where}"
