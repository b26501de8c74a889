"""The district's layers as the engine wants them: in metres, with the road network built once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import network as roads_engine
from geo_minzheng.engine import road_layer
from geo_minzheng.errors import NotFoundError
from geo_minzheng.services import settings_of
from geo_minzheng.store import frames
from geo_minzheng.store.scope import sight_of, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    import geopandas as gpd
    import pandas as pd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.network import Network
    from geo_minzheng.model.policy import Policy

_KEEP = 4
_networks: dict[str, Network] = {}


@dataclass(frozen=True, eq=False)
class Ways:
    """The roads a lorry may take, and their network."""

    roads: gpd.GeoDataFrame
    network: Network


def table(session: Session, layer: str) -> pd.DataFrame:
    """Read a layer without geometry."""
    return frames.read_layer(session, layer)


def in_metres(session: Session, layer: str) -> gpd.GeoDataFrame:
    """Read a layer in the district's metres."""
    frame: Any = frames.read_layer(session, layer)
    return frame.to_crs(settings_of.require(session, "metres"))


def require_metres(session: Session, layer: str) -> gpd.GeoDataFrame:
    """Read a layer that a use case cannot do without.

    Raises
    ------
    NotFoundError
        ``district.empty_layer``: names the layer to import.
    """
    frame = in_metres(session, layer)
    if frame.empty:
        raise NotFoundError("district.empty_layer", layer=layer)
    return frame


def ways(session: Session, policy: Policy) -> Ways:
    """Build the network of the drivable roads, once for the same roads."""
    roads = road_layer.drivable(require_metres(session, "road"), policy.roads)
    return Ways(roads, _network(road_layer.digest(roads), roads))


def footways(session: Session, policy: Policy) -> Network:
    """Build the network on foot."""
    roads = road_layer.walkable(require_metres(session, "road"), policy.roads)
    key = f"walk:{road_layer.digest(roads)}"
    if key not in _networks:
        kmh = policy.number("access.walk_speed_m_s") * 3.6
        _remember(key, roads_engine.walking(roads, walk_kmh=kmh, access_m=policy.number("access.max_snap_m")))
    return _networks[key]


def _network(key: str, roads: gpd.GeoDataFrame) -> Network:
    if key not in _networks:
        _remember(key, roads_engine.build(roads))
    return _networks[key]


def _remember(key: str, network: Network) -> None:
    while len(_networks) >= _KEEP:
        _networks.pop(next(iter(_networks)))
    _networks[key] = network


def names(session: Session, layer: str, key: str) -> dict[str, str]:
    """Map the ids of a layer to names."""
    frame = table(session, layer)
    return dict(zip(frame[key].astype(str), frame["name"].astype(str), strict=True))


def part_name(session: Session) -> str:
    """Name the town or village that somebody sees of the district; empty for who sees the whole of it."""
    sight = sight_of(session)
    part = "" if sight.district.startswith(sight.scope.prefix) else sight.scope.prefix
    known = names(session, "division", "code") | names(session, "village", "code") if part else {}
    return known.get(part, part)


def has_synthetic(session: Session, *layers: str) -> bool:
    """Tell whether any row of these layers is synthetic: then every paper and map must say so."""
    with whole(session):
        return any(frames.count_rows(session, layer, coord_source="synthetic") for layer in layers)


def empty_layers(session: Session, *layers: str) -> list[str]:
    """List the layers of these that hold no row yet."""
    return [layer for layer in layers if not frames.count_rows(session, layer)]


def shapes(session: Session, layer: str, key: str, ids: Sequence[str]) -> list[Any]:
    """Give the place of each id in CGCS2000 [deg], ``None`` for one the layer does not know."""
    frame: Any = frames.read_layer(session, layer)
    known = dict(zip(frame[key].astype(str), frame.geometry, strict=True))
    return [known.get(one) for one in ids]
