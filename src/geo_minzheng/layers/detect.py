"""Tell what a file really is from its first bytes and its directory, before anything opens it."""

from __future__ import annotations

import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path, PurePosixPath

from geo_minzheng.errors import InputError

MB = 1_000_000
_LOOKED_AT = 65_536
# What the archive reader and its decompressors raise on damaged input.
ARCHIVE_ERRORS = (
    zipfile.BadZipFile,
    OSError,
    EOFError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    struct.error,
    zlib.error,
    lzma.LZMAError,
)


class Format(StrEnum):
    """What the product can open."""

    CSV = "csv"
    XLSX = "xlsx"
    XLS = "xls"
    GEOJSON = "geojson"
    KML = "kml"
    KMZ = "kmz"
    GPKG = "gpkg"
    SHAPEFILE_ZIP = "zip"
    SHAPEFILE = "shp"
    GEOTIFF = "tif"
    ASCII_GRID = "asc"
    OSM_PBF = "osm.pbf"
    OSM_XML = "osm"
    OSM_XML_GZ = "osm.gz"
    NPY = "npy"
    NPZ = "npz"


LAYER_FORMATS = (
    Format.CSV,
    Format.XLSX,
    Format.XLS,
    Format.GEOJSON,
    Format.KML,
    Format.KMZ,
    Format.GPKG,
    Format.SHAPEFILE_ZIP,
    Format.SHAPEFILE,
)
RASTER_FORMATS = (Format.GEOTIFF, Format.ASCII_GRID)
OSM_FORMATS = (Format.OSM_PBF, Format.OSM_XML, Format.OSM_XML_GZ)

# A name that promises one thing while the content is another is the oldest trick: both must agree.
_SUFFIXES = {
    ".csv": (Format.CSV,),
    ".tsv": (Format.CSV,),
    ".txt": (Format.CSV, Format.ASCII_GRID),
    ".xlsx": (Format.XLSX,),
    ".xlsm": (Format.XLSX,),
    ".xls": (Format.XLS,),
    ".et": (Format.XLS,),
    ".geojson": (Format.GEOJSON,),
    ".json": (Format.GEOJSON,),
    ".kml": (Format.KML,),
    ".kmz": (Format.KMZ,),
    ".gpkg": (Format.GPKG,),
    ".zip": (Format.SHAPEFILE_ZIP,),
    ".shp": (Format.SHAPEFILE,),
    ".tif": (Format.GEOTIFF,),
    ".tiff": (Format.GEOTIFF,),
    ".asc": (Format.ASCII_GRID,),
    ".agr": (Format.ASCII_GRID,),
    ".pbf": (Format.OSM_PBF,),
    ".osm": (Format.OSM_XML,),
    ".gz": (Format.OSM_XML_GZ,),
    ".npy": (Format.NPY,),
    ".npz": (Format.NPZ,),
}


@dataclass(frozen=True)
class Limits:
    """How much one foreign file may take.

    Parameters
    ----------
    file_bytes, unpacked_bytes
        Size on disk and unpacked [B].
    entries
        Members of an archive [1].
    ratio
        Unpacked over packed size [1].
    features, vertices, cells
        Rows or features, coordinate pairs, table or raster cells [1].
    rss_bytes, cpu_s, wall_s
        Resident memory [B], processor time [s] and elapsed time [s] of the worker.
    """

    file_bytes: int = 50 * MB
    unpacked_bytes: int = 200 * MB
    entries: int = 50
    ratio: float = 100.0
    features: int = 200_000
    vertices: int = 1_000_000
    cells: int = 20_000_000
    rss_bytes: int = 1_500 * MB
    cpu_s: int = 20
    wall_s: int = 30


OSM_LIMITS = Limits(file_bytes=400 * MB, unpacked_bytes=4_000 * MB, rss_bytes=3_000 * MB, cpu_s=280, wall_s=300)
RASTER_LIMITS = Limits(file_bytes=200 * MB, cells=100_000_000)
ARRAY_LIMITS = Limits(file_bytes=2_000 * MB, unpacked_bytes=2_000 * MB, entries=8)


def open_size(path: Path, limits: Limits) -> int:
    """Check that the path is an ordinary file of an allowed size and return the size [B].

    Raises
    ------
    InputError
        ``layers.file_missing``, ``layers.file_not_regular``, ``layers.file_unreadable``, ``layers.file_empty`` or
        ``layers.file_too_big``.
    """
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError("layers.file_missing", file=path.name) from error
    except (OSError, ValueError) as error:
        raise InputError("layers.file_unreadable", file=path.name) from error
    if not stat.S_ISREG(status.st_mode):
        raise InputError("layers.file_not_regular", file=path.name)
    if not os.access(path, os.R_OK):
        raise InputError("layers.file_unreadable", file=path.name)
    if status.st_size == 0:
        raise InputError("layers.file_empty", file=path.name)
    if status.st_size > limits.file_bytes:
        raise InputError(
            "layers.file_too_big",
            file=path.name,
            size_mb=round(status.st_size / MB, 1),
            limit_mb=limits.file_bytes // MB,
        )
    return status.st_size


_RAREST_ZERO = 64


def wide_encoding(head: bytes) -> str:
    """Name the two-byte encoding that the first bytes of a text are in, with or without its mark; else empty."""
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    at_odd, at_even = head[1::2].count(0), head[::2].count(0)
    # A table in two bytes a sign has plain commas and digits throughout; one stray zero makes no encoding.
    if at_odd == at_even or max(at_odd, at_even) * _RAREST_ZERO < len(head):
        return ""
    name = "utf-16-le" if at_odd > at_even else "utf-16-be"
    text = head[: len(head) // 2 * 2].decode(name, errors="ignore")
    return "" if any(sign < " " and sign not in "\t\r\n" for sign in text) else name


def _text_kind(head: bytes) -> Format | str:
    if wide := wide_encoding(head):
        head = head[: len(head) // 2 * 2].decode(wide, errors="ignore").encode("utf-8", errors="ignore")
    body = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if body.startswith(b"<"):
        low = body.lower()
        for mark, kind in ((b"<kml", Format.KML), (b":kml", Format.KML), (b"<osm", Format.OSM_XML)):
            if mark in low:
                return kind
        return "html" if b"<html" in low or b"<table" in low else "xml"
    if body.startswith((b"{", b"[")):
        return Format.GEOJSON
    if b"\x00" in head:
        return "binary"
    return Format.ASCII_GRID if body[:6].lower() == b"ncols " or body[:6].lower() == b"ncols\t" else Format.CSV


_MAGIC: tuple[tuple[bytes, Format | str], ...] = (
    (b"PK\x03\x04", "archive"),
    (b"PK\x05\x06", "archive"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Format.XLS),
    (b"\x00\x00\x27\x0a", Format.SHAPEFILE),
    (b"II*\x00", Format.GEOTIFF),
    (b"MM\x00*", Format.GEOTIFF),
    (b"II+\x00", Format.GEOTIFF),
    (b"MM\x00+", Format.GEOTIFF),
    (b"\x1f\x8b", Format.OSM_XML_GZ),
    (b"\x93NUMPY", Format.NPY),
    (b"%PDF", "pdf"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x7fELF", "program"),
    (b"MZ", "program"),
    (b"\x89PNG", "image"),
    (b"\xff\xd8\xff", "image"),
)


def _kind(head: bytes, path: Path, limits: Limits) -> Format | str:
    if len(head) > 13 and head[:2] == b"\x00\x00" and b"OSMHeader" in head[:32]:
        return Format.OSM_PBF
    for mark, kind in _MAGIC:
        if head.startswith(mark):
            if kind == "archive":
                return archive_kind(path, limits)
            if kind == "sqlite":
                return Format.GPKG if head[68:72] in (b"GPKG", b"GP10", b"GP11") else "sqlite"
            return kind
    return _text_kind(head)


def detect(path: Path, allowed: tuple[Format, ...] = LAYER_FORMATS, limits: Limits | None = None) -> Format:
    """Name the format of a file by its content; the name must agree.

    Parameters
    ----------
    path
        File to look at; only its first 65 536 bytes and, for archives, the central directory are read.
    allowed
        Formats that make sense where the file was handed in.

    Raises
    ------
    InputError
        The file is missing, empty, too big, an attack on the archive reader, or not what its name says.
    """
    limits = limits or Limits()
    open_size(path, limits)
    with path.open("rb") as handle:
        head = handle.read(_LOOKED_AT)
    if not head.removeprefix(b"\xef\xbb\xbf").strip():
        raise InputError("layers.file_empty", file=path.name)
    kind = _kind(head, path, limits)
    suffix = path.suffix.lower()
    if kind == Format.XLS and suffix in (".xlsx", ".xlsm"):
        raise InputError("layers.file_encrypted", file=path.name)
    names = "、".join(sorted({s for s, kinds in _SUFFIXES.items() if set(kinds) & set(allowed)}))
    if not isinstance(kind, Format) or kind not in _SUFFIXES.get(suffix, ()):
        if suffix not in _SUFFIXES or not set(_SUFFIXES[suffix]) & set(allowed):
            raise InputError("layers.format_unknown", file=path.name, suffix=suffix, allowed=names)
        raise InputError("layers.content_mismatch", file=path.name, suffix=suffix, found=str(kind), allowed=names)
    if kind not in allowed:
        raise InputError("layers.format_unknown", file=path.name, suffix=suffix, allowed=names)
    return kind


def _shown(info: zipfile.ZipInfo) -> str:
    """Undo the cp437 reading of names that archivers on Chinese systems write in GBK."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        return info.filename.encode("cp437").decode("gb18030")
    except UnicodeError:
        return info.filename


def member_name(info: zipfile.ZipInfo) -> str:
    """Return the readable name of an archive member."""
    return _shown(info)


def _bad_name(info: zipfile.ZipInfo) -> bool:
    name = info.filename
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return (
        name.startswith(("/", "\\"))
        or ".." in parts
        or "\x00" in getattr(info, "orig_filename", name)
        or (len(name) > 1 and name[1] == ":")
        or any(ord(c) < 32 for c in name)
    )


def _is_link(info: zipfile.ZipInfo) -> bool:
    kind = stat.S_IFMT(info.external_attr >> 16)
    return kind not in (0, stat.S_IFREG, stat.S_IFDIR)


_NESTED = (b"PK\x03\x04", b"PK\x05\x06", b"\xfd7zXZ", b"(\xb5/\xfd", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh")


def _is_nested(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    if info.is_dir() or not info.file_size:
        return False
    with archive.open(info) as member:
        return member.read(6).startswith(_NESTED)


def _declared_entries(path: Path) -> int:
    """Read the entry count of the end record, so that a directory of millions is never parsed."""
    size = path.stat().st_size
    with path.open("rb") as handle:
        handle.seek(max(0, size - 66_000))
        tail = handle.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or place + 22 > len(tail):
        return 0
    return int(struct.unpack_from("<H", tail, place + 10)[0])


def _check_members(archive: zipfile.ZipFile, path: Path, limits: Limits) -> None:
    infos = archive.infolist()
    if len(infos) > limits.entries:
        raise InputError("layers.zip_entries", file=path.name, count=len(infos), limit=limits.entries)
    checks: tuple[tuple[str, Callable[[zipfile.ZipInfo], bool]], ...] = (
        ("zip_path", _bad_name),
        ("zip_link", _is_link),
        ("zip_encrypted", lambda i: bool(i.flag_bits & 0x1)),
    )
    for info in infos:
        for code, is_bad in checks:
            if is_bad(info):
                raise InputError(f"layers.{code}", file=path.name, member=_shown(info))
    names = [i.filename.lower() for i in infos]  # one file where names are written in one case
    if len(set(names)) < len(names) or len({i.header_offset for i in infos}) < len(infos):
        raise InputError("layers.zip_overlap", file=path.name)
    unpacked, packed = sum(i.file_size for i in infos), sum(i.compress_size for i in infos)
    if packed > path.stat().st_size:
        raise InputError("layers.zip_overlap", file=path.name)
    if unpacked > limits.unpacked_bytes:
        limit = limits.unpacked_bytes // MB
        raise InputError("layers.zip_too_big", file=path.name, size_mb=round(unpacked / MB), limit_mb=limit)
    worst = max((i.file_size / max(1, i.compress_size) for i in infos if i.file_size > MB), default=0.0)
    ratio = max(worst, unpacked / max(1, packed))
    if ratio > limits.ratio:
        raise InputError("layers.zip_ratio", file=path.name, ratio=round(ratio), limit=round(limits.ratio))
    for info in infos:
        if _is_nested(archive, info):
            raise InputError("layers.zip_nested", file=path.name, member=_shown(info))


def archive_kind(path: Path, limits: Limits) -> Format | str:
    """Check the central directory of an archive and tell what the archive holds.

    Raises
    ------
    InputError
        Too many members, too much unpacked, a ratio of a bomb, names that climb out, links, nested or encrypted
        members, members that share bytes, or a broken archive.
    """
    count = _declared_entries(path)
    if path.suffix.lower() == ".npz":
        return Format.NPZ
    if count > limits.entries:
        raise InputError("layers.zip_entries", file=path.name, count=count, limit=limits.entries)
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive, path, limits)
            names = [i.filename.lower() for i in archive.infolist()]
    except ARCHIVE_ERRORS as error:
        raise InputError("layers.file_broken", file=path.name, reason=type(error).__name__) from error
    if "xl/workbook.xml" in names or "[content_types].xml" in names:
        return Format.XLSX if "xl/workbook.xml" in names else "office"
    if any(n.endswith(".shp") for n in names):
        return Format.SHAPEFILE_ZIP
    return Format.KMZ if any(n.endswith(".kml") for n in names) else "archive"
