"""What `diff` says of a change is what the wire shows: old and new profiles on real servers, against the same hosts and clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest

from tests.lab import run
from tests.lab.kinds import CLIENTS, HOSTS
from tests.lab.scenarios import RELAYED, STRANGER, SUITES, Inbound, Outbound, Scenario
from tests.native import limits
from tlsconf.diff import compare
from tlsconf.diff.change import Kind
from tlsconf.law import Outcome
from tlsconf.pipeline import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.lab.judge import Result
    from tlsconf.diff.change import Change
    from tlsconf.prepared import Prepared

_BUILDS: Final = ("postfix-debian-13", "exim-debian-13", "exim-openssl", "sendmail-debian-13")
_TLS: Final = {"minimum_version": "TLSv1.2", "cipher_suites": list(SUITES), "groups": ["X25519", "secp256r1", "secp384r1"]}
_REQUIRED: Final = {"tls": "required"}
_VERIFIED: Final = {"tls": "required", "verify": "hostname"}
_OPPORTUNISTIC: Final = {"tls": "opportunistic"}


class Sample(NamedTuple):
    """A rule before and after, `None` where there is none; whether that is weaker."""

    old: dict[str, Any] | None
    new: dict[str, Any] | None
    is_weaker: bool = False


# Each is a rule of its own of one profile, so that a server starts twice and not once for each. The last three are controls:
# they must be seen to weaken, so that a wire on which nothing shows is no proof.
_SENT: Final = {
    "raised": Sample(_OPPORTUNISTIC, _REQUIRED),
    "verified": Sample(_REQUIRED, _VERIFIED),
    "newer": Sample(_REQUIRED, {**_REQUIRED, "minimum_version": "TLSv1.3"}),
    "begun": Sample({"tls": "none"}, _OPPORTUNISTIC),
    "added": Sample(None, _REQUIRED),
    "relaxed": Sample(_REQUIRED, _OPPORTUNISTIC, is_weaker=True),
    "trusting": Sample(_VERIFIED, _REQUIRED, is_weaker=True),
    "stopped": Sample(_OPPORTUNISTIC, {"tls": "none"}, is_weaker=True),
}
_RECEIVED: Final = {"asked": Sample(None, _REQUIRED), "excused": Sample(_REQUIRED, None, is_weaker=True)}
# Kinds of hosts and of clients, by what `effects` call them.
_PEERS: Final = {
    "offers no STARTTLS": ("no-starttls",),
    "offers STARTTLS, then fails the handshake or answers 454": ("handshake-fails", "454"),
    "valid certificate": ("valid",),
    "self-signed certificate": ("self-signed",),
    "certificate for another name": ("other-name",),
    "expired certificate": ("expired",),
    "speaks only TLSv1.2": ("tls1.2",),
    "speaks only TLSv1.3": ("tls1.3",),
    "speaks no TLS": ("clear",),
}
_KINDS: Final = [kind for kinds in _PEERS.values() for kind in kinds if kind in HOSTS]


def _scenario(side: str) -> Scenario:
    """Return the world of one side, `old` or `new`, in which only the rules differ."""
    outbound = [
        {"name": name, "domains": [f"*.{name}.test"], **rule}
        for name, sample in _SENT.items()
        if (rule := getattr(sample, side)) is not None
    ]
    inbound = [
        {"name": name, "senders": [f"{name}.test"], **rule}
        for name, sample in _RECEIVED.items()
        if (rule := getattr(sample, side)) is not None
    ]
    hosts = {f"{kind.replace('.', '')}.{name}.test": HOSTS[kind] for name in _SENT for kind in _KINDS}
    sent = [(f"{name}/{kind}", f"{kind.replace('.', '')}.{name}.test") for name in _SENT for kind in _KINDS]
    world = limits.scenario(
        _TLS, {**_OPPORTUNISTIC, "rules": outbound}, {**_OPPORTUNISTIC, "rules": inbound}, {**hosts, RELAYED: HOSTS["valid"]}
    )
    return world._replace(
        outbound=tuple(Outbound(cell, domain, world.mx[domain], cell) for cell, domain in sent),
        inbound=tuple(
            Inbound(f"{name}/{label}", f"{name}.test", STRANGER, session) for name in _RECEIVED for label, session in CLIENTS.items()
        ),
    )


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Change]]:
    """Return what the comparison says of each sample."""
    sides: list[Prepared] = []
    for side in ("old", "new"):
        path = tmp_path_factory.mktemp(side) / "profile.yaml"
        path.write_text(json.dumps(_scenario(side).profile))
        sides.append(prepare(str(path), bases=True))
    found = compare(*sides)
    names = {f"mail to *.{name}.test": name for name in _SENT} | {f"mail from {name}.test": name for name in _RECEIVED}
    by_sample: dict[str, list[Change]] = {name: [] for name in names.values()}
    for change in found:
        by_sample[names[change.subject]].append(change)
    return by_sample


@pytest.mark.lab
@pytest.mark.parametrize("build", _BUILDS)
def test_the_wire_shows_what_is_said(build: str, said: dict[str, list[Change]], root: Callable[[str], Path]) -> None:
    for name in (build, "python-debian-13"):
        root(name)
    old, new = (_seen(build, side) for side in ("old", "new"))
    assert old.keys() == new.keys()
    for name, sample in {**_SENT, **_RECEIVED}.items():
        mine = {cell: (result, new[cell]) for cell, result in old.items() if cell.startswith(f"{name}/")}
        weakened = sorted(cell for cell, results in mine.items() if _rank(cell, results[0]) > _rank(cell, results[1]))
        is_called_weaker = any(change.kind in {Kind.WEAKER, Kind.PLAINTEXT_RISK} or change.incomparable for change in said[name])
        assert is_called_weaker == sample.is_weaker == bool(weakened), (name, said[name], weakened)
        assert [cell for cell in _foretold(name, said[name]) if not _as_foretold(*cell, mine)] == []


def _seen(build: str, side: str) -> dict[str, Result]:
    """Return what became of each cell; every one is as the law, or a limitation that the build claims, has it."""
    results = {result.cell: result for result in run.run(build, _scenario(side)).results}
    assert [result for result in results.values() if result.is_broken] == []
    cells = {f"{name}/{kind}" for name in _SENT for kind in _KINDS} | {f"{name}/{label}" for name in _RECEIVED for label in CLIENTS}
    return {cell: result for cell, result in results.items() if cell in cells}


def _rank(cell: str, result: Result) -> int:
    """Return how much of a message others can read: in clear text 0, over TLS 1, nothing 2."""
    if result.seen == Outcome.ACCEPTED:
        return 0 if cell.endswith("/clear") else 1
    return {Outcome.CLEAR: 0, Outcome.TLS: 1, Outcome.HELD: 2, Outcome.REFUSED: 2}[Outcome(result.seen)]


def _foretold(name: str, changes: list[Change]) -> Iterator[tuple[str, str, str]]:
    """Yield the cells of which `effects` say what becomes of them: before, and after."""
    told = [effect for change in changes for effect in change.effects if effect.peer in _PEERS]
    assert told, name
    for effect in told:
        for kind in _PEERS[effect.peer]:
            yield f"{name}/{kind}", effect.old, effect.new


def _as_foretold(cell: str, old: str, new: str, seen: dict[str, tuple[Result, Result]]) -> bool:
    """Tell whether a cell became what was said; what a server can't keep is told by its limitation, not by a comparison of policies."""
    return all(result.is_limited or result.seen == said for result, said in zip(seen[cell], (old, new), strict=True))
