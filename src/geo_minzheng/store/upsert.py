"""Checked rows into the store by business key, so that the same rows twice change nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
import shapely
from sqlalchemy import Table, bindparam, false, func, insert, or_, select, type_coerce, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from sqlalchemy.types import LargeBinary

from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.model.act import Act
from geo_minzheng.model.layer import LayerSpec
from geo_minzheng.store.audit import Change, record_many
from geo_minzheng.store.cells import write_cells
from geo_minzheng.store.frames import layer_table
from geo_minzheng.store.geometry import Geometry, decode_many, fit
from geo_minzheng.store.gpkg import note_change
from geo_minzheng.store.keys import KeyRing
from geo_minzheng.store.ledger import open_lot
from geo_minzheng.store.scope import is_narrow, whole
from geo_minzheng.store.seal import SEALED, audit_mark, check_ring, check_unmasked, opened_cells, ring_of, seal_row
from geo_minzheng.store.whereabouts import place_in, places_of_cases

Key = tuple[Any, ...]
UNSTATED = "imported"
_SAME_DEG = 1e-9
# Up to here the stored rows are looked up by key, above it the whole table is read.
_FEW = 2000


@dataclass(frozen=True)
class _Batch:
    """The frame as cells.

    ``rows`` are what decides whether a row changed: catalogue columns and ``coord_source`` by ``names``, then the
    geometry as WKB. ``origin`` (CRS, file) is stored but decides nothing. ``absent`` names what the frame does not
    say at all, ``stated`` the rows that say where their place comes from. ``ring`` seals the private columns of a layer
    that has any: they are plain in the rows, sealed in the store, and told the audit as marks.
    """

    table: Table
    key: tuple[str, ...]
    names: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    shapes: list[Any]
    origin: list[tuple[str, str]]
    absent: frozenset[str]
    stated: list[bool]
    ring: KeyRing | None = None

    def keys(self) -> list[Key]:
        places = [self.names.index(name) for name in self.key]
        return [tuple(row[place] for place in places) for row in self.rows]

    def complete(self, at: int, old: tuple[Any, ...]) -> tuple[Any, ...]:
        """Fill what the frame leaves unsaid from the stored row: absent columns, and the origin of an unmoved place."""
        given = zip(self.names, old, self.rows[at], strict=False)
        cells = [before if name in self.absent else now for name, before, now in given]
        place, shape = cells[:-1], self.rows[at][len(cells) :]
        if self.shapes and _is_same_place(shape[0], old[-1]):
            shape, self.shapes[at] = (old[-1],), shapely.from_wkb(old[-1])
        has_moved = shape != old[len(cells) :] if self.shapes else place != list(old[: len(place)])
        if not self.stated[at] and not has_moved:
            cells[-1] = old[len(place)]
        return (*cells, *shape)

    def cells(self, at: int, act: Act) -> dict[str, Any]:
        cells = dict(zip(self.names, self.rows[at], strict=False))
        cells["source_crs"], cells["source_file"] = self.origin[at]
        cells["imported_at"] = act.at
        if "geom" in self.table.columns:
            cells["geom"] = self.shapes[at]
        return cells if self.ring is None else seal_row(self.ring, self.table.name, self.keys_at(at)[0], cells)

    def keys_at(self, at: int) -> Key:
        return tuple(self.rows[at][self.names.index(name)] for name in self.key)

    def open(self, cells: tuple[Any, ...]) -> tuple[Any, ...]:
        """Open the private columns of a stored row."""
        if self.ring is None:
            return cells
        key, told = cells[self.names.index(self.key[0])], dict(zip(self.names, cells, strict=False))
        return (*opened_cells(self.ring, self.table.name, key, told).values(), *cells[len(self.names) :])

    def told(self, name: str, value: Any) -> Any:
        """Tell the audit a cell: a private one by its mark."""
        is_private = self.ring is not None and name in SEALED[self.table.name]
        return audit_mark(self.ring, self.table.name, name, value) if self.ring and is_private else value


def write_layer(session: Session, spec: LayerSpec, frame: pd.DataFrame, act: Act) -> dict[str, int]:
    """Store checked rows by business key: new ones are inserted, different ones changed, identical ones left alone.

    Rows that are not in the frame stay, and so does what a known row holds in columns that the frame lacks. Empty cells
    take the catalogue's default. Where a row came from (file, CRS)
    makes no difference by itself. A new ``stock_lot`` is opened by a receipt; a known one keeps item, unit and the
    quantity it was opened with. One audit row per changed row, one for the import, none when nothing changed.

    Returns
    -------
    ``accepted`` (inserted or changed) and ``unchanged``; together the rows of the frame.

    Raises
    ------
    NotFoundError
        ``store.no_layer``.
    InputError
        ``store.duplicate_key``, ``store.missing_value``, ``store.bad_value``, ``store.no_column``.
    RefusedError
        ``store.lot_changed``: use a stock-take.
    StoreError
        ``keys.missing`` and others of :mod:`geo_minzheng.store.seal`, for a layer with private columns.
    """
    batch = _batch(session, spec, frame)
    keys = batch.keys()
    _check_keys(spec.name, keys)
    known = _known(session, batch, keys)
    for at, key in enumerate(keys):
        if key in known:
            batch.rows[at] = batch.complete(at, known[key][1])
    fresh = [at for at, key in enumerate(keys) if key not in known]
    changed = [at for at, key in enumerate(keys) if key in known and known[key][1] != batch.rows[at]]
    if not fresh and not changed:
        return {"accepted": 0, "unchanged": len(keys)}
    places = _places(session, batch, changed)
    changes = [
        _changed(batch, known[keys[at]][1], at, keys[at], place) for at, place in zip(changed, places, strict=True)
    ]
    if spec.name == "stock_lot":
        _check_lots(changes)
    with session.begin_nested():
        rows = _insert(session, batch, fresh, act)
        _update(session, batch, [(known[keys[at]][0], at) for at in changed], act)
        if spec.name == "stock_lot":
            _open_lots(session, act, batch, fresh)
        note_change(session.connection(), spec.name, act.at)
        counts = {"inserted": len(fresh), "changed": len(changed), "unchanged": len(keys) - len(fresh) - len(changed)}
        files = sorted({batch.origin[at][1] for at in (*fresh, *changed)})
        summary = {**counts, "files": files, "rows": rows, "sha256": _digest(batch, [*fresh, *changed])}
        record_many(session, act, [*changes, Change("layer.import", spec.name, "", None, summary)])
    return {"accepted": len(fresh) + len(changed), "unchanged": counts["unchanged"]}


def _batch(session: Session, spec: LayerSpec, frame: pd.DataFrame) -> _Batch:
    model, table = layer_table(spec.name)
    ring = ring_of(session) if spec.name in SEALED and len(frame) else None
    if ring is not None:
        check_ring(session.connection(), table, ring)
    unknown = [c.name for c in spec.columns if c.name not in table.columns]
    if unknown:
        raise InputError("store.no_column", layer=spec.name, column=unknown[0])
    names = (*(c.name for c in spec.columns), "coord_source")
    defaults = {c.name: c.default for c in spec.columns} | {"coord_source": UNSTATED}
    absent = frozenset(c.name for c in spec.columns if c.name not in frame and c.name not in model.KEY)
    said = {n: _series(frame, n) for n in names}
    said["coord_source"] = said["coord_source"].where(said["coord_source"].astype(bool), None)
    columns = [write_cells(said[n], table.columns[n], defaults[n]) for n in names]
    origin = [write_cells(_series(frame, n), table.columns[n], "") for n in ("source_crs", "source_file")]
    shapes: list[Any] = []
    if "geom" in table.columns:
        kind = table.columns["geom"].type
        assert isinstance(kind, Geometry)
        given = frame["geometry"] if "geometry" in frame else pd.Series([None] * len(frame), dtype=object)
        shapes = [fit(shape, kind.kind) for shape in given.tolist()]
        columns.append(shapely.to_wkb(shapes, byte_order=1).tolist())
    rows = list(zip(*columns, strict=True)) if len(frame) else []
    return _Batch(
        table,
        model.KEY,
        names,
        rows,
        shapes,
        list(zip(*origin, strict=True)),
        absent,
        said["coord_source"].notna().tolist(),
        ring,
    )


def _is_same_place(new: bytes | None, old: bytes | None) -> bool:
    """Whether two shapes differ by less than a tenth of a millimetre, as one file in two systems does."""
    if new is None or old is None or new == old:
        return new == old
    return bool(shapely.equals_exact(shapely.from_wkb(new), shapely.from_wkb(old), tolerance=_SAME_DEG))


def _series(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    return frame[name] if name in frame else pd.Series([None] * len(frame), dtype=object)


def _check_keys(layer: str, keys: Sequence[Key]) -> None:
    seen: set[Key] = set()
    for key in keys:
        if key in seen:
            raise InputError("store.duplicate_key", layer=layer, key="/".join(map(str, key)))
        seen.add(key)


def _known(session: Session, batch: _Batch, keys: Sequence[Key]) -> dict[Key, tuple[int, tuple[Any, ...]]]:
    """Read the stored rows of these keys, in the shape of the batch's rows, with their row numbers."""
    table, dialect = batch.table, session.get_bind().dialect.name
    columns: list[Any] = [table.columns["fid"], *(table.columns[name] for name in batch.names)]
    if "geom" in table.columns:
        geom = table.columns["geom"]
        raw = type_coerce(geom, LargeBinary()) if dialect == "sqlite" else func.ST_AsBinary(geom, type_=LargeBinary())
        columns.append(raw)
    query = select(*columns)
    if len(keys) <= _FEW:
        first, values = table.columns[batch.key[0]], sorted({key[0] for key in keys})
        parts = [first.in_(values[i : i + 500]) for i in range(0, len(values), 500)]
        query = query.where(or_(false(), *parts))
    rows = session.execute(query).all()
    if "geom" in table.columns:
        wkb = shapely.to_wkb(decode_many([row[-1] for row in rows], dialect), byte_order=1).tolist()
        cells = [(*row[1:-1], blob) for row, blob in zip(rows, wkb, strict=True)]
    else:
        cells = [batch.open(tuple(row[1:])) for row in rows]
    places = [batch.names.index(name) for name in batch.key]
    return {tuple(cell[place] for place in places): (row[0], cell) for row, cell in zip(rows, cells, strict=True)}


def _changed(batch: _Batch, old: tuple[Any, ...], at: int, key: Key, place: str) -> Change:
    names = (*batch.names, "geometry")
    differing = [(n, o, v) for n, o, v in zip(names, old, batch.rows[at], strict=False) if o != v]
    before, after = {n: o for n, o, _ in differing}, {n: v for n, _, v in differing}
    if batch.ring is not None:
        check_unmasked(batch.table.name, str(key[0]), before, after)
    before, after = ({n: batch.told(n, v) for n, v in cells.items()} for cells in (before, after))
    return Change("layer.change", batch.table.name, "/".join(map(str, key)), before, after, place)


def _check_lots(changes: Sequence[Change]) -> None:
    for change in changes:
        for name in ("quantity", "item", "unit"):
            if name in change.after:
                given, stored = change.after[name], change.before[name]
                raise RefusedError("store.lot_changed", lot=change.key, column=name, given=given, stored=stored)


def _places(session: Session, batch: _Batch, changed: Sequence[int]) -> list[str]:
    if batch.table.name == "renovation_application":
        case = batch.names.index("case_id")
        cases = {at: str(batch.rows[at][case]) for at in changed}
        villages = places_of_cases(session, cases.values())
        return [villages.get(cases[at], "") for at in changed]
    return [place_in(dict(zip(batch.names, batch.rows[at], strict=False))) for at in changed]


def _insert(session: Session, batch: _Batch, fresh: Sequence[int], act: Act) -> list[int]:
    """Insert what is new; give the first and last row number, by which a row finds the import it came with."""
    if not fresh:
        return []
    fid = batch.table.columns["fid"]
    with whole(session):
        before = session.scalar(select(func.max(fid))) or 0
    try:
        session.execute(insert(batch.table), [batch.cells(at, act) for at in fresh])
    except IntegrityError as error:
        if not is_narrow(session):
            raise
        # A key that is taken outside the scope is not there, and cannot be had.
        raise NotFoundError("store.not_found", table=batch.table.name, key="") from error
    return list(session.execute(select(func.min(fid), func.max(fid)).where(fid > before)).one())


def _update(session: Session, batch: _Batch, changed: Sequence[tuple[int, int]], act: Act) -> None:
    if not changed:
        return
    rows = [batch.cells(at, act) | {"which_fid": fid} for fid, at in changed]
    names = [name for name in rows[0] if name != "which_fid"]
    statement = update(batch.table).where(batch.table.columns["fid"] == bindparam("which_fid"))
    session.connection().execute(statement.values({name: bindparam(name) for name in names}), rows)


def _open_lots(session: Session, act: Act, batch: _Batch, fresh: Sequence[int]) -> None:
    keys = batch.keys()
    stored = _known(session, batch, [keys[at] for at in fresh])
    quantity = batch.names.index("quantity")
    for at in fresh:
        warehouse, lot_no = keys[at]
        open_lot(session, act, stored[keys[at]][0], f"期初-{warehouse}-{lot_no}", batch.rows[at][quantity])


def _digest(batch: _Batch, at: Sequence[int]) -> str:
    told = hashlib.sha256()
    for place in at:
        row = batch.rows[place]
        cells = (*(batch.told(n, v) for n, v in zip(batch.names, row, strict=False)), *row[len(batch.names) :])
        told.update(repr(cells).encode("utf-8", "surrogatepass"))
    return told.hexdigest()
