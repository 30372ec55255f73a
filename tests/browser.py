"""A real browser for tests of pages, where Debian's chromium and chromium-driver are installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.patience import LONG_ENOUGH

_DRIVER = shutil.which("chromedriver") or "/usr/bin/chromedriver"

# The contrast of every text that is shown with what is behind it (WCAG 2.1).
CONTRASTS = """
const light = (color) => {
  const parts = color.match(/[\\d.]+/g).map(Number).slice(0, 3).map((part) => part / 255);
  const [red, green, blue] = parts.map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const behind = (node) => {
  for (; node; node = node.parentElement) {
    const color = getComputedStyle(node).backgroundColor;
    if (!/, 0\\)$|transparent/.test(color)) return color;
  }
  return "rgb(255, 255, 255)";
};
return [...document.querySelectorAll("h1, h2, h3, p, td, th, dd, dt, b, small, span, strong, summary, figcaption")]
  .filter((node) => node.textContent.trim() && node.offsetParent)
  .map((node) => [light(getComputedStyle(node).color), light(behind(node))])
  .map(([one, other]) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05));
"""

_ATTEMPTS = 10  # on a busy machine, Chromium now and then never tells one tab of what another one keeps


class Browser:
    """A headless Chromium behind chromedriver, spoken to in plain WebDriver JSON."""

    def __init__(self, port: int) -> None:
        self._root = f"http://127.0.0.1:{port}"
        arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
        }
        session = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._looked: tuple[int, str] | None = None
        self._session = f"/session/{session['sessionId']}"

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._root + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=LONG_ENOUGH) as reply:
            return json.load(reply)["value"]

    def open(self, path: Path) -> None:
        self._call("POST", f"{self._session}/url", {"url": path.as_uri()})

    def open_again(self, path: Path, seen: str) -> None:
        """Open a page in another tab until it shows what was kept in this one, where the script `seen` is true; then
        this one is closed.

        Chromium tells a new process of it a moment later, and may forget what a page kept just before it was left: so
        it is not left before.
        """
        assert self._shows(path, seen, LONG_ENOUGH), f"{path} never shows: {seen}"

    def _shows(self, path: Path, seen: str, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        left = self._call("GET", f"{self._session}/window")
        tab = self._call("POST", f"{self._session}/window/new", {"type": "tab"})["handle"]
        self._turn_to(tab)
        if self._looked:
            self.look(*self._looked)
        self.open(path)
        while not (found := self.run(seen)) and time.monotonic() < deadline:
            time.sleep(0.1)
            self.open(path)
        self._turn_to(left)
        self._call("DELETE", f"{self._session}/window")
        self._turn_to(tab)
        return bool(found)

    def _turn_to(self, tab: str) -> None:
        self._call("POST", f"{self._session}/window", {"handle": tab})
        self._command("Page.bringToFront")  # or nothing in it gets the focus

    def open_afresh(self, path: Path) -> None:
        """Open a page as somebody sees it who has not been there before."""
        for _ in range(_ATTEMPTS):
            self.open(path)
            stamp = str(
                time.monotonic_ns()
            )  # kept after the rest is forgotten, as a page may keep things when it opens
            self.run(f"localStorage.clear(); localStorage.setItem('forgotten', '{stamp}')")
            if self._shows(path, f"return localStorage.getItem('forgotten') === '{stamp}'", LONG_ENOUGH / _ATTEMPTS):
                self.run("localStorage.removeItem('forgotten')")
                return
        raise AssertionError(f"{path}: Chromium forgets nothing")

    def run(self, script: str) -> Any:
        return self._call("POST", f"{self._session}/execute/sync", {"script": script, "args": []})

    def run_async(self, script: str) -> Any:
        """What the script gives to its last argument, a function."""
        limit = {"script": int(LONG_ENOUGH * 1000)}
        self._call("POST", f"{self._session}/timeouts", limit)
        return self._call("POST", f"{self._session}/execute/async", {"script": script, "args": []})

    def look(self, width: int, scheme: str) -> None:
        """See pages at a width in CSS pixels, in the light or dark colour scheme."""
        self._looked = width, scheme
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        scheme_of = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        for command, parameters in (("setDeviceMetricsOverride", size), ("setEmulatedMedia", scheme_of)):
            self._command(f"Emulation.{command}", **parameters)

    def _command(self, name: str, **parameters: Any) -> None:
        """One of Chromium's own, which WebDriver has no word for."""
        self._call("POST", f"{self._session}/goog/cdp/execute", {"cmd": name, "params": parameters})

    def log(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self._call("POST", f"{self._session}/se/log", {"type": "browser"})
        return entries

    def close(self) -> None:
        self._call("DELETE", self._session)


@contextmanager
def open_browser() -> Iterator[Browser]:
    """A browser without a page; skips the test where there is none."""
    if not Path(_DRIVER).exists():
        pytest.skip("needs Debian's chromium and chromium-driver: apt-get install chromium chromium-driver")
    process = subprocess.Popen([_DRIVER, "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    port = 0
    deadline = time.monotonic() + LONG_ENOUGH
    while not port and time.monotonic() < deadline:
        found = re.search(r"on port (\d+)", process.stdout.readline())
        port = int(found.group(1)) if found else 0
    started = Browser(port)
    try:
        yield started
    finally:
        started.close()
        process.terminate()
        process.wait(timeout=LONG_ENOUGH)
        process.stdout.close()
