"""Catchments and reach of welfare homes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from geo_minzheng.engine.welfare import far_share

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
