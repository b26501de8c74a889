"""Siting against HiGHS on the textbook model, in the same run: seconds, proof and the same optimum."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import shortest_path

from geo_minzheng.engine import site


def beasley(nodes: int, seed: int) -> np.ndarray:
    """All pairs of shortest ways on a random network by the scheme of the OR-Library's pmed instances."""
    rng = np.random.default_rng(seed)
    length = np.zeros((nodes, nodes))
    for v in range(1, nodes):
        length[rng.integers(v), v] = rng.integers(1, 101)
    for _ in range(nodes * nodes // 50 - nodes + 1):
        u, v = rng.integers(nodes, size=2)
        if u != v:
            length[u, v] = rng.integers(1, 101)
    return np.asarray(shortest_path(length, directed=False))


def clustered(demands: int, sites: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Straight distances [km] and persons: villages in clusters over 60 x 60 km."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(0, 60, (40, 2))
    places = centres[rng.integers(40, size=demands)] + rng.normal(0, 3, (demands, 2))
    offers = centres[rng.integers(40, size=sites)] + rng.normal(0, 4, (sites, 2))
    away = np.hypot(places[:, None, 0] - offers[None, :, 0], places[:, None, 1] - offers[None, :, 1])
    return away, rng.integers(1, 400, demands).astype(float)


def timed(work: Any) -> tuple[Any, float]:
    """Run and measure."""
    begin = time.perf_counter()
    out = work()
    return out, time.perf_counter() - begin


def peer_p_median(cost: np.ndarray, p: int, limit_s: float) -> Any:
    """Hand the textbook model to HiGHS."""
    d, s = cost.shape
    pair = np.arange(d * s)
    served = sparse.csr_array((np.ones(d * s), (pair // s, s + pair)), shape=(d, s + d * s))
    links = sparse.csr_array(
        (np.r_[np.ones(d * s), -np.ones(d * s)], (np.r_[pair, pair], np.r_[s + pair, pair % s])),
        shape=(d * s, s + d * s),
    )
    count = sparse.csr_array((np.ones(s), (np.zeros(s, int), np.arange(s))), shape=(1, s + d * s))
    rules = [LinearConstraint(served, 1, 1), LinearConstraint(links, -np.inf, 0), LinearConstraint(count, p, p)]
    return milp(
        np.r_[np.zeros(s), cost.ravel()],
        integrality=np.r_[np.ones(s), np.zeros(d * s)],
        bounds=Bounds(0, 1),
        constraints=rules,
        options={"mip_rel_gap": 0.0, "time_limit": limit_s},
    )


def peer_max_cover(covers: np.ndarray, weights: np.ndarray, p: int, limit_s: float) -> Any:
    """Hand the textbook model to HiGHS."""
    d, s = covers.shape
    link = sparse.hstack([sparse.csr_array(covers.astype(float)), -sparse.eye_array(d)])
    return milp(
        np.r_[np.zeros(s), -weights],
        integrality=np.r_[np.ones(s), np.zeros(d)],
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(link, 0, np.inf),
            LinearConstraint(np.r_[np.ones(s), np.zeros(d)][None, :], p, p),
        ],
        options={"mip_rel_gap": 0.0, "time_limit": limit_s},
    )


def _row(job: str, found: site.Siting, seconds: float, target: str, peer: Any = None, peer_s: float = 0.0) -> dict:
    row = {
        "job": job,
        "seconds": round(seconds, 4),
        "target": target,
        "objective": found.objective,
        "gap": found.gap,
        "status": str(found.status),
    }
    if peer is not None:
        same = peer.fun is not None and abs(abs(peer.fun) - found.objective) <= 1e-6 * max(1.0, found.objective)
        row |= {"peer": "HiGHS", "peer_seconds": round(peer_s, 2), "ratio": round(peer_s / seconds, 1), "same": same}
    return row


def _pmed_rows() -> list[dict]:
    shapes = [
        (n, p)
        for n in range(100, 1000, 100)
        for p in ((5, 10, n // 10, n // 5, n // 3) if n < 700 else (5, 10, n // 10))
    ]
    spent, last, proven = [], None, 0
    for seed, (n, p) in enumerate(shapes):
        cost = beasley(n, seed)
        last, seconds = timed(lambda c=cost, k=p: site.p_median(c, p=k, time_limit_s=60))
        proven += last.gap == 0.0
        spent.append(seconds)
    job = f"p-median, {len(shapes)} random graphs n=100-900: {proven} proven, worst {max(spent):.2f} s, "
    return [_row(job + f"median {np.median(spent):.3f} s", last, sum(spent), "<= 30 s total, <= 10 s worst")]


def run() -> list[dict]:
    """Measure every job of the room; one row each."""
    site.p_median(beasley(50, 0), p=3)
    rows = _pmed_rows()
    cost = beasley(100, 3)
    ours, seconds = timed(lambda: site.p_median(cost, p=10))
    rows.append(_row("p-median 100 x 100, p=10", ours, seconds, ">= 80x", *timed(lambda: peer_p_median(cost, 10, 60))))
    away, persons = clustered(5000, 300, 1)
    ours, seconds = timed(lambda: site.p_median(away, p=20, weights=persons, time_limit_s=60))
    rows.append(_row("p-median 5 000 x 300, p=20", ours, seconds, "proven <= 2 s"))
    ours, seconds = timed(lambda: site.max_cover(sparse.csr_array(away < 5), p=20, weights=persons, time_limit_s=60))
    peer = timed(lambda: peer_max_cover(away < 5, persons, 20, 60))
    rows.append(_row("max cover 5 000 x 300, p=20", ours, seconds, "proven <= 0.8 s", *peer))
    away, persons = clustered(20000, 1000, 2)
    ours, seconds = timed(lambda: site.p_median(away, p=40, weights=persons, time_limit_s=20))
    rows.append(_row("p-median 20 000 x 1 000, p=40", ours, seconds, "gap <= 0.1 % in 20 s"))
    ours, seconds = timed(lambda: site.max_cover(sparse.csr_array(away < 5), p=40, weights=persons, time_limit_s=30))
    rows.append(_row("max cover 20 000 x 1 000, p=40", ours, seconds, "gap <= 0.5 % in 30 s"))
    return rows


if __name__ == "__main__":
    for line in run():
        print(line)
