"""What a map shows, before anyone decides how it is drawn: on screen, in a file, on paper."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from shapely.geometry.base import BaseGeometry

# How a withheld count is written, in every language and format.
WITHHELD = "*"

Shape = Literal["circle", "square", "triangle", "diamond", "cross", "line", "fill"]


@dataclass(frozen=True)
class MapClass:
    """One class of a classified layer: rows whose ``LayerStyle.by`` equals ``value``.

    Parameters
    ----------
    colour
        ``#RRGGBB``.
    shape
        Empty takes the layer's shape; a class may have its own, so that colour is never the only sign.
    label
        Empty keeps the class out of the legend, where the layer's own line is enough (road classes).
    width
        Line width [px]; 0 takes the layer's.
    """

    value: object
    label: str
    colour: str
    shape: Shape | Literal[""] = ""
    width: float = 0.0


@dataclass(frozen=True)
class LayerStyle:
    """How a layer looks.

    Parameters
    ----------
    size
        Radius of a mark [px on screen, 1/96 inch on paper].
    width, opacity, dash
        Line width [px], opacity of a fill [0-1], dash pattern such as ``"6 4"`` or empty.
    by, classes
        Column that classifies the rows, and its classes in legend order; rows of no class keep ``colour``.
    label, label_zoom
        Column of names written beside the marks, and the zoom from which they show.
    hollow
        Mark drawn as an outline: unconfirmed.
    """

    colour: str = "#1F4E79"
    shape: Shape = "circle"
    size: float = 5.0
    width: float = 1.5
    opacity: float = 0.35
    dash: str = ""
    by: str = ""
    classes: tuple[MapClass, ...] = ()
    label: str = ""
    label_zoom: int = 12
    hollow: bool = False


@dataclass(frozen=True)
class MapLayer:
    """Rows of one kind on the map.

    Parameters
    ----------
    frame
        Rows with ``geometry`` in EPSG:4490 or 4326 [deg]; a column ``coord_source`` that says ``synthetic`` makes the
        map say so.
    popup
        (column, heading) pairs shown for a row; texts are shown as they are, numbers without grouping.
    id_column
        Column handed back when a row is clicked.
    visible
        Shown from the start; a hidden layer can be switched on in the legend.
    """

    name: str
    title: str
    frame: GeoDataFrame
    style: LayerStyle = field(default_factory=LayerStyle)
    popup: tuple[tuple[str, str], ...] = ()
    id_column: str = ""
    visible: bool = True


@dataclass(frozen=True)
class MapFlow:
    """Goods on their way from a warehouse to a receiver.

    Parameters
    ----------
    path
        Line along the road [deg]; a straight line where the road is unknown.
    weight
        What the line's width tells, e.g. load [t].
    label
        Sentence shown at the line.
    """

    path: BaseGeometry
    weight: float
    label: str


@dataclass(frozen=True)
class LegendEntry:
    """A legend line that belongs to no layer: a mark explained in words."""

    label: str
    colour: str
    shape: Shape = "fill"


@dataclass(frozen=True)
class MapContent:
    """One map.

    Parameters
    ----------
    layers
        Drawn in this order, areas below lines below marks.
    footprint
        The hazard's rows (polygons, EPSG:4490 [deg]), or ``None``.
    footprint_style
        Its look; by default a hatched blue, or the severity ramp through ``by`` and ``classes``.
    closures
        Cut road segments, or ``None``.
    flows
        Deliveries.
    notices
        Sentences that must stand on the map beside the synthetic notice the map adds by itself.
    approval_no
        审图号; without one the map says 内部资料 注意保管.
    source, data_cut, code
        Where the data come from, until when they count, and the code by which paper is found again on screen.
    bounds
        (west, south, east, north) [deg]; ``None`` fits the layers.
    """

    title: str
    layers: tuple[MapLayer, ...]
    footprint: GeoDataFrame | None = None
    footprint_style: LayerStyle | None = None
    closures: MapLayer | None = None
    flows: tuple[MapFlow, ...] = ()
    legend: tuple[LegendEntry, ...] = ()
    notices: tuple[str, ...] = ()
    approval_no: str = ""
    source: str = ""
    data_cut: datetime | None = None
    code: str = ""
    bounds: tuple[float, float, float, float] | None = None
