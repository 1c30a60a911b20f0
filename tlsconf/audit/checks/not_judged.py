"""A requirement that a profile can't show.

What: the standard asks for something that no profile says, such as the size of a certificate's key. It is named in a note, so that nobody
takes an audit without errors for all that the standard asks.

Why: a profile names paths of certificates, not certificates, and some properties of TLS are decided by the server's TLS library.

Example: RFC 9325 asks for RSA keys of 2,048 bits or more.

Remedy: `tlsconf inspect` on the server, for what it looks at: certificates that can't be loaded, have expired or are for another name.
What it does not look at takes a scanner of TLS, or the release notes of the TLS library.

Source: the standard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from tlsconf.audit.flaw import Flaw
from tlsconf.profile import Strict, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.resolve import Resolved


class Parameters(Strict):
    """What is not judged."""

    subject: Text = Field(description="What the profile can't show, as the end of a sentence.")
    inspect: bool = Field(default=False, description="Whether `tlsconf inspect` looks at it, or at a part of it.")


def check(_resolved: Resolved, parameters: Parameters) -> Iterator[Flaw]:
    """Yield one note."""
    remedy = (
        "`tlsconf inspect` on the server looks at it, or at a part of it"
        if parameters.inspect
        else "another tool: no command of tlsconf looks at it"
    )
    yield Flaw(f"not judged from a profile: {parameters.subject}", None, remedy, "note")
