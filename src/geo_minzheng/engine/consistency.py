"""Whether a filled report form holds together, and with the one before."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from geo_minzheng.model.report_rules import FormFinding, FormRule, Indicator

Values = Mapping[str, float | None]


def check_form(
    values: Values, rules: Sequence[FormRule], indicators: Iterable[Indicator], *, is_verified: bool = False
) -> tuple[FormFinding, ...]:
    """Check one form: numbers not negative, counts whole, and every relation of the policy.

    A relation with a value nobody has reported (``None``, NaN or absent: 未掌握) cannot be judged and is left out.

    Parameters
    ----------
    values
        Value by indicator [its unit].
    is_verified
        Whether the form is a 核报: rules of stage ``verified`` are errors only then, warnings before.

    Returns
    -------
    tuple of FormFinding
        Empty when the form holds together; errors first.
    """
    found = [*_cells(values, indicators), *_relations(values, rules, is_verified=is_verified)]
    return tuple(sorted(found, key=lambda finding: finding.severity))


def check_change(
    before: Values, after: Values, indicators: Iterable[Indicator], *, jump_share: float, jump_count: float
) -> tuple[FormFinding, ...]:
    """Compare a form with the one before: cumulative figures never fall, sudden changes ask for a note.

    Parameters
    ----------
    jump_share, jump_count
        A change beyond both this share of the earlier value [1] and this number [unit] is sudden.
    """
    found = []
    for indicator in indicators:
        old, new = _known(before, indicator.indicator), _known(after, indicator.indicator)
        if old is None or new is None or indicator.kind not in ("count", "number"):
            continue
        change = new - old
        if indicator.is_cumulative and change < 0:
            found.append(_of_cell("falls", "warning", indicator, -change))
        elif abs(change) > jump_count and abs(change) > jump_share * old:
            found.append(_of_cell("jumps", "warning", indicator, change))
    return tuple(found)


def _cells(values: Values, indicators: Iterable[Indicator]) -> Iterable[FormFinding]:
    for indicator in indicators:
        value = _known(values, indicator.indicator) if indicator.kind in ("count", "number") else None
        if value is None:
            continue
        if value < 0:
            yield _of_cell("negative", "error", indicator, value)
        elif indicator.kind == "count" and value != int(value):
            yield _of_cell("not_whole", "error", indicator, value)


def _of_cell(code: str, severity: str, indicator: Indicator, value: float) -> FormFinding:
    head = indicator.heading
    return FormFinding(code, severity, indicator.indicator, head, indicator.indicator, value, indicator.unit)


def _relations(values: Values, rules: Sequence[FormRule], *, is_verified: bool) -> Iterable[FormFinding]:
    for rule in rules:
        terms = [(coefficient, _known(values, indicator)) for indicator, coefficient in rule.terms]
        known = [(coefficient, value) for coefficient, value in terms if value is not None]
        if len(known) < len(terms):
            continue
        missed = _missed(rule, known)
        if missed:
            severity = "warning" if rule.stage == "verified" and not is_verified else rule.severity
            yield FormFinding("relation", severity, rule.rule, rule.name_zh, rule.name_en, missed)


def _missed(rule: FormRule, terms: Sequence[tuple[float, float]]) -> float:
    """Amount by which a relation is missed, 0 when it holds; float dust of a decimal sum is no fault."""
    total = math.fsum(coefficient * value for coefficient, value in terms)
    if rule.relation == "both_or_none":
        values = [value for _, value in terms]
        return 0.0 if all(values) or not any(values) else max(values)
    missed = (abs(total) if rule.relation == "=" else -total) - rule.tolerance
    return round(missed, 6) if missed > 1e-6 else 0.0


def _known(values: Values, indicator: str) -> float | None:
    value = values.get(indicator)
    return None if value is None or math.isnan(value) else float(value)
