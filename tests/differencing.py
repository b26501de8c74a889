"""A reader who subtracts: everything a published set of counts gives away, by linear programmes of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import Bounds, LinearConstraint, milp


@dataclass
class Plan:
    """How the tables hang together, which every reader knows."""

    groups: list[list[str]]
    wholes: list[tuple[str, list[str]]]
    follows: dict[str, str]


def random_counts(rng: np.random.Generator) -> tuple[pd.DataFrame, Plan]:
    """Make a district: villages of a few towns, tiers that sum to all, grades that sum to all, persons of one tier."""
    towns, villages = int(rng.integers(1, 4)), int(rng.integers(1, 5))
    codes = [f"4207031{t:02d}{v:03d}" for t in range(towns) for v in range(villages)]
    tiers = ["dibao", "low_income", "general"][: int(rng.integers(2, 4))]
    means = rng.choice([0.4, 1.5, 3.0, 12.0], size=len(tiers))
    frame = pd.DataFrame(rng.poisson(means, size=(len(codes), len(tiers))), index=codes, columns=tiers)
    wholes = [("households", tiers)]
    frame["households"] = frame[tiers].sum(axis=1)
    if rng.random() < 0.5:
        frame["unsafe"] = rng.binomial(frame["households"], 0.3)
        frame["safe"] = frame["households"] - frame["unsafe"]
        wholes.append(("households", ["unsafe", "safe"]))
    follows = {}
    if rng.random() < 0.5:
        follows = {"persons": "dibao"}
        frame["persons"] = frame["dibao"] + rng.poisson(frame["dibao"])
    frame = frame.sample(frac=1.0, random_state=int(rng.integers(1 << 31)))
    order = list(frame.index)
    return frame, Plan([[c[:9] for c in order], [c[:6] for c in order]], wholes, follows)


def true_tables(frame: pd.DataFrame, plan: Plan) -> list[pd.DataFrame]:
    """The same tables with nothing withheld."""
    return [frame, *(frame.groupby(np.asarray(g, dtype=object)).sum() for g in plan.groups)]


class Reader:
    """Knows the published cells, every sum, whole numbers, and that a zero would have been published."""

    def __init__(self, tables: Sequence[pd.DataFrame], plan: Plan) -> None:
        self.tables = [t.astype("float64") for t in tables]
        self.plan = plan
        self.spots = {}
        for level, table in enumerate(self.tables):
            for row in table.index:
                for column in table.columns:
                    if np.isnan(table.loc[row, column]):
                        self.spots[level, row, column] = len(self.spots)
        self.lower = np.array([0.0 if c in plan.follows else 1.0 for _, _, c in self.spots])
        self.rows: list[dict[int, float]] = []
        self.right: list[float] = []
        self._sums()

    def _sums(self) -> None:
        rows = list(self.tables[0].index)
        for level, names in enumerate(self.plan.groups, start=1):
            members: dict[str, list[Any]] = {}
            for row, name in zip(rows, names, strict=True):
                members.setdefault(name, []).append(row)
            for name, own in members.items():
                for column in self.tables[0].columns:
                    self._equal((level, name, column), [(0, r, column) for r in own])
        for level, table in enumerate(self.tables):
            for whole, parts in self.plan.wholes:
                for row in table.index:
                    self._equal((level, row, whole), [(level, row, p) for p in parts])

    def _equal(self, whole: Any, parts: list[Any]) -> None:
        line: dict[int, float] = {}
        right = 0.0
        for sign, cell in [(-1.0, whole), *((1.0, p) for p in parts)]:
            if cell in self.spots:
                line[self.spots[cell]] = line.get(self.spots[cell], 0.0) + sign
            else:
                right -= sign * self.tables[cell[0]].loc[cell[1], cell[2]]
        if line:
            self.rows.append(line)
            self.right.append(right)
        else:
            assert right == 0, (whole, "published parts do not add up")

    def range_of(self, cell: Any) -> tuple[float, float]:
        """What the cell can be: least and most whole number (``inf`` where nothing limits it)."""
        if cell not in self.spots:
            value = float(self.tables[cell[0]].loc[cell[1], cell[2]])
            return value, value
        matrix = np.zeros((len(self.rows), len(self.spots)))
        for i, line in enumerate(self.rows):
            for j, sign in line.items():
                matrix[i, j] = sign
        goal = np.zeros(len(self.spots))
        goal[self.spots[cell]] = 1.0
        sums = [LinearConstraint(matrix, self.right, self.right)] if self.rows else []
        ends = []
        for sign in (1.0, -1.0):
            # A limit far above every count stands for no limit.
            found = milp(sign * goal, constraints=sums, integrality=np.ones_like(goal),
                         bounds=Bounds(self.lower, np.full_like(goal, 1e6)))  # fmt: skip
            assert found.success, found.message
            ends.append(round(sign * found.fun))
        return float(ends[0]), float(ends[1])


def recovered(frame: pd.DataFrame, tables: Sequence[pd.DataFrame], plan: Plan, limit: int) -> tuple[int, list[str]]:
    """Attack every small cell.

    Returns
    -------
    How many were attacked, and what was learnt of them: a small count that cannot be as great as ``limit``, or not as
    small as the published zeros allow; or persons of a small count known to within ``limit``.
    """
    truth = true_tables(frame, plan)
    reader = Reader(tables, plan)
    blind = Reader([t.astype("float64").where(t == 0) for t in truth], plan)
    attacked, learnt = 0, []
    for level, table in enumerate(truth):
        for row in table.index:
            for column in table.columns:
                leader = plan.follows.get(column, column)
                if not 1 <= table.loc[row, leader] < limit:
                    continue
                attacked += 1
                low, high = reader.range_of((level, row, column))
                if leader != column:
                    if high - low < limit:
                        learnt.append(f"{level} {row} {column}: {low}..{high}")
                elif high < limit or low > max(1.0, blind.range_of((level, row, column))[0]):
                    learnt.append(f"{level} {row} {column}: {low}..{high}")
    return attacked, learnt
