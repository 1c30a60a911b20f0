"""Drives Chromium by WebDriver (W3C Recommendation, JSON over HTTP); it talks to nothing but its own chromedriver."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from base64 import b64decode
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_LIMIT: Final = 60  # seconds for any one answer
_ELEMENT: Final = "element-6066-11e4-a52e-4f735466cecf"  # the specification's name for a reference
_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--proxy-server=127.0.0.1:9",
)  # fmt: skip


class Browser:
    """One window."""

    def __init__(self, port: int, profile: str) -> None:
        """Open it, with an empty profile."""
        self._base = f"http://127.0.0.1:{port}/session"
        options = {"args": [*_FLAGS, f"--user-data-dir={profile}"], "binary": shutil.which("chromium")}
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        self._base += "/" + self._ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})["sessionId"]

    def close(self) -> None:
        """Close it."""
        self._ask("DELETE", "")

    def open(self, address: str) -> None:
        """Show a page."""
        self._ask("POST", "/url", {"url": address})

    def size(self, width: int, height: int) -> None:
        """Give the window a size in pixels."""
        self._ask("POST", "/window/rect", {"width": width, "height": height})

    def run(self, script: str) -> Any:
        """Return what a script returns."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": []})

    def click(self, selector: str) -> None:
        """Click on the first element of a CSS selector."""
        found = self._ask("POST", "/element", {"using": "css selector", "value": selector})
        self._ask("POST", f"/element/{found[_ELEMENT]}/click", {})

    def command(self, name: str, **values: Any) -> Any:
        """Give a command of the DevTools protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": name, "params": values})

    def screenshot(self) -> bytes:
        """Return what is seen, as PNG."""
        return b64decode(self._ask("GET", "/screenshot"))

    def console(self) -> list[str]:
        """Return what was said on the console since the last call."""
        return [entry["message"] for entry in self._ask("POST", "/se/log", {"type": "browser"})]

    def requests(self) -> list[str]:
        """Return the addresses that were asked for since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self._ask("POST", "/se/log", {"type": "performance"})]
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310  (http)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # never by a proxy of the environment
        with opener.open(request, timeout=_LIMIT) as answer:
            return json.load(answer)["value"]


def _end(driver: subprocess.Popen[str]) -> None:
    """End a driver and, where it could not close its window, what it started: all of them are in its process group."""
    with suppress(ProcessLookupError):
        os.killpg(driver.pid, signal.SIGKILL)


@contextmanager
def browser() -> Iterator[Browser]:
    """Yield a window. Where there is no Chromium the test is skipped; with `TLSCONF_LAB=required` in the environment it fails."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    if missing:
        reason = f"no browser to look with: {' and '.join(missing)} not found (Debian: chromium, chromium-driver)"
        if os.environ.get("TLSCONF_LAB") == "required":
            pytest.fail(f"TLSCONF_LAB=required: {reason}")
        pytest.skip(reason)
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        ) as driver,
    ):
        window = None
        try:
            assert driver.stdout is not None
            port = next(int(found[1]) for line in driver.stdout if (found := re.search(r"started successfully on port (\d+)", line)))
            window = Browser(port, profile)
            yield window
        finally:
            try:
                if window is not None:
                    window.close()
            finally:
                _end(driver)
