"""The programmes as a workbook: official order, must-finish list, what is not in and why, the comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.present.write import SheetColumn, SheetSpec, write_workbook
from geo_minzheng.services.housing import reason_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text

_WIDTHS = {
    "place": 8.0, "case": 18.0, "town_name": 14.0, "village_name": 20.0, "tier": 8.0, "score": 10.0, "persons": 10.0,
    "subsidy_yuan": 14.0, "reason": 44.0,
}  # fmt: skip
_MONEY = "0.00"


def write_book(
    made: Mapping[str, Any],
    found: Sequence[Mapping[str, Any]],
    against: Sequence[Mapping[str, Any]],
    policy: Policy,
    text: Text,
    path: Path,
) -> Path:
    """Write the programmes as XLSX; cells are neutralised and carry no names of people.

    Parameters
    ----------
    made
        ``programme.json``.
    found
        Verdicts as ``services.housing.verdicts`` gives them.
    against
        Contradictions to the villagers' review with their reasons, see ``services.village_review``.
    """
    sheets = []
    for programme in made["programmes"]:
        code = programme["programme"]
        name = text.name("programmes", code, policy.programmes[code])
        mine = [v for v in found if v["programme"] == code]
        taken = [v for v in mine if v["state"] in ("chosen", "stretch")]
        sheets.append(_sheet(text("housing.book.chosen", name=name), taken, policy, text))
        if programme["must_finish"]:
            sheets.append(
                _sheet(text("housing.book.must", name=name), [v for v in mine if v["is_backlog"]], policy, text)
            )
        left = [v for v in mine if v["state"] not in ("chosen", "stretch")]
        sheets.append(_sheet(text("housing.book.skipped", name=name), left, policy, text))
        best = set((programme["comparison"] or {}).get("chosen", ()))
        if best:
            rows = [v for v in mine if v["case"] in best]
            sheets.append(_sheet(text("housing.book.comparison", name=name), rows, policy, text))
    heads = {"first": 18.0, "second": 18.0, "reason": 60.0, "who": 14.0, "at": 26.0}
    columns = tuple(SheetColumn(key, text(f"housing.book.column.{key}"), width) for key, width in heads.items())
    sheets.append(SheetSpec(text("housing.book.against"), columns, list(against), frozen_columns=1))
    return write_workbook(sheets, path)


def _sheet(title: str, rows: Sequence[Mapping[str, Any]], policy: Policy, text: Text) -> SheetSpec:
    parts = policy.house_ranking.parts
    columns = [
        SheetColumn(key, text(f"housing.book.column.{key}"), width, _MONEY if key == "subsidy_yuan" else "")
        for key, width in _WIDTHS.items()
    ]
    scored = [SheetColumn(f"part_{p.part}", text.name("parts", p.part, p), 10.0, _MONEY) for p in parts]
    columns[6:6] = scored
    cells = [dict(row) | {"reason": reason_of(row, policy, text)} for row in rows]
    return SheetSpec(title, tuple(columns), cells, frozen_columns=2)
