"""What is not mail's own: names, bases that bind, servers, releases, hosts, and what servers can't keep."""

from __future__ import annotations

from typing import Final

from tests.diff.table import Situation, same

_SERVER: Final = "server: {hostname: mx.example.com, certificates: [{chain: /etc/ssl/chain.pem, key: /etc/ssl/key.pem}]}\n"
_ON: Final = f"platform: debian-13\n{_SERVER}"
_POSTFIX: Final = f"{_ON}targets: [postfix]\n"
_GOV: Final = '{name: gov, domains: ["*.gov.uk"], tls: required}'
_LEGACY: Final = "outbound: {rules: [{name: %s, domains: [legacy.example], tls: none}%s]}\n"
_MORE: Final = ", {name: more, domains: [more.example], tls: none}"


def _accepting(identifier: str, rules: str, server: str = "sendmail") -> str:
    return f"{_ON}targets: {{{server}: {{accept: [{{id: {identifier}, rules: [{rules}], reason: known}}]}}}}\n"


_GAP: Final = "sendmail-none-by-host"
SERVERS: Final = (
    Situation(
        "one more server",
        _POSTFIX,
        f"{_ON}targets: [postfix, exim]\n",
        ("neutral target-added: the server exim",),
        ("neutral target-removed: the server exim",),
    ),
    Situation(
        "one more server, with what it can't keep, which loses nothing",
        _POSTFIX,
        f"{_ON}targets: [postfix, sendmail]\n",
        ("neutral target-added: the server sendmail", "neutral limitation-added: the server sendmail"),
        ("neutral target-removed: the server sendmail",),
    ),
    Situation(
        "another release",
        f'{_ON}targets: {{postfix: {{release: "3.10.13"}}}}',
        f'{_ON}targets: {{postfix: {{release: "3.9"}}}}',
        ("neutral target-changed: the server postfix",),
        ("neutral target-changed: the server postfix",),
    ),
    same("a release is said that the platform has", _POSTFIX, f'{_ON}targets: {{postfix: {{release: "3.10.13"}}}}'),
    Situation(
        "what a site keeps in a list of its own",
        _POSTFIX,
        f"{_ON}targets: {{postfix: {{keep: {{smtpd_sender_restrictions: [reject_unknown_sender_domain]}}}}}}",
        ("neutral target-changed: the server postfix",),
        ("neutral target-changed: the server postfix",),
    ),
    Situation(
        "a rule that the server can't keep, accepted",
        f"{_ON}targets: [sendmail]",
        _accepting(_GAP, "legacy") + _LEGACY % ("legacy", ""),
        ("weaker outbound-tls-lowered: mail to legacy.example", "weaker limitation-added: the server sendmail"),
        ("stronger outbound-tls-raised: mail to legacy.example", "stronger limitation-removed: the server sendmail"),
    ),
    Situation(
        "one more rule that the server can't keep, accepted",
        _accepting(_GAP, "legacy") + _LEGACY % ("legacy", ""),
        _accepting(_GAP, "legacy, more") + _LEGACY % ("legacy", _MORE),
        ("weaker outbound-tls-lowered: mail to more.example", "weaker limitation-added: the server sendmail"),
        ("stronger outbound-tls-raised: mail to more.example", "stronger limitation-removed: the server sendmail"),
    ),
    same(
        "a rule that the server can't keep gets another name",
        _accepting(_GAP, "legacy") + _LEGACY % ("legacy", ""),
        _accepting(_GAP, "old") + _LEGACY % ("old", ""),
    ),
    Situation(
        "another server, which can't keep a floor",
        f"{_ON}targets: [exim]\n"
        "inbound: {rules: [{name: bank, senders: [bank.example], tls: required, minimum_version: TLSv1.3}]}",
        _accepting("postfix-inbound-rule-version", "bank", "postfix")
        + "inbound: {rules: [{name: bank, senders: [bank.example], tls: required, minimum_version: TLSv1.3}]}",
        (
            "neutral target-removed: the server exim", "neutral target-added: the server postfix",
            "weaker limitation-added: the server postfix",
        ),
        ("neutral target-added: the server exim", "neutral target-removed: the server postfix"),
    ),
)  # fmt: skip

HOSTS: Final = (
    Situation(
        "the host's name",
        _POSTFIX,
        _POSTFIX.replace("mx.example.com", "mail.example.com"),
        ("neutral server-hostname-changed: the host",),
        ("neutral server-hostname-changed: the host",),
    ),
    Situation(
        "the certificate",
        _POSTFIX,
        _POSTFIX.replace("/etc/ssl/chain.pem", "/etc/ssl/new.pem"),
        ("neutral server-certificates-changed: the host",),
        ("neutral server-certificates-changed: the host",),
    ),
    Situation(
        "one host becomes two, and one of them keeps the name",
        _POSTFIX,
        f"{_POSTFIX}hosts: {{mx: {{}}, mx2: {{hostname: mx2.example.com}}}}",
        ("neutral server-hostname-changed: the host (on mx2)",),
        ("neutral server-hostname-changed: the host (on mx2)",),
    ),
    Situation(
        "one more host",
        f"{_POSTFIX}hosts: {{mx1: {{hostname: mx1.example.com}}}}",
        f"{_POSTFIX}hosts: {{mx1: {{hostname: mx1.example.com}}, mx2: {{hostname: mx2.example.com}}}}",
        ("neutral host-added: the host mx2",),
        ("neutral host-removed: the host mx2",),
    ),
    Situation(
        "one of two hosts has another platform",
        f"{_POSTFIX}hosts: {{mx1: {{}}, mx2: {{hostname: mx2.example.com}}}}",
        f"{_POSTFIX}hosts: {{mx1: {{}}, mx2: {{hostname: mx2.example.com, platform: debian-12}}}}",
        ("neutral target-changed: the server postfix (on mx2)",),
        ("neutral target-changed: the server postfix (on mx2)",),
    ),
    Situation(
        "what all hosts share is told once",
        f"{_POSTFIX}hosts: {{mx1: {{}}, mx2: {{hostname: mx2.example.com}}}}",
        f"{_POSTFIX}hosts: {{mx1: {{}}, mx2: {{hostname: mx2.example.com}}}}\noutbound: {{rules: [{_GOV}]}}",
        ("stronger outbound-tls-raised: mail to *.gov.uk", "delivery-risk outbound-may-be-held: mail to *.gov.uk"),
        ("weaker outbound-tls-lowered: mail to *.gov.uk",),
    ),
)

_BASES: Final = {
    "base.yaml": f"tlsconf: 1\nname: base\noverlays: stronger\noutbound: {{rules: [{_GOV}]}}",
    "free.yaml": f"tlsconf: 1\nname: base\noutbound: {{rules: [{_GOV}]}}",
    "between.yaml": "tlsconf: 1\nname: between\nextends: ./base.yaml",
}
CHAINS: Final = (
    Situation(
        "another name",
        "tlsconf: 1\nname: one",
        "tlsconf: 1\nname: other",
        ("neutral profile-renamed: the whole profile",),
        ("neutral profile-renamed: the whole profile",),
    ),
    Situation("what a profile said moves to a base", f"outbound: {{rules: [{_GOV}]}}", "extends: ./free.yaml", files=_BASES),
    Situation("a base between a profile and its base", "extends: ./base.yaml", "extends: ./between.yaml", files=_BASES),
    Situation(
        "a profile repeats its base, and adds to a rule of it",
        "extends: ./free.yaml",
        "extends: ./free.yaml\noutbound: {rules: [{name: gov, domains: {add: [gov.uk]}, tls: required}]}",
        ("stronger outbound-tls-raised: mail to gov.uk", "delivery-risk outbound-may-be-held: mail to gov.uk"),
        ("weaker outbound-tls-lowered: mail to gov.uk",),
        _BASES,
    ),
    Situation(
        "a profile takes a rule of its base out",
        "extends: ./free.yaml",
        "extends: ./free.yaml\noutbound: {rules: [{name: gov, remove: true}]}",
        ("weaker outbound-tls-lowered: mail to *.gov.uk",),
        ("stronger outbound-tls-raised: mail to *.gov.uk", "delivery-risk outbound-may-be-held: mail to *.gov.uk"),
        _BASES,
    ),
    Situation(
        "a base lets its overlays do what they like",
        "extends: ./base.yaml",
        "extends: ./free.yaml",
        ("weaker overlays-freed: the whole profile",),
        ("stronger overlays-bound: the whole profile",),
        _BASES,
    ),
    Situation(
        "a base that binds is dropped, and what it said is kept",
        "extends: ./base.yaml",
        f"outbound: {{rules: [{_GOV}]}}",
        ("weaker overlays-freed: the whole profile",),
        ("stronger overlays-bound: the whole profile",),
        _BASES,
    ),
    Situation(
        "a base frees its overlays itself",
        "overlays: stronger",
        "",
        ("weaker overlays-freed: the whole profile",),
        ("stronger overlays-bound: the whole profile",),
    ),
    Situation(
        "a smarthost sets aside what a base says, on terms as strong",
        "extends: ./free.yaml\noutbound: {tls: required}",
        "extends: ./free.yaml\noutbound: {tls: required, smarthost: '[relay.example]:587'}",
        ("neutral smarthost-changed: all mail",),
        ("neutral smarthost-changed: all mail",),
        _BASES,
    ),
)

SITUATIONS: Final = (*SERVERS, *HOSTS, *CHAINS)
