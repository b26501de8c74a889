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
) -> Routes:
    """Find the quickest way for every warehouse and village, over a receiver of the village's own town where one is open.

    ``minutes[w, v] = min over receivers r (time(w, r) + time(r, v))`` over the receivers of v's town; where none of them
    lies on an open way, over all receivers. Times are rounded to 0.01 min, so that what is printed is what was optimised.

    Parameters
    ----------
    warehouses, receivers, villages
        Points in the roads' system: ``warehouse_id``; ``site_id, village_code``; ``code``.
    """
    shape = (len(warehouses), len(villages))
    minutes = np.full(shape, np.inf)
    chosen = np.full(shape, -1)
    if len(receivers) and min(shape):
        to_receiver = travel_times(network, warehouses.geometry, receivers.geometry, closed=closed)
        onward = travel_times(network, receivers.geometry, villages.geometry, closed=closed)
        own = (
            receivers["village_code"].astype(str).str[:TOWN_DIGITS].to_numpy()[:, None]
            == villages["code"].astype(str).str[:TOWN_DIGITS].to_numpy()[None, :]
        )
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


def _best(
    to_receiver: NDArray[np.float64], onward: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    total = to_receiver[:, :, None] + onward[None, :, :]
    chosen = total.argmin(axis=1)
    return np.take_along_axis(total, chosen[:, None, :], axis=1)[:, 0, :], chosen


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
