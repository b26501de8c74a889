"""The columns of a report form, what must hold between them, and the five questions."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Indicator:
    """One column of a report form.

    Parameters
    ----------
    heading
        The official heading, verbatim.
    kind
        ``text``, ``time``, ``count`` (integer) or ``number``.
    hazards
        Hazard kinds that fill the column; empty means all.
    decimals
        Digits written after the point.
    """

    form: str
    order: int
    indicator: str
    heading: str
    unit: str
    kind: str
    group: str
    is_cumulative: bool
    is_shown: bool
    decimals: int
    hazards: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class FormRule:
    """A linear relation that a filled form must fulfil: sum of coefficient x indicator, related to 0.

    Parameters
    ----------
    relation
        ``>=``: sum >= -tolerance; ``=``: abs(sum) <= tolerance; ``both_or_none``: the two terms are zero together.
    severity
        ``error`` blocks, ``warning`` asks for a written note.
    stage
        ``any``, or ``verified`` (an error only in the 核报, a warning before).
    """

    rule: str
    name_zh: str
    name_en: str
    relation: str
    terms: tuple[tuple[str, float], ...]
    tolerance: float
    severity: str
    stage: str = "any"
    source: str = ""


@dataclass(frozen=True)
class Question:
    """A field of the village's five questions and the indicator it feeds."""

    question: int
    order: int
    field: str
    name_zh: str
    name_en: str
    kind: str
    unit: str
    indicator: str = ""
    source: str = ""


@dataclass(frozen=True)
class FormFinding:
    """What a filled form breaks.

    Parameters
    ----------
    code
        ``relation``, ``negative``, ``not_whole``, ``falls`` or ``jumps``; sentences stand under
        ``engine.consistency.<code>``.
    severity
        ``error`` blocks, ``warning`` asks for a written note.
    subject
        Rule or indicator; ``name_zh`` and ``name_en`` say it in words.
    value
        Amount by which the relation is missed, or the value found [unit].
    """

    code: str
    severity: str
    subject: str
    name_zh: str
    name_en: str
    value: float
    unit: str = ""
