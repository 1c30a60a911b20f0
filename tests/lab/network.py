"""Addresses of the lab, and the cable between a server and the rest of its world."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from tests.lab.sandbox import SandboxError

if TYPE_CHECKING:
    from tests.lab.sandbox import Sandbox

# All of them are set aside for such ends (RFC 2544, RFC 3849): nothing that gets out by mistake has anywhere to go.
LOOPBACK: Final = "127.0.0.1"
SERVER4: Final = "198.18.254.25"
SERVER6: Final = "2001:db8:fffe::25"
GATEWAY4: Final = "198.18.254.1"  # the world begins there, and it is the name server
GATEWAY6: Final = "2001:db8:fffe::1"
HOP_ADDRESS: Final = "198.18.100.1"  # a next hop that has no name


def connect(server: Sandbox, world: Sandbox) -> None:
    """Lay a cable between two sandboxes. All addresses but the server's own are the world's."""
    for here, words in (
        (server, f"link add world type veth peer name server netns {world.pid}"),
        (server, f"addr add {SERVER4}/24 dev world"),
        (server, f"addr add {SERVER6}/64 dev world nodad"),
        (server, "link set world up"),
        (world, f"addr add {GATEWAY4}/24 dev server"),
        (world, f"addr add {GATEWAY6}/64 dev server nodad"),
        (world, "link set server up"),
        (world, "route add local 198.18.0.0/15 dev lo"),
        (world, "-6 route add local 2001:db8::/36 dev lo"),
        (server, f"route add default via {GATEWAY4}"),
        (server, f"-6 route add default via {GATEWAY6}"),
    ):
        done = subprocess.run(
            ["nsenter", "-t", str(here.pid), "-n", "ip", *words.split()], check=False, capture_output=True, text=True, timeout=10
        )
        if done.returncode != 0:
            raise SandboxError(f"ip {words}: {done.stderr}")
