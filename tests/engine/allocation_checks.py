"""Independent models of a fair allocation and the checks that any allocator must pass."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog


def packs(values, size, *, up):
    """Whole packages, counted with fractions of the decimals as written."""

    def one(value, unit):
        count = Fraction(str(float(value))) / Fraction(str(float(unit)))
        return -((-count.numerator) // count.denominator) if up else count.numerator // count.denominator

    values = np.asarray(values, dtype=float)
    size = np.broadcast_to(np.asarray(size, dtype=float), values.shape)
    return np.array([one(v, s) for v, s in zip(values.ravel(), size.ravel(), strict=True)], dtype=int).reshape(
        values.shape
    )


def is_deliverable(x, supply, reach):
    """Hall's condition: every set of villages asks for no more than the warehouses that reach it hold."""
    n = len(x)
    for size in range(1, n + 1):
        for chosen in itertools.combinations(range(n), size):
            reached = reach[:, list(chosen)].any(axis=1)
            if sum(x[v] for v in chosen) > supply[reached].sum():
                return False
    return True


def brute_force(supply, demand_layers, weights, reach):
    """Sorted exact ratios of each layer, by trying every whole-number share (one item, tiny)."""
    n = demand_layers.shape[1]
    base = np.zeros(n, dtype=int)
    profile = []
    for demand in demand_layers:
        best = None
        for x in itertools.product(*(range(d + 1) for d in demand)):
            if not is_deliverable(base + np.array(x), supply, reach):
                continue
            ratios = sorted(
                Fraction(x[v]) / (int(demand[v]) * Fraction(str(weights[v]))) for v in range(n) if demand[v]
            )
            if best is None or ratios > best[0]:
                best = (ratios, [x])
            elif ratios == best[0]:
                best[1].append(x)
        profile.append(best[0])
        base = base + np.array(_first_by_greedy(base, demand, weights, supply, reach))
    return profile


def _first_by_greedy(base, demand, weights, supply, reach):
    """The package-by-package rule, literally."""
    x = [0] * len(demand)
    scale = [int(d) * Fraction(str(w)) for d, w in zip(demand, weights, strict=True)]
    while True:
        raisable = []
        for v, d in enumerate(demand):
            if x[v] < d:
                more = [x[u] + (u == v) for u in range(len(demand))]
                if is_deliverable(base + np.array(more), supply, reach):
                    raisable.append((x[v] / scale[v], scale[v], v))
        if not raisable:
            return x
        x[min(raisable)[2]] += 1


def greedy_by_rule(supply, demand_layers, weights, reach):
    """Shares of each layer by the literal rule, shape (layer, village)."""
    base = np.zeros(demand_layers.shape[1], dtype=int)
    shares = []
    for demand in demand_layers:
        x = np.array(_first_by_greedy(base, demand, weights, supply, reach), dtype=int)
        shares.append(x)
        base = base + x
    return np.array(shares)


def exact_profile(got, demand_layers, weights):
    """Sorted exact ratios of each layer of a share in packages."""
    return [
        sorted(Fraction(int(x)) / (int(d) * Fraction(str(w))) for x, d, w in zip(xs, ds, weights, strict=True) if d)
        for xs, ds in zip(got, demand_layers, strict=True)
    ]


def least_minutes(cost, supply, delivered):
    """Optimum of the transportation problem by a general LP solver (one item)."""
    n_w, n_v = cost.shape
    arcs = np.argwhere(np.isfinite(cost))
    serve, hold = np.zeros((n_v, len(arcs))), np.zeros((n_w, len(arcs)))
    serve[arcs[:, 1], np.arange(len(arcs))] = 1
    hold[arcs[:, 0], np.arange(len(arcs))] = 1
    if not len(arcs):
        return 0.0
    found = linprog(cost[arcs[:, 0], arcs[:, 1]], A_ub=hold, b_ub=supply, A_eq=serve, b_eq=delivered, method="highs")
    assert found.success, found.message
    return found.fun


def continuous_leximin(supply, demand, weights, reach):
    """Leximin ratios without packages by a sequence of LPs (one item): freeze whom no solution raises."""
    n_w, n_v = reach.shape
    n = n_w * n_v
    scale = demand * weights
    fixed = np.full(n_v, np.nan)
    fixed[(demand == 0) | ~reach[supply > 0].any(axis=0)] = 0.0
    hold = np.zeros((n_w, n + 1))
    for w in range(n_w):
        hold[w, w * n_v : (w + 1) * n_v] = 1
    bounds = [(0, None if r else 0) for r in reach.ravel()]

    def rows(level):
        serve, least = np.zeros((n_v, n + 1)), np.zeros(n_v)
        for v in range(n_v):
            serve[v, v:n:n_v] = -1
            if np.isnan(fixed[v]):
                if level is None:
                    serve[v, n] = scale[v]
                else:
                    least[v] = -level * scale[v]
            else:
                least[v] = -fixed[v] * scale[v]
        cover = -serve[:, :n]
        return np.vstack([hold, serve, np.hstack([cover, np.zeros((n_v, 1))])]), np.concatenate([supply, least, demand])

    while np.isnan(fixed).any():
        a, b = rows(None)
        level = -linprog(np.r_[np.zeros(n), -1], A_ub=a, b_ub=b, bounds=[*bounds, (0, None)], method="highs").fun
        a, b = rows(level - 1e-9)
        for v in np.nonzero(np.isnan(fixed))[0]:
            goal = np.zeros(n + 1)
            goal[v:n:n_v] = -1
            most = -linprog(goal, A_ub=a, b_ub=b, bounds=[*bounds, (0, 0)], method="highs").fun
            if most <= level * scale[v] + 1e-6 * max(1.0, scale[v]):
                fixed[v] = level
    return fixed


def check_plan(plan, stock, need, cost, *, package=None, reach=None, layers=None, deadline_min=None, weights=None):
    """What must hold for every allocator."""
    stock, need, cost = (np.asarray(a, dtype=float) for a in (stock, need, cost))
    package = np.ones(stock.shape[1]) if package is None else np.asarray(package, dtype=float)
    dense = plan.to_dense()
    assert dense.shape == (*cost.shape, stock.shape[1])
    assert (dense >= 0).all()
    assert (plan.moves.quantity > 0).all()
    assert (dense.sum(axis=1) <= stock + 1e-9 * np.maximum(1, stock)).all(), "more than the stock left the warehouse"
    packed = packs(need, package, up=True) * package
    np.testing.assert_allclose(plan.need_packed.sum(axis=0), packed, rtol=1e-9)
    got = dense.sum(axis=0)
    assert (got <= packed + 1e-9 * np.maximum(1, packed)).all(), "over-served"
    np.testing.assert_allclose(plan.got.sum(axis=0), got, rtol=1e-9, err_msg="layers do not sum to the deliveries")
    assert (plan.got <= plan.need_packed + 1e-9 * np.maximum(1, plan.need_packed)).all()
    whole = plan.moves.quantity / package[plan.moves.item]
    np.testing.assert_allclose(whole, np.rint(whole), rtol=0, atol=1e-6, err_msg="broken package")
    late = cost > (np.inf if deadline_min is None else deadline_min)
    assert not dense[~np.isfinite(cost) | late].any(), "delivery without a road or too late"
    if reach is not None:
        reach = np.asarray(reach, dtype=bool)
        assert not dense[~reach].any(), "delivery out of reach"
    by_layer = np.zeros_like(plan.got)
    np.add.at(by_layer, (plan.moves.layer, plan.moves.village, plan.moves.item), plan.moves.quantity)
    np.testing.assert_allclose(by_layer, plan.got, rtol=1e-9, err_msg="moves do not sum to the layers")


def profile(plan):
    """Sorted ratios layer by layer, as one list that compares lexicographically."""
    lines = []
    for layer in range(len(plan.got)):
        ratios = plan.ratios(layer)
        lines.append(np.round(np.sort(ratios[~np.isnan(ratios)]), 9).tolist())
    return lines


def fixed_cases(count=60, *, seed=1):
    """Tiny problems of one item with weights, two need layers and limited reach, always the same."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n_w, n_v = int(rng.integers(1, 4)), int(rng.integers(2, 5))
        supply, demand = rng.integers(0, 6, n_w), rng.integers(0, 5, (2, n_v))
        weights = rng.choice([0.5, 1.0, 1.25, 2.0], n_v)
        reach = rng.random((n_w, n_v)) < 0.7
        cost = rng.integers(1, 90, (n_w, n_v)).astype(float)
        yield supply, demand, weights, reach, cost


def check_fair(allocator, cases):
    """Shares follow the package-by-package rule, exactly."""
    for supply, demand, weights, reach, cost in cases:
        layers = demand[:, :, None].astype(float)
        plan = allocator(
            supply[:, None], layers.sum(axis=0), np.where(reach, cost, np.inf), weights=weights, layers=layers
        )
        expected = greedy_by_rule(supply, demand, weights, reach)
        np.testing.assert_array_equal(np.rint(plan.got[:, :, 0]).astype(int), expected, err_msg="not the fair shares")


def check_least_minutes(allocator, cases):
    """Minutes equal an independent model's for the same deliveries, and stock and roads are kept."""
    for supply, demand, weights, reach, cost in cases:
        need, way = demand.sum(axis=0)[:, None].astype(float), np.where(reach, cost, np.inf)
        plan = allocator(supply[:, None], need, way, weights=weights)
        check_plan(plan, supply[:, None], need, way)
        least = least_minutes(way, supply, plan.got[0, :, 0])
        assert abs(plan.objective - least) <= 1e-9 * max(1.0, least), "not the least minutes"


def check_never_below(allocator, rival, cases):
    """Sorted ratios never fall below the rival's, layer by layer."""
    for supply, demand, weights, reach, cost in cases:
        layers = demand[:, :, None].astype(float)
        arguments = (supply[:, None], layers.sum(axis=0), np.where(reach, cost, np.inf))
        options = {"weights": weights, "layers": layers}
        assert profile(allocator(*arguments, **options)) >= profile(rival(*arguments, **options)), (
            "less fair than the rival"
        )
