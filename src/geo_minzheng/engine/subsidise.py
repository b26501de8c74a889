"""What a renovation case is paid, and by which clause."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

import pandas as pd

from geo_minzheng.errors import InputError, MissingValueError, RefusedError
from geo_minzheng.model.housing_rules import SubsidyRule


@dataclass(frozen=True)
class SubsidyCase:
    """What the subsidy of a case depends on.

    Parameters
    ----------
    household_size
        Family members [persons].
    floor_area_m2, estimated_cost_yuan, approved_yuan
        Area [m2], cost [yuan] and an approver's amount within the range [yuan]; ``None`` where there is none.
    """

    programme: str
    assistance_tier: str
    household_size: int
    safety_grade: str = ""
    renovation_method: str = ""
    floor_area_m2: float | None = None
    estimated_cost_yuan: float | None = None
    approved_yuan: float | None = None


@dataclass(frozen=True)
class Subsidy:
    """An amount [yuan] with the rule and clause it rests on."""

    amount_yuan: float
    rule: str
    source: str


def subsidy(case: SubsidyCase, rules: Sequence[SubsidyRule]) -> Subsidy:
    """Find the one rule that covers a case and compute its amount.

    Shapes: ``by_household_size``, ``by_tier``, ``by_grade_and_category``: the band's amount, or the approver's amount
    within the band's range; ``per_m2_with_cap``: ``min(rate * min(area, area_max), cap)``; ``by_cost_with_cap``:
    ``min(cost, cap)``. Rounded to the fen.

    Raises
    ------
    MissingValueError
        ``policy.missing_value``: no rule (key ``subsidies.<programme>.<tier>``), or the case lacks what the shape needs
        (key ``case.<column>``), or an approver has not yet set the amount.
    RefusedError
        ``subsidise.outside_range``: the approver's amount is outside the range.
    InputError
        ``subsidise.ambiguous_rule``: two rules cover the case; ``subsidise.bad_size``.
    """
    if case.household_size < 1:
        raise InputError("subsidise.bad_size", value=case.household_size)
    key = f"subsidies.{case.programme}.{case.assistance_tier}"
    found = [rule for rule in rules if _covers(rule, case)]
    if not found:
        of_tier = [r for r in rules if r.programme == case.programme and r.tier == case.assistance_tier]
        if of_tier:
            key = f"{key}.{case.safety_grade or 'no_grade'}.{case.renovation_method or 'no_method'}"
        raise MissingValueError("policy.missing_value", key=key, file="subsidies.csv")
    if len(found) > 1:
        names = [rule.rule for rule in found]
        raise InputError("subsidise.ambiguous_rule", key=key, rules=names, file="subsidies.csv")
    rule = found[0]
    return Subsidy(_fen(_amount(rule, case, key)), rule.rule, rule.source)


def _covers(rule: SubsidyRule, case: SubsidyCase) -> bool:
    return (
        rule.programme == case.programme
        and rule.tier == case.assistance_tier
        and rule.persons_min <= case.household_size
        and (rule.persons_max is None or case.household_size <= rule.persons_max)
        and (not rule.grades or case.safety_grade in rule.grades)
        and (not rule.methods or case.renovation_method in rule.methods)
    )


def _amount(rule: SubsidyRule, case: SubsidyCase, key: str) -> Decimal:
    if rule.shape == "per_m2_with_cap":
        area = _exact(_needed(case.floor_area_m2, "floor_area_m2"))
        paid = area if rule.area_max_m2 is None else min(area, _exact(rule.area_max_m2))
        amount = paid * _exact(rule.yuan_per_m2 or 0.0)
        return amount if rule.cap_yuan is None else min(amount, _exact(rule.cap_yuan))
    if rule.shape == "by_cost_with_cap":
        cost = _needed(case.estimated_cost_yuan, "estimated_cost_yuan")
        return min(_exact(cost), _exact(rule.cap_yuan or 0.0))
    if rule.amount_yuan is not None:
        return _exact(rule.amount_yuan)
    if case.approved_yuan is None:
        raise MissingValueError("policy.missing_value", key=f"{key}.amount_yuan", file="subsidies.csv")
    low, high = rule.range_min_yuan or 0.0, rule.range_max_yuan or 0.0
    if not low <= case.approved_yuan <= high:
        raise RefusedError("subsidise.outside_range", value=case.approved_yuan, low=low, high=high, rule=rule.rule)
    return _exact(case.approved_yuan)


def _needed(value: float | None, name: str) -> float:
    if value is None or math.isnan(value):
        raise MissingValueError("policy.missing_case_value", key=f"case.{name}", column=name)
    return value


def _exact(value: float) -> Decimal:
    return Decimal(str(value))


def _fen(amount: Decimal) -> float:
    return float(amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def subsidise(cases: pd.DataFrame, rules: Sequence[SubsidyRule]) -> pd.DataFrame:
    """Compute the subsidy of every case; what is missing is named, not guessed.

    Parameters
    ----------
    cases
        One row per case: ``programme, assistance_tier, household_size`` and, where known, ``safety_grade,
        renovation_method, floor_area_m2, estimated_cost_yuan, approved_yuan``.

    Returns
    -------
    pandas.DataFrame
        Index of ``cases``; ``subsidy_yuan`` [yuan, NaN where missing], ``rule``, ``subsidy_source``, ``missing_key``
        (empty where an amount was found).
    """
    names = [name for name in SubsidyCase.__dataclass_fields__ if name in cases.columns]
    answers: dict[tuple[object, ...], tuple[float, str, str, str]] = {}
    rows = []
    for values in cases[names].astype(object).itertuples(index=False, name=None):
        cleaned = tuple(None if pd.isna(value) else value for value in values)
        if cleaned not in answers:
            answers[cleaned] = _answer(dict(zip(names, cleaned, strict=True)), rules)
        rows.append(answers[cleaned])
    columns = ["subsidy_yuan", "rule", "subsidy_source", "missing_key"]
    frame = pd.DataFrame(rows, columns=columns, index=cases.index)
    return frame.astype({"subsidy_yuan": float, "rule": str, "subsidy_source": str, "missing_key": str})


def _answer(values: dict[str, object], rules: Sequence[SubsidyRule]) -> tuple[float, str, str, str]:
    case = SubsidyCase(
        programme=str(values["programme"]),
        assistance_tier=str(values["assistance_tier"]),
        household_size=int(values["household_size"] or 0),  # type: ignore[call-overload]
        safety_grade=str(values.get("safety_grade") or ""),
        renovation_method=str(values.get("renovation_method") or ""),
        floor_area_m2=_number(values.get("floor_area_m2")),
        estimated_cost_yuan=_number(values.get("estimated_cost_yuan")),
        approved_yuan=_number(values.get("approved_yuan")),
    )
    try:
        found = subsidy(case, rules)
    except MissingValueError as error:
        return float("nan"), "", "", str(error.facts["key"])
    return found.amount_yuan, found.rule, found.source, ""


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]
