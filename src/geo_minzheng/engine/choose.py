"""Choose at most one option per case under a few shared limits: exact, by a priced bound and a growing core.

For prices ``u`` of the limits (Lagrange multipliers) no choice is worth more than

``U(u) = sum_i u_i b_i + sum_cases max(0, max_j (c_j - u A_j))``,

and a choice that takes option ``j`` no more than ``U(u) - loss_j``, with ``loss_j`` what ``j`` lacks to the best of its
case. Options whose loss exceeds the distance between ``U`` and a known value can be left out without losing an
optimum (Balas and Zemel 1980; Pisinger 1995). The prices come from a linear program over few columns that takes
in more as long as they pay.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from geo_minzheng.engine.locate import Floats, Ints
from geo_minzheng.engine.solve import Deadline, LinearModel, LinearSolution, solve_linear
from geo_minzheng.errors import InfeasibleError

NO_LIMIT = 2**62

_FIRST_COLUMNS = 5000
_NEW_COLUMNS = 10_000
_FIRST_CORE = 250
_ROUNDS = 60
_EPSILON = 1e-14
_FREE = float("inf")


@dataclass(frozen=True, eq=False)
class Choice:
    """Options of cases and the limits they share, all in whole numbers.

    Parameters
    ----------
    case
        Case of each option, ``0 .. cases - 1``, shape (n,).
    rows
        What each option takes of each limit, shape (limits, n).
    low, high
        Limits; ``±NO_LIMIT`` where there is none, shape (limits,).
    """

    case: Ints
    rows: Ints
    low: Ints
    high: Ints

    @property
    def cases(self) -> int:
        """Number of cases."""
        return int(self.case.max(initial=-1)) + 1

    def is_kept_by(self, x: Ints) -> bool:
        """Whether a choice keeps every limit."""
        used = self.rows @ x
        return bool(
            (used >= self.low).all()
            and (used <= self.high).all()
            and np.bincount(self.case, weights=x, minlength=1).max() <= 1
        )

    def with_row(self, amount: Ints, low: int, high: int) -> Choice:
        """Add a limit."""
        rows = np.vstack([self.rows, amount])
        return replace(self, rows=rows, low=np.append(self.low, low), high=np.append(self.high, high))

    def only(self, kept: NDArray[np.bool_]) -> Choice:
        """Keep some options; the cases are numbered anew."""
        case = np.unique(self.case[kept], return_inverse=True)[1].astype(np.int64)
        return Choice(case, self.rows[:, kept], self.low, self.high)


@dataclass(frozen=True, eq=False)
class Chosen:
    """The best choice found.

    Parameters
    ----------
    x
        1 where an option is taken, shape (n,).
    value, bound
        Worth reached and proven limit.
    alive
        Options that some choice of this worth may take, shape (n,).
    """

    x: Ints
    value: int
    bound: int
    alive: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Bound:
    """A bound, the rounding error it may carry, its prices, and what each option and each "none" loses."""

    value: float
    noise: float
    price: Floats
    loss: Floats
    loss_none: Floats


def maximise(
    choice: Choice, worth: Ints, *, start: Ints | None = None, rel_gap: float = 0.0, deadline: Deadline | None = None
) -> Chosen:
    """Find the choice worth most.

    Parameters
    ----------
    worth
        Worth of each option, whole numbers of either sign, shape (n,).
    start
        A choice known to keep the limits.
    rel_gap
        Relative gap at which the search may stop [1].

    Raises
    ------
    InfeasibleError
        ``solve.infeasible``, ``solve.no_answer_in_time``.
    """
    deadline = deadline or Deadline()
    step = max(int(np.gcd.reduce(worth)) if len(worth) else 1, 1)
    search = _Search(choice, worth // step, rel_gap, deadline, best=start)
    search.bound = _priced_bound(choice, search.worth, start, deadline)
    search.limit, core = search.bound.value, _FIRST_CORE
    while not search.is_done():
        search.try_core(core)
        core *= 8
    if search.best is None:
        raise InfeasibleError("solve.no_answer_in_time" if deadline.is_over else "solve.infeasible")
    value = search.value
    proven = max(value, int(np.floor(search.limit + search.slack)))
    return Chosen(search.best, value * step, proven * step, search.bound.loss <= search.distance)


@dataclass
class _Search:
    choice: Choice
    worth: Ints
    rel_gap: float
    deadline: Deadline
    best: Ints | None
    bound: _Bound = field(init=False)
    limit: float = _FREE
    is_whole: bool = False

    @property
    def value(self) -> int:
        assert self.best is not None
        return int(self.worth @ self.best)

    @property
    def slack(self) -> float:
        """Room for rounding in the bound: far below one unit for any real programme."""
        return 1e-6 + self.bound.noise

    @property
    def distance(self) -> float:
        return _FREE if self.best is None else self.bound.value - self.value + self.slack

    def is_done(self) -> bool:
        if self.is_whole:
            return True
        if self.best is None:
            return False
        gap = self.limit - self.value
        return gap < 1 - self.slack or gap <= self.rel_gap * abs(self.limit) or self.deadline.is_over

    def try_core(self, core: int) -> None:
        reach = min(_nth_loss(self.bound, core), self.distance)
        self.is_whole = reach >= self.distance
        found = _solve_core(self.choice, self.worth, self.bound, reach, self.rel_gap, self.deadline)
        if found is None:
            return
        x, core_limit = found
        if self.choice.is_kept_by(x) and (self.best is None or int(self.worth @ x) > self.value):
            self.best = x
        self.limit = min(self.limit, max(core_limit, self.bound.value - reach))


def _nth_loss(bound: _Bound, n: int) -> float:
    losses = np.concatenate([bound.loss[bound.loss > 0], bound.loss_none[bound.loss_none > 0]])
    return float(np.partition(losses, n)[n]) if n < len(losses) else _FREE


def _price(choice: Choice, worth: Ints, price: Floats) -> _Bound:
    gain = worth - price @ choice.rows
    best = np.zeros(choice.cases)
    np.maximum.at(best, choice.case, gain)
    ends = np.where(price > 0, choice.high, choice.low).astype(float)
    fixed = (price * ends)[price != 0]
    size = np.abs(fixed).sum() + np.abs(price) @ choice.rows.sum(axis=1) + np.abs(worth).sum()
    value = float(fixed.sum() + best.sum())
    return _Bound(value, _EPSILON * float(size), price, best[choice.case] - gain, best)


def _priced_bound(choice: Choice, worth: Ints, start: Ints | None, deadline: Deadline) -> _Bound:
    """Find prices by a linear program over few columns that takes in more as long as they pay."""
    n = len(worth)
    best = _price(choice, worth, np.zeros(len(choice.low)))
    if not worth.any():
        return best
    active = np.zeros(n, bool)
    active[np.argsort(-worth, kind="stable")[:_FIRST_COLUMNS]] = True
    size = choice.rows.max(axis=1, initial=1).astype(float)
    yields = worth / (1e-9 + (choice.rows / size[:, None]).sum(axis=0))
    active[np.argsort(-yields, kind="stable")[:_FIRST_COLUMNS]] = True
    active |= np.zeros(n, bool) if start is None else start > 0
    for _ in range(_ROUNDS):
        columns = np.flatnonzero(active)
        found, price = _solve_prices(choice, worth, columns, deadline)
        bound = _price(choice, worth, price)
        best = min(best, bound, key=lambda b: b.value + b.noise)
        if found is None or active.all() or best.value - found.objective <= 0.25 or deadline.is_over:
            break
        gain = bound.loss_none[choice.case] - bound.loss
        taken = np.zeros(choice.cases)
        np.maximum.at(taken, choice.case[columns], gain[columns])
        excess = np.where(active, 0.0, gain - taken[choice.case])
        paying = np.flatnonzero(excess > 1e-9 * np.abs(worth).max())
        if not len(paying):
            break
        active[paying[np.argsort(-excess[paying], kind="stable")[:_NEW_COLUMNS]]] = True
    return best


def _solve_prices(
    choice: Choice, worth: Ints, columns: Ints, deadline: Deadline
) -> tuple[LinearSolution | None, Floats]:
    scale = float(np.abs(worth).max()) / 1000
    size = np.maximum(np.abs(choice.rows).max(axis=1, initial=1), 1).astype(float)
    low, high = _ends(choice.low, choice.high)
    part = choice.only(np.isin(np.arange(len(worth)), columns))
    lacking = np.flatnonzero(np.isfinite(low))
    helper = sparse.csr_array(
        (np.ones(len(lacking)), (lacking, np.arange(len(lacking)))), shape=(len(low), len(lacking))
    )
    side = sparse.hstack([sparse.csr_array(part.rows / size[:, None]), helper])
    once = sparse.hstack([_once(part), sparse.csr_array((_shared(part), len(lacking)))])
    n, fine = len(columns), -1e5 * np.ones(len(lacking))
    model = LinearModel(
        cost=np.append(worth[columns] / scale, fine),
        lower=np.zeros(n + len(lacking)),
        upper=np.append(np.ones(n), np.full(len(lacking), _FREE)),
        matrix=sparse.csc_array(sparse.vstack([side, once])),
        row_lower=np.append(low / size, np.full(once.shape[0], -_FREE)),
        row_upper=np.append(high / size, np.ones(once.shape[0])),
        maximise=True,
    )
    try:
        found = solve_linear(model, deadline=deadline)
    except InfeasibleError:
        return None, np.zeros(len(low))
    price = found.dual[: len(low)] * scale / size
    price = np.where((price > 0) & np.isinf(high), 0.0, price)
    price = np.where((price < 0) & np.isinf(low), 0.0, price)
    return replace(found, objective=found.objective * scale), price


def _ends(low: Ints, high: Ints) -> tuple[Floats, Floats]:
    return np.where(low <= -NO_LIMIT, -_FREE, low), np.where(high >= NO_LIMIT, _FREE, high)


def _shared(choice: Choice) -> int:
    return int((np.bincount(choice.case, minlength=1) > 1).sum())


def _once(choice: Choice) -> sparse.csr_array:
    """One row per case with several options."""
    shared = np.flatnonzero(np.bincount(choice.case, minlength=1)[choice.case] > 1)
    line = np.unique(choice.case[shared], return_inverse=True)[1]
    return sparse.csr_array((np.ones(len(shared)), (line, shared)), shape=(_shared(choice), len(choice.case)))


def _solve_core(
    choice: Choice, worth: Ints, bound: _Bound, reach: float, rel_gap: float, deadline: Deadline
) -> tuple[Ints, float] | None:
    """Solve with every case fixed whose other choices would lose more than ``reach``; ``None`` if nothing fits."""
    near = bound.loss <= reach
    count = np.bincount(choice.case[near], minlength=choice.cases)
    none_near = bound.loss_none <= reach
    given = near & (count[choice.case] == 1) & ~none_near[choice.case]
    open_ = near & ~given
    x = given.astype(np.int64)
    used = choice.rows @ x
    part = choice.only(open_)
    steps = np.maximum(np.gcd.reduce(part.rows, axis=1), 1) if open_.any() else np.ones(len(choice.low), np.int64)
    low = np.where(choice.low <= -NO_LIMIT, choice.low, -(-(choice.low - used) // steps))
    high = np.where(choice.high >= NO_LIMIT, choice.high, (choice.high - used) // steps)
    if not open_.any():
        return (x, float(worth @ x)) if (low <= 0).all() and (high >= 0).all() else None
    low_end, high_end = _ends(low, high)
    once = _once(part)
    must = ~none_near[choice.case[open_]]
    least = np.array([float(must[row]) for row in once.indices[once.indptr[:-1]]]) if once.shape[0] else np.zeros(0)
    model = LinearModel(
        cost=worth[open_].astype(float),
        lower=np.zeros(int(open_.sum())),
        upper=np.ones(int(open_.sum())),
        matrix=sparse.csc_array(sparse.vstack([sparse.csr_array((part.rows // steps[:, None]).astype(float)), once])),
        row_lower=np.append(low_end, least),
        row_upper=np.append(high_end, np.ones(once.shape[0])),
        integer=np.ones(int(open_.sum()), bool),
        maximise=True,
    )
    try:
        found = solve_linear(model, rel_gap=rel_gap, deadline=deadline)
    except InfeasibleError:
        return None
    x[open_] = np.rint(found.x).astype(np.int64)
    fixed = float(worth @ given.astype(np.int64))
    return x, (found.bound + fixed if np.isfinite(found.bound) else bound.value)
