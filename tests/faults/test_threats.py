"""RELIABILITY.md's table of threats, row by row: one test each, named after the row."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import threats
from tests.browser.conftest import PROGRAM, start_app

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site(demo_out, tmp_path_factory):
    base = tmp_path_factory.mktemp("threats")
    home = Path(shutil.copytree(demo_out / "home", base / "home"))
    process, url = start_app(home, base / "app.log", "--now", threats.NOW)
    yield threats.Site(url, home)
    process.terminate()
    process.wait(20)


def test_login(site):
    threats.check_login(site)


def test_session(site):
    threats.check_session(site)


def test_api_tokens(site):
    threats.check_api_tokens(site)


def test_side_api(site):
    threats.check_side_api(site)
