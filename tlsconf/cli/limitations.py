"""`tlsconf limitations`: where a server can't keep the law, and what to do."""

from __future__ import annotations

from typing import Annotated

import typer

from tlsconf.cli.terminal import say
from tlsconf.errors import UsageError


def _complete_id(incomplete: str) -> list[str]:
    from tlsconf.mta.documentation import limitation_documents

    return [identifier for identifier in limitation_documents() if identifier.startswith(incomplete)]


def limitations(
    identifier: Annotated[str | None, typer.Argument(metavar="[ID]", help="One to print in full.", autocompletion=_complete_id)] = None,
) -> None:
    """List every limitation, or print what one means, why it is, what happens instead, and what to do."""
    from tlsconf.mta.documentation import limitation_documents

    documents = limitation_documents()
    if identifier is None:
        width = max(map(len, documents))
        for known, text in documents.items():
            say(f"{known:{width}}  {text.partition(chr(10))[0]}")
    elif identifier in documents:
        say(f"{identifier}\n\n{documents[identifier]}")
    else:
        message = f"no limitation `{identifier}`: see `tlsconf limitations`"
        raise UsageError(message)
