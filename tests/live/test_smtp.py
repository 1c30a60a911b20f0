"""What stands for a server on the command line."""

from __future__ import annotations

import pytest

from tlsconf.live.smtp import Address, address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("mx.example", "mx.example", 25),
        ("mx.example:587", "mx.example", 587),
        ("192.0.2.1:465", "192.0.2.1", 465),
        ("[2001:db8::1]:2525", "2001:db8::1", 2525),
        ("[2001:db8::1]", "2001:db8::1", 25),
        ("2001:db8::1", "2001:db8::1", 25),
    ],
)
def test_an_address(text: str, host: str, port: int) -> None:
    found = address(text)
    assert found == Address(host, port)
    assert address(str(found)) == found


@pytest.mark.parametrize(
    "text", ["", ":25", "mx:0", "mx:65536", "mx:smtp", "a b", "[mx", "a:b:c", "-x", "mx\r\n", "[::1]x", "é.example", "/run/mx", "[mx]:1:2"]
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        address(text)
