"""What a session may be: floors, suites and groups, where TLS is required and where nobody requires it."""

from __future__ import annotations

from typing import Final

from tests.diff.table import GOOD, HELD, OLD, REFUSED, S13, STRONG, Situation, same

_ALL: Final = "mail to every destination"
_CLIENTS: Final = "mail from every client"
_GOV: Final = "mail to *.gov.uk"
# One rule that requires TLS; all other mail, in both directions, goes by `tls.opportunistic`.
_RULE: Final = '\noutbound: {rules: [{name: gov, domains: ["*.gov.uk"], tls: required}]}'
_LISTED: Final = f"cipher_suites: [{S13}, {STRONG}, {GOOD}]"
_HYBRID: Final = "groups: [X25519MLKEM768, X25519]"


def _both(finding: str, *ids: str) -> tuple[str, ...]:
    """Return a finding for mail that is sent to all and for mail that is received from all."""
    return tuple(f"{finding} {side}-{id_}: {whom}" for id_ in ids for side, whom in (("outbound", _ALL), ("inbound", _CLIENTS)))


FLOORS: Final = (
    Situation(
        "a floor for mail that nobody requires TLS for",
        "tls: {minimum_version: TLSv1.2}",
        "tls: {minimum_version: TLSv1.3}",
        _both("plaintext-risk (incomparable)", "floor-raised"),
        _both("weaker (incomparable)", "floor-lowered"),
    ),
    Situation(
        "the floor of required TLS alone: the other one is held where it was",
        "tls: {minimum_version: TLSv1.2, opportunistic: {minimum_version: TLSv1.2}}" + _RULE,
        "tls: {minimum_version: TLSv1.3, opportunistic: {minimum_version: TLSv1.2}}" + _RULE,
        (f"stronger outbound-floor-raised: {_GOV}", f"{HELD}{_GOV}"),
        (f"weaker outbound-floor-lowered: {_GOV}",),
    ),
    Situation(
        "one floor for all, for a rule and for those that no rule names",
        "tls: {minimum_version: TLSv1.2}" + _RULE,
        "tls: {minimum_version: TLSv1.3}" + _RULE,
        (
            f"stronger outbound-floor-raised: {_GOV}", f"{HELD}{_GOV}",
            "plaintext-risk (incomparable) outbound-floor-raised: mail to every destination that no rule names",
            f"plaintext-risk (incomparable) inbound-floor-raised: {_CLIENTS}",
        ),
        (
            f"weaker outbound-floor-lowered: {_GOV}",
            "weaker (incomparable) outbound-floor-lowered: mail to every destination that no rule names",
            f"weaker (incomparable) inbound-floor-lowered: {_CLIENTS}",
        ),
    ),
    Situation(
        "the section for opportunistic TLS goes, and the floor of required TLS counts there too",
        "tls: {minimum_version: TLSv1.3, opportunistic: {minimum_version: TLSv1.2}}",
        "tls: {minimum_version: TLSv1.3}",
        _both("plaintext-risk (incomparable)", "floor-raised"),
        _both("weaker (incomparable)", "floor-lowered"),
    ),
    same(
        "the section for opportunistic TLS says what holds anyway",
        f"tls: {{minimum_version: TLSv1.2, {_LISTED}}}" + _RULE,
        f"tls: {{minimum_version: TLSv1.2, {_LISTED}, opportunistic: {{minimum_version: TLSv1.2, {_LISTED}}}}}" + _RULE,
    ),
    Situation(
        "a floor below what any suite of the list can do",
        f"tls: {{minimum_version: TLSv1.2, {_LISTED}}}",
        f"tls: {{minimum_version: TLSv1.0, {_LISTED}}}",
        _both("neutral", "floor-lowered"),
        _both("neutral", "floor-raised"),
    ),
    Situation(
        "a floor below which a suite of the list is known",
        f"tls: {{minimum_version: TLSv1.2, cipher_suites: [{S13}, {STRONG}, {OLD}]}}",
        f"tls: {{minimum_version: TLSv1.0, cipher_suites: [{S13}, {STRONG}, {OLD}]}}",
        _both("weaker (incomparable)", "floor-lowered"),
        _both("plaintext-risk (incomparable)", "floor-raised"),
    ),
    Situation(
        "a rule that requires TLS overrides both floors, and is untouched when they move",
        'tls: {minimum_version: TLSv1.2}\noutbound: {rules: [{name: gov, domains: ["*.gov.uk"], tls: required, minimum_version: TLSv1.3}]}',
        'tls: {minimum_version: TLSv1.3}\noutbound: {rules: [{name: gov, domains: ["*.gov.uk"], tls: required, minimum_version: TLSv1.3}]}',
        (
            "plaintext-risk (incomparable) outbound-floor-raised: mail to every destination that no rule names",
            f"plaintext-risk (incomparable) inbound-floor-raised: {_CLIENTS}",
        ),
        (
            "weaker (incomparable) outbound-floor-lowered: mail to every destination that no rule names",
            f"weaker (incomparable) inbound-floor-lowered: {_CLIENTS}",
        ),
    ),
    Situation(
        "a floor for everybody, where everybody is required to use TLS in both directions",
        "tls: {minimum_version: TLSv1.2}\noutbound: {tls: required}\ninbound: {tls: required}",
        "tls: {minimum_version: TLSv1.3}\noutbound: {tls: required}\ninbound: {tls: required}",
        (*_both("stronger", "floor-raised"), f"{HELD}{_ALL}", f"{REFUSED}{_CLIENTS}"),
        _both("weaker", "floor-lowered"),
    ),
    Situation(
        "the floor of required TLS, which holds too where DANE makes opportunistic TLS mandatory",
        "tls: {minimum_version: TLSv1.2, opportunistic: {minimum_version: TLSv1.2}}\noutbound: {verify: dane}",
        "tls: {minimum_version: TLSv1.3, opportunistic: {minimum_version: TLSv1.2}}\noutbound: {verify: dane}",
        (f"stronger outbound-floor-raised: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker outbound-floor-lowered: {_ALL}",),
    ),
)  # fmt: skip

SUITES: Final = (
    Situation(
        "a suite of opportunistic TLS",
        f"tls: {{cipher_suites: [{S13}, {STRONG}]}}",
        f"tls: {{cipher_suites: [{S13}, {STRONG}, {GOOD}]}}",
        _both("weaker (incomparable)", "suites-widened"),
        _both("plaintext-risk (incomparable)", "suites-narrowed"),
    ),
    Situation(
        "a suite of required TLS alone",
        f"tls: {{cipher_suites: [{S13}, {STRONG}], opportunistic: {{{_LISTED}}}}}" + _RULE,
        f"tls: {{{_LISTED}}}" + _RULE,
        (f"weaker outbound-suites-widened: {_GOV}",),
        (f"stronger outbound-suites-narrowed: {_GOV}", f"{HELD}{_GOV}"),
    ),
    Situation(
        "one suite of required TLS for another",
        f"tls: {{cipher_suites: [{S13}, {STRONG}], opportunistic: {{{_LISTED}}}}}" + _RULE,
        f"tls: {{cipher_suites: [{S13}, {GOOD}], opportunistic: {{{_LISTED}}}}}" + _RULE,
        (f"weaker (incomparable) outbound-suites-replaced: {_GOV}", f"{HELD}{_GOV}"),
        (f"weaker (incomparable) outbound-suites-replaced: {_GOV}", f"{HELD}{_GOV}"),
    ),
    Situation(
        "one suite of opportunistic TLS for another",
        f"tls: {{cipher_suites: [{S13}, {STRONG}]}}",
        f"tls: {{cipher_suites: [{S13}, {GOOD}]}}",
        _both("plaintext-risk (incomparable)", "suites-replaced"),
        _both("plaintext-risk (incomparable)", "suites-replaced"),
    ),
    Situation(
        "more suites where TLS is required than where it is not: neither level is as strong as the other",
        f"tls: {{{_LISTED}, opportunistic: {{cipher_suites: [{S13}, {STRONG}]}}}}\noutbound: {{tls: opportunistic}}",
        f"tls: {{{_LISTED}, opportunistic: {{cipher_suites: [{S13}, {STRONG}]}}}}\noutbound: {{tls: required}}",
        (f"weaker (incomparable) outbound-tls-changed: {_ALL}", f"{HELD}{_ALL}"),
        (f"weaker (incomparable) outbound-tls-lowered: {_ALL}",),
    ),
    Situation(
        "the same suites in another order",
        f"tls: {{cipher_suites: [{S13}, {STRONG}, {GOOD}]}}",
        f"tls: {{cipher_suites: [{S13}, {GOOD}, {STRONG}]}}",
        _both("neutral", "preference-changed"),
        _both("neutral", "preference-changed"),
    ),
    Situation(
        "a suite that the floor leaves no version for",
        f"tls: {{minimum_version: TLSv1.3, cipher_suites: [{S13}]}}",
        f"tls: {{minimum_version: TLSv1.3, cipher_suites: [{S13}, {STRONG}]}}",
        _both("neutral", "suites-widened"),
        _both("neutral", "suites-narrowed"),
    ),
    Situation(
        "whose order of suites decides, which is a matter of the server alone",
        "tls: {prefer_server_order: true}",
        "tls: {prefer_server_order: false}",
        (f"neutral inbound-preference-changed: {_CLIENTS}",),
        (f"neutral inbound-preference-changed: {_CLIENTS}",),
    ),
    same("suites are written out that held by default", "",
         "tls: {cipher_suites: [TLS_AES_256_GCM_SHA384, TLS_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "
         "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]}"),
)  # fmt: skip

GROUPS: Final = (
    Situation(
        "a group of opportunistic TLS",
        "tls: {groups: [X25519, secp256r1]}",
        "tls: {groups: [X25519]}",
        _both("plaintext-risk", "groups-narrowed"),
        _both("neutral", "groups-widened"),
    ),
    Situation(
        "a group of required TLS alone",
        "tls: {groups: [X25519, secp256r1], opportunistic: {groups: [X25519, secp256r1]}}" + _RULE,
        "tls: {groups: [X25519], opportunistic: {groups: [X25519, secp256r1]}}" + _RULE,
        (f"delivery-risk outbound-groups-narrowed: {_GOV}",),
        (f"neutral outbound-groups-widened: {_GOV}",),
    ),
    Situation(
        "a group for another",
        "tls: {groups: [X25519, secp256r1]}",
        "tls: {groups: [X25519, secp384r1]}",
        _both("plaintext-risk", "groups-replaced"),
        _both("plaintext-risk", "groups-replaced"),
    ),
    Situation(
        "the last hybrid group",
        f"tls: {{{_HYBRID}}}",
        "tls: {groups: [X25519]}",
        _both("weaker", "hybrid-lost"),
        _both("stronger", "hybrid-gained"),
    ),
    Situation(
        "a hybrid group, where another one stays",
        "tls: {groups: [X25519MLKEM768, SecP256r1MLKEM768, X25519]}",
        f"tls: {{{_HYBRID}}}",
        _both("plaintext-risk", "groups-narrowed"),
        _both("neutral", "groups-widened"),
    ),
    Situation(
        "the same groups in another order",
        "tls: {groups: [X25519, secp256r1]}",
        "tls: {groups: [secp256r1, X25519]}",
        _both("neutral", "preference-changed"),
        _both("neutral", "preference-changed"),
    ),
)

SITUATIONS: Final = (*FLOORS, *SUITES, *GROUPS)
