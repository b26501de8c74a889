"""Read shapefiles through GDAL with that one driver; runs inside the limited worker."""

from __future__ import annotations

import codecs
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Format, Limits, member_name
from geo_minzheng.layers.transfer import RawFault, RawSheet, plain_text

DRIVER = "ESRI Shapefile"
NAME_BYTES = 10
# Kinds of shapes and of dBASE fields that exist: GDAL takes any other number or letter without a word.
_SHAPE_KINDS = (0, 1, 3, 5, 8, 11, 13, 15, 18, 21, 23, 25, 28, 31)
_FIELD_KINDS = b"CNFDLMBGPOITYVXQW+@0"
PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_GBK_LANGUAGE_BYTES = (0x4D, 0x7A)
_CODE_PAGES = {
    "936": "gb18030",
    "65001": "utf-8",
    "88591": "latin-1",
    "utf8": "utf-8",
    "gb2312": "gb18030",
    "gbk": "gb18030",
}


def _groups(path: Path) -> dict[str, dict[str, str]]:
    """Group archive members into shapefiles: readable stem -> suffix -> member."""
    groups: dict[str, dict[str, str]] = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            stem, dot, suffix = member_name(info).rpartition(".")
            if f".{suffix.lower()}" in PARTS and dot and not stem.startswith("__MACOSX"):
                groups.setdefault(stem, {})[f".{suffix.lower()}"] = info.filename
    return {stem: parts for stem, parts in groups.items() if ".shp" in parts}


def _check_records(base: Path, name: str) -> None:
    """Compare the index with the records it points to: GDAL believes the index and never looks."""
    data = base.with_suffix(".shp").read_bytes()
    index = base.with_suffix(".shx").read_bytes()[100:]
    entries = np.frombuffer(index[: len(index) // 8 * 8], dtype=">i4").reshape(-1, 2).astype(np.int64) * 2
    for place, length in entries.tolist():
        is_inside = place >= 100 and length >= 4 and place + 8 + length <= len(data)
        if not is_inside or struct.unpack_from(">i", data, place + 4)[0] * 2 != length:
            raise InputError("layers.file_broken", reason=name + ".shx")


def _check_parts(base: Path, name: str) -> None:
    """Compare the lengths in the headers with the files: GDAL reads truncated shapefiles without a word."""
    for suffix in (".shp", ".shx", ".dbf"):
        if not base.with_suffix(suffix).exists():
            raise InputError("layers.shapefile_part", member=name + suffix)
    for suffix in (".shp", ".shx"):
        part = base.with_suffix(suffix)
        head = part.read_bytes()[:100]
        if len(head) < 100 or head[:4] != b"\x00\x00\x27\x0a":
            raise InputError("layers.file_broken", reason=name + suffix)
        if struct.unpack(">i", head[24:28])[0] * 2 != part.stat().st_size:
            raise InputError("layers.file_truncated", member=name + suffix)
        if struct.unpack("<i", head[32:36])[0] not in _SHAPE_KINDS:
            raise InputError("layers.file_broken", reason=name + suffix)
    shapes = (base.with_suffix(".shx").stat().st_size - 100) // 8
    count = _check_table(base.with_suffix(".dbf"), name)
    _check_records(base, name)
    if count != shapes:
        raise InputError("layers.shapefile_count", member=name, shapes=shapes, rows=count)


def _check_table(table: Path, name: str) -> int:
    """Check the length and the kinds of fields that the table's header promises; returns its count of rows."""
    data = table.read_bytes()
    if len(data) < 32:
        raise InputError("layers.file_truncated", member=name + ".dbf")
    count, offset, width = struct.unpack("<IHH", data[4:12])
    if offset + count * width > len(data):
        raise InputError("layers.file_truncated", member=name + ".dbf")
    for at in range(32, offset - 31, 32):
        if data[at : at + 1] == b"\r":
            break
        if data[at + 11] not in _FIELD_KINDS:
            raise InputError("layers.file_broken", reason=name + ".dbf")
    return int(count)


def text_codec(name: str) -> str:
    """Return the full name of an encoding of text, empty for anything else that Python calls a codec."""
    try:
        b"a".decode(name or "?")
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        return ""


def _declared_encoding(base: Path) -> str:
    page = base.with_suffix(".cpg")
    if page.exists():
        name = page.read_bytes()[:40].decode("ascii", errors="ignore").strip().lower()
        for mark in ("ansi", "cp", "oem", " ", "-", "_"):
            name = name.replace(mark, "")
        name = _CODE_PAGES.get(name, name)
        return text_codec(name)
    return "gb18030" if base.with_suffix(".dbf").read_bytes()[29:30] in map(bytes, zip(_GBK_LANGUAGE_BYTES)) else ""


def _field_name(name: bytes, encoding: str, errors: str = "strict") -> str:
    """Decode a field name; the table keeps ten bytes of it, so half a character at its end says nothing."""
    return codecs.getincrementaldecoder(encoding)(errors).decode(name, final=len(name) < NAME_BYTES)


def _encoding(names: list[bytes], texts: list[bytes], declared: str) -> tuple[str, bool]:
    """Choose the encoding of all names and texts; tells whether it had to be guessed."""
    for name in [declared] if declared else ["utf-8", "gb18030"]:
        try:
            for field in names:
                _field_name(field, name)
            for text in texts:
                text.decode(name)
        except UnicodeDecodeError:
            continue
        return name, not declared and name == "gb18030"
    return declared or "gb18030", not declared


def _cell(value: Any, encoding: str) -> str | None:
    if isinstance(value, str):
        return plain_text(value.encode("latin-1").decode(encoding, errors="replace"))
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value.astype("datetime64[D]"))
    if isinstance(value, np.floating | float):
        return None if np.isnan(value) else plain_text(float(value))
    return plain_text(value.item() if isinstance(value, np.generic) else value)


def _read(base: Path, name: str, declared: str, limits: Limits) -> RawSheet:
    from pyogrio.errors import CRSError  # noqa: PLC0415  GDAL is loaded only here
    from pyogrio.raw import read  # noqa: PLC0415

    _check_parts(base, name)
    prj = base.with_suffix(".prj")
    crs = prj.read_text(encoding="utf-8", errors="replace").strip() if prj.exists() else ""
    # Latin-1 maps every byte to one character: the bytes come through unharmed and are decoded below.
    try:
        meta, _, geometry, fields = read(str(base.with_suffix(".shp")), encoding="ISO-8859-1", force_2d=True)
    except CRSError as error:
        raise InputError("layers.crs_unknown", value=crs[:80]) from error
    count = len(geometry)
    if count > limits.features:
        raise InputError("layers.too_many_rows", limit=limits.features)
    names = [str(f) for f in meta["fields"]]
    raw = [f.encode("latin-1") for f in names]
    texts = [v.encode("latin-1") for column in fields for v in column if isinstance(v, str)]
    encoding, guessed = _encoding(raw, texts, declared or _declared_encoding(base))
    wkb, faults, vertices = _geometry(geometry)
    if vertices > limits.vertices:
        raise InputError("layers.too_many_vertices", limit=limits.vertices)
    headings = tuple(_field_name(r, encoding, "replace") for r in raw)
    columns = tuple([_cell(v, encoding) for v in column] for column in fields)
    preview = next((c for column in columns for c in column if c and not c.isascii()), "")[:60] if guessed else ""
    notes = {
        "encoding": encoding,
        "guessed": guessed and bool(preview),
        "preview": preview,
        "name_bytes": NAME_BYTES,
        "kinds": {h: "number" for h, column in zip(headings, fields, strict=True) if column.dtype.kind in "iuf"},
    }
    return RawSheet(name, headings, columns, tuple(range(1, count + 1)), wkb, crs, faults, notes)


def _geometry(geometry: Any) -> tuple[tuple[bytes | None, ...], tuple[RawFault, ...], int]:
    wkb: list[bytes | None] = []
    faults: list[RawFault] = []
    vertices = 0
    for number, blob in enumerate(geometry, 1):
        try:
            built = shapely.from_wkb(blob) if blob is not None else None
            vertices += int(shapely.get_num_coordinates(built)) if built is not None else 0
            wkb.append(bytes(blob) if built is not None and not built.is_empty else None)
        except shapely.errors.ShapelyError as error:
            faults.append(RawFault("geometry_malformed", number, facts={"reason": str(error)[:120]}))
            wkb.append(None)
    return tuple(wkb), tuple(faults), vertices


def _check_drivers() -> None:
    from pyogrio import list_drivers  # noqa: PLC0415

    extra = sorted(set(list_drivers()) - {DRIVER})
    if extra:
        raise InputError("layers.worker_drivers", drivers=",".join(extra))


def read_shapefiles(path: Path, kind: Format, encoding: str, limits: Limits) -> list[RawSheet]:
    """Read every shapefile of an archive, or one that lies beside its parts.

    Encoding: as declared, else the ``.cpg`` file or the language byte, else UTF-8 strictly, else GB18030.

    Raises
    ------
    InputError
        A missing or truncated part, another driver at work, too many features or vertices.
    """
    _check_drivers()
    declared = ""
    if encoding:
        try:
            declared = codecs.lookup(_CODE_PAGES.get(encoding.lower(), encoding)).name
        except LookupError as error:
            raise InputError("layers.encoding_unknown", value=encoding) from error
    if kind is Format.SHAPEFILE:
        return [_read(path, path.stem, declared, limits)]
    sheets = []
    for i, (stem, parts) in enumerate(sorted(_groups(path).items())):
        base = path.parent / f"layer{i}.shp"
        with zipfile.ZipFile(path) as archive:
            for suffix, member in parts.items():
                base.with_suffix(suffix).write_bytes(archive.read(member))
        sheets.append(_read(base, stem.rpartition("/")[2], declared, limits))
    return sheets
