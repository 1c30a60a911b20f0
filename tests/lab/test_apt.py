"""What apt says about its archives, on machines of several kinds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lab import apt

if TYPE_CHECKING:
    from collections.abc import Iterator

DEBIAN = """main\thttp://one.example/debian/\tbookworm\tDebian
main\thttp://one.example/debian/\tbookworm-updates\tDebian
main\thttp://two.example/debian-security/\tbookworm-security\tDebian
main\thttp://vendor.example/apt/\tbookworm\tVendor
contrib\thttp://three.example/debian/\tbookworm\tDebian
"""
NEVER_UPDATED = "main\thttp://one.example/debian/\tstable\t$(ORIGIN)\nmain\thttp://one.example/security/\tstable-security\t$(ORIGIN)\n"
CONFIG = """Acquire::Languages "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::Proxy "DIRECT";
Acquire::Retries "3";
APT::Architecture "amd64";
"""


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    apt.archive.cache_clear()
    yield
    apt.archive.cache_clear()


def answer(monkeypatch: pytest.MonkeyPatch, targets: str, config: str = "") -> apt.Archive:
    monkeypatch.setattr(apt, "_output", lambda program, *_: targets if program == "apt-get" else config)
    return apt.archive()


def test_the_distribution_is_told_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    found = answer(monkeypatch, DEBIAN)
    assert (found.main, found.security) == ("http://one.example/debian", "http://two.example/debian-security")


def test_lists_need_not_have_been_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    found = answer(monkeypatch, NEVER_UPDATED)
    assert (found.main, found.security) == ("http://one.example/debian", "http://one.example/security")


def test_the_way_to_the_archive_is_carried_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("http_proxy", raising=False)
    found = answer(monkeypatch, DEBIAN, CONFIG)
    assert found.proxies == {"http_proxy": "http://proxy.example:3128"}
    assert found.options[:3] == (
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::https::Proxy "DIRECT";',
        'Acquire::Retries "3";',
    )


def test_a_machine_without_debian_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(apt.NoArchiveError):
        answer(monkeypatch, "main\thttp://vendor.example/apt/\tnoble\tUbuntu\n")
