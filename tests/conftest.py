"""What many rooms' tests share: the demo district, built once a run by the real command."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from once import copy_unwritten, once

from geo_minzheng.layers.catalogue import load_catalogue
from geo_minzheng.model.layer import LayerSpec
from geo_minzheng.settings import layers_dir

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
LIECHTENSTEIN = SHARED / "data" / "real" / "liechtenstein-2013-08-03.osm.pbf"

# A run started in the background is told to ignore Ctrl-C, and so would be every command it tries.
signal.signal(signal.SIGINT, signal.default_int_handler)
settings.register_profile("ci", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.load_profile("ci")


def run_cli(*words: str, home: Path | None = None, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run the real command line in a process of its own."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
    if home is not None:
        environ["GEO_MINZHENG_HOME"] = str(home)
    done = subprocess.run(
        [sys.executable, "-m", "geo_minzheng.cli", *words],
        capture_output=True, text=True, env=environ, cwd=ROOT, timeout=600, check=False,
    )  # fmt: skip
    if check and done.returncode:
        raise AssertionError(f"exit {done.returncode}: {' '.join(words)}\n{done.stdout}\n{done.stderr}")
    return done


def _base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@pytest.fixture(scope="session")
def demo_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything ``demo --out`` writes for the demo district; read only."""
    return once(_base(tmp_path_factory) / "demo", lambda out: run_cli("demo", "--out", str(out)))


@pytest.fixture(scope="session")
def liechtenstein_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for Liechtenstein's real roads; read only."""
    command = ("demo", "--osm", str(LIECHTENSTEIN), "--out")
    return once(_base(tmp_path_factory) / "liechtenstein", lambda out: run_cli(*command, str(out)))


@pytest.fixture(scope="session")
def naughty() -> ModuleType:
    """The seeded corpus of broken and hostile files."""
    return importlib.import_module("naughty")


@pytest.fixture(scope="session")
def catalogue() -> dict[str, LayerSpec]:
    """The shipped layer catalogue."""
    return dict(load_catalogue(layers_dir()))


@pytest.fixture(scope="session")
def sentences() -> dict[str, Any]:
    """Every sentence, by language."""
    texts = {}
    for language in ("zh", "en"):
        texts[language] = tomllib.loads((ROOT / "data" / "text" / f"{language}.toml").read_text(encoding="utf-8"))
    return texts


@pytest.fixture
def demo_home(demo_out: Path, tmp_path: Path) -> Path:
    """A copy of the demo district's home that a test may change."""
    return copy_unwritten(demo_out / "home", tmp_path / "home")
