"""List the ways that goods may go, and the stocks and lorry hours that the ways share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from geo_minzheng.engine.packing import trip_hours
from geo_minzheng.engine.solve import FloatArray, IntArray
from geo_minzheng.model.allocation import AllocationProblem, Lorries


@dataclass(frozen=True)
class Arcs:
    """All ways a package may go, and the limits they share.

    Parameters
    ----------
    row, village, item
        Shape (arc,).
    hours
        Lorry hours per package, shape (arc,) [h].
    pair, stock_row, hour_row
        Which pair (village, item), stock (row, item) and warehouse limit an arc belongs to; ``hour_row`` is -1
        without limit.
    pair_village, pair_item
        Shape (pair,).
    stock_limit, hour_limit
        Packages, shape (stock row,); hours, shape (limited warehouse,).
    """

    row: IntArray
    village: IntArray
    item: IntArray
    hours: FloatArray
    pair: IntArray
    stock_row: IntArray
    hour_row: IntArray
    pair_village: IntArray
    pair_item: IntArray
    stock_limit: FloatArray
    hour_limit: FloatArray

    @property
    def n_rows(self) -> int:
        """Number of constraints: pairs, stocks, warehouses."""
        return len(self.pair_village) + len(self.stock_limit) + len(self.hour_limit)

    def columns(self, chosen: IntArray) -> sparse.csc_array:
        """Write the columns of arcs: 1 in the pair, 1 in the stock, hours in the warehouse."""
        n_pairs, n_stocks = len(self.pair_village), len(self.stock_limit)
        at = np.arange(len(chosen))
        limited = self.hour_row[chosen] >= 0
        rows = [self.pair[chosen], n_pairs + self.stock_row[chosen]]
        rows.append(n_pairs + n_stocks + self.hour_row[chosen][limited])
        values = [np.ones(len(chosen)), np.ones(len(chosen)), self.hours[chosen][limited]]
        entries = (np.concatenate(rows), np.concatenate([at, at, at[limited]]))
        return sparse.csc_array((np.concatenate(values), entries), shape=(self.n_rows, len(chosen)))

    def prices(self, dual: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Split the duals: value of each pair, charge of each arc for stock and hours."""
        n_pairs, n_stocks = len(self.pair_village), len(self.stock_limit)
        size = np.abs(dual)
        charge = size[n_pairs + self.stock_row]
        limited = self.hour_row >= 0
        charge[limited] += self.hours[limited] * size[n_pairs + n_stocks + self.hour_row[limited]]
        return size[:n_pairs], charge


def list_arcs(problem: AllocationProblem, lorries: Lorries) -> Arcs:
    """List every (row, village, item) with a way, stock, need and hours."""
    n_v, n_k = problem.shape[1:]
    may = np.isfinite(problem.minutes)[:, :, None] & (problem.supply > 0)[:, None, :]
    may &= (problem.demand.sum(axis=0) > 0)[None]
    if problem.allowed is not None:
        may &= problem.allowed
    per_kg, kg = trip_hours(problem, lorries)
    row, village, item = np.nonzero(may)
    hours = per_kg[row, village] * kg[item]
    limit = lorries.hours[problem.row_warehouse[row]]
    fits = hours <= limit
    row, village, item, hours = row[fits], village[fits], item[fits], hours[fits]
    pairs, pair = np.unique(item * n_v + village, return_inverse=True)
    stocks, stock_row = np.unique(row * n_k + item, return_inverse=True)
    limited = np.nonzero(np.isfinite(lorries.hours))[0]
    place = np.full(problem.shape[0], -1)
    place[limited] = np.arange(len(limited))
    return Arcs(
        row=row,
        village=village,
        item=item,
        hours=hours,
        pair=pair,
        stock_row=stock_row,
        hour_row=place[problem.row_warehouse[row]],
        pair_village=pairs % n_v,
        pair_item=pairs // n_v,
        stock_limit=problem.supply.ravel()[stocks].astype(np.float64),
        hour_limit=lorries.hours[limited],
    )
