"""What a probe brings home: values only."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlsconf.live.discrepancy import Discrepancy


class Untested(NamedTuple):
    """Something that could not be found out, and why: never a pass. `id` is the part of the probe.

    `is_cut`: the server, the network or the time stopped a part of the probe, which might say more at another time.
    """

    id: str
    message: str
    is_cut: bool = False


class Presented(NamedTuple):
    """A certificate as the server showed it: the key, `RSA, 2048 bits`, and the last second in which it is valid, in POSIX seconds."""

    key: str
    until: float | None


class Seen(NamedTuple):
    """What the server accepted, in the order in which it chose: suites and groups by the word for the version; its certificates."""

    suites: dict[str, tuple[str, ...]]
    groups: dict[str, tuple[str, ...]]
    certificates: list[Presented]


class Probed(NamedTuple):
    """A server that was spoken to: `HOST:PORT`, its address, the profile's host that it is (`None` where it has none), and the answers."""

    server: str
    address: str
    host: str | None
    seen: Seen
    found: Sequence[Discrepancy]
    untested: Sequence[Untested]

    @property
    def errors(self) -> int:
        """Return how many of what was found are errors."""
        return sum(item.severity == "error" for item in self.found)

    @property
    def is_whole(self) -> bool:
        """Tell whether no part of the probe was stopped before its end."""
        return not any(item.is_cut for item in self.untested)
