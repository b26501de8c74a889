"""Which backups are kept: the last of each of the newest days, weeks and months, and the newest always."""

from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from geo_minzheng.engine.retention import to_keep

START = datetime(2026, 1, 1, 12)


def days(count, each=1):
    return [START + timedelta(days=k / each) for k in range(count * each)]


def test_a_year_of_days_leaves_days_weeks_and_months():
    made = days(365, each=2)
    kept = sorted(made[k] for k in to_keep(made, {"daily": 7, "weekly": 4, "monthly": 12}))
    assert kept[-1] == made[-1]
    assert sum(k >= made[-1] - timedelta(days=7) for k in kept) == 7
    assert len({f"{k:%Y-%m}" for k in kept}) == 12
    assert len(kept) <= 7 + 4 + 12


def test_of_one_day_the_last_is_kept():
    made = [START.replace(hour=h) for h in (1, 5, 23)]
    assert to_keep(made, {"daily": 7, "weekly": 4, "monthly": 12}) == {2}


def test_days_without_a_backup_are_not_counted():
    made = [START, START + timedelta(days=40), START + timedelta(days=41)]
    assert to_keep(made, {"daily": 3, "weekly": 0, "monthly": 0}) == {0, 1, 2}


@given(st.lists(st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)), max_size=60), st.integers(0, 9))
def test_the_newest_is_kept_whatever_the_policy_says(moments, count):
    made = sorted(moments)
    kept = to_keep(made, {"daily": count, "weekly": count, "monthly": count})
    assert kept <= set(range(len(made)))
    assert not made or len(made) - 1 in kept
    assert len(kept) <= 3 * count + 1
