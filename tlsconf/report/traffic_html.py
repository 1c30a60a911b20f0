"""What TLS mail used, as one page for a browser: pictures over time, and a table that sorts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tlsconf.report.text import printable
from tlsconf.report.traffic import breach_line, day_of, direction_of, joined, name_of, number_of, ordered, percentage
from tlsconf.traffic.counts import CLEAR, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from tlsconf.traffic.counts import Counts, Key, Row
    from tlsconf.traffic.reading import Reading

# Each kind has its own lightness, and those that should not be have a pattern as well: colour alone says nothing.
_STYLES: Final = {CLEAR: "clear", "TLSv1.0": "old", "TLSv1.1": "v11", "TLSv1.2": "v12", "TLSv1.3": "v13", UNKNOWN: "unknown"}
_MOST_BARS: Final = 70
_MOST_ROWS: Final = 5_000  # a browser takes a minute and more for ten times as many
_LEAST: Final = 2.0  # pixels of height: a few messages among many stay in sight
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 900.0, 280.0, 56.0, 892.0, 24.0, 252.0
_COLUMNS: Final = (  # head, class of the cells, whether sorting begins with the greatest
    ("Domain", "name", False), ("Direction", "", False), ("Messages", "number", True), ("TLS %", "number", True),
    ("Clear text", "number", True), ("Versions", "list", False), ("Ciphers", "list", False), ("Certificates", "list", False),
    ("TLS failures", "list", True), ("Not delivered", "number", True), ("Against rules", "number", True), ("First", "day", True),
    ("Last", "day", True),
)  # fmt: skip


class _Cell(NamedTuple):
    text: str
    kind: str
    key: str = ""  # to sort by, where it is not the text


class _Bucket(NamedTuple):
    begin: str
    versions: Mapping[str, int]


def traffic_html(counts: Counts, reading: Reading) -> str:
    """Return a page that needs nothing else and runs nothing but its own script, whatever the logs say (CSP Level 3)."""
    from base64 import b64encode
    from hashlib import sha256

    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    from tlsconf import resources

    def own(name: str) -> tuple[Markup, str]:
        text = (resources.TEMPLATES / "report" / name).read_text(encoding="utf-8")
        return Markup(text), f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"  # noqa: S704  (a file of ours)

    (style, style_hash), (script, script_hash) = own("logs.css"), own("logs.js")
    rows = counts.ordered()
    sides = [sent for sent in (True, False) if any(key.sent == sent for key, _ in rows)]
    template = Environment(
        loader=FileSystemLoader(resources.TEMPLATES), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=True
    ).get_template("report/logs.html.j2")
    return template.render(
        security=f"default-src 'none'; style-src {style_hash}; script-src {script_hash}; base-uri 'none'; form-action 'none'",
        style=style,
        script=script,
        period=_period([row for _, row in rows]),
        lines=number_of(reading.lines, "line"),
        troubles=[printable(sentence) for sentence in (*reading.lost, *reading.troubles)],
        sides=[_side(counts.total(sent=sent), sent=sent) for sent in sides],
        pictures=[picture for sent in sides if (picture := _picture(counts, sent=sent)) is not None],
        breaches=_breaches(counts),
        failures=[
            {"direction": direction_of(sent=sent), "what": what, "number": number}
            for sent in sides
            for what, number in ordered(counts.total(sent=sent).failures).items()
        ],
        unknown=f"{number_of(reading.unknown, 'line')} about TLS, such as:" if reading.unknown else "",
        examples=[printable(example) for example in reading.examples],
        columns=[{"text": text, "kind": kind, "falling": falling} for text, kind, falling in _COLUMNS],
        rows=[{"cells": _cells(key, row)} for key, row in rows[:_MOST_ROWS]],
        more=f"{number_of(len(rows) - _MOST_ROWS, 'more row')}: --format csv and json have all." if len(rows) > _MOST_ROWS else "",
    )


def _period(rows: Sequence[Row]) -> str:
    if not rows:
        return "no mail between servers"
    first, last = day_of(min(row.first for row in rows)), day_of(max(row.last for row in rows))
    return first if first == last else f"{first} to {last}"


def _side(total: Row, *, sent: bool) -> dict[str, Any]:
    facts = [{"text": f"{number_of(total.clear, 'message')} in clear text", "bad": bool(total.clear)}]
    facts += [
        {"text": f"{number} {name if name != UNKNOWN else 'of an unknown version'}", "bad": False}
        for name, number in ordered(total.versions).items()
        if name != CLEAR
    ]
    facts += [{"text": f"certificate {name}: {number}", "bad": False} for name, number in ordered(total.proofs).items()]
    others = {name: getattr(total, name) for name in ("deferred", "bounced", "refused") if getattr(total, name)}
    facts += [{"text": f"not delivered: {joined(others)}", "bad": False}] if others else []
    facts += [{"text": f"against a rule: {total.breaches}", "bad": True}] if total.breaches else []
    return {
        "headline": direction_of(sent=sent).capitalize(),
        "percentage": percentage(total),
        "messages": number_of(total.messages, "message"),
        "facts": facts,
    }


def _breaches(counts: Counts) -> list[str]:
    sentences = [printable(breach_line(breach)) for breach in counts.breaches]
    more = sum(row.breaches for row in counts.rows.values()) - len(sentences)
    return [*sentences, f"… and {more} more"] if more > 0 else sentences


def _cells(key: Key, row: Row) -> list[_Cell]:
    failed = sum(row.failures.values())
    values = (
        (name_of(key), ""), (direction_of(sent=key.sent), ""), (row.messages, ""),
        (percentage(row), -1 if row.share is None else row.share), (row.clear, ""), (joined(ordered(row.versions)), ""),
        (joined(ordered(row.ciphers)), ""), (joined(ordered(row.proofs)), ""), (joined(ordered(row.failures)), f"{failed:012}"),
        (row.deferred + row.bounced + row.refused, ""), (row.breaches, ""), (day_of(row.first), f"{row.first:015.0f}"),
        (day_of(row.last), f"{row.last:015.0f}"),
    )  # fmt: skip
    cells = [_Cell(printable(str(text)), kind, str(sort)) for (text, sort), (_, kind, _) in zip(values, _COLUMNS, strict=True)]
    return [cell._replace(text=cell.text.replace(", ", "\n")) if cell.kind == "list" else cell for cell in cells]


def _picture(counts: Counts, *, sent: bool) -> dict[str, Any] | None:
    """Return bars over time, clear text at the foot where bars compare best; `None` where no message was delivered."""
    days = {day.date: versions for day, versions in counts.days.items() if day.sent == sent and _is_date(day.date)}
    if not days:
        return None
    unit, buckets, left_out = _buckets(days)
    total = sum((Counter(bucket.versions) for bucket in buckets), Counter[str]())
    kinds = [name for name in _STYLES if total[name]]
    step = _step(max(sum(bucket.versions.values()) for bucket in buckets))
    top = step * -(-max(sum(bucket.versions.values()) for bucket in buckets) // step)
    pitch = (_RIGHT - _LEFT) / len(buckets)
    bars = []
    for number, bucket in enumerate(buckets):
        foot = _BOTTOM
        for name in kinds:
            amount = bucket.versions.get(name, 0)
            if amount:
                height = max(_LEAST, (_BOTTOM - _TOP) * amount / top)
                foot -= height
                words = f"{bucket.begin}: {name}, {number_of(amount, 'message')}"
                bars.append(_bar(_LEFT + pitch * (number + 0.1), foot, 0.8 * pitch, height) | {"style": _STYLES[name], "words": words})
    span = f"{buckets[0].begin} to {buckets[-1].begin}" if len(buckets) > 1 else buckets[0].begin
    shares = ", ".join(f"{name} {total[name]} ({100 * total[name] / total.total():.1f} %)" for name in reversed(kinds))
    every = -(-len(buckets) // 9)
    return {
        "name": f"picture-{direction_of(sent=sent)}",
        "headline": f"Messages {direction_of(sent=sent)} by {unit} and TLS version",
        "width": f"{_WIDTH:.0f}",
        "height": f"{_HEIGHT:.0f}",
        "right": f"{_RIGHT:.0f}",
        "words": f"Stacked bars, one for each {unit}, {span}. In all: {shares}.",
        "caption": f"{span}. In all: {shares}. Even one message is drawn {_LEAST:.0f} pixels high.{left_out}",
        "legend": [{"name": name, "style": _STYLES[name]} for name in kinds],
        "levels": [
            {"x": f"{_LEFT:.0f}", "y": f"{_BOTTOM - (_BOTTOM - _TOP) * level / top:.1f}", "text": f"{level:,}"}
            for level in range(0, top + 1, step)
        ],
        "times": [
            {"x": f"{_LEFT + pitch * (number + 0.5):.1f}", "y": f"{_BOTTOM + 18:.0f}", "text": bucket.begin}
            for number, bucket in enumerate(buckets)
            if number % every == 0
        ],
        "bars": bars,
        "unit": unit.capitalize(),
        "table": [{"begin": bucket.begin, "numbers": [bucket.versions.get(name, 0) for name in kinds]} for bucket in buckets],
    }


def _bar(x: float, y: float, width: float, height: float) -> dict[str, str]:
    return {"x": f"{x:.1f}", "y": f"{y:.1f}", "width": f"{width:.1f}", "height": f"{height:.1f}"}


def _step(most: int) -> int:
    """Return the distance of the lines behind the bars: 1, 2 or 5 times a power of ten, for three to six lines."""
    step = 1
    while step * 5 < most:
        step = step * 2 if str(step)[0] != "2" else step // 2 * 5
    return step


def _buckets(days: Mapping[str, Mapping[str, int]]) -> tuple[str, list[_Bucket], str]:
    """Return the unit of time, what was counted in each from the first to the last without a gap, and what is left out."""
    from datetime import date

    dates = {date.fromisoformat(day): versions for day, versions in days.items()}
    for unit in ("day", "week", "month", "year"):
        found: dict[date, Counter[str]] = {}
        for day, versions in sorted(dates.items()):
            found.setdefault(_begin(day, unit), Counter()).update(versions)
        begins = _all(min(found), max(found), unit)
        if len(begins) <= _MOST_BARS:
            break
    left_out = len(begins) - _MOST_BARS
    shown = [_Bucket(begin.isoformat()[: {"month": 7, "year": 4}.get(unit, 10)], found.get(begin, {})) for begin in begins[-_MOST_BARS:]]
    return unit, shown, f" The {left_out} years before are left out." if left_out > 0 else ""


def _is_date(day: str) -> bool:
    """Tell whether a day is one: a log can name the year 11476."""
    from datetime import date

    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _begin(day: date, unit: str) -> date:
    from datetime import timedelta

    match unit:
        case "day":
            return day
        case "week":  # begins on Monday (ISO 8601)
            return day - timedelta(day.weekday())
        case "month":
            return day.replace(day=1)
    return day.replace(month=1, day=1)


def _all(first: date, last: date, unit: str) -> list[date]:
    from datetime import date

    match unit:
        case "day" | "week":
            return [date.fromordinal(number) for number in range(first.toordinal(), last.toordinal() + 1, 1 if unit == "day" else 7)]
        case "month":
            months = range(12 * first.year + first.month - 1, 12 * last.year + last.month)
            return [date(number // 12, number % 12 + 1, 1) for number in months]
    return [date(year, 1, 1) for year in range(first.year, last.year + 1)]
