"""What a probe found, as text for people and as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tlsconf.report.discrepancies import block, unicode_fields
from tlsconf.report.text import printable, unicode_only

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from tlsconf.live.probed import Probed

FORMAT: Final = 1


def probed_text(servers: Iterable[Probed]) -> str:
    """Return for each server what it accepts, a block for each discrepancy, a line for what was not tested, and the answer."""
    return "\n".join(line for item in servers for line in _lines(item))


def probed_json(servers: Sequence[Probed]) -> str:
    """Return an object with `format`, the servers `probed` with what they accept, `findings`, and what was `not_tested`."""
    probed = [
        {"server": item.server, "address": item.address, "host": item.host, "suites": item.seen.suites, "groups": item.seen.groups}
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
    for found in item.found:
        yield block(found._replace(message=f"{item.server}: {found.message}")).rstrip("\n")
    for each in item.untested:
        yield printable(f"not tested, {each.id}: {item.server}: {each.message}")
    warnings = len(item.found) - item.errors
    counts = [f"{item.errors} error(s)" if item.errors else "does what the profile says"]
    counts += [f"{warnings} warning(s)"] * bool(warnings) + [f"{len(item.untested)} not tested"] * bool(item.untested)
    subject = item.server if item.address in item.server else f"{item.server} ({item.address})"
    yield f"{subject}: {', '.join(counts)}"
