"""Facts of platforms that no test with real packages would notice."""

from __future__ import annotations

import re

import pytest

from tlsconf.entries import server_path
from tlsconf.mta import NAMES
from tlsconf.platforms import PLATFORMS
from tlsconf.profile import RELEASE_PATTERN


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_platform_is_complete_in_itself(name: str) -> None:
    platform = PLATFORMS[name]
    releases = [release for server in NAMES if (release := getattr(platform, server)) is not None]
    assert [release for release in releases if not re.match(RELEASE_PATTERN, release)] == []
    assert platform.exim_library in {"gnutls", "openssl"}
    assert platform.layout in {"debian", "generic"}
    assert server_path(platform.trust_anchors, None) == platform.trust_anchors
    if releases:
        assert getattr(platform, platform.exim_library) is not None
    assert platform.source


def test_the_debian_platforms_are_the_ones_that_are_proven() -> None:
    assert [name for name, platform in PLATFORMS.items() if platform.proven] == ["debian-11", "debian-12", "debian-13", "debian-14"]
