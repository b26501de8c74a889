"""The way of goods: from a warehouse by lorry to a dry receiver, and on to the village."""

from __future__ import annotations

from collections.abc import Collection, Hashable
from typing import TYPE_CHECKING

import numpy as np

from geo_minzheng.engine.network import travel_times
from geo_minzheng.model.relief import Routes

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from geo_minzheng.model.network import Network

TOWN_DIGITS = 9
_DECIMALS = 2


def find_routes(
    network: Network,
    warehouses: gpd.GeoDataFrame,
    receivers: gpd.GeoDataFrame,
    villages: gpd.GeoDataFrame,
    *,
    closed: Collection[Hashable] = (),
    wet: Collection[str] = (),
) -> Routes:
    """Find the quickest way for every warehouse and village, over a receiver of the village's own town if one is open.

    ``minutes[w, v] = min over receivers r (time(w, r) + onward(r, v))`` over the receivers of v's town; where none of
    them lies on an open way, over all receivers. ``onward`` is the time from the receiver to the village: a dry village
    fetches its goods, so a dry village without a road gets none. The people of a village that stands in the water have
    left it for the receiver, so ``onward`` is 0 there; its other receivers are tried by distance. Times are rounded to
    0.01 min, so that what is printed is what was optimised.

    Parameters
    ----------
    warehouses, receivers, villages
        Points in the roads' system: ``warehouse_id``; ``site_id, village_code``; ``code``.
    wet
        Codes of the villages that stand in the water.
    """
    shape = (len(warehouses), len(villages))
    minutes = np.full(shape, np.inf)
    chosen = np.full(shape, -1)
    if len(receivers) and min(shape):
        to_receiver = travel_times(network, warehouses.geometry, receivers.geometry, closed=closed)
        onward = travel_times(network, receivers.geometry, villages.geometry, closed=closed)
        is_wet = villages["code"].astype(str).isin(list(wet)).to_numpy()
        own = (
            receivers["village_code"].astype(str).str[:TOWN_DIGITS].to_numpy()[:, None]
            == villages["code"].astype(str).str[:TOWN_DIGITS].to_numpy()[None, :]
        )
        waiting = np.where(own | _nearest_open(to_receiver, receivers, villages), 0.0, np.inf)
        onward = np.where(is_wet[None, :], waiting, onward)
        minutes, chosen = _best(to_receiver, np.where(own, onward, np.inf))
        anywhere, other = _best(to_receiver, onward)
        lost = np.isinf(minutes)
        minutes, chosen = np.where(lost, anywhere, minutes), np.where(lost, other, chosen)
    ids = np.append(receivers["site_id"].astype(str).to_numpy(dtype=object), "")
    return Routes(
        tuple(warehouses["warehouse_id"].astype(str)),
        tuple(villages["code"].astype(str)),
        np.round(minutes, _DECIMALS),
        ids[np.where(np.isinf(minutes), -1, chosen)],
    )


def _nearest_open(
    to_receiver: NDArray[np.float64], receivers: gpd.GeoDataFrame, villages: gpd.GeoDataFrame
) -> NDArray[np.bool_]:
    """Mark for each village the nearest receiver, as the crow flies, that some warehouse reaches."""
    there = np.column_stack([receivers.geometry.x, receivers.geometry.y])
    here = np.column_stack([villages.geometry.x, villages.geometry.y])
    far = np.hypot(*(there[:, None, :] - here[None, :, :]).transpose(2, 0, 1))
    is_open = np.asarray(np.isfinite(to_receiver).any(axis=0))
    far = np.where(is_open[:, None], far, np.inf)
    nearest: NDArray[np.bool_] = (far == far.min(axis=0)) & np.isfinite(far)
    return nearest


def _best(
    to_receiver: NDArray[np.float64], onward: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    total = to_receiver[:, :, None] + onward[None, :, :]
    chosen = total.argmin(axis=1)
    return np.take_along_axis(total, chosen[:, None, :], axis=1)[:, 0, :], chosen


def wet_codes(villages: gpd.GeoDataFrame, footprint: gpd.GeoDataFrame | None) -> list[str]:
    """List the villages whose point stands in the water."""
    standing = set(dry(villages, footprint)["code"].astype(str))
    return [code for code in villages["code"].astype(str) if code not in standing]


def dry(points: gpd.GeoDataFrame, footprint: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame:
    """Keep the points that stand outside the water.

    Parameters
    ----------
    points, footprint
        In one metric system; ``None`` is no water.
    """
    if footprint is None or footprint.empty:
        return points
    wet = footprint.geometry.union_all()
    return points[~points.geometry.intersects(wet)]
