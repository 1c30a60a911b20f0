"""Policies made by hand, for tests that start behind `resolve()`."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from tlsconf.policy import (
    Certificate,
    Inbound,
    InboundRule,
    Level,
    NextHop,
    OnPlaintext,
    Outbound,
    OutboundRule,
    Parameters,
    Policy,
    Release,
    Server,
    Target,
    Verify,
)
from tlsconf.tls import Version

SUITES = (
    "TLS_AES_256_GCM_SHA384",
    "TLS_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
)
PARAMETERS = Parameters(Version.TLSv1_2, SUITES, ("X25519", "secp256r1", "secp384r1"), prefer_server_order=True)
ANCHORS = "/etc/ssl/certs/ca-certificates.crt"
CERTIFICATE = Certificate("/etc/ssl/tlsconf/chain.pem", "/etc/ssl/tlsconf/key.pem")

RULES = (
    OutboundRule("central", Level.REQUIRED, Verify.HOSTNAME, domains=("*.gov.uk", "police.uk")),
    OutboundRule("modern", Level.REQUIRED, Verify.NONE, Version.TLSv1_3, domains=("bank.example",)),
    OutboundRule(
        "partner", Level.REQUIRED, Verify.HOSTNAME, mx=("*.mail.partner.example", "mx.partner.example"), domains=("partner.example",)
    ),
    OutboundRule(
        "lab-relay", Level.REQUIRED, Verify.NONE, next_hops=(NextHop("relay.lab.example", 25), NextHop("relay2.lab.example", 587))
    ),
)
INBOUND_RULES = (
    InboundRule("bank", senders=("bank.example", "*.bank.example")),
    InboundRule("site-link", clients=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")), on_plaintext=OnPlaintext.DEFER),
)


def make_policy(**changes: Any) -> Policy:
    """Return a policy with rules of every kind; `changes` replace fields of Policy, Outbound (`outbound_*`) or Inbound (`inbound_*`)."""
    outbound = {"tls": Level.OPPORTUNISTIC, "verify": Verify.NONE, "trust_anchors": ANCHORS, "smarthost": None, "rules": RULES}
    inbound = {"tls": Level.OPPORTUNISTIC, "exempt_clients": (ip_network("127.0.0.0/8"), ip_network("::1")), "rules": INBOUND_RULES}
    fields: dict[str, Any] = {}
    for key, value in changes.items():
        if key.startswith("outbound_"):
            outbound[key.removeprefix("outbound_")] = value
        elif key.startswith("inbound_"):
            inbound[key.removeprefix("inbound_")] = value
        else:
            fields[key] = value
    values: dict[str, Any] = {
        "name": "sample",
        "description": "",
        "host": None,
        "server": Server("mx.sample.example", (CERTIFICATE,)),
        "required": PARAMETERS,
        "opportunistic": PARAMETERS,
        "outbound": Outbound(**outbound),  # type: ignore[arg-type]
        "inbound": Inbound(**inbound),  # type: ignore[arg-type]
        "targets": (),
    }
    return Policy(**{**values, **fields})


def make_target(
    name: Any, release: str, *, platform: str | None = None, library: str = "openssl", version: tuple[int, ...] | None = None, **more: Any
) -> Target:
    """Return a target for a release such as `3.7.11`; `version` is that of the TLS library, known only with a platform."""
    parts = [int(part) for part in release.split(".")]
    number = tuple([*parts, 0, 0, 0, 0][:4])
    return Target(name, Release(release, number, platform), library, version, platform, **more)  # type: ignore[arg-type]
