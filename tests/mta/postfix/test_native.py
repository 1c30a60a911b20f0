"""What Postfix's programs print, read back."""

from __future__ import annotations

from tests.policies import make_policy
from tlsconf.mta.postfix import configuration, hops, routes
from tlsconf.policy import NextHop

MASTER = """# service type
smtp      inet  n       -       y       -       -       smtpd
#submission inet n - y - - smtpd
  -o smtpd_tls_wrappermode=no -o { smtpd_x = a b }

 # a comment in between
  -osmtpd_y=1
relay     unix  -       -       y       -       -       smtp
"""


def test_values() -> None:
    assert configuration.parse_values("a = b = c\nempty =\n\n") == {"a": "b = c", "empty": ""}


def test_services() -> None:
    text = "smtp       inet  n       -       y       -       -       smtpd -o a=b\nx unix - - n - - /usr/lib/postfix/smtp\nshort unix\n"
    assert list(configuration.parse_services(text)) == [("smtp", "inet", True, "smtpd"), ("x", "unix", False, "smtp")]


def test_overrides_of_a_service_with_slashes() -> None:
    assert configuration.parse_overrides("a/b/unix/name = x/y = z\nsmtp/inet/empty =\n") == {
        ("a/b", "unix"): {"name": "x/y = z"},
        ("smtp", "inet"): {"empty": ""},
    }


def test_lines_of_main_cf() -> None:
    text = "# a = 1\na = 1\n  b = 2\nb=\n  3\na = 4\n"
    assert configuration.parameter_lines(text) == {"a": (2, 6), "b": (4,)}


def test_lines_of_master_cf() -> None:
    services, overrides = configuration.master_lines(MASTER)
    assert services == {("smtp", "inet"): 2, ("relay", "unix"): 8}
    assert overrides == {
        ("smtp", "inet", "smtpd_tls_wrappermode"): 4,
        ("smtp", "inet", "smtpd_x"): 4,
        ("smtp", "inet", "smtpd_y"): 7,
    }


def test_complaints_are_told_once() -> None:
    text = "postconf: warning: x\n/usr/sbin/postconf: warning: x\npostconf: warning: See https://a.example\npostconf: fatal: y\n"
    assert list(configuration.complaints(text)) == ["x", "fatal: y"]


def test_lists_are_split_outside_braces() -> None:
    assert configuration.tokens(" a, b\tinline:{x=1, {y = 2}},c ") == ["a", "b", "inline:{x=1, {y = 2}}", "c"]


def test_next_hops() -> None:
    assert hops.next_hop("[Relay.Example]") == NextHop("relay.example", 25)
    assert hops.next_hop("[IPv6:2001:db8::1]:submissions") == NextHop("2001:db8::1", 465)
    assert hops.next_hop("mail.example:587") == "mail.example:587"
    assert hops.next_hop("[a.example]:nosuchport") == "[a.example]:nosuchport"
    assert hops.next_hop("") is None


def test_a_hop_that_is_named_bypasses_no_rule() -> None:
    policy = make_policy()
    assert routes.bypassed(policy, NextHop("relay.lab.example", 25)) == []
    assert routes.bypassed(policy, NextHop("127.0.0.1", 10024)) == []
    assert "rule central" in routes.bypassed(policy, NextHop("other.example", 25))
