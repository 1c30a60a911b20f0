"""Mail that is received: levels, rules by sender and by client, exempt clients, and the listener that all share."""

from __future__ import annotations

from typing import Final

from tests.diff.table import REFUSED, Situation, same

_CLIENTS: Final = "mail from every client"
_BANK: Final = "{name: bank, senders: [bank.example], tls: required%s}"
_WILD: Final = '{name: bank, senders: ["*.bank.example"], tls: required}'
_LINK: Final = "{name: link, clients: [%s], tls: required}"


def _inbound(*rules: str, more: str = "") -> str:
    """Return the inbound part with some rules; `more` are other keys of it."""
    return f"inbound: {{{more}rules: [{', '.join(rules)}]}}"


LEVELS: Final = (
    Situation(
        "a listener without TLS",
        "inbound: {tls: opportunistic}",
        "inbound: {tls: none}",
        (f"weaker inbound-tls-lowered: {_CLIENTS}",),
        (f"stronger inbound-tls-raised: {_CLIENTS}",),
    ),
    Situation(
        "TLS required of every client",
        "inbound: {tls: opportunistic}",
        "inbound: {tls: required}",
        (f"stronger inbound-tls-raised: {_CLIENTS}", f"{REFUSED}{_CLIENTS}"),
        (f"weaker inbound-tls-lowered: {_CLIENTS}",),
    ),
    Situation(
        "no TLS for clients, then required",
        "inbound: {tls: none}",
        "inbound: {tls: required}",
        (f"stronger inbound-tls-raised: {_CLIENTS}", f"{REFUSED}{_CLIENTS}"),
        (f"weaker inbound-tls-lowered: {_CLIENTS}",),
    ),
    Situation(
        "the listener's floor where rules require TLS: their clients can't fall back to clear text",
        "outbound: {tls: none}\n" + _inbound(_BANK % ""),
        "outbound: {tls: none}\ntls: {minimum_version: TLSv1.3}\n" + _inbound(_BANK % ""),
        (f"plaintext-risk (incomparable) inbound-floor-raised: {_CLIENTS}", f"{REFUSED}mail that a rule requires TLS for"),
        (f"weaker (incomparable) inbound-floor-lowered: {_CLIENTS}",),
    ),
    Situation(
        "the floor of a listener that requires TLS, while the other floor stays",
        "tls: {minimum_version: TLSv1.2, opportunistic: {minimum_version: TLSv1.2}}\ninbound: {tls: required}",
        "tls: {minimum_version: TLSv1.3, opportunistic: {minimum_version: TLSv1.2}}\ninbound: {tls: required}",
        (f"stronger inbound-floor-raised: {_CLIENTS}", f"{REFUSED}{_CLIENTS}"),
        (f"weaker inbound-floor-lowered: {_CLIENTS}",),
    ),
)

SENDERS: Final = (
    Situation(
        "a rule for a sender",
        "inbound: {tls: opportunistic}",
        _inbound(_BANK % ""),
        ("stronger inbound-requirement-raised: mail from bank.example", f"{REFUSED}mail from bank.example"),
        ("weaker inbound-requirement-lowered: mail from bank.example",),
    ),
    Situation(
        "a wildcard goes, while one within it stays",
        _inbound(_WILD, '{name: oslo, senders: ["*.oslo.bank.example"], tls: required}'),
        _inbound('{name: oslo, senders: ["*.oslo.bank.example"], tls: required}'),
        ("weaker inbound-requirement-lowered: mail from *.bank.example (except *.oslo.bank.example)",),
        (
            "stronger inbound-requirement-raised: mail from *.bank.example (except *.oslo.bank.example)",
            f"{REFUSED}mail from *.bank.example (except *.oslo.bank.example)",
        ),
    ),
    same(
        "a rule for a part of those who must use TLS anyway",
        _inbound(_WILD),
        _inbound(_WILD, "{name: oslo, senders: [oslo.bank.example], tls: required}"),
    ),
    same(
        "a rule is split, renamed and moved",
        _inbound("{name: banks, senders: [a.example, b.example], tls: required, on_plaintext: defer}", _LINK % "192.0.2.0/24"),
        _inbound(
            _LINK % "192.0.2.0/24",
            "{name: b, senders: [b.example], tls: required, on_plaintext: defer}",
            "{name: a, senders: [a.example], tls: required, on_plaintext: defer}",
        ),
    ),
    same("a floor of a rule that lies under the listener's", _inbound(_BANK % ""), _inbound(_BANK % ", minimum_version: TLSv1.1")),
    same("a floor of a rule that is the listener's", _inbound(_BANK % ""), _inbound(_BANK % ", minimum_version: TLSv1.2")),
    Situation(
        "a floor of a rule above the listener's",
        _inbound(_BANK % ""),
        _inbound(_BANK % ", minimum_version: TLSv1.3"),
        ("stronger inbound-rule-floor-raised: mail from bank.example", f"{REFUSED}mail from bank.example"),
        ("weaker inbound-rule-floor-lowered: mail from bank.example",),
    ),
    Situation(
        "a wider rule has the higher floor, and goes",
        _inbound('{name: all, senders: ["*.example"], tls: required, minimum_version: TLSv1.3}', _BANK % ""),
        _inbound(_BANK % ""),
        ("weaker inbound-requirement-lowered: mail from *.example (except bank.example)",
         "weaker inbound-rule-floor-lowered: mail from bank.example"),
        (
            "stronger inbound-requirement-raised: mail from *.example (except bank.example)",
            f"{REFUSED}mail from *.example (except bank.example)",
            "stronger inbound-rule-floor-raised: mail from bank.example", f"{REFUSED}mail from bank.example",
        ),
    ),
    Situation(
        "how clear text is answered",
        _inbound(_BANK % ""),
        _inbound(_BANK % ", on_plaintext: defer"),
        ("neutral inbound-answer-changed: mail from bank.example",),
        ("delivery-risk inbound-answer-changed: mail from bank.example",),
    ),
    same(
        "a rule that defers within one that rejects",
        _inbound('{name: all, senders: ["*.example"], tls: required}'),
        _inbound('{name: all, senders: ["*.example"], tls: required}', _BANK % ", on_plaintext: defer"),
    ),
    Situation(
        "what a rule required is required of all: nothing changes for the rule's own",
        _inbound(_BANK % ""),
        "inbound: {tls: required}",
        (f"stronger inbound-tls-raised: {_CLIENTS}", f"{REFUSED}{_CLIENTS}"),
        (f"weaker inbound-tls-lowered: {_CLIENTS}",),
    ),
    same(
        "a rule repeats what is required of all",
        "inbound: {tls: required}",
        _inbound(_BANK % "", _LINK % "192.0.2.0/24", more="tls: required, "),
    ),
)  # fmt: skip

_REST: Final = "clients 192.0.2.0/24 (except 192.0.2.0/25)"
NETWORKS: Final = (
    Situation(
        "a rule for a network",
        "inbound: {tls: opportunistic}",
        _inbound(_LINK % '192.0.2.0/24, "2001:db8::/32"'),
        (
            "stronger inbound-requirement-raised: clients 192.0.2.0/24, 2001:db8::/32",
            f"{REFUSED}clients 192.0.2.0/24, 2001:db8::/32",
        ),
        ("weaker inbound-requirement-lowered: clients 192.0.2.0/24, 2001:db8::/32",),
    ),
    same("a network is written as its halves", _inbound(_LINK % "192.0.2.0/24"), _inbound(_LINK % "192.0.2.0/25, 192.0.2.128/25")),
    same(
        "a network is written as its halves, in IPv6, and one of them in quarters",
        _inbound(_LINK % '"2001:db8::/32"'),
        _inbound(_LINK % '"2001:db8::/33", "2001:db8:8000::/34", "2001:db8:c000::/34"'),
    ),
    same("a network that lies within another", _inbound(_LINK % "192.0.2.0/24"), _inbound(_LINK % "192.0.2.0/24, 192.0.2.7")),
    Situation(
        "half of a network",
        _inbound(_LINK % "192.0.2.0/24"),
        _inbound(_LINK % "192.0.2.0/25"),
        (f"weaker inbound-requirement-lowered: {_REST}",),
        (f"stronger inbound-requirement-raised: {_REST}", f"{REFUSED}{_REST}"),
    ),
    Situation(
        "clients are exempt from what a rule requires of some senders",
        _inbound(_BANK % ""),
        _inbound(_BANK % "", more="exempt_clients: [192.0.2.0/24], "),
        ("weaker inbound-exemption-added: clients 192.0.2.0/24",),
        ("stronger inbound-exemption-removed: clients 192.0.2.0/24", f"{REFUSED}clients 192.0.2.0/24"),
    ),
    Situation(
        "clients are exempt where nothing is required of anybody",
        "inbound: {tls: opportunistic}",
        "inbound: {exempt_clients: [127.0.0.0/8]}",
        ("neutral inbound-exemption-added: clients 127.0.0.0/8",),
        ("neutral inbound-exemption-removed: clients 127.0.0.0/8",),
    ),
    same(
        "a rule for clients that are exempt",
        "inbound: {exempt_clients: [192.0.2.0/24]}",
        _inbound(_LINK % "192.0.2.0/25", more="exempt_clients: [192.0.2.0/24], "),
    ),
    Situation(
        "an exemption within a network that a rule names",
        _inbound(_LINK % "192.0.2.0/24"),
        _inbound(_LINK % "192.0.2.0/24", more="exempt_clients: [192.0.2.0/25], "),
        ("weaker inbound-exemption-added: clients 192.0.2.0/25",),
        ("stronger inbound-exemption-removed: clients 192.0.2.0/25", f"{REFUSED}clients 192.0.2.0/25"),
    ),
    Situation(
        "a network moves from a rule by address to the default, while a sender's rule stays",
        _inbound(_LINK % "192.0.2.0/24", _BANK % ""),
        _inbound(_BANK % ""),
        ("weaker inbound-requirement-lowered: clients 192.0.2.0/24",),
        ("stronger inbound-requirement-raised: clients 192.0.2.0/24", f"{REFUSED}clients 192.0.2.0/24"),
    ),
)  # fmt: skip

SITUATIONS: Final = (*LEVELS, *SENDERS, *NETWORKS)
