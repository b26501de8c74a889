"""Write a layer's rows as a bureau hands them over: XLSX with merged headings, CSV, GeoJSON, shapefile, GeoPackage.

The same rows give the same bytes, always: archives carry a fixed time, coordinates a fixed number of decimals.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

from geo_minzheng import geo
from geo_minzheng.errors import InputError
from geo_minzheng.model.layer import ColumnSpec, LayerSpec
from geo_minzheng.present.tables_geo import gpkg_bytes, shapefile_parts
from geo_minzheng.present.write import neutralise

SOURCE_HEAD, LON_HEAD, LAT_HEAD, TOTAL_WORD = "坐标来源", "经度", "纬度", "合计"
_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_YES, _NO = "是", "否"


@dataclass(frozen=True)
class Form:
    """How one file looks.

    Parameters
    ----------
    title, note
        Lines above the headings of a workbook; empty for none.
    groups
        Upper heading by the columns under it, in order; columns without a group span both heading rows.
    totals
        Columns summed in a last row 合计; empty for no such row.
    crs
        System of the coordinates: ``EPSG:n``, ``gcj02`` or ``bd09``; GeoJSON is always longitude and latitude.
    encoding
        Of text in CSV and shapefiles.
    """

    title: str = ""
    note: str = ""
    groups: Mapping[str, Sequence[str]] = field(default_factory=dict)
    totals: Sequence[str] = ()
    crs: str = geo.STORE_CRS
    encoding: str = "utf-8"


@dataclass(frozen=True)
class _Head:
    name: str
    head: str
    group: str
    cells: list[Any]


def plain_zip(members: Mapping[str, bytes]) -> bytes:
    """Pack members into a ZIP archive whose bytes depend on nothing but them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _LONG_AGO)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(info, data)
    return out.getvalue()


def write_layer(frame: pd.DataFrame, spec: LayerSpec, path: Path, form: Form | None = None) -> None:
    """Write rows of a layer to a file; the suffix chooses the format.

    Parameters
    ----------
    frame
        Rows in the catalogue's columns (missing ones are left out), geometry CGCS2000, optionally ``coord_source``.
    path
        ``.xlsx .csv .geojson .gpkg .zip`` (shapefile).

    Raises
    ------
    InputError
        ``tables.format_unknown``.
    """
    form = form or Form()
    writers: dict[str, Callable[[pd.DataFrame, LayerSpec, str, Form], bytes]] = {
        ".xlsx": _xlsx, ".csv": _csv, ".geojson": _geojson, ".gpkg": _gpkg, ".zip": _shapefile,
    }  # fmt: skip
    if path.suffix.lower() not in writers:
        raise InputError("tables.format_unknown", file=path.name, allowed=" ".join(sorted(writers)))
    path.write_bytes(writers[path.suffix.lower()](frame, spec, path.stem, form))


def layer_rows(frame: pd.DataFrame, spec: LayerSpec) -> list[dict[str, Any]]:
    """Lay the rows of a layer out as a person reads them: headings with units, words for codes, no geometry."""
    heads = _heads(frame, spec, Form(), units=True)
    names = [h.head for h in heads]
    return [dict(zip(names, row, strict=True)) for row in zip(*(h.cells for h in heads), strict=True)]


def write_footprint(frame: gpd.GeoDataFrame, path: Path) -> None:
    """Write a hazard footprint as GeoJSON, every column of the frame as a property.

    Parameters
    ----------
    frame
        Polygons CGCS2000 with plain columns, e.g. ``depth_m`` [m].
    """
    heads = [_Head(c, c, "", frame[c].tolist()) for c in frame.columns if c != frame.geometry.name]
    path.write_bytes(_features(heads, frame.geometry.to_numpy(), path.stem))


def _is_nothing(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)) or value is pd.NA


def _cell(value: Any, column: ColumnSpec) -> Any:
    if _is_nothing(value):
        return None
    if column.type == "enum":
        aliases = column.values.get(str(value), ())
        return aliases[0] if aliases else str(value)
    if column.type == "bool":
        return _YES if bool(value) else _NO
    if column.type == "date":
        return value.date() if isinstance(value, datetime) else value
    if column.type == "int":
        return int(value)
    if column.type == "float":
        return int(value) if float(value).is_integer() else round(float(value), 6)
    return str(value)


def _heads(frame: pd.DataFrame, spec: LayerSpec, form: Form, *, units: bool) -> list[_Head]:
    group = {name: head for head, names in form.groups.items() for name in names}
    heads = []
    for column in spec.columns:
        if column.name in frame.columns:
            unit = f"（{column.unit}）" if units and column.unit and "（" not in column.heads[0] else ""
            cells = [_cell(v, column) for v in frame[column.name].tolist()]
            heads.append(_Head(column.name, column.heads[0] + unit, group.get(column.name, ""), cells))
    if "coord_source" in frame.columns:
        heads.append(_Head("coord_source", SOURCE_HEAD, "", frame["coord_source"].tolist()))
    return heads


def project(shapes: Any, crs: str, digits: int) -> Any:
    """Bring CGCS2000 shapes to a system and round them."""

    def move(xy: Any) -> Any:
        x, y = xy[:, 0], xy[:, 1]
        if crs in ("gcj02", "bd09"):
            x, y = geo.wgs84_to_gcj02(x, y)
            x, y = geo.gcj02_to_bd09(x, y) if crs == "bd09" else (x, y)
        elif crs != geo.STORE_CRS:
            x, y = geo.transform(x, y, geo.STORE_CRS, crs)
        return np.column_stack([x, y]).round(digits)

    return shapely.transform(np.asarray(shapes), move)


def _table_heads(frame: pd.DataFrame, spec: LayerSpec, form: Form, *, units: bool) -> list[_Head]:
    heads = _heads(frame, spec, form, units=units)
    if isinstance(frame, gpd.GeoDataFrame):
        xy = shapely.get_coordinates(project(frame.geometry.to_numpy(), form.crs, 6))
        spot = [_Head("lon", LON_HEAD, "", xy[:, 0].tolist()), _Head("lat", LAT_HEAD, "", xy[:, 1].tolist())]
        heads[-1:] = [*spot, heads[-1]] if heads[-1].name == "coord_source" else [heads[-1], *spot]
    return [replace(h, cells=[neutralise(cell) for cell in h.cells]) for h in heads]


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)


def _csv(frame: pd.DataFrame, spec: LayerSpec, _name: str, form: Form) -> bytes:
    heads = _table_heads(frame, spec, form, units=False)
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([h.head for h in heads])
    writer.writerows([_text(v) for v in row] for row in zip(*(h.cells for h in heads), strict=True))
    return out.getvalue().encode(form.encoding)


def _geojson(frame: pd.DataFrame, spec: LayerSpec, name: str, form: Form) -> bytes:
    return _features(_heads(frame, spec, form, units=False), frame["geometry"].to_numpy(), name)


def _features(heads: list[_Head], geometries: Any, name: str) -> bytes:
    shapes = project(geometries, geo.STORE_CRS, 6)
    lines = []
    for k, shape in enumerate(shapes):
        values = {h.head: _text(h.cells[k]) if isinstance(h.cells[k], date) else h.cells[k] for h in heads}
        feature = {"type": "Feature", "properties": values, "geometry": json.loads(shapely.to_geojson(shape))}
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    body = ",\n".join(lines)
    return f'{{"type":"FeatureCollection","name":{json.dumps(name)},"features":[\n{body}\n]}}\n'.encode()


def _xlsx(frame: pd.DataFrame, spec: LayerSpec, _name: str, form: Form) -> bytes:
    heads = _table_heads(frame, spec, form, units=True)
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = (form.title or spec.name)[:31]
    width = len(heads)
    for line, bold in ((form.title, True), (form.note, False)):
        if line:
            sheet.append([line])
            row = sheet.max_row
            sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=width)
            sheet.cell(row, 1).font = Font(bold=bold, size=16 if bold else 10)
            sheet.cell(row, 1).alignment = Alignment(horizontal="center" if bold else "right")
    top = _write_heads(sheet, heads)
    for values in zip(*(h.cells for h in heads), strict=True):
        sheet.append(values)
    if form.totals:
        sheet.append(
            [TOTAL_WORD, *(sum(v for v in h.cells if v) if h.name in form.totals else None for h in heads[1:])]
        )
    sheet.freeze_panes = f"A{top + 1}"
    for k, head in enumerate(heads, 1):
        widest = max((len(_text(v)) for v in head.cells[:200]), default=0)
        sheet.column_dimensions[get_column_letter(k)].width = min(40, max(10, 2 * len(head.head) + 2, widest + 2))
    out = io.BytesIO()
    book.save(out)
    return _timeless(out.getvalue())


def _write_heads(sheet: Any, heads: list[_Head]) -> int:
    """Write one heading row, or two with merged groups; returns the last heading row."""
    first = sheet.max_row + 1 if sheet.max_row > 1 or sheet.cell(1, 1).value is not None else 1
    grouped = any(h.group for h in heads)
    middle = Alignment(horizontal="center", vertical="center", wrap_text=True)
    for k, head in enumerate(heads, 1):
        sheet.cell(first, k, head.group or head.head)
        if grouped and head.group:
            sheet.cell(first + 1, k, head.head)
        for row in (first, first + 1) if grouped else (first,):
            sheet.cell(row, k).alignment = middle
            sheet.cell(row, k).font = Font(bold=True)
    if not grouped:
        return first
    start = 0
    while start < len(heads):
        end = start
        while heads[start].group and end + 1 < len(heads) and heads[end + 1].group == heads[start].group:
            end += 1
        bottom = first if heads[start].group else first + 1
        if end > start or bottom > first:
            for k in range(start + 1, end + 1):
                sheet.cell(first, k + 1).value = None
            sheet.merge_cells(start_row=first, start_column=start + 1, end_row=bottom, end_column=end + 1)
        start = end + 1
    return first + 1


def _timeless(data: bytes) -> bytes:
    """Repack a workbook without the time it was written."""
    members = {}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            members[info.filename] = archive.read(info)
    stamp = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")
    members["docProps/core.xml"] = stamp.sub(rb"\g<1>1980-01-01T00:00:00Z\g<2>", members["docProps/core.xml"])
    return plain_zip(members)


def _gpkg(frame: pd.DataFrame, spec: LayerSpec, name: str, form: Form) -> bytes:
    heads = _heads(frame, spec, form, units=False)
    digits = 6 if form.crs == geo.STORE_CRS else 2
    shapes = project(frame["geometry"].to_numpy(), form.crs, digits)
    return gpkg_bytes(name, {h.head: h.cells for h in heads}, shapes, form.crs)


def _shapefile(frame: pd.DataFrame, spec: LayerSpec, name: str, form: Form) -> bytes:
    """DBF field names hold ten bytes: the first heading of the catalogue that fits is taken."""
    fields: dict[str, list[Any]] = {}
    for head in _heads(frame, spec, form, units=False):
        options = (
            [SOURCE_HEAD, "coord_source"] if head.name == "coord_source" else [*spec.column(head.name).heads, head.name]
        )
        fits = [o for o in options if len(o.encode(form.encoding)) <= 10 and o not in fields]
        if not fits:
            raise InputError("tables.heading_too_long", column=head.name, limit=10)
        fields[fits[0]] = head.cells
    digits = 6 if form.crs == geo.STORE_CRS else 2
    shapes = project(frame["geometry"].to_numpy(), form.crs, digits)
    return plain_zip(
        {f"{name}{s}": data for s, data in shapefile_parts(fields, shapes, form.crs, form.encoding).items()}
    )
