"""Builds root file systems with the mail servers of each Debian release, outside the repository, once.

`python -m tests.lab.roots` builds what is missing or out of date; a test takes a root with `lease`.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
import tomllib
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from tests.lab import apt
from tests.lab.inside import HOSTNAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CHECKOUT: Final = Path(__file__).parents[2]
DEPENDENCIES: Final = "/opt/tlsconf"  # in a root for Python: what the project needs to run and to be tested
PROGRAMS: Final = ("unshare", "setpriv", "nsenter", "chroot", "mount", "ip", "apt-get", "apt-config")

_FORMAT: Final = 1  # raise it where a change of this file's code changes what is in a root
_LIMIT: Final = 900  # seconds for any one program
_WORKERS: Final = (os.cpu_count() or 1) + 1  # one more than there are processors: downloads wait for the network


class LabError(Exception):
    """A root can't be had here; the text says why."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is in a root: all that its digest depends on.

    `parent` is the root that it starts from as a copy (`None`: made by debootstrap); `optional` packages are left out where the archive has
    lost them; `script` is run by sh inside when the packages are there; `python` is the version to fetch the project's dependencies for.
    """

    name: str
    suite: str
    parent: str | None
    packages: tuple[str, ...]
    optional: tuple[str, ...] = ()
    script: str = ""
    python: str | None = None


# Exim as Debian builds exim4-daemon-light, but with OpenSSL. Only the upstream source is taken: Debian's part of it may be gone from the
# archive after a security update. In Exim's makefiles a later line wins.
_EXIM_WITH_OPENSSL: Final = r"""
mirror=$(sed -n 's/^deb \([^ ]*\) trixie main$/\1/p' /etc/apt/sources.list)
echo "deb-src $mirror trixie main" > /etc/apt/sources.list.d/source.list
apt-get -q update
build='gcc make libc6-dev libnsl-dev libcrypt-dev libssl-dev libpcre2-dev libdb5.3-dev libidn-dev libidn2-dev pkg-config xz-utils'
apt-get -q install -y --no-install-recommends $build
mkdir /usr/local/src/exim && cd /usr/local/src/exim
apt-get -q source --download-only exim4 || true
apt-cache showsrc exim4 | sed -n 's/^ \([0-9a-f]\{64\}\) [0-9]* \(exim4_[0-9.]*\.orig\.tar\.xz\)$/\1  \2/p' | head -n 1 > sums
sha256sum -c sums
tar -xf exim4_*.orig.tar.xz --strip-components=1
mkdir -p Local
zcat /usr/share/doc/exim4-daemon-light/EDITME.exim4-light.gz > Local/Makefile
sed -i -e '/^EXIM_MONITOR/d' -e '/GNUTLS/d' -e '/gnutls/d' -e '/^USE_OPENSSL/d' -e '/^TLS_LIBS/d' Local/Makefile
printf 'USE_OPENSSL=yes\nTLS_LIBS=-lssl -lcrypto\n' >> Local/Makefile
make -j2 > make.log 2>&1 || { tail -n 30 make.log; exit 1; }
install -o root -g root -m 4755 build-*/exim /usr/sbin/exim4
cd /
rm -rf /usr/local/src/exim
apt-get -q purge -y --auto-remove -o APT::AutoRemove::RecommendsImportant=false -o APT::AutoRemove::SuggestsImportant=false $build
exim4 -bV | grep OpenSSL
"""

_SERVERS: Final = {
    "postfix": ("postfix",),
    "exim": ("exim4-daemon-light",),
    "sendmail": ("sendmail", "sendmail-bin", "make", "m4"),
}
_PACKAGES: Final = {"postfix": "postfix", "exim": "exim4-daemon-light", "sendmail": "sendmail-bin"}
_PYTHONS: Final = {"trixie": "3.13", "forky": "3.14"}


def _recipes() -> dict[str, Recipe]:
    found = []
    for number, suite in enumerate(apt.SUITES, start=11):
        base = f"debian-{number}"
        found.append(Recipe(base, suite, None, ("ca-certificates", "openssl")))
        found += [Recipe(f"{server}-{base}", suite, base, names, ("gnutls-bin",)) for server, names in _SERVERS.items()]
        if suite in _PYTHONS:
            found.append(Recipe(f"python-{base}", suite, base, ("python3", "git"), ("gnutls-bin",), python=_PYTHONS[suite]))
    found.append(Recipe("exim-openssl", "trixie", "debian-13", _SERVERS["exim"], ("gnutls-bin",), script=_EXIM_WITH_OPENSSL))
    return {recipe.name: recipe for recipe in found}


RECIPES: Final = _recipes()
SERVERS: Final = tuple(name for name in RECIPES if name.partition("-")[0] in _SERVERS)


def cache_folder() -> Path:
    """Return where the roots lie: `TLSCONF_LAB_CACHE`, or a folder in the user's cache."""
    named = os.environ.get("TLSCONF_LAB_CACHE")
    if named:
        return Path(named).resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tlsconf-lab"


def obstacle() -> str | None:
    """Return why no root can be built or used on this machine, or `None`."""
    if sys.platform != "linux":
        return "the lab needs Linux"
    if os.geteuid() != 0:
        return "the lab needs root"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"the lab needs Debian's tools; missing: {', '.join(missing)}"
    return _no_namespaces()


def digest(name: str) -> str:
    """Return the digest of a root's recipe and of those of its parents."""
    recipe = RECIPES[name]
    text = json.dumps([_FORMAT, platform.machine(), asdict(recipe), list(_dependencies()) if recipe.python else None])
    parent = digest(recipe.parent) if recipe.parent else ""
    return hashlib.sha256((parent + text).encode()).hexdigest()


def is_fresh(name: str) -> bool:
    """Tell whether a root is there, whole, and made by today's recipe."""
    try:
        record = json.loads((cache_folder() / name / "record.json").read_text())
    except (OSError, ValueError):
        return False
    return bool(record["digest"] == digest(name))


def versions(name: str) -> dict[str, str]:
    """Return the packages of a root and their versions, as they were when it was built."""
    record = json.loads((cache_folder() / name / "record.json").read_text())
    return dict(record["packages"])


def release(name: str) -> str:
    """Return the release of a server's root as its authors count, such as `3.10.13`: Debian's own additions are left out."""
    version = versions(name)[_PACKAGES[name.partition("-")[0]]]
    return re.split(r"[-+~]", version.rpartition(":")[2])[0]


@cache
def lease(name: str) -> Path:
    """Return a root that nobody will replace while this process lives. Raises `LabError` where there is none."""
    why_not = obstacle()
    if why_not:
        raise LabError(why_not)
    if not is_fresh(name):
        raise LabError(f"the root {name} is not built, or out of date: `make lab-roots`")
    _hold(name, fcntl.LOCK_SH)
    if not is_fresh(name):
        raise LabError(f"the root {name} was being rebuilt: run the tests again")
    return cache_folder() / name / "root"


def build(names: Iterable[str]) -> dict[str, str]:
    """Build what is missing or out of date of these roots and of those that they start from, side by side.

    Returns the failures: a reason for each name that could not be built.
    """
    stale = [name for name in _with_parents(names) if not is_fresh(name)]
    if not stale:
        return {}
    if why_not := obstacle():
        return dict.fromkeys(stale, why_not)
    try:
        _prepare_machine()
    except (LabError, apt.NoArchiveError) as error:
        return dict.fromkeys(stale, str(error))
    return _build_all(stale)


def _with_parents(names: Iterable[str]) -> list[str]:
    """Return the names and those that they start from, the longest way first: the build with a compiler, and its parent."""
    wanted: set[str] = set()
    for name in names:
        current: str | None = name
        while current is not None:
            wanted.add(current)
            current = RECIPES[current].parent
    long = {name for recipe in RECIPES.values() if recipe.script for name in (recipe.name, recipe.parent)}
    return sorted(wanted, key=lambda name: name not in long)


def _build_all(waiting: list[str]) -> dict[str, str]:
    failures: dict[str, str] = {}
    running: dict[Future[None], str] = {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        while waiting or running:
            unfinished = {*waiting, *running.values()}
            ready = [name for name in waiting if RECIPES[name].parent not in unfinished]
            for name in ready[: _WORKERS - len(running)]:
                running[pool.submit(_build, RECIPES[name])] = name
                waiting.remove(name)
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                name = running.pop(done)
                reason = done.exception()
                if reason is not None:
                    failures[name] = str(reason)
                    _say(f"{name}: failed: {reason}")
    return failures


def _build(recipe: Recipe) -> None:
    """Build one root under a temporary name and put it in place when it is whole."""
    began = time.monotonic()
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(recipe.name, fcntl.LOCK_EX):
        if is_fresh(recipe.name):  # another run has built it while this one waited
            return
        _say(f"{recipe.name}: building")
        part, old = folder / f"{recipe.name}.part", folder / f"{recipe.name}.old"
        _remove(part, old)
        part.mkdir(mode=0o755)
        with (folder / f"{recipe.name}.log").open("w") as log:
            _fill(recipe, part / "root", log)
        record = {"digest": digest(recipe.name), "recipe": asdict(recipe), "packages": _installed(part / "root")}
        (part / "record.json").write_text(json.dumps(record, indent=2) + "\n")
        if (folder / recipe.name).exists():
            (folder / recipe.name).rename(old)
        part.rename(folder / recipe.name)
        _remove(old)
    _say(f"{recipe.name}: built in {time.monotonic() - began:.0f} s")


def _fill(recipe: Recipe, root: Path, log: IO[str]) -> None:
    if recipe.parent is None:
        _bootstrap(recipe, root, log)
        return
    with _locked(recipe.parent, fcntl.LOCK_SH):
        if not is_fresh(recipe.parent):
            raise LabError(f"{recipe.parent} is not built")
        _run(["cp", "-a", str(cache_folder() / recipe.parent / "root"), str(root)], log)
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    _inside(root, ["apt-get", "-q", "install", "-y", "--no-install-recommends", *recipe.packages], log)
    for name in recipe.optional:
        try:
            _inside(root, ["apt-get", "-q", "install", "-y", "--no-install-recommends", name], log)
        except LabError:
            _say(f"{recipe.name}: the archive has no {name}: left out")
    if recipe.script:
        _inside(root, ["sh", "-euc", recipe.script], log)
    if recipe.python:
        _fetch_dependencies(root, recipe.python, log)
    _inside(root, ["sh", "-c", "apt-get clean; rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin"], log)
    # A root is used without a network: names are for the lab's own resolver.
    (root / "etc/resolv.conf").write_text("nameserver 127.0.0.53\n")


def _bootstrap(recipe: Recipe, root: Path, log: IO[str]) -> None:
    archive = apt.archive()
    scripts = Path("/usr/share/debootstrap/scripts")
    # A debootstrap older than the suite has no script for it; all Debian suites share that of sid.
    script = recipe.suite if (scripts / recipe.suite).exists() else "sid"
    keyring = [f"--keyring={archive.keyring}"] if archive.keyring else []
    include = f"--include={','.join(recipe.packages)}"
    command = ["debootstrap", "--variant=minbase", include, *keyring, recipe.suite, str(root), archive.main, str(scripts / script)]
    _run([*_namespaces(), *command], log)
    security = recipe.suite != "forky" and archive.security  # testing gets its fixes by migration
    sources = [f"deb {archive.main} {recipe.suite} main", *([f"deb {archive.security} {recipe.suite}-security main"] if security else [])]
    _write(root / "etc/apt/sources.list", sources)
    _write(root / "etc/apt/apt.conf.d/90tlsconf", archive.options)
    _write(root / "etc/dpkg/dpkg.cfg.d/tlsconf", ["force-unsafe-io"])  # a root that was cut short is thrown away as a whole
    _write(root / "usr/sbin/policy-rc.d", ["#!/bin/sh", "exit 101"], mode=0o755)  # no server starts when it is installed
    _write(root / "etc/hostname", [HOSTNAME])
    _write(root / "etc/mailname", [HOSTNAME])
    _write(root / "etc/hosts", ["127.0.0.1 localhost", "::1 localhost ip6-localhost", f"127.0.1.1 {HOSTNAME} {HOSTNAME.partition('.')[0]}"])
    shutil.copyfile("/etc/resolv.conf", root / "etc/resolv.conf")
    if archive.main.startswith("https:"):
        bundle = os.environ.get("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
        shutil.copyfile(bundle, root / "etc/apt/machine-ca.crt")
        _write(root / "etc/apt/apt.conf.d/91tlsconf", ['Acquire::https::CAInfo "/etc/apt/machine-ca.crt";'])
    _inside(root, ["apt-get", "-q", "update"], log)
    _inside(root, ["apt-get", "-q", "upgrade", "-y"], log)
    _inside(root, ["apt-get", "clean"], log)


def _fetch_dependencies(root: Path, version: str, log: IO[str]) -> None:
    """Put the project's dependencies for another Python into a root, with this machine's pip and its settings."""
    target = root / DEPENDENCIES.lstrip("/")
    chosen = ["--python-version", version, "--implementation", "cp", "--only-binary=:all:", "--target", str(target)]
    constraints = ["-c", str(CHECKOUT / "tests/constraints.txt")]
    requirements, _ = _dependencies()
    _run([sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", *chosen, *constraints, *requirements], log)


@cache
def _dependencies() -> tuple[tuple[str, ...], str]:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    requirements = (*project["dependencies"], *project["optional-dependencies"]["test"])
    return requirements, (CHECKOUT / "tests/constraints.txt").read_text()


def _installed(root: Path) -> dict[str, str]:
    shown = _inside(root, ["dpkg-query", "-W", "-f", "${Package} ${Version}\\n"]).split("\n")
    return dict(line.split(" ") for line in shown if line)


def _prepare_machine() -> None:
    """Install debootstrap and the archive's keys where they are missing."""
    needed = {"debootstrap": shutil.which("debootstrap"), "debian-archive-keyring": apt.archive().keyring}
    missing = [name for name, found in needed.items() if not found]
    if missing:
        _say(f"installing {' '.join(missing)}")
        _run(["apt-get", "-q", "update"], None)
        _run(["apt-get", "-q", "install", "-y", "--no-install-recommends", *missing], None)
        apt.archive.cache_clear()


def _namespaces() -> list[str]:
    """Return a prefix that ends a program, all its children and its mounts, whatever ends this process."""
    return ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]


@cache
def _no_namespaces() -> str | None:
    done = subprocess.run([*_namespaces(), "--net", "true"], check=False, capture_output=True, text=True, timeout=30)
    return None if done.returncode == 0 else f"the lab needs namespaces: {done.stderr.strip()}"


def _inside(root: Path, command: Sequence[str], log: IO[str] | None = None) -> str:
    """Run a program in a root, with the network of this machine and a host name that is the same on every machine."""
    setup = f'hostname {HOSTNAME} && mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
    return _run([*_namespaces(), "sh", "-c", setup, str(root), *command], log)


def _run(command: Sequence[str], log: IO[str] | None) -> str:
    kept = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy") or name.startswith(("PIP_", "SSL_"))}
    fixed = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": os.environ.get("HOME", "/root")}
    env = {**apt.archive().proxies, **kept, **fixed, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(
        command, check=False, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_LIMIT, env=env
    )
    if log is not None:
        log.write(f"$ {' '.join(command)}\n{done.stdout}")
        log.flush()
    if done.returncode != 0:
        last = " / ".join(done.stdout.strip().splitlines()[-3:])
        raise LabError(f"`{' '.join(command)[:200]}` exited with {done.returncode}: {last}")
    return done.stdout


@contextmanager
def _locked(name: str, kind: int) -> Iterator[None]:
    held = _hold(name, kind)
    try:
        yield
    finally:
        os.close(held)


def _hold(name: str, kind: int) -> int:
    """Take a root's lock, shared to read it or exclusive to replace it; it ends with the descriptor or with the process."""
    descriptor = os.open(cache_folder() / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        _say(f"{name}: waiting for another run")
        fcntl.flock(descriptor, kind)
    return descriptor


def _write(path: Path, lines: Iterable[str], mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))
    path.chmod(mode)


def _remove(*folders: Path) -> None:
    subprocess.run(["rm", "-rf", "--one-file-system", *map(str, folders)], check=True, stdin=subprocess.DEVNULL)


def _say(text: str) -> None:
    print(f"lab: {text}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build roots, or list them. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab.roots", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"roots to build (default: all): {', '.join(RECIPES)}")
    parser.add_argument("--list", action="store_true", help="show what is there and build nothing")
    parser.add_argument("--if-possible", action="store_true", help="exit 0 also where they can't be built, unless TLSCONF_LAB=required")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in RECIPES]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}")
    names = options.names or list(RECIPES)
    if options.list:
        for name in names:
            print(f"{name:20} {_state(name)}")
        return 0
    failures = build(names)
    for name, reason in failures.items():
        _say(f"{name}: not built: {reason}")
    lenient = options.if_possible and os.environ.get("TLSCONF_LAB") != "required"
    return 1 if failures and not lenient else 0


def _state(name: str) -> str:
    if not is_fresh(name):
        return "out of date" if (cache_folder() / name).exists() else "not built"
    shown = ("postfix", "exim4-daemon-light", "sendmail-bin", "python3", "openssl")
    found = versions(name)
    return "  ".join(f"{package} {found[package]}" for package in shown if package in found)


if __name__ == "__main__":
    sys.exit(main())
