"""What differs between two policies, and what that means: values only."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tlsconf.diagnostics import Span


class Kind(StrEnum):
    """What a change means to whom it concerns; the worst first."""

    WEAKER = "weaker"
    PLAINTEXT_RISK = "plaintext-risk"
    DELIVERY_RISK = "delivery-risk"
    STRONGER = "stronger"
    NEUTRAL = "neutral"


class Effect(NamedTuple):
    """What happens to a message where the other side is of one kind, before and after."""

    peer: str
    old: str
    new: str


class Change(NamedTuple):
    """One difference.

    `id` is stable. `subject` says for whom it is, `message` what was and what is, in one line each. `incomparable`: neither side is
    as strong as the other for everybody, and `kind` names the danger. `rules` are the rules, of either side, that the change is about,
    `()` the defaults and the values that all share. `old` and `new` are the places of what decides, `None` where a side has none.
    """

    id: str
    kind: Kind
    subject: str
    message: str
    old: Span | None
    new: Span | None
    incomparable: bool = False
    rules: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
