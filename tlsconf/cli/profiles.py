"""`tlsconf profiles`: what is shipped."""

from __future__ import annotations

from typing import Annotated

import typer

from tlsconf.cli.terminal import say
from tlsconf.errors import UsageError


def _complete_name(incomplete: str) -> list[str]:
    from tlsconf.chain import shipped

    return [name for name in shipped() if name.startswith(incomplete)]


def profiles(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="One to print.", autocompletion=_complete_name)] = None,
) -> None:
    """List the shipped profiles, or print one with the reasons for its choices."""
    from tlsconf.chain import shipped_text, shipped_titles

    titles = shipped_titles()
    if name is None:
        width = max(map(len, titles))
        for known, title in titles.items():
            say(f"{known:{width}}  {title}")
    elif name in titles:
        say(shipped_text(name).rstrip("\n"))
    else:
        message = f"no profile `{name}` is shipped: it is one of {', '.join(titles)}"
        raise UsageError(message)
