"""Which backups to keep: the newest of each of the last days, weeks and months."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

_PERIODS: dict[str, Callable[[datetime], str]] = {
    "daily": lambda moment: f"{moment:%Y-%m-%d}",
    "weekly": lambda moment: f"{moment:%G-%V}",
    "monthly": lambda moment: f"{moment:%Y-%m}",
}


def to_keep(moments: Sequence[datetime], counts: Mapping[str, int]) -> set[int]:
    """Choose the backups to keep: of each of the newest periods that have any, the last one; the newest always.

    Parameters
    ----------
    moments
        When each backup was made, oldest first.
    counts
        How many periods of ``daily``, ``weekly``, ``monthly`` to keep.

    Returns
    -------
    Indices into ``moments``.
    """
    kept = {len(moments) - 1} if moments else set()
    for name, period in _PERIODS.items():
        last = {period(moment): k for k, moment in enumerate(moments)}
        kept |= {last[key] for key in sorted(last, reverse=True)[: counts[name]]}
    return kept
