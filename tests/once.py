"""Build a folder once for all test processes."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable
from pathlib import Path


def once(folder: Path, build: Callable[[Path], object]) -> Path:
    """Give a folder that the first process to ask builds while the others wait."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / ".done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            build(folder)
            (folder / ".done").touch()
    return folder


def copy_unwritten(home: Path, folder: Path) -> Path:
    """Copy a home that others read and nobody writes: SQLite's side files come and go with its readers."""
    return Path(shutil.copytree(home, folder, ignore=shutil.ignore_patterns("*.gpkg-shm", "*.gpkg-wal")))
