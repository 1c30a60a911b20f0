"""Suggested rules as YAML that can be reviewed and pasted into a profile, each with its evidence as comments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.policy import Verify
from tlsconf.report.lines import few
from tlsconf.report.simulation import effect_line, evidence_text, number_of, simulation_lines, total_lines
from tlsconf.report.text import printable
from tlsconf.traffic.evidence import Proof

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tlsconf.policy import Policy
    from tlsconf.traffic.simulation import Simulation
    from tlsconf.traffic.suggestion import Suggestion, Suggestions, Thresholds

_SHOWN: Final = 20  # rules that hold mail


def suggestions_yaml(
    policy: Policy,
    suggestions: Suggestions,
    simulation: Simulation,
    wanted: Thresholds,
    place: Callable[[str], str],
    *,
    in_full: bool,
) -> str:
    """Return a list of rules for `outbound.rules`; everything else is in comments, so that the whole of it can be pasted.

    `simulation` is of the policy with these rules, `place` says where the profile has a rule. `in_full`: the simulation is told in full.
    """
    lines = [*_head(policy, suggestions, wanted)]
    for rule in suggestions.rules:
        lines += _rule(rule)
    if not suggestions.rules:
        lines.append("[]")
    comments = [*_left_out(suggestions), *_summary(suggestions, simulation)]
    if in_full:
        comments += simulation_lines(simulation, f"{policy.name}, with these rules", place)
    else:
        comments += ["What the profile with these rules would have done:", *total_lines(simulation)]
        comments += _held(simulation, place)
    return "\n".join([*lines, *(_comment(line) for line in comments)])


def _comment(line: str) -> str:
    """Return a line as a comment: what logs say can't end it."""
    return f"# {printable(line)}"


def _head(policy: Policy, suggestions: Suggestions, wanted: Thresholds) -> Iterator[str]:
    if policy.outbound.smarthost is not None:
        yield _comment(f"{policy.name}: no rules, for all mail goes to the smarthost {policy.outbound.smarthost}")
        return
    yield _comment(f"{policy.name}: {number_of(len(suggestions.rules), 'rule')} to review, for `rules` under `outbound`")
    enough = f"{number_of(wanted.messages, 'message')} on {number_of(wanted.days, 'day')}"
    yield _comment(f"Each is for what had at least {enough}, all with TLS, and no failure of TLS.")
    yield _comment("`tlsconf validate` says what a server does otherwise, once they are in the profile.")


def _rule(rule: Suggestion) -> Iterator[str]:
    yield f"- name: {rule.name}"
    for line in _reasons(rule):
        yield f"  {_comment(line)}"
    yield f'  domains: ["{rule.pattern}"]'
    yield "  tls: required"
    yield f"  verify: {rule.verify}"


def _reasons(rule: Suggestion) -> Iterator[str]:
    if rule.domains != (rule.pattern,):
        yield f"from {number_of(len(rule.domains), 'domain')}: {', '.join(few(rule.domains))}"
    yield evidence_text(rule.evidence.sums, rule.evidence.used)
    proofs = rule.evidence.proofs
    messages = rule.evidence.sums.messages
    if rule.verify is Verify.HOSTNAME:
        yield "the host's name was proven every time"
    elif proofs.get(Proof.VERIFIED) == messages:
        yield "the host's name was proven every time, and the profile has no trust anchors to ask for that"
    elif proofs.get(Proof.VERIFIED, 0) + proofs.get(Proof.TRUSTED, 0) == messages:
        yield "a trusted chain every time, which does not prove the name: nobody knows whether `verify: hostname` would hold mail"
    else:
        yield f"the host's name was proven {number_of(proofs.get(Proof.VERIFIED, 0), 'time')} of {messages}: no `verify: hostname`"


def _left_out(suggestions: Suggestions) -> Iterator[str]:
    """Yield the domains that always used TLS and for which nothing is suggested."""
    reasons = (
        (suggestions.thin, "used TLS always, on too few messages or days"),
        (suggestions.too_weak, "used TLS always, and it is not known that what `tls` allows would have done"),
        (suggestions.set_aside, "used TLS always; a rule would set aside how the default of the profile proves hosts"),
        (suggestions.doubtful, "have several such domains below them; without mail to the name itself, anybody may register there"),
    )
    for domains, why in reasons:
        if domains:
            yield f"{len(domains)} {why}: {', '.join(few(domains))}"
    for domain, name in suggestions.ruled[:_SHOWN]:
        yield f"{domain} used TLS always, and the rule {name} of the profile does not require it: change that rule if you agree"
    if len(suggestions.ruled) > _SHOWN:
        yield f"… and {number_of(len(suggestions.ruled) - _SHOWN, 'domain')} more that a rule names"


def _summary(suggestions: Suggestions, simulation: Simulation) -> Iterator[str]:
    names = {rule.name for rule in suggestions.rules}
    if names:
        touched = simulation._replace(effects=tuple(effect for effect in simulation.effects if effect.sent and effect.rule in names))
        yield f"What these rules would have done: {', '.join(total_lines(touched._replace(beyond=0, handshakes=0)))}"


def _held(simulation: Simulation, place: Callable[[str], str]) -> Iterator[str]:
    stopped = simulation.stopped
    if stopped:
        yield "Rules of the profile that would have held or refused mail, or did:"
        yield from (f"  {effect_line(effect, place)}" for effect in stopped[:_SHOWN])
        if len(stopped) > _SHOWN:
            yield f"  … and {number_of(len(stopped) - _SHOWN, 'domain')} more (--simulate has them)"
        yield "Nothing weaker is suggested. Ask these domains to repair their TLS, or decide on a rule of their own that requires less."
