"""What a map shows: the district's layers, the water, the closed roads, the goods on their way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import map_layers, small_cells
from geo_minzheng.engine import network as roads_engine
from geo_minzheng.model.map import LayerStyle, MapContent, MapFlow, MapLayer
from geo_minzheng.present.looks import catalogue_look, road_look, severity_look
from geo_minzheng.services import incidents, places, roads, settings_of
from geo_minzheng.store import frames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.layer import LayerSpec
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text

WIDE = ("water", "boundary", "town_area", "road", "hazard_zone", "site", "warehouse", "welfare_home", "public_facility")
HIDDEN = frozenset({"hazard_zone", "public_facility", "village_area", "candidate_site"})
# Layers whose rows carry numbers of people that may be small.
COUNTED = {"welfare_home": small_cells.homes}
OUTLINES = frozenset({"boundary", "town_area", "village_area", "water"})


def layer_of(session: Session, spec: LayerSpec, policy: Policy, text: Text, *, visible: bool = True) -> MapLayer:
    """Lay one layer of the catalogue out for a map, with its own look and the public columns as popup."""
    frame: Any = frames.read_layer(session, spec.name)
    if spec.name in COUNTED:
        frame = COUNTED[spec.name](frame, least_shown(policy))
    label = "name" if spec.name == "town_area" else ""
    look = road_look() if spec.name == "road" else catalogue_look(spec.style, label=label, label_zoom=10)
    names = [c.name for c in spec.columns if not c.private and c.name in frame.columns]
    popup = tuple((name, text(f"column.{name}")) for name in names) if spec.name not in OUTLINES else ()
    return MapLayer(spec.name, text(f"layer.{spec.name}"), frame, look, popup, id_column=spec.key[0], visible=visible)


def least_shown(policy: Policy) -> int:
    """Give the least count of people or households a wide map or file shows; smaller ones are withheld."""
    return int(policy.number("privacy.small_cell"))


def small_cell_notes(layers: Sequence[MapLayer], policy: Policy, text: Text) -> tuple[str, ...]:
    """Say what the mark of a withheld count means, where one stands on the map."""
    is_marked = any(small_cells.has_withheld(x.frame, [name for name, _ in x.popup]) for x in layers)
    return (text("small_cells.note", least=least_shown(policy)),) if is_marked else ()


def _villages(session: Session, policy: Policy, text: Text, values: Mapping[str, Any] | None) -> MapLayer:
    frame: Any = frames.read_layer(session, "village")
    popup = [(name, text(f"column.{name}")) for name in ("name", "code", "resident_population")]
    look = catalogue_look({"colour": "#1F4E79", "size": 4}, label="name", label_zoom=13)
    if values is not None:
        frame = map_layers.graded(frame, "code", values, least_shown(policy))
        look = severity_look("severity", text, size=6, label="name")
        popup.append(("affected", text("maps.affected")))
    return MapLayer("village", text("layer.village"), frame, look, tuple(popup), id_column="code")


def district_map(
    session: Session, act: Act, catalogue: Mapping[str, LayerSpec], policy: Policy, text: Text,
    *, layers: Sequence[str] = WIDE,
) -> MapContent:  # fmt: skip
    """Show the district as it is now."""
    drawn = [layer_of(session, catalogue[name], policy, text, visible=name not in HIDDEN) for name in layers]
    return MapContent(
        title=str(settings_of.read(session, "name", "")),
        layers=(*(x for x in drawn if len(x.frame)), _villages(session, policy, text, None)),
        notices=small_cell_notes(drawn, policy, text),
        source=text("maps.source_layers"),
        data_cut=act.at,
    )


def incident_map(
    session: Session, act: Act, catalogue: Mapping[str, LayerSpec], policy: Policy, text: Text, incident: str,
    *, impact: Mapping[str, Any] | None = None, plan: Mapping[str, Any] | None = None,
) -> MapContent:  # fmt: skip
    """Show an incident: water, villages by how hard they are hit, closed roads, and a plan's deliveries."""
    found = incidents.get_incident(session, incident)
    _, footprint = incidents.footprint_of(session, incident)
    names = ("water", "boundary", "town_area", "road", "site", "warehouse", "welfare_home")
    drawn = [layer_of(session, catalogue[name], policy, text) for name in names]
    values = None if impact is None else {row["code"]: row for row in impact["by_village"]}
    state = roads.road_state(session, policy, incident)
    lost = map_layers.pick(frames.read_layer(session, "village"), "code", roads.isolated_villages(session, state))
    alone = MapLayer(
        "isolated", text("maps.isolated"), lost, LayerStyle(colour="#111111", shape="square", size=9, hollow=True),
        (("name", text("column.name")), ("code", text("column.code"))), id_column="code",
    )  # fmt: skip
    wet, closed = _cut_roads(state, text)
    villages = _villages(session, policy, text, values)
    return MapContent(
        title=found.name,
        layers=(*(x for x in (*drawn, wet, alone) if len(x.frame)), villages),
        notices=small_cell_notes([*drawn, villages], policy, text),
        footprint=map_layers.to_store(footprint) if len(footprint) else None,
        closures=closed if len(closed.frame) else None,
        flows=() if plan is None else _flows(session, policy, text, state, plan),
        source=text("maps.source_layers"),
        data_cut=act.at,
        code=incident,
    )  # fmt: skip


def _cut_roads(state: roads.RoadState, text: Text) -> tuple[MapLayer, MapLayer]:
    """Lay out what the water cuts, and what people reported."""
    reported = {str(road) for road in state.closed if str(road) in state.declared}
    popup = (("name", text("column.name")), ("road_id", text("column.road_id")))
    looks = {
        "flooded_roads": LayerStyle(colour="#E34A33", shape="line", width=2.5, dash="5 4"),
        "closed_roads": LayerStyle(colour="#E34A33", shape="line", width=4, dash="6 4"),
    }
    ids = {"flooded_roads": [r for r in state.closed if str(r) not in reported],
           "closed_roads": [r for r in state.closed if str(r) in reported]}  # fmt: skip
    wet, closed = (
        MapLayer(
            name, text(f"maps.{name}"),
            map_layers.to_store(map_layers.pick(state.ways.roads, "road_id", ids[name])), look, popup,
            id_column="road_id",
        )
        for name, look in looks.items()
    )  # fmt: skip
    return wet, closed


def _flows(
    session: Session, policy: Policy, text: Text, state: roads.RoadState, plan: Mapping[str, Any]
) -> tuple[MapFlow, ...]:
    loads = map_layers.loads(plan["lines"], {p["item"]: p["kg"] / p["size"] for p in plan["packages"]})
    if not loads:
        return ()
    warehouses = places.in_metres(session, "warehouse").set_index("warehouse_id")
    sites = places.in_metres(session, "site").set_index("site_id")
    froms, tos = sorted({w for w, _ in loads}), sorted({r for _, r in loads})
    paths = roads_engine.paths(
        state.ways.network, warehouses.geometry.loc[froms], sites.geometry.loc[tos], closed=state.closed,
        pairs=[(froms.index(w), tos.index(r)) for w, r in loads],
    )  # fmt: skip
    lines: gpd.GeoSeries = paths.geometry.to_crs("EPSG:4490")
    return tuple(
        MapFlow(
            line, kg / 1000,
            text("maps.flow", source=str(warehouses["name"][w]), target=str(sites["name"][r]),
                 tons=text.number(kg / 1000, digits=1), minutes=text.duration(float(minutes))),
        )
        for ((w, r), kg), line, minutes in zip(loads.items(), lines, paths["minutes"], strict=True)
        if line is not None
    )  # fmt: skip
