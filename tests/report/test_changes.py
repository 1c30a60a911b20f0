"""What changed, as people and programs read it."""

from __future__ import annotations

import json

from tlsconf.diagnostics import Span
from tlsconf.diff.change import Change, Effect, Kind
from tlsconf.report.changes import Compared, changes_json, changes_report
from tlsconf.report.notice import Notice

OLD, NEW = Span("HEAD:base.yaml", 3, 5, 4, "tls: required"), Span("base.yaml", 4, 5, 4, "tls: none")
EFFECTS = (
    Effect("offers no STARTTLS", "held", "clear"),
    Effect("expired certificate", "held", "TLS"),
    Effect("self-signed certificate", "held", "clear"),
)
WEAKER = Change("outbound-tls-lowered", Kind.WEAKER, "mail to a.example", "TLS: required → none", OLD, NEW, rules=("a",), effects=EFFECTS)


def change(kind: Kind = Kind.NEUTRAL, line: int = 1, *, incomparable: bool = False) -> Change:
    return Change("profile-renamed", kind, "the whole profile", "renamed", None, Span("p.yaml", line, 1, 1), incomparable)


def test_a_change_of_several_profiles_is_one_notice() -> None:
    report = changes_report([Compared("a", [WEAKER]), Compared("b", [WEAKER, WEAKER]), Compared("c", [])], 0)
    message = "mail to a.example: TLS: required → none"
    details = ("held → clear: offers no STARTTLS; self-signed certificate", "held → TLS: expired certificate")
    assert report.notices == (Notice(WEAKER.id, "weaker", "error", message, NEW, OLD, ("a", "b"), details),)
    assert report.summary == "3 profiles compared: 1 weaker"
    assert list(report.meanings) == [WEAKER.id]
    assert report.complete


def test_the_worst_is_first_then_what_is_certain_then_what_touches_most() -> None:
    common, other = change(Kind.WEAKER, 9), change(Kind.WEAKER, 2)
    unsure, earlier = change(Kind.WEAKER, 1, incomparable=True), change(Kind.WEAKER, 3)
    kinds = [change(kind) for kind in reversed(Kind) if kind is not Kind.WEAKER]
    report = changes_report([Compared("a", [*kinds, unsure, earlier, other, common]), Compared("b", [common])], 0)
    assert [(notice.label, notice.level, notice.place and notice.place.line) for notice in report.notices] == [
        ("weaker", "error", 9),
        ("weaker", "error", 2),
        ("weaker", "error", 3),
        ("weaker, incomparable", "error", 1),
        ("plaintext-risk", "error", 1),
        ("delivery-risk", "warning", 1),
        ("stronger", "note", 1),
        ("neutral", "note", 1),
    ]
    assert report.summary == "2 profiles compared: 4 weaker, 1 plaintext-risk, 1 delivery-risk, 1 stronger, 1 neutral"


def test_the_summary_never_calls_clean_what_was_not_compared() -> None:
    reports = [changes_report(compared, failed) for compared, failed in (([Compared("a", [])], 0), ([Compared("a", [])], 2), ([], 1))]
    assert [(report.summary, report.complete) for report in reports] == [
        ("1 profile compared: no change", True),
        ("1 profile compared: no change; 2 could not be compared", False),
        ("0 profiles compared; 1 could not be compared", False),
    ]


def test_json_has_every_field_for_every_profile() -> None:
    gone = change()._replace(old=OLD, new=None)
    found = json.loads(changes_json([Compared("a", [WEAKER]), Compared("\udcff.yaml", [WEAKER, gone])], 3))
    entry = {
        "id": "outbound-tls-lowered",
        "kind": "weaker",
        "message": "mail to a.example: TLS: required → none",
        "path": "base.yaml",
        "line": 4,
        "column": 5,
        "old": {"path": "HEAD:base.yaml", "line": 3, "column": 5},
        "profile": "a",
        "subject": "mail to a.example",
        "incomparable": False,
        "rules": ["a"],
        "effects": [effect._asdict() for effect in EFFECTS],
    }
    last = found["changes"].pop()
    assert found == {
        "format": 1,
        "compared": 2,
        "failed": 3,
        "counts": {"weaker": 2, "plaintext-risk": 0, "delivery-risk": 0, "stronger": 0, "neutral": 1},
        "changes": [entry, {**entry, "profile": "\\xff.yaml"}],
    }
    assert (last["path"], last["line"], last["column"], last["old"]) == ("HEAD:base.yaml", 3, 5, entry["old"])


def test_a_change_without_a_place() -> None:
    (found,) = json.loads(changes_json([Compared("a", [change()._replace(new=None)])], 0))["changes"]
    assert [found[key] for key in ("path", "line", "column", "old")] == [None] * 4
    assert changes_report([Compared("a", [change()._replace(new=None)])], 0).notices[0].place is None
