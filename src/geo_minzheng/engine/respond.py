"""Which response level the figures suggest; a person decides."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from geo_minzheng.errors import InputError
from geo_minzheng.model.incident import Condition, LevelAdvice
from geo_minzheng.model.policy import LevelRule


def advise_level(values: Mapping[str, float | None], conditions: Sequence[LevelRule]) -> LevelAdvice:
    """Advise a level of the 自然灾害救助应急响应: the gravest of which any condition holds.

    ``value = sum(coefficient * indicator)``; a condition holds when ``value >= lower`` ("以上" includes the number:
    a level covers ``[lower, upper)``). Rooms and households are conditions of their own.

    Parameters
    ----------
    values
        Confirmed (or, for a forecast, projected) value by indicator [its unit]; ``None`` or NaN is 未掌握: counted as 0
        and named in the condition's ``unknown``. A missing indicator is not part of the report and counts 0.
    conditions
        Bounds of the policy in force.

    Raises
    ------
    InputError
        ``respond.bad_value``: negative or infinite value.
    """
    for indicator, value in values.items():
        if value is not None and (value < 0 or math.isinf(value)):
            raise InputError("respond.bad_value", indicator=indicator, value=value)
    ranked = sorted(conditions, key=lambda rule: (rule.rank, rule.condition))
    judged = [(rule.rank, _judge(values, rule)) for rule in ranked]
    met = [rank for rank, condition in judged if condition.is_met]
    highest = min(met, default=None)
    above = [rank for rank, _ in judged if highest is None or rank < highest]
    next_rank = max(above, default=None)
    candidates = [condition for rank, condition in judged if rank == next_rank]
    nearest = min(candidates, key=lambda c: c.distance / c.bound if c.bound else 0.0, default=None)
    return LevelAdvice(
        level=next((c.level for rank, c in judged if rank == highest), None),
        conditions=tuple(condition for _, condition in judged),
        next_level=nearest.level if nearest else None,
        next_condition=nearest,
    )


def _judge(values: Mapping[str, float | None], rule: LevelRule) -> Condition:
    known: list[float] = []
    unknown: list[str] = []
    for indicator, coefficient in rule.terms:
        value = values.get(indicator, 0.0)
        if value is None or math.isnan(value):
            unknown.append(indicator)
        else:
            known.append(coefficient * value)
    total = math.fsum(known)
    return Condition(
        level=rule.level,
        indicator=" + ".join(_term(indicator, coefficient) for indicator, coefficient in rule.terms),
        value=total,
        bound=rule.lower,
        distance=max(0.0, rule.lower - total),
        unit=rule.unit,
        is_met=total >= rule.lower,
        source=rule.source,
        condition=rule.condition,
        name_zh=rule.name_zh,
        name_en=rule.name_en,
        decider=rule.decider,
        unknown=tuple(unknown),
    )


def _term(indicator: str, coefficient: float) -> str:
    return indicator if coefficient == 1 else f"{coefficient:g} × {indicator}"


def project_values(values: Mapping[str, float | None]) -> dict[str, float | None]:
    """Complete an estimate for the forecast test ("可能出现"): what is there now has at least occurred.

    A missing ``x_cum`` is taken from ``x_now``, a missing ``x_rooms`` from ``x_dwelling_rooms``; nothing that is stated
    changes.
    """
    projected = dict(values)
    for name, value in values.items():
        if name.endswith("_now"):
            projected.setdefault(f"{name.removesuffix('_now')}_cum", value)
        elif name.endswith("_dwelling_rooms"):
            projected.setdefault(name.replace("_dwelling_rooms", "_rooms"), value)
    return projected
