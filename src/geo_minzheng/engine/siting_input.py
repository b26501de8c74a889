"""What siting is given: checked once, in one way, for every method."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from geo_minzheng.errors import InfeasibleError, InputError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SHOWN = 20


def numbers(name: str, values: Any) -> Floats:
    """Read an array of numbers; refuse text, rows of different length and sparse matrices."""
    try:
        found = np.asarray(values)
        if found.dtype.kind in "cSU":
            raise TypeError(name)
        return found.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise InputError("site.not_numbers", name=name) from error


def checked_cost(cost: ArrayLike) -> Floats:
    """Return the cost matrix; refuse NaN and negative values. ``inf`` means unreachable."""
    matrix = numbers("cost", cost)
    if matrix.ndim != 2:
        raise InputError("site.bad_shape", name="cost", expected="(demand, site)", found=matrix.shape)
    bad = np.argwhere(~(matrix >= 0))
    if len(bad):
        i, j = bad[0].tolist()
        raise InputError("site.bad_cost", demand=i, site=j, value=float(matrix[i, j]))
    return matrix


def checked_covers(covers: Any) -> sparse.csr_array:
    """Return who is covered from where as sparse ones; explicit zeros mean not covered."""
    if not sparse.issparse(covers):
        covers = covers if getattr(covers, "dtype", None) == np.bool_ else numbers("covers", covers)
    if covers.ndim != 2:
        raise InputError("site.bad_shape", name="covers", expected="(demand, site)", found=covers.shape)
    if covers.dtype.kind not in "biuf":
        raise InputError("site.not_numbers", name="covers")
    matrix = sparse.csr_array(covers).astype(np.float64)
    if np.isnan(matrix.data).any():
        at = int(np.flatnonzero(np.isnan(matrix.data))[0])
        row = int(np.searchsorted(matrix.indptr, at, "right") - 1)
        raise InputError("site.bad_cost", demand=row, site=int(matrix.indices[at]), value=float("nan"))
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    matrix.data[:] = 1.0
    return matrix


def checked_amounts(name: str, values: ArrayLike | None, size: int) -> Floats:
    """Return one amount per row, 1 where none is given; refuse NaN, infinite and negative ones."""
    if values is None:
        return np.ones(size)
    amounts = numbers(name, values)
    if amounts.shape != (size,):
        raise InputError("site.bad_shape", name=name, expected=(size,), found=amounts.shape)
    bad = np.flatnonzero(~(np.isfinite(amounts) & (amounts >= 0)))
    if len(bad):
        raise InputError("site.bad_number", name=name, at=int(bad[0]), value=float(amounts[bad[0]]))
    return amounts


def checked_fixed(fixed: Iterable[int], sites: int) -> list[int]:
    """Return the fixed sites, ascending, each once."""
    out: set[int] = set()
    for j in fixed if isinstance(fixed, Iterable) else [fixed]:
        if not _is_whole(j) or not 0 <= j < sites:
            raise InputError("site.bad_fixed", site=j, sites=sites)
        out.add(int(j))
    return sorted(out)


def _is_whole(number: Any) -> bool:
    """Whether this is a whole number; truth values and NaN are none."""
    return isinstance(number, Real) and not isinstance(number, bool) and float(number).is_integer()


def checked_p(p: int, sites: int, fixed: int) -> int:
    """Return the number of sites; refuse none, more than there are, fewer than are fixed."""
    if not _is_whole(p) or not max(1, fixed) <= p <= sites:
        raise InputError("site.bad_p", p=p, sites=sites, fixed=fixed)
    return int(p)


def checked_search(rel_gap: float, time_limit_s: float | None) -> None:
    """Refuse a gap or a time limit that means nothing."""
    if not (isinstance(rel_gap, Real) and 0.0 <= rel_gap < 1.0):
        raise InputError("site.bad_option", name="rel_gap", value=rel_gap)
    if time_limit_s is not None and not (isinstance(time_limit_s, Real) and time_limit_s >= 0):
        raise InputError("site.bad_option", name="time_limit_s", value=time_limit_s)


def refuse_unreachable(is_reached: NDArray[np.bool_]) -> None:
    """Name the demands that no site reaches."""
    lost = np.flatnonzero(~is_reached)
    if len(lost):
        raise InfeasibleError("site.unreachable", demands=lost[:SHOWN].tolist(), count=len(lost))


def nearest_chosen(cost: Floats, chosen: Ints) -> Ints:
    """Assign every demand to its nearest chosen site, the smallest index of several; -1 where none is reached."""
    if not len(chosen) or not len(cost):
        return np.full(len(cost), -1, np.int64)
    part = cost[:, chosen]
    at = np.argmin(part, axis=1)
    return np.where(np.isfinite(part[np.arange(len(cost)), at]), chosen[at], -1).astype(np.int64)


def total_cost(cost: Floats, weights: Floats, assigned: Ints) -> float:
    """Sum weight times cost over the demands that count; ``inf`` when one of them is not served."""
    counts = np.flatnonzero(weights > 0)
    if (assigned[counts] < 0).any():
        return float("inf")
    return float(np.sum(weights[counts] * cost[counts, assigned[counts]]))
