"""What an allocation of relief is asked, what it answers and why a place did not get more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from geo_minzheng.model.solution import Stage, Status

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Lorries:
    """Lorry hours of the warehouses and how a delivery uses them.

    A quantity ``q`` of item ``k`` from ``w`` to ``v`` uses
    ``q * kg[k] / tonnage_kg[w] * (trips * minutes[w, v] + handling_min) / 60`` hours: loads are shared, so a part of a
    load uses that part of a round trip.

    Parameters
    ----------
    hours
        Lorry hours of each warehouse, shared by all its items, shape (warehouse,) [h]; ``inf`` is no limit.
    kg
        Weight of one unit of each item, shape (item,) [kg].
    tonnage_kg
        Load of one lorry, a number or shape (warehouse,) [kg].
    handling_min
        Loading and unloading of one full load [min].
    trips
        Travel times per load: 2 for there and back [1].
    """

    hours: FloatArray
    kg: FloatArray
    tonnage_kg: float | FloatArray = 1000.0
    handling_min: float = 0.0
    trips: float = 2.0


@dataclass(frozen=True)
class Arrivals:
    """Stock that reaches its warehouse later.

    Parameters
    ----------
    minutes
        When each delivery to the warehouses arrives, shape (period,) [min from the start of the plan].
    quantity
        What arrives, shape (period, warehouse, item) [item unit].
    """

    minutes: FloatArray
    quantity: FloatArray


@dataclass(frozen=True)
class Lots:
    """Lots of stock, one per position of equally long arrays.

    Parameters
    ----------
    warehouse, item
        Indices, shape (lot,).
    quantity
        What may be moved, shape (lot,) [item unit].
    expiry
        Any growing measure of the expiry day, shape (lot,); ``inf`` where a lot does not expire.
    """

    warehouse: IntArray
    item: IntArray
    quantity: FloatArray
    expiry: FloatArray


@dataclass(frozen=True)
class Moves:
    """Deliveries, one per position of equally long arrays, sorted by (item, warehouse, village, period, layer).

    Parameters
    ----------
    warehouse, village, item
        Indices, shape (move,).
    quantity
        Delivered, shape (move,) [item unit].
    layer
        Need layer that the delivery serves, shape (move,).
    period
        -1 for stock on hand, else the index of the arrival, shape (move,).
    minutes
        Arrival at the village, shape (move,) [min from the start of the plan].
    """

    warehouse: IntArray
    village: IntArray
    item: IntArray
    quantity: FloatArray
    layer: IntArray
    period: IntArray
    minutes: FloatArray

    def __len__(self) -> int:
        return len(self.warehouse)


@dataclass(frozen=True)
class LotMoves:
    """Deliveries by lot: indices into :class:`Moves` and :class:`Lots`, and the quantity of each part [item unit]."""

    move: IntArray
    lot: IntArray
    quantity: FloatArray


@dataclass(frozen=True)
class AllocationProblem:
    """A checked allocation problem in whole packages.

    A *row* is a warehouse with its stock on hand, or a warehouse with one later arrival.

    Parameters
    ----------
    stock, need, cost
        As handed in: (warehouse, item), (village, item) [item unit], (warehouse, village) [min].
    weights
        Shape (village, item) [1].
    package
        Shape (item,) [item unit].
    row_warehouse, row_period, row_minute
        Warehouse, period (-1 on hand) and time [min] of each row, shape (row,).
    supply
        Whole packages of each row, shape (row, item).
    demand
        Whole packages of each need layer, shape (layer, village, item); layers sum to the packed total.
    minutes
        Arrival at the village where it is allowed, else ``inf``, shape (row, village) [min].
    allowed
        Further limit by item, shape (row, village, item), or ``None``.
    reach
        The mask as handed in, or ``None``.
    lorries, deadline_min
        Limits; ``None`` where there is none.
    kg
        Weight of one unit of each item, shape (item,) [kg]; ``None`` where it was not told.
    """

    stock: FloatArray
    need: FloatArray
    cost: FloatArray
    weights: FloatArray
    package: FloatArray
    row_warehouse: IntArray
    row_period: IntArray
    row_minute: FloatArray
    supply: IntArray
    demand: IntArray
    minutes: FloatArray
    allowed: BoolArray | None = None
    reach: BoolArray | None = None
    lorries: Lorries | None = None
    deadline_min: float | None = None
    kg: FloatArray | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of warehouses, villages and items."""
        return self.stock.shape[0], self.need.shape[0], self.need.shape[1]


@dataclass(frozen=True)
class AllocationPlan:
    """Who gets what from where.

    Parameters
    ----------
    moves
        The deliveries.
    problem
        The question, for explanations and what-ifs.
    allocator
        Name in ``ALLOCATORS``.
    got, need_packed
        By need layer, shape (layer, village, item) [item unit].
    isolated
        Villages that no stocked warehouse reaches (indices).
    stages
        ``fair:<layer>``: lowest ratio ``(got / need_packed) / weight`` among those in reach [1];
        ``rounding:<layer>`` (with lorry hours): mean ratio after and before rounding to packages [1];
        ``unit_minutes`` or ``ton_minutes`` (with weights of items): quantity times arrival time.
    status, objective, bound, gap
        Of the whole; the figures are the last stage's.
    """

    moves: Moves
    problem: AllocationProblem
    allocator: str
    got: FloatArray
    need_packed: FloatArray
    isolated: IntArray
    stages: tuple[Stage, ...]
    status: Status
    objective: float
    bound: float
    gap: float

    def to_dense(self) -> FloatArray:
        """Lay the deliveries out as an array (warehouse, village, item) [item unit]."""
        dense = np.zeros(self.problem.shape)
        np.add.at(dense, (self.moves.warehouse, self.moves.village, self.moves.item), self.moves.quantity)
        return dense

    def ratios(self, layer: int) -> FloatArray:
        """Compute ``(got / need_packed) / weight`` of a need layer, shape (village, item); NaN without need."""
        need = self.need_packed[layer]
        full = np.where(need > 0, need, np.nan) * self.problem.weights
        ratios: FloatArray = self.got[layer] / full
        return ratios


@dataclass(frozen=True)
class Shortfall:
    """Why a village does not get more of an item.

    Parameters
    ----------
    village, item
        Indices.
    layer
        First need layer that is not full.
    short
        What is missing of the packed need [item unit].
    code
        ``no_road``, ``reach``, ``deadline``, ``stock``, ``package``, ``lorry_hours`` or ``not_best`` (a plan that is
        not the fair one left goods unused).
    warehouses, villages
        The bottleneck: these warehouses are used up by these villages, and nothing else reaches any of them (indices).
    facts
        Numbers for the sentence, e.g. ``stock``, ``loose``, ``left_elsewhere`` [item unit], ``minutes`` [min].
    """

    village: int
    item: int
    layer: int
    short: float
    code: str
    warehouses: tuple[int, ...] = ()
    villages: tuple[int, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text_key(self) -> str:
        """Key of the sentence in ``data/text``."""
        name = self.code
        if name == "stock":
            name = "stock" if self.facts.get("left_elsewhere") else "stock_none"
            name = name if self.warehouses else "stock_empty"
        return f"engine.allocate.{name}"


@dataclass(frozen=True)
class WhatIf:
    """What one change would do to one village and item, found by solving again.

    Parameters
    ----------
    change
        ``package`` (one more package in ``warehouse``), ``road`` (``warehouse`` opened to the village), ``deadline``
        (no deadline) or ``lorry_hours`` (no limit of hours).
    warehouse
        Where; -1 where it does not matter.
    gain
        What this village would get more [item unit]; may be 0.
    total_gain
        What all villages together would get more of the item [item unit].
    receivers
        Villages that would get more (indices).
    needed
        For ``package``: how much more stock until this village gets one package more [item unit]; 0 where none would
        help.
    """

    change: str
    warehouse: int
    village: int
    item: int
    gain: float
    total_gain: float
    receivers: tuple[int, ...]
    needed: float = 0.0

    @property
    def text_key(self) -> str:
        """Key of the sentence in ``data/text``."""
        is_in_vain = self.change == "package" and not self.needed
        return f"engine.allocate.what_if_{self.change}" + ("_none" if is_in_vain else "")


@dataclass(frozen=True)
class MovesDifference:
    """How one plan differs from another, by (warehouse, village, item).

    Parameters
    ----------
    warehouse, village, item
        Indices, shape (row,), sorted by (item, village, warehouse).
    before, after
        Quantities, shape (row,) [item unit]: removed rows have ``after == 0``, added rows ``before == 0``.
    """

    warehouse: IntArray
    village: IntArray
    item: IntArray
    before: FloatArray
    after: FloatArray

    @property
    def is_removed(self) -> BoolArray:
        """Rows that the second plan lacks."""
        return np.equal(self.after, 0)

    @property
    def is_added(self) -> BoolArray:
        """Rows that the first plan lacks."""
        return np.equal(self.before, 0)

    @property
    def is_changed(self) -> BoolArray:
        """Rows of both plans with another quantity."""
        return (self.before > 0) & (self.after > 0)
