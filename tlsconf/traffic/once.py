"""Makes one passage of a message that goes to several recipients of a domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.traffic.memory import Memory

if TYPE_CHECKING:
    from tlsconf.traffic.evidence import Failure, Passage, Session

_ATTEMPT: Final = 60  # seconds within which the recipients of one attempt are done with; servers try again much later
_MOST: Final = 200  # kinds of passages of one message: what a hostile log can add

_Kind = tuple["str | None", str, "Session | None", "Failure | None", "str | None"]


class Once:
    """The passages of late, by message."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._seen: Memory[tuple[str, bool, str | None], dict[_Kind, float]] = Memory()

    def is_new(self, passage: Passage) -> bool:
        """Tell whether a passage is another one than those before: a message is delivered once, and tried now and then."""
        key = (passage.server, passage.sent, passage.queue_id or passage.address)
        kinds = self._seen.get(key)
        if kinds is None or len(kinds) >= _MOST:
            kinds = {}
            self._seen.put(key, kinds)
        kind = (passage.domain, passage.result, passage.session, passage.failure, passage.next_id)
        before = kinds.get(kind)
        kinds[kind] = passage.when
        return before is None or (passage.result != "delivered" and abs(passage.when - before) > _ATTEMPT)

    def forget(self, server: str, queue_id: str) -> None:
        """Forget a message that was sent: another one may get its queue id."""
        self._seen.drop((server, True, queue_id))
