"""Runs as the first process of a sandbox: sets up its file system and its network, keeps its log, and ends with its standard input.

A program of its own, `inside.py ROOT WORK [SOURCE DESTINATION]...`, of the standard library alone. It prints its process id, as
the machine sees it, when the sandbox is ready. When it ends, for whatever reason, the kernel ends all other processes of the namespace.
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from typing import Final

HOSTNAME: Final = "mail.lab.example"
LOG: Final = "/var/log/syslog"

_SIOCGIFFLAGS: Final = 0x8913  # ioctl numbers and flags of netdevice(7)
_SIOCSIFFLAGS: Final = 0x8914
_IFF_UP: Final = 0x1


def main() -> None:
    """Set up, say so, and wait."""
    root, work, *binds = sys.argv[1:]
    pid = str(Path("/proc/self").readlink())  # /proc is still that of the machine
    _mount(Path(root), Path(work), list(zip(binds[::2], binds[1::2], strict=True)))
    _loopback_up()
    socket.sethostname(HOSTNAME)
    os.chroot(f"{work}/root")
    os.chdir("/")
    messages = _syslog()
    signal.signal(signal.SIGCHLD, lambda *_: _reap())
    print(pid, flush=True)
    with Path(LOG).open("ab", buffering=0) as log:
        while True:
            readable, _, _ = select.select([sys.stdin, messages], [], [])
            if messages in readable:
                log.write(messages.recv(65536).rstrip(b"\0\n") + b"\n")
            if sys.stdin in readable and not os.read(sys.stdin.fileno(), 1):
                return


def _mount(root: Path, work: Path, binds: list[tuple[str, str]]) -> None:
    """Put a layer in memory over the root, so that it stays as it is; where the kernel can't, copy it."""
    _run("mount", "-t", "tmpfs", "tmpfs", str(work))
    merged = work / "root"
    for name in ("root", "upper", "scratch"):
        (work / name).mkdir(mode=0o755)
    os.chdir(root.parent)  # a relative name: overlayfs gives commas and colons in names a meaning
    layers = f"lowerdir={root.name},upperdir={work}/upper,workdir={work}/scratch"
    if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, str(merged)], check=False, stderr=subprocess.DEVNULL).returncode:
        _run("cp", "-a", f"{root.name}/.", str(merged))
    _run("mount", "-t", "proc", "proc", str(merged / "proc"))
    (merged / "dev/pts").mkdir(exist_ok=True)
    _run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", str(merged / "dev/pts"))
    (merged / "dev/ptmx").unlink(missing_ok=True)
    (merged / "dev/ptmx").symlink_to("pts/ptmx")
    for source, destination in binds:
        target = merged / destination.lstrip("/")
        target.mkdir(parents=True, exist_ok=True)
        _run("mount", "--bind", source, str(target))
        _run("mount", "-o", "remount,bind,ro", str(target))


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh", b"lo", 0)
        flags = struct.unpack("16sh", fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", flags | _IFF_UP))


def _syslog() -> socket.socket:
    """Return the socket that the servers send their log lines to."""
    Path("/dev/log").unlink(missing_ok=True)
    messages = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    messages.bind("/dev/log")
    Path("/dev/log").chmod(0o666)
    return messages


def _reap() -> None:
    """Bury the orphans of the namespace: its first process inherits them."""
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        pass


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
