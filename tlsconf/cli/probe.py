"""`tlsconf probe`: does a running server do what the profile says."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tlsconf.cli.terminal import say, warn
from tlsconf.errors import EnvironmentFailedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.live.smtp import Address
    from tlsconf.policy import Policy


class Format(StrEnum):
    """How the answer is written."""

    TEXT = "text"
    JSON = "json"


def probe(
    profile: Annotated[str, typer.Argument(metavar="PROFILE", help="The profile.")],
    servers: Annotated[list[str], typer.Argument(metavar="HOST[:PORT]...", help="Servers of your own; without a port, 25.")],
    target: Annotated[list[str] | None, typer.Option("-t", "--target", metavar="TARGET", help="Only this server's limitations.")] = None,
    host: Annotated[str | None, typer.Option("--host", metavar="NAME", help="Which of the profile's hosts the servers are.")] = None,
    recipient: Annotated[
        str | None,
        typer.Option("--recipient", metavar="ADDRESS", help="One that they take mail for; nothing is sent. Default: postmaster."),
    ] = None,
    timeout: Annotated[float, typer.Option("--timeout", metavar="SECONDS", min=1, max=3600, help="How long all of it may take.")] = 120,
    format_: Annotated[Format, typer.Option("--format", help="How the answer is written.")] = Format.TEXT,
) -> None:
    """Speak SMTP to running servers of one's own, and compare TLS, certificates and what they take in clear text; no message is sent."""
    import time

    from tlsconf import pipeline
    from tlsconf.live.probe import probe as speak
    from tlsconf.report import probed

    deadline = time.monotonic() + timeout
    addresses = _addresses(servers)
    if recipient is not None and not _is_address(recipient):
        message = f"`{recipient}` is no address: write it as somebody@example.com"
        raise UsageError(message)
    prepared = pipeline.prepare(profile, target or [])
    policy = _policy(prepared.resolved.policies, host)
    limitations = [item for planned in prepared.planned if planned.policy.host == policy.host for item in planned.plan.limitations]
    answers = speak(addresses, policy, limitations, deadline, recipient)
    reached = [answer for answer in answers if not isinstance(answer, EnvironmentFailedError)]
    if reached:
        say(probed.probed_json(reached) if format_ is Format.JSON else probed.probed_text(reached))
    for answer in answers:
        if isinstance(answer, EnvironmentFailedError):
            warn(f"tlsconf: {answer}")
    is_no = any(item.errors for item in reached)
    if len(reached) < len(answers) or not (is_no or all(item.is_whole for item in reached)):
        raise typer.Exit(EnvironmentFailedError.exit_code)  # what is known was said, and the answer is not
    raise typer.Exit(int(is_no))


def _addresses(servers: Sequence[str]) -> list[Address]:
    from tlsconf.live.smtp import address

    try:
        return list(dict.fromkeys(map(address, servers)))
    except ValueError as error:
        raise UsageError(str(error)) from None


def _is_address(text: str) -> bool:
    """Tell whether a text can stand between < and > of RCPT TO: no white space, and nothing that ends the command or the path."""
    local, _, domain = text.rpartition("@")
    return bool(local and domain) and text.isascii() and text.isprintable() and not set(text) & set(" <>")


def _policy(policies: Sequence[Policy], host: str | None) -> Policy:
    """Return the policy of the host that is named, or of the only one."""
    names = [policy.host for policy in policies if policy.host is not None]
    if host is not None and host not in names:
        message = f"the profile has no host `{host}`" + (f"; it has {', '.join(names)}" if names else "")
        raise UsageError(message)
    if host is None and len(policies) > 1:
        message = f"which of the profile's hosts are these servers? Say --host with one of {', '.join(names)}"
        raise UsageError(message)
    return next(policy for policy in policies if host in {None, policy.host})
