"""Mail that is sent: levels, verification, names of certificates, rules and whom they cover, fixed hops and smarthosts."""

from __future__ import annotations

from typing import Final

from tests.diff.table import HELD, Situation, same

_ALL: Final = "mail to every destination"
_UNNAMED: Final = "mail to every destination that no rule names"
_GOV: Final = '{name: gov, domains: ["*.gov.uk"], tls: required}'
_MX: Final = "outbound: {rules: [{name: partner, domains: [partner.example], tls: required, verify: hostname%s}]}"
_HOP: Final = '{name: relay, next_hops: ["[relay.example]%s"], tls: required}'

LEVELS: Final = (
    Situation(
        "no TLS, then opportunistic TLS",
        "outbound: {tls: none}",
        "outbound: {tls: opportunistic}",
        (f"stronger outbound-tls-raised: {_ALL}",),
        (f"weaker outbound-tls-lowered: {_ALL}",),
    ),
    Situation(
        "opportunistic TLS, then required",
        "outbound: {tls: opportunistic}",
        "outbound: {tls: required}",
        (f"stronger outbound-tls-raised: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker outbound-tls-lowered: {_ALL}",),
    ),
    Situation(
        "no TLS, then required",
        "outbound: {tls: none}",
        "outbound: {tls: required}",
        (f"stronger outbound-tls-raised: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker outbound-tls-lowered: {_ALL}",),
    ),
    Situation(
        "opportunistic TLS, then with DANE: a host whose record does not match gets nothing any more",
        "outbound: {tls: opportunistic}",
        "outbound: {tls: opportunistic, verify: dane}",
        (f"stronger outbound-verify-raised: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker outbound-verify-lowered: {_ALL}",),
    ),
    Situation(
        "no TLS, then opportunistic TLS with DANE",
        "outbound: {tls: none}",
        "outbound: {tls: opportunistic, verify: dane}",
        (f"stronger outbound-tls-raised: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker outbound-tls-lowered: {_ALL}",),
    ),
    Situation(
        "DANE where hosts have it, then TLS everywhere and proof nowhere: each is stronger for some hosts",
        "outbound: {tls: opportunistic, verify: dane}",
        "outbound: {tls: required}",
        (f"weaker (incomparable) outbound-tls-changed: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker (incomparable) outbound-tls-lowered: {_ALL}", f"{HELD}{_ALL}"),
    ),
    Situation(
        "DANE where hosts have it, then with everybody",
        "outbound: {tls: opportunistic, verify: dane}",
        "outbound: {tls: required, verify: dane}",
        (f"stronger outbound-tls-raised: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker outbound-tls-lowered: {_ALL}",),
    ),
    Situation(
        "required, then with the host's name",
        "outbound: {tls: required}",
        "outbound: {tls: required, verify: hostname}",
        (f"stronger outbound-verify-raised: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker outbound-verify-lowered: {_ALL}",),
    ),
    Situation(
        "required, then with DANE",
        "outbound: {tls: required}",
        "outbound: {tls: required, verify: dane}",
        (f"stronger outbound-verify-raised: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker outbound-verify-lowered: {_ALL}",),
    ),
    Situation(
        "the host's name, then DANE: two proofs, and neither is the other",
        "outbound: {tls: required, verify: hostname}",
        "outbound: {tls: required, verify: dane}",
        (f"weaker (incomparable) outbound-verify-changed: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker (incomparable) outbound-verify-changed: {_ALL}", f"{HELD}{_ALL}"),
    ),
    Situation(
        "opportunistic TLS, then required with the host's name: one change and not two",
        "outbound: {tls: opportunistic}",
        "outbound: {tls: required, verify: hostname}",
        (f"stronger outbound-tls-raised: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker outbound-tls-lowered: {_ALL}",),
    ),
    Situation(
        "the host's name required, then DANE where hosts have it",
        "outbound: {tls: required, verify: hostname}",
        "outbound: {tls: opportunistic, verify: dane}",
        (f"weaker (incomparable) outbound-tls-lowered: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker (incomparable) outbound-tls-changed: {_ALL}", f"{HELD}{_ALL}"),
    ),
)

RULES: Final = (
    Situation(
        "a rule under the default",
        "outbound: {tls: opportunistic}",
        f"outbound: {{rules: [{_GOV}]}}",
        ("stronger outbound-tls-raised: mail to *.gov.uk", f"{HELD}mail to *.gov.uk"),
        ("weaker outbound-tls-lowered: mail to *.gov.uk",),
    ),
    Situation(
        "a wildcard goes while a name below it stays",
        'outbound: {rules: [{name: gov, domains: ["*.gov.uk", hmrc.gov.uk], tls: required}]}',
        "outbound: {rules: [{name: gov, domains: [hmrc.gov.uk], tls: required}]}",
        ("weaker outbound-tls-lowered: mail to *.gov.uk (except hmrc.gov.uk)",),
        ("stronger outbound-tls-raised: mail to *.gov.uk (except hmrc.gov.uk)", f"{HELD}mail to *.gov.uk (except hmrc.gov.uk)"),
    ),
    Situation(
        "a rule by wildcard goes, and a rule of its own keeps a name below it",
        f"outbound: {{rules: [{_GOV}, {{name: tax, domains: [hmrc.gov.uk], tls: required}}]}}",
        "outbound: {rules: [{name: tax, domains: [hmrc.gov.uk], tls: required}]}",
        ("weaker outbound-tls-lowered: mail to *.gov.uk (except hmrc.gov.uk)",),
        ("stronger outbound-tls-raised: mail to *.gov.uk (except hmrc.gov.uk)", f"{HELD}mail to *.gov.uk (except hmrc.gov.uk)"),
    ),
    Situation(
        "an exception below a wildcard",
        f"outbound: {{rules: [{_GOV}]}}",
        f"outbound: {{rules: [{_GOV}, {{name: museum, domains: [museum.gov.uk], tls: opportunistic}}]}}",
        ("weaker outbound-tls-lowered: mail to museum.gov.uk",),
        ("stronger outbound-tls-raised: mail to museum.gov.uk", f"{HELD}mail to museum.gov.uk"),
    ),
    Situation(
        "an exception for a wildcard within a wildcard, with an exception to it",
        f"outbound: {{rules: [{_GOV}]}}",
        f'outbound: {{rules: [{_GOV}, {{name: museums, domains: ["*.museum.gov.uk"], tls: opportunistic}}, '
        "{name: shop, domains: [shop.museum.gov.uk], tls: required}]}",
        ("weaker outbound-tls-lowered: mail to *.museum.gov.uk (except shop.museum.gov.uk)",),
        (
            "stronger outbound-tls-raised: mail to *.museum.gov.uk (except shop.museum.gov.uk)",
            f"{HELD}mail to *.museum.gov.uk (except shop.museum.gov.uk)",
        ),
    ),
    Situation(
        "a wildcard gives way to the name above it, which it never matched",
        f"outbound: {{rules: [{_GOV}]}}",
        "outbound: {rules: [{name: gov, domains: [gov.uk], tls: required}]}",
        ("weaker outbound-tls-lowered: mail to *.gov.uk", "stronger outbound-tls-raised: mail to gov.uk", f"{HELD}mail to gov.uk"),
        ("weaker outbound-tls-lowered: mail to gov.uk", "stronger outbound-tls-raised: mail to *.gov.uk", f"{HELD}mail to *.gov.uk"),
    ),
    Situation(
        "a domain moves from a rule to a stronger one",
        "outbound: {tls: required, rules: [{name: plain, domains: [a.example, b.example], tls: none}]}",
        "outbound: {tls: required, rules: [{name: plain, domains: [a.example], tls: none}, "
        "{name: try, domains: [b.example], tls: opportunistic}]}",
        ("stronger outbound-tls-raised: mail to b.example",),
        ("weaker outbound-tls-lowered: mail to b.example",),
    ),
    Situation(
        "the default moves, and a rule stays as it is",
        f"outbound: {{tls: opportunistic, rules: [{_GOV}]}}",
        f"outbound: {{tls: none, rules: [{_GOV}]}}",
        (f"weaker outbound-tls-lowered: {_UNNAMED}",),
        (f"stronger outbound-tls-raised: {_UNNAMED}",),
    ),
    Situation(
        "what a rule required becomes the default, and the rule goes: nothing changes for those it named",
        f"outbound: {{tls: opportunistic, rules: [{_GOV}]}}",
        "outbound: {tls: required}",
        (f"stronger outbound-tls-raised: {_UNNAMED}", f"{HELD}{_UNNAMED}"),
        (f"weaker outbound-tls-lowered: {_UNNAMED}",),
    ),
    Situation(
        "two rules change in the same way, and are two changes",
        "outbound: {rules: [{name: a, domains: [a.example], tls: required}, {name: b, domains: [b.example], tls: required}]}",
        "outbound: {rules: [{name: a, domains: [a.example], tls: none}, {name: b, domains: [b.example], tls: none}]}",
        ("weaker outbound-tls-lowered: mail to a.example", "weaker outbound-tls-lowered: mail to b.example"),
        (
            "stronger outbound-tls-raised: mail to a.example", "stronger outbound-tls-raised: mail to b.example",
            f"{HELD}mail to a.example", f"{HELD}mail to b.example",
        ),
    ),
    Situation(
        "the verification that a rule inherits",
        "outbound: {tls: required, verify: none, rules: [{name: a, domains: [a.example], tls: required, verify: hostname}, "
        "{name: b, domains: [b.example], tls: required}]}",
        "outbound: {tls: required, verify: hostname, rules: [{name: a, domains: [a.example], tls: required, verify: hostname}, "
        "{name: b, domains: [b.example], tls: required}]}",
        (
            "stronger outbound-verify-raised: mail to b.example", f"{HELD}mail to b.example",
            f"stronger outbound-verify-raised: {_UNNAMED}", f"{HELD}{_UNNAMED}",
        ),
        ("weaker outbound-verify-lowered: mail to b.example", f"weaker outbound-verify-lowered: {_UNNAMED}"),
    ),
    Situation(
        "a rule's own floor",
        "outbound: {rules: [{name: bank, domains: [bank.example], tls: required}]}",
        "outbound: {rules: [{name: bank, domains: [bank.example], tls: required, minimum_version: TLSv1.3}]}",
        ("stronger outbound-floor-raised: mail to bank.example", f"{HELD}mail to bank.example"),
        ("weaker outbound-floor-lowered: mail to bank.example",),
    ),
    Situation(
        "the floor of a rule that requires nothing",
        "outbound: {rules: [{name: shop, domains: [shop.example], tls: opportunistic}]}",
        "outbound: {rules: [{name: shop, domains: [shop.example], tls: opportunistic, minimum_version: TLSv1.3}]}",
        ("plaintext-risk (incomparable) outbound-floor-raised: mail to shop.example",),
        ("weaker (incomparable) outbound-floor-lowered: mail to shop.example",),
    ),
    Situation(
        "level and floor of a rule move together: the level says it all",
        "outbound: {rules: [{name: bank, domains: [bank.example], tls: opportunistic}]}",
        "outbound: {rules: [{name: bank, domains: [bank.example], tls: required, minimum_version: TLSv1.3}]}",
        ("stronger outbound-tls-raised: mail to bank.example", f"{HELD}mail to bank.example"),
        ("weaker outbound-tls-lowered: mail to bank.example",),
    ),
    Situation(
        "verification and floor of a rule move apart",
        "outbound: {rules: [{name: bank, domains: [bank.example], tls: required, verify: hostname}]}",
        "outbound: {rules: [{name: bank, domains: [bank.example], tls: required, verify: none, minimum_version: TLSv1.3}]}",
        (
            "weaker outbound-verify-lowered: mail to bank.example",
            "stronger outbound-floor-raised: mail to bank.example", f"{HELD}mail to bank.example",
        ),
        (
            "stronger outbound-verify-raised: mail to bank.example", f"{HELD}mail to bank.example",
            "weaker outbound-floor-lowered: mail to bank.example",
        ),
    ),
)  # fmt: skip

WITHOUT_EFFECT: Final = (
    same(
        "a rule gets another name",
        f"outbound: {{rules: [{_GOV}]}}",
        'outbound: {rules: [{name: central, domains: ["*.gov.uk"], tls: required}]}',
    ),
    same(
        "a rule is split",
        "outbound: {rules: [{name: all, domains: [a.example, b.example], tls: required, verify: hostname}]}",
        "outbound: {rules: [{name: a, domains: [a.example], tls: required, verify: hostname}, "
        "{name: b, domains: [b.example], tls: required, verify: hostname}]}",
    ),
    same(
        "rules and their domains stand in another order",
        f"outbound: {{rules: [{_GOV}, {{name: try, domains: [a.gov.uk, b.gov.uk], tls: opportunistic}}]}}",
        f"outbound: {{rules: [{{name: try, domains: [b.gov.uk, a.gov.uk], tls: opportunistic}}, {_GOV}]}}",
    ),
    same(
        "domains move to a named list",
        "outbound: {rules: [{name: a, domains: [a.example, b.example], tls: required}]}",
        "lists: {partners: [b.example, a.example]}\noutbound: {rules: [{name: a, domains: [{list: partners}], tls: required}]}",
    ),
    same(
        "domains move to a file, in capitals",
        "outbound: {rules: [{name: a, domains: [a.example, b.example], tls: required}]}",
        "outbound: {rules: [{name: a, domains: [{file: partners.txt}], tls: required}]}",
        partners="# since May\nA.Example\nb.example\n",
    ),
    same(
        "a list is shared by an anchor",
        "outbound: {rules: [{name: a, domains: [a.example], tls: required}]}\ninbound: {rules: [{name: a, senders: [a.example], "
        "tls: required}]}",
        "outbound: {rules: [{name: a, domains: &ours [a.example], tls: required}]}\ninbound: {rules: [{name: a, senders: *ours, "
        "tls: required}]}",
    ),
    same(
        "a name is written as A-label",
        "outbound: {rules: [{name: a, domains: [bücher.example], tls: required}]}",
        "outbound: {rules: [{name: a, domains: [xn--bcher-kva.example], tls: required}]}",
    ),
    same(
        "a rule repeats the default",
        "outbound: {tls: opportunistic}",
        "outbound: {rules: [{name: a, domains: [a.example], tls: opportunistic}]}",
    ),
    same(
        "a rule repeats, for a part, what a wider one says",
        f"outbound: {{rules: [{_GOV}]}}",
        f'outbound: {{rules: [{_GOV}, {{name: tax, domains: ["*.hmrc.gov.uk", hmrc.gov.uk], tls: required}}]}}',
    ),
    same("what was the default is said", "", "outbound: {tls: opportunistic, verify: none}\ninbound: {tls: opportunistic}"),
    same(
        "a floor of a rule that is the general one",
        f"outbound: {{rules: [{_GOV}]}}",
        'outbound: {rules: [{name: gov, domains: ["*.gov.uk"], tls: required, minimum_version: TLSv1.2}]}',
    ),
    same("a floor where there is no TLS", "outbound: {tls: none}\ninbound: {tls: none}",
         "outbound: {tls: none}\ninbound: {tls: none}\ntls: {minimum_version: TLSv1.3}"),
    same("a description", "description: Edge", "description: The edge of the revenue department"),
    same("names of a certificate that other names cover", _MX % ', mx: ["*.a.example"]', _MX % ', mx: ["*.a.example", mx.a.example]'),
    same("trust anchors that nothing needs", "outbound: {trust_anchors: /etc/ssl/a.pem}", "outbound: {trust_anchors: /etc/ssl/b.pem}"),
)  # fmt: skip

_PARTNER: Final = "mail to partner.example"
NAMES: Final = (
    Situation(
        "a certificate may be for fewer names",
        _MX % ", mx: [mx1.a.example, mx2.a.example]",
        _MX % ", mx: [mx1.a.example]",
        (f"stronger outbound-mx-narrowed: {_PARTNER}", f"{HELD}{_PARTNER}"),
        (f"weaker outbound-mx-widened: {_PARTNER}",),
    ),
    Situation(
        "a certificate may be for one name that a wildcard matched",
        _MX % ', mx: ["*.a.example"]',
        _MX % ", mx: [mx1.a.example]",
        (f"stronger outbound-mx-narrowed: {_PARTNER}", f"{HELD}{_PARTNER}"),
        (f"weaker outbound-mx-widened: {_PARTNER}",),
    ),
    Situation(
        "a certificate must be for another name",
        _MX % ", mx: [mx1.a.example]",
        _MX % ", mx: [mx1.b.example]",
        (f"weaker (incomparable) outbound-mx-changed: {_PARTNER}", f"{HELD}{_PARTNER}"),
        (f"weaker (incomparable) outbound-mx-changed: {_PARTNER}", f"{HELD}{_PARTNER}"),
    ),
    Situation(
        "names come in the place of the one that DNS gave",
        _MX % "",
        _MX % ", mx: [mx1.a.example]",
        (f"weaker (incomparable) outbound-mx-changed: {_PARTNER}", f"{HELD}{_PARTNER}"),
        (f"weaker (incomparable) outbound-mx-changed: {_PARTNER}", f"{HELD}{_PARTNER}"),
    ),
    Situation(
        "another file of trust anchors",
        f"outbound: {{trust_anchors: /etc/ssl/a.pem, rules: [{_GOV}, {{name: a, domains: [a.example], tls: required, verify: hostname}}]}}",
        f"outbound: {{trust_anchors: /etc/ssl/b.pem, rules: [{_GOV}, {{name: a, domains: [a.example], tls: required, verify: hostname}}]}}",
        ("weaker (incomparable) outbound-trust-anchors-changed: mail to a.example",),
        ("weaker (incomparable) outbound-trust-anchors-changed: mail to a.example",),
    ),
)

_SMART: Final = 'outbound: {smarthost: "[relay.example]:587", rules: [%s]}'
_WHOLE: Final = "all mail, which goes to [relay.example]:587"
HOPS: Final = (
    Situation(
        "a rule for a fixed hop",
        "outbound: {tls: opportunistic}",
        f"outbound: {{rules: [{_HOP % ''}]}}",
        ("stronger outbound-tls-raised: mail by way of [relay.example]:25", f"{HELD}mail by way of [relay.example]:25"),
        ("weaker outbound-tls-lowered: mail by way of [relay.example]:25",),
    ),
    same("a hop says the port that it had", f"outbound: {{rules: [{_HOP % ''}]}}", f"outbound: {{rules: [{_HOP % ':25'}]}}"),
    Situation(
        "a hop has another port, which is another hop",
        f"outbound: {{rules: [{_HOP % ''}]}}",
        f"outbound: {{rules: [{_HOP % ':587'}]}}",
        (
            "weaker outbound-tls-lowered: mail by way of [relay.example]:25",
            "stronger outbound-tls-raised: mail by way of [relay.example]:587", f"{HELD}mail by way of [relay.example]:587",
        ),
        (
            "weaker outbound-tls-lowered: mail by way of [relay.example]:587",
            "stronger outbound-tls-raised: mail by way of [relay.example]:25", f"{HELD}mail by way of [relay.example]:25",
        ),
    ),
    Situation(
        "a smarthost comes, on the same terms",
        "outbound: {tls: opportunistic}",
        'outbound: {smarthost: "[relay.example]:587"}',
        ("neutral smarthost-changed: all mail",),
        ("neutral smarthost-changed: all mail",),
    ),
    Situation(
        "a smarthost is required to speak TLS",
        _SMART % "",
        _SMART % (_HOP % ":587"),
        (f"stronger outbound-tls-raised: {_WHOLE}", f"{HELD}{_WHOLE}"),
        (f"weaker outbound-tls-lowered: {_WHOLE}",),
    ),
    Situation(
        "a smarthost moves to a port that no rule names",
        _SMART % (_HOP % ":587"),
        'outbound: {smarthost: "[relay.example]", rules: [%s]}' % (_HOP % ":587"),
        ("weaker outbound-tls-lowered: all mail, which goes to [relay.example]:25", "neutral smarthost-changed: all mail"),
        (f"stronger outbound-tls-raised: {_WHOLE}", f"{HELD}{_WHOLE}", "neutral smarthost-changed: all mail"),
    ),
    same("a rule for a hop that is not the smarthost's", _SMART % "", _SMART % (_HOP % "")),
)  # fmt: skip

SITUATIONS: Final = (*LEVELS, *RULES, *WITHOUT_EFFECT, *NAMES, *HOPS)
