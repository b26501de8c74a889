"""Which stock may be moved: by owner, condition, shelf life and the reserve that stays in the store."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from geo_minzheng.model.relief import Package, StockLot


@dataclass(frozen=True)
class MovableRule:
    """What a bureau may move without asking upward.

    Parameters
    ----------
    owners
        Owners whose lots it may release.
    reserve_share
        Share of each item in each warehouse that stays 机动留底 [1].
    min_shelf_days
        Least remaining shelf life by item [days].
    """

    owners: Collection[str]
    reserve_share: float
    min_shelf_days: Mapping[str, int]


def movable(
    lots: Sequence[StockLot], packages: Mapping[str, Package], rule: MovableRule, *, today: date
) -> tuple[StockLot, ...]:
    """Set what may be moved of each lot, in whole packages of the lot.

    A lot may be moved when its owner's goods are the bureau's to release, its condition is usable and its shelf life
    lasts. The reserve share is a share of all such goods of a warehouse and item that lie there, promised ones among
    them, so that a second plan does not eat into what the first one left. It is kept from what is free (quantity -
    reserved) of the lots that expire last, so that near-expiry goods go first.

    Parameters
    ----------
    lots
        ``movable`` is ignored; ``quantity`` and ``reserved`` [item unit]; a lot that is not usable has none.
    packages
        Package of every item; an item without one moves by single units.

    Returns
    -------
    tuple of StockLot
        The same lots in the same order, ``movable`` set [item unit].
    """
    ours = [_is_ours(lot, rule, today) for lot in lots]
    free = [_whole(lot.quantity - lot.reserved, lot, packages) if ours[i] else 0 for i, lot in enumerate(lots)]
    kept = [0] * len(lots)
    groups: dict[tuple[str, str], list[int]] = {}
    for i, lot in enumerate(lots):
        if ours[i]:
            groups.setdefault((lot.warehouse, lot.item), []).append(i)
    for members in groups.values():
        there = sum(_whole(lots[i].quantity, lots[i], packages) for i in members)
        keep = math.ceil(round(there * rule.reserve_share, 9))
        for i in sorted(members, key=lambda i: (lots[i].expiry_on or date.max, lots[i].lot_no), reverse=True):
            kept[i] = min(free[i], keep)
            keep -= kept[i]
    return tuple(
        replace(lot, movable=round((free[i] - kept[i]) * _size(lot, packages), 3)) for i, lot in enumerate(lots)
    )


def _size(lot: StockLot, packages: Mapping[str, Package]) -> float:
    return packages[lot.item].size if lot.item in packages else 1.0


def _is_ours(lot: StockLot, rule: MovableRule, today: date) -> bool:
    shelf = timedelta(days=rule.min_shelf_days.get(lot.item, 0))
    lasts = lot.expiry_on is None or lot.expiry_on >= today + shelf
    return lot.owner in rule.owners and lot.condition == "usable" and lasts


def _whole(quantity: float, lot: StockLot, packages: Mapping[str, Package]) -> int:
    return max(0, math.floor(round(quantity / _size(lot, packages), 9)))
