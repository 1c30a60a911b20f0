"""Which TLS sessions a profile brings about, by whom they are for, and where what they may be was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from tlsconf import law
from tlsconf.policy import Level, Verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tlsconf.audit.parameters import Scope
    from tlsconf.diagnostics import KeyPath, Span
    from tlsconf.policy import Parameters
    from tlsconf.resolve import Resolved

K = TypeVar("K")
Value = Literal["minimum_version", "cipher_suites", "groups", "prefer_server_order"]


class Session(NamedTuple):
    """Sessions on the same terms: `subject` says whose, `level` whose floor holds, `rule` which outbound rule has a floor of its own."""

    subject: str
    parameters: Parameters
    level: Level
    inbound: bool = False
    rule: str | None = None


def sessions(resolved: Resolved, scope: Scope = "all") -> list[Session]:
    """Return the sessions that a profile brings about; of a base (no targets) also those that nothing in it brings about yet."""
    words = {"required": Level.REQUIRED, "opportunistic": Level.OPPORTUNISTIC}
    if scope == "all":
        return list(_sessions(resolved))
    if scope in words:
        return [session for session in _sessions(resolved) if session.level is words[scope]]
    return [session for session in _sessions(resolved) if session.inbound is (scope == "inbound")]


def _sessions(resolved: Resolved) -> Iterator[Session]:
    policy = resolved.policies[0]  # hosts differ in their servers only
    is_base = not any(each.targets for each in resolved.policies)
    everybody = [(policy.outbound.tls, policy.outbound.verify)]
    everybody += [(rule.tls, rule.verify) for rule in policy.outbound.rules if rule.minimum_version is None]
    if is_base or any(tls is Level.REQUIRED or verify is Verify.DANE for tls, verify in everybody):
        yield Session("mail whose TLS is required", law.in_force(policy, Level.REQUIRED), Level.REQUIRED)
    if is_base or any(tls is Level.OPPORTUNISTIC for tls, _ in everybody):
        yield Session("mail whose TLS nobody requires", law.in_force(policy, Level.OPPORTUNISTIC), Level.OPPORTUNISTIC)
    for rule in policy.outbound.rules:
        if rule.minimum_version is None:
            continue
        levels = {rule.tls, Level.REQUIRED} if rule.verify is Verify.DANE else {rule.tls}  # usable TLSA records require TLS
        for level in sorted(levels):
            yield Session(
                f"mail of the rule `{rule.name}`", law.in_force(policy, level, rule.minimum_version), level, inbound=False, rule=rule.name
            )
    if policy.inbound.tls is not Level.NONE:
        yield Session("received mail", law.listener(policy), policy.inbound.tls, inbound=True)


def place(resolved: Resolved, session: Session, value: Value, entry: str | None = None) -> Span:
    """Return where a value of a session was said, or an entry of a list; where it is a default, where the profile says its name."""
    path = _path(resolved, session, value)
    if path is None:
        return resolved.documents[-1].span(("name",), key=True)
    for block in resolved.root.blocks(*map(str, path)) or ():
        for text, origin in block.entries():
            if text == entry:
                return origin.span()
    return resolved.root.origin_of(path).span(key=value in {"cipher_suites", "groups"})


def _path(resolved: Resolved, session: Session, value: Value) -> KeyPath | None:
    paths: list[KeyPath] = [("tls", value)]
    if session.level is Level.OPPORTUNISTIC:
        paths.insert(0, ("tls", "opportunistic", value))
    if session.rule is not None and value == "minimum_version":
        paths.insert(0, ("outbound", "rules", session.rule, value))
    return next((path for path in paths if resolved.said(path) is not None), None)


def together(found: Iterable[tuple[K, Session]]) -> Iterator[tuple[K, str]]:
    """Yield each thing that was found once, with all whom it concerns."""
    subjects: dict[K, list[str]] = {}
    for thing, session in found:
        subjects.setdefault(thing, []).append(session.subject)
    for thing, names in subjects.items():
        *others, last = dict.fromkeys(names)
        yield thing, f"{', '.join(others)} and {last}" if others else last


def first_misplaced(names: Iterable[str], good: frozenset[str]) -> str | None:
    """Return the first name that stands before a good one and is none itself."""
    before: str | None = None
    for name in names:
        if name not in good:
            before = before or name
        elif before is not None:
            return before
    return None
