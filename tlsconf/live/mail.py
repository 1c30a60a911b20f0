"""Whether a server takes mail in clear text and over TLS as the inbound rules say; the question ends before DATA, and nothing is sent."""

from __future__ import annotations

import re
import ssl
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import law
from tlsconf.law import Outcome, Peer
from tlsconf.live.allowances import allowed_for
from tlsconf.live.discrepancy import Discrepancy
from tlsconf.live.probed import Untested
from tlsconf.live.server import client, met, secured
from tlsconf.live.smtp import HandshakeError
from tlsconf.policy import Level
from tlsconf.tls import VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from ipaddress import IPv4Address, IPv6Address

    from tlsconf.law import InboundDecision
    from tlsconf.live.probed import Seen
    from tlsconf.live.server import Server
    from tlsconf.live.smtp import Connection, Reply
    from tlsconf.plan import Limitation
    from tlsconf.policy import Policy
    from tlsconf.tls import Version

_MOST_RULES: Final = 20
_AT_ONCE: Final = 4  # questions on one connection: servers slow down clients that they refuse often
_NO_TLS: Final = Peer(starttls=False)
_REJECTION: Final = 530  # RFC 3207 section 4
_HINT: Final = " (--recipient says an address that it takes mail for)"
_CLEAR, _OVER_TLS = "clear text", "rules"


class _Case(NamedTuple):
    """Mail that a rule names, or that none does: the envelope sender, and what applies to it."""

    label: str
    sender: str
    decision: InboundDecision

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(rule.name for rule in self.decision.rules)


class _Answers(NamedTuple):
    """The reply that decided, in clear text and over TLS; `None` where there was no such session."""

    clear: Reply | None
    tls: Reply | None


def probe_mail(
    server: Server, policy: Policy, limitations: Sequence[Limitation], seen: Seen, address: IPv4Address | IPv6Address, recipient: str
) -> Iterator[Discrepancy | Untested]:
    """Ask with a sender of each rule whether the server would take mail, without TLS, with it, and below the rule's own minimum version.

    `address` is the client's, this machine's on the connection. The server should take mail for `recipient` from everybody.
    """
    cases = []
    for item in _cases(policy, address):
        if isinstance(item, Untested):
            yield item
        else:
            cases.append(item)
    clear: list[Reply] | list[None] = [None] * len(cases)
    if server.is_implicit:
        yield Untested(_CLEAR, "there is none on port 465")
    else:
        clear = _asked(server, cases, recipient, None)
    best: Version | None = None
    tls: list[Reply] = []
    if seen.suites and policy.inbound.tls is not Level.NONE:
        try:
            best, tls = _version(server, client()), _asked(server, cases, recipient, client())
        except HandshakeError as error:
            yield Untested(_OVER_TLS, f"no session with this OpenSSL ({ssl.OPENSSL_VERSION}): {error}")
    for number, case in enumerate(cases):
        answers = _Answers(clear[number], tls[number] if best is not None and _is_enough(case, best) else None)
        yield from _judged(case, answers)
    if tls:
        yield from _floors(server, cases, tls, limitations, seen, recipient)


def _cases(policy: Policy, address: IPv4Address | IPv6Address) -> Iterator[_Case | Untested]:
    """Yield a sender for each rule that can be seen from here, and why others can't."""
    general = law.decide_inbound(policy, law.Incoming(None, address))
    label = f"mail from this client ({address})" + (f", rules {', '.join(rule.name for rule in general.rules)}" if general.rules else "")
    yield _Case(label, "", general)
    rules = policy.inbound.rules
    if general.exempt and rules:
        names = ", ".join(rule.name for rule in rules)
        yield Untested(_OVER_TLS, f"this client ({address}) is exempt, so that no requirement can be seen from here: {names}")
        return
    for rule in rules[:_MOST_RULES]:
        if rule.senders:
            pattern = min(rule.senders, key=lambda each: each.startswith("*."))  # a domain that exists, rather than one below
            domain = f"mail.{pattern[2:]}" if pattern.startswith("*.") else pattern
            decision = law.decide_inbound(policy, law.Incoming(domain, address))
            yield _Case(f"mail from {domain} (rule {rule.name})", f"postmaster@{domain}", decision)
        elif rule not in general.rules:
            yield Untested(_OVER_TLS, f"rule {rule.name}: it is for other clients than this one ({address})")
    if len(rules) > _MOST_RULES:
        yield Untested(_OVER_TLS, f"{len(rules) - _MOST_RULES} more rules: the first {_MOST_RULES} were tried")


def _asked(server: Server, cases: Sequence[_Case], recipient: str, context: ssl.SSLContext | None) -> list[Reply]:
    """Return for each case the reply that decided: the first one that is no 2xx, or the last."""
    replies: list[Reply] = []
    for start in range(0, len(cases), _AT_ONCE):
        some = cases[start : start + _AT_ONCE]
        if context is None:
            with met(server) as (connection, _):
                replies += [_ask(connection, case, recipient) for case in some]
                connection.quit()
        else:
            with secured(server, context) as connection:
                replies += [_ask(connection, case, recipient) for case in some]
                connection.quit()
    return replies


def _ask(connection: Connection, case: _Case, recipient: str) -> Reply:
    reply = connection.command(f"MAIL FROM:<{case.sender}>")
    if _outcome(reply) is Outcome.ACCEPTED:
        reply = connection.command(f"RCPT TO:<{recipient}>")  # some servers decide no earlier
        connection.command("RSET")
    return reply


def _judged(case: _Case, answers: _Answers) -> Iterator[Discrepancy | Untested]:
    """Hold the answers against the law. An answer that is the same with and without TLS has another reason."""
    clear, tls = answers
    over_tls = None if tls is None else _outcome(tls)
    if clear is not None and not _wants_login(clear):
        yield from _judged_clear(case, clear, tls)
    if any(reply is not None and _wants_login(reply) for reply in answers):
        yield Untested(_OVER_TLS, f"{case.label}: on this port the server takes mail only after a login (AUTH)")
        return
    if tls is None or over_tls is Outcome.ACCEPTED:
        return
    if tls.code == _REJECTION or (clear is not None and _outcome(clear) is Outcome.ACCEPTED):
        message = f"{case.label} is refused over TLS, though the session is as the profile says: {tls}"
        yield Discrepancy("mail-refused", "error", message)
    elif clear is None or clear.code == _REJECTION:
        yield Untested(_OVER_TLS, f"{case.label}, over TLS: the server refuses it for another reason: {tls}{_HINT}")


def _judged_clear(case: _Case, clear: Reply, tls: Reply | None) -> Iterator[Discrepancy | Untested]:
    expected, got = law.outcome(case.decision, _NO_TLS), _outcome(clear)
    is_for_tls = _is_for_tls(clear, tls)
    if got is expected is Outcome.ACCEPTED:
        return
    if got is Outcome.ACCEPTED:
        message = f"{case.label} is accepted in clear text; it must be {expected}"
        yield Discrepancy("clear-text-accepted", "error", message, remedy="check that the rule is installed, and that nothing is before it")
    elif not is_for_tls:
        yield Untested(_CLEAR, f"{case.label}: the server refuses it for another reason, it seems: {clear}{_HINT}")
    elif expected is Outcome.ACCEPTED:
        yield Discrepancy("clear-text-refused", "error", f"{case.label} is refused in clear text, and no rule requires TLS: {clear}")
    elif got is not expected:
        yield Discrepancy("answer-differs", "error", f"{case.label} is {got} in clear text, and must be {expected}: {clear}")
    elif expected is Outcome.REFUSED and clear.code != _REJECTION:
        yield Discrepancy("answer-differs", "warning", f"{case.label} is refused in clear text, but not with 530: {clear}")


def _floors(
    server: Server, cases: Sequence[_Case], tls: Sequence[Reply], limitations: Sequence[Limitation], seen: Seen, recipient: str
) -> Iterator[Discrepancy | Untested]:
    """Try each rule that has a minimum version of its own with the best one that is below it, of those that the server speaks."""
    spoken = [VERSIONS[label] for label in seen.suites if label in VERSIONS]
    for case, best in zip(cases, tls, strict=True):
        floors = [rule.minimum_version for rule in case.decision.rules if rule.minimum_version is not None]
        below = [version for version in spoken if floors and version < max(floors) and version >= case.decision.parameters.minimum_version]
        if not below:
            continue
        version = max(below)
        try:
            context = client(version)
            (reply,) = _asked(server, [case], recipient, context)
        except (HandshakeError, ssl.SSLError) as error:
            yield Untested(_OVER_TLS, f"{case.label}, over {version}: not with this OpenSSL ({ssl.OPENSSL_VERSION}): {error}")
            continue
        if _outcome(reply) is Outcome.ACCEPTED:
            message = f"{case.label} is accepted over {version}, below the rule's minimum version, {max(floors)}"
            rule = next(name for name, floor in zip(case.rules, case.decision.rules, strict=True) if floor.minimum_version == max(floors))
            yield allowed_for(Discrepancy("rule-version-accepted", "error", message), limitations, rule=rule)
        elif not _is_for_tls(reply, best):
            yield Untested(_OVER_TLS, f"{case.label}, over {version}: the server refuses it for another reason, it seems: {reply}")


def _is_enough(case: _Case, version: Version) -> bool:
    """Tell whether the law accepts mail over a session of a version."""
    peer = Peer(versions=frozenset({version}), cipher_suites=frozenset(case.decision.parameters.cipher_suites))
    return law.outcome(case.decision, peer) is Outcome.ACCEPTED


def _version(server: Server, context: ssl.SSLContext) -> Version | None:
    """Return the version of the best session that this OpenSSL and the server have in common."""
    with secured(server, context) as connection:
        word = None if connection.tls is None else connection.tls.version()
        connection.quit()
        return VERSIONS.get(f"{word}.0" if word == "TLSv1" else f"{word}")


def _is_for_tls(refusal: Reply, better: Reply | None) -> bool:
    """Tell whether a refusal is for want of TLS: by its code, or as there is none, or another one, in a better session."""
    if refusal.code == _REJECTION or better is None:
        return refusal.code == _REJECTION
    return _outcome(better) is Outcome.ACCEPTED or (_is_policy(refusal) and not _is_policy(better))


def _wants_login(reply: Reply) -> bool:
    """Tell whether 530 is for want of a login (RFC 4954 section 6), not of TLS: the words are the only difference."""
    return reply.code == _REJECTION and "authenticat" in reply.lines[-1].lower()


def _is_policy(reply: Reply) -> bool:
    """Tell whether a refusal is one of security or policy (RFC 3463 section 3.8)."""
    return re.match(r"[45]\.7\.", reply.lines[-1]) is not None


def _outcome(reply: Reply) -> Outcome:
    return {2: Outcome.ACCEPTED, 4: Outcome.DEFERRED}.get(reply.code // 100, Outcome.REFUSED)
