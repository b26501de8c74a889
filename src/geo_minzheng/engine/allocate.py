"""Share relief goods fairly and carry them on the shortest ways; beside it the nearest-first rival."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo_minzheng.engine.leximin import fill_layer
from geo_minzheng.engine.lorries import hours_used, share_hours
from geo_minzheng.engine.nearest import nearest_flows
from geo_minzheng.engine.packing import Options, item_minutes, prepare, whole_weights
from geo_minzheng.engine.solve import PROVEN_GAP, BoolArray, FloatArray, IntArray
from geo_minzheng.engine.transport import carry, cost_and_bound
from geo_minzheng.model.allocation import AllocationPlan, AllocationProblem, Arrivals, Lorries, Moves
from geo_minzheng.model.solution import Stage, Status, relative_gap


@dataclass(frozen=True)
class _Answer:
    """Packages by (row, village, item) in sparse form, by layer, and the stages that found them."""

    row: IntArray
    village: IntArray
    item: IntArray
    packages: IntArray
    got: IntArray
    stages: tuple[Stage, ...]
    is_proven: bool = True


def allocate(
    stock: npt.ArrayLike,
    need: npt.ArrayLike,
    cost: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    package: npt.ArrayLike | None = None,
    reach: npt.ArrayLike | None = None,
    layers: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
    vehicle_hours: Lorries | npt.ArrayLike | None = None,
    deadline_min: float | None = None,
    arrivals: Arrivals | None = None,
) -> AllocationPlan:
    """Share goods by leximin of ``(got / need_packed) / weight``, then deliver at least quantity times minutes.

    Per item and need layer the next package goes to the lowest ratio (tie: smaller need times weight, then index)
    while the rest stays feasible: exact, see :mod:`geo_minzheng.engine.leximin`. Then a transportation problem per
    item, proven by prices, see :mod:`geo_minzheng.engine.transport`. With lorry hours both are linear programmes
    followed by rounding, see :mod:`geo_minzheng.engine.lorries`; the gap stands in the stages and the status is
    ``feasible`` unless hours do not bind.

    Parameters
    ----------
    stock
        Shape (warehouse, item) [item unit]; only whole packages are moved.
    need
        Shape (village, item) [item unit]; rounded up to whole packages.
    cost
        Travel time, shape (warehouse, village) [min]; ``inf`` is unreachable.
    weights
        Vulnerability, above 0, shape (village,) or (village, item) [1]; a heavier village gets more. Default 1.
    package
        Package sizes, shape (item,) [item unit]. Default 1.
    reach
        Who may be served from where, shape (warehouse, village) or (warehouse, village, item) of booleans.
    layers
        Need layers in order of service, each (village, item), summing to ``need`` [item unit]. Packed by running total:
        ``packed(total of layers <= k) - packed(total of layers < k)``.
    vehicle_hours
        Lorry hours of each warehouse shared by its items, shape (warehouse,) [h], where a quantity ``q`` uses
        ``q * cost / 60`` hours; or :class:`~geo_minzheng.model.allocation.Lorries` for weights and lorry loads.
    deadline_min
        Deliveries that arrive later are not made [min from the start].
    arrivals
        Later stock; it leaves when it is there and arrives ``cost`` minutes after that.

    Returns
    -------
    AllocationPlan
        ``status`` is ``optimal`` when every stage is proven. A shortage is an answer, not an error.

    Raises
    ------
    InputError
        ``allocate.*``: an array with NaN, a negative number or another shape, named with the first place.
    """
    options = Options(weights, package, reach, layers, vehicle_hours, deadline_min, arrivals)
    return allocate_fairly(prepare(stock, need, cost, options))


def nearest_first(
    stock: npt.ArrayLike,
    need: npt.ArrayLike,
    cost: npt.ArrayLike,
    *,
    weights: npt.ArrayLike | None = None,
    package: npt.ArrayLike | None = None,
    reach: npt.ArrayLike | None = None,
    layers: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None,
    vehicle_hours: Lorries | npt.ArrayLike | None = None,
    deadline_min: float | None = None,
    arrivals: Arrivals | None = None,
) -> AllocationPlan:
    """Serve the nearest pair first, then the next, as a dispatcher without a computer would.

    Pairs of stock and village are taken by arrival time (tie: warehouse, then village); each gets what it still needs
    and stock, hours and reach allow, in whole packages; the next need layer begins when all pairs were seen.
    Arguments, result and errors are those of :func:`allocate`; ``status`` is ``feasible`` and its bounds hold for any
    plan (everyone full; no minutes).
    """
    options = Options(weights, package, reach, layers, vehicle_hours, deadline_min, arrivals)
    return allocate_nearest_first(prepare(stock, need, cost, options))


ALLOCATORS: dict[str, Callable[..., AllocationPlan]] = {"fair": allocate, "nearest_first": nearest_first}


def allocate_fairly(problem: AllocationProblem) -> AllocationPlan:
    """Solve a checked problem as :func:`allocate` does."""
    answer = _fair_answer(problem)
    if problem.lorries is not None and not _keeps_hours(problem, problem.lorries, answer):
        answer = _answer_with_hours(problem, problem.lorries)
    return _plan(problem, answer, "fair")


def allocate_nearest_first(problem: AllocationProblem) -> AllocationPlan:
    """Solve a checked problem as :func:`nearest_first` does."""
    row, village, item, packages, got = nearest_flows(problem)
    minutes = float((_units(problem, item, packages) * problem.minutes[row, village]).sum())
    stages = [_unproven(f"fair:{k}", lowest_ratio(problem, got, k), highest_ratio(problem, k)) for k in range(len(got))]
    stages.append(_unproven(minutes_stage_name(problem), minutes, 0.0))
    answer = _Answer(row, village, item, packages, got, tuple(stages), is_proven=False)
    return _plan(problem, answer, "nearest_first")


def _unproven(name: str, value: float, limit: float) -> Stage:
    """Set a value beside a limit that holds for any plan."""
    return Stage(name, value, limit, relative_gap(value, limit))


def minutes_stage_name(problem: AllocationProblem) -> str:
    """Name the last stage after its unit."""
    return "unit_minutes" if problem.kg is None else "ton_minutes"


def _units(problem: AllocationProblem, item: IntArray, packages: IntArray) -> FloatArray:
    """Weigh packages for the last stage: item units, or tons where weights are known."""
    size = problem.package if problem.kg is None else problem.package * problem.kg / 1000.0
    units: FloatArray = packages * size[item]
    return units


def is_in_reach(problem: AllocationProblem) -> BoolArray:
    """Tell which village some stocked row reaches, by item, shape (village, item)."""
    stocked = problem.supply > 0
    if problem.allowed is not None:
        may = problem.allowed & np.isfinite(problem.minutes)[:, :, None]
        return np.asarray((may & stocked[:, None, :]).any(axis=0))
    finite = np.isfinite(problem.minutes)
    return np.asarray(finite.T.astype(np.float32) @ stocked.astype(np.float32) > 0)


def lowest_ratio(problem: AllocationProblem, got: IntArray | FloatArray, layer: int) -> float:
    """Find the lowest ratio of a layer among those in reach with need; 1 where nobody needs anything [1]."""
    counted = (problem.demand[layer] > 0) & is_in_reach(problem)
    if not counted.any():
        return 1.0
    ratio = got[layer][counted] / (problem.demand[layer][counted] * problem.weights[counted])
    return float(ratio.min())


def highest_ratio(problem: AllocationProblem, layer: int) -> float:
    """Find the lowest ratio of a layer when everyone in reach is full [1]."""
    return lowest_ratio(problem, problem.demand, layer)


def _groups(finite: BoolArray) -> tuple[IntArray, BoolArray]:
    """Join villages with the same reach: group of each village, reach of each group (row, group)."""
    n_rows, n_villages = finite.shape
    if finite.all():
        return np.zeros(n_villages, dtype=np.int64), np.ones((n_rows, min(1, n_villages)), dtype=np.bool_)
    packed = np.ascontiguousarray(np.packbits(finite, axis=0).T)
    keys = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    return group.astype(np.int64), np.ascontiguousarray(finite[:, first])


def fair_shares(problem: AllocationProblem) -> IntArray:
    """Share every item by layers without lorry hours; packages, shape (layer, village, item)."""
    demand = problem.demand
    got = np.zeros_like(demand)
    if 0 in problem.shape:
        return got
    in_reach = is_in_reach(problem)
    whole = whole_weights(problem.weights, int(demand.max(initial=0)))
    group, reach = _groups(np.isfinite(problem.minutes))
    for k in range(problem.shape[2]):
        if problem.allowed is not None:
            group, reach = _groups(np.isfinite(item_minutes(problem, k)))
        supply = np.ascontiguousarray(problem.supply[:, k])
        base = np.zeros(len(in_reach), dtype=np.int64)
        for layer in range(len(demand)):
            cap = np.where(in_reach[:, k], demand[layer, :, k], 0)
            got[layer, :, k] = fill_layer(supply, base, cap, cap * whole[:, k], group, reach)
            base += got[layer, :, k]
    return got


def _fair_answer(problem: AllocationProblem) -> _Answer:
    """Fair shares, then least minutes, item by item."""
    got = fair_shares(problem)
    rows, villages, items, packages = [], [], [], []
    total_minutes = total_bound = 0.0
    for k in range(problem.shape[2]):
        asked = got[:, :, k].sum(axis=0)
        if not asked.any():
            continue
        cost, supply = item_minutes(problem, k), np.ascontiguousarray(problem.supply[:, k])
        flow, price, _ = carry(cost, supply, asked)
        minutes, bound = cost_and_bound(cost, supply, asked, flow, price)
        unit = float(_units(problem, np.array([k]), np.array([1]))[0])
        total_minutes += minutes * unit
        total_bound += bound * unit
        row, village = np.nonzero(flow)
        rows.append(row)
        villages.append(village)
        items.append(np.full(len(row), k))
        packages.append(flow[row, village])
    lowest = [lowest_ratio(problem, got, layer) for layer in range(len(got))]
    gap = relative_gap(total_minutes, total_bound)
    stages = (
        *(Stage(f"fair:{layer}", value, value, 0.0) for layer, value in enumerate(lowest)),
        Stage(minutes_stage_name(problem), total_minutes, total_bound, gap if gap > PROVEN_GAP else 0.0),
    )
    return _Answer(_joined(rows), _joined(villages), _joined(items), _joined(packages), got, stages)


def _joined(parts: list[IntArray]) -> IntArray:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _keeps_hours(problem: AllocationProblem, lorries: Lorries, answer: _Answer) -> bool:
    """Whether deliveries made without looking at hours keep them all the same."""
    used = hours_used(problem, lorries, answer.row, answer.village, answer.item, answer.packages)
    return bool((used <= lorries.hours * (1 + 1e-12)).all())


def _answer_with_hours(problem: AllocationProblem, lorries: Lorries) -> _Answer:
    """Share under lorry hours; the rival's plan is taken where rounding made ours less fair."""
    weight = _units(problem, np.arange(problem.shape[2]), np.ones(problem.shape[2], dtype=np.int64))
    found = share_hours(problem, lorries, weight)
    row, village, item, packages, got = found.row, found.village, found.item, found.packages, found.got
    least = found.least_minutes
    rival = nearest_flows(problem)
    if _profile(problem, rival[4]) > _profile(problem, got):
        row, village, item, packages, got = rival
        least = 0.0
    minutes = float((packages * weight[item] * problem.minutes[row, village]).sum())
    stages = []
    for layer in range(len(got)):
        value, bound = lowest_ratio(problem, got, layer), lowest_ratio(problem, found.fair_cover, layer)
        stages.append(Stage(f"fair:{layer}", value, bound, relative_gap(value, bound)))
        value, bound = mean_ratio(problem, got, layer), mean_ratio(problem, found.fair_cover, layer)
        stages.append(Stage(f"rounding:{layer}", value, bound, relative_gap(value, bound)))
    stages.append(Stage(minutes_stage_name(problem), minutes, least, relative_gap(minutes, least)))
    is_exact = bool((np.abs(got - found.fair_cover) <= 1e-6).all())
    return _Answer(row, village, item, packages, got, tuple(stages), is_proven=is_exact)


def _profile(problem: AllocationProblem, got: IntArray) -> list[list[float]]:
    """Sorted ratios layer by layer: plans compare by it as by a dictionary."""
    lines = []
    for layer, demand in enumerate(problem.demand):
        ratio = got[layer][demand > 0] / (demand * problem.weights)[demand > 0]
        lines.append(np.round(np.sort(ratio), 12).tolist())
    return lines


def mean_ratio(problem: AllocationProblem, got: IntArray | FloatArray, layer: int) -> float:
    """Average the ratios of a layer over those in reach with need; 1 where nobody needs anything [1]."""
    counted = (problem.demand[layer] > 0) & is_in_reach(problem)
    if not counted.any():
        return 1.0
    ratio = got[layer][counted] / (problem.demand[layer][counted] * problem.weights[counted])
    return float(ratio.mean())


def _moves(problem: AllocationProblem, answer: _Answer) -> Moves:
    """Split deliveries by need layer, the earliest arrival serving the first layer."""
    minutes = problem.minutes[answer.row, answer.village]
    n_layers = len(answer.got)
    row, village, item = answer.row, answer.village, answer.item
    packages, layer = answer.packages, np.zeros(len(row), dtype=np.int64)
    if n_layers > 1:
        order = np.lexsort((row, minutes, village, item))
        row, village, item, packages = row[order], village[order], item[order], packages[order]
        minutes = minutes[order]
        place = item * problem.shape[1] + village
        end = np.cumsum(packages)
        is_first = np.concatenate([[True], place[1:] != place[:-1]]) if len(place) else np.zeros(0, dtype=bool)
        before = np.maximum.accumulate(np.where(is_first, end - packages, 0)) if len(place) else end
        start, end = end - packages - before, end - before
        top = np.cumsum(answer.got, axis=0)[:, village, item]
        bottom = top - answer.got[:, village, item]
        part = np.minimum(end, top) - np.maximum(start, bottom)
        layer, at = np.nonzero(part > 0)
        row, village, item, minutes, packages = row[at], village[at], item[at], minutes[at], part[layer, at]
    warehouse, period = problem.row_warehouse[row], problem.row_period[row]
    order = np.lexsort((layer, period, village, warehouse, item))
    return Moves(
        warehouse=warehouse[order],
        village=village[order].astype(np.int64),
        item=item[order].astype(np.int64),
        quantity=(packages * problem.package[item])[order],
        layer=layer[order].astype(np.int64),
        period=period[order],
        minutes=minutes[order],
    )


def _plan(problem: AllocationProblem, answer: _Answer, allocator: str) -> AllocationPlan:
    """Turn packages into the plan that callers see."""
    stocked = problem.supply.sum(axis=1) > 0
    if problem.allowed is None:
        reached = np.isfinite(problem.minutes[stocked]).any(axis=0)
    else:
        reached = is_in_reach(problem).any(axis=1)
    last = answer.stages[-1]
    is_proven = answer.is_proven and all(stage.gap <= PROVEN_GAP for stage in answer.stages)
    return AllocationPlan(
        moves=_moves(problem, answer),
        problem=problem,
        allocator=allocator,
        got=answer.got * problem.package,
        need_packed=problem.demand * problem.package,
        isolated=np.nonzero(~reached)[0].astype(np.int64),
        stages=answer.stages,
        status=Status.OPTIMAL if is_proven else Status.FEASIBLE,
        objective=last.objective,
        bound=last.bound,
        gap=last.gap,
    )
