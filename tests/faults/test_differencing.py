"""The differencing attack: small cells must not come back by subtraction, and the attack must find those that would."""

from __future__ import annotations

import os

import numpy as np
import pytest
from differencing import random_counts, recovered

from geo_minzheng.engine import suppress

TABLES = 3000 if os.environ.get("GEO_MINZHENG_SOAK") else 300
LIMIT = 3


def attack(tables: int) -> tuple[int, int, list[str]]:
    """Attack random districts; count districts, small cells, and what was learnt."""
    cells, learnt = 0, []
    for seed in range(tables):
        frame, plan = random_counts(np.random.default_rng(seed))
        shown = suppress.publish_counts(frame, plan.groups, limit=LIMIT, wholes=plan.wholes, follows=plan.follows)
        found = recovered(frame, shown.tables, plan, LIMIT)
        cells += found[0]
        learnt += [f"seed {seed}: {one}" for one in found[1]]
    return tables, cells, learnt


def test_no_subtraction_recovers_a_small_cell():
    done, cells, learnt = attack(TABLES)
    assert done >= 300
    assert cells >= 5 * done
    assert learnt == []


def primary_only(system, limit):
    """Withhold the small cells and nothing else."""
    small = system.small(limit)
    return (small | ((system.follows >= 0) & small[system.follows])) & ~system.fixed()


def one_more_per_sum(system, limit):
    """Withhold a second cell beside a lonely one, as by hand, once."""
    hidden = primary_only(system, limit)
    for whole, parts in system.sums:
        cells = np.array([whole, *parts])
        if hidden[cells].sum() == 1:
            open_cells = [c for c in cells if not hidden[c] and system.values[c] > 0]
            if open_cells:
                hidden[min(open_cells, key=lambda c: (system.values[c], c))] = True
    return hidden


def forgets_followers(system, limit):
    """Leave the persons of a small number of households in the open."""
    return real(system, limit) & (system.follows < 0)


real = suppress.withhold


@pytest.mark.parametrize("bug", [primary_only, one_more_per_sum, forgets_followers])
def test_planted_weak_suppression_turns_red(monkeypatch, bug):
    monkeypatch.setattr(suppress, "withhold", bug)
    assert attack(40)[2]
