"""What an administrator should know about a plan, beside its steps and limitations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlsconf.mta.postfix import releases
from tlsconf.mta.postfix.sessions import has_old_versions
from tlsconf.policy import Level, OnPlaintext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlsconf.mta.postfix.sessions import Use
    from tlsconf.policy import Policy, Release

_MANY_PATTERNS: Final = 1000


def notes(policy: Policy, release: Release, found: tuple[Use, ...], *, keeps_restrictions: bool) -> Iterator[str]:
    """Yield what holds for this policy and release; a note of something unsafe or unsure begins with `warning: `.

    `keeps_restrictions` says that the site has sender restrictions of its own after ours.
    """
    outbound = policy.outbound
    if releases.is_unknown(release):
        yield f"warning: Postfix {release.text} is newer than the newest release known, {releases.KNOWN[-1]}, and is treated like that one."
    if has_old_versions(found):
        yield (
            "warning: TLS 1.0 or 1.1 is allowed. OpenSSL 3 has these versions at its security level 0 only, where it also accepts short "
            "keys and old signatures in certificates."
        )
    if releases.has(release, "config_file"):
        yield (
            "Postfix reads its own openssl.cnf in place of the system's: settings made there (crypto policies, engines, a FIPS provider) "
            "do not reach Postfix. A missing file switches TLS off; the check finds that."
        )
    if Level.OPPORTUNISTIC in {outbound.tls, *(rule.tls for rule in outbound.rules)}:
        yield (
            "Opportunistic mail whose handshake fails stays in the queue first, and goes in clear text at an attempt later than "
            "`minimal_backoff_time` (300 seconds) after its arrival."
        )
    if any(rule.senders for rule in policy.inbound.rules):
        yield "A sender rule also refuses mail of that sender that another host forwards here without TLS."
    patterns = sum(len(rule.senders) for rule in policy.inbound.rules)
    if patterns > _MANY_PATTERNS:
        yield (
            f"warning: the {patterns} sender patterns are searched one after another by each smtpd process; 10,000 of them took 85 MB and "
            "8 milliseconds for each message."
        )
    if keeps_restrictions and any(rule.on_plaintext is OnPlaintext.DEFER for rule in policy.inbound.rules):
        yield (
            "For messages that a rule with `on_plaintext: defer` matches, what the site's own entries in `smtpd_sender_restrictions` "
            "refuse for good is refused for now (450), also in a TLS session: Postfix's `defer_if_reject` reaches to the end of that list."
        )
    if outbound.smarthost is None:
        yield (
            "Without a smarthost, `relayhost` must be empty. A fixed next hop from `transport_maps`, `sender_dependent_relayhost_maps` or "
            "`smtp_fallback_relay` follows the rule of that next hop, not that of the recipient's domain: name it under `next_hops`."
        )
    if policy.server.certificates:
        yield "Postfix logs a warning while `smtpd_tls_cert_file` or its like is set beside `smtpd_tls_chain_files`, which wins."
    else:
        yield "The profile names no certificate: the listener keeps those of `smtpd_tls_cert_file` and its like."
    yield "A parameter given with `-o` in master.cf wins over main.cf for that service: see `postconf -P '*/*/*' | grep tls`."
