"""Find the heading rows of a table and match foreign headings to the catalogue's columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from geo_minzheng.layers.transfer import Cells, RawSheet
from geo_minzheng.layers.values import BadValue, folded, parse
from geo_minzheng.model.layer import LayerSpec

# Where tables keep their coordinates; "x" and "y" follow the declared system, the rest say what they are.
PLACE_HEADS: Mapping[str, tuple[str, ...]] = {
    "lon": ("经度", "东经", "gps经度", "lon", "lng", "long", "longitude"),
    "lat": ("纬度", "北纬", "gps纬度", "lat", "latitude"),
    "x": ("x", "x坐标", "坐标x", "x值", "coord_x", "point_x"),
    "y": ("y", "y坐标", "坐标y", "y值", "coord_y", "point_y"),
    "north": ("北坐标", "纵坐标", "纵坐标x", "x(北)", "x北", "northing", "north"),
    "east": ("东坐标", "横坐标", "横坐标y", "y(东)", "y东", "easting", "east"),
    "wkt": ("wkt", "geometry", "geom", "the_geom", "几何", "图形"),
}
SOURCE_HEADS = ("coord_source", "坐标来源")
_LAST_HEADING_ROW, _DEEPEST = 20, 4
_LONGEST_TOTAL = 20
_TOTALS = ("合计", "小计", "总计", "共计", "合计数", "本页合计", "本页小计", "累计", "total", "subtotal", "grandtotal")
_FOOT = re.compile(
    r"^(注|备注|说明|填表|填报|制表|审核|单位负责人|负责人|数据来源|联系电话|经办|统计负责人)[:：人日单（(]?"
)
_BRACKETS = re.compile(r"[(\[【{].*?[)\]】}]")


@lru_cache(maxsize=4096)
def heading_key(text: str) -> str:
    """Reduce a heading to what is compared: folded, without spaces, stars, case and a leading 其中."""
    return re.sub(r"[\s*_＊·]+", "", folded(text)).lower().removeprefix("其中").removeprefix(":")


@lru_cache(maxsize=4096)
def _bare(key: str) -> str:
    return _BRACKETS.sub("", key)


@dataclass(frozen=True)
class Table:
    """Data rows under their headings.

    Parameters
    ----------
    headings
        Readable heading of each column (parts of merged headings joined by ``/``).
    parts
        The parts of each heading, outermost first.
    columns
        Cells by column, each of length n.
    rows
        Row as the person counts it, length n.
    ignored
        Rows of totals, notes and column numbers that were left out.
    above
        Texts of the titles and headings, each once; a title may state the unit of the whole table.
    """

    headings: tuple[str, ...]
    parts: tuple[tuple[str, ...], ...]
    columns: tuple[Cells, ...]
    rows: tuple[int, ...]
    ignored: tuple[int, ...] = ()
    above: tuple[str, ...] = ()


def _wanted(spec: LayerSpec, mapping: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """List, by target, the headings that mean it, best first; a mapping replaces them."""
    heads = {c.name: (*c.heads, c.name) for c in spec.columns}
    if spec.geometry != "none":
        heads |= PLACE_HEADS
    heads["coord_source"] = SOURCE_HEADS
    return heads | {target: (source,) for target, source in mapping.items()}


def match_headings(
    parts: Sequence[tuple[str, ...]], spec: LayerSpec, mapping: Mapping[str, str]
) -> tuple[dict[str, int], tuple[str, ...]]:
    """Assign columns to targets.

    A heading matches as a whole, by its last part, or without its bracketed unit; the catalogue's order of headings
    decides between two candidates; one column serves one target.

    Returns
    -------
    (assigned, unclear)
        Column by target, and the mapped targets whose source heading is not in the file.
    """
    wanted = _wanted(spec, mapping)
    assigned: dict[str, int] = {}
    taken: set[int] = set()
    named = list(mapping) + [t for t in wanted if t not in mapping]
    for exact in (True, False):
        for target in (t for t in named if t not in assigned):
            for head in wanted[target]:
                key = heading_key(head)
                for j, part in enumerate(parts):
                    if j not in taken and part and _matches(part, key, exact):
                        assigned[target] = j
                        taken.add(j)
                        break
                if target in assigned:
                    break
    return assigned, tuple(t for t in mapping if t not in assigned)


def _matches(part: tuple[str, ...], key: str, exact: bool) -> bool:
    keys = {heading_key(part[-1]), heading_key("/".join(part)), heading_key("".join(part))}
    if exact:
        return key in keys
    return bool(_bare(key)) and _bare(key) in {_bare(k) for k in keys}


def match_clipped(
    sheet: RawSheet, spec: LayerSpec, mapping: Mapping[str, str], assigned: Mapping[str, int]
) -> dict[str, int]:
    """Assign columns whose names the format cut short, as shapefiles do after ten bytes.

    A name is taken for a target only when it is the beginning of no other target's heading: ``household_`` may be the
    code or the size, so it stays open and the person maps it.

    Returns
    -------
    dict of str to int
        Further columns by target.
    """
    size, encoding = sheet.notes.get("name_bytes"), str(sheet.notes.get("encoding", "utf-8"))
    if not isinstance(size, int):
        return {}
    wanted = _wanted(spec, mapping)
    taken, found = set(assigned.values()), dict[str, int]()
    for j, name in enumerate(sheet.headings):
        if j in taken:
            continue
        meant = {t for t, heads in wanted.items() if any(_is_cut(name, head, encoding, size) for head in heads)}
        target = meant.pop() if len(meant) == 1 else ""
        if target and target not in assigned and target not in found:
            found[target] = j
    return found


def _is_cut(name: str, head: str, encoding: str, size: int) -> bool:
    whole = head.encode(encoding, errors="ignore")
    return len(whole) > size and whole[:size].decode(encoding, errors="ignore").lower() == name.strip().lower()


def _parts_of(sheet: RawSheet, start: int, depth: int) -> tuple[tuple[str, ...], ...]:
    found = []
    for column in sheet.columns:
        parts: list[str] = []
        for i in range(start, start + depth):
            cell = column[i]
            text = re.sub(r"\s+", "", cell) if cell is not None else ""
            if text and (not parts or parts[-1] != text):
                parts.append(text)
        found.append(tuple(parts))
    return tuple(found)


def _score(parts: tuple[tuple[str, ...], ...], spec: LayerSpec, mapping: Mapping[str, str]) -> int:
    assigned, _ = match_headings(parts, spec, mapping)
    return len(assigned)


def find_table(sheet: RawSheet, spec: LayerSpec, mapping: Mapping[str, str]) -> Table:
    """Find the heading rows of a grid and return the rows below, without totals, notes and column numbers.

    The band of up to four rows among the first twenty that names most of the layer's columns is the heading; ties go
    to the smaller and upper one. Titles above it are left aside.
    """
    count = len(sheet.rows)
    best, chosen = 0, (0, 1)
    for start in range(min(count, _LAST_HEADING_ROW)):
        for depth in range(1, min(_DEEPEST, count - start) + 1):
            score = _score(_parts_of(sheet, start, depth), spec, mapping)
            if score > best:
                best, chosen = score, (start, depth)
    start, depth = chosen
    parts = _parts_of(sheet, start, depth) if count else ()
    below = range(start + depth, count)
    assigned, _ = match_headings(parts, spec, mapping)
    ignored = [i for i in below if _is_total(sheet, i, spec, assigned) or _is_note(sheet, i, i == start + depth)]
    left = set(ignored)
    kept = [i for i in below if i not in left and any(not _is_empty(c[i]) for c in sheet.columns)]
    return Table(
        headings=tuple("/".join(p) for p in parts),
        parts=parts,
        columns=tuple([c[i] for i in kept] for c in sheet.columns),
        rows=tuple(sheet.rows[i] for i in kept),
        ignored=tuple(sheet.rows[i] for i in ignored),
        above=tuple({c[i] or "": None for i in range(start + depth) for c in sheet.columns} if count else ()),
    )


def _is_empty(cell: str | None) -> bool:
    return cell is None or not cell.strip()


def _is_total(sheet: RawSheet, i: int, spec: LayerSpec, assigned: Mapping[str, int]) -> bool:
    """Tell a row of totals from a row whose remark happens to say 合计.

    A row with a proper key is a total only when a column of the catalogue says so, such as the name.
    """
    said = {j for j, c in enumerate(sheet.columns) if c[i] is not None and _says_total(c[i] or "")}
    if not said or said & set(assigned.values()):
        return bool(said)
    keys = [sheet.columns[assigned[name]][i] if name in assigned else None for name in spec.key]
    return not keys or any(
        cell is None or isinstance(parse(cell, spec.column(name)), BadValue)
        for name, cell in zip(spec.key, keys, strict=True)
    )


@lru_cache(maxsize=4096)
def _says_total(cell: str) -> bool:
    text = re.sub(r"\s+", "", folded(cell)).lower().rstrip(":")
    return text in _TOTALS or (text.endswith(("合计", "小计", "总计")) and len(text) <= _LONGEST_TOTAL)


def _is_note(sheet: RawSheet, i: int, is_first: bool) -> bool:
    cells = [re.sub(r"\s+", "", folded(c[i] or "")) for c in sheet.columns]
    filled = [c for c in cells if c]
    if not filled:
        return False
    # Cells of one merged block all hold its text: a note across the sheet is one text.
    if len(set(filled)) == 1 and len(cells) > 2 and _FOOT.match(filled[0]):
        return True
    if _FOOT.match(filled[0]) and len(filled) <= 4 and len(filled) < len(cells) and ":" in "".join(filled):
        return True
    return is_first and len(filled) > 2 and _is_numbering(filled)


def _is_numbering(filled: list[str]) -> bool:
    names = iter("甲乙丙丁戊己庚辛")
    numbers = 0
    for cell in filled:
        if cell.strip("()<>[]") == str(numbers + 1):
            numbers += 1
        elif cell != next(names, None):
            return False
    return numbers >= 2


def feature_table(sheet: RawSheet) -> Table:
    """Take a feature layer's own headings."""
    parts = tuple((h,) if h.strip() else () for h in sheet.headings)
    return Table(sheet.headings, parts, sheet.columns, sheet.rows)
