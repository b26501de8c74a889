"""Real Chromium against the real app, with the outside network blocked."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import door
import pytest
from playwright.sync_api import Browser, Page, Request, Response, sync_playwright

ROOT = Path(__file__).resolve().parent.parent.parent
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
]
PROGRAM = (sys.executable, "-m", "geo_minzheng.cli")
# Streamlit's front end probes for its base path on a deep link and expects the 404.
_INSIDE = ("http://127.0.0.1", "http://localhost", "ws://127.0.0.1", "data:", "blob:", "file:", "about:")
_PROBES = ("/_stcore/health", "/_stcore/host-config")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS)
        yield browser
        browser.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(240):
        if process.poll() is not None:
            raise AssertionError(f"the app ended early:\n{log.read_text(errors='replace')}")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.25)
    raise AssertionError(f"the app did not answer at {url}:\n{log.read_text(errors='replace')}")


def start_app(
    home: Path, log: Path, *more: str, program: Sequence[str] = PROGRAM
) -> tuple[subprocess.Popen[bytes], str]:
    """Serve a home on a free loopback port; the caller stops the process."""
    port = _free_port()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [*program, "serve", "--home", str(home), "--port", str(port), *more],
            cwd=ROOT, env=environ, stdout=sink, stderr=subprocess.STDOUT,
        )  # fmt: skip
    url = f"http://127.0.0.1:{port}"
    _wait(f"{url}/healthz", process, log)
    door.HOMES[url] = home
    return process, url


IDLE = "() => document.querySelector('.stApp')?.getAttribute('data-test-script-state') === 'notRunning'"


def open_page(page: Page, url: str, *, rest_ms: int = 500) -> None:
    """Open a page of the app as whoever sits here, and wait until it has drawn: the one way in for every test."""
    door.go(page, url)
    page.get_by_role("heading", level=1).wait_for(timeout=90_000)
    page.wait_for_timeout(rest_ms)
    page.wait_for_function(IDLE, timeout=120_000)
    page.wait_for_timeout(rest_ms)


@dataclass
class Watch:
    """What went wrong on a page."""

    outside: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def on(self, page: Page) -> None:
        page.on("request", self._request)
        page.on("requestfailed", lambda r: self.failed.append(f"{r.url} {r.failure}") if _matters(r) else None)
        page.on("response", self._response)
        page.on("pageerror", lambda e: self.errors.append(str(e)))

    def _request(self, request: Request) -> None:
        if not request.url.startswith(_INSIDE):
            self.outside.append(request.url)

    def _response(self, response: Response) -> None:
        if response.status >= 400 and not response.url.endswith(_PROBES):
            self.failed.append(f"{response.status} {response.url}")


def _matters(request: Request) -> bool:
    return "ERR_ABORTED" not in str(request.failure)


@pytest.fixture
def watch() -> Watch:
    return Watch()
