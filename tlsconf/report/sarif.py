"""A report as SARIF 2.1.0, which code-scanning tools read (OASIS, Static Analysis Results Interchange Format)."""

from __future__ import annotations

import json
import os
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from tlsconf import __version__
from tlsconf.report.places import checkout, path_in, place_text, spot
from tlsconf.report.text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tlsconf.diagnostics import Span
    from tlsconf.report.notice import Notice, Report

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MOST_RESULTS: Final = 25_000  # GitHub refuses a run with more
_MOST_RELATED: Final = 100  # GitHub keeps no more locations of a result


def report_sarif(report: Report) -> str:
    """Return a log of one run: a rule for each id, a result for each notice, the worst first.

    Paths are relative to the top of the checkout. A place that is no file of it is a related location, and the result stands at the
    profile. Fingerprints are made of the id, the message and the first profile, so that they stay when lines move. More results than
    GitHub takes are left out, and `toolExecutionNotifications` says how many.
    """
    top = checkout()
    ids = sorted({*report.meanings, *(notice.id for notice in report.notices)})
    shown = report.notices[:_MOST_RESULTS]
    invocation: dict[str, Any] = {"executionSuccessful": report.complete}
    if len(shown) < len(report.notices):
        text = f"{len(report.notices) - len(shown)} more results, none of them worse, are left out"
        invocation["toolExecutionNotifications"] = [{"level": "warning", "message": {"text": text}}]
    seen: Counter[str] = Counter()
    run = {
        "tool": {"driver": {"name": "tlsconf", "version": __version__, "rules": [_rule(id_, report.meanings.get(id_)) for id_ in ids]}},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "results": [_result(notice, ids.index(notice.id), top, seen) for notice in shown],
        "properties": {"title": printable(report.title), "summary": printable(report.summary)},
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _rule(id_: str, meaning: str | None) -> dict[str, Any]:
    sentence = _message(meaning or id_)
    more = {"text": f"{sentence}\n`tlsconf checks {_message(id_)}` says more."}
    return {"id": printable(id_), "shortDescription": {"text": sentence}, "fullDescription": {"text": sentence}, "help": more}


def _result(notice: Notice, index: int, top: Path, seen: Counter[str]) -> dict[str, Any]:
    fingerprint = _fingerprint(notice)
    seen[fingerprint] += 1
    at = spot(notice, top)
    elsewhere = notice.place if at is None or at.span is None else None
    if at is not None:
        locations = [_location(at.path, at.span)]
    else:  # GitHub takes no result without a location
        locations = [
            _location(name, None) for name in [*notice.profiles, *(span.file for span in (notice.place, notice.before) if span)][:1]
        ]
    related = [
        {"id": number, "message": {"text": _message(text)}, **_location(name, span)}
        for number, (text, name, span) in enumerate(islice(_related(notice, elsewhere, top), _MOST_RELATED), 1)
    ]
    lines = [notice.message, *notice.details]
    if elsewhere is not None:
        lines.insert(1, place_text(elsewhere))
    return {
        "ruleId": printable(notice.id),
        "ruleIndex": index,
        "level": notice.level,
        "message": {"text": "\n".join(map(_message, lines))},
        "locations": locations,
        **({"relatedLocations": related} if related else {}),
        "partialFingerprints": {"tlsconf/v1": f"{fingerprint}:{seen[fingerprint]}"},
        "properties": {"label": printable(notice.label)},
    }


def _related(notice: Notice, elsewhere: Span | None, top: Path) -> Iterator[tuple[str, str, Span | None]]:
    """Yield what else a result is about: a sentence, the path, and where in it."""
    if elsewhere is not None:
        yield f"decided at {place_text(elsewhere)}", elsewhere.file, elsewhere
    if notice.before is not None:
        yield f"before: {place_text(notice.before)}", path_in(top, notice.before.file) or notice.before.file, notice.before
    for profile in notice.profiles[1:]:
        yield f"also for {profile}", path_in(top, profile) or profile, None


def _location(path: str, span: Span | None) -> dict[str, Any]:
    from urllib.parse import quote

    # A colon is encoded too, so that neither `main:a.yaml` nor `tlsconf:name` is a URI with a scheme, which GitHub refuses.
    physical: dict[str, Any] = {"artifactLocation": {"uri": quote(os.fsencode(path), safe="/")}, "region": {"startLine": 1}}
    if span is not None:
        end = span.column + max(1, span.length)
        physical["region"] = {"startLine": span.line, "startColumn": span.column, "endColumn": end}
    return {"physicalLocation": physical}


def _message(text: str) -> str:
    """Return text as a plain message has it: braces doubled (section 3.11.5), and no `[text](target)` that would be a link (3.11.6)."""
    return printable(text).replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _fingerprint(notice: Notice) -> str:
    from hashlib import sha256

    told = "\0".join((notice.id, notice.message, *notice.profiles[:1]))
    return sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:32]
