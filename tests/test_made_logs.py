"""The logs that speed is measured with: as the servers write them, and the same each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.made_logs import write
from tests.traffic.lines import read_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("server", ["postfix", "sendmail", "exim"])
def test_all_of_a_made_log_is_understood(server: str, tmp_path: Path) -> None:
    log, again = tmp_path / "log", tmp_path / "again"
    write(log, server, 500_000)
    write(again, server, 500_000)
    assert log.read_bytes() == again.read_bytes()
    found, reading = read_files(log)
    assert (reading.unknown, reading.troubles, reading.lost) == (0, [], [])
    sent = [passage for passage in found if passage.sent]
    assert len(found) > len(sent) > 100
    assert all(passage.session for passage in sent if passage.domain and passage.domain.startswith("partner"))
    assert {passage.session is None for passage in sent if passage.result == "delivered"} == {True, False}
