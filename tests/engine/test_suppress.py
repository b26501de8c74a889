"""Small cells: the laws of what is withheld, and cases that can be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from differencing import random_counts, recovered, true_tables
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from geo_minzheng.engine import suppress
from geo_minzheng.errors import InputError

LIMIT = 3


def shown(counts, limit=LIMIT):
    """Publish one column by village, town and district; a withheld cell is a star."""
    series = pd.Series(counts, name="cases")
    codes = [str(c) for c in series.index]
    found = suppress.publish_counts(series.to_frame(), [[c[0] for c in codes], ["all"] * len(codes)], limit=limit)
    return [{k: "*" if pd.isna(v) else int(v) for k, v in table["cases"].items()} for table in found.tables]


def test_nothing_is_withheld_where_nothing_is_small():
    assert shown({"a1": 3, "a2": 0, "b1": 7}) == [{"a1": 3, "a2": 0, "b1": 7}, {"a": 3, "b": 7}, {"all": 10}]


def test_a_lonely_small_cell_takes_its_smallest_neighbour_along():
    villages, towns, district = shown({"a1": 2, "a2": 5, "a3": 40, "b1": 9})
    assert villages == {"a1": "*", "a2": "*", "a3": 40, "b1": 9}
    assert towns == {"a": 47, "b": 9} and district == {"all": 56}


def test_two_small_cells_that_could_only_be_one_and_one_take_a_third():
    villages, _, _ = shown({"a1": 1, "a2": 1, "a3": 30, "b1": 9})
    assert villages == {"a1": "*", "a2": "*", "a3": "*", "b1": 9}


def test_a_small_cell_alone_in_its_town_reaches_into_the_next_town():
    villages, towns, district = shown({"a1": 2, "a2": 0, "b1": 9, "b2": 20})
    assert villages == {"a1": "*", "a2": 0, "b1": "*", "b2": 20}
    assert towns == {"a": "*", "b": "*"} and district == {"all": 31}


def test_a_small_district_is_withheld_whole():
    assert shown({"a1": 2, "b1": 0}) == [{"a1": "*", "b1": 0}, {"a": "*", "b": 0}, {"all": "*"}]


def test_persons_of_few_households_are_withheld_with_them():
    counts = pd.DataFrame({"dibao": [1, 8, 9], "persons": [6, 20, 25]}, index=["a1", "a2", "a3"])
    found = suppress.publish_counts(counts, [["a", "a", "a"]], limit=3, follows={"persons": "dibao"})
    hidden = found.tables[0].isna()
    assert hidden.loc["a1"].all() and hidden["persons"].sum() >= 2 and hidden["dibao"].sum() >= 2


@given(seed=st.integers(0, 10**6))
@hypothesis_settings(max_examples=25)
def test_laws(seed):
    frame, plan = random_counts(np.random.default_rng(seed))
    told = {"limit": LIMIT, "wholes": plan.wholes, "follows": plan.follows}
    found = suppress.publish_counts(frame, plan.groups, **told)
    for table, truth in zip(found.tables, true_tables(frame, plan), strict=True):
        pd.testing.assert_index_equal(table.index, truth.index, check_names=False)
        open_cells = table.notna()
        assert (table.astype("float64").where(open_cells, truth) == truth).all(axis=None), (
            "a shown cell is the true cell"
        )
        counted = [c for c in frame.columns if c not in plan.follows]
        small = (truth[counted] >= 1) & (truth[counted] < LIMIT)
        assert not (open_cells[counted] & small).any(axis=None)
        assert (open_cells | (truth > 0) | (table.columns.isin(list(plan.follows)))).all(axis=None), "zeros stay"
    assert recovered(frame, found.tables, plan, LIMIT)[1] == []
    turned = frame.iloc[::-1]
    again = suppress.publish_counts(turned, [g[::-1] for g in plan.groups], **told)
    pd.testing.assert_frame_equal(again.tables[0].loc[frame.index], found.tables[0])
    for one, other in zip(again.tables[1:], found.tables[1:], strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_an_empty_table_has_nothing_to_withhold():
    found = suppress.publish_counts(pd.DataFrame({"cases": pd.Series([], dtype="int64")}), [[], []], limit=3)
    assert found.withheld == 0 and all(t.empty for t in found.tables)


@pytest.mark.parametrize(
    ("counts", "key"),
    [({"all": [3], "part": [2]}, "suppress.not_a_sum"), ({"all": [-1], "part": [-1]}, "suppress.negative")],
)
def test_counts_that_cannot_be_are_refused(counts, key):
    frame = pd.DataFrame(counts, index=["a1"])
    with pytest.raises(InputError) as caught:
        suppress.publish_counts(frame, [["a"]], limit=3, wholes=[("all", ["part"])])
    assert caught.value.key == key
