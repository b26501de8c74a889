"""Catchments and reach of welfare homes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo_minzheng.engine.welfare import SitingQuestion, far_share, solve_siting

_MINUTES = st.sampled_from([0.0, 5.0, 29.0, 30.0, 31.0, 80.0, np.inf])


@given(arrays(float, st.tuples(st.integers(0, 6), st.integers(1, 4)), elements=_MINUTES), st.integers(0, 9))
def test_far_share_is_what_counting_place_by_place_finds(minutes: np.ndarray, seed: int) -> None:
    persons = np.random.default_rng(seed).integers(0, 5, len(minutes)).astype(float)
    homes = [f"H{k}" for k in range(minutes.shape[1])]
    share = far_share(minutes, persons, homes, 30.0)
    for k, home in enumerate(homes):
        mine = [v for v in range(len(minutes)) if np.isfinite(minutes[v]).any() and int(minutes[v].argmin()) == k]
        total = sum(persons[v] for v in mine)
        far = sum(persons[v] for v in mine if minutes[v, k] > 30.0)
        assert share[home] == (far / total if total else 0.0)


@given(arrays(float, (5, 4), elements=_MINUTES), st.integers(0, 9))
def test_roads_in_pieces_leave_out_as_few_as_can_be(minutes: np.ndarray, seed: int) -> None:
    """One home stands, one is added: first most elderly reached at all, then least minutes."""
    weights = np.random.default_rng(seed).integers(0, 4, 5).astype(float)
    lost = np.isinf(minutes).all(axis=1)
    minutes, weights = np.where(lost[:, None], 0.0, minutes), np.where(lost, 0.0, weights)
    found = solve_siting(SitingQuestion(minutes, weights, 1, 1, 30.0))["median"]
    ranks = []
    for new in (1, 2, 3):
        near = minutes[:, [0, new]].min(axis=1)
        left = np.isinf(near) & (weights > 0)
        ranks.append((weights[left].sum(), (weights * np.where(np.isinf(near), 0.0, near)).sum()))
    near = minutes[:, found.chosen].min(axis=1)
    left = weights[np.isinf(near)].sum()
    assert (left, found.objective) == min(ranks)
    assert found.status == "optimal" and found.bound == found.objective
    assert ((found.assigned < 0) <= np.isinf(near)).all()
