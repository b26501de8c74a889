from itertools import product

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from shapely.geometry import Point

from geo_minzheng.engine import choose, programme, solve
from geo_minzheng.errors import InfeasibleError, InputError
from geo_minzheng.model.housing import CaseCluster, NextUnfunded, SkipKind, StoppedBy
from geo_minzheng.model.solution import Status


def cases(*rows, **columns):
    """Rows of (case, tier, score, subsidy)."""
    frame = pd.DataFrame(rows, columns=["case", "tier", "score", "subsidy_yuan"])
    return frame.assign(**({"programme": "adobe_elimination", "persons": 1} | columns))


def ids(result):
    return [c.case for c in result.chosen]


def random_cases(rng, n, options=1, resolution=6):
    rows = []
    for i in range(n):
        tier, town, when = (
            int(rng.integers(1, 4)),
            f"42070310{rng.integers(0, 3)}",
            pd.Timestamp(2024, 1, 1 + int(rng.integers(0, 5))),
        )
        for k in range(int(rng.integers(1, options + 1))):
            score = round(float(rng.choice([rng.uniform(0, 100), rng.integers(0, 4) * 10.0])), resolution)
            money = float(rng.choice([3000.0, 5000.0, 7200.0, 7200.0, 10800.0, 14400.0, round(rng.uniform(0, 9e3), 2)]))
            rows.append(
                {
                    "case": f"c{i:02}", "tier": tier, "score": score, "subsidy_yuan": money,
                    "persons": int(rng.integers(0, 7)), "town": town, "applied_at": when, "programme": "p",
                    "method": f"m{k}", "year": str(rng.integers(2024, 2026)),
                    "eligible": rng.random() > 0.1, "gate_reason": "not_sole_residence",
                }
            )  # fmt: skip
    frame = pd.DataFrame(rows)
    return frame.assign(subsidy_yuan=frame["subsidy_yuan"].where(rng.random(len(frame)) >= 0.08))


def vector(rows, tiers):
    """What the optimum compares: per tier points [1e-6], persons, minus money [fen]."""
    out = []
    for tier in tiers:
        mine = [r for r in rows if r[0] == tier]
        out += [sum(r[1] for r in mine), sum(r[2] for r in mine), -sum(r[3] for r in mine)]
    return tuple(out)


def as_rows(result):
    return [(c.tier, round(c.score * 1e6), c.persons, round(c.subsidy_yuan * 100)) for c in result.chosen]


def brute_force(frame, budgets, quotas, floors):
    usable = frame[frame["eligible"] & frame["subsidy_yuan"].notna()]
    choices = [[None, *group.index] for _, group in usable.groupby("case")]
    tiers, best = sorted(usable["tier"].unique()), None
    table = usable.to_dict("index")

    def members(chosen, key):
        return [
            r for r in chosen if all(part in (r["programme"], r["town"], r["year"]) for part in key.split("/") if part)
        ]

    for pick in product(*choices):
        chosen = [table[i] for i in pick if i is not None]
        if any(
            sum(round(r["subsidy_yuan"] * 100) for r in members(chosen, k)) > round(b * 100) for k, b in budgets.items()
        ):
            continue
        if any(len(members(chosen, k)) > q for k, q in quotas.items()) or any(
            len(members(chosen, k)) < f for k, f in floors.items()
        ):
            continue
        got = vector(
            [(r["tier"], round(r["score"] * 1e6), r["persons"], round(r["subsidy_yuan"] * 100)) for r in chosen], tiers
        )
        best = got if best is None or got > best else best
    return best, tiers


def test_strict_order_stops_where_the_next_case_does_not_fit():
    got = programme.strict_order(
        cases(("a", 1, 50, 10800), ("b", 1, 40, 14400), ("c", 2, 90, 3000), ("d", 3, 1, 0)), budget_yuan=20000.5
    )
    assert ids(got) == ["a"]
    assert (got.stopped_by, got.next_unfunded) == (StoppedBy.BUDGET, NextUnfunded("b", 5199.5))
    assert [(s.case, s.kind, s.reason) for s in got.skipped] == [(c, SkipKind.BUDGET, "budget") for c in "bcd"]
    assert (got.budget_yuan, got.spent_yuan, got.programme) == (20000.5, 10800.0, "adobe_elimination")


def test_order_is_tier_then_score_then_application_then_id():
    when = pd.to_datetime(["2024-03-01", "2024-02-01", "2024-02-01", None, "2024-05-01", "2024-05-01"])
    rows = [
        ("e", 1, 50, 1),
        ("d", 1, 50.0000004, 1),
        ("c", 1, 50, 1),
        ("b", 1, 50, 1),
        ("z", 1, 60, 1),
        ("a", 2, 99, 1),
    ]
    got = programme.strict_order(cases(*rows, applied_at=when), budget_yuan=100)
    assert ids(got) == ["z", "c", "d", "e", "b", "a"]
    assert (got.stopped_by, got.next_unfunded, got.skipped) == (StoppedBy.LIST_END, None, ())
    assert [c.rank for c in got.chosen] == [1, 2, 3, 4, 5, 6]


def test_list_runs_to_the_stretch_quota_and_marks_what_lies_beyond_the_target():
    listed = cases(*((f"c{i}", 1, 90 - i, 3000) for i in range(6)))
    got = programme.strict_order(listed, budget_yuan=1e6, quota=2, stretch_quota=4)
    assert [(c.case, c.beyond_target) for c in got.chosen] == [("c0", False), ("c1", False), ("c2", True), ("c3", True)]
    assert (got.stopped_by, got.next_unfunded, got.quota, got.stretch_quota) == (StoppedBy.QUOTA, None, 2, 4)
    assert [(s.case, s.reason) for s in got.skipped] == [("c4", "quota"), ("c5", "quota")]
    assert len(programme.strict_order(listed, budget_yuan=1e6, quota=2).chosen) == 2
    assert programme.strict_order(listed, budget_yuan=1e6, quota=6).stopped_by == StoppedBy.LIST_END
    assert programme.strict_order(listed, budget_yuan=9000, quota=2, stretch_quota=4).next_unfunded == NextUnfunded(
        "c3", 3000.0
    )


def test_gates_and_missing_figures_are_skipped_with_their_reason_and_stop_nobody():
    listed = cases(
        ("a", 1, 9, None), ("b", 1, 8, 5000), ("c", None, None, 5000), ("d", 1, 7, np.nan), ("e", 2, 7, 5000),
        eligible=[True, True, False, True, None], gate_reason=["", None, "not_sole_residence", "", "kin_undeclared"],
        missing_key=["subsidies.adobe_elimination.low_income", "", "", None, ""],
    )  # fmt: skip
    got = programme.strict_order(listed, budget_yuan=1e5, quota=1)
    assert ids(got) == ["b"]
    assert {(s.case, s.kind, s.reason) for s in got.skipped} == {
        ("a", SkipKind.MISSING_VALUE, "subsidies.adobe_elimination.low_income"),
        ("d", SkipKind.MISSING_VALUE, "subsidies.adobe_elimination"),
        ("c", SkipKind.GATE, "not_sole_residence"),
        ("e", SkipKind.GATE, "kin_undeclared"),
    }
    assert got.stopped_by == StoppedBy.LIST_END
    assert {s.case for s in programme.optimum(listed, budgets=0).skipped} == set("abcde")


def test_must_finish_shows_cost_and_gap():
    listed = cases(("a", 1, 9, 7200), ("b", 1, 8, 10800), ("c", 1, 7, 14400), ("d", 1, 6, None))
    got = programme.strict_order(listed, budget_yuan=20000, must_finish=["c", "a", "d"]).must_finish
    assert (got.cases, got.cost_yuan, got.gap_yuan) == (3, 21600.0, 1600.0)
    assert (got.unfinished, got.unfinished_yuan, got.without_figure) == (("c", "d"), 14400.0, ("d",))
    assert programme.strict_order(listed, budget_yuan=20000).must_finish is None
    assert programme.strict_order(listed, budget_yuan=20000, must_finish=[]).must_finish.cases == 0


def test_parts_and_rule_travel_with_the_case():
    listed = cases(("a", 1, 60, 5000), part_risk=[40.0], part_wait=[20.0], rule=["消坯-低收入"], town=["420703100"])
    chosen = programme.strict_order(listed, budget_yuan=5000).chosen[0]
    assert (chosen.parts, chosen.rule, chosen.town) == ({"risk": 40.0, "wait": 20.0}, "消坯-低收入", "420703100")
    as_mapping = cases(("a", 1, 60, 5000)).assign(parts=[{"risk": 60}])
    assert programme.optimum(as_mapping, budgets=5000).chosen[0].parts == {"risk": 60.0}


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_strict_order_is_a_prefix_and_nothing_is_lost(seed):
    rng = np.random.default_rng(seed)
    listed = random_cases(rng, int(rng.integers(1, 15)))
    quota = None if rng.random() < 0.5 else int(rng.integers(0, 8))
    got = programme.strict_order(listed, budget_yuan=float(rng.integers(0, 80000)), quota=quota)
    open_rows = listed[listed["eligible"] & listed["subsidy_yuan"].notna()]
    want = open_rows.assign(minus=-open_rows["score"]).sort_values(["tier", "minus", "applied_at", "case"])
    assert ids(got) == want["case"].tolist()[: len(got.chosen)]
    assert {s.case for s in got.skipped} | set(ids(got)) == set(listed["case"])
    assert len(got.skipped) + len(got.chosen) == len(listed)
    assert got.spent_yuan == pytest.approx(sum(c.subsidy_yuan for c in got.chosen))
    assert got.spent_yuan <= got.budget_yuan
    if got.next_unfunded:
        missing = want["subsidy_yuan"].iloc[len(got.chosen)] - (got.budget_yuan - got.spent_yuan)
        assert got.next_unfunded == NextUnfunded(want["case"].iloc[len(got.chosen)], pytest.approx(missing))
        assert missing > 0
    assert (
        programme.strict_order(listed.sample(frac=1, random_state=seed % 99), budget_yuan=got.budget_yuan, quota=quota)
        == got
    )


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0, 2, 6]))
def test_optimum_is_what_trying_everything_finds(seed, resolution):
    rng = np.random.default_rng(seed)
    listed = random_cases(rng, int(rng.integers(1, 9)), options=int(rng.integers(1, 4)), resolution=resolution)
    budgets = {"": float(rng.integers(0, 60000)), "2024": float(rng.integers(0, 40000))}
    quotas = {
        "p": int(rng.integers(0, 8)),
        "420703100": int(rng.integers(1, 4)),
        "420703101/2025": int(rng.integers(0, 3)),
    }
    floors = {"420703102": int(rng.integers(0, 3))} if rng.random() < 0.5 else {}
    want, tiers = brute_force(listed, budgets, quotas, floors)
    if want is None:
        with pytest.raises(InfeasibleError) as caught:
            programme.optimum(listed, budgets=budgets, quotas=quotas, floors=floors)
        assert "floor 420703102" in str(caught.value.facts["limits"])
        return
    got = programme.optimum(listed, budgets=budgets, quotas=quotas, floors=floors)
    assert vector(as_rows(got), tiers) == want
    assert (got.status, got.gap) == (Status.OPTIMAL, 0.0)
    assert [s.name for s in got.stages] == [f"tier{t}:{g}" for t in tiers for g in ("points", "persons", "yuan")]
    assert all(s.objective == s.bound for s in got.stages)
    assert len(set(ids(got))) == len(got.chosen)
    assert (
        programme.optimum(listed.sample(frac=1, random_state=1), budgets=budgets, quotas=quotas, floors=floors) == got
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_optimum_is_never_below_the_strict_order_and_the_cost_says_by_how_much(seed):
    rng = np.random.default_rng(seed)
    listed = random_cases(rng, int(rng.integers(1, 40)))
    budget, quota = float(rng.integers(0, 150000)), int(rng.integers(0, 20))
    strict = programme.strict_order(listed, budget_yuan=budget, quota=quota)
    best = programme.optimum(listed, budgets=budget, quotas=quota)
    tiers = sorted(listed["tier"].unique())
    assert vector(as_rows(best), tiers) >= vector(as_rows(strict), tiers)
    cost = programme.cost_of_order(strict, best)
    ours, theirs = vector(as_rows(strict), tiers), vector(as_rows(best), tiers)
    by_tier = {d.tier: d for d in cost.tiers}
    for k, tier in enumerate(tiers):
        if tier in by_tier:
            d = by_tier[tier]
            assert (round(d.points * 1e6), d.persons, -round(d.yuan * 100)) == tuple(
                b - a for a, b in zip(ours[3 * k : 3 * k + 3], theirs[3 * k : 3 * k + 3], strict=True)
            )
    assert set(cost.only_in_order) == set(ids(strict)) - set(ids(best))
    assert sum(d.cases for d in cost.tiers) == len(best.chosen) - len(strict.chosen)


def test_rows_nothing_tells_apart_are_taken_in_the_strict_order():
    listed = cases(*((f"c{i}", 1, 50, 3000) for i in (3, 1, 2, 0)))
    assert ids(programme.optimum(listed, budgets=6000)) == ["c0", "c1"]
    assert ids(programme.optimum(listed, budgets={"adobe_elimination": 1e6}, quotas=3)) == ["c0", "c1", "c2"]


def test_conflict_names_the_smallest_set_of_limits_to_blame():
    listed = cases(*((f"c{i}", 1, 50, 3000) for i in range(6)), town=list("aabbcc"))
    with pytest.raises(InfeasibleError) as caught:
        programme.optimum(listed, budgets=5000, quotas={"a": 1, "": 6}, floors={"b": 1, "c": 1})
    assert caught.value.facts["limits"] == "budget * = 5000, floor b = 1, floor c = 1"
    with pytest.raises(InfeasibleError) as caught:
        programme.optimum(listed, budgets=1e9, quotas={"a": 1}, floors={"a": 2})
    assert caught.value.facts["limits"] == "quota a = 1, floor a = 2"
    with pytest.raises(InfeasibleError) as caught:
        programme.optimum(listed, budgets=1e9, floors={"a": 2, "no_such_town": 1})
    assert caught.value.facts["limits"] == "floor no_such_town = 1"


def test_nothing_to_choose_is_an_answer():
    got = programme.optimum(cases(("a", 1, 5, None)), budgets=100)
    assert (got.chosen, got.stages, got.status, got.objective) == ((), (), Status.OPTIMAL, 0)
    assert programme.optimum(cases(("a", 1, 5, 200)), budgets=100).chosen == ()
    assert programme.strict_order(cases(), budget_yuan=0).stopped_by == StoppedBy.LIST_END


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: programme.strict_order(cases(("a", 1, 5, 1)), budget_yuan=-1), "programme.bad_limit"),
        (lambda: programme.strict_order(cases(("a", 1, 5, 1)), budget_yuan=float("nan")), "programme.bad_limit"),
        (
            lambda: programme.strict_order(cases(("a", 1, 5, 1)), budget_yuan=1, quota=5, stretch_quota=4),
            "programme.bad_limit",
        ),
        (
            lambda: programme.strict_order(cases(("a", 1, 5, 1), ("a", 2, 5, 1)), budget_yuan=1),
            "programme.duplicate_case",
        ),
        (
            lambda: programme.strict_order(cases(("a", 1, 5, 1), ("b", 2, 5, 1), programme=["x", "y"]), budget_yuan=1),
            "programme.several_programmes",
        ),
        (
            lambda: programme.strict_order(cases(("a", 1, 5, 1)), budget_yuan=1, must_finish=["no_such_case"]),
            "programme.unknown_case",
        ),
        (
            lambda: programme.strict_order(cases(("a", 1, 5, 1)).drop(columns="tier"), budget_yuan=1),
            "programme.missing_column",
        ),
        (lambda: programme.strict_order(cases(("a", 1, None, 1)), budget_yuan=1), "programme.bad_case"),
        (lambda: programme.strict_order(cases(("a", 1, 5, -1)), budget_yuan=1), "programme.bad_case"),
        (lambda: programme.strict_order(cases(("a", 1, float("inf"), 1)), budget_yuan=1), "programme.bad_case"),
        (lambda: programme.optimum(cases(("a", 1, 5, 1)), budgets={"no_such_programme": 9}), "programme.no_budget"),
        (lambda: programme.optimum(cases(("a", 1, 5, 1)), budgets=-1), "programme.bad_limit"),
    ],
)
def test_wrong_inputs_are_refused_by_name(call, key):
    with pytest.raises(InputError) as caught:
        call()
    assert caught.value.key == key


def test_clusters_need_enough_cases_within_the_radius():
    at = {"a": (0, 0), "b": (300, 0), "c": (600, 0), "d": (900.1, 0), "e": (5000, 0), "f": (5100, 0), "g": (0, 300)}
    places = gpd.GeoSeries({k: Point(v) for k, v in at.items()} | {"z": Point()}, crs="EPSG:4547")
    got = programme.clusters(places.sample(frac=1, random_state=3), radius_m=300, min_cases=3)
    assert got == (CaseCluster(("a", "b", "c", "g"), 225.0, 75.0),)
    assert programme.clusters(places, radius_m=300, min_cases=2)[1].cases == ("e", "f")
    assert programme.clusters(places.iloc[:0], radius_m=300, min_cases=3) == ()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_dense_case_is_in_a_cluster(seed):
    rng = np.random.default_rng(seed)
    xy = np.round(rng.uniform(0, 1500, (int(rng.integers(1, 30)), 2)), -2)
    places = gpd.GeoSeries([Point(p) for p in xy], index=[f"c{i:02}" for i in range(len(xy))])
    got = programme.clusters(places, radius_m=300, min_cases=3)
    near = np.hypot(*(xy[:, None] - xy[None]).transpose(2, 0, 1)) <= 300
    dense = near.sum(axis=1) >= 3
    listed = [c for cluster in got for c in cluster.cases]
    assert sorted(listed) == [f"c{i:02}" for i in range(len(xy)) if (near[i] & dense).any()]
    assert len(set(listed)) == len(listed)


@pytest.mark.parametrize("name", sorted(programme.PROGRAMMERS))
def test_every_programmer_stays_inside_the_money_and_explains_the_rest(name):
    listed = random_cases(np.random.default_rng(5), 30)
    limit = {"budget_yuan": 60000.0, "quota": 9} if name == "strict_order" else {"budgets": 60000.0, "quotas": 9}
    got = programme.PROGRAMMERS[name](listed, **limit)
    assert got.spent_yuan <= 60000
    assert len(got.chosen) <= 9
    assert {s.case for s in got.skipped} | set(ids(got)) == set(listed["case"])


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_small_core_finds_what_one_large_model_finds(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(5, 120))
    case = np.sort(rng.integers(0, max(n // 2, 1), n))
    case = np.unique(case, return_inverse=True)[1].astype(np.int64)
    rows = np.array([rng.integers(1, 90, n), np.ones(n, int), rng.integers(0, 2, n), rng.integers(0, 2, n)])
    low = np.array([-choose.NO_LIMIT, -choose.NO_LIMIT, 1, -choose.NO_LIMIT])
    high = np.array([int(rng.integers(60, 900)), int(rng.integers(1, 30)), choose.NO_LIMIT, 6])
    worth = rng.integers(-5, 10_000, n)
    once = np.zeros((int(case.max()) + 1, n))
    once[case, np.arange(n)] = 1
    model = solve.LinearModel(
        cost=worth.astype(float),
        lower=np.zeros(n),
        upper=np.ones(n),
        matrix=sparse.csc_array(np.vstack([rows, once])),
        row_lower=np.append(np.where(low < -1, -np.inf, low), np.zeros(len(once))),
        row_upper=np.append(np.where(high > 1e9, np.inf, high), np.ones(len(once))),
        integer=np.ones(n, bool),
        maximise=True,
    )
    problem = choose.Choice(case, rows, low, high)
    with pytest.MonkeyPatch.context() as patch:
        for name, small in (("_FIRST_CORE", 3), ("_FIRST_COLUMNS", 4), ("_NEW_COLUMNS", 4)):
            patch.setattr(choose, name, small)
        try:
            want = solve.solve_linear(model)
        except InfeasibleError:
            with pytest.raises(InfeasibleError):
                choose.maximise(problem, worth)
            return
        got = choose.maximise(problem, worth)
        again = choose.maximise(problem, worth, start=np.rint(want.x).astype(int))
    assert got.value == got.bound == again.value == again.bound == round(want.objective)
    assert problem.is_kept_by(got.x)
    assert got.alive[got.x > 0].all()
    assert got.alive[np.rint(want.x) > 0].all()


def test_prices_bound_closely_so_that_the_core_stays_small():
    rng = np.random.default_rng(1)
    n = 20_000
    rows = np.array([rng.integers(1, 90, n), np.ones(n, int)])
    problem = choose.Choice(np.arange(n), rows, np.full(2, -choose.NO_LIMIT), np.array([40_000, 1000]))
    got = choose.maximise(problem, rng.integers(1, 100_000, n))
    assert got.value == got.bound
    assert got.alive.sum() < 1500


def test_case_numbers_may_be_numbers():
    frame = pd.DataFrame({"case": [7, 8], "tier": [1, 1], "score": [5.0, 6.0], "subsidy_yuan": [100.0, 200.0]})
    found = programme.strict_order(frame, budget_yuan=250, must_finish=[7, 8])
    assert [c.case for c in found.chosen] == ["8"] and found.must_finish.unfinished == ("7",)
    with pytest.raises(InputError) as refused:
        programme.strict_order(frame, budget_yuan=250, must_finish=[9])
    assert refused.value.key == "programme.unknown_case"


@pytest.mark.parametrize("money", [float("nan"), float("inf"), -1, 1e300, "many", None, [1]])
def test_money_that_is_no_amount_is_refused(money):
    frame = pd.DataFrame({"case": ["a"], "tier": [1], "score": [5.0], "subsidy_yuan": [100.0]})
    for call in (
        lambda: programme.strict_order(frame, budget_yuan=money),
        lambda: programme.optimum(frame, budgets={"": money}),
        lambda: programme.optimum(frame, budgets=500, quotas={"": money}),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert refused.value.key == "programme.bad_limit"
