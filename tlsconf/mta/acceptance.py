"""Limitations held against what the profile accepts: which stop the render, and which acceptance matches nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tlsconf.plan import Limitation
    from tlsconf.policy import Acceptance

STOPPING: Final = frozenset({"weaker", "missing"})  # the kinds that stop a render unless they are accepted
_DEFAULTS: Final = frozenset({""})  # stands for the defaults where a limitation or an acceptance names no rule


def not_accepted(limitations: tuple[Limitation, ...], acceptances: tuple[Acceptance, ...]) -> list[Limitation]:
    """Return the limitations of kind `weaker` or `missing` of which some rule, or the defaults, is accepted by nobody."""
    accepted: dict[str, set[str]] = {}
    for acceptance in acceptances:
        accepted.setdefault(acceptance.id, set()).update(acceptance.rules or _DEFAULTS)
    return [item for item in limitations if item.kind in STOPPING and not set(item.rules or _DEFAULTS) <= accepted.get(item.id, set())]


def without_match(limitations: tuple[Limitation, ...], acceptances: tuple[Acceptance, ...]) -> list[int]:
    """Return the indices of acceptances that name, even in part, nothing that this plan needs accepted."""
    needed: dict[str, set[str]] = {}
    for limitation in limitations:
        if limitation.kind in STOPPING:
            needed.setdefault(limitation.id, set()).update(limitation.rules or _DEFAULTS)
    return [index for index, item in enumerate(acceptances) if not set(item.rules or _DEFAULTS) <= needed.get(item.id, set())]
