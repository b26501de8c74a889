"""Official documents by GB/T 9704: one content, written as editable DOCX and as PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geo_minzheng.model.document import (
    Block,
    Facts,
    Heading,
    Note,
    OfficialDocument,
    PageBreak,
    Paragraph,
    Picture,
    Signatures,
    Table,
)
from geo_minzheng.present.write import printable, write_bytes

if TYPE_CHECKING:
    from geo_minzheng.present.text import Text


@dataclass(frozen=True)
class Sheet:
    """A document with every label written out; both writers print this and nothing else.

    ``body`` and ``after`` are dictionaries of strings and numbers, pictures apart in ``pictures`` [PNG bytes].
    """

    fields: dict[str, Any]
    body: list[dict[str, Any]]
    after: list[dict[str, Any]]
    pictures: tuple[bytes, ...]


# Text width of the page, the least room for words, and what a cell keeps free on both sides [pt].
_TEXT_PT, _WORDS_PT, _PADDING_PT = 442.0, 32.0, 9.0


def _facts_lines(block: Facts) -> list[list[tuple[str, str]]]:
    """Break pairs into lines of two; an odd last one and the wide ones stand alone."""
    pairs = [(printable(label), printable(value)) for label, value in block.pairs]
    wide = [[(printable(label), printable(value))] for label, value in block.wide]
    return [pairs[i : i + 2] for i in range(0, len(pairs), 2)] + wide


def _block(block: Block, pictures: list[bytes], text: Text) -> dict[str, Any]:
    match block:
        case Paragraph():
            return {"kind": "paragraph", "text": printable(block.text), "indent": block.indent, "align": block.align, "bold": block.bold}  # fmt: skip  # noqa: E501
        case Heading():
            return {"kind": "heading", "text": printable(block.text), "level": block.level}
        case Note():
            return {"kind": "note", "text": printable(block.text)}
        case Facts():
            return {"kind": "facts", "lines": _facts_lines(block)}
        case Signatures():
            places = [{"role": printable(p.role), "name": printable(p.name)} for p in block.places]
            return {"kind": "signatures", "places": places, "day": text("present.paper.signature_day")}
        case Picture():
            pictures.append(block.png)
            caption = printable(block.caption)
            return {"kind": "picture", "index": len(pictures) - 1, "width": block.width_mm, "caption": caption}
        case PageBreak():
            return {"kind": "break"}
        case Table():
            return _table(block)


def _points(cell: str) -> float:
    """Estimate how wide a cell's text prints: table type is 10.5 pt, a digit about 0.6 of a Chinese sign [pt]."""
    return sum(10.5 if sign > "\u2e7f" else 6.3 for sign in cell)


def _widths(block: Table) -> list[float]:
    """Share the text width so that no number breaks: columns of words give way to columns of numbers [pt]."""
    whole = sum(c.width for c in block.columns)
    widths = [_TEXT_PT * c.width / whole for c in block.columns]
    least = [
        (max((_points(row[i]) for row in block.rows), default=0.0) if c.align == "right" else _WORDS_PT) + _PADDING_PT
        for i, c in enumerate(block.columns)
    ]
    lacking = sum(max(0.0, need - width) for need, width in zip(least, widths, strict=True))
    spare = sum(max(0.0, width - need) for need, width in zip(least, widths, strict=True))
    given = min(1.0, lacking / spare) if spare else 0.0
    return [
        round(need if width < need else width - (width - need) * given, 2)
        for need, width in zip(least, widths, strict=True)
    ]


def _table(block: Table) -> dict[str, Any]:
    cells = len(block.columns)
    if any(len(row) != cells for row in block.rows):
        raise ValueError(f"table rows must have {cells} cells")
    return {
        "kind": "table",
        "caption": printable(block.caption),
        "total": block.has_total,
        "columns": [
            {"title": printable(c.title), "width": width, "align": c.align}
            for c, width in zip(block.columns, _widths(block), strict=True)
        ],
        "rows": [[printable(v) for v in row] for row in block.rows],
    }


def _annex_lines(names: Sequence[str], text: Text) -> list[str]:
    if len(names) == 1:
        return [text("present.paper.annex", name=names[0])]
    first = [text("present.paper.annex_first", name=names[0])] if names else []
    return first + [text("present.paper.annex_next", number=i, name=n) for i, n in enumerate(names[1:], start=2)]


def _masthead_points(masthead: str) -> float:
    """Choose the size of the red head so that it fits one line of 156 mm [pt]."""
    return min(48.0, 440.0 / max(len(masthead), 1) * 0.96)


def sheet(doc: OfficialDocument, text: Text) -> Sheet:
    """Write out every label of a document."""
    pictures: list[bytes] = []
    body = [_block(b, pictures, text) for b in doc.body]
    after = [_block(b, pictures, text) for b in doc.after]
    fields: dict[str, Any] = {
        "title": doc.title,
        "masthead": doc.masthead,
        "number": doc.number,
        "signer": text("present.paper.signer", name=doc.signer) if doc.signer else "",
        "to": text("present.paper.to", names="、".join(doc.to)) if doc.to else "",
        "cc": text("present.paper.cc", names="，".join(doc.cc)) if doc.cc else "",
        "cutoff": text("present.paper.cutoff", at=text.moment(doc.cutoff)) if doc.cutoff else "",
        "issuer": doc.issuer,
        "date": text.day(doc.issued_on) if doc.issued_on else "",
        "annex_mark": text("present.paper.annex_mark"),
        "code": doc.code,
    }
    fields = {name: printable(value) for name, value in fields.items()}
    fields |= {
        "masthead_pt": _masthead_points(doc.masthead),
        "seal": doc.seal,
        "bulletin": doc.is_bulletin,
        "form": doc.is_form,
        "annexes": [printable(line) for line in _annex_lines(doc.annexes, text)],
        "notices": [printable(n) for n in doc.notices],
    }
    return Sheet(fields, body, after, tuple(pictures))


def _sheets(docs: OfficialDocument | Sequence[OfficialDocument], text: Text) -> list[Sheet]:
    many = [docs] if isinstance(docs, OfficialDocument) else list(docs)
    if not many:
        raise ValueError("no document to write")
    return [sheet(doc, text) for doc in many]


def write_docx(
    docs: OfficialDocument | Sequence[OfficialDocument], path: Path, text: Text, *, fonts: Path | None = None
) -> Path:
    """Write one or more documents into one editable DOCX, each from a new page numbered from 1.

    Parameters
    ----------
    fonts
        The bureau's fonts folder: faces found there are named in the file, else the standard names
        (方正小标宋简体, 仿宋_GB2312, 黑体, 楷体_GB2312) with Noto Serif SC as their alternative.

    Returns
    -------
    Path
        ``path``. The same content gives the same bytes.
    """
    from geo_minzheng.present.paper_docx import docx_bytes  # noqa: PLC0415  (only when a document is written)

    return write_bytes(docx_bytes(_sheets(docs, text), fonts), path)


def write_pdf(
    docs: OfficialDocument | Sequence[OfficialDocument], path: Path, text: Text, *, fonts: Path | None = None
) -> Path:
    """Write one or more documents into one PDF with embedded faces: the bureau's own first, then the vendored ones.

    Returns
    -------
    Path
        ``path``. The same content gives the same bytes.
    """
    from geo_minzheng.present.paper_pdf import pdf_bytes  # noqa: PLC0415  (only when a document is written)

    return write_bytes(pdf_bytes(_sheets(docs, text), fonts), path)
