"""Open every page of the app with loopback only, and count who asked for anything outside.

Run inside a namespace: ``python tests/no_network.py REPORT HOME SOURCE [PAGE...] [-- PROGRAM...]``. ``SOURCE`` is the
tree whose ``pages/main.py`` lists the pages. Three witnesses: the browser's requests, every socket of the app's own
Python, and the kernel's count of what found no way out of the namespace.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from alone import ways_out
from door import who_for
from playwright.sync_api import Browser, sync_playwright
from tests.browser.conftest import CHROMIUM_ARGS, PROGRAM, Watch, open_page, start_app

# Loaded by the app's interpreter and its workers before anything else: writes down each attempt to leave the machine.
WITNESS = """
import os, sys
def watch(event, given, inside=("127.", "::1", "localhost", "0.0.0.0", "::")):
    place = None
    if event == "socket.getaddrinfo":
        place = given[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(given[1], tuple):
        place = given[1][0]
    place = place.decode() if isinstance(place, bytes) else place
    if place and not str(place).startswith(inside):
        with open(os.environ["WITNESS_FILE"], "a") as file:
            file.write(f"{event} {place}\\n")
with open(os.environ["WITNESS_FILE"], "a") as file:
    file.write("here\\n")
sys.addaudithook(watch)
"""


def page_list(source: Path) -> list[str]:
    """Read the app's own list of pages."""
    tree = ast.parse((source / "geo_minzheng" / "pages" / "main.py").read_text(encoding="utf-8"))
    (found,) = (
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and [t.id for t in node.targets if isinstance(t, ast.Name)] == ["PAGES"]
    )
    return [name for group in ast.literal_eval(found).values() for name in group]


def look(browser: Browser, url: str, names: list[str]) -> dict[str, Any]:
    """Open the pages one after the other, each in a browser of its own."""
    told: dict[str, Any] = {"pages": {}, "outside": [], "failed": [], "errors": [], "links": []}
    for name in names:
        watch, page = Watch(), browser.new_context(viewport={"width": 1280, "height": 900}, locale="zh-CN").new_page()
        watch.on(page)
        open_page(page, f"{url}/{name}?as={who_for(name)}", rest_ms=300)
        told["pages"][name] = page.get_by_role("heading", level=1).first.inner_text()
        told["faces"] = page.evaluate("() => [...document.fonts].filter(f => f.status === 'loaded').map(f => f.family)")
        links = page.get_by_test_id("stSidebarNavLink").all_inner_texts()
        told["links"] = sorted({*told["links"], *(re.sub(r"（\d+）$", "", words) for words in links)})
        told.setdefault("refused", [])
        if name != "health":  # whose errors are what it is asked for: a home without a backup
            told["refused"] += page.get_by_test_id("stAlertContentError").all_inner_texts()
        told["broken"] = told.get("broken", 0) + page.get_by_test_id("stException").count()
        for kind in ("outside", "failed", "errors"):
            told[kind] += [f"{name}: {line}" for line in getattr(watch, kind)]
        page.context.close()
    return told


def main(report: Path, home: Path, source: Path, names: list[str], program: list[str]) -> None:
    """Serve the home, open the pages, write down what was seen."""
    folder = report.parent
    (folder / "witness").mkdir()
    (folder / "witness" / "sitecustomize.py").write_text(WITNESS)
    seen = folder / "witness" / "seen.txt"
    os.environ["WITNESS_FILE"] = str(seen)
    os.environ["PYTHONPATH"] = f"{folder / 'witness'}{os.pathsep}{source}"
    process, url = start_app(home, folder / "app.log", "--now", "2026-07-03T22:30", program=program or PROGRAM)
    try:
        with sync_playwright() as play:
            browser = play.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS)
            told = look(browser, url, names or page_list(source))
            browser.close()
    finally:
        process.terminate()
        process.wait(20)
    lines = seen.read_text().splitlines() if seen.exists() else []
    told |= {
        "witnesses": lines.count("here"), "sockets": sorted({line for line in lines if line != "here"}),
        "kernel": ways_out(), "listed": page_list(source),
    }  # fmt: skip
    report.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    words = sys.argv[1:]
    cut = words.index("--") if "--" in words else len(words)
    main(Path(words[0]), Path(words[1]), Path(words[2]), words[3:cut], words[cut + 1 :])
