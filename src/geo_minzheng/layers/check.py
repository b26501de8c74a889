"""Check rows against the catalogue: headings, values, keys, references, shapes, villages; every fault in one pass."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from geo_minzheng.layers import crs as systems
from geo_minzheng.layers import geometry
from geo_minzheng.layers.faults import FaultList
from geo_minzheng.layers.geometry import Shapes
from geo_minzheng.layers.headings import PLACE_HEADS, Table, heading_key
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.values import BadValue, default_of, folded, is_blank, parse, serial_date, unit_word
from geo_minzheng.model.layer import ColumnSpec, LayerSpec

Values = dict[str, list[Any]]
# Units by what they measure: the first word of each is the one that columns are kept in or compared by.
_SCALES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("平方米", "m2", "㎡", "平米"), ("亩", "市亩"), ("公顷", "ha", "hm2"), ("平方千米", "平方公里", "km2")),
    (("元",), ("千元",), ("万元",), ("百万元",), ("亿元",)),
    (("千克", "公斤", "kg"), ("斤", "市斤"), ("吨", "t", "公吨"), ("克", "g")),
    (("米", "m"), ("千米", "公里", "km")),
    (("升", "l", "公升"), ("毫升", "ml")),
    (("千米/时", "km/h", "公里/小时", "千米/小时"),),
    *(((unit,), *((f"{many}{unit}",) for many in ("十", "百", "千", "万"))) for unit in ("人", "户", "间", "张")),
    (("年",),),
    (("层",),),
)
_UNITS = {folded(word).lower(): kin[0] for scale in _SCALES for kin in scale for word in kin}
_SCALE_OF = {kin[0]: n for n, scale in enumerate(_SCALES) for kin in scale}
_STATED_UNIT = re.compile(r"单位\s*[:：]\s*(.+)")
_KINDS = {"Point": "geometry_not_point", "LineString": "geometry_not_line", "Polygon": "geometry_not_area"}
_SOURCE_WORDS = {"合成": "synthetic", "测绘": "survey", "实测": "survey"}


def check_headings(
    table: Table, spec: LayerSpec, assigned: Mapping[str, int], unclear: tuple[str, ...], faults: FaultList
) -> None:
    """Report required columns that are absent, mapped headings that are not there, other units, unused columns."""
    known = {c.name for c in spec.columns} | set(PLACE_HEADS) | {"coord_source"}
    stated = _stated_units(table.above)
    for target in unclear:
        faults.add("mapping_unknown", column=target, allowed="、".join(h for h in table.headings if h)[:300])
    for target in sorted(set(assigned) - known):
        faults.add("mapping_target", column=target, allowed="、".join(c.name for c in spec.columns))
    for column in spec.columns:
        if column.required and column.name not in assigned and column.name not in unclear:
            faults.add(
                "column_missing", column=_shown(column), allowed="、".join(dict.fromkeys((*column.heads, column.name)))
            )
        if column.name in assigned:
            _check_unit(table.headings[assigned[column.name]], column, stated, faults)
    used = set(assigned.values())
    left = [
        h for j, h in enumerate(table.headings) if j not in used and h and any(c is not None for c in table.columns[j])
    ]
    if left:
        faults.warn("columns_ignored", value="、".join(left))


def _unit_in(heading: str) -> str | None:
    """Name the unit in a heading's last brackets."""
    key = heading_key(heading)
    return _UNITS.get(key[key.rindex("(") + 1 : -1].removeprefix("单位:")) if "(" in key and key[-1] == ")" else None


def _check_unit(heading: str, column: ColumnSpec, stated: Collection[str], faults: FaultList) -> None:
    """Refuse a unit other than the column's, in the heading's brackets or, for all columns, in the table's title."""
    if not column.unit:
        return
    kept = _UNITS.get(column.unit, column.unit)
    told = _unit_in(heading)
    alike = [unit for unit in stated if _SCALE_OF[unit] == _SCALE_OF.get(kept)] if told is None else [told]
    if alike and kept not in alike:
        faults.add("heading_unit", column=heading, value=alike[0], unit=column.unit)


def _stated_units(above: tuple[str, ...]) -> set[str]:
    words = [
        w for text in above if (m := _STATED_UNIT.search(folded(text))) for w in re.split(r"[、,，;；/\s)）]+", m[1])
    ]
    return {_UNITS[word.lower()] for word in words if word.lower() in _UNITS}


def check_row_units(
    table: Table, spec: LayerSpec, assigned: Mapping[str, int], values: Values, faults: FaultList
) -> None:
    """Refuse a quantity whose heading names another unit than the row does."""
    if "unit" not in assigned or "quantity" not in assigned:
        return
    heading = table.headings[assigned["quantity"]]
    told = _unit_in(heading)
    for row, unit in zip(table.rows, values["unit"], strict=True) if told else ():
        if unit is not None and _UNITS.get(unit_word(unit), unit_word(unit)) != told:
            faults.add("units_differ", row, heading, str(unit), unit=told)


def _shown(column: ColumnSpec) -> str:
    return column.heads[0] if column.heads else column.name


def check_values(
    table: Table,
    spec: LayerSpec,
    assigned: Mapping[str, int],
    faults: FaultList,
    *,
    unread: frozenset[tuple[int, int]] = frozenset(),
) -> Values:
    """Parse every cell by its column; equal texts are parsed once.

    Parameters
    ----------
    unread
        (row, column) of cells that are already reported.

    Returns
    -------
    dict of str to list
        Values by catalogue column, ``None`` where there is none, each of length n.
    """
    values: Values = {}
    for column in spec.columns:
        j = assigned.get(column.name)
        if j is None:
            values[column.name] = [default_of(column)] * len(table.rows)
            continue
        heading, parsed = table.headings[j], dict[str, Any]()
        fallback, found = default_of(column), list[Any]()
        for row, text in zip(table.rows, table.columns[j], strict=True):
            if (row, j) in unread:
                found.append(None)
                continue
            if text is None or (is_blank(text) and not _is_word(text, column)):
                found.append(fallback)
                if column.required:
                    faults.add("value_missing", row, heading)
                continue
            if text not in parsed:
                parsed[text] = parse(text, column)
            value = parsed[text]
            if isinstance(value, BadValue):
                faults.add(value.code, row, heading, "***" if column.private else text, **value.facts)
                value = None
            elif column.type == "date" and serial_date(text):
                faults.warn("date_serial", row, heading, text, day=value.isoformat())
            found.append(value)
        values[column.name] = found
    return values


def _is_word(text: str, column: ColumnSpec) -> bool:
    """Whether a list column knows the cell's text as a code of its own, such as ``none``."""
    return column.type == "enum" and bool(folded(text)) and not isinstance(parse(text, column), BadValue)


def check_keys(table: Table, spec: LayerSpec, values: Values, options: ReadOptions, faults: FaultList) -> set[int]:
    """Refuse the second row of a key and name the first; equal rows may be dropped as a repair.

    Returns
    -------
    set of int
        Positions of rows that a repair dropped.
    """
    first: dict[tuple[Any, ...], int] = {}
    dropped: set[int] = set()
    columns = [values[name] for name in spec.key]
    for i, key in enumerate(zip(*columns, strict=True)):
        if any(part is None for part in key):
            continue
        at = first.setdefault(key, i)
        if at == i:
            continue
        shown = "、".join(part.isoformat() if isinstance(part, date) else str(part) for part in key)
        heading = "、".join(_shown(spec.column(name)) for name in spec.key)
        same = all(column[i] == column[at] for column in table.columns)
        if same and options.repair and table.columns:
            dropped.add(i)
            faults.warn("duplicate_dropped", table.rows[i], heading, shown, first_row=table.rows[at])
        else:
            faults.add("duplicate_key", table.rows[i], heading, shown, first_row=table.rows[at])
    return dropped


def check_references(
    table: Table, spec: LayerSpec, assigned: Mapping[str, int], values: Values, options: ReadOptions, faults: FaultList
) -> None:
    """Refuse values that name something unknown to the store and to the file itself.

    A division above the district's own register, of six digits, is taken when the register's codes begin with it. A
    village is a division that nothing stands below.
    """
    for column in (c for c in spec.columns if c.ref and c.name in assigned and c.ref in options.known):
        layer, _, name = column.ref.partition(".")
        known = set(options.known[column.ref])
        if layer == spec.name:
            known |= {v for v in values[name] if v is not None}
        heading = table.headings[assigned[column.name]]
        above = {code[:size] for code in known for size in (6, 9) if len(code) > size} if layer == "division" else set()
        for row, value in zip(table.rows, values[column.name], strict=True):
            if value is None:
                continue
            if spec.name == "village" and value in above:
                faults.add("code_not_village", row, heading, str(value))
            elif value not in known and not (len(value) == 6 and (value in above or not known)):
                faults.add("reference_unknown", row, heading, str(value), layer=layer)


def check_parents(table: Table, spec: LayerSpec, values: Values, faults: FaultList) -> None:
    """Refuse a division whose code does not begin with its parent's code."""
    if not {"code", "parent_code"} <= {c.name for c in spec.columns}:
        return
    for row, code, parent in zip(table.rows, values["code"], values["parent_code"], strict=True):
        if (
            code
            and parent
            and (not code.startswith(parent.rstrip("0") if len(parent) == 6 else parent) or code == parent)
        ):
            faults.add("parent_mismatch", row, _shown(spec.column("parent_code")), parent, child=code)


_SPANS = (("valid_from", "valid_to"), ("produced_on", "expiry_on"))


def check_spans(table: Table, spec: LayerSpec, values: Values, faults: FaultList) -> None:
    """Refuse an end before its beginning, and a division code that two rows put in force on the same day."""
    for first, last in (span for span in _SPANS if set(span) <= values.keys()):
        heading = _shown(spec.column(last))
        for row, start, end in zip(table.rows, values[first], values[last], strict=True):
            if start and end and end < start:
                faults.add("dates_crossed", row, heading, end.isoformat(), start=start.isoformat())
    if spec.key != ("code", "valid_from"):
        return
    spans: dict[str, list[tuple[date, date, int]]] = {}
    for row, *span in zip(table.rows, *(values[n] for n in (*spec.key, "valid_to")), strict=True):
        code, start, end = span
        if code is None or start is None:
            continue
        for since, until, at in spans.get(code, ()):
            if start != since and start < until and since < (end or date.max):
                faults.add("code_twice_in_force", row, _shown(spec.column("code")), code, first_row=at)
        spans.setdefault(code, []).append((start, end or date.max, row))


def check_shapes(
    table: Table, spec: LayerSpec, shapes: Shapes, options: ReadOptions, faults: FaultList
) -> tuple[Shapes, set[int]]:
    """Check kind, validity and duplicates of placed shapes, mending where asked to.

    Returns
    -------
    (shapes, dropped)
        Shapes in the stored form, ``None`` where refused; positions of duplicates that a repair dropped.
    """
    kept = np.full(len(shapes), None, dtype=object)
    present = np.flatnonzero(~shapely.is_missing(shapes))
    for i in present:
        shape = geometry.single_family(shapes[i], spec.geometry)
        if shape is None:
            faults.add(_KINDS[spec.geometry], table.rows[i], value=shapes[i].geom_type)
        if shape is not None and spec.geometry == "LineString" and shapely.length(shape) == 0:
            faults.add("line_without_length", table.rows[i])
            shape = None
        kept[i] = shape
    if spec.geometry != "Polygon" or not len(present):
        return kept, set()
    metres = geometry.local_metres(shapes)
    for k in np.flatnonzero(~shapely.is_missing(kept) & ~shapely.is_valid(kept)):
        kept[k] = _mend(kept[k], table.rows[int(k)], metres, options, faults)
    twins = geometry.first_twin(kept)
    dropped = _drop_twins(table, twins, options, faults)
    if any(spec.column(name).type.startswith("code") for name in spec.key):
        for first, second, area in geometry.overlaps(_without(kept, twins >= 0), metres):
            faults.warn("areas_overlap", table.rows[second], first_row=table.rows[first], area_km2=round(area / 1e6, 4))
    return kept, dropped


def _without(shapes: Shapes, left_out: NDArray[np.bool_]) -> Shapes:
    rest = shapes.copy()
    rest[left_out] = None
    return rest


def _mend(shape: Any, row: int, metres: Any, options: ReadOptions, faults: FaultList) -> Any:
    flaw = geometry.find_flaw(shape, metres)
    if flaw is None:
        return shape
    facts: dict[str, Any] = {
        "reason": flaw.reason,
        "lon": round(flaw.lon, 6),
        "lat": round(flaw.lat, 6),
        "area_before_km2": round(flaw.area_before_m2 / 1e6, 6),
        "area_after_km2": round(flaw.area_after_m2 / 1e6, 6),
        "change_km2": round((flaw.area_after_m2 - flaw.area_before_m2) / 1e6, 6),
    }
    if flaw.mended.is_empty:
        faults.add("geometry_hopeless", row, **facts)
        return None
    if not options.repair:
        faults.add("geometry_invalid", row, **facts)
        return None
    faults.warn("geometry_repaired", row, **facts)
    return flaw.mended


def _drop_twins(table: Table, twins: NDArray[np.int64], options: ReadOptions, faults: FaultList) -> set[int]:
    dropped = set()
    for i in np.flatnonzero(twins >= 0):
        first = table.rows[twins[i]]
        if options.repair:
            dropped.add(int(i))
            faults.warn("duplicate_shape_dropped", table.rows[i], first_row=first)
        else:
            faults.add("duplicate_shape", table.rows[i], first_row=first)
    return dropped


def check_villages(
    table: Table,
    values: Values,
    spec: LayerSpec,
    shapes: Shapes,
    source_crs: str,
    options: ReadOptions,
    faults: FaultList,
) -> None:
    """Warn where a point lies in another village than the row says, and where a shifted system would explain it."""
    name = "village_code" if "village_code" in values else "code" if spec.name == "village" else ""
    if spec.geometry != "Point" or not options.village_areas or not name:
        return
    codes = list(options.village_areas)
    tree = shapely.STRtree([options.village_areas[c] for c in codes])
    stated = values[name]
    rows = [i for i, s in enumerate(shapes) if s is not None and stated[i] in options.village_areas]
    found = _villages_at(tree, codes, shapes[rows]) if rows else {}
    wrong = [i for k, i in enumerate(rows) if stated[i] not in found.get(k, ())]
    for i in wrong:
        at = found.get(rows.index(i), ()) if len(rows) < 2000 else ()
        faults.warn(
            "village_mismatch", table.rows[i], _shown(spec.column(name)), str(stated[i]), actual="、".join(at) or "—"
        )
    if len(rows) >= 5 and len(wrong) > 0.3 * len(rows) and source_crs not in systems.SHIFTED:
        _suggest_shift(tree, codes, shapes[rows], [stated[i] for i in rows], len(wrong), faults)


def _villages_at(tree: shapely.STRtree, codes: list[str], points: Shapes) -> dict[int, tuple[str, ...]]:
    found: dict[int, tuple[str, ...]] = {}
    for i, j in zip(*tree.query(points, predicate="intersects"), strict=True):
        found[int(i)] = (*found.get(int(i), ()), codes[j])
    return found


def _suggest_shift(
    tree: shapely.STRtree, codes: list[str], points: Shapes, stated: list[Any], wrong: int, faults: FaultList
) -> None:
    for name, undo in systems.SHIFTED.items():
        lon, lat = undo(shapely.get_x(points), shapely.get_y(points))
        found = _villages_at(tree, codes, np.asarray(shapely.points(lon, lat)))
        still = sum(1 for k, code in enumerate(stated) if code not in found.get(k, ()))
        if still < wrong / 2:
            faults.warn("looks_shifted", value=name, wrong=wrong, still=still, count=len(stated))
            return


def origin_of(table: Table, assigned: Mapping[str, int], options: ReadOptions) -> list[str]:
    """Return where each row's place comes from, as the file states it or as declared."""
    j = assigned.get("coord_source")
    if j is None:
        return [options.coord_source] * len(table.rows)
    return [
        options.coord_source if c is None or is_blank(c) else _SOURCE_WORDS.get(folded(c), folded(c).lower())
        for c in table.columns[j]
    ]
