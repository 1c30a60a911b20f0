"""The table of releases."""

from __future__ import annotations

import pytest

from tests.policies import make_target
from tlsconf.mta.postfix import releases


@pytest.mark.parametrize(
    ("release", "name", "expected"),
    [
        ("3.5.8", "config_file", False),
        ("3.5.25", "config_file", True),
        ("3.6.4", "config_file", False),
        ("3.7", "config_file", False),
        ("3.7.11", "config_file", True),
        ("3.8", "config_file", False),
        ("3.8.5", "config_file", True),
        ("3.9", "config_file", True),
        ("3.12", "config_file", True),
        ("3.5.25", "version_bounds", False),
        ("3.6", "version_bounds", True),
        ("3.5", "eecdh_grade", True),
        ("3.6", "eecdh_grade", False),
        ("3.8.6", "dh_file", True),
        ("3.9", "dh_file", False),
        ("3.9.5", "tls_required_header", False),
        ("3.10", "tls_required_header", True),
    ],
)
def test_has(release: str, name: str, *, expected: bool) -> None:
    assert releases.has(make_target("postfix", release).release, name) is expected


def test_hybrid_groups_need_a_known_library() -> None:
    assert releases.has_hybrid_groups(make_target("postfix", "3.10.13", platform="debian-13", version=(3, 5)))
    assert not releases.has_hybrid_groups(make_target("postfix", "3.10.13"))
    assert not releases.has_hybrid_groups(make_target("postfix", "3.10.13", platform="x", version=(3, 4)))
    assert not releases.has_hybrid_groups(make_target("postfix", "3.9.5", platform="x", version=(3, 5)))


def test_berkeley_db_is_gone_where_it_is() -> None:
    assert "hash" in releases.map_types(make_target("postfix", "3.11.7"))
    assert "hash" not in releases.map_types(make_target("postfix", "3.11.7", platform="debian-14", version=(3, 6)))
