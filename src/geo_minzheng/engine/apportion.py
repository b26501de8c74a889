"""Whole numbers out of shares: parts that sum to the whole, rounded by one stated rule."""

from __future__ import annotations

import numpy as np

from geo_minzheng.engine.locate import Ints

PPM = 1_000_000


def apportion(totals: Ints, group: Ints, weights: Ints) -> Ints:
    """Split each group's total over its members in proportion to their weights, by largest remainder.

    ``q_i = total * w_i / sum(w)`` is rounded down; what is left goes one by one to the largest remainders, ties to the
    earlier member (Hamilton's method). A group without weight is split evenly.

    Parameters
    ----------
    totals
        Whole numbers ≥ 0, shape (groups,).
    group
        Group of each member, shape (n,).
    weights
        Whole numbers ≥ 0, shape (n,).

    Returns
    -------
    Whole numbers, shape (n,); they sum to the total in every group that has a member.
    """
    sums = np.bincount(group, weights=weights, minlength=len(totals)).astype(np.int64)
    weights = np.where(sums[group] == 0, 1, weights)
    sums = np.bincount(group, weights=weights, minlength=len(totals)).astype(np.int64)
    product = totals[group] * weights
    share, rest = product // sums[group], product % sums[group]
    lacking = totals - np.bincount(group, weights=share, minlength=len(totals)).astype(np.int64)
    order = np.lexsort((np.arange(len(group)), -rest, group))
    first = np.searchsorted(group[order], np.arange(len(totals)))
    place = np.arange(len(order)) - first[group[order]]
    share[order] += place < lacking[group[order]]
    return np.asarray(share, np.int64)


def ppm(share: float) -> int:
    """Return a share as whole millionths, so that later sums are exact."""
    return round(share * PPM)


def half_up(millionths: Ints) -> Ints:
    """Round millionths to whole numbers, halves up."""
    return (millionths + PPM // 2) // PPM


def scaled(counts: Ints, part: Ints, whole: Ints) -> Ints:
    """Scale counts by ``part / whole``, halves up; 0 where the whole is 0."""
    base = np.maximum(whole, 1)
    return np.asarray(np.where(whole > 0, (2 * counts * part + base) // (2 * base), 0), np.int64)


def split_evenly(persons: int, most: int) -> list[int]:
    """Split people into the fewest households of at most ``most`` [persons], sizes differing by one at most."""
    count = -(-persons // most)
    return [persons // count + (k < persons % count) for k in range(count)] if count else []
