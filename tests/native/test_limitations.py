"""Limitations that no cell of the lab shows: each is seen on every build that claims it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.lab import roots, run
from tests.lab.certificates import made
from tests.lab.kinds import TLS11, TLS12, Host
from tests.lab.scenarios import RELAYED, STRANGER, Inbound
from tests.lab.site import exim
from tests.native import limits
from tlsconf.law import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from tests.lab.run import Lab
    from tests.lab.scenarios import Scenario

    Opener = Callable[[str, Scenario], AbstractContextManager[Lab]]

_STRONG: Final = ["TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"]
_OLD: Final = ["TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"]
_OPPORTUNISTIC: Final = {"tls": "opportunistic"}


def _builds(server: str) -> list[str]:
    return [name for name in roots.SERVERS if name.startswith(f"{server}-")]


def _tls(suites: list[str], **more: Any) -> dict[str, Any]:
    return {"minimum_version": "TLSv1.2", "cipher_suites": suites, "groups": ["X25519", "secp256r1", "secp384r1"], **more}


@pytest.fixture
def opened(root: Callable[[str], Path]) -> Opener:
    """Return what opens a world, as `run.opened` does, where the roots can be had."""

    def open_(build: str, scenario: Scenario) -> AbstractContextManager[Lab]:
        root(build)
        root("python-debian-13")
        return run.opened(build, scenario)

    return open_


@pytest.mark.parametrize("build", _builds("postfix"))
def test_postfix_dhe_group(build: str, opened: Opener) -> None:
    tls = _tls([*_STRONG, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"], groups=["X25519", "secp256r1", "ffdhe3072"])
    with opened(build, limits.scenario(tls, _OPPORTUNISTIC, _OPPORTUNISTIC, {})) as lab:
        assert limits.claimed(lab, "postfix-dhe-group") == {"*"}
        seen = limits.handshake(lab, "-tls1_2", "-cipher", "DHE-RSA-AES256-GCM-SHA384")
        assert seen.group == "DH, 2048 bits", seen.text


@pytest.mark.parametrize("build", _builds("exim"))
def test_exim(build: str, opened: Opener) -> None:
    tls = _tls([*_STRONG, *_OLD], minimum_version="TLSv1.1", opportunistic={"minimum_version": "TLSv1.0"})
    rules = [
        {"name": "hostname", "domains": ["hostname.test"], "tls": "required", "verify": "hostname"},
        {"name": "old", "domains": ["old.test"], "tls": "required"},
    ]
    old = Host(session=TLS11._replace(suites=frozenset(_OLD)))
    world = limits.scenario(
        tls, {**_OPPORTUNISTIC, "rules": rules}, _OPPORTUNISTIC, {"hostname.test": Host("self-signed"), "old.test": old, "free.test": old}
    )
    world.mx["same-host.test"] = world.mx["hostname.test"]
    with opened(build, world) as lab:
        raised = build == "exim-openssl"
        assert limits.claimed(lab, "exim-openssl-floor-raised") == ({"hostname", "old"} if raised else set())
        assert limits.sent(lab, "a@old.test") == ("held" if raised else "TLSv1.1")
        assert limits.sent(lab, "b@free.test") == "TLSv1.1"

        assert limits.claimed(lab, "exim-host-retry-shared") == {"hostname", "old"}
        for address in ("c@hostname.test", "d@same-host.test"):
            limits.hand_over(lab, address)
            exim.wait(lab.box)
        lab.box.run("exim4", "-q")
        exim.wait(lab.box)
        assert limits.fate(lab, "d@same-host.test") == "held"
        assert re.search(r"== d@same-host\.test .*retry time not reached", lab.site.log(lab.box))
        lab.site.run_queue(lab.box)  # with -qff
        assert limits.fate(lab, "d@same-host.test") == "TLSv1.3"
        assert limits.fate(lab, "c@hostname.test") == "held"


@pytest.mark.parametrize("build", _builds("sendmail"))
def test_sendmail(build: str, opened: Opener) -> None:
    more = {"minimum_version": "TLSv1.0", "cipher_suites": [*_STRONG, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", *_OLD]}
    rules = [
        {"name": "strict", "domains": ["both.test", "one.test"], "tls": "required"},
        {"name": "hostname", "domains": ["weak.test"], "tls": "required", "verify": "hostname"},
    ]
    preferring = TLS12._replace(ciphers="ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384")
    listed = TLS12._replace(ciphers="ECDHE-RSA-AES256-GCM-SHA384")
    weak = Host("weak-key", session=TLS12._replace(ciphers="ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0"))
    hosts = {"both.test": Host(session=preferring), "one.test": Host(session=listed), "weak.test": weak, RELAYED: Host()}
    inbound = {"tls": "required", "exempt_clients": ["127.0.0.0/8"]}
    clients = tuple(Inbound(name, "one.test", STRANGER, session) for name, session in (("both", preferring), ("one", listed)))
    tls = _tls(_STRONG, prefer_server_order=False, opportunistic=more)  # so that a client picks
    world = limits.scenario(tls, {**_OPPORTUNISTIC, "rules": rules}, inbound, hosts, "", "-ec", "-third")
    with opened(build, world._replace(inbound=clients)) as lab:
        assert limits.claimed(lab, "sendmail-one-suite-list") == {"strict", "hostname", "*"}
        assert limits.sent(lab, "a@both.test") == "held"
        assert limits.sent(lab, "b@one.test") == "TLSv1.2"
        received = {result.cell: (result.law, result.seen) for result in lab.receive()}
        assert received["both"] == (Outcome.ACCEPTED, Outcome.REFUSED)
        assert received["one"] == (Outcome.ACCEPTED, Outcome.ACCEPTED)

        assert limits.claimed(lab, "sendmail-two-certificates") == {"*"}
        for options, own in ((("-sigalgs", "RSA+SHA256"), made().server), (("-sigalgs", "ECDSA+SHA256"), made().server_elliptic)):
            seen = limits.handshake(lab, "-tls1_2", *options)
            assert seen.certificate, seen.text
            assert seen.certificate in own.chain

        # Debian 11 has TLS 1.2 as the least for the whole machine, so nothing is lowered there: it shows what level 0 changes.
        lowered = build != "sendmail-debian-11"
        assert limits.claimed(lab, "sendmail-security-level") == ({"*"} if lowered else set())
        assert limits.sent(lab, "c@weak.test") == ("TLSv1.2" if lowered else "held")
        assert lowered or "EE certificate key too weak" in lab.site.log(lab.box)
        seen = limits.handshake(lab, "-tls1_2", "-cipher", "ALL:@SECLEVEL=0", "-sigalgs", "RSA+SHA1")
        assert bool(seen.certificate) == lowered, seen.text
