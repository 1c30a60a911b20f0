"""What TLS mail used, for people, for programs and for spreadsheets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tlsconf.traffic.counts import CLEAR

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tlsconf.traffic.counts import Counts, Key, Row
    from tlsconf.traffic.judge import Breach
    from tlsconf.traffic.reading import Reading

NO_DOMAIN: Final = "(no domain)"
_SHOWN: Final = 40  # domains of each direction; the other formats have all
_WIDEST: Final = 40  # of the column of domains
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_COLUMNS: Final = (
    "direction", "domain", "messages", "tls", "clear", "share", "versions", "ciphers", "proofs", "failures", "deferred", "bounced",
    "refused", "against_rules", "first", "last",
)  # fmt: skip


def traffic_text(counts: Counts, reading: Reading) -> str:
    """Return a table by domain for each direction, and what was not understood."""
    lines = []
    for sent in (True, False):
        rows = [(key, row) for key, row in counts.ordered() if key.sent == sent]
        if rows:
            lines += [_headline(counts.total(sent=sent), sent=sent), *_table(rows), ""]
    if not lines:
        lines += [f"no mail between servers in {number_of(reading.lines, 'line')}", ""]
    lines += [breach_line(breach) for breach in counts.breaches]
    against = sum(row.breaches for row in counts.rows.values())
    if against > len(counts.breaches):
        lines.append(f"… and {against - len(counts.breaches)} more")
    if reading.unknown:
        lines.append(f"{reading.unknown} {'line' if reading.unknown == 1 else 'lines'} about TLS {_was(reading.unknown)} not understood:")
        lines += [f"  {example}" for example in reading.examples]
    return "\n".join(lines).rstrip("\n")


def traffic_json(counts: Counts, reading: Reading) -> str:
    """Return everything that was counted; the keys are stable."""
    import json

    return json.dumps(
        {
            "format": 1,
            "lines": reading.lines,
            "not_understood": {"lines": reading.unknown, "examples": reading.examples},
            "troubles": [*reading.lost, *reading.troubles],
            "rows": [_as_json(key, row) for key, row in counts.ordered()],
            "days": [
                {"day": day.date, "direction": direction_of(sent=day.sent), "versions": ordered(versions)}
                for day, versions in sorted(counts.days.items())
            ],
            "against_rules": [_breach_as_json(breach) for breach in counts.breaches],
        },
        indent=2,
    )


def traffic_csv(counts: Counts) -> str:
    """Return a row for each domain and direction (RFC 4180); no cell is a formula for a spreadsheet."""
    import csv
    from io import StringIO

    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for key, row in counts.ordered():
        item = _as_json(key, row)
        item["domain"] = item["domain"] or ""
        writer.writerow([_cell(item[name]) for name in _COLUMNS])
    return text.getvalue().rstrip("\n")


def _headline(total: Row, *, sent: bool) -> str:
    what = f"{'sent' if sent else 'received'}: {number_of(total.messages, 'message')}"
    if total.messages:
        what += f", {total.tls} with TLS ({percentage(total)}), {total.clear} in clear text"
    failed = sum(total.failures.values())
    return what + (f"; TLS failed {number_of(failed, 'time')}" if failed else "")


def _table(rows: list[tuple[Key, Row]]) -> Iterable[str]:
    cells = [("domain", "messages", "TLS", "versions", "first", "last")]
    cells += [
        (
            name_of(key)[:_WIDEST],
            str(row.messages),
            percentage(row),
            joined(ordered(row.versions)) or "-",
            day_of(row.first),
            day_of(row.last),
        )
        for key, row in rows[:_SHOWN]
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    for number, line in enumerate(cells):
        padded = [
            cell.rjust(width) if column in {1, 2} else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        yield f"  {'  '.join(padded)}".rstrip()
        if number:
            yield from (f"      {detail}" for detail in _details(rows[number - 1][1]))
    if len(rows) > _SHOWN:
        yield f"  … and {number_of(len(rows) - _SHOWN, 'domain')} more (--format csv and json have all)"


def _details(row: Row) -> Iterable[str]:
    if row.ciphers:
        yield f"ciphers: {joined(ordered(row.ciphers))}"
    if row.proofs:
        yield f"certificates: {joined(ordered(row.proofs))}"
    if row.failures:
        yield f"failed: {joined(ordered(row.failures))}"
    others = {name: getattr(row, name) for name in ("deferred", "bounced", "refused") if getattr(row, name)}
    if others:
        yield f"not delivered: {joined(others)}"
    if row.breaches:
        yield f"against a rule: {row.breaches}"


def breach_line(breach: Breach) -> str:
    """Return a sentence of a message that went against a rule."""
    passage = breach.passage
    rule = f"the rule {breach.rule}" if breach.rule else "the default"
    message = f"message {passage.queue_id}" if passage.queue_id else "a message"
    where = f"{'to' if passage.sent else 'from'} {passage.domain or NO_DOMAIN}"
    host = f" ({passage.host or passage.address})" if passage.host or passage.address else ""
    return f"against {rule}: {message} {where}{host} went with {breach.what}, {_time(passage.when)}"


def _breach_as_json(breach: Breach) -> dict[str, Any]:
    passage = breach.passage
    return {
        "rule": breach.rule, "direction": direction_of(sent=passage.sent), "domain": passage.domain, "host": passage.host,
        "address": passage.address, "queue_id": passage.queue_id, "time": _time(passage.when), "used": breach.what,
    }  # fmt: skip


def _as_json(key: Key, row: Row) -> dict[str, Any]:
    failures = ordered({failure.name.lower(): number for failure, number in row.failures.items()})
    return {
        "direction": direction_of(sent=key.sent), "domain": key.domain, "messages": row.messages, "tls": row.tls, "clear": row.clear,
        "share": None if row.share is None else round(row.share, 4), "versions": ordered(row.versions), "ciphers": ordered(row.ciphers),
        "proofs": ordered(row.proofs), "failures": failures, "deferred": row.deferred, "bounced": row.bounced,
        "refused": row.refused, "against_rules": row.breaches, "first": _time(row.first), "last": _time(row.last),
    }  # fmt: skip


def _cell(value: object) -> str:
    text = joined(value) if isinstance(value, dict) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def ordered(counted: Mapping[Any, int]) -> dict[str, int]:
    """Return counts, the most first; clear text last."""
    return {str(name): number for name, number in sorted(counted.items(), key=lambda item: (item[0] == CLEAR, -item[1], str(item[0])))}


def joined(counted: Mapping[str, int]) -> str:
    """Return counts in one line."""
    return ", ".join(f"{name} {number}" for name, number in counted.items())


def name_of(key: Key) -> str:
    """Return what a row is called."""
    return key.domain or NO_DOMAIN


def direction_of(*, sent: bool) -> str:
    """Return the word for a direction."""
    return "sent" if sent else "received"


def percentage(row: Row) -> str:
    """Return a share that says 100 % and 0 % only of all and none."""
    if row.share is None:
        return "-"
    shown = f"{100 * row.share:.1f}"
    shown = "99.9" if shown == "100.0" and row.clear else "0.1" if shown == "0.0" and row.tls else shown
    return f"{shown.removesuffix('.0')} %"


def number_of(number: int, what: str) -> str:
    """Return a number of things, with a plural where there is not one."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def _time(when: float) -> str:
    """Return a time in this machine's zone, with the zone."""
    import time

    here = time.localtime(when)
    zone = time.strftime("%z", here)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', here)}{zone[:3]}:{zone[3:]}"


def day_of(when: float) -> str:
    """Return the day of a time, in this machine's zone."""
    return _time(when)[:10]
