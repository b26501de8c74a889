"""The road layer as the network wants it: speeds filled from the policy, ways no lorry takes left out."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Hashable, Mapping
from typing import TYPE_CHECKING

import shapely

if TYPE_CHECKING:
    import geopandas as gpd

    from geo_minzheng.model.policy import RoadClass


def drivable(roads: gpd.GeoDataFrame, classes: Mapping[str, RoadClass]) -> gpd.GeoDataFrame:
    """Keep the roads a lorry may take, each with a speed.

    Parameters
    ----------
    roads
        ``road_class, kmh``; a missing speed is that of the class [km/h].
    classes
        Road classes of the policy.
    """
    may = [name for name, row in classes.items() if row.is_drivable]
    kept = roads[roads["road_class"].isin(may)]
    speed = kept["road_class"].map({name: row.kmh for name, row in classes.items()}).astype(float)
    return kept.assign(kmh=kept["kmh"].astype(float).fillna(speed))


def walkable(roads: gpd.GeoDataFrame, classes: Mapping[str, RoadClass]) -> gpd.GeoDataFrame:
    """Keep the roads one may walk along.

    Parameters
    ----------
    roads, classes
        As in :func:`drivable`.
    """
    return roads[roads["road_class"].isin([name for name, row in classes.items() if row.is_walkable])]


def too_weak(roads: gpd.GeoDataFrame, gross_t: float) -> list[Hashable]:
    """List the roads whose load limit a laden lorry exceeds.

    Parameters
    ----------
    roads
        ``road_id`` and ``limit_t`` [t]; a missing limit is none.
    gross_t
        Weight of the laden lorry [t].
    """
    limit = roads["limit_t"].astype(float)
    return list(roads.loc[limit.notna() & (limit < gross_t), "road_id"])


def known_roads(roads: gpd.GeoDataFrame, ids: Collection[Hashable]) -> list[Hashable]:
    """Keep the ids that are roads of the frame, in the frame's order: others cannot be closed for it."""
    wanted = set(ids)
    return [road for road in roads["road_id"].tolist() if road in wanted]


def digest(roads: gpd.GeoDataFrame) -> str:
    """Hash what the network is built from, to know when it must be built again."""
    told = roads[["road_id", "road_class", "kmh", "oneway", "is_bridge", "structure_id"]].astype(str)
    seal = hashlib.sha256(b"".join(shapely.to_wkb(roads.geometry.to_numpy())))
    seal.update(told.to_csv(index=False).encode())
    return seal.hexdigest()
