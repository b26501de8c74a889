"""Homes and desks for the contracts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import desk as desks


@pytest.fixture(scope="session")
def fresh(demo_out: Path) -> Path:
    return desks.fresh_home(demo_out)


@pytest.fixture(scope="module")
def desk(fresh: Path, tmp_path_factory: pytest.TempPathFactory) -> desks.Desk:
    """A desk the tests of a module share."""
    return desks.desk_at(fresh, tmp_path_factory.mktemp("desk") / "home")
