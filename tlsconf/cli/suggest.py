"""What `tlsconf logs --suggest` and `--simulate` answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tlsconf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tlsconf.resolve import Resolved
    from tlsconf.traffic.evidence import Passage
    from tlsconf.traffic.suggestion import Thresholds


class Question(NamedTuple):
    """What was asked: `wanted` is `None` where no rules are to be suggested."""

    resolved: Resolved
    wanted: Thresholds | None
    simulate: bool
    as_json: bool


class Options(NamedTuple):
    """What the command line said: `format_` is the word for it."""

    profile: str | None
    suggest: str | None
    simulate: bool
    messages: int | None
    days: int | None
    format_: str


def question(options: Options) -> Question | None:
    """Return what was asked, or `None` where neither was. Raises `UsageError`, and what reading a profile raises."""
    profile, suggest, simulate, messages, days, format_ = options
    if suggest is None and (messages is not None or days is not None):
        message = "--messages and --days say how much evidence a suggested rule needs: give `--suggest PROFILE`"
        raise UsageError(message)
    if suggest is None and not simulate:
        return None
    if suggest is not None and profile is not None:
        message = "--suggest names the profile: leave --profile out"
        raise UsageError(message)
    name = suggest or profile
    if name is None:
        message = "--simulate wants a profile: give `--profile PROFILE`"
        raise UsageError(message)
    formats = ("text", "json") if suggest is None else ("text",)
    if format_ not in formats:
        what = "--simulate has --format text and json" if suggest is None else "--suggest prints YAML: leave --format out"
        raise UsageError(what)
    from tlsconf.resolve import resolve
    from tlsconf.traffic.suggestion import Thresholds

    usual = Thresholds()
    wanted = Thresholds(messages or usual.messages, days or usual.days) if suggest is not None else None
    return Question(resolve(name, bases=True), wanted, simulate, format_ == "json")


def answer(asked: Question, found: Iterable[Passage]) -> tuple[str, bool]:
    """Return what is printed, and whether a simulation that was asked for stops mail."""
    from tlsconf.report.simulation import simulation_json, simulation_text
    from tlsconf.report.suggestion import suggestions_yaml
    from tlsconf.traffic.ledger import ledger
    from tlsconf.traffic.simulation import simulate
    from tlsconf.traffic.suggestion import suggest, with_rules

    resolved = asked.resolved
    policy = resolved.policies[0]  # the rules are the same for every host
    seen = ledger(policy, found)

    def place(rule: str) -> str:
        said = resolved.said(("outbound", "rules", rule))
        return "" if said is None else f" ({said})"

    if asked.wanted is None:
        simulation = simulate(policy, seen)
        name = resolved.documents[-1].name
        text = simulation_json(simulation, name) if asked.as_json else simulation_text(simulation, name, place)
        return text, bool(simulation.stopped)
    suggestions = suggest(policy, seen, _names(resolved), asked.wanted)
    simulation = simulate(with_rules(policy, suggestions.rules), seen)
    text = suggestions_yaml(policy, suggestions, simulation, asked.wanted, place, in_full=asked.simulate)
    return text, asked.simulate and bool(simulation.stopped)


def _names(resolved: Resolved) -> set[str]:
    """Return the names of all rules in the profile and its bases; a rule of such a name would merge with that, even if it was taken out."""
    return {
        rule["name"]
        for document in resolved.documents
        for side in ("outbound", "inbound")
        for rule in document.data.get(side, {}).get("rules", ())
    }
