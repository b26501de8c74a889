"""The cases of a programme are read as a bureau writes them; what cannot be read is refused by its name."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from geo_minzheng.engine import programme
from geo_minzheng.engine.case_list import read_cases
from geo_minzheng.errors import InputError


def two_cases(**columns):
    told = {"case": ["a", "b"], "tier": [1, 1], "score": [5.0, 5.0], "subsidy_yuan": [10.0, 20.0]}
    return pd.DataFrame(told | columns)


@pytest.mark.parametrize(
    ("later", "sooner"),
    [
        ("2026-02-01", "2026-01-01T08:00"),
        ("2026-02-01", "2026-01-01 08:00:00+08:00"),
        ("2026/2/1", "2026-1-1"),
        (date(2026, 2, 1), "2026-01-01"),
        (pd.Timestamp("2026-02-01"), date(2026, 1, 1)),
        (None, "2026-01-01"),
        ("", "2026-01-01"),
    ],
)
def test_who_applied_sooner_comes_first_however_the_day_is_written(later, sooner):
    assert read_cases(two_cases(applied_at=[later, sooner])).ids == ["b", "a"]


@pytest.mark.parametrize(
    ("cases", "key"),
    [
        (None, "programme.not_table"),
        ([{"case": "a"}], "programme.not_table"),
        (two_cases(case=[None, "b"]), "programme.no_case"),
        (two_cases(case=["a", " "]), "programme.no_case"),
        (two_cases(tier=[1.5, 1]), "programme.bad_case"),
        (two_cases(persons=[1, 2.5]), "programme.bad_case"),
        (two_cases(applied_at=["2026-01-01", "no_such_day"]), "programme.bad_date"),
    ],
)
def test_what_is_no_case_is_refused_by_name(cases, key):
    for call in (lambda: programme.strict_order(cases, budget_yuan=9), lambda: programme.optimum(cases, budgets=9)):
        with pytest.raises(InputError) as refused:
            call()
        assert refused.value.key == key


@pytest.mark.parametrize("limit", [1.5, -1, "5", float("nan"), np.inf, [1]])
def test_households_are_counted_in_whole_numbers(limit):
    for call in (
        lambda: programme.strict_order(two_cases(), budget_yuan=99, quota=limit),
        lambda: programme.optimum(two_cases(), budgets=99, quotas=limit),
        lambda: programme.optimum(two_cases(), budgets=99, floors=limit),
    ):
        with pytest.raises(InputError, match="bad_limit"):
            call()


@pytest.mark.parametrize("names", ["a", 3])
def test_the_must_finish_list_is_a_list(names):
    with pytest.raises(InputError, match="bad_limit"):
        programme.strict_order(two_cases(), budget_yuan=99, must_finish=names)


def test_a_floor_for_all_is_a_bare_number():
    assert len(programme.optimum(two_cases(), budgets=99, floors=2).chosen) == 2
