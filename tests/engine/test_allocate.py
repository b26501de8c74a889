import importlib.util
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_minzheng.engine.allocate import ALLOCATORS, allocate, nearest_first
from geo_minzheng.errors import InputError
from geo_minzheng.model.allocation import Arrivals
from geo_minzheng.model.solution import Status

_spec = importlib.util.spec_from_file_location("allocation_checks", Path(__file__).parent / "allocation_checks.py")
checks = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(checks)

INF = np.inf
WEIGHTS = [0.5, 0.8, 1.0, 1.2, 1.25, 1.5, 2.0]


@st.composite
def tiny(draw, *, max_villages=4, max_need=4, layered=False, full=False):
    """One item, few villages, whole numbers of packages."""
    n_w, n_v = draw(st.integers(1, 3)), draw(st.integers(1, max_villages))
    supply = np.array(draw(st.lists(st.integers(0, 5), min_size=n_w, max_size=n_w)))
    n_layers = 2 if layered else 1
    demand = np.array([draw(st.lists(st.integers(0, max_need), min_size=n_v, max_size=n_v)) for _ in range(n_layers)])
    weights = np.array(draw(st.lists(st.sampled_from(WEIGHTS), min_size=n_v, max_size=n_v)))
    reach = np.ones((n_w, n_v), dtype=bool)
    if not full:
        reach = np.array([draw(st.lists(st.booleans(), min_size=n_v, max_size=n_v)) for _ in range(n_w)])
    cost = np.array([draw(st.lists(st.integers(1, 90), min_size=n_v, max_size=n_v)) for _ in range(n_w)], dtype=float)
    return supply, demand, weights, reach, cost


def solve_tiny(case, size=1.0):
    supply, demand, weights, reach, cost = case
    layers = demand[:, :, None] * size
    return allocate(
        supply[:, None] * size,
        layers.sum(axis=0),
        np.where(reach, cost, INF),
        weights=weights,
        package=[size],
        layers=layers,
    )


def in_packages(plan, size=1.0):
    return np.rint(plan.got[:, :, 0] / size).astype(int)


@pytest.mark.parametrize(
    ("stock", "need", "weights", "expected"),
    [
        (5, [10, 1], None, [4, 1]),
        (0, [10, 1], None, [0, 0]),
        (99, [10, 1], None, [10, 1]),
        (6, [6, 6], [1.0, 2.0], [2, 4]),
        (2, [4, 4, 4], None, [1, 1, 0]),
        (3, [4, 2, 8], None, [1, 1, 1]),
    ],
)
def test_shares_by_the_rule(stock, need, weights, expected):
    plan = allocate([[stock]], [[n] for n in need], [[1.0] * len(need)], weights=weights)
    assert plan.got[0, :, 0].tolist() == expected
    assert plan.status is Status.OPTIMAL


@settings(max_examples=150, deadline=None)
@given(tiny(max_villages=3, max_need=3))
def test_equals_brute_force(case):
    supply, demand, weights, reach, _ = case
    plan = solve_tiny(case)
    assert checks.exact_profile(in_packages(plan), demand, weights) == checks.brute_force(
        supply, demand, weights, reach
    )


@settings(max_examples=150, deadline=None)
@given(tiny(layered=True), st.sampled_from([1.0, 0.3, 7.5]))
def test_equals_the_rule_taken_literally(case, size):
    supply, demand, weights, reach, _ = case
    plan = solve_tiny(case, size)
    np.testing.assert_array_equal(in_packages(plan, size), checks.greedy_by_rule(supply, demand, weights, reach))


def test_fixed_cases_follow_the_rule_the_minutes_and_the_rival():
    checks.check_fair(allocate, checks.fixed_cases())
    checks.check_least_minutes(allocate, checks.fixed_cases())
    checks.check_never_below(allocate, nearest_first, checks.fixed_cases())


@settings(max_examples=60, deadline=None)
@given(tiny(max_villages=8, max_need=30, full=True))
def test_equals_the_rule_at_full_reach(case):
    supply, demand, weights, _, _ = case
    total = int(supply.sum() * 3)
    plan = solve_tiny(
        (np.array([total]), demand, weights, np.ones((1, demand.shape[1]), bool), np.ones((1, demand.shape[1])))
    )
    expected = checks.greedy_by_rule(np.array([total]), demand, weights, np.ones((1, demand.shape[1]), bool))
    np.testing.assert_array_equal(in_packages(plan), expected)


@settings(max_examples=100, deadline=None)
@given(tiny(layered=True, max_villages=6, max_need=20))
def test_minutes_equal_an_independent_model(case):
    supply, _, _, reach, cost = case
    plan = solve_tiny(case)
    delivered = in_packages(plan).sum(axis=0)
    expected = checks.least_minutes(np.where(reach, cost, INF), supply, delivered)
    assert plan.objective == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert plan.status is Status.OPTIMAL
    assert plan.bound == pytest.approx(plan.objective, rel=1e-9)


def district(seed, n_w=5, n_v=40, n_k=3, share=0.5, quantile=None):
    rng = np.random.default_rng(seed)
    a, b = rng.random((n_w, 2)), rng.random((n_v, 2))
    cost = np.hypot(*(a[:, None] - b[None]).transpose(2, 0, 1)) * 120 + 5
    if quantile is not None:
        cost[cost > np.quantile(cost, quantile)] = INF
    need = rng.integers(0, 200, (n_v, n_k)).astype(float)
    stock = np.floor(rng.dirichlet(np.ones(n_w), n_k).T * need.sum(axis=0) * share)
    return stock, need, cost, np.round(rng.uniform(1, 2, n_v), 2)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("quantile", [None, 0.35])
def test_small_packages_approach_the_linear_model(seed, quantile):
    stock, need, cost, weights = district(seed, n_w=4, n_v=9, n_k=1, quantile=quantile)
    fine = 1000.0
    plan = allocate(stock, need, cost, weights=weights, package=[1 / fine])
    reach = np.isfinite(cost)
    expected = checks.continuous_leximin(stock[:, 0], need[:, 0], weights, reach)
    scale = need[:, 0] * weights
    has_need = need[:, 0] > 0
    np.testing.assert_allclose(
        plan.got[0, has_need, 0] / scale[has_need], expected[has_need], atol=3e-3 / scale[has_need].min() + 1e-6
    )


@pytest.mark.parametrize("quantile", [None, 0.3])
def test_minutes_of_a_district_equal_an_independent_model(quantile):
    stock, need, cost, weights = district(7, quantile=quantile)
    plan = allocate(stock, need, cost, weights=weights)
    expected = sum(checks.least_minutes(cost, stock[:, k], plan.got[0, :, k]) for k in range(need.shape[1]))
    assert plan.objective == pytest.approx(expected, rel=1e-9)


def test_large_problem_is_proven_through_sampled_start_prices():
    stock, need, cost, weights = district(3, n_w=12, n_v=3000, n_k=1, quantile=0.6)
    plan = allocate(stock, need, cost, weights=weights)
    assert plan.status is Status.OPTIMAL
    assert plan.bound == pytest.approx(plan.objective, rel=1e-9)
    checks.check_plan(plan, stock, need, cost)


@st.composite
def problems(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    n_w, n_v, n_k = draw(st.integers(0, 4)), draw(st.integers(0, 6)), draw(st.integers(0, 3))
    stock = rng.integers(0, 30, (n_w, n_k)) * draw(st.sampled_from([1.0, 0.5]))
    need = rng.integers(0, 20, (n_v, n_k)).astype(float)
    cost = rng.integers(1, 100, (n_w, n_v)).astype(float)
    cost[rng.random((n_w, n_v)) < 0.2] = INF
    options = {}
    if draw(st.booleans()):
        options["weights"] = rng.choice(WEIGHTS, n_v if draw(st.booleans()) else (n_v, n_k))
    if draw(st.booleans()):
        options["package"] = rng.choice([1.0, 2.5, 6.0], n_k)
    if draw(st.booleans()):
        options["reach"] = rng.random((n_w, n_v, n_k) if draw(st.booleans()) else (n_w, n_v)) < 0.7
    if draw(st.booleans()):
        first = np.floor(need * rng.random((n_v, n_k)))
        options["layers"] = [first, need - first]
    if draw(st.booleans()):
        options["deadline_min"] = float(rng.integers(10, 100))
    return stock, need, cost, options


@pytest.mark.parametrize("name", ALLOCATORS)
@settings(max_examples=120, deadline=None)
@given(problem=problems())
def test_contract_of_every_allocator(name, problem):
    stock, need, cost, options = problem
    before = [np.array(a, copy=True) for a in (stock, need, cost)]
    plan = ALLOCATORS[name](stock, need, cost, **options)
    checks.check_plan(plan, stock, need, cost, **options)
    for a, b in zip((stock, need, cost), before, strict=True):
        np.testing.assert_array_equal(a, b)
    again = ALLOCATORS[name](stock, need, cost, **options)
    for part in ("warehouse", "village", "item", "quantity", "layer", "minutes"):
        np.testing.assert_array_equal(getattr(plan.moves, part), getattr(again.moves, part))
    assert plan.stages == again.stages


@settings(max_examples=120, deadline=None)
@given(problems())
def test_never_below_nearest_first(problem):
    stock, need, cost, options = problem
    fair, rival = allocate(stock, need, cost, **options), nearest_first(stock, need, cost, **options)
    assert checks.profile(fair) >= checks.profile(rival)
    assert fair.status is Status.OPTIMAL
    np.testing.assert_array_equal(fair.isolated, rival.isolated)


@pytest.mark.parametrize("name", ALLOCATORS)
@settings(max_examples=60, deadline=None)
@given(problem=problems(), seed=st.integers(0, 1000))
def test_order_of_places_does_not_matter(name, problem, seed):
    stock, need, cost, options = problem
    rng = np.random.default_rng(seed)
    cost = cost + rng.random(cost.shape)
    w, v = rng.permutation(stock.shape[0]), rng.permutation(need.shape[0])
    turned = dict(options)
    if "weights" in turned:
        turned["weights"] = turned["weights"][v]
    if "reach" in turned:
        turned["reach"] = turned["reach"][w][:, v]
    if "layers" in turned:
        turned["layers"] = [part[v] for part in turned["layers"]]
    plan = ALLOCATORS[name](stock, need, cost, **options)
    other = ALLOCATORS[name](stock[w], need[v], cost[w][:, v], **turned)
    assert checks.profile(plan) == checks.profile(other)
    assert plan.to_dense().sum() == pytest.approx(other.to_dense().sum())
    np.testing.assert_array_equal(np.sort(v[other.isolated]), plan.isolated)


def test_unreached_village_does_not_hold_back_the_rest():
    plan = allocate([[6.0]], [[4.0], [4.0], [4.0]], [[10.0, INF, 20.0]])
    assert plan.got[0, :, 0].tolist() == [3, 0, 3]
    assert plan.isolated.tolist() == [1]
    assert plan.stages[0].objective == pytest.approx(0.75)


def test_later_layer_waits_but_flows_are_rerouted():
    stock = [[4.0], [4.0]]
    cost = [[1.0, 1.0], [INF, 1.0]]
    plan = allocate(stock, [[4.0], [4.0]], cost, layers=[[[2.0], [4.0]], [[2.0], [0.0]]])
    assert plan.got[:, :, 0].tolist() == [[2, 4], [2, 0]]
    assert plan.to_dense()[:, :, 0].tolist() == [[4, 0], [0, 4]]


def test_layers_are_packed_by_running_total():
    plan = allocate([[100.0]], [[10.0]], [[1.0]], package=[4.0], layers=[[[3.0]], [[3.0]], [[4.0]]])
    assert plan.need_packed[:, 0, 0].tolist() == [4, 4, 4]
    plan = allocate([[100.0]], [[6.0]], [[1.0]], package=[4.0], layers=[[[1.0]], [[1.0]], [[4.0]]])
    assert plan.need_packed[:, 0, 0].tolist() == [4, 0, 4]


def test_only_whole_packages_leave():
    plan = allocate([[7.0], [7.0]], [[20.0]], [[1.0], [1.0]], package=[5.0])
    assert plan.got[0, 0, 0] == 10
    plan = allocate([[0.3]], [[0.3]], [[1.0]], package=[0.1])
    assert plan.got[0, 0, 0] == pytest.approx(0.3)


def test_deadline_cuts_reach():
    plan = allocate([[5.0]], [[3.0], [3.0]], [[30.0, 90.0]], deadline_min=60)
    assert plan.got[0, :, 0].tolist() == [3, 0]
    assert plan.isolated.tolist() == [1]


def test_later_stock_counts_and_arrives_later():
    late = Arrivals(minutes=[60.0, 300.0], quantity=[[[2.0]], [[9.0]]])
    plan = allocate([[1.0]], [[5.0]], [[30.0]], arrivals=late, deadline_min=120)
    assert plan.got[0, 0, 0] == 3
    assert plan.moves.period.tolist() == [-1, 0]
    assert plan.moves.minutes.tolist() == [30.0, 90.0]
    first = allocate([[1.0]], [[3.0]], [[30.0]], arrivals=late, layers=[[[1.0]], [[2.0]]])
    assert first.moves.layer.tolist() == [0, 1]


@pytest.mark.parametrize("name", ALLOCATORS)
@pytest.mark.parametrize("shape", [(0, 3, 2), (2, 0, 2), (2, 3, 0), (0, 0, 0)])
def test_nothing_is_an_answer(name, shape):
    n_w, n_v, n_k = shape
    plan = ALLOCATORS[name](np.ones((n_w, n_k)), np.ones((n_v, n_k)), np.ones((n_w, n_v)))
    assert len(plan.moves) == 0
    assert plan.to_dense().shape == shape
    assert len(plan.isolated) == (n_v if n_w == 0 or n_k == 0 else 0)


def test_extreme_weights_stay_exact():
    plan = allocate([[3.0]], [[1.0], [1.0], [1.0], [1.0]], [[1.0] * 4], weights=[1e-9, 1.0, 1 / 3, 1e9])
    assert plan.got[0].sum() == 3
    plan = allocate([[2.0**20]], [[2.0**20], [2.0**20]], [[1.0, 1.0]], weights=[np.pi, np.pi])
    assert plan.got[0, :, 0].tolist() == [2.0**19, 2.0**19]


@pytest.mark.parametrize("held", [1_253_535_785.0, 2.0**40 - 1, 2_999_999_999.5])
def test_a_great_many_packages_are_counted_to_the_last(held):
    plan = allocate([[held]], [[held], [held]], [[1.0, 1.0]])
    assert plan.got.sum() == np.floor(held)
    assert plan.need_packed[0, 0, 0] == np.ceil(held)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"stock": [[-1.0]]}, "allocate.negative"),
        ({"stock": [[np.nan]]}, "allocate.not_a_number"),
        ({"stock": [[INF]]}, "allocate.infinite"),
        ({"stock": [["x"]]}, "allocate.not_numbers"),
        ({"stock": [1.0]}, "allocate.wrong_shape"),
        ({"stock": [[1.0], [1.0, 2.0]]}, "allocate.not_numbers"),
        ({"stock": [[1.0, 1.0]]}, "allocate.wrong_shape"),
        ({"need": [[INF]]}, "allocate.infinite"),
        ({"need": [[1e300]]}, "allocate.too_large"),
        ({"cost": [[np.nan]]}, "allocate.not_a_number"),
        ({"cost": [[-5.0]]}, "allocate.negative"),
        ({"cost": [[1.0, 2.0]]}, "allocate.wrong_shape"),
        ({"weights": [0.0]}, "allocate.weight_not_positive"),
        ({"weights": [1.0, 1.0]}, "allocate.wrong_shape"),
        ({"package": [0.0]}, "allocate.package_not_positive"),
        ({"reach": [[True, False]]}, "allocate.wrong_shape"),
        ({"layers": [[[1.0]], [[1.0]]]}, "allocate.layers_do_not_sum"),
        ({"layers": []}, "allocate.no_layer"),
        ({"deadline_min": np.nan}, "allocate.not_a_number"),
        ({"vehicle_hours": [-1.0]}, "allocate.negative"),
        ({"arrivals": Arrivals(minutes=[1.0], quantity=[[[1.0]], [[1.0]]])}, "allocate.wrong_shape"),
        ({"arrivals": Arrivals(minutes=[[1.0], [1.0, 2.0]], quantity=[[[1.0]]])}, "allocate.not_numbers"),
        ({"stock": np.array([["2026-07-01"]], "M8[D]")}, "allocate.not_numbers"),
    ],
)
@pytest.mark.parametrize("name", ALLOCATORS)
def test_refuses_bad_input_by_name(name, change, key):
    arguments = {"stock": [[1.0]], "need": [[1.0]], "cost": [[1.0]], **change}
    with pytest.raises(InputError) as caught:
        ALLOCATORS[name](**arguments)
    assert caught.value.key == key
    if key not in ("allocate.layers_do_not_sum", "allocate.no_layer"):
        named = caught.value.facts.get("field", next(iter(change)))
        assert named.split(".")[0] == next(iter(change))


@pytest.mark.parametrize(
    "given",
    [{"weights": [[1], 1]}, {"reach": [[[1], 1]]}, {"layers": 3}, {"arrivals": [[1]]}],
    ids=lambda g: next(iter(g)),
)
def test_what_is_no_table_of_numbers_is_refused_by_name(given):
    with pytest.raises(InputError) as refused:
        allocate([[5]], [[10], [1]], [[1, 1]], **given)
    assert refused.value.key == "allocate.not_numbers"
    assert refused.value.facts["field"] == next(iter(given))
