"""The page of `tlsconf logs`, looked at in a real browser."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import Browser, browser
from tlsconf.report.traffic_html import traffic_html
from tlsconf.tls import Version
from tlsconf.traffic.counts import Counts
from tlsconf.traffic.evidence import Failure, Passage, Proof, Session
from tlsconf.traffic.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.programs
HOSTILE = (
    "<img src=https://attacker.example/x onerror=document.title='owned'>\"'</td></script><script>document.title='owned'</script>\x1b[31m"
)
BARS = """return [...document.querySelectorAll('#picture-sent rect')].map(r => [
    r.querySelector('title').textContent, r.getBoundingClientRect().height, getComputedStyle(r).fill])"""
DOMAINS = "return [...document.querySelectorAll('#domains tbody tr')].map(r => r.cells[0].textContent)"


def noon(day: int, month: int = 11, year: int = 2026) -> float:
    return time.mktime((year, month, day, 12, 0, 0, 0, 0, -1))


def passage(domain: str | None, day: float, version: Version | None, **more: Any) -> Passage:
    session = None if version is None else Session(version, "X", "TLS_AES_256_GCM_SHA384", 256, None, Proof.VERIFIED)
    first = Passage(
        day, "mx", sent=True, domain=domain, host=None, address=None, port=25, queue_id=None, result="delivered", session=session
    )
    return first._replace(**more)


def page_of(*found: Passage) -> str:
    counts, reading = Counts(), Reading()
    for item in found:
        counts.add(item)
    reading.advance(len(found), 0)
    reading.not_understood(b"TLS " + HOSTILE.encode())
    return traffic_html(counts, reading)


@pytest.fixture(scope="module")
def window() -> Iterator[Browser]:
    with browser() as found:
        yield found


@pytest.fixture
def page(window: Browser, tmp_path: Path) -> Browser:
    file = tmp_path / "page.html"
    file.write_text(
        page_of(
            *[passage("b.example", noon(1), Version.TLSv1_3)] * 10,
            *[passage("a.example", noon(3), Version.TLSv1_2)] * 2,
            *[passage("a.example", noon(3), None)] * 8,
            *[passage("c.example", noon(3), Version.TLSv1_3, failure=Failure.HANDSHAKE)] * 5,
            passage(HOSTILE, noon(2), None, result="deferred"),
        )
    )
    window.console(), window.requests()
    window.open(file.as_uri())
    return window


def test_the_picture_has_a_bar_for_each_version_and_day(page: Browser) -> None:
    bars = page.run(BARS)
    heights = {title: height for title, height, _ in bars}
    assert list(heights) == [
        "2026-11-01: TLSv1.3, 10 messages",
        "2026-11-03: clear text, 8 messages",
        "2026-11-03: TLSv1.2, 2 messages",
        "2026-11-03: TLSv1.3, 5 messages",
    ]
    tall = heights["2026-11-01: TLSv1.3, 10 messages"]
    assert [round(10 * height / tall, 1) for height in heights.values()] == [10, 8, 2, 5]
    fills = {title.split(": ")[1].split(",")[0]: fill for title, _, fill in bars}
    assert len(set(fills.values())) == 3
    assert "hatch" in fills["clear text"]
    words = page.run("return document.querySelector('#picture-sent').getAttribute('aria-label')")
    assert "2026-11-01 to 2026-11-03" in words
    assert "clear text 8 (32.0 %)" in words


def test_a_click_sorts(page: Browser) -> None:
    assert page.run(DOMAINS)[:3] == ["a.example", "b.example", "c.example"]  # most messages first, equal ones by name
    page.click("#domains th:nth-child(1) button")  # the first click on words: A first
    page.click("#domains th:nth-child(1) button")
    page.click("#domains th:nth-child(5) button")  # clear text: the greatest first
    assert page.run(DOMAINS)[0] == "a.example"
    assert page.run("return document.querySelector('#domains [aria-sort]').textContent") == "Clear text"
    page.click("#domains th:nth-child(1) button")
    assert [name for name in page.run(DOMAINS) if name.endswith(".example")] == ["a.example", "b.example", "c.example"]
    page.click("#domains th:nth-child(1) button")
    assert [name for name in page.run(DOMAINS) if name.endswith(".example")] == ["c.example", "b.example", "a.example"]
    assert page.run("return document.querySelectorAll('#domains [aria-sort]').length") == 1
    page.click("#domains th:nth-child(4) button")  # as shares, not as words: 100 % is more than 20 %
    *shares, hostile = page.run(DOMAINS)
    assert shares[2] == "a.example"
    assert hostile.startswith("<img")


def test_nothing_that_a_log_says_runs_or_is_fetched(page: Browser) -> None:
    assert page.run("return document.title").startswith("TLS of mail")
    assert page.run("return document.querySelectorAll('img, iframe, link, object, form').length") == 0
    assert page.run("return document.scripts.length") == 1
    assert page.console() == []
    assert [address for address in page.requests() if not address.startswith("file:")] == []
    assert "\x1b" not in page.run("return document.documentElement.outerHTML")


def test_the_policy_stops_what_would_get_in(page: Browser) -> None:
    page.run(
        "const s = document.createElement('script'); s.textContent = 'document.title=\"owned\"'; document.body.append(s);"
        "const i = document.createElement('img'); i.src = 'https://attacker.example/x'; document.body.append(i)"
    )
    assert page.run("return document.title") != "owned"
    refused = page.console()
    assert len(refused) == 2
    assert all("Content Security Policy" in message for message in refused)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_follows_the_scheme_and_fits_a_phone(page: Browser, scheme: str) -> None:
    page.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.command("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
    paper = page.run("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    assert page.run("return document.documentElement.scrollWidth") <= 360
    page.command("Emulation.clearDeviceMetricsOverride")


@pytest.mark.parametrize(
    ("last", "begins"),
    [
        (noon(2), ["2026-11-01", "2026-11-02"]),
        (noon(20, 1, 2027), ["2026-10-26", "2027-01-18"]),
        (noon(1, 3, 2030), ["2026-11", "2030-03"]),
        (noon(1, 3, 2040), ["2026", "2040"]),
    ],
)
def test_bars_stand_for_longer_times_where_there_would_be_too_many(last: float, begins: list[str]) -> None:
    text = page_of(passage("x.example", noon(1), None), passage("x.example", last, None))
    assert [begin for begin in begins if f"<title>{begin}: clear text, 1 message</title>" in text] == begins


def test_days_without_a_calendar_are_counted_and_not_drawn() -> None:
    far = passage("x.example", 3e11, None)
    assert "<figure" not in page_of(far)
    text = page_of(far, passage("x.example", noon(1), None))
    assert "<title>2026-11-01: clear text, 1 message</title>" in text
    assert "2 messages in clear text" in text
    years = page_of(passage("x.example", noon(1, 1, 9999), None), passage("x.example", noon(1), None))
    assert "The 7904 years before are left out." in years


def test_a_few_messages_among_many_stay_in_sight() -> None:
    text = page_of(*[passage("x.example", noon(1), Version.TLSv1_3)] * 5000, passage("x.example", noon(1), None))
    assert 'height="2.0" class="bar clear"' in text


def test_a_browser_is_not_given_more_rows_than_it_can_take() -> None:
    text = page_of(*[passage(f"x{number}.example", noon(1), None) for number in range(5002)])
    assert text.count(">sent</td>") == 5000
    assert "2 more rows: --format csv and json have all." in text


def test_no_mail_makes_a_page_too() -> None:
    text = page_of()
    assert "no mail between servers" in text
    assert "<table" not in text
