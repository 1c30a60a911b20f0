"""What Exim prints about its configuration is read rightly, and judged rightly."""

from __future__ import annotations

from ipaddress import ip_network
from typing import TYPE_CHECKING, Final
from unittest import mock

import pytest

from tlsconf.live.machine import Machine
from tlsconf.mta.exim import bypass, effective, mail_acl
from tlsconf.mta.exim.effective import Driver, Effective
from tlsconf.policy import NextHop

if TYPE_CHECKING:
    from pathlib import Path

_CONFIG: Final = """# Exim Configuration (4.98.2)
# 1 "/etc/exim4/exim4.conf"
# 24 "/etc/exim4/exim4.conf"
# 1 "/etc/exim4/tlsconf/main"
acl_smtp_mail = check_mail

begin acl

  check_mail:
# 30 "/etc/exim4/exim4.conf"
# 1 "/etc/exim4/tlsconf/acl_mail"
    deny message = no
    condition = yes
# 30 "/etc/exim4/exim4.conf"
    accept
    A_MACRO = x

  check_rcpt:
    accept hosts = :

begin routers

  dns:
    driver = dnslookup
"""


def test_acls_and_files_of_a_configuration() -> None:
    assert effective.acls(_CONFIG) == {
        "check_mail": ("deny message = no", "condition = yes", "accept"),
        "check_rcpt": ("accept hosts = :",),
    }
    assert effective.files(_CONFIG) == {"/etc/exim4/exim4.conf", "/etc/exim4/tlsconf/main", "/etc/exim4/tlsconf/acl_mail"}


def test_options_and_drivers() -> None:
    text = "\na router:\ndriver = manualroute\nno_more\nunseen\nroute_data = ${if eq{a}{b}}\n\nb router:\naddress_data = \n"
    assert effective.drivers(text) == (
        Driver("a", {"driver": "manualroute", "more": "false", "unseen": "true", "route_data": "${if eq{a}{b}}"}),
        Driver("b", {"address_data": ""}),
    )
    assert effective.drivers("") == ()
    assert effective.options("never_users =\nexim_user = Debian-exim") == {"never_users": "", "exim_user": "Debian-exim"}


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("", ()),
        (":", ()),
        ("a : b", ("a", "b")),
        (": 127.0.0.1 : ::::1", ("127.0.0.1", "::1")),
        ("<; 127.0.0.1 ; ::1", ("127.0.0.1", "::1")),
        ("relay.example::587:other.example", ("relay.example:587", "other.example")),
        ("<", ("<",)),
    ],
)
def test_lists(text: str, items: tuple[str, ...]) -> None:
    assert effective.items(text) == items


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        (("deny message = no", "hosts = *", "warn", "condition = yes"), ()),
        (("accept",), ("accept",)),
        (("accept hosts = :",), ()),
        (("accept", "hosts = : 127.0.0.1 : ::::1 : @[]"), ()),
        (("accept hosts = 127.0.0.0/7",), ("accept hosts = 127.0.0.0/7",)),
        (("accept hosts = +relay_from_hosts",), ("accept hosts = +relay_from_hosts",)),
        (("accept !hosts = 127.0.0.1",), ("accept !hosts = 127.0.0.1",)),
        (("accept authenticated = *", "deny hosts = :", "accept acl = x"), ("accept authenticated = *", "accept acl = x")),
    ],
)
def test_who_is_accepted_early(lines: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert mail_acl.accepting(lines, (ip_network("127.0.0.0/8"), ip_network("::1"))) == found


_TRANSPORT: Final = Driver("out", {"driver": "smtp", "port": "smtp", "hosts": ""})


def _route(options: dict[str, str], transport: Driver = _TRANSPORT) -> bypass.Route:
    router = Driver("a", {"driver": "manualroute", "transport": "out", **options})
    (route,) = bypass.routes(Effective("", frozenset(), {}, {}, (router,), (transport,)))
    return route


@pytest.mark.parametrize(
    ("options", "hops"),
    [
        ({"route_list": "* relay.example byname"}, (NextHop("relay.example", 25),)),
        ({"route_list": "* Relay.Example.::587 byname"}, (NextHop("relay.example", 587),)),
        ({"route_list": '* "a.example : b.example/MX" randomize'}, (NextHop("a.example", 25), NextHop("b.example", 25))),
        ({"route_list": "x.example a.example ; * <,[192.0.2.1]:26"}, (NextHop("a.example", 25), NextHop("192.0.2.1", 26))),
        ({"route_list": "* $domain"}, None),
        ({"route_data": "relay.example"}, (NextHop("relay.example", 25),)),
        ({"route_data": "${lookup{$domain}lsearch{/x}}"}, None),
    ],
)
def test_hosts_of_a_fixed_route(options: dict[str, str], hops: tuple[NextHop, ...] | None) -> None:
    route = _route(options)
    assert route.fixed
    assert route.hops == hops


@pytest.mark.parametrize(
    ("options", "everything", "leaving"),
    [
        ({"route_list": "* relay.example"}, True, False),
        ({"route_list": "* relay.example", "domains": "! +local_domains"}, True, False),
        ({"route_list": "* relay.example", "domains": "partner.example"}, False, False),
        ({"route_list": "* relay.example", "condition": "${if eq{$sender_address_domain}{x}}"}, False, False),
        ({"route_list": "partner.example relay.example"}, False, True),
        ({"route_list": "partner.example relay.example", "domains": "partner.example"}, False, False),
        ({"route_data": "${lookup{$domain}lsearch{/x}}"}, False, True),
        ({"route_list": "partner.example relay.example", "more": "false"}, False, False),
        ({"route_list": "* relay.example", "more": "false", "self": "pass"}, True, True),
        ({"route_list": "* relay.example", "more": "false", "host_find_failed": "pass"}, True, True),
        ({"route_list": "* relay.example", "more": "false", "host_find_failed": "decline"}, True, False),
        ({"route_list": "* relay.example", "domains": "partner.example", "host_find_failed": "decline"}, False, True),
        ({"route_list": "* relay.example", "domains": "partner.example", "pass_on_timeout": "true"}, False, True),
        ({"driver": "dnslookup"}, True, False),
    ],
)
def test_how_much_a_router_takes(options: dict[str, str], everything: bool, leaving: bool) -> None:  # noqa: FBT001
    route = _route(options)
    assert (route.everything, route.leaving) == (everything, leaving)


def test_hosts_of_a_transport() -> None:
    own = Driver("out", {"driver": "smtp", "protocol": "smtps", "port": "smtp", "hosts": "relay.example"})
    assert _route({"driver": "accept"}, own).hops == (NextHop("relay.example", 465),)
    assert _route({"route_list": "* other.example"}, own).hops == (NextHop("other.example", 465),)
    overriding = Driver("out", {**own.options, "hosts_override": "true"})
    assert _route({"route_list": "* other.example"}, overriding).hops == (NextHop("relay.example", 465),)


def test_routers_that_do_not_deliver_by_smtp() -> None:
    routers = (
        Driver("a", {"driver": "accept", "transport": "mail_spool"}),
        Driver("b", {"driver": "dnslookup", "transport": "out", "verify_only": "true"}),
        Driver("c", {"driver": "manualroute", "transport": "store", "route_list": "* store.example"}),
    )
    transports = (_TRANSPORT, Driver("mail_spool", {"driver": "appendfile"}), Driver("store", {"driver": "smtp", "protocol": "lmtp"}))
    assert bypass.routes(Effective("", frozenset(), {}, {}, routers, transports)) == ()


_SITE: Final = """exim_path = /usr/sbin/exim4

tls_certificate = /a
begin acl
check_mail:
  accept
begin transports

one:
  driver = smtp
  hosts_avoid_tls = *
  hide hosts_avoid_tls = *
two:
  driver = smtp
"""


@pytest.mark.parametrize(
    ("option", "driver", "line"),
    [
        ("tls_certificate", None, 3),
        ("tls_privatekey", None, None),
        (None, "check_mail", 5),
        ("hosts_avoid_tls", "one", 12),
        ("hosts_avoid_tls", "two", 13),
        ("hosts_avoid_tls", "three", None),
    ],
)
def test_lines(tmp_path: Path, option: str | None, driver: str | None, line: int | None) -> None:
    (tmp_path / "exim.conf").write_text(_SITE)
    with mock.patch("os.geteuid", return_value=0):
        machine = Machine(tmp_path)
    assert effective.line_of(machine, "/exim.conf", option, driver) == line
