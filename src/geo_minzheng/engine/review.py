"""What a reviewer needs to see: how long a report waits, what changed in it, and the figures by town."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from geo_minzheng.engine.consistency import check_change, check_form
from geo_minzheng.engine.documents import merge_sums, total_by_town, with_sums
from geo_minzheng.model.report_rules import FormFinding, FormRule, Indicator, Question

Answer = float | bool | str | None
TOWN_DIGITS = 9


@dataclass(frozen=True)
class AnswerChange:
    """One field of two versions of a report.

    Parameters
    ----------
    before, after
        Answers; ``None`` is 未掌握.
    mark
        ``same``, ``up``, ``down``, ``new`` (unknown before), ``lost`` (unknown now) or ``other`` (not a number).
    change
        After minus before where both are numbers [unit of the field].
    """

    field: str
    before: Answer
    after: Answer
    mark: str
    change: float | None = None


def compare_answers(
    before: Mapping[str, Answer], after: Mapping[str, Answer], order: Sequence[str]
) -> tuple[AnswerChange, ...]:
    """Compare two versions field by field, in the order of the questions; fields outside it follow by name."""
    names = [*order, *sorted((set(before) | set(after)) - set(order))]
    return tuple(_change(name, before.get(name), after.get(name)) for name in names)


def _change(name: str, old: Answer, new: Answer) -> AnswerChange:
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return AnswerChange(name, old, new, "same")
    if old is None or new is None:
        return AnswerChange(name, old, new, "new" if old is None else "lost")
    if isinstance(old, bool | str) or isinstance(new, bool | str):
        return AnswerChange(name, old, new, "other")
    step = round(new - old, 6)
    return AnswerChange(name, old, new, "up" if step > 0 else "down", step)


def indicator_values(values: Mapping[str, Answer], questions: Iterable[Question]) -> dict[str, float]:
    """Turn a version's numbers into indicators of the form, with the sums the form derives; 未掌握 is left out."""
    by_field = {q.field: q.indicator for q in questions if q.indicator}
    return with_sums(
        {
            by_field.get(name, name): float(value)
            for name, value in values.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
    )


def check_version(
    before: Mapping[str, float] | None,
    after: Mapping[str, float],
    rules: Sequence[FormRule],
    indicators: Sequence[Indicator],
    *,
    jumps: tuple[float, float],
) -> tuple[FormFinding, ...]:
    """Check a version by itself and against the last confirmed one; errors first.

    Parameters
    ----------
    before, after
        Indicators; ``before`` is ``None`` where nothing is confirmed yet.
    jumps
        Share [1] and number [unit] beyond both of which a change is sudden.
    """
    found = check_form(after, rules, indicators)
    if before is None:
        return found
    share, count = jumps
    return (*found, *check_change(before, after, indicators, jump_share=share, jump_count=count))


def asked_indicators(questions: Iterable[Question], indicators: Sequence[Indicator]) -> tuple[Indicator, ...]:
    """List the form's indicators and, as such, the questions that feed none of them."""
    known = {i.indicator for i in indicators}
    more = [
        Indicator(
            form="", order=q.order, indicator=q.indicator or q.field, heading=q.name_zh, unit=q.unit, kind=q.kind,
            group="", is_cumulative=False, is_shown=True, decimals=0,
        )
        for q in questions
        if (q.indicator or q.field) not in known
    ]  # fmt: skip
    return (*indicators, *more)


def minutes_since(moment: datetime, now: datetime) -> float:
    """Count the minutes from a moment to now [min]."""
    return (now - moment).total_seconds() / 60


def town_figures(
    confirmed: Mapping[str, Mapping[str, float]],
    estimates: Mapping[str, Mapping[str, Any]],
    columns: Mapping[str, tuple[str, str, str]],
    expected: Collection[str],
) -> list[dict[str, Any]]:
    """Lay confirmed figures and estimates out side by side, a row per town and a last row ``code=""`` for all.

    Parameters
    ----------
    confirmed
        Confirmed indicators by village code.
    estimates
        Impact rows by town code; those of all towns stand under ``""``.
    columns
        Low, middle and high column of the impact by indicator.
    expected
        Village codes from which a report is expected.

    Returns
    -------
    ``code, reported, expected`` [villages], ``figures`` by indicator (absent where no village knows it), ``estimates``
    by indicator as (low, middle, high).
    """
    towns = total_by_town({code: dict(values) for code, values in confirmed.items()}, TOWN_DIGITS)
    codes = sorted({*towns, *(code[:TOWN_DIGITS] for code in expected)})
    rows = [
        _town_row(code, towns.get(code, {}), confirmed, expected, estimates.get(code, {}), columns) for code in codes
    ]
    return [*rows, _town_row("", merge_sums(towns), confirmed, expected, estimates.get("", {}), columns)]


def _town_row(
    town: str,
    figures: Mapping[str, float],
    confirmed: Collection[str],
    expected: Collection[str],
    estimate: Mapping[str, Any],
    columns: Mapping[str, tuple[str, str, str]],
) -> dict[str, Any]:
    bands = {
        name: tuple(float(estimate[c]) for c in low_mid_high)
        for name, low_mid_high in columns.items()
        if all(c in estimate for c in low_mid_high)
    }
    return {
        "code": town,
        "reported": sum(code.startswith(town) for code in confirmed),
        "expected": len({code for code in {*expected, *confirmed} if code.startswith(town)}),
        "figures": dict(figures),
        "estimates": bands,
    }
