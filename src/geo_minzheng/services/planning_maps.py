"""What the planning day's maps show: cases of the programme, service areas, sites."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import map_layers, planning_layers
from geo_minzheng.model.map import LayerStyle, MapClass, MapContent, MapLayer
from geo_minzheng.services import maps, places, settings_of
from geo_minzheng.store import frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.layer import LayerSpec
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text
    from geo_minzheng.services.welfare import Reach

GROUND = ("water", "boundary", "town_area", "road")
_LOOKS = {
    "chosen": LayerStyle(colour="#1F4E79", shape="square", size=5),
    "stretch": LayerStyle(colour="#5B8DB8", shape="square", size=5),
    "waiting": LayerStyle(colour="#6B6B6B", shape="square", size=4, hollow=True),
    "act_now": LayerStyle(colour="#E34A33", shape="triangle", size=7),
}
_AREAS = {
    "drive": LayerStyle(colour="#6BAED6", shape="fill", opacity=0.4, width=1.0),
    "walk": LayerStyle(colour="#08306B", shape="fill", opacity=0.7, width=1.6),
}


def _ground(session: Session, catalogue: Mapping[str, LayerSpec], policy: Policy, text: Text) -> list[MapLayer]:
    drawn = [maps.layer_of(session, catalogue[name], policy, text) for name in GROUND]
    return [layer for layer in drawn if len(layer.frame)]


def _content(session: Session, act: Act, policy: Policy, text: Text, layers: Sequence[MapLayer]) -> MapContent:
    return MapContent(
        title=str(settings_of.read(session, "name", "")),
        layers=tuple(layers),
        notices=maps.small_cell_notes(layers, policy, text),
        source=text("maps.source_layers"),
        data_cut=act.at,
    )


def programme_map(
    session: Session, act: Act, catalogue: Mapping[str, LayerSpec], policy: Policy, text: Text,
    found: Sequence[Mapping[str, Any]], *, rows: Sequence[Mapping[str, Any]], points: bool,
) -> MapContent:  # fmt: skip
    """Show a programme's cases: houses for those who work on cases, villages by count for everybody else.

    Parameters
    ----------
    found
        Verdicts of the programme.
    rows
        Judged cases with ``x, y`` of their houses.
    """
    layers = _ground(session, catalogue, policy, text)
    if points:
        layers += _case_layers(session, text, found, rows)
    else:
        layers.append(_village_layer(session, policy, text, found))
    return _content(session, act, policy, text, layers)


def _case_layers(
    session: Session, text: Text, found: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> list[MapLayer]:
    by_id, crs = planning_layers.by_case(rows), settings_of.require(session, "metres")
    synthetic = {"coord_source": "synthetic"} if places.has_synthetic(session, "house") else {}
    names = ("case", "village_name", "place", "score", "subsidy_yuan")
    popup = tuple((n, text(f"planning_maps.column.{n}")) for n in names)
    layers = []
    for kind, look in _LOOKS.items():
        mine = [
            {n: v[n] for n in names} | synthetic
            for v in found
            if (v["act_now"] if kind == "act_now" else v["state"] == kind)
        ]
        if mine:
            frame = planning_layers.case_points(mine, by_id, crs)
            layers.append(MapLayer(kind, text(f"planning_maps.{kind}"), frame, look, popup, id_column="case"))
    return layers


def case_shapes(session: Session, rows: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Give the place of each case's house in CGCS2000 [deg], ``None`` for one without a place."""
    cases = [{"case": v["case"]} for v in found]
    frame = planning_layers.case_points(cases, planning_layers.by_case(rows), settings_of.require(session, "metres"))
    known = dict(zip(frame["case"], frame.geometry, strict=True)) if len(frame) else {}
    return [known.get(case["case"]) for case in cases]


def _village_layer(session: Session, policy: Policy, text: Text, found: Sequence[Mapping[str, Any]]) -> MapLayer:
    villages: Any = frames.read_layer(session, "village")
    counts: dict[str, int] = {}
    for verdict in found:
        if verdict["state"] in ("chosen", "stretch"):
            counts[str(verdict["village_code"])] = counts.get(str(verdict["village_code"]), 0) + 1
    least = maps.least_shown(policy)
    frame = planning_layers.count_villages(villages, counts, least)
    colours = {"few": "#C6DBEF", "some": "#6BAED6", "many": "#1F4E79"}
    classes = tuple(
        MapClass(size, text(f"planning_maps.size_{size}", least=least, twice=2 * least), colour)
        for size, colour in colours.items()
    )
    look = LayerStyle(shape="circle", size=7, by="size", classes=classes, label="name", label_zoom=12)
    popup = (("name", text("column.name")), ("cases", text("planning_maps.column.cases")))
    return MapLayer("village", text("planning_maps.villages"), frame, look, popup, id_column="code")


def reach_map(
    session: Session, act: Act, catalogue: Mapping[str, LayerSpec], policy: Policy, text: Text, reach: Reach
) -> MapContent:
    """Show the service areas on the road network and the villages beyond reach."""
    layers = _ground(session, catalogue, policy, text)
    for mode, look in _AREAS.items():
        if mode in reach.areas and len(reach.areas[mode]):
            frame = planning_layers.area_frame(reach.areas[mode], mode)
            layers.append(MapLayer(mode, text(f"planning_maps.{mode}"), frame, look))
    far = planning_layers.uncovered_villages(frames.read_layer(session, "village"), reach.beyond)
    if len(far):
        look = LayerStyle(colour="#E34A33", shape="triangle", size=6, label="name", label_zoom=12)
        popup = (("name", text("column.name")), ("minutes", text("planning_maps.column.minutes")))
        layers.append(MapLayer("beyond", text("planning_maps.beyond"), far, look, popup, id_column="code"))
    layers.append(maps.layer_of(session, catalogue["welfare_home"], policy, text))
    return _content(session, act, policy, text, layers)


def siting_map(
    session: Session, act: Act, catalogue: Mapping[str, LayerSpec], policy: Policy, text: Text, chosen: Sequence[str]
) -> MapContent:
    """Show the homes, the candidate sites and those chosen."""
    homes = maps.layer_of(session, catalogue["welfare_home"], policy, text)
    layers = [*_ground(session, catalogue, policy, text), homes]
    frame: Any = planning_layers.site_marks(frames.read_layer(session, "candidate_site"), chosen)
    names = ("name", "former_use", "land_use", "tenure", "area_m2")
    popup = tuple((n, text(f"column.{n}")) for n in names)
    looks = {
        "candidate": LayerStyle(colour="#6B6B6B", shape="cross", size=6),
        "chosen": LayerStyle(colour="#1F4E79", shape="triangle", size=9, label="name", label_zoom=9),
    }
    for mark, look in looks.items():
        mine = map_layers.pick(frame, "mark", [mark])
        if len(mine):
            layers.append(
                MapLayer(
                    f"site_{mark}", text(f"planning_maps.site_{mark}"), mine, look, popup, id_column="candidate_id"
                )
            )
    return _content(session, act, policy, text, layers)
