"""Pages on a screen of any width: which there are, how one is opened, when it is at rest, what it looks like."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import door
from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "out" / "screens"
SIZES = {390: 844, 1280: 900, 2560: 1440}
IDLE = """() => document.querySelector('.stApp')?.getAttribute('data-test-script-state') === 'notRunning'
  && !document.querySelector('.st-key-work')"""
# Pages that show more than one view: the address of each further one.
VIEWS: dict[str, tuple[dict[str, str], ...]] = {
    "relief": ({"tab": "orders"}, {"tab": "approve"}, {"tab": "request"}),
    "review": ({"view": "totals"}, {"view": "silent"}),
    "housing": ({"programme": "checks"},),
    "welfare": ({"view": "reach"}, {"view": "sites"}),
}


@dataclass(frozen=True)
class View:
    """One view of a page by its address."""

    page: str
    query: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return "_".join([self.page, *(value for _, value in self.query)])


def page_names() -> list[str]:
    """Read the app's own list of pages, without running the app."""
    tree = ast.parse((ROOT / "src" / "geo_minzheng" / "pages" / "main.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "PAGES":
            return [name for pages in ast.literal_eval(node.value).values() for name in pages]
    raise AssertionError("pages/main.py names its pages in PAGES")


def views() -> list[View]:
    """List every page, and every view of the pages that have more than one."""
    listed = page_names()
    assert set(VIEWS) <= set(listed)
    return [View(p, tuple(query.items())) for p in listed for query in ({}, *VIEWS.get(p, ()))]


def new_page(browser: Browser, width: int, scheme: str = "light") -> Page:
    """Sit down at a screen."""
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]}, locale="zh-CN", color_scheme=scheme, accept_downloads=True
    )  # fmt: skip
    return context.new_page()


def open_page(page: Page, url: str, name: str, **query: str) -> None:
    """Open a page of the app and wait until it stands; the one place where a screen signs in."""
    door.go(page, f"{url}/{name}?{urlencode({'as': door.who_for(name)} | query)}")
    page.get_by_role("heading", level=1).wait_for(timeout=120_000)
    rest(page)


def rest(page: Page) -> None:
    """Wait until the page has drawn."""
    page.wait_for_timeout(500)
    page.wait_for_function(IDLE, timeout=180_000)
    page.wait_for_timeout(700)


def stretch(page: Page) -> None:
    """Make the screen as high as the page, so that nothing of it is scrolled away or under the head."""
    size = page.viewport_size
    assert size is not None
    tall = page.evaluate("() => document.querySelector('[data-testid=stMain]')?.scrollHeight ?? 0")
    page.set_viewport_size({"width": size["width"], "height": min(max(size["height"], tall + 20), 4000)})
    page.wait_for_timeout(600)


def shot(page: Page, name: str) -> None:
    """Keep a picture of what the screen shows."""
    path = SCREENS / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=path)
