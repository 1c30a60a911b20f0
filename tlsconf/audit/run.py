"""One audit: every requirement, every check that always runs, and what each failure is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tlsconf.audit.checks import CHECKS, LINT, base_missing, documentation, exception_expired
from tlsconf.audit.parameters import NoParameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from tlsconf.audit.flaw import Flaw, Severity
    from tlsconf.audit.standards import Requirement, Standard
    from tlsconf.resolve import Resolved


class Found(NamedTuple):
    """A flaw with what it is worth, the check that found it and, where a standard asked, the standard and its requirement."""

    severity: Severity
    flaw: Flaw
    check: str
    standard: Standard | None = None
    requirement: Requirement | None = None

    @property
    def id(self) -> str:
        """The stable id: `STANDARD/REQUIREMENT`, or that of the check."""
        return self.check if self.standard is None or self.requirement is None else f"{self.standard.id}/{self.requirement.id}"

    @property
    def meaning(self) -> str:
        """What is asked, in one sentence: of the standard's requirement, or the headline of the check."""
        return documentation()[self.check].partition("\n")[0] if self.requirement is None else self.requirement.text

    @property
    def source(self) -> str:
        """The standard and its section, or what the check's documentation names."""
        if self.standard is None or self.requirement is None:
            return " ".join(documentation()[self.check].rpartition("Source: ")[2].split())
        return f"{self.standard.id} {self.standard.edition}, {self.requirement.source}"


def audit(resolved: Resolved, standards: Sequence[Standard], bases: Sequence[str], on: date) -> Iterator[Found]:
    """Yield everything that is wrong with a profile, or worth a look.

    `bases` are what it has to extend; `on` is the day on which exceptions are judged.
    """
    for standard in standards:
        for requirement in standard.requirements:
            for flaw in CHECKS[requirement.check].check(resolved, requirement.parameters):
                yield Found(flaw.severity or _worth(requirement), flaw, requirement.check, standard, requirement)
    for base in bases:
        for flaw in base_missing.check(resolved, base_missing.Parameters(base=base)):
            yield Found("error", flaw, "base-missing")
    for flaw in exception_expired.check(resolved, on):
        yield Found("error", flaw, "exception-expired")
    asked = {requirement.check for standard in standards for requirement in standard.requirements}
    for name, check in LINT.items():
        if name not in asked:  # else the standard has said it already
            for flaw in check.check(resolved, NoParameters()):
                yield Found(flaw.severity or "warning", flaw, name)


def _worth(requirement: Requirement) -> Severity:
    return "error" if requirement.level == "MUST" else "warning"
