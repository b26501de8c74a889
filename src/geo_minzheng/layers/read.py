"""Open foreign files, always in the limited worker, and hand back checked layers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from geo_minzheng.errors import InputError
from geo_minzheng.layers import check
from geo_minzheng.layers.crs import declared
from geo_minzheng.layers.detect import LAYER_FORMATS, Format, Limits, detect
from geo_minzheng.layers.faults import FaultList, fault_of
from geo_minzheng.layers.headings import PLACE_HEADS, Table, feature_table, find_table, match_clipped, match_headings
from geo_minzheng.layers.launch import Job, work
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.place import Placed, feature_shapes, place, table_shapes
from geo_minzheng.layers.transfer import RawSheet, load_sheets
from geo_minzheng.model.layer import CheckedLayer, Fault, LayerSpec

_SHAPEFILE_DRIVER = "ESRI Shapefile"


def read_sheets(path: Path, *, encoding: str = "", limits: Limits | None = None) -> list[RawSheet]:
    """Read every sheet or layer of a file as text, in the limited worker.

    Raises
    ------
    InputError
        The file is refused as a whole: missing, too big, an attack, broken, or not what its name says.
    """
    limits = limits or Limits()
    kind = detect(path, LAYER_FORMATS, limits)
    beside: tuple[Path, ...] = ()
    if kind is Format.SHAPEFILE:
        parts = (path.with_suffix(s) for s in (".shx", ".dbf", ".prj", ".cpg", ".SHX", ".DBF", ".PRJ", ".CPG"))
        beside = tuple(p for p in parts if p.is_file() and p.stat().st_size <= limits.file_bytes)
    job = Job(
        "sheets",
        path,
        limits,
        beside,
        (_SHAPEFILE_DRIVER,),
        parameters={"format": str(kind), "encoding": encoding},
    )
    log = path.with_name(path.name + "-wal")
    if kind is Format.GPKG and log.is_file() and log.stat().st_size:
        raise InputError("layers.gpkg_unsaved", file=path.name)
    with work(job) as (folder, _):
        return load_sheets(folder)


def choose_sheet(sheets: list[RawSheet], wanted: str, file: str) -> RawSheet:
    """Pick the sheet that was asked for, or the only one that holds anything; a hidden one only when no other does.

    Raises
    ------
    InputError
        ``layers.sheet_unknown``, ``layers.sheet_needed`` (both list the names) or ``layers.no_rows``.
    """
    names = "、".join(s.name for s in sheets)
    if wanted:
        found = next((s for s in sheets if s.name == wanted), None)
        if found is None:
            raise InputError("layers.sheet_unknown", file=file, value=wanted, allowed=names or "—")
        return found
    all_filled = [s for s in sheets if s.rows]
    filled = [s for s in all_filled if not s.notes.get("hidden")] or all_filled
    if len(filled) > 1:
        raise InputError("layers.sheet_needed", file=file, allowed="、".join(s.name for s in filled))
    if not filled:
        raise InputError("layers.no_rows", file=file)
    aside = "、".join(s.name for s in all_filled if s is not filled[0])
    return replace(filled[0], notes={**filled[0].notes, "aside": aside}) if aside else filled[0]


def _reader_notes(sheet: RawSheet, table: Table, faults: FaultList) -> frozenset[tuple[int, int]]:
    """Report what the reader could not read; returns the cells concerned."""
    cells = set()
    kept = set(table.rows)
    for fault in sheet.faults:
        if sheet.is_grid and fault.row is not None and fault.row not in kept:
            continue
        column = fault.column
        if column.isdigit() and sheet.is_grid:
            j = int(column)
            cells.add((fault.row or 0, j))
            column = table.headings[j] if j < len(table.headings) else ""
        faults.add(fault.code, fault.row, column, fault.value, **fault.facts)
    if aside := sheet.notes.get("aside"):
        faults.warn("sheets_hidden", value=str(aside))
    if sheet.notes.get("guessed"):
        faults.warn("encoding_guessed", value=str(sheet.notes.get("preview", "")), encoding=sheet.notes["encoding"])
    return frozenset(cells)


def _beyond_headings(sheet: RawSheet, table: Table, faults: FaultList) -> None:
    """Refuse rows of a CSV file with more cells than headings: a comma too many moves every value behind it."""
    if not sheet.notes.get("is_csv"):
        return
    width = max((j + 1 for j, heading in enumerate(table.headings) if heading), default=0)
    for i, row in enumerate(table.rows):
        beyond = [column[i] for column in table.columns[width:] if column[i] is not None]
        if beyond and width:
            faults.add("row_width", row, value=beyond[0], width=width)


def _place_rows(
    sheet: RawSheet, table: Table, spec: LayerSpec, assigned: dict[str, int], options: ReadOptions, faults: FaultList
) -> Placed | None:
    if spec.geometry == "none":
        return None
    crs_text = options.crs or sheet.crs
    drawn = sheet.wkb is not None and any(w is not None for w in sheet.wkb)
    if sheet.wkb is not None and (drawn or not set(assigned) & set(PLACE_HEADS)):
        shapes = feature_shapes(sheet.wkb, tuple(range(len(table.rows))))
        reported = {f.row for f in sheet.faults}
        for row, wkb in zip(table.rows, sheet.wkb, strict=True):
            if wkb is None and row not in reported:
                faults.add("geometry_missing", row)
        return place(table, shapes, crs_text, options, faults)
    source = None
    if crs_text:
        with suppress(InputError):  # place() reports it
            source = declared(crs_text)
    built = table_shapes(table, assigned, source, faults)
    if built is None:
        return None
    shapes, stated = built
    return place(table, shapes, crs_text or stated, options, faults)


def check_sheet(sheet: RawSheet, path: Path, spec: LayerSpec, options: ReadOptions) -> CheckedLayer:
    """Check one raw sheet against the catalogue.

    Returns
    -------
    CheckedLayer
        ``rows = accepted + refused + ignored``; every fault of the sheet. A column that the file lacks is not in the
        frame: a known row keeps what it has there.
    """
    faults = FaultList(path.name, sheet.name)
    table = find_table(sheet, spec, options.mapping) if sheet.is_grid else feature_table(sheet)
    assigned, unclear = match_headings(table.parts, spec, options.mapping)
    clipped = match_clipped(sheet, spec, options.mapping, assigned)
    assigned, unclear = assigned | clipped, tuple(t for t in unclear if t not in clipped)
    for target, j in clipped.items():
        faults.warn("heading_clipped", column=target, value=table.headings[j])
    check.check_headings(table, spec, assigned, unclear, faults)
    unread = _reader_notes(sheet, table, faults)
    _beyond_headings(sheet, table, faults)
    values = check.check_values(table, spec, assigned, faults, unread=unread)
    absent = {c.name for c in spec.columns} - set(assigned) - set(spec.key)
    dropped = check.check_keys(table, spec, values, options, faults)
    check.check_references(table, spec, assigned, values, options, faults)
    check.check_parents(table, spec, values, faults)
    check.check_spans(table, spec, values, faults)
    check.check_row_units(table, spec, assigned, values, faults)
    placed = _place_rows(sheet, table, spec, assigned, options, faults)
    present = {k: pd.Series(v, dtype=object) for k, v in values.items() if k not in absent}
    frame = pd.DataFrame(present, dtype=object)
    if placed is not None:
        shapes, twins = check.check_shapes(table, spec, placed.shapes, options, faults)
        check.check_villages(table, values, spec, shapes, placed.source_crs, options, faults)
        dropped |= twins
        frame["geometry"] = pd.Series(list(shapes), dtype=object)
    frame["coord_source"] = pd.Series(check.origin_of(table, assigned, options), dtype=object)
    frame["source_crs"] = placed.source_crs if placed is not None else ""
    frame["source_file"] = path.name
    frame.index = pd.Index(table.rows, name="row")
    return _finish(frame, path, spec, options, faults, len(table.ignored), dropped)


def _finish(
    frame: pd.DataFrame,
    path: Path,
    spec: LayerSpec,
    options: ReadOptions,
    faults: FaultList,
    aside: int,
    dropped: set[int],
) -> CheckedLayer:
    gone = np.zeros(len(frame), dtype=bool)
    gone[list(dropped)] = True
    bad = np.array([row in faults.bad_rows for row in frame.index], dtype=bool) & ~gone
    if faults.refuses_all:
        bad = ~gone
    kept = frame[~bad & ~gone]
    if options.extra_checks is not None and len(kept):
        for fault in options.extra_checks(kept):
            add = faults.warn if fault.severity == "warning" else faults.add
            add(fault.code, fault.row, fault.column, fault.value, **fault.facts)
        more = np.array([row in faults.bad_rows for row in kept.index], dtype=bool)
        kept = kept[~more] if not faults.refuses_all else kept.iloc[:0]
    refused = len(frame) - int(gone.sum()) - len(kept)
    return CheckedLayer(
        layer=spec.name,
        file=path,
        rows=len(frame) + aside,
        refused=refused,
        ignored=aside + int(gone.sum()),
        frame=kept,
        faults=faults.found(),
    )


def read_layer(path: Path, spec: LayerSpec, options: ReadOptions | None = None) -> CheckedLayer:
    """Read one foreign file as rows of a layer; a file that cannot be read is a layer with one fault.

    Parameters
    ----------
    path
        GeoJSON, KML, KMZ, GeoPackage, zipped or plain shapefile, CSV, XLSX or XLS.
    spec
        The layer of the catalogue.
    options
        Declarations of the person and what the store knows.

    Returns
    -------
    CheckedLayer
        Accepted rows (index = row in the file) and every fault; nothing is raised for a bad file.
    """
    options = options or ReadOptions()
    path = Path(path)
    try:
        sheet = choose_sheet(read_sheets(path, encoding=options.encoding), options.sheet, path.name)
    except InputError as error:
        return CheckedLayer(spec.name, path, 0, 0, 0, empty_frame(spec), (fault_of(error, path.name),))
    checked = check_sheet(sheet, path, spec, options)
    # Totals and notes are no data: a file of nothing else is not what the person meant to hand in.
    if checked.rows == checked.ignored and not checked.is_refused:
        nothing = fault_of(InputError("layers.no_rows", file=path.name), path.name)
        return replace(checked, faults=(*checked.faults, nothing))
    return checked


def read_layers(paths: Sequence[Path], spec: LayerSpec, options: ReadOptions | None = None) -> tuple[CheckedLayer, ...]:
    """Read several files of one layer; a key that two files fill differently is refused in the later one.

    Equal rows may stand in several files: they are one.
    """
    seen: dict[tuple[Any, ...], tuple[tuple[Any, ...], str, int]] = {}
    return tuple(_agree(read_layer(path, spec, options), spec, seen) for path in paths)


def _agree(
    checked: CheckedLayer, spec: LayerSpec, seen: dict[tuple[Any, ...], tuple[tuple[Any, ...], str, int]]
) -> CheckedLayer:
    names = [c.name for c in spec.columns if c.name in checked.frame]
    names += ["geometry"] if "geometry" in checked.frame else []
    faults: list[Fault] = []
    for row, values in zip(checked.frame.index, checked.frame[names].itertuples(index=False, name=None), strict=True):
        key = tuple(values[names.index(name)] for name in spec.key)
        first, file, at = seen.setdefault(key, (values, checked.file.name, int(row)))
        if first != values:
            shown = "、".join(str(part) for part in key)
            facts = {"first_row": at, "first_file": file}
            faults.append(
                Fault("key_in_other_file", checked.file.name, "", int(row), "、".join(spec.key), shown, facts=facts)
            )
    if not faults:
        return checked
    kept = checked.frame.drop(index=[f.row for f in faults])
    return replace(checked, frame=kept, refused=checked.refused + len(faults), faults=(*checked.faults, *faults))


def empty_frame(spec: LayerSpec) -> pd.DataFrame:
    """Build a frame of no rows with the layer's columns."""
    names = [c.name for c in spec.columns]
    names += ["geometry"] if spec.geometry != "none" else []
    return pd.DataFrame({n: pd.Series([], dtype=object) for n in (*names, "coord_source", "source_crs", "source_file")})


def records(checked: CheckedLayer) -> list[dict[str, Any]]:
    """Return the accepted rows as plain dictionaries, ready to be stored: Python values, ``None`` for nothing."""
    return [{str(k): v for k, v in row.items()} for row in checked.frame.to_dict("records")]


def geometry_bounds(checked: CheckedLayer) -> tuple[float, float, float, float] | None:
    """Return west, south, east, north of the accepted shapes [deg], ``None`` without any."""
    if "geometry" not in checked.frame or not len(checked.frame):
        return None
    west, south, east, north = shapely.total_bounds(np.array(list(checked.frame["geometry"]), dtype=object))
    return float(west), float(south), float(east), float(north)
