"""What a probe found, as text for people and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tlsconf.report.discrepancies import block, unicode_fields
from tlsconf.report.text import printable, unicode_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tlsconf.live.probed import Presented, Probed

FORMAT: Final = 1


def probed_text(servers: Iterable[Probed]) -> str:
    """Return for each server what it accepts, a block for each discrepancy, a line for what was not tested, and the answer."""
    return "\n".join(line for item in servers for line in _lines(item))


def probed_json(servers: Sequence[Probed]) -> str:
    """Return an object with `format`, the servers `probed` with what they accept, `findings`, and what was `not_tested`."""
    probed = [
        {"server": item.server, "address": item.address, "host": item.host, "suites": item.seen.suites, "groups": item.seen.groups}
        | {"certificates": [{"key": each.key, "until": _date(each)} for each in item.seen.certificates], "whole": item.is_whole}
        for item in servers
    ]
    findings = [{"server": item.server, **unicode_fields(found)} for item in servers for found in item.found]
    untested = [{"server": item.server, "id": each.id, "message": unicode_only(each.message)} for item in servers for each in item.untested]
    return json.dumps({"format": FORMAT, "probed": probed, "findings": findings, "not_tested": untested}, indent=2)


def _lines(item: Probed) -> Iterator[str]:
    for version, suites in item.seen.suites.items():
        yield f"{item.server} accepts {version}: {', '.join(suites)}"
    for version, groups in item.seen.groups.items():
        yield f"{item.server} accepts groups in {version}: {', '.join(groups)}"
    for each in item.seen.certificates:
        yield f"{item.server} presents a certificate with a key of {each.key}, until {_date(each) or 'a time that is not known'}"
    for found in item.found:
        yield block(found._replace(message=f"{item.server}: {found.message}")).rstrip("\n")
    for left in item.untested:
        yield printable(f"not tested, {left.id}: {item.server}: {left.message}")
    warnings = len(item.found) - item.errors
    well = "does what the profile says" if item.is_whole else "nothing wrong was found, but it could not be looked at to the end"
    counts = [f"{item.errors} error(s)" if item.errors else well]
    counts += [f"{warnings} warning(s)"] * bool(warnings) + [f"{len(item.untested)} not tested"] * bool(item.untested)
    subject = item.server if item.address in item.server else f"{item.server} ({item.address})"
    yield f"{subject}: {', '.join(counts)}"


def _date(certificate: Presented) -> str | None:
    """Return the end of a certificate's time in UTC, as RFC 3339 has it."""
    from datetime import UTC, datetime

    return None if certificate.until is None else datetime.fromtimestamp(certificate.until, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
