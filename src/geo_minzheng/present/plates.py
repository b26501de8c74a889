"""Map plates for paper: the same content as the screen map, drawn at 300 dpi."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache
from io import BytesIO
from math import floor, log10
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import shapely
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, get_font
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch, Polygon, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.patheffects import withStroke

from geo_minzheng.model.map import LayerStyle, MapClass, MapContent, MapLayer
from geo_minzheng.present import style
from geo_minzheng.present.assets import SANS, SANS_BOLD, asset
from geo_minzheng.present.mapdata import drawable, map_notices, middles
from geo_minzheng.present.plate_place import Extent, extent_of, place_legend
from geo_minzheng.present.write import printable

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from geo_minzheng.present.text import Text

_MARKS = {"circle": "o", "square": "s", "triangle": "^", "diamond": "D", "cross": "x"}
_MM = 1 / 25.4
_DPI = 300
_PX = 0.75  # a CSS pixel in points
_KM_PER_DEGREE = 111.32
# Where an area's name may stand, from its middle outwards, in widths and heights of the name.
_AROUND = [(0, 0), *((dx, dy) for dy in (0, 1.1, -1.1, 2.2, -2.2, 3.3, -3.3) for dx in (0, 0.5, -0.5, 1, -1))]


@dataclass
class _Plate:
    """The drawing under way."""

    axes: Any
    text: Text
    aspect: float
    legend: list[tuple[Any, str]] = field(default_factory=list)
    names: list[tuple[float, float, str, bool, float]] = field(default_factory=list)
    taken: list[tuple[float, float, float, float]] = field(default_factory=list)


def _font(size: float, bold_words: str = "") -> FontProperties:
    """Choose the face; bold for ``bold_words`` unless they have a letter that only the regular face has."""
    is_bold = bool(bold_words) and all(ord(c) in _letters(SANS_BOLD) for c in bold_words)
    font = FontProperties(fname=str(asset(SANS_BOLD if is_bold else SANS)))
    font.set_size(size)
    return font


@lru_cache(maxsize=2)
def _letters(face: str) -> frozenset[int]:
    return frozenset(get_font(str(asset(face))).get_charmap())


def _printed(words: str) -> str:
    """Make a text fit for one line of the plate: a letter no face has becomes a box."""
    return "".join(c if ord(c) in _letters(SANS) else "□" for c in printable(words).replace("\n", " "))


def _groups(layer: MapLayer) -> Iterator[tuple[MapClass, GeoDataFrame]]:
    """Split a layer into its classes; rows of no class come first, under the others."""
    look, frame = layer.style, layer.frame
    rest = ~frame[look.by].isin([c.value for c in look.classes]) if look.by else frame.geometry.notna()
    if rest.any():
        yield MapClass(None, "", look.colour, look.shape, look.width), frame[rest]
    for one in look.classes if look.by else ():
        rows = frame[frame[look.by] == one.value]
        if len(rows):
            yield replace(one, shape=one.shape or look.shape, width=one.width or look.width), rows


def _rings(frame: GeoDataFrame) -> Outline | None:
    """Join polygons with their holes into one path."""
    parts = shapely.get_parts(frame.geometry.to_numpy())
    rings = [ring for p in parts if p.geom_type == "Polygon" for ring in (p.exterior, *p.interiors)]
    outlines = [Outline(np.asarray(ring.coords)[:, :2], closed=True) for ring in rings]
    return Outline.make_compound_path(*outlines) if outlines else None


def _areas(plate: _Plate, frame: GeoDataFrame, look: LayerStyle, colour: str, *, hatch: str = "") -> Any:
    outline = _rings(frame)
    fill = mpl.colors.to_rgba(colour, look.opacity)
    if outline is not None:
        plate.axes.add_patch(
            PathPatch(outline, facecolor=fill, edgecolor=colour, linewidth=look.width * _PX, hatch=hatch, zorder=2)
        )
    return Patch(facecolor=fill, edgecolor=colour, hatch=hatch, linewidth=0.8)


def _dashes(dash: str) -> Any:
    return (0, tuple(float(v) * _PX for v in dash.replace(",", " ").split())) if dash else "solid"


def _lines(plate: _Plate, frame: GeoDataFrame, look: LayerStyle, colour: str, *, zorder: float = 3) -> Any:
    parts = shapely.get_parts(frame.geometry.to_numpy())
    paths = [np.asarray(p.coords)[:, :2] for p in parts if p.geom_type == "LineString"]
    how = {"linewidths": look.width * _PX, "linestyles": [_dashes(look.dash)]}
    plate.axes.add_collection(LineCollection(paths, colors=colour, zorder=zorder, **how))
    return Line2D([], [], color=colour, linewidth=max(1.2, look.width * _PX), linestyle=_dashes(look.dash))


def _points(plate: _Plate, frame: GeoDataFrame, look: LayerStyle, colour: str, shape: str) -> Any:
    centre = shapely.centroid(frame.geometry.to_numpy())
    mark = _MARKS.get(shape, "o")
    size = look.size if len(frame) <= 1500 else max(0.8, look.size * 0.3)
    bare = mark == "x" or look.hollow
    how: dict[str, Any] = {
        "marker": mark,
        "linestyle": "none",
        "markersize": 2 * size * _PX * (0.85 if mark in "sD" else 1.0),
        "markerfacecolor": "white" if look.hollow else colour,
        "markeredgecolor": colour if bare else "#4A4A4A",
        "markeredgewidth": 1.3 if bare else 0.4 if len(frame) <= 1500 else 0,
    }
    plate.axes.plot(shapely.get_x(centre), shapely.get_y(centre), zorder=5, **how)
    return Line2D([], [], **(how | {"markersize": 7, "markeredgewidth": max(0.5, how["markeredgewidth"])}))


def _layer(plate: _Plate, layer: MapLayer, *, hatch: str = "", zorder: float = 3) -> None:
    layer = drawable(layer)
    if layer.frame.empty:
        return
    dimension = int(shapely.get_dimensions(layer.frame.geometry.to_numpy()).max())
    is_listed = any(c.label for c in layer.style.classes) and bool(layer.style.by)
    own = plate.text("present.map.counted", title=layer.title, count=len(layer.frame))
    if is_listed:
        plate.legend.append((Line2D([], [], linestyle="none"), own))
    sign: Any = None
    for one, rows in _groups(layer):
        if dimension == 2:
            sign = _areas(plate, rows, layer.style, one.colour, hatch=hatch)
        elif dimension == 1:
            sign = _lines(plate, rows, replace(layer.style, width=one.width), one.colour, zorder=zorder)
        else:
            sign = _points(plate, rows, layer.style, one.colour, one.shape)
        if is_listed:
            named = one.label or plate.text("present.map.no_class")
            plate.legend.append((sign, plate.text("present.map.counted", title=named, count=len(rows))))
    if not is_listed:
        plate.legend.append((sign, own))
    _collect_names(plate, layer, dimension)


def _collect_names(plate: _Plate, layer: MapLayer, dimension: int) -> None:
    if not layer.style.label:
        return
    spots = shapely.point_on_surface(layer.frame.geometry.to_numpy())
    for spot, name in zip(spots, layer.frame[layer.style.label].tolist(), strict=True):
        if isinstance(name, str) and name.strip():
            words = _printed(name)
            plate.names.append((spot.x, spot.y, words, dimension == 2, 0 if dimension else layer.style.size * _PX))


def _write_names(plate: _Plate, canvas: Any, size: float) -> None:
    """Write names greedily, towns first: right, left, above, below the mark, and not at all where there is no room."""
    halo = [withStroke(linewidth=1.8, foreground="white")]
    axes, scale = plate.axes, _DPI / 72
    frame = axes.get_window_extent(canvas.get_renderer())
    marks = axes.transData.transform([(x, y) for x, y, *_ in plate.names]) if plate.names else []
    for (*_, radius), (px, py) in zip(plate.names, marks, strict=True):
        if radius:
            r = radius * scale
            plate.taken.append((px - r, py - r, px + r, py + r))
    for index in sorted(range(len(plate.names)), key=lambda i: (not plate.names[i][3], i)):
        _, _, words, is_area, radius = plate.names[index]
        points = size * (1.25 if is_area else 1.0)
        width = sum(1.0 if ord(c) > 0x2E7F else 0.56 for c in words) * points * scale
        height, gap = points * scale * 1.15, (radius + 1.5) * scale
        px, py = marks[index]
        spots = [(px + (dx - 0.5) * width, py + (dy - 0.5) * height) for dx, dy in _AROUND] if is_area else [
            (px + gap, py - height / 2), (px - gap - width, py - height / 2),
            (px - width / 2, py + gap), (px - width / 2, py - gap - height),
        ]  # fmt: skip
        for x, y in spots:
            box = (x, y, x + width, y + height)
            inside = frame.x0 < x and box[2] < frame.x1 and frame.y0 < y and box[3] < frame.y1
            if inside and not any(_overlap(box, other) for other in plate.taken):
                plate.taken.append(box)
                where = axes.transAxes.inverted().transform((x, y + height * 0.14))
                axes.text(*where, words, transform=axes.transAxes, path_effects=halo, zorder=8, va="bottom",
                          color=style.ACCENT if is_area else style.INK, parse_math=False,
                          fontproperties=_font(points, words if is_area else ""))  # fmt: skip
                break


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _flows(plate: _Plate, content: MapContent) -> None:
    top = max((f.weight for f in content.flows), default=0.0) or 1.0
    for flow in sorted(content.flows, key=lambda f: -f.weight):
        width = (1.6 + 4.0 * (max(flow.weight, 0.0) / top) ** 0.5) * _PX
        for part in shapely.get_parts(flow.path):
            xy = np.asarray(part.coords)[:, :2]
            plate.axes.plot(xy[:, 0], xy[:, 1], color=style.ACCENT, linewidth=width, alpha=0.85, zorder=4,
                            solid_capstyle="round")  # fmt: skip
        _arrow(plate, flow.path)
    if content.flows:
        words = plate.text("present.map.counted", title=plate.text("present.map.flows"), count=len(content.flows))
        plate.legend.append((Line2D([], [], color=style.ACCENT, linewidth=2.4), words))


def _arrow(plate: _Plate, path: Any) -> None:
    """Put an arrow half way along the longest part."""
    parts = shapely.get_parts(path)
    line = parts[int(np.argmax(shapely.length(parts)))]
    before, after = (shapely.line_interpolate_point(line, share, normalized=True) for share in (0.48, 0.52))
    if not before.equals(after):
        arrow = {"arrowstyle": "-|>", "color": style.ACCENT, "mutation_scale": 9, "linewidth": 0}
        plate.axes.annotate("", xy=(after.x, after.y), xytext=(before.x, before.y), arrowprops=arrow, zorder=4.5)


def _closures(plate: _Plate, content: MapContent) -> None:
    if content.closures is None or content.closures.frame.empty:
        return
    _layer(plate, content.closures, zorder=3.5)
    spots = middles(content.closures.frame)
    plate.axes.plot([p.x for p in spots], [p.y for p in spots], marker="x", linestyle="none", markersize=6,
                    markeredgewidth=1.6, color=content.closures.style.colour, zorder=5)  # fmt: skip


def _scale_bar(plate: _Plate, west: float, east: float) -> None:
    """Draw a bar of a round length, a quarter of the map at most, and say it in words."""
    km_per_degree = _KM_PER_DEGREE * plate.aspect
    limit = (east - west) * km_per_degree / 4
    step = 10 ** floor(log10(limit))
    km = max(v * step for v in (1, 2, 5) if v * step <= limit)
    unit = "kilometre" if km >= 1 else "metre"
    length = f"{km if km >= 1 else km * 1000:g} {plate.text(f'present.map.{unit}')}"
    share = km / km_per_degree / (east - west)
    axes, halo = plate.axes, [withStroke(linewidth=1.8, foreground="white")]
    for k in range(2):
        how: dict[str, Any] = {
            "facecolor": style.INK if k == 0 else "white",
            "edgecolor": style.INK,
            "linewidth": 0.7,
            "zorder": 9,
        }
        half = Rectangle((0.03 + share * k / 2, 0.025), share / 2, 0.008, transform=axes.transAxes, **how)
        axes.add_patch(half)
    for at, words in ((0.03, "0"), (0.03 + share, length)):
        axes.text(at, 0.038, words, transform=axes.transAxes, ha="center" if at == 0.03 else "left", va="bottom",
                  fontproperties=_font(7.5), zorder=9, path_effects=halo)  # fmt: skip


def _north(plate: _Plate) -> None:
    axes, x, y = plate.axes, 0.955, 0.905
    height, half = 0.05, 0.014
    for side, colour in ((-1, style.INK), (1, "white")):
        axes.add_patch(Polygon([(x, y + height), (x + side * half, y - 0.012), (x, y)], transform=axes.transAxes,
                               facecolor=colour, edgecolor=style.INK, linewidth=0.7, zorder=9))  # fmt: skip
    words = plate.text("present.map.north")
    axes.text(x, y + height + 0.004, words, transform=axes.transAxes, ha="center", va="bottom",
              fontproperties=_font(9, words), zorder=9)  # fmt: skip


def _margin_notes(figure: Figure, content: MapContent, text: Text, height_mm: float) -> None:
    """Print source, data cut, notices, 审图号 or 内部资料, and the code below the map."""
    notices, legal = map_notices(content, text)
    left = [text("present.map.source", source=content.source)] if content.source else []
    if content.data_cut is not None:
        left.append(text("present.map.data_cut", at=text.moment(content.data_cut)))
    if content.code:
        left.append(text("present.map.code", code=content.code))
    lines = [*notices, "　".join(left)]
    for k, words in enumerate(reversed([line for line in lines if line])):
        figure.text(0.005, (1.5 + 4.2 * k) / height_mm, _printed(words), fontproperties=_font(7.5), color="#444444",
                    parse_math=False)  # fmt: skip
    figure.text(0.995, 1.5 / height_mm, _printed(legal), ha="right", fontproperties=_font(9, legal), color="#8A1C0B",
                parse_math=False)  # fmt: skip


def _legend(plate: _Plate, content: MapContent) -> None:
    for entry in content.legend:
        fill = Patch(facecolor=entry.colour, edgecolor=entry.colour)
        line = Line2D([], [], color=entry.colour, linewidth=2)
        mark = Line2D([], [], marker=_MARKS.get(entry.shape, "o"), color=entry.colour, linestyle="none")
        plate.legend.append(({"fill": fill, "line": line}.get(entry.shape, mark), entry.label))
    if not plate.legend:
        return
    signs, words = zip(*[(s, _printed(w).replace("$", r"\$")) for s, w in plate.legend], strict=True)
    heading = plate.text("present.map.legend_print")
    box = plate.axes.legend(
        signs, words, prop=_font(7.5), loc="upper left", frameon=True, framealpha=0.94, edgecolor="#BBBBBB",
        title=heading, title_fontproperties=_font(8.5, heading), borderpad=0.7,
        labelspacing=0.45, handlelength=1.8, fancybox=False, alignment="left",
    )  # fmt: skip
    box.set_zorder(10)


def _place_legend(plate: _Plate, content: MapContent, extent: Extent, canvas: Any) -> Extent:
    """Put the legend where it hides nothing; give the extent that leaves it room."""
    if (legend := plate.axes.get_legend()) is None:
        return extent
    renderer = canvas.get_renderer()
    box, frame = legend.get_window_extent(renderer), plate.axes.get_window_extent(renderer)
    extent, spot = place_legend(content, extent, (box.width / frame.width, box.height / frame.height))
    legend.set_loc(spot)
    legend.borderaxespad = 0
    return extent


def map_plate(content: MapContent, text: Text, *, width_mm: float = 156.0, height_mm: float = 190.0) -> bytes:
    """Draw the map at 300 dpi for print.

    Parameters
    ----------
    content
        The same as for the screen; layers that are not visible are left out.
    width_mm, height_mm
        Size on paper [mm]; by default what fits under a heading in the type area of GB/T 9704. 210 × 297 is a whole A4.

    Returns
    -------
    bytes
        PNG; the same content gives the same bytes.
    """
    with mpl.rc_context({"hatch.linewidth": 0.5, "axes.unicode_minus": False, "lines.scale_dashes": False}):
        figure = Figure(figsize=(width_mm * _MM, height_mm * _MM), dpi=_DPI, facecolor="white")
        canvas: Any = FigureCanvasAgg(figure)
        notices, _ = map_notices(content, text)
        foot, head = 3.5 + 4.2 * (len(notices) + 1), 12.0
        box = (0.004, foot / height_mm, 0.992, (height_mm - foot - head) / height_mm)
        extent = extent_of(content, box[3] * height_mm / (box[2] * width_mm))
        axes = figure.add_axes(box, facecolor=style.LAND)
        axes.set(xlim=(extent.west, extent.east), ylim=(extent.south, extent.north), xticks=[], yticks=[])
        plate = _Plate(axes, text, extent.aspect)
        _draw_all(plate, content)
        _legend(plate, content)
        extent = _place_legend(plate, content, extent, canvas)
        axes.set(xlim=(extent.west, extent.east), ylim=(extent.south, extent.north))
        title = _printed(content.title)
        figure.text(0.5, 1 - 7.5 / height_mm, title, ha="center", fontproperties=_font(14, title),
                    color=style.ACCENT, parse_math=False)  # fmt: skip
        _scale_bar(plate, extent.west, extent.east)
        _north(plate)
        _reserve(plate, canvas)
        _write_names(plate, canvas, 6.8)
        _margin_notes(figure, content, text, height_mm)
        out = BytesIO()
        figure.savefig(out, format="png", dpi=_DPI, metadata={"Software": None})
    return out.getvalue()


def _draw_all(plate: _Plate, content: MapContent) -> None:
    for layer in content.layers:
        if layer.visible:
            _layer(plate, layer)
    if content.footprint is not None and not content.footprint.empty:
        look = content.footprint_style or LayerStyle(colour=style.HAZARD, shape="fill", width=1.6, opacity=0.22)
        hazard = MapLayer("footprint", plate.text("present.map.footprint"), content.footprint, look)
        _layer(plate, hazard, hatch="" if look.by else "////")
    _closures(plate, content)
    _flows(plate, content)


def _reserve(plate: _Plate, canvas: Any) -> None:
    """Keep names out of the legend, the north arrow and the scale bar."""
    box = plate.axes.get_window_extent(canvas.get_renderer())
    if (legend := plate.axes.get_legend()) is not None:
        extent = legend.get_window_extent(canvas.get_renderer())
        plate.taken.append((extent.x0, extent.y0, extent.x1, extent.y1))
    plate.taken.append((box.x0 + 0.92 * box.width, box.y0 + 0.88 * box.height, box.x1, box.y1))
    plate.taken.append((box.x0, box.y0, box.x0 + 0.38 * box.width, box.y0 + 0.07 * box.height))
