"""What a site has of its own on each server: routing, domains that it relays, refusals; and how its daemon is asked about the queue."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.lab.sandbox import Sandbox
    from tlsconf.policy import NextHop


_PATIENCE: Final = 60.0


class Wanted(NamedTuple):
    """What the site is to do by itself, whatever tlsconf does: `routes` are fixed next hops by recipient's domain."""

    routes: Mapping[str, NextHop]
    smarthost: NextHop | None
    relayed: str
    blocked: str
    blocked_client: str
    plain: str
    split: bool = False


class Site(Protocol):
    """A server as the lab needs it: a module of this folder."""

    SERVICE: str

    def target(self) -> dict[str, object]:
        """Return what the profile's target says beside the release: what of the site's own lists is kept."""
        ...

    def prepare(self, box: Sandbox, wanted: Wanted) -> None:
        """Make the stock configuration that of a site, before tlsconf is installed."""
        ...

    def run_queue(self, box: Sandbox) -> None:
        """Try every message of the queue once, and wait until that is done."""
        ...

    def queued(self, box: Sandbox) -> frozenset[tuple[str, str]]:
        """Return what is in the queue: message id of the server, and recipient."""
        ...

    def log(self, box: Sandbox) -> str:
        """Return the server's log."""
        ...


def wait_until_idle(box: Sandbox, is_busy: Callable[[list[str]], bool]) -> None:
    """Wait while the command lines of the sandbox's processes say that the server has something in its hands.

    Raises `TimeoutError` after a minute.
    """
    deadline = time.monotonic() + _PATIENCE
    while is_busy(box.run("sh", "-c", "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f; echo; done 2>/dev/null").stdout.splitlines()):
        if time.monotonic() > deadline:
            raise TimeoutError("the server is still busy")
        time.sleep(0.1)


def load(server: str) -> Site:
    """Return the module of a server."""
    return cast("Site", import_module(f"tests.lab.site.{server}"))
