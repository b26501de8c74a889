"""Check an allocation problem and lay it out in whole packages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from geo_minzheng.engine.solve import BoolArray, FloatArray, IntArray
from geo_minzheng.errors import InputError
from geo_minzheng.model.allocation import AllocationProblem, Arrivals, Lorries

TOLERANCE = 1e-9
MOST_FORGIVEN = 1e-3
MAX_PACKAGES = 2**40
MAX_SCALE = 2**62
PLAIN_DENOMINATOR = 10_000
PLAIN_COMMON = 10**9


@dataclass(frozen=True)
class Options:
    """The optional parts of an allocation problem; see :func:`geo_minzheng.engine.allocate.allocate`."""

    weights: npt.ArrayLike | None = None
    package: npt.ArrayLike | None = None
    reach: npt.ArrayLike | None = None
    layers: npt.ArrayLike | Sequence[npt.ArrayLike] | None = None
    vehicle_hours: Lorries | npt.ArrayLike | None = None
    deadline_min: float | None = None
    arrivals: Arrivals | None = None


def checked(field: str, values: npt.ArrayLike, shape: tuple[int, ...], *, may_be_inf: bool = False) -> FloatArray:
    """Copy an array of numbers that are at least 0 and have the expected shape.

    Raises
    ------
    InputError
        ``allocate.not_numbers``, ``allocate.wrong_shape``, ``allocate.not_a_number``, ``allocate.infinite``,
        ``allocate.negative``, each naming the field and the first place.
    """
    try:
        if np.asarray(values).dtype.kind in "cmM":
            raise TypeError(field)
        array: FloatArray = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("allocate.not_numbers", field=field) from error
    if array.size == 0 and 0 in shape and array.ndim <= len(shape):
        array = array.reshape(shape) if array.shape != shape and 0 in array.shape else array
    if array.shape != shape:
        raise InputError("allocate.wrong_shape", field=field, expected=_written(shape), found=_written(array.shape))
    for key, is_wrong in (
        ("allocate.not_a_number", np.isnan(array)),
        ("allocate.negative", array < 0),
        ("allocate.infinite", np.isinf(array) & (not may_be_inf)),
    ):
        if is_wrong.any():
            place = tuple(int(i) for i in np.argwhere(is_wrong)[0])
            raise InputError(key, field=field, at=_written(place), value=float(array[place]))
    return array


def _written(numbers: tuple[int, ...]) -> str:
    return "(" + ", ".join(str(n) for n in numbers) + ")"


def _dimensions(field: str, values: npt.ArrayLike) -> int:
    try:
        return np.ndim(values)
    except ValueError as error:
        raise InputError("allocate.not_numbers", field=field) from error


def _sizes(stock: npt.ArrayLike, need: npt.ArrayLike, cost: npt.ArrayLike) -> tuple[int, int, int]:
    """Read the numbers of warehouses, villages and items off the three arrays."""
    found = []
    for field, values in (("stock", stock), ("need", need), ("cost", cost)):
        try:
            shape = np.shape(values)
        except ValueError as error:
            raise InputError("allocate.not_numbers", field=field) from error
        if len(shape) != 2 and 0 not in shape:
            raise InputError("allocate.wrong_shape", field=field, expected="(·, ·)", found=_written(shape))
        found.append(shape)
    stock_shape, need_shape, cost_shape = found
    n_warehouses = stock_shape[0] if stock_shape else 0
    n_villages = need_shape[0] if need_shape else 0
    n_items = next((s[1] for s in (need_shape, stock_shape) if len(s) == 2), 0)
    if len(cost_shape) == 2 and len(need_shape) < 2:
        n_villages = cost_shape[1]
    return n_warehouses, n_villages, n_items


def whole_packages(quantity: FloatArray, size: FloatArray, *, up: bool) -> IntArray:
    """Count the packages a need takes (``up``) or a stock holds, forgiving rounding errors of 1e-9."""
    count = quantity / size
    nearest = np.rint(count)
    is_whole = np.abs(count - nearest) <= np.minimum(MOST_FORGIVEN, TOLERANCE * np.maximum(1.0, count))
    whole = np.where(is_whole, nearest, np.ceil(count) if up else np.floor(count))
    if whole.size and whole.max() > MAX_PACKAGES:
        raise InputError("allocate.too_large", field="need" if up else "stock", value=float(quantity.max()))
    return np.maximum(whole, 0.0).astype(np.int64)


def _layers(layers: Any, need: FloatArray, package: FloatArray) -> IntArray:
    """Pack the running totals of the need layers, so that layers sum to the packed total."""
    if layers is None:
        return whole_packages(need, package, up=True)[None]
    try:
        count = len(layers)
    except TypeError as error:
        raise InputError("allocate.not_numbers", field="layers") from error
    if count == 0:
        raise InputError("allocate.no_layer")
    parts = checked("layers", layers, (count, *need.shape))
    running = np.cumsum(parts, axis=0)
    is_off = np.abs(running[-1] - need) > 1e-6 * np.maximum(1.0, need)
    if is_off.any():
        village, item = (int(i) for i in np.argwhere(is_off)[0])
        raise InputError(
            "allocate.layers_do_not_sum",
            village=village,
            item=item,
            total=float(running[-1][village, item]),
            need=float(need[village, item]),
        )
    running[-1] = need
    packed = whole_packages(np.minimum(running, need), package, up=True)
    return np.diff(packed, axis=0, prepend=np.zeros((1, *need.shape), dtype=np.int64))


def _weights(weights: npt.ArrayLike | None, shape: tuple[int, int]) -> FloatArray:
    """Spread weights by village over the items."""
    if weights is None:
        return np.ones(shape)
    by_village = _dimensions("weights", weights) == 1
    array = checked("weights", weights, shape[:1] if by_village else shape)
    if (array <= 0).any():
        place = tuple(int(i) for i in np.argwhere(array <= 0)[0])
        raise InputError("allocate.weight_not_positive", at=_written(place), value=float(array[place]))
    return np.repeat(array[:, None], shape[1], axis=1) if by_village else array


def whole_weights(weights: FloatArray, largest: int) -> IntArray:
    """Write weights as whole numbers in the same proportion, so that ratios compare without rounding.

    A weight such as 1.2 means 6/5: where all are fractions of small whole numbers, their common denominator is used.
    Otherwise they are scaled by a power of two, which keeps at least the leading 20 bits and normally all.

    Parameters
    ----------
    weights
        Any shape, above 0.
    largest
        Largest number of packages that a weight will be multiplied with.
    """
    values, place = np.unique(weights, return_inverse=True)
    if values.size == 0:
        return np.ones(weights.shape, dtype=np.int64)
    largest = max(1, largest)
    if values.size <= 1000:
        fractions = [Fraction(v).limit_denominator(PLAIN_DENOMINATOR) for v in values.tolist()]
        common = lcm(*(f.denominator for f in fractions))
        if all(float(f) == v for f, v in zip(fractions, values.tolist(), strict=True)) and common <= PLAIN_COMMON:
            whole = [int(f * common) for f in fractions]
            shared = gcd(*whole)
            whole = [w // shared for w in whole]
            if max(whole) * largest < MAX_SCALE:
                return np.array(whole, dtype=np.int64)[place].reshape(weights.shape)
    power = 61 - int(np.ceil(np.log2(largest))) - int(np.ceil(np.log2(values[-1])))
    scaled = np.maximum(1.0, np.rint(np.ldexp(values, power))).astype(np.int64)
    return scaled[place].reshape(weights.shape)


def _lorries(given: Any, n_warehouses: int, n_items: int) -> Lorries | None:
    """Check lorries; a plain array of hours means that one unit uses its travel time once."""
    if given is None:
        return None
    if not isinstance(given, Lorries):
        hours = checked("vehicle_hours", given, (n_warehouses,), may_be_inf=True)
        return Lorries(hours=hours, kg=np.ones(n_items), tonnage_kg=np.ones(n_warehouses), trips=1.0)
    is_one = _dimensions("tonnage_kg", given.tonnage_kg) == 0
    tonnage = checked("tonnage_kg", given.tonnage_kg, () if is_one else (n_warehouses,))
    tonnage = np.broadcast_to(tonnage, (n_warehouses,)).copy()
    if (tonnage <= 0).any():
        raise InputError("allocate.tonnage_not_positive", at=int(np.argmax(tonnage <= 0)))
    return Lorries(
        hours=checked("vehicle_hours", given.hours, (n_warehouses,), may_be_inf=True),
        kg=checked("kg", given.kg, (n_items,)),
        tonnage_kg=tonnage,
        handling_min=float(checked("handling_min", given.handling_min, ())),
        trips=float(checked("trips", given.trips, ())),
    )


def _reach(reach: npt.ArrayLike | None, shape: tuple[int, int, int]) -> BoolArray | None:
    """Check the mask (warehouse, village) or (warehouse, village, item)."""
    if reach is None:
        return None
    expected = shape if _dimensions("reach", reach) == 3 else shape[:2]
    mask = checked("reach", reach, expected)
    return mask > 0


def _rows(stock: FloatArray, arrivals: Arrivals | None) -> tuple[IntArray, IntArray, FloatArray, FloatArray]:
    """List stock on hand and later stock as rows: warehouse, period, minute, quantity (row, item)."""
    n_w, n_k = stock.shape
    warehouse, period, minute = np.arange(n_w), np.full(n_w, -1), np.zeros(n_w)
    if arrivals is None:
        return warehouse, period, minute, stock
    if not isinstance(arrivals, Arrivals):
        raise InputError("allocate.not_numbers", field="arrivals")
    many = len(arrivals.minutes) if _dimensions("arrivals.minutes", arrivals.minutes) else 1
    times = checked("arrivals.minutes", arrivals.minutes, (many,))
    later = checked("arrivals.quantity", arrivals.quantity, (len(times), n_w, n_k))
    when, where = np.nonzero(later.sum(axis=2) > 0)
    return (
        np.concatenate([warehouse, where]),
        np.concatenate([period, when]),
        np.concatenate([minute, times[when]]),
        np.concatenate([stock, later[when, where]]),
    )


def prepare(stock: npt.ArrayLike, need: npt.ArrayLike, cost: npt.ArrayLike, options: Options) -> AllocationProblem:
    """Check every input and count whole packages.

    Raises
    ------
    InputError
        ``allocate.*``, naming the field and the first place that is wrong.
    """
    n_w, n_v, n_k = _sizes(stock, need, cost)
    stock_array, need_array = checked("stock", stock, (n_w, n_k)), checked("need", need, (n_v, n_k))
    cost_array = checked("cost", cost, (n_w, n_v), may_be_inf=True)
    package = np.ones(n_k) if options.package is None else checked("package", options.package, (n_k,))
    if (package <= 0).any():
        raise InputError("allocate.package_not_positive", at=int(np.argmax(package <= 0)))
    reach = _reach(options.reach, (n_w, n_v, n_k))
    deadline = options.deadline_min
    if deadline is not None:
        deadline = float(checked("deadline_min", deadline, (), may_be_inf=True))
    warehouse, period, minute, quantity = _rows(stock_array, options.arrivals)
    minutes = cost_array[warehouse] + minute[:, None]
    if deadline is not None:
        minutes[minutes > deadline] = np.inf
    if reach is not None and reach.ndim == 2:
        minutes[~reach[warehouse]] = np.inf
    lorries = _lorries(options.vehicle_hours, n_w, n_k)
    return AllocationProblem(
        stock=stock_array,
        need=need_array,
        cost=cost_array,
        weights=_weights(options.weights, (n_v, n_k)),
        package=package,
        row_warehouse=warehouse.astype(np.int64),
        row_period=period.astype(np.int64),
        row_minute=minute,
        supply=whole_packages(quantity, package, up=False),
        demand=_layers(options.layers, need_array, package),
        minutes=minutes,
        allowed=reach[warehouse] if reach is not None and reach.ndim == 3 else None,
        reach=reach,
        lorries=lorries if lorries is not None and np.isfinite(lorries.hours).any() else None,
        deadline_min=deadline,
        kg=lorries.kg if isinstance(options.vehicle_hours, Lorries) and lorries is not None else None,
    )


def item_minutes(problem: AllocationProblem, item: int) -> FloatArray:
    """Arrival minutes of one item where it may go, else ``inf``, shape (row, village) [min]."""
    if problem.allowed is None:
        return problem.minutes
    return np.where(problem.allowed[:, :, item], problem.minutes, np.inf)


def trip_hours(problem: AllocationProblem, lorries: Lorries) -> tuple[FloatArray, FloatArray]:
    """Split the lorry hours of a package into hours per kg (row, village) [h/kg] and kg per package (item,) [kg]."""
    travel = np.where(np.isfinite(problem.minutes), problem.cost[problem.row_warehouse], 0.0)
    tonnage = np.asarray(lorries.tonnage_kg)[problem.row_warehouse]
    per_kg: FloatArray = (lorries.trips * travel + lorries.handling_min) / 60.0 / tonnage[:, None]
    return per_kg, problem.package * lorries.kg
