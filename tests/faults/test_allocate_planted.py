"""Plant a bug in the allocator: the checks that pass on the real one must turn red."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from geo_minzheng.engine import allocate as module

_path = Path(__file__).parents[1] / "engine" / "allocation_checks.py"
_spec = importlib.util.spec_from_file_location("allocation_checks", _path)
checks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checks)

real_fill, real_carry = module.fill_layer, module.carry


def check_all():
    checks.check_fair(module.allocate, checks.fixed_cases())
    checks.check_least_minutes(module.allocate, checks.fixed_cases())
    checks.check_never_below(module.allocate, module.nearest_first, checks.fixed_cases())


def is_deliverable(supply, shares, group, reach):
    return checks.is_deliverable(shares, supply, reach[:, group])


def largest_remainder(supply, base, cap, scale, group, reach):
    """Proportional shares, remainders to the largest: fair on the average, not to the worst."""
    fair = real_fill(supply, base, cap, scale, group, reach)
    total, asked = int(fair.sum()), max(1, int(cap.sum()))
    exact = cap * total / asked
    shares = np.floor(exact).astype(np.int64)
    for v in np.argsort(shares - exact, kind="stable")[: total - shares.sum()]:
        shares[v] += 1
    return shares if is_deliverable(supply, base + shares, group, reach) else fair


def without_freezing(supply, base, cap, scale, group, reach):
    """Stop everyone as soon as the lowest cannot be raised any more."""
    shares = np.zeros_like(cap)
    while True:
        open_ones = [v for v in range(len(cap)) if shares[v] < cap[v]]
        if not open_ones:
            return shares
        v = min(open_ones, key=lambda u: (shares[u] / scale[u], scale[u], u))
        shares[v] += 1
        if not is_deliverable(supply, base + shares, group, reach):
            shares[v] -= 1
            return shares


def heavier_gets_less(supply, base, cap, scale, group, reach):
    """Divide by the weight where it should multiply."""
    weight = scale // np.maximum(cap, 1)
    upside_down = cap * (weight.max(initial=1) + 1 - np.minimum(weight, weight.max(initial=1)))
    return real_fill(supply, base, cap, upside_down, group, reach)


def forgets_earlier_layers(supply, base, cap, scale, group, reach):
    """Let a later layer take goods that an earlier one was promised."""
    return real_fill(supply, np.zeros_like(base), cap, scale, group, reach)


def ties_to_the_larger(supply, base, cap, scale, group, reach):
    """At equal ratios serve the larger need first."""
    turned = slice(None, None, -1)
    shares = real_fill(supply, base[turned], cap[turned], scale[turned], group[turned], reach)
    return np.ascontiguousarray(shares[turned])


@pytest.mark.parametrize(
    "bug", [largest_remainder, without_freezing, heavier_gets_less, forgets_earlier_layers, ties_to_the_larger]
)
def test_planted_unfair_share_turns_red(monkeypatch, bug):
    monkeypatch.setattr(module, "fill_layer", bug)
    with pytest.raises(AssertionError):
        checks.check_fair(module.allocate, checks.fixed_cases())


@pytest.mark.parametrize("bug", [without_freezing, heavier_gets_less])
def test_planted_unfair_share_falls_below_the_rival(monkeypatch, bug):
    monkeypatch.setattr(module, "fill_layer", bug)
    with pytest.raises(AssertionError, match="less fair"):
        checks.check_never_below(module.allocate, module.nearest_first, checks.fixed_cases(300))


def village_by_village(cost, supply, demand):
    """Serve each village from the nearest that still has goods; re-route nothing."""
    flow, price, _ = real_carry(cost, supply, demand)
    greedy, left = np.zeros_like(flow), supply.copy()
    for v in range(len(demand)):
        for w in np.argsort(cost[:, v], kind="stable"):
            if np.isfinite(cost[w, v]):
                greedy[w, v] = min(left[w], demand[v] - greedy[:, v].sum())
                left[w] -= greedy[w, v]
    return (greedy if (greedy.sum(axis=0) == demand).all() else flow), price, True


def forgets_the_stock(cost, supply, demand):
    """Serve everyone from the nearest, whatever it holds."""
    flow, price, _ = real_carry(cost, np.full_like(supply, demand.sum()), demand)
    return flow, price, True


def forgets_the_roads(cost, supply, demand):
    """Drive where there is no road."""
    flow, price, _ = real_carry(np.where(np.isfinite(cost), cost, 0.5), supply, demand)
    return flow, price, True


@pytest.mark.parametrize("bug", [village_by_village, forgets_the_stock, forgets_the_roads])
def test_planted_transport_turns_red(monkeypatch, bug):
    monkeypatch.setattr(module, "carry", bug)
    with pytest.raises(AssertionError):
        checks.check_least_minutes(module.allocate, checks.fixed_cases())


def test_the_real_allocator_is_green():
    check_all()
