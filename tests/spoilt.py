"""A copy of the source with bugs planted in it, to be served beside the good one."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from pathlib import Path

from tests.browser.conftest import start_app

ROOT = Path(__file__).resolve().parents[1]


def plant(folder, bugs):
    """Copy the source and put bugs in: file, what stands there, what shall stand there; give the new source folder."""
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("data", "docs", "layers", ".streamlit"):
        (folder / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "app.py", folder / "app.py")
    for name, good, bad in bugs:
        path = folder / "src" / "geo_minzheng" / name
        words = path.read_text(encoding="utf-8")
        assert words.count(good) == 1, f"void: {name} has not once: {good}"
        path.write_text(words.replace(good, bad), encoding="utf-8")
    return folder / "src"


@contextmanager
def served(home, log, *more, source=None):
    """Serve a home by the source given, or by this one."""
    before = os.environ.get("PYTHONPATH")
    if source is not None:
        os.environ["PYTHONPATH"] = str(source)
    try:
        process, url = start_app(home, log, *more)
    finally:
        if before is None:
            os.environ.pop("PYTHONPATH", None)
        else:
            os.environ["PYTHONPATH"] = before
    try:
        yield url
    finally:
        process.terminate()
        process.wait(20)
