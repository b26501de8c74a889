"""R18: loopback only; every page of the app's own list draws in real Chromium, and nobody asks for anything outside."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from alone import alone

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.browser


def open_pages(folder: Path, home: Path, *names: str, source: Path = ROOT / "src") -> dict[str, Any]:
    """Open pages of a tree's app on a home in a namespace without a network; every page where none is named."""
    report = folder / "report.json"
    done = alone(sys.executable, ROOT / "tests" / "no_network.py", report, home, source, *names, cwd=ROOT, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(report.read_text(encoding="utf-8")))


def test_the_namespace_has_no_way_out():
    done = alone(sys.executable, "-c", "import socket; socket.create_connection(('203.0.113.7', 80), 5)")
    assert "Network is unreachable" in done.stderr
    count = "import sys, socket; sys.path[:0] = ['tests']; import alone; print(alone.ways_out())\n"
    count += "try: socket.create_connection(('203.0.113.7', 80), 5)\nexcept OSError: print(alone.ways_out())"
    done = alone(sys.executable, "-c", count, cwd=ROOT)
    before, after = map(int, done.stdout.split())
    assert (before, after) == (0, 1), done


def test_every_page_draws_and_nobody_asks_outside(demo_home, tmp_path):
    told = open_pages(tmp_path, demo_home)
    assert list(told["pages"]) == told["listed"] and len(told["listed"]) >= 8
    assert len(told["links"]) == len(told["listed"]), "the navigation shows a page that the list does not name"
    assert all(told["pages"].values()) and "Noto Sans SC" in told["faces"]
    assert told["witnesses"] >= 1, "void: nobody watched the app's sockets"
    assert (told["outside"], told["sockets"], told["kernel"]) == ([], [], 0)
    assert (told["failed"], told["errors"], told["refused"], told["broken"]) == ([], [], [], 0)


ASKS = {
    "picture": "st.html('<img src=\"http://203.0.113.7/a.png\">')",
    "icon": "st.set_page_config(page_icon=':material/map:')",
    "server": "import contextlib, urllib.request\nwith contextlib.suppress(OSError):\n"
    "    urllib.request.urlopen('http://203.0.113.7/', timeout=2)",
}


def test_a_page_that_asks_outside_is_caught(demo_home, tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "src", tree / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("data", "layers", ".streamlit"):
        (tree / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "app.py", tree / "app.py")
    pages = tree / "src" / "geo_minzheng" / "pages"
    spoilt = dict(zip(("roads", "housing", "welfare"), ASKS.items(), strict=True))
    for name, (_, lines) in spoilt.items():
        with (pages / f"{name}.py").open("a", encoding="utf-8") as file:
            file.write(f"\nimport streamlit as st\n{lines}\n")
    told = open_pages(tmp_path, demo_home, *spoilt, source=tree / "src")
    assert any("203.0.113.7/a.png" in line for line in told["outside"])
    assert any(line.startswith("housing: ") for line in told["outside"])
    assert "socket.connect 203.0.113.7" in told["sockets"] and told["kernel"] >= 1
