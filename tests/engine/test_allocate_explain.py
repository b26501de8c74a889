import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo_minzheng.engine.allocate import allocate, nearest_first
from geo_minzheng.engine.batches import assign_batches, movable_stock
from geo_minzheng.engine.explain import difference, explain, what_if
from geo_minzheng.errors import InputError
from geo_minzheng.model.allocation import Lorries, Lots

INF = np.inf
TEXT = Path(__file__).parents[2] / "data" / "text"


def only(plan):
    (reason,) = explain(plan)
    return reason


def sentence_exists(*objects):
    texts = [tomllib.loads((TEXT / f"{name}.toml").read_text("utf-8")) for name in ("zh", "en")]
    for thing in objects:
        room, stem, name = thing.text_key.split(".")
        assert all(text[room][stem][name] for text in texts)


def test_nobody_short_nothing_to_explain():
    assert explain(allocate([[9.0]], [[3.0]], [[1.0]])) == ()


def test_no_road():
    reason = only(allocate([[9.0]], [[3.0]], [[INF]]))
    assert (reason.code, reason.short, reason.facts["left_elsewhere"]) == ("no_road", 3, 9)
    sentence_exists(reason)


def test_no_stock_anywhere():
    reason = only(allocate([[0.0]], [[3.0]], [[1.0]]))
    assert (reason.code, reason.warehouses) == ("stock", ())
    assert reason.text_key.endswith("stock_empty")
    sentence_exists(reason)


def test_stock_names_the_bottleneck_and_not_the_rest():
    cost = [[1.0, 1.0, INF, INF], [INF, 1.0, 1.0, INF], [INF, INF, INF, 1.0]]
    plan = allocate([[2.0], [2.0], [9.0]], [[4.0], [4.0], [4.0], [4.0]], cost)
    reasons = {r.village: r for r in explain(plan)}
    assert set(reasons) == {0, 1, 2}
    for reason in reasons.values():
        assert reason.code == "stock"
        assert set(reason.warehouses) <= {0, 1}
        assert 3 not in reason.villages
        assert reason.facts["left_elsewhere"] == 5
    sentence_exists(*reasons.values())


def test_smallest_bottleneck():
    cost = [[1.0, INF, INF], [INF, 1.0, 1.0]]
    plan = allocate([[1.0], [3.0]], [[4.0], [3.0], [3.0]], cost)
    reasons = {r.village: r for r in explain(plan)}
    assert (reasons[0].warehouses, reasons[0].villages) == ((0,), (0,))
    assert (reasons[1].warehouses, reasons[1].villages) == ((1,), (1, 2))


def test_reach_and_deadline():
    assert only(allocate([[9.0]], [[3.0]], [[50.0]], reach=[[False]])).code == "reach"
    late = only(allocate([[9.0]], [[3.0]], [[50.0]], deadline_min=30))
    assert (late.code, late.facts["minutes"], late.facts["deadline_min"]) == ("deadline", 50, 30)
    both = only(allocate([[1.0], [9.0]], [[3.0]], [[10.0], [50.0]], deadline_min=30))
    assert (both.code, both.warehouses, both.facts["left_elsewhere"]) == ("deadline", (0,), 9)
    barred = only(allocate([[1.0], [9.0]], [[3.0]], [[10.0], [50.0]], reach=np.array([[[True]], [[False]]])))
    assert barred.code == "reach"
    sentence_exists(late, both, barred)


def test_remainder_below_a_package():
    reason = only(allocate([[4.0]], [[10.0]], [[1.0]], package=[5.0]))
    assert (reason.code, reason.facts["loose"]) == ("package", 4)
    sentence_exists(reason)


def test_rival_leaves_goods_unused():
    cost = [[10.0, 20.0], [INF, 5.0]]
    plan = nearest_first([[4.0], [4.0]], [[4.0], [4.0]], np.array([[10.0, 2.0], [INF, 5.0]]))
    reason = only(plan)
    assert reason.code == "not_best"
    assert explain(allocate([[4.0], [4.0]], [[4.0], [4.0]], cost)) == ()
    sentence_exists(reason)


def test_one_more_package_goes_to_the_lowest():
    plan = allocate([[5.0]], [[10.0], [1.0], [20.0]], [[1.0, 1.0, INF]])
    found = {w.change: w for w in what_if(plan, village=0, item=0)}
    assert (found["package"].gain, found["package"].receivers, found["package"].needed) == (1, (0,), 1)
    cut = {w.change: w for w in what_if(plan, village=2, item=0)}
    assert "package" not in cut
    assert cut["road"].gain > 0
    sentence_exists(*found.values(), *cut.values())


def test_packages_needed_until_the_village_is_next():
    plan = allocate([[3.0]], [[4.0], [4.0], [8.0]], [[1.0] * 3])
    assert plan.got[0, :, 0].tolist() == [1, 1, 1]
    needs = {v: what_if(plan, village=v, item=0)[0].needed for v in range(3)}
    assert needs == {2: 1, 0: 2, 1: 3}


def test_lorries_without_a_limit_hide_nothing():
    lorries = Lorries(np.array([INF]), kg=np.array([2.0]), tonnage_kg=1500.0, handling_min=10)
    plan = allocate([[3.0]], [[4.0], [4.0], [8.0]], [[1.0] * 3], vehicle_hours=lorries)
    assert {v: what_if(plan, village=v, item=0)[0].needed for v in range(3)} == {2: 1, 0: 2, 1: 3}


def test_what_if_without_deadline_or_hours():
    plan = allocate([[5.0]], [[3.0]], [[50.0]], deadline_min=30)
    assert {w.change: w.gain for w in what_if(plan, village=0, item=0)} == {"road": 3, "deadline": 3}
    plan = allocate([[5.0]], [[3.0]], [[60.0]], vehicle_hours=[2.0])
    found = {w.change: w for w in what_if(plan, village=0, item=0)}
    assert found["lorry_hours"].gain == 1
    assert found["package"].text_key.endswith("_none")
    assert only(plan).code == "lorry_hours"
    sentence_exists(only(plan), *found.values())


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_bottleneck_is_used_up_by_its_villages(seed):
    rng = np.random.default_rng(seed)
    n_w, n_v = int(rng.integers(1, 5)), int(rng.integers(1, 7))
    stock = rng.integers(0, 8, (n_w, 1)).astype(float)
    need = rng.integers(0, 8, (n_v, 1)).astype(float)
    cost = np.where(rng.random((n_w, n_v)) < 0.5, rng.integers(1, 50, (n_w, n_v)), INF)
    plan = allocate(stock, need, cost)
    short = {(s.village, s.item): s for s in explain(plan)}
    missing = plan.need_packed[0] - plan.got[0]
    assert set(short) == {(int(v), int(k)) for v, k in np.argwhere(missing > 0)}
    flow = plan.to_dense()[:, :, 0]
    for (village, _), reason in short.items():
        if reason.code == "stock" and reason.warehouses:
            rows, sharers = list(reason.warehouses), list(reason.villages)
            assert flow[rows].sum() == stock[rows, 0].sum() == flow[:, sharers].sum()
            others = [w for w in range(n_w) if w not in rows and stock[w, 0] > 0]
            assert not np.isfinite(cost[np.ix_(others, [*sharers, village])]).any()
            for change in what_if(plan, village=village, item=0):
                if change.change == "package":
                    more = stock.copy()
                    more[change.warehouse] += change.needed
                    assert allocate(more, need, cost).got[0, village, 0] > plan.got[0, village, 0]
                    if change.needed > 1:
                        more[change.warehouse] -= 1
                        assert allocate(more, need, cost).got[0, village, 0] == plan.got[0, village, 0]
        else:
            assert reason.code in ("no_road", "stock")
            assert plan.got[0, village, 0] == 0


def test_difference_of_a_road_cut():
    stock, need = [[5.0], [5.0]], [[4.0], [4.0]]
    before = allocate(stock, need, [[1.0, 9.0], [9.0, 1.0]])
    after = allocate(stock, need, [[INF, 9.0], [9.0, 1.0]])
    rows = difference(before.moves, after.moves)
    assert list(zip(rows.warehouse, rows.village, rows.before, rows.after, strict=True)) == [
        (0, 0, 4, 0), (1, 0, 0, 4), (0, 1, 0, 3), (1, 1, 4, 1),
    ]  # fmt: skip
    assert rows.is_removed.tolist() == [True, False, False, False]
    assert rows.is_added.tolist() == [False, True, True, False]
    assert rows.is_changed.tolist() == [False, False, False, True]
    assert len(difference(before.moves, before.moves).item) == 0
    empty = allocate([[0.0]], [[1.0]], [[1.0]]).moves
    assert len(difference(empty, empty).item) == 0


def test_first_expired_leaves_first():
    lots = Lots(
        warehouse=np.array([0, 0, 0]), item=np.array([0, 0, 0]), quantity=np.array([7.0, 20.0, 5.0]),
        expiry=np.array([300.0, INF, 100.0]),
    )  # fmt: skip
    stock = movable_stock(lots, [5.0], warehouses=1, items=1)
    assert stock.tolist() == [[30.0]]
    plan = allocate(stock, [[10.0], [10.0]], [[30.0, 10.0]], package=[5.0])
    parts = assign_batches(plan.moves, lots, [5.0])
    rows = [
        (int(plan.moves.village[m]), int(lot), q)
        for m, lot, q in zip(parts.move, parts.lot, parts.quantity, strict=True)
    ]
    assert rows == [(0, 1, 10.0), (1, 0, 5.0), (1, 2, 5.0)]


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_lots_sum_to_moves_and_stay_below_their_stock(seed):
    rng = np.random.default_rng(seed)
    n_w, n_v, n_k, n_lots = 3, 5, 2, int(rng.integers(0, 12))
    package = rng.choice([1.0, 2.5, 4.0], n_k)
    lots = Lots(
        warehouse=rng.integers(0, n_w, n_lots), item=rng.integers(0, n_k, n_lots),
        quantity=rng.integers(0, 30, n_lots).astype(float), expiry=rng.choice([1.0, 2.0, INF], n_lots),
    )  # fmt: skip
    stock = movable_stock(lots, package, warehouses=n_w, items=n_k)
    need = rng.integers(0, 20, (n_v, n_k)).astype(float)
    plan = allocate(
        stock, need, rng.random((n_w, n_v)) * 60, package=package, layers=[np.floor(need / 2), np.ceil(need / 2)]
    )
    parts = assign_batches(plan.moves, lots, package)
    by_move, by_lot = np.zeros(len(plan.moves)), np.zeros(n_lots)
    np.add.at(by_move, parts.move, parts.quantity)
    np.add.at(by_lot, parts.lot, parts.quantity)
    np.testing.assert_allclose(by_move, plan.moves.quantity)
    assert (by_lot <= lots.quantity + 1e-9).all()
    size = package[plan.moves.item[parts.move]]
    np.testing.assert_allclose(parts.quantity / size, np.rint(parts.quantity / size), atol=1e-9)
    assert (lots.warehouse[parts.lot] == plan.moves.warehouse[parts.move]).all()
    assert (lots.item[parts.lot] == plan.moves.item[parts.move]).all()
    for w, k in np.argwhere(stock > 0):
        here = (lots.warehouse == w) & (lots.item == k)
        started, full = here & (by_lot > 0), np.floor(lots.quantity / package[k]) * package[k]
        for lot in np.nonzero(started)[0]:
            earlier = here & (lots.expiry < lots.expiry[lot])
            np.testing.assert_allclose(by_lot[earlier], full[earlier])


def test_lots_that_do_not_suffice():
    lots = Lots(warehouse=np.array([0]), item=np.array([0]), quantity=np.array([3.0]), expiry=np.array([1.0]))
    plan = allocate([[9.0]], [[9.0]], [[1.0]])
    with pytest.raises(InputError, match="lots_short"):
        assign_batches(plan.moves, lots, [1.0])


@pytest.mark.parametrize(
    ("field", "value", "key"),
    [
        ("quantity", [-1.0], "negative"),
        ("item", [7], "unknown_place"),
        ("warehouse", [7], "unknown_place"),
        ("warehouse", [0, 0], "wrong_shape"),
        ("expiry", [np.nan], "not_a_number"),
    ],
)
def test_refuses_bad_lots(field, value, key):
    values = {"warehouse": [0], "item": [0], "quantity": [3.0], "expiry": [1.0], field: value}
    lots = Lots(**{name: np.array(v) for name, v in values.items()})
    with pytest.raises(InputError, match=key):
        movable_stock(lots, [1.0], warehouses=1, items=1)
