"""Sheets to PDF by a fixed typst template: contents travel as data, never as markup."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typst

from geo_minzheng.present.assets import asset
from geo_minzheng.present.documents import Sheet
from geo_minzheng.present.typeface import WANTED, find_faces


def _blocks(blocks: Sequence[dict[str, Any]], number: int) -> list[dict[str, Any]]:
    return [b | {"file": f"picture_{number}_{b['index']}.png"} if b["kind"] == "picture" else b for b in blocks]


def _document(sheet: Sheet, number: int) -> dict[str, Any]:
    return sheet.fields | {"body": _blocks(sheet.body, number), "after": _blocks(sheet.after, number)}


def pdf_bytes(sheets: Sequence[Sheet], fonts: Path | None) -> bytes:
    """Typeset sheets into one PDF, each from a new page numbered from 1."""
    faces = find_faces(fonts)
    data = {
        "faces": {role: faces.chain(role) for role in WANTED},
        "documents": [_document(sheet, i) for i, sheet in enumerate(sheets)],
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data.json").write_text(json.dumps(data, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        (folder / "document.typ").write_bytes(asset("typst/document.typ").read_bytes())
        for i, sheet in enumerate(sheets):
            for k, png in enumerate(sheet.pictures):
                (folder / f"picture_{i}_{k}.png").write_bytes(png)
        compiler = typst.Compiler(
            str(folder / "document.typ"), root=str(folder), font_paths=faces.fonts, ignore_system_fonts=True
        )
        pdf = compiler.compile(format="pdf", timestamp=0)
    assert isinstance(pdf, bytes)
    return pdf
