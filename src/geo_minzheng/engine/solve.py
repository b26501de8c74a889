"""The one door to linear and mixed-integer solvers, and the only clock of the engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import highspy
import numba
import numpy as np
import numpy.typing as npt
from scipy import sparse

from geo_minzheng.errors import InfeasibleError
from geo_minzheng.model.solution import Status, relative_gap

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

Function = TypeVar("Function", bound=Callable[..., Any])

PROVEN_GAP = 1e-9


def compiled(function: Function) -> Function:
    """Compile a numerical kernel on its first call and keep the machine code beside its file."""
    return cast("Function", numba.njit(cache=True, nogil=True)(function))


@dataclass(frozen=True)
class Deadline:
    """A moment of the monotonic clock after which a search stops; ``inf`` never comes."""

    at_s: float = float("inf")

    @classmethod
    def after(cls, time_limit_s: float | None) -> Deadline:
        """Set the deadline so many seconds from now [s]; ``None`` sets none."""
        return cls() if time_limit_s is None else cls(time.monotonic() + time_limit_s)

    @property
    def left_s(self) -> float:
        """Time that is left, never negative [s]."""
        return max(0.0, self.at_s - time.monotonic())

    @property
    def is_over(self) -> bool:
        """Whether the time is spent."""
        return self.left_s <= 0.0


@dataclass(frozen=True)
class LinearModel:
    """Minimise ``cost @ x`` where ``row_lower <= matrix @ x <= row_upper`` and ``lower <= x <= upper``.

    Parameters
    ----------
    cost, lower, upper
        Shape (column,).
    matrix
        Sparse, shape (row, column).
    row_lower, row_upper
        Shape (row,); infinite where there is no limit.
    integer
        Which columns are whole numbers, shape (column,); ``None`` for none.
    maximise
        Whether the objective is maximised instead.
    """

    cost: FloatArray
    lower: FloatArray
    upper: FloatArray
    matrix: sparse.csc_array
    row_lower: FloatArray
    row_upper: FloatArray
    integer: BoolArray | None = None
    maximise: bool = False


@dataclass(frozen=True)
class LinearSolution:
    """What the solver found.

    Parameters
    ----------
    x
        Columns, shape (column,).
    dual
        Change of the objective per unit of each row's limit, shape (row,); empty for whole-number models.
    objective, bound, gap
        Value, proven limit and their relative distance [1].
    hit_limit
        Whether time ran out: such an answer carries no reproducible hash.
    """

    status: Status
    x: FloatArray
    dual: FloatArray
    objective: float
    bound: float
    gap: float
    hit_limit: bool = False


def _highs_model(model: LinearModel) -> Any:
    """Translate the arrays; HiGHS reads columns."""
    matrix = sparse.csc_array(model.matrix)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.cost), matrix.shape[0]
    lp.col_cost_ = np.asarray(model.cost, dtype=np.float64)
    lp.col_lower_, lp.col_upper_ = model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = matrix.indptr.astype(np.int32)
    lp.a_matrix_.index_ = matrix.indices.astype(np.int32)
    lp.a_matrix_.value_ = matrix.data.astype(np.float64)
    lp.sense_ = highspy.ObjSense.kMaximize if model.maximise else highspy.ObjSense.kMinimize
    if model.integer is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(whole)] for whole in model.integer]
    return lp


@dataclass
class LinearSession:
    """A model kept in the solver, so that a small change is solved from the last basis.

    Parameters
    ----------
    model
        The model to begin with.
    rel_gap
        Relative gap at which a whole-number search may stop [1].
    deadline
        When to stop.
    """

    model: LinearModel
    rel_gap: float = 0.0
    deadline: Deadline = field(default_factory=Deadline)
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._open(_highs_model(self.model))

    def _open(self, model: Any) -> None:
        # The public wrapper prints a banner to standard output before it can be told to be quiet; its base does not.
        self._highs = cast("Any", highspy)._core._Highs()
        settings = {"output_flag": False, "threads": 1, "random_seed": 0, "mip_rel_gap": self.rel_gap}
        for name, value in {**settings, **self.options}.items():
            self._highs.setOptionValue(name, value)
        self._highs.passModel(model)

    def set_rows(self, rows: IntArray, lower: FloatArray, upper: FloatArray) -> None:
        """Change the limits of rows."""
        for row, low, high in zip(rows.tolist(), lower.tolist(), upper.tolist(), strict=True):
            self._highs.changeRowBounds(row, low, high)

    def set_cost(self, cost: FloatArray, *, maximise: bool) -> None:
        """Change the whole objective."""
        columns = np.arange(len(cost), dtype=np.int32)
        self._highs.changeColsCost(len(cost), columns, np.asarray(cost, dtype=np.float64))
        sense = highspy.ObjSense.kMaximize if maximise else highspy.ObjSense.kMinimize
        self._highs.changeObjectiveSense(sense)

    def set_column(self, column: int, lower: float, upper: float) -> None:
        """Change the limits of one column."""
        self._highs.changeColBounds(column, lower, upper)

    def set_coefficients(self, rows: IntArray, column: int, values: FloatArray) -> None:
        """Change entries of one column."""
        for row, value in zip(rows.tolist(), values.tolist(), strict=True):
            self._highs.changeCoeff(row, column, value)

    def add_columns(self, cost: FloatArray, upper: FloatArray, matrix: sparse.csc_array) -> None:
        """Append columns that are at least 0; ``matrix`` is (row, new column)."""
        new = sparse.csc_array(matrix)
        self._highs.addCols(
            len(cost),
            np.asarray(cost, dtype=np.float64),
            np.zeros(len(cost)),
            np.asarray(upper, dtype=np.float64),
            new.nnz,
            new.indptr[:-1].astype(np.int32),
            new.indices.astype(np.int32),
            new.data.astype(np.float64),
        )

    def solve(self) -> LinearSolution:
        """Solve the model as it stands.

        Raises
        ------
        InfeasibleError
            ``solve.infeasible``, ``solve.unbounded`` or ``solve.no_answer_in_time``.
        """
        known = highspy.HighsModelStatus
        is_broken = self._run() == highspy.HighsStatus.kError
        if is_broken:
            # Another user of the solver in this process chose another number of threads.
            cast("Any", highspy).Highs.resetGlobalScheduler(True)
        if is_broken or (self._highs.getModelStatus() == known.kOptimal and not self._has_answer()):
            # From its last basis the simplex method can also fail, or end optimal a hair outside a row: begin afresh.
            self._open(self._highs.getLp())
            self._run()
        status = self._highs.getModelStatus()
        if status in (known.kInfeasible, known.kUnboundedOrInfeasible):
            raise InfeasibleError("solve.infeasible")
        if status == known.kUnbounded:
            raise InfeasibleError("solve.unbounded")
        is_optimal = status in (known.kOptimal, known.kModelEmpty)
        if not is_optimal and not self._has_answer():
            raise InfeasibleError("solve.no_answer_in_time")
        return self._translate(self._highs.getInfo(), self._highs.getSolution(), is_optimal=is_optimal)

    def _run(self) -> Any:
        if np.isfinite(self.deadline.at_s):
            self._highs.setOptionValue("time_limit", self._highs.getRunTime() + self.deadline.left_s)
        return self._highs.run()

    def _has_answer(self) -> bool:
        status = self._highs.getInfo().primal_solution_status
        return bool(status == highspy.SolutionStatus.kSolutionStatusFeasible)

    def _translate(self, info: Any, answer: Any, *, is_optimal: bool) -> LinearSolution:
        objective = float(info.objective_function_value)
        is_whole = self.model.integer is not None and bool(self.model.integer.any())
        worst = np.inf if self.model.maximise else -np.inf
        bound = float(info.mip_dual_bound) if is_whole else (objective if is_optimal else worst)
        gap = relative_gap(objective, bound) if np.isfinite(bound) else float("inf")
        return LinearSolution(
            status=Status.OPTIMAL if is_optimal and gap <= PROVEN_GAP else Status.FEASIBLE,
            x=np.asarray(answer.col_value, dtype=np.float64),
            dual=np.zeros(0) if is_whole else np.asarray(answer.row_dual, dtype=np.float64),
            objective=objective,
            bound=bound,
            gap=gap,
            hit_limit=not is_optimal,
        )


def solve_linear(
    model: LinearModel, *, rel_gap: float = 0.0, time_limit_s: float | None = None, deadline: Deadline | None = None
) -> LinearSolution:
    """Solve one linear or mixed-integer model.

    Parameters
    ----------
    model
        What to solve.
    rel_gap
        Relative gap at which a whole-number search may stop [1].
    time_limit_s
        Longest time of the search [s]; ``deadline`` wins where both are given.

    Raises
    ------
    InfeasibleError
        ``solve.infeasible``, ``solve.unbounded`` or ``solve.no_answer_in_time``.
    """
    return LinearSession(model, rel_gap, deadline or Deadline.after(time_limit_s)).solve()
