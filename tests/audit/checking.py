"""One check, run on profiles of a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.samples import HEAD, SERVER, chain, place
from tlsconf.audit.checks import CHECKS
from tlsconf.resolve import resolve

if TYPE_CHECKING:
    from pathlib import Path

# The first six lines of a profile that renders; what a test adds begins on line 7.
EDGE = f"{HEAD}platform: debian-12\ntargets: [postfix]\n{SERVER}# what is tested\n"


def flaws(folder: Path, check: str, parameters: dict[str, Any], *texts: str, **files: str) -> list[str]:
    """Run a check on texts laid over one another, the lowest first: `FILE:LINE:COLUMN: MESSAGE (REMEDY)`, `note: ` in front of notes."""
    resolved = resolve(str(chain(folder, texts, files)), bases=True)
    module = CHECKS[check]
    found = module.check(resolved, module.Parameters.model_validate(parameters))
    return [
        f"{place(flaw.place, folder)}: {f'{flaw.severity}: ' if flaw.severity else ''}{flaw.message} ({flaw.remedy})".removeprefix(
            "1.yaml:"
        )
        for flaw in found
    ]
