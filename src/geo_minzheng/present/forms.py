"""The official statistics form: confirmed figures only, estimates on a sheet of their own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_minzheng.model.document import FormContent, FormRow
from geo_minzheng.present.write import SheetColumn, SheetSpec, write_workbook

if TYPE_CHECKING:
    from geo_minzheng.present.text import Text

HEADER_CODES = ("region_name", "hazard_text", "parent_region", "occurred_at")
_MOMENT = "yyyy-mm-dd hh:mm"


def _row(row: FormRow) -> dict[str, Any]:
    return dict(row.values) | {name: getattr(row, name) for name in HEADER_CODES}


def total_values(rows: tuple[FormRow, ...], codes: tuple[str, ...]) -> dict[str, float | None]:
    """Add up each indicator over the rows that know it; nobody knows it: ``None``, which is not 0.

    Parameters
    ----------
    rows
        Confirmed figures by town, each in its indicator's unit.
    codes
        Indicators to add up.
    """
    totals: dict[str, float | None] = {}
    for code in codes:
        known = [v for row in rows if (v := row.values.get(code)) is not None]
        whole = all(float(v).is_integer() for v in known)
        totals[code] = (sum(int(v) for v in known) if whole else round(math.fsum(known), 6)) if known else None
    return totals


def _form_sheet(content: FormContent, text: Text) -> SheetSpec:
    columns = tuple(
        SheetColumn(code, heading, 16.0 if code in HEADER_CODES else 11.0, _MOMENT if code == "occurred_at" else "")
        for heading, code in content.headings
    )
    codes = tuple(code for _, code in content.headings if code not in HEADER_CODES)
    rows = [_row(row) for row in content.rows]
    total = text("present.form.total_of", place=content.part) if content.part else text("present.form.total")
    rows.append(total_values(content.rows, codes) | {"region_name": total})
    return SheetSpec(text("present.form.sheet"), columns, rows, has_total=True, frozen_columns=1)


def _estimate_sheet(content: FormContent, text: Text) -> SheetSpec:
    widths = {
        "region": 18.0,
        "indicator": 26.0,
        "low": 12.0,
        "mid": 12.0,
        "high": 12.0,
        "unit": 8.0,
        "assumption": 48.0,
    }
    columns = tuple(SheetColumn(key, text(f"present.form.{key}"), width) for key, width in widths.items())
    rows = [
        {
            "region": e.region_name,
            "indicator": e.estimate.label,
            "low": e.estimate.low,
            "mid": e.estimate.mid,
            "high": e.estimate.high,
            "unit": e.estimate.unit,
            "assumption": e.estimate.assumption,
        }
        for e in content.estimates
    ]
    return SheetSpec(text("present.form.estimate_sheet"), columns, rows)


def unknown_regions(content: FormContent) -> Mapping[str, tuple[str, ...]]:
    """List, by heading, the regions whose figure is missing while another region knows it."""
    gaps = {}
    for heading, code in content.headings:
        if code in HEADER_CODES:
            continue
        missing = tuple(row.region_name for row in content.rows if row.values.get(code) is None)
        if missing and len(missing) < len(content.rows):
            gaps[heading] = missing
    return gaps


def _note_sheet(content: FormContent, text: Text) -> SheetSpec:
    notes = [
        text("present.form.note_cutoff", at=text.moment(content.cutoff)),
        *([text("present.form.note_part", place=content.part)] if content.part else []),
        text("present.form.note_confirmed"),
        text("present.form.note_unknown"),
        *([text("present.paper.synthetic")] if content.synthetic else []),
        *content.notices,
        *(
            text("present.form.note_gap", heading=heading, regions=regions)
            for heading, regions in unknown_regions(content).items()
        ),
    ]
    columns = (SheetColumn("note", text("present.form.note_sheet"), 100.0),)
    return SheetSpec(text("present.form.note_sheet"), columns, [{"note": n} for n in notes], frozen_columns=0)


def write_form(content: FormContent, path: Path, text: Text) -> Path:
    """Write the statistics form as XLSX.

    Sheet 1 is the form: headings exactly as handed in, one row per town, a 合计 row; confirmed figures only, an unknown
    one stays empty. Sheet 2 holds modelled estimates, labelled as such. Sheet 3 says cut-off, notices and what the
    totals lack.

    Returns
    -------
    Path
        ``path``. The same content gives the same bytes.
    """
    sheets = [_form_sheet(content, text), _estimate_sheet(content, text), _note_sheet(content, text)]
    return write_workbook(sheets, path)
