"""The renovation programme: strict order and proven optimum, against one mixed-integer model of weighted tiers."""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
import pandas as pd

from geo_minzheng.engine import programme


def _cases(houses: int, methods: int, towns: int, rng: np.random.Generator) -> pd.DataFrame:
    n = houses * methods
    persons = np.repeat(rng.integers(1, 8, houses), methods)
    base = np.select([persons <= 2, persons <= 5], [7200.0, 10800.0], 14400.0)
    factor = np.tile([1.0, 0.6, 1.4][:methods], houses)
    score = np.repeat(rng.uniform(10, 100, houses), methods) * np.tile([1.0, 0.8, 1.05][:methods], houses)
    return pd.DataFrame(
        {
            "case": np.repeat([f"c{i:06}" for i in range(houses)], methods),
            "method": np.tile([f"m{k}" for k in range(methods)], houses),
            "programme": "p",
            "tier": np.repeat(rng.integers(1, 6, houses), methods),
            "score": np.round(np.minimum(score, 100), 2),
            "persons": persons,
            "town": np.repeat([f"t{t:02}" for t in rng.integers(0, towns, houses)], methods),
            "applied_at": np.repeat(
                pd.Timestamp(2024, 1, 1) + pd.to_timedelta(rng.integers(0, 365, houses), "D"), methods
            ),
            "subsidy_yuan": base * factor if n else base,
        }
    )


def run(
    sizes: tuple[tuple[int, int, int, float], ...] = ((1125, 1, 7, 0.0), (1125, 3, 7, 0.0), (50_000, 3, 30, 1e-4)),
) -> list[dict[str, Any]]:
    """Measure houses x methods with budget, quotas and floors per town."""
    rows = []
    for houses, methods, towns, rel_gap in sizes:
        cases = _cases(houses, methods, towns, np.random.default_rng(11))
        quota = max(houses // 8, 1)
        limits = {
            "budgets": quota * 8000.0,
            "quotas": {"": quota} | {f"t{t:02}": max(quota // 8, 1) for t in range(towns)},
            "floors": {f"t{t:02}": max(quota // towns // 3, 1) for t in range(towns)},
        }
        started = time.perf_counter()
        best = programme.optimum(cases, **limits, rel_gap=rel_gap, time_limit_s=60)
        seconds = time.perf_counter() - started
        first = cases[cases["method"] == "m0"]
        started = time.perf_counter()
        strict = programme.strict_order(first, budget_yuan=limits["budgets"], quota=quota)
        rows.append(
            {
                "job": f"{houses:,} houses x {methods} methods, {towns} towns",
                "optimum_s": round(seconds, 2),
                "status": str(best.status),
                "gap": best.gap,
                "stages": len(best.stages),
                "chosen": len(best.chosen),
                "strict_order_s": round(time.perf_counter() - started, 2),
                "strict_chosen": len(strict.chosen),
            }
        )
    return rows


if __name__ == "__main__":
    for line in (
        run()
        if len(sys.argv) < 2
        else run((tuple(float(a) if "." in a or "e" in a else int(a) for a in sys.argv[1:]),))
    ):  # type: ignore[arg-type]
        print(line)
