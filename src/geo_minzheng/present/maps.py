"""Maps with no network: a folium map for the app, and a file that opens from disk."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import folium
from branca.element import Element, MacroElement
from folium.elements import JSCSSMixin
from folium.plugins import Draw, Fullscreen
from jinja2 import Template

from geo_minzheng.model.map import LayerStyle, MapContent, MapLayer
from geo_minzheng.present import assets, style
from geo_minzheng.present.mapdata import flow_data, layer_data, map_bounds, map_notices, map_text, middles

if TYPE_CHECKING:
    from geo_minzheng.present.text import Text

__all__ = ["build_map", "map_data", "map_html", "map_text"]

_SHAPES = ("polyline", "rectangle", "circle", "marker", "circlemarker")


class _Verbatim(Element):
    """A piece of the page's head that is no template."""

    _template = Template("{{ this.code }}")

    def __init__(self, code: str) -> None:
        super().__init__()
        self._name = "Verbatim"
        self.code = code


class _Drawing(JSCSSMixin, MacroElement):
    """Hands the data, or where they lie, to the map script."""

    _template = Template(
        "{% macro script(this, kwargs) %}\n"
        "var {{ this.get_name() }} = GeoMinzheng.{{ this.verb }}({{ this._parent.get_name() }}, {{ this.data }});\n"
        "{% endmacro %}"
    )
    default_js: list[tuple[str, str]] = []  # noqa: RUF012  (folium's own attribute)
    default_css: list[tuple[str, str]] = []  # noqa: RUF012

    def __init__(self, verb: str, data: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Drawing"
        self.verb = verb
        self.data = data


# folium reads what it has drawn as a template once more; no brace that JSON itself writes stands before these.
_TEMPLATE = re.compile(r"\{(?=[{%#])")


def _json(data: dict[str, Any]) -> str:
    """Write data for a script element: no tag, comment, line separator or template mark can appear inside it."""
    plain = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for mark in "<>&\u2028\u2029":
        plain = plain.replace(mark, f"\\u{ord(mark):04x}")
    return _TEMPLATE.sub(r"\\u007b", plain)


def _footprint(content: MapContent, text: Text) -> list[dict[str, Any]]:
    if content.footprint is None or content.footprint.empty:
        return []
    look = content.footprint_style or LayerStyle(colour=style.HAZARD, shape="fill", width=1.6, opacity=0.3)
    layer = MapLayer("footprint", text("present.map.footprint"), content.footprint, look)
    return [layer_data(layer, text, pane="hazard", hatch=not look.by)]


def _closures(content: MapContent, text: Text) -> list[dict[str, Any]]:
    if content.closures is None or content.closures.frame.empty:
        return []
    line = content.closures
    data = layer_data(line, text, pane="closure")
    look = LayerStyle(colour=line.style.colour, shape="cross", size=6)
    mark = replace(line, frame=line.frame.set_geometry(middles(line.frame)), style=look)
    return [data, layer_data(mark, text, pane="closure") | {"rider": True, "of": data["name"]}]


def _draw_words(text: Text) -> dict[str, Any]:
    """Write leaflet-draw's own words."""

    def said(*names: str) -> dict[str, str]:
        return {name: text(f"present.map.draw.{name}") for name in names}

    action = {"title": text("present.map.draw.cancel"), "text": text("present.map.draw.cancel")}
    finish = {"title": text("present.map.draw.finish"), "text": text("present.map.draw.finish")}
    undo = {"title": text("present.map.draw.undo"), "text": text("present.map.draw.undo")}
    save = {"title": text("present.map.draw.save"), "text": text("present.map.draw.save")}
    clear = {"title": text("present.map.draw.clear_all"), "text": text("present.map.draw.clear_all")}
    return {
        "draw": {
            "toolbar": {"actions": action, "finish": finish, "undo": undo, "buttons": said("polygon", "rectangle")},
            "handlers": {
                "polygon": {"tooltip": said("start", "cont", "end")},
                "rectangle": {"tooltip": {"start": text("present.map.draw.rectangle_start")}},
                "simpleshape": {"tooltip": {"end": text("present.map.draw.release")}},
                "polyline": {"error": text("present.map.draw.crossing")},
            },
        },
        "edit": {
            "toolbar": {
                "actions": {"save": save, "cancel": action, "clearAll": clear},
                "buttons": said("edit", "editDisabled", "remove", "removeDisabled"),
            },
            "handlers": {
                "edit": {
                    "tooltip": {"text": text("present.map.draw.drag"), "subtext": text("present.map.draw.undo_hint")}
                },
                "remove": {"tooltip": {"text": text("present.map.draw.pick")}},
            },
        },
    }


def _notice(content: MapContent, text: Text) -> str:
    """Write the foot of the map: what must stand there, each part whole."""
    notices, legal = map_notices(content, text)
    parts = [map_text(n) for n in notices]
    if content.data_cut is not None:
        parts.append(map_text(text("present.map.data_cut", at=text.moment(content.data_cut, screen=True))))
    if content.source:
        parts.append(map_text(text("present.map.source", source=content.source)))
    return " ".join([*(f"<span>{part}</span>" for part in parts), f"<strong>{map_text(legal)}</strong>"])


def _content_data(content: MapContent, text: Text, *, draw: bool, titled: bool) -> dict[str, Any]:
    layers = [layer_data(layer, text) for layer in content.layers if not layer.frame.empty]
    layers += _footprint(content, text) + _closures(content, text)
    if content.flows:
        layers.append(flow_data(content.flows, text))
    west, south, east, north = map_bounds(content)
    legend = [
        {
            "label": map_text(e.label),
            "look": {"shape": e.shape, "colour": e.colour, "width": 3, "opacity": 0.6, "dash": ""},
        }
        for e in content.legend
    ]
    return {
        "title": map_text(content.title) if titled else "",
        "notice": _notice(content, text),
        "bounds": [[south, west], [north, east]],
        "layers": layers,
        "legend": legend,
        "text": {k: map_text(text(f"present.map.{k}")) for k in ("legend", "metre", "kilometre", "whole")},
        "drawLocal": _draw_words(text) if draw else None,
    }


def _tools(chart: folium.Map, text: Text, *, draw: bool) -> list[JSCSSMixin]:
    full: Any = Fullscreen
    pencil: Any = Draw
    tools: list[JSCSSMixin] = [
        full(
            position="topleft",
            title=text("present.map.fullscreen"),
            title_cancel=text("present.map.fullscreen_off"),
            force_separate_button=True,
        )
    ]
    if draw:
        options: dict[str, Any] = dict.fromkeys(_SHAPES, False)
        options["rectangle"] = {"shapeOptions": {"color": style.HAZARD}}
        options["polygon"] = {"allowIntersection": False, "shapeOptions": {"color": style.HAZARD}}
        tools.append(pencil(show_geometry_on_click=False, draw_options=options))
    for tool in tools:
        tool.add_to(chart)
    return tools


def map_data(content: MapContent, text: Text, *, draw: bool = False, base_url: str = "/assets") -> str:
    """Write what :func:`build_map` fetches from ``data_url``: the whole map as JSON."""
    icons = f"{base_url.rstrip('/')}/leaflet/images/"
    return _json(_content_data(content, text, draw=draw, titled=False) | {"icons": icons})


def build_map(
    content: MapContent, text: Text, *, data_url: str, base_url: str = "/assets", view: str = "", draw: bool = False
) -> folium.Map:
    """Build a folium map that asks no other machine for anything.

    Parameters
    ----------
    content
        What to show; rows are drawn areas below lines below marks, more than 3000 marks on canvas.
    data_url
        Where the browser fetches :func:`map_data`: a rerun of the page then carries an address, not the map.
    base_url
        Route under which the app serves the assets.
    view
        Name under which the browser keeps zoom, centre and switched-off layers when the map is drawn anew.
    draw
        Offer to draw a polygon or rectangle; the drawing comes back through streamlit-folium.

    Returns
    -------
    folium.Map
        Click on a row: ``last_active_drawing["properties"]`` has ``layer`` and, with an ``id_column``, ``id``.
    """
    chart = _bare(content)
    west, south, east, north = map_bounds(content)
    told = {
        "url": data_url,
        "bounds": [[south, west], [north, east]],
        "view": view,
        "text": {name: text(f"present.map.{name}") for name in ("loading", "lost")},
    }
    _assemble(chart, _Drawing("open", _json(told)), text, draw=draw)
    chart.default_js = [assets.bundle_link(base_url)]
    return chart


def _bare(content: MapContent) -> folium.Map:
    west, south, east, north = map_bounds(content)
    chart = folium.Map(
        location=[(south + north) / 2, (west + east) / 2], tiles=None, zoom_start=11, attribution_control=False
    )
    chart.options["maxZoom"] = 19
    chart.options["zoomSnap"] = 0.25
    return chart


def _assemble(chart: folium.Map, drawing: _Drawing, text: Text, *, draw: bool) -> None:
    """Put the map together, free of what folium would fetch from outside."""
    drawing.add_to(chart)
    for part in (chart, drawing, *_tools(chart, text, draw=draw)):
        part.default_js, part.default_css = [], []


def _carry(chart: folium.Map, data: str, title: str) -> None:
    """Put scripts, styles and the letters used into the page's head."""
    root: Any = chart.get_root()
    head = root.header
    letters = re.sub(r"\\u[0-9a-f]{4}", "", data) + title
    head.add_child(_Verbatim(f"<title>{map_text(title)}</title>"), name="page_title")
    head.add_child(_Verbatim(f"<style>{assets.inline_font(letters)}</style>"), name="page_font")
    head.add_child(_Verbatim(f"<style>{assets.inline_style()}</style>"), name="page_style")
    head.add_child(_Verbatim(f"<script>{assets.inline_script()}</script>"), name="page_script")


def map_html(content: MapContent, text: Text) -> str:
    """Write the map as one HTML file that opens from disk with no network."""
    chart = _bare(content)
    drawing = _Drawing("draw", _json(_content_data(content, text, draw=False, titled=True) | {"icons": ""}))
    _assemble(chart, drawing, text, draw=False)
    _carry(chart, drawing.data, text("present.map.page_title", title=content.title))
    page: str = chart.get_root().render()
    return page
