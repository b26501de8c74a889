"""Frames into what the map script draws: escaped texts, classes with counts, compact geometry."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from geo_minzheng.model.map import LayerStyle, MapContent, MapFlow, MapLayer
from geo_minzheng.present import style

if TYPE_CHECKING:
    import pandas as pd
    from geopandas import GeoDataFrame

    from geo_minzheng.present.text import Text

MANY_POINTS = 3000
MANY_PATHS = 8000
_LITERAL = {ord(mark): f"&#{ord(mark)};" for mark in "`${}\\"}
_DIGITS = 6
_EMPTY = "—"


def map_text(value: object) -> str:
    """Escape a text for every place of a map: HTML, attribute, and the JavaScript template literals folium writes.

    ``html.escape`` alone leaves ``${...}`` alive inside a template literal; its marks become numeric entities too.
    """
    return html.escape(str(value), quote=True).translate(_LITERAL)


def cell_text(value: object, text: Text) -> str:
    """Write a cell for a popup, escaped; an absent value is a dash, which is not 0."""
    if value is None or value != value:  # noqa: PLR0124  (NaN and NaT differ from themselves)
        return _EMPTY
    if isinstance(value, bool | np.bool_):
        return map_text(text("present.map.yes" if value else "present.map.no"))
    if isinstance(value, int | np.integer):
        return str(int(value))
    if isinstance(value, float | np.floating):
        return text.number(float(value), digits=2, screen=False) if np.isfinite(value) else _EMPTY
    return map_text(value) if str(value).strip() else _EMPTY


def _kind(frame: GeoDataFrame) -> str:
    """Say whether rows are marks, lines or areas (by the first row that has a geometry)."""
    dimensions = shapely.get_dimensions(frame.geometry.to_numpy())
    top = int(dimensions.max()) if len(dimensions) else -1
    return ("mark", "line", "area")[max(top, 0)]


def _look(look: LayerStyle, geometry: str, colour: str = "", shape: str = "") -> dict[str, Any]:
    own = shape or look.shape
    if geometry != "mark":
        own = "fill" if geometry == "area" else "line"
    return {
        "shape": own,
        "colour": colour or look.colour,
        "size": look.size,
        "width": look.width,
        "opacity": look.opacity,
        "dash": look.dash,
        "hollow": look.hollow,
    }


def _classes(layer: MapLayer, geometry: str) -> tuple[list[dict[str, Any]], np.ndarray[Any, Any]]:
    """List the looks (the last one for rows of no class) and each row's index among them."""
    look = layer.style
    looks = [
        _look(look, geometry, c.colour, c.shape) | {"label": map_text(c.label), "width": c.width or look.width}
        for c in look.classes
        if look.by
    ] + [_look(look, geometry) | {"label": ""}]
    index = np.full(len(layer.frame), len(looks) - 1, dtype=np.uint8)
    if look.by:
        values = layer.frame[look.by].to_numpy(dtype=object)
        for k, one in enumerate(look.classes):
            index[np.fromiter((v == one.value for v in values), bool, len(values))] = k
    return looks, index


def _legend_rows(layer: MapLayer, looks: list[dict[str, Any]], index: Any, text: Text) -> list[dict[str, Any]]:
    counts = np.bincount(index, minlength=len(looks))
    rows = [
        {"k": k, "label": looks[k]["label"], "count": int(counts[k])}
        for k in range(len(looks) - 1)
        if counts[k] and looks[k]["label"]
    ]
    if rows and counts[-1]:
        rows.append({"k": len(looks) - 1, "label": map_text(text("present.map.no_class")), "count": int(counts[-1])})
    return rows


def _tips(layer: MapLayer, text: Text) -> list[str]:
    """Write one tooltip per row: the layer's title, then heading and value."""
    heads = [map_text(head) for _, head in layer.popup]
    columns = [[cell_text(v, text) for v in layer.frame[name].tolist()] for name, _ in layer.popup]
    title = f"<h4>{map_text(layer.title)}</h4>"
    return (
        [
            title
            + "<table>"
            + "".join(f"<tr><th>{h}</th><td>{v}</td></tr>" for h, v in zip(heads, row, strict=True))
            + "</table>"
            for row in zip(*columns, strict=True)
        ]
        if columns
        else [title] * len(layer.frame)
    )


def _ids(layer: MapLayer) -> list[str] | None:
    return [str(v) for v in layer.frame[layer.id_column].tolist()] if layer.id_column else None


def _coordinates(geometry: Any) -> Any:
    return shapely.geometry.mapping(geometry)


def _features(layer: MapLayer, index: Any, text: Text, *, plain: bool) -> list[dict[str, Any]]:
    """Write GeoJSON features; rows nobody can point at are joined per class into one path."""
    shapes = shapely.set_precision(shapely.force_2d(layer.frame.geometry.to_numpy()), 10.0**-_DIGITS, mode="pointwise")
    if plain:
        return [
            {"type": "Feature", "properties": {"k": int(k)}, "geometry": _coordinates(_joined(shapes[index == k]))}
            for k in np.unique(index)
        ]
    tips, ids = _tips(layer, text), _ids(layer)
    return [
        {
            "type": "Feature",
            "properties": {"k": int(index[i]), "t": tips[i], "layer": layer.name} | ({"id": ids[i]} if ids else {}),
            "geometry": _coordinates(shape),
        }
        for i, shape in enumerate(shapes)
    ]


def _joined(shapes: Any) -> Any:
    parts = shapely.get_parts(shapes)
    return shapely.multilinestrings(parts) if shapely.get_dimensions(parts[0]) == 1 else shapely.multipolygons(parts)


def _packed(values: Any) -> str:
    return base64.b64encode(values.tobytes()).decode("ascii")


def _points(layer: MapLayer, index: Any, text: Text) -> dict[str, Any]:
    """Pack many points as three typed arrays sorted by longitude, and their columns beside them."""
    centre = shapely.centroid(layer.frame.geometry.to_numpy())
    lon, lat = shapely.get_x(centre), shapely.get_y(centre)
    order = np.argsort(lon, kind="stable")
    ids = _ids(layer)
    return {
        "kind": "points",
        "lon": _packed(np.round(lon[order] * 1e7).astype("<i4")),
        "lat": _packed(np.round(lat[order] * 1e7).astype("<i4")),
        "cls": _packed(index[order]),
        "ids": [ids[i] for i in order] if ids else None,
        "columns": [
            {"head": map_text(head), "values": [cell_text(v, text) for v in layer.frame[name].iloc[order].tolist()]}
            for name, head in layer.popup
        ],
    }


def _names(layer: MapLayer) -> list[tuple[float, float, str]]:
    if not layer.style.label:
        return []
    spots = shapely.point_on_surface(layer.frame.geometry.to_numpy())
    names = layer.frame[layer.style.label].tolist()
    return [
        (round(float(p.x), _DIGITS), round(float(p.y), _DIGITS), map_text(name))
        for p, name in zip(spots, names, strict=True)
        if name is not None and name == name and str(name).strip()  # noqa: PLR0124
    ]


def middles(frame: GeoDataFrame) -> Any:
    """Find the middle of each line (of its longest part), where its mark stands."""

    def middle(shape: Any) -> Any:
        parts = shapely.get_parts(shape)
        return shapely.line_interpolate_point(parts[int(np.argmax(shapely.length(parts)))], 0.5, normalized=True)

    return [middle(shape) for shape in frame.geometry]


def drawable(layer: MapLayer) -> MapLayer:
    """Leave out rows without a geometry: they are in tables, not on maps."""
    frame = layer.frame
    keep = ~(frame.geometry.isna() | frame.geometry.is_empty)
    if bool(keep.all()):
        return layer
    return replace(layer, frame=frame[keep])


def layer_data(layer: MapLayer, text: Text, *, pane: str = "", hatch: bool = False) -> dict[str, Any]:
    """Turn one layer into what the map script draws."""
    layer = drawable(layer)
    geometry = _kind(layer.frame)
    looks, index = _classes(layer, geometry)
    many = geometry == "mark" and len(layer.frame) > MANY_POINTS
    plain = geometry != "mark" and not layer.popup and not layer.id_column
    data: dict[str, Any] = {
        "name": layer.name,
        "title": map_text(layer.title),
        "count": len(layer.frame),
        "visible": layer.visible,
        "geometry": geometry,
        "pane": pane,
        "looks": [look | {"hatch": hatch} for look in looks],
        "classes": _legend_rows(layer, looks, index, text),
        "names": _names(layer),
        "labelZoom": layer.style.label_zoom,
        "interactive": not plain,
        "canvas": geometry != "mark" and not plain and len(layer.frame) > MANY_PATHS,
    }
    if many:
        return data | _points(layer, index, text)
    return data | {
        "kind": "vector",
        "features": {"type": "FeatureCollection", "features": _features(layer, index, text, plain=plain)},
    }


def flow_data(flows: Sequence[MapFlow], text: Text) -> dict[str, Any]:
    """Draw deliveries: width by weight, and an arrow half way."""
    top = max((f.weight for f in flows), default=0.0) or 1.0
    looks, features = [], []
    for k, flow in enumerate(sorted(flows, key=lambda f: -f.weight)):
        width = 1.6 + 4.0 * (max(flow.weight, 0.0) / top) ** 0.5
        looks.append(
            _look(LayerStyle(colour=style.ACCENT, width=width), "line") | {"label": "", "hatch": False, "alpha": 0.8}
        )
        shape = shapely.set_precision(shapely.force_2d(flow.path), 10.0**-_DIGITS, mode="pointwise")
        properties = {"k": k, "t": map_text(flow.label), "layer": "flow"}
        features.append({"type": "Feature", "properties": properties, "geometry": _coordinates(shape)})
    return {
        "kind": "vector", "name": "flow", "title": map_text(text("present.map.flows")), "count": len(flows),
        "visible": True, "geometry": "line", "pane": "flow", "looks": looks, "classes": [], "names": [],
        "labelZoom": 99, "interactive": True, "canvas": False,
        "features": {"type": "FeatureCollection", "features": features},
    }  # fmt: skip


def is_synthetic(frame: pd.DataFrame) -> bool:
    """Tell whether any row says that it is synthetic."""
    return "coord_source" in frame.columns and bool((frame["coord_source"] == "synthetic").any())


def all_frames(content: MapContent) -> list[GeoDataFrame]:
    """List every frame a map shows."""
    frames = [layer.frame for layer in content.layers]
    if content.closures is not None:
        frames.append(content.closures.frame)
    if content.footprint is not None:
        frames.append(content.footprint)
    return frames


def map_notices(content: MapContent, text: Text) -> tuple[list[str], str]:
    """Write what must stand on the map: the notices, and 审图号 or 内部资料 注意保管."""
    notices = [text("present.paper.synthetic")] if any(is_synthetic(f) for f in all_frames(content)) else []
    notices += [n for n in content.notices if n not in notices]
    if content.approval_no:
        return notices, text("present.map.approval_no", number=content.approval_no)
    return notices, text("present.map.internal")


def map_bounds(content: MapContent) -> tuple[float, float, float, float]:
    """Find the box to show [deg]: as asked, else around the layers; the whole country where nothing is drawn."""
    if content.bounds is not None:
        return content.bounds
    boxes = [f.total_bounds for f in all_frames(content) if len(f)] + [np.array(f.path.bounds) for f in content.flows]
    stack = np.array([b for b in boxes if np.isfinite(b).all()], dtype=float).reshape(-1, 4)
    if not len(stack):
        return (73.5, 18.0, 135.0, 53.5)
    west, south = stack[:, :2].min(axis=0)
    east, north = stack[:, 2:].max(axis=0)
    return float(west), float(south), float(east), float(north)
