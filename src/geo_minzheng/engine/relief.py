"""The relief plan: from stock, need and roads to lines, coverage and the reason why not more."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geo_minzheng.engine.allocate import ALLOCATORS
from geo_minzheng.engine.batches import assign_batches
from geo_minzheng.engine.explain import explain, what_if
from geo_minzheng.errors import NotFoundError
from geo_minzheng.model.allocation import AllocationPlan, Lorries, Lots, Shortfall
from geo_minzheng.model.relief import (
    NEED_LAYERS,
    Coverage,
    LayerCoverage,
    PlanLine,
    ReliefInputs,
    ReliefPlan,
    StockLot,
    Travel,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

_GRAIN = 3


@dataclass(frozen=True, eq=False)
class Solved:
    """A relief plan with the allocation behind it, for explanations and what-ifs.

    Parameters
    ----------
    shortfalls
        Why a village does not get more, by (village code, item).
    villages, warehouses, items
        What the indices of the allocation stand for.
    """

    plan: ReliefPlan
    allocation: AllocationPlan
    shortfalls: Mapping[tuple[str, str], Shortfall]
    villages: tuple[str, ...]
    warehouses: tuple[str, ...]
    items: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Arrays:
    villages: tuple[str, ...]
    warehouses: tuple[str, ...]
    items: tuple[str, ...]
    stock: NDArray[np.float64]
    layers: NDArray[np.float64]
    package: NDArray[np.float64]
    kg: NDArray[np.float64]
    weights: NDArray[np.float64]
    cost: NDArray[np.float64]
    village_rows: NDArray[np.int64]


def plan_relief(inputs: ReliefInputs, *, allocator: str = "fair") -> Solved:
    """Plan who gets what from where by when.

    Demand points are the villages with a need; supply is what may be moved of each lot. Fairness, whole packages and
    least ton-minutes are :func:`geo_minzheng.engine.allocate.allocate`'s; near-expiry lots leave first.

    Raises
    ------
    InputError
        ``allocate.*`` for impossible figures.
    """
    arrays = _arrays(inputs)
    allocation = _allocate(inputs, arrays, ALLOCATORS[allocator])
    shortfalls = {(arrays.villages[s.village], arrays.items[s.item]): s for s in explain(allocation)}
    lines = _lines(inputs, arrays, allocation)
    plan = ReliefPlan(
        incident=inputs.incident,
        policy_version=inputs.policy_version,
        input_hash=_digest(_input_document(inputs)),
        plan_hash=_digest({"allocator": allocator, "lines": [asdict(line) for line in lines]}),
        status=allocation.status,
        stages=allocation.stages,
        stock=inputs.lots,
        packages=tuple(inputs.packages[item] for item in sorted({*arrays.items, *_stocked_items(inputs)})),
        travel=_travel(inputs),
        coverage=_coverage(arrays, allocation, shortfalls),
        lines=lines,
        isolated=_isolated(inputs),
        limits=inputs.limits,
    )
    return Solved(plan, allocation, shortfalls, arrays.villages, arrays.warehouses, arrays.items)


def _arrays(inputs: ReliefInputs) -> _Arrays:
    needs = inputs.needs[inputs.needs["net"] > 0]
    known = set(inputs.routes.villages)
    villages = tuple(sorted({str(c) for c in needs["code"]}))
    items = tuple(sorted({str(i) for i in needs["item"]}))
    village_at, item_at = _places(villages), _places(items)
    layers = np.zeros((len(NEED_LAYERS), len(villages), len(items)))
    for layer, code, item, net in zip(needs["layer"], needs["code"], needs["item"], needs["net"], strict=True):
        layers[NEED_LAYERS.index(str(layer)), village_at[str(code)], item_at[str(item)]] += float(net)
    warehouses = inputs.routes.warehouses
    stock = np.zeros((len(warehouses), len(items)))
    warehouse_at = _places(warehouses)
    for lot in inputs.lots:
        if lot.item in item_at and lot.warehouse in warehouse_at:
            stock[warehouse_at[lot.warehouse], item_at[lot.item]] += lot.movable
    column = _places(inputs.routes.villages)
    rows = np.array([column[v] if v in known else -1 for v in villages], np.int64)
    cost = np.full((len(warehouses), len(villages)), np.inf)
    if len(warehouses) and (rows >= 0).any():
        cost[:, rows >= 0] = inputs.routes.minutes[:, rows[rows >= 0]]
    packages = [inputs.packages[item] for item in items]
    return _Arrays(
        villages=villages,
        warehouses=warehouses,
        items=items,
        stock=stock,
        layers=layers,
        package=np.array([p.size for p in packages]),
        kg=np.array([p.kg / p.size for p in packages]),
        weights=np.array([inputs.weights.get(v, 1.0) for v in villages]),
        cost=cost,
        village_rows=rows,
    )


def _stocked_items(inputs: ReliefInputs) -> set[str]:
    return {lot.item for lot in inputs.lots if lot.item in inputs.packages}


def _places(names: tuple[str, ...]) -> dict[str, int]:
    return {name: i for i, name in enumerate(names)}


def _allocate(inputs: ReliefInputs, arrays: _Arrays, allocator: Callable[..., AllocationPlan]) -> AllocationPlan:
    hours = inputs.limits.lorry_hours
    limit = np.array([np.inf if hours is None else hours.get(w, 0.0) for w in arrays.warehouses])
    return allocator(
        arrays.stock,
        arrays.layers.sum(axis=0),
        arrays.cost,
        weights=arrays.weights,
        package=arrays.package,
        layers=arrays.layers,
        vehicle_hours=Lorries(limit, arrays.kg, tonnage_kg=inputs.payload_kg, handling_min=inputs.loading_min),
        deadline_min=inputs.limits.deadline_min,
    )


def _lines(inputs: ReliefInputs, arrays: _Arrays, allocation: AllocationPlan) -> tuple[PlanLine, ...]:
    item_at, warehouse_at = _places(arrays.items), _places(arrays.warehouses)
    lots = [lot for lot in inputs.lots if lot.movable > 0 and lot.item in item_at and lot.warehouse in warehouse_at]
    moves = allocation.moves
    parts = assign_batches(
        moves,
        Lots(
            np.array([warehouse_at[lot.warehouse] for lot in lots], np.int64),
            np.array([item_at[lot.item] for lot in lots], np.int64),
            np.array([lot.movable for lot in lots], float),
            np.array([_expiry(lot) for lot in lots], float),
        ),
        arrays.package,
    )
    sums: dict[tuple[int, int, int], float] = {}
    for move, lot, quantity in zip(parts.move, parts.lot, parts.quantity, strict=True):
        key = (int(moves.warehouse[move]), int(moves.village[move]), int(lot))
        sums[key] = sums.get(key, 0.0) + float(quantity)
    lines = [_line(inputs, arrays, lots[lot], village, quantity) for (_, village, lot), quantity in sums.items()]
    return tuple(sorted(lines, key=lambda line: (line.item, line.village, line.warehouse, line.batch)))


def _expiry(lot: StockLot) -> float:
    return float("inf") if lot.expiry_on is None else float(lot.expiry_on.toordinal())


def _line(inputs: ReliefInputs, arrays: _Arrays, lot: StockLot, village: int, quantity: float) -> PlanLine:
    w, column = arrays.warehouses.index(lot.warehouse), int(arrays.village_rows[village])
    return PlanLine(
        warehouse=lot.warehouse,
        village=arrays.villages[village],
        receiver=str(inputs.routes.receiver[w, column]),
        item=lot.item,
        batch=lot.lot_no,
        quantity=round(quantity, _GRAIN),
        unit=inputs.packages[lot.item].unit,
        arrive_min=float(inputs.routes.minutes[w, column]),
    )


def _coverage(
    arrays: _Arrays, allocation: AllocationPlan, shortfalls: Mapping[tuple[str, str], Shortfall]
) -> tuple[Coverage, ...]:
    rows = []
    need = arrays.layers.sum(axis=0)
    for v, i in zip(*np.nonzero(need), strict=True):
        village, item = arrays.villages[v], arrays.items[i]
        layers = tuple(
            LayerCoverage(name, _grain(allocation.need_packed[k, v, i]), _grain(allocation.got[k, v, i]))
            for k, name in enumerate(NEED_LAYERS)
        )
        short = shortfalls.get((village, item))
        rows.append(
            Coverage(
                village,
                item,
                _grain(need[v, i]),
                _grain(allocation.need_packed[:, v, i].sum()),
                _grain(allocation.got[:, v, i].sum()),
                float(arrays.weights[v]),
                layers,
                short.code if short else "",
            )
        )
    return tuple(rows)


def _grain(value: float) -> float:
    return round(float(value), _GRAIN)


def _travel(inputs: ReliefInputs) -> tuple[Travel, ...]:
    routes = inputs.routes
    return tuple(
        Travel(warehouse, village, float(routes.minutes[w, v]))
        for w, warehouse in enumerate(routes.warehouses)
        for v, village in enumerate(routes.villages)
        if np.isfinite(routes.minutes[w, v])
    )


def _isolated(inputs: ReliefInputs) -> tuple[str, ...]:
    stocked = {lot.warehouse for lot in inputs.lots if lot.movable > 0}
    rows = [w for w, name in enumerate(inputs.routes.warehouses) if name in stocked]
    reached = np.isfinite(np.atleast_2d(inputs.routes.minutes[rows])).any(axis=0)
    return tuple(v for v, ok in zip(inputs.routes.villages, np.asarray(reached).tolist(), strict=True) if not ok)


def _input_document(inputs: ReliefInputs) -> dict[str, Any]:
    needs = inputs.needs.sort_values(["code", "item", "layer"], kind="stable")
    return {
        "incident": inputs.incident,
        "policy": inputs.policy_version,
        "lots": [_plain(asdict(lot)) for lot in inputs.lots],
        "packages": [asdict(p) for _, p in sorted(inputs.packages.items())],
        "needs": needs[["code", "item", "layer", "net"]].to_numpy().tolist(),
        "weights": sorted(inputs.weights.items()),
        "travel": [asdict(t) for t in _travel(inputs)],
        "receivers": inputs.routes.receiver.tolist(),
        "limits": asdict(inputs.limits),
        "payload_kg": inputs.payload_kg,
        "loading_min": inputs.loading_min,
        "vehicle": inputs.vehicle,
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in row.items()}


def _digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class LineChange:
    """How one delivery differs between two plans [item unit]."""

    warehouse: str
    village: str
    item: str
    before: float
    after: float


def difference(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> tuple[LineChange, ...]:
    """List the deliveries that two plans do not share, by warehouse, village and item.

    Parameters
    ----------
    before, after
        Lines as in ``plan.json``.
    """
    old, new = _totals(before), _totals(after)
    return tuple(
        LineChange(*key, old.get(key, 0.0), new.get(key, 0.0))
        for key in sorted(old.keys() | new.keys(), key=lambda k: (k[1], k[2], k[0]))
        if old.get(key, 0.0) != new.get(key, 0.0)
    )


def _totals(lines: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str, str], float]:
    sums: dict[tuple[str, str, str], float] = {}
    for line in lines:
        key = (line["warehouse"], line["village"], line["item"])
        sums[key] = round(sums.get(key, 0.0) + line["quantity"], _GRAIN)
    return sums


def bottleneck(solved: Solved, village: str, item: str) -> dict[str, tuple[str, ...]]:
    """Name the warehouses and villages that hold each other's share down for one village and item."""
    short = solved.shortfalls[village, item]
    return {
        "warehouses": tuple(solved.warehouses[w] for w in short.warehouses),
        "villages": tuple(solved.villages[v] for v in short.villages),
    }


def explain_one(solved: Solved, village: str, item: str) -> dict[str, Any]:
    """Say what binds for one village and item, and what one change at a time would bring, by solving again.

    Raises
    ------
    NotFoundError
        ``relief.no_need``: the village needs none of the item.
    """
    row = next((c for c in solved.plan.coverage if (c.village, c.item) == (village, item)), None)
    if row is None:
        raise NotFoundError("relief.no_need", village=village, item=item)
    v, i = solved.villages.index(village), solved.items.index(item)
    short = solved.shortfalls.get((village, item))
    told: dict[str, Any] = {"coverage": asdict(row), "reason": None, "changes": []}
    if short is None:
        return told
    told["reason"] = {"code": short.code, "short": short.short, **bottleneck(solved, village, item)}
    told["changes"] = [
        {
            "change": w.change,
            "warehouse": solved.warehouses[w.warehouse] if w.warehouse >= 0 else "",
            "gain": w.gain,
            "total_gain": w.total_gain,
            "receivers": [solved.villages[r] for r in w.receivers],
            "needed": w.needed,
        }
        for w in what_if(solved.allocation, village=v, item=i)
    ]
    return told
