"""Where facilities go: every method under one roof, each with a rival that anybody can follow by hand."""

from __future__ import annotations

from collections.abc import Callable

from geo_minzheng.engine.by_gain import by_gain, by_new_cover, marginal_cover, marginal_gains
from geo_minzheng.engine.capacitated import capacitated
from geo_minzheng.engine.cover import max_cover, set_cover
from geo_minzheng.engine.p_median import p_center, p_median
from geo_minzheng.model.site import SiteGain, Siting

SITERS: dict[str, Callable[..., Siting]] = {"p_median": p_median, "by_gain": by_gain}
"""Least weighted cost with p sites: ``(cost, *, p, weights, fixed) -> Siting``."""

COVERERS: dict[str, Callable[..., Siting]] = {"max_cover": max_cover, "by_new_cover": by_new_cover}
"""Most weight covered with p sites: ``(covers, *, p, weights, fixed) -> Siting``."""

__all__ = [
    "COVERERS",
    "SITERS",
    "SiteGain",
    "Siting",
    "by_gain",
    "by_new_cover",
    "capacitated",
    "marginal_cover",
    "marginal_gains",
    "max_cover",
    "p_center",
    "p_median",
    "set_cover",
]
