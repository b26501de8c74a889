"""Siting equals brute force on small cases and an independent model on random ones; rivals obey the same laws."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import shortest_path

from geo_minzheng.engine import site
from geo_minzheng.errors import InfeasibleError, InputError
from geo_minzheng.model.solution import Status


@st.composite
def cases(draw, unreachable=True):
    """Small cost matrices with ties, zeros, unreachable pairs, weights of 0 and fixed sites."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    demands, sites = draw(st.integers(0, 7)), draw(st.integers(1, 6))
    kind = draw(st.sampled_from(["whole", "real", "tiny"]))
    cost = rng.integers(0, 8, (demands, sites)).astype(float)
    if kind != "whole":
        cost = rng.random((demands, sites)) * (1e-5 if kind == "tiny" else 100.0)
    if unreachable:
        cost[rng.random(cost.shape) < draw(st.sampled_from([0.0, 0.3, 0.6]))] = np.inf
    weights = rng.integers(0, 4, demands).astype(float)
    p = int(rng.integers(1, sites + 1))
    fixed = rng.choice(sites, int(rng.integers(0, p + 1)), replace=False).tolist()
    return cost, p, weights, fixed


def value_of(cost, chosen, weights):
    counts = weights > 0
    return float((weights[counts] * cost[np.ix_(counts, chosen)].min(axis=1)).sum()) if counts.any() else 0.0


def choices(sites, p, fixed=()):
    return [list(c) for c in itertools.combinations(range(sites), p) if set(fixed) <= set(c)]


@given(cases())
@settings(max_examples=200)
def test_p_median_equals_brute_force(case):
    cost, p, weights, fixed = case
    best = min(value_of(cost, c, weights) for c in choices(cost.shape[1], p, fixed))
    if np.isinf(best):
        with pytest.raises(InfeasibleError):
            site.p_median(cost, p=p, weights=weights, fixed=fixed)
        return
    found = site.p_median(cost, p=p, weights=weights, fixed=fixed)
    assert found.objective == pytest.approx(best, rel=1e-9, abs=1e-12)
    assert found.status is Status.OPTIMAL and found.gap == 0.0 and found.bound == found.objective


@pytest.mark.parametrize("name", sorted(site.SITERS))
@given(case=cases())
@settings(max_examples=100)
def test_laws_of_every_siter(name, case):
    cost, p, weights, fixed = case
    before = cost.copy(), weights.copy()
    try:
        found = site.SITERS[name](cost, p=p, weights=weights, fixed=fixed)
    except InfeasibleError:
        assert all(np.isinf(value_of(cost, c, weights)) for c in choices(cost.shape[1], p, fixed))
        return
    assert (cost == before[0]).all() and (weights == before[1]).all()
    assert found.chosen.tolist() == sorted(set(found.chosen.tolist())) and len(found.chosen) == p
    assert set(fixed) <= set(found.chosen.tolist())
    assert found.assigned.shape == (len(cost),)
    for i, j in enumerate(found.assigned.tolist()):
        nearest = cost[i, found.chosen].min()
        assert (j == -1 and np.isinf(nearest)) or cost[i, j] == nearest
        assert j != -1 or weights[i] == 0
    assert found.objective == pytest.approx(value_of(cost, found.chosen, weights), rel=1e-12)
    assert found.bound <= found.objective
    assert found.stages[0].objective == found.objective
    again = site.SITERS[name](cost, p=p, weights=weights, fixed=fixed)
    assert again.chosen.tolist() == found.chosen.tolist() and again.objective == found.objective
    exact = site.p_median(cost, p=p, weights=weights, fixed=fixed)
    assert exact.objective <= found.objective * (1 + 1e-12)
    assert found.bound <= exact.objective * (1 + 1e-12)
    if p < cost.shape[1]:
        more = site.p_median(cost, p=p + 1, weights=weights, fixed=fixed)
        assert more.objective <= exact.objective * (1 + 1e-12)


@given(cases())
@settings(max_examples=120)
def test_p_center_equals_brute_force(case):
    cost, p, _, fixed = case
    best = min(cost[:, c].min(axis=1).max(initial=0.0) for c in choices(cost.shape[1], p, fixed))
    if np.isinf(best):
        with pytest.raises(InfeasibleError):
            site.p_center(cost, p=p, fixed=fixed)
        return
    found = site.p_center(cost, p=p, fixed=fixed)
    assert found.objective == best == found.bound
    assert len(found.chosen) == p and set(fixed) <= set(found.chosen.tolist())
    assert found.status is Status.OPTIMAL
    if len(cost):
        assert cost[np.arange(len(cost)), found.assigned].max() == best


@pytest.mark.parametrize("name", sorted(site.COVERERS))
@given(case=cases())
@settings(max_examples=120)
def test_cover_equals_brute_force_and_obeys_the_laws(name, case):
    cost, p, weights, fixed = case
    covers = sparse.csr_array(cost < 4)
    dense = covers.toarray()
    best = max(float(weights[dense[:, c].any(axis=1)].sum()) for c in choices(cost.shape[1], p, fixed))
    found = site.COVERERS[name](covers, p=p, weights=weights, fixed=fixed)
    exact = site.max_cover(covers, p=p, weights=weights, fixed=fixed)
    assert exact.objective == best == exact.bound and exact.status is Status.OPTIMAL
    assert found.objective <= best <= found.bound
    assert len(found.chosen) == p and set(fixed) <= set(found.chosen.tolist())
    covered = dense[:, found.chosen].any(axis=1)
    assert found.objective == weights[covered].sum()
    assert ((found.assigned >= 0) == covered).all()
    assert all(dense[i, j] for i, j in enumerate(found.assigned.tolist()) if j >= 0)
    assert site.COVERERS[name](dense, p=p, weights=weights, fixed=fixed).chosen.tolist() == found.chosen.tolist()


@given(cases())
@settings(max_examples=100)
def test_set_cover_equals_brute_force(case):
    cost, _, _, fixed = case
    covers = cost < 5
    sizes = range(len(fixed), cost.shape[1] + 1)
    best = next((k for k in sizes for c in choices(cost.shape[1], k, fixed) if covers[:, c].any(axis=1).all()), None)
    if best is None:
        with pytest.raises(InfeasibleError, match="unreachable") as caught:
            site.set_cover(sparse.csr_array(covers), fixed=fixed)
        assert caught.value.facts["demands"] == np.flatnonzero(~covers.any(axis=1)).tolist()
        return
    found = site.set_cover(sparse.csr_array(covers), fixed=fixed)
    assert found.objective == best == found.bound == len(found.chosen)
    assert set(fixed) <= set(found.chosen.tolist())
    assert covers[np.arange(len(cost)), found.assigned].all()


def transport_cost(cost, demand, room):
    """Least cost of serving all from open sites, by an independent solver; ``None`` if there is no way."""
    d, s = cost.shape
    served = np.kron(np.eye(d), np.ones(s))
    load = np.kron(demand, np.eye(s)).reshape(s, d * s)
    flat = np.where(np.isfinite(cost), cost, 0.0).ravel()
    top = np.where(np.isfinite(cost), 1.0, 0.0).ravel()
    done = milp(
        flat, constraints=[LinearConstraint(served, 1, 1), LinearConstraint(load, -np.inf, room)], bounds=Bounds(0, top)
    )
    return done.fun if done.success else None


@given(cases(), st.booleans(), st.booleans(), st.integers(0, 1000))
@settings(max_examples=80)
def test_capacitated_equals_brute_force(case, single, counted, seed):
    cost, p, demand, _ = case
    rng = np.random.default_rng(seed)
    n = cost.shape[1]
    room = rng.integers(1, 9, n).astype(float)
    fees = rng.integers(0, 6, n) * (float(np.max(cost, where=np.isfinite(cost), initial=0.0)) or 1.0) / 4
    asks = demand > 0
    best = np.inf
    for chosen in choices(n, p) if counted else [c for k in range(n + 1) for c in choices(n, k)]:
        if not asks.any():
            value = 0.0
        elif not chosen:
            continue
        elif single:
            value = single_cost(cost[np.ix_(asks, chosen)], demand[asks], room[chosen])
        else:
            value = transport_cost(cost[np.ix_(asks, chosen)], demand[asks], room[chosen])
        if value is not None:
            best = min(best, value + fees[chosen].sum())
    options = {
        "demand": demand,
        "capacity": room,
        "opening_cost": fees,
        "p": p if counted else None,
        "single_source": single,
    }
    if np.isinf(best):
        with pytest.raises(InfeasibleError, match=r"site\."):
            site.capacitated(cost, **options)
        return
    found = site.capacitated(cost, **options)
    assert found.objective == pytest.approx(best, rel=1e-6, abs=1e-9)
    assert found.flow is not None
    np.testing.assert_allclose(found.flow.sum(axis=1), demand, rtol=1e-9, atol=1e-9)
    assert (found.flow.sum(axis=0) <= np.where(np.isin(np.arange(n), found.chosen), room, 0.0) + 1e-6).all()
    assert not counted or len(found.chosen) == p
    if single:
        assert ((found.flow > 0).sum(axis=1) == asks).all()
    moved = found.flow > 0
    paid = (found.flow[moved] / demand[np.nonzero(moved)[0]] * cost[moved]).sum() + fees[found.chosen].sum()
    assert found.objective == pytest.approx(paid, rel=1e-9, abs=1e-12)
    assert found.status is Status.OPTIMAL


def single_cost(cost, demand, room):
    best = None
    for who in itertools.product(range(cost.shape[1]), repeat=len(demand)):
        load = np.bincount(who, weights=demand, minlength=cost.shape[1])
        value = cost[np.arange(len(demand)), who].sum()
        if (load <= room).all() and np.isfinite(value) and (best is None or value < best):
            best = value
    return best


def beasley_graph(n, seed):
    """Random network of n nodes and n^2/50 roads of length 1-100, all pairs of shortest ways (Beasley 1985)."""
    rng = np.random.default_rng(seed)
    length = np.zeros((n, n))
    for v in range(1, n):
        length[rng.integers(v), v] = rng.integers(1, 101)
    for _ in range(n * n // 50 - n + 1):
        u, v = rng.integers(n, size=2)
        if u != v:
            length[u, v] = rng.integers(1, 101)
    return shortest_path(length, directed=False)


def independent_p_median(cost, p):
    """Solve the textbook model with another program."""
    d, s = cost.shape
    rows, cols = np.arange(d * s), np.arange(d * s)
    served = sparse.csr_array((np.ones(d * s), (rows // s, s + cols)), shape=(d, s + d * s))
    links = sparse.csr_array(
        (np.r_[np.ones(d * s), -np.ones(d * s)], (np.r_[rows, rows], np.r_[s + cols, cols % s])),
        shape=(d * s, s + d * s),
    )
    count = sparse.csr_array((np.ones(s), (np.zeros(s, int), np.arange(s))), shape=(1, s + d * s))
    done = milp(
        np.r_[np.zeros(s), cost.ravel()],
        integrality=np.r_[np.ones(s), np.zeros(d * s)],
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(served, 1, 1),
            LinearConstraint(links, -np.inf, 0),
            LinearConstraint(count, p, p),
        ],
        options={"mip_rel_gap": 0.0},
    )
    return float(done.fun)


@pytest.mark.parametrize(("n", "p", "seed"), [(60, 3, 0), (60, 6, 1), (80, 5, 2), (80, 16, 3), (70, 23, 4)])
def test_p_median_on_random_graphs_is_proven_by_two_methods(n, p, seed):
    cost = beasley_graph(n, seed)
    found = site.p_median(cost, p=p)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(independent_p_median(cost, p))


@pytest.mark.parametrize("seed", range(4))
def test_p_median_on_weighted_points_equals_the_independent_model(seed):
    rng = np.random.default_rng(seed)
    places, sites = rng.random((70, 2)), rng.random((25, 2))
    cost = np.hypot(*(places[:, None, :] - sites[None, :, :]).transpose(2, 0, 1))
    weights = rng.integers(1, 500, 70).astype(float)
    found = site.p_median(cost, p=5, weights=weights)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(independent_p_median(cost * weights[:, None], 5))


@pytest.mark.parametrize("seed", range(4))
def test_max_cover_equals_an_independent_model(seed):
    rng = np.random.default_rng(seed)
    places, sites = rng.random((300, 2)), rng.random((60, 2))
    covers = np.hypot(*(places[:, None, :] - sites[None, :, :]).transpose(2, 0, 1)) < 0.12
    weights = rng.random(300) * 100
    link = sparse.hstack([sparse.csr_array(covers.astype(float)), -sparse.eye_array(300)])
    count = np.r_[np.ones(60), np.zeros(300)][None, :]
    done = milp(
        np.r_[np.zeros(60), -weights],
        integrality=np.r_[np.ones(60), np.zeros(300)],
        bounds=Bounds(0, 1),
        constraints=[LinearConstraint(link, 0, np.inf), LinearConstraint(count, 8, 8)],
        options={"mip_rel_gap": 0.0},
    )
    found = site.max_cover(sparse.csr_array(covers), p=8, weights=weights)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(-done.fun)


@given(cases())
@settings(max_examples=80)
def test_gains_add_up_and_losses_are_what_is_missing_without_the_site(case):
    cost, _, weights, fixed = case
    chosen = sorted(set(fixed) | {0})
    rows = site.marginal_gains(cost, chosen, weights=weights, fixed=fixed)
    assert sorted(g.site for g in rows) == chosen
    assert [g.site for g in rows][: len(fixed)] == sorted(fixed)
    full = value_of(cost, chosen, weights)
    assert rows[-1].objective == pytest.approx(full)
    for before, after in itertools.pairwise(rows):
        if np.isfinite(before.objective):
            assert after.gain == pytest.approx(before.objective - after.objective) and after.gain >= 0
    for g in rows:
        rest = [j for j in chosen if j != g.site]
        if np.isfinite(full):
            without = value_of(cost, rest, weights) if rest else (np.inf if (weights > 0).any() else 0.0)
            assert g.loss == pytest.approx(without - full)
    covers = cost < 4
    cover = site.marginal_cover(covers, chosen, weights=weights, fixed=fixed)
    covered = float(weights[covers[:, chosen].any(axis=1)].sum())
    assert sum(g.gain for g in cover) == pytest.approx(covered)
    free = [g.gain for g in cover][len(fixed) :]
    assert free == sorted(free, reverse=True)
    for g in cover:
        rest = [j for j in chosen if j != g.site]
        assert g.loss == pytest.approx(covered - float(weights[covers[:, rest].any(axis=1)].sum()))


def test_ties_are_settled_the_same_way_every_time():
    cost = np.ones((4, 6))
    for siter in site.SITERS.values():
        found = {tuple(siter(cost, p=2).chosen.tolist()) for _ in range(3)}
        assert len(found) == 1
    assert site.p_median(cost, p=2).assigned.tolist() == [site.p_median(cost, p=2).chosen[0]] * 4


def test_infeasibility_names_who_or_what_is_to_blame():
    inf = np.inf
    with pytest.raises(InfeasibleError, match="unreachable") as caught:
        site.p_median([[1, 2], [inf, inf]], p=1)
    assert caught.value.facts == {"demands": [1], "count": 1}
    apart = np.where(np.eye(3) == 1, 1.0, inf)
    with pytest.raises(InfeasibleError, match="too_few") as caught:
        site.p_median(apart, p=2)
    assert caught.value.facts["needed"] == 3
    blocked = np.array([[1, inf, inf], [inf, 1, inf], [1, 1, 1]])
    with pytest.raises(InfeasibleError, match="fixed_in_the_way") as caught:
        site.p_center(blocked, p=2, fixed=[2])
    assert caught.value.facts["needed"] == 3
    assert site.p_median([[1, 2], [inf, inf]], p=1, weights=[1, 0]).assigned.tolist() == [0, -1]
    with pytest.raises(InfeasibleError, match="capacity_short"):
        site.capacitated([[1.0], [1.0]], demand=[2, 2], capacity=[3])
    with pytest.raises(InfeasibleError, match="capacity_unreachable"):
        site.capacitated([[1.0, inf], [1.0, inf]], demand=[2, 2], capacity=[3, 3])
    assert site.capacitated([[1.0]], demand=[2], capacity=inf).objective == 1.0


def test_greedy_alone_would_strand_a_village_but_the_rival_does_not():
    inf = np.inf
    cost = np.array([[0, 9, inf], [0, inf, 9], [0, 9, inf], [inf, 9, inf], [inf, inf, 9.0]])
    assert site.by_gain(cost, p=2).chosen.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"cost": [[1.0, np.nan]], "p": 1}, "bad_cost"),
        ({"cost": [[1.0, -1.0]], "p": 1}, "bad_cost"),
        ({"cost": [1.0, 2.0], "p": 1}, "bad_shape"),
        ({"cost": [[1.0, 2.0]], "p": 0}, "bad_p"),
        ({"cost": [[1.0, 2.0]], "p": 3}, "bad_p"),
        ({"cost": [[1.0, 2.0]], "p": 1.5}, "bad_p"),
        ({"cost": [[1.0, 2.0]], "p": 1, "fixed": [0, 1]}, "bad_p"),
        ({"cost": [[1.0, 2.0]], "p": 1, "fixed": [2]}, "bad_fixed"),
        ({"cost": [[1.0, 2.0]], "p": 1, "weights": [-1.0]}, "bad_number"),
        ({"cost": [[1.0, 2.0]], "p": 1, "weights": [np.nan]}, "bad_number"),
        ({"cost": [[1.0, 2.0]], "p": 1, "weights": [1.0, 1.0]}, "bad_shape"),
        ({"cost": [[1.0, 2.0]], "p": 1, "rel_gap": -0.1}, "bad_option"),
        ({"cost": [[1.0, 2.0]], "p": 1, "time_limit_s": float("nan")}, "bad_option"),
        ({"cost": np.empty((2, 0)), "p": 1}, "bad_p"),
    ],
)
def test_bad_input_is_refused(options, key):
    cost = options.pop("cost")
    with pytest.raises(InputError, match=key):
        site.p_median(cost, **options)


def test_bad_covers_are_refused_and_nobody_to_serve_is_an_answer():
    with pytest.raises(InputError, match="bad_shape"):
        site.max_cover(np.ones(3), p=1)
    with pytest.raises(InputError, match="bad_cost"):
        site.max_cover(sparse.csr_array([[np.nan]]), p=1)
    with pytest.raises(InputError, match="bad_option"):
        site.capacitated([[1.0]], demand=[1], capacity=[1], rel_gap=2)
    assert site.max_cover(sparse.csr_array((3, 2)), p=1).objective == 0.0
    assert site.set_cover(sparse.csr_array((0, 2))).chosen.tolist() == []
    assert site.p_median(np.empty((0, 3)), p=2).chosen.tolist() == [0, 1]
    assert site.p_center(np.empty((0, 3)), p=2, fixed=[2]).chosen.tolist() == [0, 2]
    assert site.capacitated(np.empty((0, 2)), demand=[], capacity=[1, 1]).chosen.tolist() == []


def test_a_search_that_may_stop_early_says_how_far_it_got():
    cost = beasley_graph(200, 5)
    exact = site.p_median(cost, p=10)
    hurried = site.p_median(cost, p=10, time_limit_s=0.0)
    assert hurried.bound <= exact.objective <= hurried.objective
    assert hurried.gap >= 0 and (hurried.status is Status.FEASIBLE) == (hurried.gap > 0)
    loose = site.p_median(cost, p=10, rel_gap=0.05)
    assert loose.bound <= exact.objective <= loose.objective <= loose.bound / 0.949


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: site.p_median([[1, 2], [3]], p=1), "site.not_numbers"),
        (lambda: site.p_median([["near", 2]], p=1), "site.not_numbers"),
        (lambda: site.p_median(sparse.csr_array(np.eye(2)), p=1), "site.not_numbers"),
        (lambda: site.p_median(np.eye(2), p=float("nan")), "site.bad_p"),
        (lambda: site.p_median(np.eye(2), p=None), "site.bad_p"),
        (lambda: site.p_center(np.eye(2), p=True), "site.bad_p"),
        (lambda: site.p_median(np.eye(2), p=1, fixed=[float("nan")]), "site.bad_fixed"),
        (lambda: site.p_median(np.eye(2), p=1, fixed=["0"]), "site.bad_fixed"),
        (lambda: site.p_median(np.eye(2), p=1, weights=["a", "b"]), "site.not_numbers"),
        (lambda: site.p_median(np.eye(2), p=1, time_limit_s="soon"), "site.bad_option"),
        (lambda: site.max_cover([["x", 1]], p=1), "site.not_numbers"),
        (lambda: site.max_cover([[1], [0, 1]], p=1), "site.not_numbers"),
        (lambda: site.set_cover(np.eye(2), fixed=[9]), "site.bad_fixed"),
        (lambda: site.capacitated(np.eye(2), demand=[1, 1], capacity=["big", 1]), "site.not_numbers"),
        (lambda: site.capacitated(np.eye(2), demand=[1, 1], capacity=[2, 2], rel_gap=None), "site.bad_option"),
    ],
)
def test_what_is_no_number_is_refused_by_name(call, key):
    with pytest.raises(InputError) as refused:
        call()
    assert refused.value.key == key


def test_one_fixed_site_needs_no_list():
    assert site.p_median(np.eye(3), p=1, fixed=2).chosen.tolist() == [2]
