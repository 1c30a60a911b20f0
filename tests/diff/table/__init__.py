"""Situations: two profiles each, and what is to be found when one becomes the other, decided by the law and not by running the code."""

from __future__ import annotations

from typing import Final, NamedTuple

S13: Final = "TLS_AES_256_GCM_SHA384"
STRONG: Final = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
GOOD: Final = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
OLD: Final = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"  # the one of these that TLS 1.0 and 1.1 have
HELD: Final = "delivery-risk outbound-may-be-held: "
REFUSED: Final = "delivery-risk inbound-may-be-refused: "


class Situation(NamedTuple):
    """Two profiles, without the head that all share, and the findings from the first to the second and back.

    A finding is `KIND ID: SUBJECT`, with `KIND (incomparable)` where neither side is as strong as the other for everybody. `files` lie
    beside both profiles.
    """

    name: str
    one: str
    other: str
    there: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    files: dict[str, str] = {}  # noqa: RUF012  (nobody changes it)


def same(name: str, one: str, other: str, **files: str) -> Situation:
    """Return a situation in which nothing changes; `files` are lists (`partners` for `partners.txt`)."""
    return Situation(name, one, other, files={f"{key}.txt": text for key, text in files.items()})
