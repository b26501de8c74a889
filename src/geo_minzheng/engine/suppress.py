"""Small cells: which counts of a linked set of tables are withheld, so that no subtraction brings them back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from geo_minzheng.engine.solve import LinearModel, LinearSession, solve_linear
from geo_minzheng.errors import InfeasibleError, InputError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_WHOLE = 1e-6
# A total tells many readers more than a village does, so it is given up last.
_LEVEL_WEIGHT = 100.0
_WHOLE_WEIGHT = 2.0
_FREE = 1e-4


@dataclass(frozen=True, eq=False)
class CountSystem:
    """Counts that add up: every cell of every table published from the same data, and the sums between them.

    Parameters
    ----------
    values
        Counts, shape (cell,) [persons, households].
    sums
        Pairs (whole, parts): ``values[whole] == values[parts].sum()``.
    follows
        For each cell the cell it belongs to (persons follow their households), -1 for none, shape (cell,): where the
        other is small, this one is withheld too, whatever its size.
    weight
        What withholding costs, shape (cell,); among equals the smaller is given up [1].
    """

    values: IntArray
    sums: tuple[tuple[int, IntArray], ...]
    follows: IntArray
    weight: FloatArray

    def __post_init__(self) -> None:
        if len(self.values) and int(self.values.min()) < 0:
            raise InputError("suppress.negative")
        for whole, parts in self.sums:
            if int(self.values[whole]) != int(self.values[parts].sum()):
                raise InputError(
                    "suppress.not_a_sum", whole=int(self.values[whole]), parts=int(self.values[parts].sum())
                )

    def small(self, limit: int) -> BoolArray:
        """Mark the cells from 1 to ``limit`` - 1 of those that follow none."""
        return np.asarray((self.follows < 0) & (self.values >= 1) & (self.values < limit))

    def floor(self) -> IntArray:
        """Give the least value a withheld cell may be taken for: 1, or 0 for a cell that follows another.

        A zero is published as it is (there is nobody to find), so a withheld cell is known to be at least 1.
        """
        return np.where(self.follows < 0, 1, 0).astype(np.int64)

    def fixed(self) -> BoolArray:
        """Mark the zeros everybody sees: of cells that follow none, and of those whose leader is zero."""
        leader = np.where(self.follows < 0, np.arange(len(self.values)), self.follows)
        return np.asarray((self.values == 0) & (self.values[leader] == 0))


def withhold(system: CountSystem, limit: int) -> BoolArray:
    """Choose the cells to withhold: the small ones, and as many others as protect them.

    Complementary suppression (Cox 1980; Kelly, Golden and Assad 1992; Fischetti and Salazar 2001): a reader knows every
    published cell, every sum, that counts are whole and that withheld ones are at least ``system.floor()``. For each
    small cell two whole-number tables must exist that agree with all of it: one in which the cell is at most 1 and one
    in which it is at least ``limit``, so that nobody can tell even whether it is small. (Where the published zeros
    alone say more, as two parts that are there say 2 of their whole, the first table comes as near as it can.) For a
    cell that follows a small one, one table must exist in which it is at least ``limit`` greater. Each table is found
    as the least-cost change ``min sum_c weight_c |x_c - a_c|`` subject to the sums, a change of withheld cells being
    free; the published cells that change are withheld as well. A table found stays a proof when more cells are
    withheld, so one pass suffices.

    Parameters
    ----------
    limit
        Counts from 1 to ``limit`` - 1 are small [persons, households].

    Returns
    -------
    Withheld or not, shape (cell,). The same counts give the same answer.

    Raises
    ------
    InputError
        ``suppress.negative``, ``suppress.not_a_sum``.
    """
    small = system.small(limit)
    led = (system.follows >= 0) & small[system.follows]
    hidden = (small | led) & ~system.fixed()
    low, high = system.values.copy(), system.values.copy()
    search = _Change(system)
    aims = [(cell, 1, limit) for cell in np.flatnonzero(small)]
    aims += [
        (cell, int(system.values[cell]), int(system.values[cell]) + limit) for cell in np.flatnonzero(led & hidden)
    ]
    for cell, least, most in aims:
        for target in (most, least):
            if low[cell] <= target <= high[cell]:
                continue
            found = search.nearest(int(cell), int(target), hidden)
            hidden |= found != system.values
            low, high = np.minimum(low, found), np.maximum(high, found)
    return hidden


class _Change:
    """The least-cost change of a system in which one cell takes a given value."""

    def __init__(self, system: CountSystem) -> None:
        self._system = system
        cells = len(system.values)
        rows, columns, signs = [], [], []
        for row, (whole, parts) in enumerate(system.sums):
            columns += [whole, *parts.tolist()]
            signs += [-1.0, *np.ones(len(parts)).tolist()]
            rows += [row] * (1 + len(parts))
        sums = sparse.csc_array((signs, (rows, columns)), shape=(len(system.sums), cells))
        still = system.fixed()
        down = np.where(still, 0, np.maximum(system.values - system.floor(), 0)).astype(np.float64)
        up = np.where(still, 0.0, np.inf)
        zero = np.zeros(len(system.sums))
        self._upper = np.concatenate([up, down])
        self._model = LinearModel(
            cost=np.zeros(2 * cells), lower=np.zeros(2 * cells), upper=self._upper,
            matrix=sparse.csc_array(sparse.hstack([sums, -sums])), row_lower=zero, row_upper=zero,
        )  # fmt: skip
        self._session = LinearSession(self._model)

    def nearest(self, cell: int, target: int, hidden: BoolArray) -> IntArray:
        """Find the cheapest table in which the cell has the target, or the nearest value to it that is possible."""
        own = int(self._system.values[cell])
        for value in range(target, own, 1 if own > target else -1):
            try:
                return self._table(cell, value, hidden)
            except InfeasibleError:
                continue
        return self._system.values

    def _table(self, cell: int, target: int, hidden: BoolArray) -> IntArray:
        values = self._system.values
        cells, step = len(values), target - int(values[cell])
        up, down = max(step, 0), max(-step, 0)
        price = np.where(hidden, _FREE, self._system.weight)
        cost = np.concatenate([price, price])
        self._session.set_cost(cost, maximise=False)
        self._session.set_column(cell, float(up), float(up))
        self._session.set_column(cells + cell, float(down), float(down))
        try:
            x = self._session.solve().x
        finally:
            self._session.set_column(cell, 0.0, float(self._upper[cell]))
            self._session.set_column(cells + cell, 0.0, float(self._upper[cells + cell]))
        if np.abs(x - np.round(x)).max(initial=0.0) > _WHOLE:
            x = self._whole(cell, up, down, cost)
        return values + (np.round(x[:cells]) - np.round(x[cells:])).astype(np.int64)

    def _whole(self, cell: int, up: int, down: int, cost: FloatArray) -> FloatArray:
        """Search whole numbers, where the tables are linked in more ways than a network."""
        model, cells = self._model, len(self._system.values)
        lower, upper = model.lower.copy(), model.upper.copy()
        lower[[cell, cells + cell]] = upper[[cell, cells + cell]] = (up, down)
        whole = LinearModel(
            cost=cost, lower=lower, upper=upper, matrix=model.matrix, row_lower=model.row_lower,
            row_upper=model.row_upper, integer=np.ones(2 * cells, dtype=np.bool_),
        )  # fmt: skip
        return solve_linear(whole).x


@dataclass(frozen=True, eq=False)
class PublishedCounts:
    """Counts as a wide audience sees them.

    Parameters
    ----------
    tables
        One frame per level, the rows themselves first, then each grouping: whole numbers (``Int64``), a withheld count
        missing; index and columns as given.
    withheld
        How many cells are withheld.
    """

    tables: tuple[pd.DataFrame, ...]
    withheld: int


def publish_counts(
    counts: pd.DataFrame, groups: Sequence[Sequence[str]], *, limit: int,
    wholes: Sequence[tuple[str, Sequence[str]]] = (), follows: Mapping[str, str] | None = None,
) -> PublishedCounts:  # fmt: skip
    """Withhold the small cells of a table with its totals, all tables of one audience at once.

    Parameters
    ----------
    counts
        Rows (villages) by indicator, whole numbers [persons, households].
    groups
        For each level of totals, fine to coarse, the group of every row, shape (row,): towns, then the district.
    limit
        Counts from 1 to ``limit`` - 1 are withheld.
    wholes
        Pairs (column, its parts): ``("households", ("dibao", "low_income", "general"))``; a column may be taken
        apart in several ways.
    follows
        Columns by the column they belong to: ``{"persons": "households"}``.

    Raises
    ------
    InputError
        ``suppress.negative``, ``suppress.not_a_sum``.
    """
    order = np.argsort(counts.index.astype(str).to_numpy(), kind="stable")
    levels = [counts.iloc[order]]
    for group in groups:
        names = np.asarray(group, dtype=object)[order]
        levels.append(counts.iloc[order].groupby(names, sort=True).sum())
    system, starts = _system(levels, [np.asarray(g, dtype=object)[order] for g in groups], wholes, follows or {})
    hidden = withhold(system, limit)
    tables = []
    for level, start in zip(levels, starts, strict=True):
        shape = level.shape
        mask = hidden[start : start + level.size].reshape(shape)
        shown = level.astype("Int64").mask(pd.DataFrame(mask, index=level.index, columns=level.columns))
        tables.append(shown)
    tables[0] = tables[0].loc[counts.index] if counts.index.is_unique else tables[0].iloc[np.argsort(order)]
    return PublishedCounts(tuple(tables), int(hidden.sum()))


def _system(
    levels: Sequence[pd.DataFrame], groups: Sequence[npt.NDArray[Any]], wholes: Sequence[tuple[str, Sequence[str]]],
    follows: Mapping[str, str],
) -> tuple[CountSystem, list[int]]:  # fmt: skip
    """Number the cells level by level, row by row, and write down what adds up to what."""
    names = list(levels[0].columns)
    width = len(names)
    starts = np.cumsum([0, *(level.size for level in levels)]).tolist()
    values = np.concatenate([level.to_numpy(np.int64).ravel() for level in levels])
    column = np.tile(np.arange(width), len(values) // width if width else 0)
    sums = _sums_of_rows(levels, groups, starts, width)
    for whole, parts in wholes:
        spots = np.array([names.index(part) for part in parts], dtype=np.int64)
        sums += [(row * width + names.index(whole), row * width + spots) for row in range(len(values) // width)]
    leaders = np.array([names.index(follows[n]) if n in follows else -1 for n in names], dtype=np.int64)
    leader = leaders[column]
    spot = np.arange(len(values))
    level_of = np.repeat(np.arange(len(levels)), [level.size for level in levels])
    is_whole = np.isin(column, [names.index(whole) for whole, _ in wholes])
    weight = (
        (1.0 + np.log2(1.0 + np.maximum(values, 0))) * _LEVEL_WEIGHT**level_of * np.where(is_whole, _WHOLE_WEIGHT, 1.0)
    )
    system = CountSystem(
        values=values, sums=tuple(sums), follows=np.where(leader < 0, -1, spot - column + leader), weight=weight
    )
    return system, starts[:-1]


def _sums_of_rows(
    levels: Sequence[pd.DataFrame], groups: Sequence[npt.NDArray[Any]], starts: Sequence[int], width: int
) -> list[tuple[int, IntArray]]:
    """Say of which rows each group's totals are the sum: of the level just below, or of the rows themselves."""
    sums: list[tuple[int, IntArray]] = []
    below = np.arange(len(levels[0]))
    for number, names in enumerate(groups, start=1):
        own = levels[number].index.get_indexer(pd.Index(names))
        pairs = np.unique(np.column_stack([own, below]), axis=0)
        for row in range(len(levels[number])):
            parts = pairs[pairs[:, 0] == row, 1]
            sums += [
                (starts[number] + row * width + c, starts[number - 1] + parts.astype(np.int64) * width + c)
                for c in range(width)
            ]
        below = own
    return sums
