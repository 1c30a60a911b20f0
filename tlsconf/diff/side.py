"""One of the two that are compared: a host's policy, and where each value of it was said."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tlsconf.diagnostics import KeyPath, Span
    from tlsconf.policy import Policy
    from tlsconf.resolve import Resolved


class Side(NamedTuple):
    """A policy and the profile that it was resolved from."""

    policy: Policy
    resolved: Resolved

    def span(self, *paths: KeyPath) -> Span:
        """Return where the first of these values that somebody said stands; else the nearest parent of the last, or the name."""
        host = self.policy.host
        for path in paths:
            for whole in ((("hosts", host, *path),) if host is not None else ()) + (path,):
                origin = self.resolved.said(whole)
                if origin is not None:
                    return origin.span(key=path[-1:] in {("rules",), ("outbound",), ("inbound",)})
        origin = self.resolved.origin(paths[-1])
        return origin.span(key=True) if origin.path else origin.document.span(("name",), key=True)

    def removal(self, part: str, rule: str) -> Span | None:
        """Return where a rule of a base is taken out, `None` where no document does so."""
        for document in reversed(self.resolved.documents):
            for index, said in enumerate((document.data.get(part) or {}).get("rules") or ()):
                if said and said.get("remove") and said.get("name") == rule:
                    return document.span((part, "rules", index))
        return None
