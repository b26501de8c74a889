"""Split deliveries by lot, the lot that expires first leaving first."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo_minzheng.engine.packing import checked, whole_packages
from geo_minzheng.engine.solve import FloatArray, IntArray, compiled
from geo_minzheng.errors import InputError
from geo_minzheng.model.allocation import LotMoves, Lots, Moves


def movable_stock(lots: Lots, package: npt.ArrayLike, *, warehouses: int, items: int) -> FloatArray:
    """Sum the whole packages of each lot, shape (warehouse, item) [item unit].

    A package comes from one lot, so the remainders of two lots do not make another package: a plan on this stock can
    always be split by :func:`assign_batches`.

    Raises
    ------
    InputError
        ``allocate.*`` where a lot or a package size is wrong.
    """
    size, packages = _lot_packages(lots, package, items)
    stock = np.zeros((warehouses, items))
    if len(lots.warehouse) and (np.min(lots.warehouse) < 0 or np.max(lots.warehouse) >= warehouses):
        raise InputError("allocate.unknown_place", field="lots.warehouse")
    np.add.at(stock, (np.asarray(lots.warehouse, dtype=np.int64), np.asarray(lots.item, dtype=np.int64)), packages)
    return stock * size


def _lot_packages(lots: Lots, package: npt.ArrayLike, items: int) -> tuple[FloatArray, IntArray]:
    """Count the whole packages of each lot."""
    count = len(lots.quantity)
    size = checked("package", package, (items,))
    if (size <= 0).any():
        raise InputError("allocate.package_not_positive", at=int(np.argmax(size <= 0)))
    quantity = checked("lots.quantity", lots.quantity, (count,))
    item = np.asarray(lots.item, dtype=np.int64)
    for field, values in (("warehouse", lots.warehouse), ("item", lots.item), ("expiry", lots.expiry)):
        if np.shape(values) != (count,):
            raise InputError(
                "allocate.wrong_shape", field=f"lots.{field}", expected=f"({count},)", found=str(np.shape(values))
            )
    if np.isnan(np.asarray(lots.expiry, dtype=np.float64)).any():
        raise InputError(
            "allocate.not_a_number", field="lots.expiry", at=int(np.argmax(np.isnan(lots.expiry))), value=""
        )
    if count and (item.min() < 0 or item.max() >= items):
        raise InputError("allocate.unknown_place", field="lots.item")
    return size, whole_packages(quantity, size[item], up=False)


@compiled
def _overlay(move_place: IntArray, move_packages: IntArray, lot_place: IntArray, lot_packages: IntArray) -> IntArray:
    """Walk deliveries and lots of each place together: columns (move, lot, packages), lot -1 where none is left."""
    out = np.empty((3, len(move_place) + len(lot_place)), dtype=np.int64)
    count = lot = used = 0
    for move in range(len(move_place)):
        left = move_packages[move]
        while left > 0:
            while lot < len(lot_place) and (
                lot_place[lot] < move_place[move] or (lot_place[lot] == move_place[move] and used == lot_packages[lot])
            ):
                lot += 1
                used = 0
            if lot == len(lot_place) or lot_place[lot] > move_place[move]:
                out[0, count], out[1, count], out[2, count] = move, -1, left
                return out[:, : count + 1]
            part = min(left, lot_packages[lot] - used)
            out[0, count], out[1, count], out[2, count] = move, lot, part
            count += 1
            used += part
            left -= part
    return out[:, :count]


def assign_batches(moves: Moves, lots: Lots, package: npt.ArrayLike) -> LotMoves:
    """Take each delivery from the lots of its warehouse, first expired first out, in whole packages.

    Within a warehouse and item, lots go by expiry (tie: index) and deliveries by arrival (tie: village, layer).
    Deliveries of later arrivals (``period >= 0``) come from no lot yet and are left out.

    Parameters
    ----------
    moves
        Deliveries of a plan.
    lots
        What may be moved.
    package
        Package sizes, shape (item,) [item unit].

    Raises
    ------
    InputError
        ``allocate.lots_short`` when the whole packages of the lots do not suffice (use :func:`movable_stock` as stock).
    """
    items = len(np.asarray(package))
    size, lot_packages = _lot_packages(lots, package, items)
    lot_place = np.asarray(lots.warehouse, dtype=np.int64) * items + np.asarray(lots.item, dtype=np.int64)
    lot_order = np.lexsort((np.asarray(lots.expiry, dtype=np.float64), lot_place))
    on_hand = np.nonzero(moves.period < 0)[0]
    place = moves.warehouse[on_hand] * items + moves.item[on_hand]
    order = np.lexsort((moves.layer[on_hand], moves.village[on_hand], moves.minutes[on_hand], place))
    on_hand = on_hand[order]
    packages = np.rint(moves.quantity[on_hand] / size[moves.item[on_hand]]).astype(np.int64)
    found = _overlay(place[order], packages, lot_place[lot_order], lot_packages[lot_order])
    if (found[1] < 0).any():
        at = on_hand[found[0, -1]]
        raise InputError("allocate.lots_short", warehouse=int(moves.warehouse[at]), item=int(moves.item[at]))
    move, lot = on_hand[found[0]], lot_order[found[1]]
    final = np.lexsort((lot, move))
    return LotMoves(move[final], lot[final], (found[2] * size[moves.item[move]])[final])
