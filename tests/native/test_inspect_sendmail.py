"""`tlsconf inspect` on every build of Sendmail: conforming deployments, and what goes wrong at real sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.lab import roots
from tests.native.inspecting import GOLDEN, Tampering, check_tamperings, deployed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.lab.sandbox import Sandbox

    Root = Callable[[str], Path]

BUILDS: Final = [name for name in roots.SERVERS if name.startswith("sendmail-")]
CASES: Final = sorted(path.name for path in GOLDEN.iterdir())


def _deploy(box: Sandbox) -> None:
    # As a site with a validating resolver has it.
    box.write("/etc/resolv.conf", "nameserver 127.0.0.53\noptions trust-ad\n")


@pytest.mark.parametrize("build", BUILDS)
def test_a_conforming_deployment_has_no_errors(build: str, root: Root, subtests: pytest.Subtests) -> None:
    for case in CASES:
        with subtests.test(case), deployed(root(build), case, _deploy) as machine:
            answer = machine.inspect()
            assert (answer.code, answer.errors) == (0, frozenset()), answer.text
            assert not {id_ for id_ in answer.warnings if id_.startswith("sendmail-")}, answer.text
