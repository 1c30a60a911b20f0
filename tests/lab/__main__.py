"""`make lab`: every scenario on every build, a table of the cells, and an exit code that says whether all is as it must be."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, Final, NamedTuple

from tests.lab import certificates, mutations, report, roots
from tests.lab.run import Run, run
from tests.lab.scenarios import all_scenarios

if TYPE_CHECKING:
    from collections.abc import Sequence

_JOBS: Final = 2 * (os.cpu_count() or 1) + 1  # servers wait more than they work
_SCENARIOS: Final = {scenario.name: scenario for scenario in all_scenarios()}
_TRIES: Final = 2


class _Job(NamedTuple):
    """A scenario on a build; Exim's split configuration, or its single file."""

    build: str
    scenario: str
    split: bool = False

    def __str__(self) -> str:
        return f"{self.build} {self.scenario}{' (split)' if self.split else ''}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the lab. Returns 0 where every cell holds, or is as a limitation says, and the report that is kept says so."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("builds", nargs="*", metavar="BUILD", help=f"default: all of {', '.join(roots.SERVERS)}")
    parser.add_argument("-s", "--scenario", action="append", choices=list(_SCENARIOS), help="only this one; may be repeated")
    parser.add_argument("-j", "--jobs", type=int, default=_JOBS, help="how many servers run at a time (default: %(default)s)")
    parser.add_argument("--update", action="store_true", help="keep the report, for the README")
    parser.add_argument("--no-mutations", action="store_true", help="leave out the errors that are made on purpose")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.builds) - set(roots.SERVERS))
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    failures = roots.build([*(options.builds or roots.SERVERS), "python-debian-13"])
    if failures:
        for name, reason in failures.items():
            _say(f"{name}: not built: {reason}")
        return 1
    certificates.made()  # before the processes are made: all of them share one authority
    whole = not options.builds and not options.scenario
    began = time.monotonic()
    with ProcessPoolExecutor(options.jobs) as pool:
        runs, wrong = _run_all(pool, list(_jobs(options.builds or roots.SERVERS, options.scenario or list(_SCENARIOS))))
        if not options.no_mutations and whole:
            wrong += _mutate(pool)
    made = report.made_from(runs)
    print(report.table(made), end="")
    _say(f"{sum(len(run.results) for run in runs)} cells on {len(made)} builds in {time.monotonic() - began:.0f} s")
    if whole and options.update:
        report.keep(made)
    elif whole and not report.is_current(made):
        wrong.append("the report that is kept says something else: `python -m tests.lab --update`, then `python -m tests.readme`")
    for line in wrong:
        _say(line)
    return 1 if wrong else 0


def _jobs(builds: Sequence[str], names: Sequence[str]) -> list[_Job]:
    """Return what is to be run, the longest first; Exim's biggest scenario runs with both forms of its configuration."""
    jobs = [_Job(build, name) for name in names for build in builds]
    both = [job._replace(split=True) for job in jobs if job.build.startswith("exim") and job.scenario == "rules"]
    return both + [job._replace(split=job.build.startswith("exim") and not _SCENARIOS[job.scenario].inbound) for job in jobs]


def _run_all(pool: ProcessPoolExecutor, jobs: list[_Job]) -> tuple[list[Run], list[str]]:
    runs, wrong = [], []
    for done in as_completed([pool.submit(_run, job) for job in jobs]):
        job, outcome = done.result()
        if isinstance(outcome, str):
            wrong.append(f"{job}: {outcome}")
            _say(f"{job}: FAILED")
            continue
        runs.append(outcome)
        for note in outcome.plan.notes:
            if note.startswith("warning: ") and "newer" in note:  # testing has moved on
                _say(f"{job}: {note}")
        broken = [result for result in outcome.results if result.is_broken]
        limited = sum(result.is_limited for result in outcome.results)
        _say(
            f"{job}: {sum(r.is_kept for r in outcome.results)} of {len(outcome.results)}, {limited} by limitation, {outcome.seconds:.0f} s"
        )
        wrong += [f"{job}: {r.cell}: {' or '.join(dict.fromkeys((r.law, r.expected or r.law)))}, seen {r.seen}: {r.detail}" for r in broken]
    return runs, wrong


def _run(job: _Job) -> tuple[_Job, Run | str]:
    """Run a job. Only where the lab itself fails, a second time: a cell that is broken once is broken."""
    outcome: Run | str = ""
    for _ in range(_TRIES):
        try:
            return job, run(job.build, _SCENARIOS[job.scenario], split=job.split)
        except Exception as error:  # noqa: BLE001  (one that fails must not end the others)
            outcome = f"{type(error).__name__}: {error}"
    return job, outcome


def _mutate(pool: ProcessPoolExecutor) -> list[str]:
    """Make errors on purpose; return those that nothing has found."""
    wrong = []
    for done in as_completed([pool.submit(mutations.check, mutation) for mutation in mutations.MUTATIONS]):
        mutation, found = done.result()
        _say(f"{mutation.build}: {mutation.name}: " + (f"found by {', '.join(found)}" if found else "NOT FOUND"))
        if not found:
            wrong.append(f"{mutation.build}: the error made on purpose, {mutation.name}, was not found by {', '.join(mutation.cells)}")
    return wrong


def _say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
