"""The committed demo district is what the plan makes, and its own importer takes every file of it."""

from __future__ import annotations

import hashlib
import sqlite3
import zipfile
from collections import defaultdict
from pathlib import Path

from geo_minzheng.layers.catalogue import load_catalogue
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.read import read_layer
from geo_minzheng.services.synthesis import read_demo_manifest, write_demo_district
from geo_minzheng.settings import data_dir, layers_dir


def _content(path):
    """Digest what a file says, not how an archive or database library packed it."""
    if path.suffix == ".gpkg":
        with sqlite3.connect(path) as base:
            body = "\n".join(base.iterdump()).encode()
    elif path.suffix in (".zip", ".xlsx"):
        with zipfile.ZipFile(path) as archive:
            body = b"".join(n.encode() + archive.read(n) for n in sorted(archive.namelist()))
    else:
        body = path.read_bytes()
    return hashlib.sha256(body).hexdigest()


def _import_all(district):
    specs = load_catalogue(layers_dir())
    known, areas, box, seen = defaultdict(set), {}, None, {}
    for file in district.files:
        options = ReadOptions(
            crs=file.crs,
            encoding=file.encoding,
            coord_source=file.coord_source,
            known=dict(known),
            village_areas=areas,
            box=box,
        )
        checked = read_layer(file.path, specs[file.layer], options)
        errors = [(f.code, f.row, f.column, f.value) for f in checked.faults if f.severity == "error"]
        assert not errors, (file.path.name, errors[:3])
        assert checked.refused == 0
        assert len(checked.frame) == checked.rows - checked.ignored > 0
        for column in specs[file.layer].columns:
            if column.name in checked.frame:  # a table brings the columns it has
                known[f"{file.layer}.{column.name}"] |= set(checked.frame[column.name].dropna())
        if file.layer == "boundary":
            west, south, east, north = checked.frame.geometry.iloc[0].bounds
            box = (west - 0.01, south - 0.01, east + 0.01, north + 0.01)
        if file.layer == "village_area":
            areas = dict(zip(checked.frame["code"], checked.frame.geometry, strict=True))
        seen[file.path.name] = checked
    return seen


def test_the_plan_makes_the_committed_files(tmp_path):
    made = write_demo_district(tmp_path / "tables", tmp_path / "layers")
    committed = read_demo_manifest()
    assert [f.path.name for f in made.files] == [f.path.name for f in committed.files]
    for new, old in zip(made.files, committed.files, strict=True):
        assert _content(new.path) == _content(old.path), new.path.name
    assert _content(made.flood) == _content(committed.flood)
    assert made.now == "2026-07-03T21:40:00+08:00"


def test_nothing_in_the_demo_fails_its_own_importer():
    seen = _import_all(read_demo_manifest())
    assert seen["household_dibao.xlsx"].rows == 5191
    assert seen["household_dibao.xlsx"].ignored == 1
    assert set(seen["road.zip"].frame["coord_source"]) == {"synthetic"}
    assert set(seen["boundary.geojson"].frame["coord_source"]) == {"tianditu"}
    suffixes = {Path(name).suffix for name in seen}
    assert suffixes == {".xlsx", ".csv", ".geojson", ".gpkg", ".zip"}


def test_the_demo_stays_small():
    folders = [data_dir("demo"), layers_dir() / "demo"]
    assert sum(p.stat().st_size for f in folders for p in f.rglob("*") if p.is_file()) < 8_000_000
