"""`tlsconf headers`: which TLS messages used on their way, by their own headers."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tlsconf.cli.terminal import report_failure, say, warn
from tlsconf.errors import EnvironmentFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tlsconf.policy import Policy
    from tlsconf.report.hops import Judged
    from tlsconf.traffic.messages import Message
    from tlsconf.traffic.trust import Trust


class Format(StrEnum):
    """How the answer is written."""

    TEXT = "text"
    JSON = "json"


def headers(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="FILE", help="A message, an mbox, a Maildir, a folder of them, or - for standard input (default)."),
    ] = None,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            "--trust", metavar="HOST", help="A host of your own, whose headers are proof: a name, *.NAME, an address or a network."
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="PROFILE", help="Hold what is proof against this profile; its own host names are trusted."),
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.TEXT,
) -> None:
    """Say of each hop of messages which TLS it used, what of that is proof, and whether a profile's rules were kept."""
    from tlsconf.report import hops as report
    from tlsconf.report.hops import NOTHING
    from tlsconf.traffic.trust import trust_of
    from tlsconf.traffic.verdict import Answer

    policies = _policies(profile)
    trusted = trust_of([*(trust or []), *(policy.server.hostname for policy in policies if policy.server.hostname)])
    failures: list[EnvironmentFailedError] = []
    counts = NOTHING
    if format_ is Format.JSON:
        say(report.HEAD)
    for message in _messages(files or ["-"], failures):
        judged = _judged(message, trusted, policies[0] if policies else None)
        if format_ is Format.JSON:
            say(("," if counts.messages else " ") + report.message_json(message, judged))
        else:
            say(report.message_text(message, judged))
        counts = counts.plus(judged)
        _warn_of(message)
    say(report.TAIL if format_ is Format.JSON else report.counts_text(counts))
    if policies and counts.messages and not counts.proof:
        warn("tlsconf: nothing was held against the profile: no header is proof (name your own hosts with --trust)")
    for failure in failures:
        report_failure(failure)
    raise typer.Exit(EnvironmentFailedError.exit_code if failures else int(counts.answers[Answer.BROKEN] > 0))


def _policies(profile: str | None) -> tuple[Policy, ...]:
    if profile is None:
        return ()
    from tlsconf.resolve import resolve

    return resolve(profile, bases=True).policies


def _messages(files: Sequence[str], failures: list[EnvironmentFailedError]) -> Iterator[Message]:
    """Yield the messages of all files; what can't be read is kept for the end."""
    from tlsconf.traffic.messages import messages

    for name in files:
        try:
            yield from messages(name)
        except EnvironmentFailedError as error:
            failures.append(error)


def _judged(message: Message, trust: Trust, policy: Policy | None) -> list[Judged]:
    """Return a message's hops, the oldest first, with what they are worth."""
    from tlsconf.report.hops import Judged
    from tlsconf.traffic.received import hop_of
    from tlsconf.traffic.trust import hearsay
    from tlsconf.traffic.verdict import verdict_of

    hops = [hop_of(text) for text in message.received]
    reasons = hearsay(hops, trust)
    judged = []
    for number, (hop, reason) in enumerate(zip(hops, reasons, strict=True)):
        verdict = None
        if policy is not None and reason is None:
            below = reasons[number + 1 : number + 2]
            verdict = verdict_of(policy, hop, message.sender, from_own=below == [None])
        judged.append(Judged(hop, reason, verdict))
    return judged[::-1]


def _warn_of(message: Message) -> None:
    if not message.received:
        warn(f"tlsconf: {message.file}, message {message.number}: no Received: header was found: is it a message?")
    if message.cut:
        warn(f"tlsconf: {message.file}, message {message.number}: its headers are very long, and the last of them were not looked at")
