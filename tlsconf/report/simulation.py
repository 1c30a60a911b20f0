"""What a profile would have done with mail that has passed, as text for people and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tlsconf.report.text import printable, unicode_only
from tlsconf.traffic.simulation import outcome_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from tlsconf.traffic.ledger import Sums
    from tlsconf.traffic.simulation import Effect, Simulation

NO_DOMAIN: Final = "(no domain)"
_SHOWN: Final = 40  # effects of each kind; JSON has all
_UNCERTAIN: Final = "whether a certificate proves the name, what a TLSA record says, or what else a host can do is in no log"


def simulation_text(simulation: Simulation, name: str, place: Callable[[str], str]) -> str:
    """Return what would have become of the messages: totals, then what would not have passed, what is not known, what would lose TLS.

    `name` is the profile's, `place` where it has an outbound rule.
    """
    return "\n".join(simulation_lines(simulation, name, place))


def simulation_lines(simulation: Simulation, name: str, place: Callable[[str], str]) -> Iterator[str]:
    """Yield the text, line by line, each without anything that ends a line."""
    yield printable(f"{name} and the mail of the logs, {_period(simulation.period())}:")
    yield from total_lines(simulation)
    groups: Sequence[tuple[str, Iterable[Effect]]] = (
        ("would not have passed, or did not:", simulation.stopped),
        (f"not known ({_UNCERTAIN}):", (effect for effect in simulation.effects if not effect.is_known)),
        ("would have lost TLS:", (effect for effect in simulation.effects if effect.loses_tls)),
    )
    for title, effects in groups:
        shown = list(effects)
        if shown:
            yield title
            yield from (f"  {effect_line(effect, place)}" for effect in shown[:_SHOWN])
        if len(shown) > _SHOWN:
            yield f"  … and {len(shown) - _SHOWN} more (--simulate --format json has all)"


def total_lines(simulation: Simulation) -> Iterator[str]:
    """Yield what would have become of all messages, and what was not looked at."""
    for sent in (True, False):
        total = simulation.total(sent=sent)
        if total:
            counted = ", ".join(f"{number} {outcome}" for outcome, number in total.items())
            yield f"{'sent' if sent else 'received'}: {number_of(sum(total.values()), 'message')}: {counted}"
    if simulation.beyond:
        yield f"not looked at: {number_of(simulation.beyond, 'message')} of domains beyond the most that are counted"
    if simulation.handshakes:
        yield f"not looked at: {number_of(simulation.handshakes, 'handshake')} of clients that failed before there was a message"


def effect_line(effect: Effect, place: Callable[[str], str]) -> str:
    """Return an effect with its evidence."""
    outcome = outcome_name(effect.outcomes)
    where = f"{'to' if effect.sent else 'from'} {effect.domain or NO_DOMAIN}"
    rule = "the default" if effect.rule is None else f"the rule {effect.rule}{place(effect.rule) if effect.sent else ''}"
    return printable(f"{outcome}: {where}, by {rule}: {evidence_text(effect.sums, effect.used)}")


def evidence_text(sums: Sums, used: dict[str, int]) -> str:
    """Return how much was seen, when, of what, and of which hosts."""
    hosts = f"; hosts: {', '.join(sums.hosts)}" if sums.hosts else ""
    what = ", ".join(f"{name} {number}" for name, number in sorted(used.items(), key=lambda item: (-item[1], item[0])))
    on = number_of(sums.days.bit_count(), "day")
    return f"{number_of(sums.messages, 'message')} on {on}, {_period(sums)}; {what}{hosts}"


def simulation_json(simulation: Simulation, name: str) -> str:
    """Return everything, with stable keys: each effect has `outcomes`, of which there are several where the log can't tell."""
    import json

    period = simulation.period()
    return json.dumps(
        {
            "format": 1,
            "profile": unicode_only(name),
            "first": _time(period.first),
            "last": _time(period.last),
            "sent": simulation.total(sent=True),
            "received": simulation.total(sent=False),
            "not_looked_at": {"messages": simulation.beyond, "handshakes": simulation.handshakes},
            "effects": [_as_json(effect) for effect in simulation.effects],
        },
        indent=2,
    )


def number_of(number: int, what: str) -> str:
    """Return a number with its noun.

    >>> number_of(1, "day"), number_of(2, "day")
    ('1 day', '2 days')
    """
    return f"{number} {what}{'' if number == 1 else 's'}"


def _as_json(effect: Effect) -> dict[str, Any]:
    sums = effect.sums
    return {
        "direction": "sent" if effect.sent else "received", "rule": effect.rule,
        "domain": None if effect.domain is None else unicode_only(effect.domain),
        "outcomes": outcome_name(effect.outcomes).split(" or "), "stopped": effect.is_stopped, "known": effect.is_known,
        "messages": sums.messages, "days": sums.days.bit_count(), "first": _time(sums.first), "last": _time(sums.last),
        "used": effect.used, "hosts": [unicode_only(host) for host in sums.hosts],
    }  # fmt: skip


def _period(sums: Sums) -> str:
    if not sums.messages:
        return "no message"
    first, last = _day(sums.first), _day(sums.last)
    return first if first == last else f"{first} to {last}"


def _day(when: float) -> str:
    return (_time(when) or "")[:10]


def _time(when: float) -> str | None:
    """Return a time in this machine's zone, with the zone; `None` where nothing was seen."""
    from datetime import UTC, datetime

    if when in {float("inf"), float("-inf")}:
        return None
    return datetime.fromtimestamp(when, UTC).astimezone().isoformat(timespec="seconds")
