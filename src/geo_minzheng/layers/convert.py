"""Convert a file from a declared system to the store's, and write it as GeoJSON, GeoPackage or CSV."""

from __future__ import annotations

import csv
import json
import math
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geo_minzheng.errors import InputError, ManyInputError
from geo_minzheng.geo import STORE_CRS
from geo_minzheng.layers import crs as systems
from geo_minzheng.layers.faults import FaultList, refusal_of
from geo_minzheng.layers.geometry import Shapes
from geo_minzheng.layers.headings import Table, feature_table, find_table, match_headings
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.place import feature_shapes, place, table_shapes
from geo_minzheng.layers.read import choose_sheet, read_sheets
from geo_minzheng.layers.transfer import RawSheet
from geo_minzheng.model.layer import LayerSpec

SUFFIXES = (".geojson", ".json", ".gpkg", ".csv")
_ANY = LayerSpec("any", "any", (), "wide", "", "", ())
_PLAIN_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")
_UNSEEN = " \u00a0\u3000\u200b\u200e\u200f\u2028\u2029\ufeff"
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
Cells = dict[str, list[Any]]
_COORDINATES = ("lon", "lat", "x", "y", "north", "east", "wkt")


@dataclass(frozen=True)
class Converted:
    """What a conversion did: rows written, the source system, the target system."""

    rows: int
    source_crs: str
    target_crs: str


def _read(path: Path, options: ReadOptions) -> tuple[RawSheet, Table, dict[str, int]]:
    sheet = choose_sheet(read_sheets(path, encoding=options.encoding), options.sheet, path.name)
    table = find_table(sheet, _ANY, options.mapping) if sheet.is_grid else feature_table(sheet)
    assigned, _ = match_headings(table.parts, _ANY, options.mapping)
    return sheet, table, assigned


def _shapes(
    sheet: RawSheet, table: Table, assigned: dict[str, int], options: ReadOptions, faults: FaultList
) -> tuple[Shapes, str]:
    for fault in sheet.faults:
        faults.add(fault.code, fault.row, fault.column, fault.value, **fault.facts)
    text = options.crs or sheet.crs
    if sheet.wkb is not None:
        placed = place(table, feature_shapes(sheet.wkb, tuple(range(len(table.rows)))), text, options, faults)
        return placed.shapes, placed.source_crs
    source = systems.declared(text) if text else None
    built = table_shapes(table, assigned, source, faults)
    if built is None:
        return feature_shapes((), ()), ""
    placed = place(table, built[0], text or built[1], options, faults)
    return placed.shapes, placed.source_crs


def convert_file(path: Path, out: Path, crs: str, *, sheet: str = "", encoding: str = "") -> Converted:
    """Write a file's rows in the store's system (CGCS2000, EPSG:4490).

    Parameters
    ----------
    path
        Any file that a layer may come from.
    out
        ``.geojson``, ``.gpkg`` or ``.csv``; replaced in one step when everything was written.
    crs
        System of the input: ``gcj02``, ``bd09`` or ``EPSG:n``; it wins over what the file says.

    Raises
    ------
    ManyInputError
        ``layers.refused`` with every fault; nothing was written.
    InputError
        ``layers.output_format``, ``layers.output_unwritable``, or the file is refused as a whole.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise InputError("layers.output_format", file=out.name, allowed="、".join(SUFFIXES))
    options = ReadOptions(crs=crs, sheet=sheet, encoding=encoding)
    _check_system(crs, path)
    raw, table, assigned = _read(path, options)
    faults = FaultList(path.name, raw.name)
    shapes, source_crs = _shapes(raw, table, assigned, options, faults)
    errors = tuple(refusal_of(f) for f in faults.found() if f.severity == "error")
    if errors:
        raise ManyInputError("layers.refused", errors, file=path.name)
    if not len(shapes):
        raise InputError("layers.no_rows", file=path.name)
    left_out = {j for name, j in assigned.items() if name in _COORDINATES} if raw.wkb is None else set()
    kinds = raw.notes.get("kinds", {})
    cells: Cells = {}
    for j, (heading, column) in enumerate(zip(table.headings, table.columns, strict=True)):
        if j not in left_out:
            cells[_free(heading, j, cells)] = _typed(column, kinds.get(heading, ""))
    _write(out, cells, shapes)
    return Converted(len(shapes), source_crs, STORE_CRS)


def _check_system(crs: str, path: Path) -> None:
    try:
        systems.declared(crs)
    except InputError as error:
        raise InputError(error.key, **{**error.facts, "file": path.name}) from error


def _free(heading: str, j: int, taken: Cells) -> str:
    return heading if heading and heading not in taken else f"{heading}_{j + 1}".removeprefix("_")


def _number(text: str) -> float | None:
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(text) if text.lstrip("-").isdigit() else number


_KINDS: Mapping[str, Callable[[str], Any]] = {"number": _number, "switch": "true".__eq__, "nested": json.loads}


def _typed(column: list[str | None], kind: str) -> list[Any]:
    """Give cells back the type they had in the file."""
    make = _KINDS.get(kind)
    return list(column) if make is None else [None if cell is None else make(cell) for cell in column]


def _write(out: Path, cells: Cells, shapes: Shapes) -> None:
    writers = {".gpkg": _write_gpkg, ".csv": _write_csv}
    try:
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=".convert-") as folder:
            draft = Path(folder) / out.name
            writers.get(out.suffix.lower(), _write_geojson)(draft, cells, shapes)
            draft.replace(out)
    except OSError as error:
        raise InputError("layers.output_unwritable", file=str(out)) from error


def _rows(cells: Cells, count: int) -> list[dict[str, Any]]:
    return [{name: column[i] for name, column in cells.items()} for i in range(count)]


def _write_geojson(path: Path, cells: Cells, shapes: Shapes) -> None:
    features = [
        {
            "type": "Feature",
            "properties": properties,
            "geometry": None if s is None else json.loads(shapely.to_geojson(s)),
        }
        for properties, s in zip(_rows(cells, len(shapes)), shapes, strict=True)
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}}
    text = json.dumps({"type": "FeatureCollection", "crs": crs, "features": features}, ensure_ascii=False)
    path.write_text(text, encoding="utf-8")


def _column(cells: list[Any]) -> pd.Series[Any]:
    """Keep numbers and switches as they are and write the rest as text."""
    if all(cell is None or isinstance(cell, bool | int | float) for cell in cells):
        return pd.Series(cells).convert_dtypes()
    return pd.Series([_safe(c) if isinstance(c, dict | list) else c for c in cells], dtype=object)


def _write_gpkg(path: Path, cells: Cells, shapes: Shapes) -> None:
    names = {name: (name if name.lower() not in ("fid", "geom", "geometry") else f"{name}_") for name in cells}
    data = pd.DataFrame({names[n]: _column(c) for n, c in cells.items()})
    frame = gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(list(shapes), crs=STORE_CRS), crs=STORE_CRS)
    frame.to_file(path, driver="GPKG", layer=path.stem, engine="pyogrio")


def _safe(cell: Any) -> str:
    """Keep a spreadsheet from running a cell as a formula; plain numbers stay numbers."""
    text = "" if cell is None else cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
    if text.lstrip(_UNSEEN).startswith(_FORMULA_STARTS) or text.startswith(_FORMULA_STARTS):
        if _PLAIN_NUMBER.fullmatch(text):
            return text
        return "'" + text
    return text


def _write_csv(path: Path, cells: Cells, shapes: Shapes) -> None:
    points = all(s is None or s.geom_type == "Point" for s in shapes)
    place_names = ["lon", "lat"] if points else ["wkt"]
    with path.open("w", encoding="utf-8-sig", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow([_safe(n) for n in cells] + place_names)
        for i, shape in enumerate(shapes):
            place_cells = [""] * len(place_names)
            if shape is not None:
                place_cells = (
                    [repr(shape.x), repr(shape.y)] if points else [shapely.to_wkt(shape, rounding_precision=10)]
                )
            writer.writerow([_safe(column[i]) for column in cells.values()] + place_cells)
