import importlib
import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from geo_minzheng.engine.allocate import ALLOCATORS, allocate, nearest_first
from geo_minzheng.engine.lorries import share_hours
from geo_minzheng.engine.packing import Options, prepare
from geo_minzheng.errors import InputError
from geo_minzheng.model.allocation import Lorries
from geo_minzheng.model.solution import Status

_spec = importlib.util.spec_from_file_location("allocation_checks", Path(__file__).parent / "allocation_checks.py")
checks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checks)

INF = np.inf


def random_case(seed, *, layered=False):
    rng = np.random.default_rng(seed)
    n_w, n_v, n_k = int(rng.integers(1, 4)), int(rng.integers(1, 6)), int(rng.integers(1, 4))
    stock = rng.integers(0, 40, (n_w, n_k)).astype(float)
    need = rng.integers(0, 25, (n_v, n_k)).astype(float)
    cost = np.where(rng.random((n_w, n_v)) < 0.8, rng.integers(5, 60, (n_w, n_v)), INF).astype(float)
    kg = rng.choice([1.0, 2.0, 10.0], n_k)
    lorries = Lorries(
        hours=rng.uniform(0.1, 4.0, n_w), kg=kg, tonnage_kg=rng.choice([20.0, 50.0], n_w), handling_min=10.0
    )
    options = {"weights": rng.choice([0.5, 1.0, 1.5], n_v)}
    if layered:
        first = np.floor(need * 0.4)
        options["layers"] = [first, need - first]
    return stock, need, cost, lorries, options


def hours_of(plan, cost, lorries):
    used = np.zeros(len(lorries.hours))
    m = plan.moves
    tonnage = np.broadcast_to(lorries.tonnage_kg, used.shape)
    trip = (lorries.trips * cost[m.warehouse, m.village] + lorries.handling_min) / 60
    np.add.at(used, m.warehouse, m.quantity * np.asarray(lorries.kg)[m.item] / tonnage[m.warehouse] * trip)
    return used


def continuous_with_hours(stock, need_layers, cost, lorries, weights):
    """Leximin over villages and items under shared hours: freeze whom no solution raises, one LP each."""
    n_w, n_v = cost.shape
    n_k = stock.shape[1]
    size = n_w * n_v * n_k
    at = np.arange(size).reshape(n_w, n_v, n_k)
    tonnage = np.broadcast_to(lorries.tonnage_kg, n_w)
    trip = (lorries.trips * np.where(np.isfinite(cost), cost, 0) + lorries.handling_min) / 60
    use = trip[:, :, None] * np.asarray(lorries.kg) / tonnage[:, None, None]
    rows, limits = [], []
    for w in range(n_w):
        row = np.zeros(size + 1)
        row[at[w].ravel()] = use[w].ravel()
        rows.append(row)
        limits.append(lorries.hours[w])
        for k in range(n_k):
            row = np.zeros(size + 1)
            row[at[w, :, k]] = 1
            rows.append(row)
            limits.append(stock[w, k])
    may = np.isfinite(cost)[:, :, None] & (use <= lorries.hours[:, None, None])
    bounds = [(0, None if m else 0) for m in may.ravel()] + [(0, None)]
    total = np.zeros((n_v, n_k))
    profile = []
    for demand in need_layers:
        scale, cover = demand * weights[:, None], np.zeros((n_v, n_k))
        active = demand > 0

        def constraints(level, base, active, cover=cover, scale=scale):
            extra, bound = [], []
            for v in range(n_v):
                for k in range(n_k):
                    row = np.zeros(size + 1)
                    row[at[:, v, k]] = -1
                    least = base[v, k] + (0 if active[v, k] else cover[v, k])
                    if active[v, k] and level is None:
                        row[size] = scale[v, k]
                    elif active[v, k]:
                        least += level * scale[v, k]
                    extra.append(row)
                    bound.append(-least + 1e-9)
            return np.vstack([*rows, *extra]), np.array([*limits, *bound])

        while active.any():
            cap = (1 / np.broadcast_to(weights[:, None], active.shape)[active]).min()
            a, b = constraints(None, total, active)
            goal = np.zeros(size + 1)
            goal[size] = -1
            level = -linprog(goal, A_ub=a, b_ub=b, bounds=[*bounds[:-1], (0, cap)], method="highs").fun
            a, b = constraints(level - 1e-9, total, active)
            stuck = np.zeros_like(active)
            for v, k in np.argwhere(active):
                goal = np.zeros(size + 1)
                goal[at[:, v, k]] = -1
                most = -linprog(goal, A_ub=a, b_ub=b, bounds=bounds, method="highs").fun
                is_full = level * weights[v] >= 1 - 1e-7
                stuck[v, k] = is_full or most <= total[v, k] + level * scale[v, k] + 1e-5
            assert stuck.any()
            cover[stuck] = np.minimum(demand, level * scale)[stuck]
            active = active & ~stuck
        profile.append(cover)
        total = total + cover
    return np.array(profile)


@pytest.mark.parametrize("seed", range(40))
def test_fair_stage_is_exact(seed):
    stock, need, cost, lorries, options = random_case(seed, layered=seed % 2 == 1)
    problem = prepare(stock, need, cost, Options(**options, vehicle_hours=lorries))
    answer = share_hours(problem, problem.lorries, np.ones(stock.shape[1]))
    expected = continuous_with_hours(stock, problem.demand.astype(float), cost, lorries, options["weights"])
    np.testing.assert_allclose(answer.fair_cover, expected, atol=1e-4)


@pytest.mark.parametrize("name", ALLOCATORS)
@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), layered=st.booleans())
def test_contract_under_lorry_hours(name, seed, layered):
    stock, need, cost, lorries, options = random_case(seed, layered=layered)
    plan = ALLOCATORS[name](stock, need, cost, vehicle_hours=lorries, **options)
    checks.check_plan(plan, stock, need, cost, **options)
    assert (hours_of(plan, cost, lorries) <= lorries.hours * (1 + 1e-9)).all()
    again = ALLOCATORS[name](stock, need, cost, vehicle_hours=lorries, **options)
    np.testing.assert_array_equal(plan.moves.quantity, again.moves.quantity)
    assert all(np.isfinite([s.objective, s.bound, s.gap]).all() for s in plan.stages)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.booleans())
def test_fair_is_never_below_nearest_first_under_lorry_hours(seed, layered):
    stock, need, cost, lorries, options = random_case(seed, layered=layered)
    fair = allocate(stock, need, cost, vehicle_hours=lorries, **options)
    rival = nearest_first(stock, need, cost, vehicle_hours=lorries, **options)
    assert checks.profile(fair) >= checks.profile(rival)
    minutes = fair.stages[-1]
    assert minutes.bound <= minutes.objective + 1e-6
    assert fair.stages[0].objective <= fair.stages[0].bound + 1e-6


def test_an_exchange_for_a_hair_of_an_hour_makes_no_goods():
    # Whole minutes against whole hours leave 1e-14 h missing: the giver must give a package all the same.
    stock, need = [[188, 35]], [[2, 79], [104, 77], [39, 67], [4, 33]]
    plan = allocate(stock, need, [[17, 44, 26, 77]], vehicle_hours=[97])
    checks.check_plan(plan, stock, need, [[17, 44, 26, 77]])
    hours = (plan.to_dense() * np.array([[17, 44, 26, 77]])[:, :, None]).sum() / 60
    assert hours <= 97 * (1 + 1e-9)


@pytest.mark.parametrize("is_by_weight", [False, True])
def test_where_the_solver_stumbles_from_its_last_basis_it_begins_afresh(is_by_weight):
    if is_by_weight:  # the simplex method fails outright
        stock, need = [[57, 137], [194, 18], [92, 108]], [[26, 16], [116, 99], [103, 107], [54, 58]]
        cost = [[INF, 85, 24, 48], [69, 71, 98, INF], [91, INF, 93, 60]]
        first = np.array([[10, 6], [46, 39], [41, 42], [21, 23]])
        hours = Lorries(hours=np.array([15, 0.8, 22]), kg=np.array([2.5, 20]), tonnage_kg=np.array([100, 100, 300]),
                        handling_min=30)  # fmt: skip
        reach = np.ones((3, 4), bool)
    else:  # it ends optimal a millionth outside a row
        stock, need = [[53, 47], [194, 165], [191, 189]], [[36, 63], [62, 47], [34, 44], [53, 111]]
        cost = [[79, 21, 41, 75], [71, 22, 43, 34], [65, 97, 95, 67]]
        first, hours = np.array([[14, 25], [24, 18], [13, 17], [21, 44]]), np.array([INF, 18, 34])
        reach = np.array([[False, False, True, True], [True] * 4, [True] * 4])
    layers = [first, np.array(need) - first]
    plan = allocate(stock, need, cost, layers=layers, vehicle_hours=hours, reach=reach)
    checks.check_plan(plan, stock, need, cost, layers=layers, reach=reach)


def test_hours_that_do_not_bind_change_nothing():
    stock, need, cost, _, options = random_case(5)
    plain = allocate(stock, need, cost, **options)
    plenty = allocate(stock, need, cost, vehicle_hours=np.full(len(stock), INF), **options)
    assert plenty.status is Status.OPTIMAL
    np.testing.assert_array_equal(plain.to_dense(), plenty.to_dense())


def test_plain_hours_are_units_times_travel_time():
    plan = allocate([[10.0]], [[10.0]], [[30.0]], vehicle_hours=[2.0])
    assert plan.got[0, 0, 0] == 4
    assert plan.status is Status.OPTIMAL
    plan = allocate([[10.0]], [[10.0]], [[30.0]], vehicle_hours=[2.2])
    assert plan.got[0, 0, 0] == 4
    assert plan.status is Status.FEASIBLE
    assert plan.stages[0].gap == pytest.approx(0.04)
    assert plan.stages[-1].name == "unit_minutes"


def test_no_hours_at_all_is_an_answer():
    plan = allocate([[10.0]], [[10.0]], [[30.0]], vehicle_hours=[0.0])
    assert len(plan.moves) == 0
    assert plan.isolated.tolist() == []


def test_ton_minutes_where_weights_are_known():
    lorries = Lorries(hours=[100.0], kg=[50.0])
    plan = allocate([[10.0]], [[10.0]], [[30.0]], vehicle_hours=lorries)
    assert (plan.stages[-1].name, plan.objective) == ("ton_minutes", pytest.approx(15.0))


def test_shared_hours_are_shared_between_items():
    stock, need, cost = [[100.0, 100.0]], [[10.0, 10.0]], [[60.0]]
    plan = allocate(stock, need, cost, vehicle_hours=[10.0])
    assert plan.got[0, 0].tolist() == [5, 5]
    survival_first = allocate(stock, need, cost, vehicle_hours=[10.0], layers=[[[8.0, 0.0]], [[2.0, 10.0]]])
    assert survival_first.got[:, 0].tolist() == [[8, 0], [1, 1]]


@pytest.mark.parametrize(
    ("lorries", "key"),
    [
        (Lorries(hours=[1.0], kg=[1.0], tonnage_kg=0.0), "tonnage_not_positive"),
        (Lorries(hours=[1.0], kg=[1.0], tonnage_kg=[1.0, 2.0]), "wrong_shape"),
        (Lorries(hours=[1.0], kg=[1.0], tonnage_kg="heavy"), "not_numbers"),
        (Lorries(hours=[-1.0], kg=[1.0]), "negative"),
        (Lorries(hours=[1.0], kg=[np.nan]), "not_a_number"),
        (Lorries(hours=[1.0, 1.0], kg=[1.0]), "wrong_shape"),
        (Lorries(hours=[1.0], kg=[1.0], trips=-2.0), "negative"),
    ],
)
def test_refuses_bad_lorries(lorries, key):
    with pytest.raises(InputError, match=key):
        allocate([[1.0]], [[1.0]], [[1.0]], vehicle_hours=lorries)


def test_compiled_kernels_equal_interpreted_ones(monkeypatch):
    cases = [district_case(seed) for seed in range(6)]
    compiled = [[allocator(*arguments, **options) for allocator in ALLOCATORS.values()] for arguments, options in cases]
    for name in ("allocate", "batches", "leximin", "lorries", "nearest", "rounding", "transport"):
        module = importlib.import_module(f"geo_minzheng.engine.{name}")
        for attribute, value in list(vars(module).items()):
            if hasattr(value, "py_func"):
                monkeypatch.setattr(module, attribute, value.py_func)
    monkeypatch.setattr("geo_minzheng.engine.transport.COARSE_FROM", 3)
    for (arguments, options), plans in zip(cases, compiled, strict=True):
        for allocator, plan in zip(ALLOCATORS.values(), plans, strict=True):
            again = allocator(*arguments, **options)
            np.testing.assert_allclose(again.got, plan.got)
            assert again.objective == pytest.approx(plan.objective)


def district_case(seed):
    stock, need, cost, lorries, options = random_case(seed, layered=True)
    return (stock, need, cost), options | ({"vehicle_hours": lorries} if seed % 2 else {})
