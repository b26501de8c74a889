"""Stores to test on: an empty GeoPackage and an empty PostGIS database, each new for each test."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from postgis import postgis, server_url
from store_play import fresh_file

from geo_minzheng.model.layer import ColumnSpec, LayerSpec
from geo_minzheng.settings import layers_dir
from geo_minzheng.store.session import make_engine

__all__ = ["postgis", "server_url"]

BOTH = ["sqlite", pytest.param("postgis", marks=pytest.mark.postgis)]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "empty.gpkg"


@pytest.fixture
def file_url(template: Path, tmp_path: Path) -> str:
    return fresh_file(template, tmp_path / "district.gpkg")


@pytest.fixture(params=BOTH)
def url(request: pytest.FixtureRequest) -> str:
    """The same test on both databases."""
    return str(request.getfixturevalue("file_url" if request.param == "sqlite" else "server_url"))


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    made = make_engine(url)
    yield made
    made.dispose()


def _new_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, template: Path
) -> Iterator[Engine]:
    if request.param == "sqlite":
        url = fresh_file(template, tmp_path_factory.mktemp("shared") / "district.gpkg")
    else:
        url = request.getfixturevalue("postgis").new_store()
    made = make_engine(url)
    yield made
    made.dispose()


@pytest.fixture(scope="session", params=BOTH)
def shared(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, template: Path
) -> Iterator[Engine]:
    """One empty store for all tests that roll back: making a PostGIS database takes longer than most tests."""
    yield from _new_store(request, tmp_path_factory, template)


@pytest.fixture(scope="module", params=BOTH)
def own_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, template: Path
) -> Iterator[Engine]:
    """A store of a module's own, whose tests keep what they write."""
    yield from _new_store(request, tmp_path_factory, template)


def read_spec(name: str) -> LayerSpec:
    """Read one layer of the catalogue, as far as the store looks at it."""
    told: dict[str, Any] = tomllib.loads((layers_dir() / f"{name}.toml").read_text())
    columns = tuple(
        ColumnSpec(c["name"], c["type"], required=c.get("required", False), default=c.get("default"))
        for c in told["column"]
    )
    return LayerSpec(name, told["geometry"], tuple(told["key"]), told["visibility"], "", "", columns)


@pytest.fixture(scope="session")
def specs() -> dict[str, LayerSpec]:
    return {path.stem: read_spec(path.stem) for path in sorted(layers_dir().glob("*.toml"))}
