"""Makes passages of days of mail, for tests that start behind the reading of logs."""

from __future__ import annotations

import time

from tlsconf.tls import Version
from tlsconf.traffic.evidence import Passage, Proof, Session

FIRST = time.mktime((2026, 10, 1, 12, 0, 0, 0, 0, -1))
A_DAY = 86_400
SUITES = {
    Version.TLSv1_3: "TLS_AES_256_GCM_SHA384",
    Version.TLSv1_2: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    Version.TLSv1_1: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    Version.TLSv1_0: "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
}


def session(version: Version | None = Version.TLSv1_3, proof: Proof = Proof.TRUSTED, **more: object) -> Session:
    """Return a session with a usual suite of its version."""
    return Session(**{"version": version, "suite": SUITES.get(version) if version else None, "proof": proof, **more})  # type: ignore[arg-type]


def passage(domain: str | None, made: Session | None = None, day: int = 0, **more: object) -> Passage:
    """Return a message that was sent, `day` days after the first of October 2026, in clear text where no session is given."""
    host = f"mx.{domain}"
    values = {
        "when": FIRST + day * A_DAY,
        "server": "mx1",
        "sent": True,
        "domain": domain,
        "host": host,
        "address": "192.0.2.1",
        "port": 25,
    }
    values |= {"queue_id": None, "result": "delivered", "session": made}
    return Passage(**{**values, **more})  # type: ignore[arg-type]


def mail(domain: str | None, made: Session | None = None, messages: int = 20, days: int = 7, **more: object) -> list[Passage]:
    """Return many such messages, spread over days."""
    return [passage(domain, made, number % days, **more) for number in range(messages)]
