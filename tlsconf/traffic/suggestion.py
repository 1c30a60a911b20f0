"""Which domains always used TLS, and so could be required to: rules for people to review, each with its evidence."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final, NamedTuple

from tlsconf import entries, law
from tlsconf.law import Outcome
from tlsconf.policy import Level, OutboundRule, Verify
from tlsconf.traffic.ledger import Ability, Sums
from tlsconf.traffic.simulation import possible, used

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tlsconf.policy import Policy
    from tlsconf.traffic.evidence import Proof
    from tlsconf.traffic.ledger import Ledger, Seen

    Strictest = Callable[[Iterable[Seen]], Verify | None]

SEVERAL: Final = 3  # domains below one name from which on a rule for all that is below it is worth a thought
_LONGEST_NAME: Final = 64  # of a rule
_NOT_IN_NAMES: Final = re.compile(r"[^a-z0-9]+")


class Thresholds(NamedTuple):
    """How much evidence a rule needs: so many messages, on so many different days."""

    messages: int = 20
    days: int = 7


class Evidence(NamedTuple):
    """What was seen of a domain, or of several: its sums, messages by version (or failure, or clear text), and by what was proven."""

    sums: Sums
    used: dict[str, int]
    proofs: dict[Proof, int]


class Suggestion(NamedTuple):
    """A rule: its name, one pattern, how the host proves who it is, the evidence, and the domains that it is from."""

    name: str
    pattern: str
    verify: Verify
    evidence: Evidence
    domains: tuple[str, ...]

    def rule(self) -> OutboundRule:
        """Return the rule as the law takes it."""
        return OutboundRule(self.name, Level.REQUIRED, self.verify, domains=(self.pattern,))


class Suggestions(NamedTuple):
    """What may be required, and what always used TLS and may not be, by the reason, each most messages first.

    `thin` had less evidence than wanted; `ruled` are the domains that a rule of the profile leaves without TLS required, with its name;
    `too_weak` used less than the profile allows where it requires TLS, or nobody knows; `set_aside` would no longer be proven as the
    profile's default has it. `doubtful` are parents of several such domains of which nobody knows that they belong together.
    """

    rules: tuple[Suggestion, ...]
    thin: tuple[str, ...] = ()
    ruled: tuple[tuple[str, str], ...] = ()
    too_weak: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()
    doubtful: tuple[str, ...] = ()


def suggest(policy: Policy, ledger: Ledger, taken: Collection[str] = (), wanted: Thresholds | None = None) -> Suggestions:
    """Return rules for domains that always used TLS and are not required to; `taken` are names that no new rule may have.

    A domain that once went without, or met a failure of TLS, is in none. With a smarthost there are none at all: rules by domain are for
    what the site itself delivers.
    """
    if policy.outbound.smarthost is not None:
        return Suggestions(())
    wanted = wanted or Thresholds()
    by_domain = _by_domain(ledger)
    steady = {
        domain: kinds for domain, kinds in by_domain.items() if all(seen.session is not None and seen.failure is None for seen in kinds)
    }
    strictest = _judge(policy, ledger)
    decide = law.outbound_law(policy)
    enough: dict[str, Verify] = {}
    found: dict[str, list[str]] = {"thin": [], "too_weak": [], "set_aside": []}
    ruled: list[tuple[str, str]] = []
    for domain in sorted(steady, key=lambda name: (-_messages(steady[name]), name)):
        kinds = steady[domain]
        now = decide(law.Outgoing(domain))
        if now.tls is Level.REQUIRED:
            continue
        if _messages(kinds) < wanted.messages or _days(kinds) < wanted.days:
            found["thin"].append(domain)
        elif now.rule is not None:
            ruled.append((domain, now.rule))
        elif (verify := strictest(kinds)) is None:
            found["too_weak"].append(domain)
        elif not law.at_least_as_strong(_decision(policy, verify), now):
            found["set_aside"].append(domain)
        else:
            enough[domain] = verify
    patterns, doubtful = _with_parents(strictest, by_domain, enough)
    rules = _named(patterns, by_domain, set(taken))
    return Suggestions(rules, tuple(found["thin"]), tuple(ruled), tuple(found["too_weak"]), tuple(found["set_aside"]), doubtful)


def with_rules(policy: Policy, rules: Iterable[Suggestion]) -> Policy:
    """Return the policy as it would be with the rules that are suggested."""
    outbound = policy.outbound
    return policy._replace(outbound=outbound._replace(rules=(*outbound.rules, *(rule.rule() for rule in rules))))


def _by_domain(ledger: Ledger) -> dict[str, Mapping[Seen, Sums]]:
    """Return what was seen of each domain that a profile can name; what went to a fixed next hop says nothing of the domain's own hosts."""
    found: dict[str, Mapping[Seen, Sums]] = {}
    for subject, kinds in ledger.seen.items():
        if subject.sent and subject.hop is None and subject.domain is not None and _can_be_named(subject.domain):
            found[subject.domain] = kinds
    return found


def _can_be_named(domain: str) -> bool:
    """Tell whether a profile can name a domain as the log has it: anything may stand in an envelope."""
    try:
        return entries.domain(domain) == domain
    except ValueError:
        return False


def _judge(policy: Policy, ledger: Ledger) -> Strictest:
    """Return what tells how strictly all that was seen could have been required; `None` where some of it might have been held."""
    ways = [Verify.HOSTNAME, Verify.NONE] if policy.outbound.trust_anchors is not None else [Verify.NONE]
    decisions = [_decision(policy, verify) for verify in ways]

    @cache
    def of_one(seen: Seen) -> Verify | None:
        ability = ledger.abilities.get((seen.server, True), Ability())
        return next((decision.verify for decision in decisions if possible(decision, seen, ability) == {Outcome.TLS}), None)

    def of_all(kinds: Iterable[Seen]) -> Verify | None:
        found = {None if seen.failure is not None else of_one(seen) for seen in kinds}
        return None if None in found else Verify.NONE if Verify.NONE in found else Verify.HOSTNAME

    return of_all


def _decision(policy: Policy, verify: Verify) -> law.OutboundDecision:
    return law.outbound_decision(policy, OutboundRule("", Level.REQUIRED, verify))


def _with_parents(
    strictest: Strictest, by_domain: Mapping[str, Mapping[Seen, Sums]], enough: Mapping[str, Verify]
) -> tuple[list[tuple[str, Verify, tuple[str, ...]]], tuple[str, ...]]:
    """Return patterns with the domains that they are from, and parents of which it is not known that those below belong to them.

    A pattern for all below a name needs several domains with enough evidence, none that was ever held back or went without, and mail to
    the name itself: the logs do not tell a company's name from one below which anyone registers, such as `co.uk`, but that has no mail.
    """
    left = dict(enough)
    patterns: list[tuple[str, Verify, tuple[str, ...]]] = []
    doubtful: list[str] = []
    below = _below(by_domain)
    for parent in sorted(below, key=lambda name: (name.count("."), name)):
        names = [name for name in below[parent] if name in left]
        if len(names) < SEVERAL:
            continue
        verify = strictest(seen for name in below[parent] for seen in by_domain[name])
        if verify is None:
            continue
        if parent not in enough:
            doubtful.append(parent)
            continue
        patterns.append((f"*.{parent}", verify, tuple(sorted(below[parent]))))
        for name in names:
            if left[name] is verify:
                del left[name]  # else the rule of its own proves more, and is the more specific
    patterns += [(domain, verify, (domain,)) for domain, verify in left.items()]
    return sorted(patterns, key=lambda item: item[0].removeprefix("*.")), tuple(doubtful)


def _below(by_domain: Iterable[str]) -> dict[str, list[str]]:
    """Return the domains below each name of two labels or more."""
    found: dict[str, list[str]] = {}
    for domain in by_domain:
        rest = domain.partition(".")[2]
        while "." in rest:
            found.setdefault(rest, []).append(domain)
            rest = rest.partition(".")[2]
    return found


def _named(
    patterns: Iterable[tuple[str, Verify, tuple[str, ...]]], by_domain: Mapping[str, Mapping[Seen, Sums]], taken: set[str]
) -> tuple[Suggestion, ...]:
    made = []
    for pattern, verify, domains in patterns:
        name = _name(pattern, taken)
        taken.add(name)
        made.append(Suggestion(name, pattern, verify, evidence([by_domain[domain] for domain in domains]), domains))
    return tuple(made)


def _name(pattern: str, taken: Collection[str]) -> str:
    """Return a name for a rule that none has: it begins with a word, so that YAML takes it for text."""
    domain = pattern.removeprefix("*.")
    whole = f"{'below' if domain != pattern else 'to'}-{_NOT_IN_NAMES.sub('-', domain)}"
    name, number = whole[:_LONGEST_NAME], 1
    while name in taken:
        number += 1
        end = f"-{number}"
        name = whole[: _LONGEST_NAME - len(end)] + end
    return name


def evidence(found: Iterable[Mapping[Seen, Sums]]) -> Evidence:
    """Add up what was seen."""
    whole = Evidence(Sums(), {}, {})
    for kinds in found:
        for seen, sums in kinds.items():
            whole.sums.include(sums)
            name = used(seen)
            whole.used[name] = whole.used.get(name, 0) + sums.messages
            if seen.session is not None:
                proof = seen.session.proof
                whole.proofs[proof] = whole.proofs.get(proof, 0) + sums.messages
    return whole


def _messages(kinds: Mapping[Seen, Sums]) -> int:
    return sum(sums.messages for sums in kinds.values())


def _days(kinds: Mapping[Seen, Sums]) -> int:
    days = 0
    for sums in kinds.values():
        days |= sums.days
    return days.bit_count()
