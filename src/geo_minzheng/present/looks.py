"""Ready looks: what the catalogue says of a layer, roads by class, severity and safety grades."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast, get_args

from geo_minzheng.model.map import LayerStyle, MapClass, Shape
from geo_minzheng.present import style

if TYPE_CHECKING:
    from geo_minzheng.present.text import Text

_SHAPES: dict[str, Shape] = {
    "none": "circle",
    "low": "circle",
    "medium": "square",
    "high": "diamond",
    "extreme": "triangle",
}


def catalogue_look(given: Mapping[str, Any], *, label: str = "", label_zoom: int = 12) -> LayerStyle:
    """Turn a layer's ``[style]`` of the catalogue into its look; ``label`` is the column of names to write."""
    shape = str(given.get("shape", "circle"))
    return LayerStyle(
        colour=str(given.get("colour", style.ACCENT)),
        shape=cast("Shape", shape) if shape in get_args(Shape) else "circle",
        size=float(given.get("size", 5.0)),
        width=float(given.get("width", 1.5)),
        opacity=float(given.get("opacity", 0.35)),
        label=label,
        label_zoom=label_zoom,
    )


def road_look(by: str = "road_class") -> LayerStyle:
    """Draw roads by class in greys, the heavier the wider; one legend line for all."""
    classes = tuple(MapClass(name, "", colour, width=width) for name, (colour, width) in style.ROADS.items())
    return LayerStyle(colour="#B4B4B4", shape="line", width=1.2, by=by, classes=classes)


def severity_look(by: str, text: Text, *, size: float = 5.0, label: str = "", label_zoom: int = 12) -> LayerStyle:
    """Draw marks by severity (``none low medium high extreme``): colour and shape both tell."""
    classes = tuple(
        MapClass(name, text(f"present.map.severity_{name}"), colour, _SHAPES[name])
        for name, colour in style.SEVERITY.items()
    )
    return LayerStyle(colour="#D9D9D9", by=by, classes=classes, size=size, label=label, label_zoom=label_zoom)


def grade_look(by: str, text: Text, *, size: float = 4.0) -> LayerStyle:
    """Draw houses by safety grade A-D, with the letter in the legend."""
    classes = tuple(
        MapClass(grade, text("present.map.grade", grade=grade), colour) for grade, colour in style.GRADES.items()
    )
    return LayerStyle(colour="#9A9A9A", shape="square", by=by, classes=classes, size=size)
