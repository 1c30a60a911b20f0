"""Which limitations of a server explain what a probe finds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tlsconf.live.discrepancy import Discrepancy
    from tlsconf.plan import Limitation

# By the id of what is found. A limitation that names suites explains those alone.
ALLOWANCES: Final[dict[str, frozenset[str]]] = {
    "suite-accepted": frozenset(
        {
            "postfix-tls13-suites-fixed",
            "postfix-tls13-suites-shared",
            "exim-gnutls-suites-added",
            "exim-openssl-tls13-suites",
            "sendmail-library-tls13-suites",
            "sendmail-one-suite-list",
        }
    ),
    "suite-refused": frozenset(
        {
            "postfix-tls13-suites-fixed",
            "postfix-tls13-suites-shared",
            "exim-gnutls-server-dhe",
            "exim-openssl-tls13-suites",
            "sendmail-library-tls13-suites",
            "sendmail-server-dhe",
        }
    ),
    "group-accepted": frozenset({"postfix-groups-shared", "exim-gnutls-groups", "exim-openssl-groups-inbound", "sendmail-library-groups"}),
    "group-refused": frozenset(
        {
            "postfix-group-unavailable",
            "exim-gnutls-groups",
            "exim-openssl-groups-inbound",
            "sendmail-library-groups",
            "sendmail-server-dhe",
        }
    ),
    "version-refused": frozenset({"exim-openssl-floor-raised", "sendmail-security-level", "sendmail-system-minimum"}),
    "rule-version-accepted": frozenset({"postfix-inbound-rule-version"}),
}


def allowed_for(item: Discrepancy, limitations: Iterable[Limitation], *, rule: str | None = None, suite: str | None = None) -> Discrepancy:
    """Return a warning that names the limitation where one explains what is found, of a rule or of a suite; else the error as it is."""
    for limitation in limitations:
        of_rule = rule is None or not limitation.rules or rule in limitation.rules
        of_suite = suite is None or "TLS_" not in limitation.message or suite in limitation.message
        if limitation.id in ALLOWANCES.get(item.id, ()) and of_rule and of_suite:
            return item._replace(severity="warning", message=f"{item.message} (limitation {limitation.id})", remedy="")
    return item
