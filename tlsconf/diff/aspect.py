"""One way in which two decisions differ, before it is known for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tlsconf import law
from tlsconf.diff.change import Effect
from tlsconf.law import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tlsconf.diff.change import Kind
    from tlsconf.law import InboundDecision, OutboundDecision
    from tlsconf.peers import Named

Path = tuple[str, ...]
_HELD = frozenset({Outcome.HELD, Outcome.REFUSED, Outcome.DEFERRED, Outcome.HANDSHAKE_REFUSED})


class Aspect(NamedTuple):
    """One way to differ. `paths` are the key paths of what decides, the nearest first; `own`: a rule's own value is part of it."""

    id: str
    kind: Kind
    message: str
    paths: tuple[Path, ...]
    own: bool
    incomparable: bool = False
    effects: tuple[Effect, ...] = ()


def effects(old: OutboundDecision | InboundDecision, new: OutboundDecision | InboundDecision, peers: Iterable[Named]) -> Iterator[Effect]:
    """Yield what the law says differently, by the kind of the other side."""
    for name, peer in peers:
        before, after = law.outcome(old, peer), law.outcome(new, peer)
        if before is not after:
            yield Effect(name, before, after)


def stops_mail(effect: Effect) -> bool:
    """Tell whether mail that went on is now held or refused."""
    return effect.new in _HELD and effect.old not in _HELD
