"""Sheets to an editable DOCX by GB/T 9704: A4, 22 lines of 28 characters, faces by name with alternatives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

from docx import Document
from docx.enum.section import WD_SECTION
from docx.enum.table import WD_ALIGN_VERTICAL, WD_ROW_HEIGHT_RULE, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

from geo_minzheng.present.documents import Sheet
from geo_minzheng.present.typeface import VENDORED, WANTED, find_faces
from geo_minzheng.present.write import steady_zip

_ALIGN = {"left": WD_ALIGN_PARAGRAPH.LEFT, "center": WD_ALIGN_PARAGRAPH.CENTER, "right": WD_ALIGN_PARAGRAPH.RIGHT}
_LATIN = "Times New Roman"
_LINE = Pt(28.95)
_BODY = Pt(16)
_RED = RGBColor(0xD7, 0x00, 0x0F)
_WIDTH_MM = 156
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
# What the schema wants behind w:pBdr in a paragraph's properties: Word refuses another order.
_AFTER_BORDER = (
    "w:shd", "w:tabs", "w:suppressAutoHyphens", "w:kinsoku", "w:wordWrap", "w:overflowPunct", "w:topLinePunct",
    "w:autoSpaceDE", "w:autoSpaceDN", "w:bidi", "w:adjustRightInd", "w:snapToGrid", "w:spacing", "w:ind",
    "w:contextualSpacing", "w:mirrorIndents", "w:suppressOverlap", "w:jc", "w:textDirection", "w:textAlignment",
    "w:textboxTightWrap", "w:outlineLvl", "w:divId", "w:cnfStyle", "w:rPr", "w:sectPr", "w:pPrChange",
)  # fmt: skip
_THIN_RULE = 'w:val="single" w:sz="8" w:space="4" w:color="000000"'
_RED_RULE = 'w:val="single" w:sz="16" w:space="4" w:color="D7000F"'


@dataclass(frozen=True)
class _Type:
    """How a run of text is set."""

    face: str
    size: Any = None
    is_bold: bool = False
    colour: RGBColor | None = None


class _Press:
    """The document under way and the names of its faces."""

    def __init__(self, fonts: Path | None) -> None:
        own = find_faces(fonts).own
        self.faces = {role: own.get(role, names[0]) for role, names in WANTED.items()}
        self.docx: Any = Document()
        normal = self.docx.styles["Normal"]
        normal.font.size, normal.font.name = _BODY, _LATIN
        normal.element.rPr.rFonts.set(qn("w:eastAsia"), self.faces["body"])
        _no_gaps(normal.element.get_or_add_pPr())
        self.size, self.pitch = _BODY, _LINE

    def use(self, *, is_form: bool) -> None:
        """Set the type of the document that begins: a form is kept smaller."""
        self.size, self.pitch = (Pt(14), Pt(23)) if is_form else (_BODY, _LINE)

    def set_run(self, paragraph: Any, words: str, how: _Type) -> None:
        """Add a run; ``how.face`` is a role."""
        run = paragraph.add_run(words)
        run.font.size, run.font.bold, run.font.name = how.size or self.size, how.is_bold, _LATIN
        run._r.get_or_add_rPr().rFonts.set(qn("w:eastAsia"), self.faces[how.face])
        if how.colour is not None:
            run.font.color.rgb = how.colour

    def line(self, words: str, how: _Type, *, align: str = "left", indent: bool = False) -> Any:
        """Add a paragraph of the body."""
        paragraph = self.docx.add_paragraph()
        _space(paragraph, self.pitch if how.size is None or how.size <= _BODY else Pt(how.size.pt * 1.5))
        paragraph.alignment = WD_ALIGN_PARAGRAPH.JUSTIFY if align == "left" and indent else _ALIGN[align]
        if indent:
            _first_line(paragraph, 2, how.size or self.size)
        self.set_run(paragraph, words, how)
        return paragraph


def _no_gaps(properties: Any) -> None:
    """Switch off the gap Word puts between Chinese and digits."""
    for name, successors in (("w:autoSpaceDE", _AFTER_BORDER[8:]), ("w:autoSpaceDN", _AFTER_BORDER[9:])):
        if properties.find(qn(name)) is None:
            gap = parse_xml(f'<{name} {nsdecls("w")} w:val="0"/>')
            properties.insert_element_before(gap, *successors)


def _space(paragraph: Any, line: Any, *, before: float = 0, after: float = 0) -> None:
    form = paragraph.paragraph_format
    form.line_spacing_rule, form.line_spacing = WD_LINE_SPACING.EXACTLY, line
    form.space_before, form.space_after = Pt(before), Pt(after)
    _no_gaps(paragraph._p.get_or_add_pPr())


def _first_line(paragraph: Any, characters: int, size: Any) -> None:
    paragraph.paragraph_format.first_line_indent = Pt(characters * size.pt)
    paragraph._p.pPr.find(qn("w:ind")).set(qn("w:firstLineChars"), str(characters * 100))


def _rules(paragraph: Any, **sides: str) -> None:
    inside = "".join(f"<w:{side} {rule}/>" for side, rule in sides.items())
    border = parse_xml(f"<w:pBdr {nsdecls('w')}>{inside}</w:pBdr>")
    paragraph._p.get_or_add_pPr().insert_element_before(border, *_AFTER_BORDER)


def _page(section: Any) -> None:
    """Set the sheet of GB/T 9704: A4, head 37, foot 35, binding edge 28, other edge 26 mm, 22 lines."""
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(35)
    section.left_margin, section.right_margin = Mm(28), Mm(26)
    section.header_distance, section.footer_distance = Mm(20), Mm(24)
    properties = section._sectPr
    for name in ("w:docGrid", "w:pgNumType"):
        for old in properties.findall(qn(name)):
            properties.remove(old)
    properties.find(qn("w:cols")).addprevious(parse_xml(f'<w:pgNumType {nsdecls("w")} w:start="1"/>'))
    properties.append(parse_xml(f'<w:docGrid {nsdecls("w")} w:linePitch="579"/>'))


def _field(paragraph: Any, code: str, press: _Press) -> None:
    """Add a field that Word computes, e.g. the page number."""
    space = nsdecls("w")
    for piece in (
        f'<w:fldChar {space} w:fldCharType="begin"/>',
        f'<w:instrText {space} xml:space="preserve"> {code} </w:instrText>',
        f'<w:fldChar {space} w:fldCharType="end"/>',
    ):
        press.set_run(paragraph, "", _Type("body", Pt(14)))
        paragraph.runs[-1]._r.append(parse_xml(piece))


def _foot(section: Any, sheet: Sheet, press: _Press) -> None:
    """Print — n — and the code, odd pages right, even pages left; the notices stand in the head."""
    section.header.is_linked_to_previous = section.footer.is_linked_to_previous = False
    section.even_page_footer.is_linked_to_previous = section.even_page_header.is_linked_to_previous = False
    for footer, is_odd in ((section.footer, True), (section.even_page_footer, False)):
        paragraph = footer.paragraphs[0]
        paragraph.style = press.docx.styles["Normal"]
        paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH_MM - 5), WD_TAB_ALIGNMENT.RIGHT)
        code = _Type("body", Pt(9))
        if is_odd:
            press.set_run(paragraph, sheet.fields["code"] + "\t", code)
        press.set_run(paragraph, "— " if is_odd else "　— ", _Type("body", Pt(14)))
        _field(paragraph, "PAGE", press)
        press.set_run(paragraph, " —", _Type("body", Pt(14)))
        if not is_odd:
            press.set_run(paragraph, "\t" + sheet.fields["code"], code)
    for header in (section.header, section.even_page_header):
        paragraph = header.paragraphs[0]
        paragraph.style = press.docx.styles["Normal"]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        press.set_run(paragraph, "　".join(sheet.fields["notices"]), _Type("body", Pt(9)))


def _masthead(fields: dict[str, Any], press: _Press) -> None:
    press.line(fields["masthead"], _Type("title", Pt(round(fields["masthead_pt"])), colour=_RED), align="center")
    if fields["bulletin"]:
        press.line(fields["number"], _Type("body"), align="center")
        left, right = fields["issuer"], fields["date"]
    else:
        left, right = fields["number"], fields["signer"]
    paragraph = press.line(f"　{left}\t{right}" if right else left, _Type("body"), align="left" if right else "center")
    paragraph.paragraph_format.tab_stops.add_tab_stop(Mm(_WIDTH_MM - 5), WD_TAB_ALIGNMENT.RIGHT)
    _rules(paragraph, bottom=_RED_RULE)
    _space(press.line("", _Type("body", Pt(9))), Pt(16))


def _opening(fields: dict[str, Any], press: _Press) -> None:
    if fields["masthead"]:
        _masthead(fields, press)
    _space(press.line(fields["title"], _Type("title", Pt(22)), align="center"), Pt(33), after=6)
    plain = not fields["masthead"]
    if plain and fields["number"]:
        press.line(fields["number"], _Type("body", Pt(14)), align="right" if fields["form"] else "center")
    if fields["cutoff"]:
        press.line(fields["cutoff"], _Type("kai", Pt(14)), align="center")
    if plain and fields["signer"]:
        press.line(fields["signer"], _Type("body", Pt(14)), align="right")
    if fields["to"]:
        press.line(fields["to"], _Type("body"))


def _closing(fields: dict[str, Any], press: _Press) -> None:
    is_form = fields["form"]
    for i, line in enumerate(fields["annexes"]):
        paragraph = press.line(line, _Type("body", Pt(12) if is_form else None), indent=not is_form)
        paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT
        paragraph.paragraph_format.space_before = _LINE if i == 0 and not is_form else Pt(0)
    if not fields["bulletin"] and (fields["issuer"] or fields["date"]):
        before = 2 * _LINE.pt if fields["seal"] and not is_form else 8
        for words in (fields["issuer"], fields["date"]):
            paragraph = press.line(words, _Type("body"), align="right")
            paragraph.paragraph_format.right_indent = Pt(64)
            paragraph.paragraph_format.keep_together = paragraph.paragraph_format.keep_with_next = True
            paragraph.paragraph_format.space_before, before = Pt(before), 0
        paragraph.paragraph_format.keep_with_next = False
    elif fields["bulletin"] and fields["signer"]:
        press.line(fields["signer"], _Type("body"), align="right")


def _imprint(fields: dict[str, Any], press: _Press) -> None:
    """Print the copies on the last page, between two rules (版记)."""
    if fields["cc"]:
        paragraph = press.line(fields["cc"], _Type("body", Pt(14)))
        _space(paragraph, Pt(24), before=18)
        _rules(paragraph, top=_THIN_RULE, bottom=_THIN_RULE)


def _cell(cell: Any, words: str, press: _Press, *, align: str = "left", bold: bool = False) -> None:
    paragraph = cell.paragraphs[0]
    paragraph.alignment = _ALIGN[align]
    _space(paragraph, Pt(15), before=2, after=2)
    cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
    press.set_run(paragraph, words, _Type("hei" if bold else "body", Pt(10.5)))


def _grid(rows: int, widths_mm: Sequence[float], press: _Press) -> Any:
    table = press.docx.add_table(rows=rows, cols=len(widths_mm))
    table.style, table.alignment, table.autofit = "Table Grid", WD_TABLE_ALIGNMENT.CENTER, False
    edges = "".join(f'<w:{side} w:w="57" w:type="dxa"/>' for side in ("left", "right"))
    look = table._tbl.tblPr.find(qn("w:tblLook"))
    look.addprevious(parse_xml(f"<w:tblCellMar {nsdecls('w')}>{edges}</w:tblCellMar>"))
    for column, width in zip(table.columns, widths_mm, strict=True):
        column.width = Mm(width)
    for row in table.rows:
        row._tr.get_or_add_trPr().append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))
        for cell, width in zip(row.cells, widths_mm, strict=True):
            cell.width = Mm(width)
    return table


def _table(block: dict[str, Any], press: _Press) -> None:
    if block["caption"]:
        paragraph = press.line(block["caption"], _Type("hei", Pt(12)), align="center")
        paragraph.paragraph_format.keep_with_next = True
    columns, rows = block["columns"], block["rows"]
    whole = sum(c["width"] for c in columns)
    table = _grid(len(rows) + 1, [_WIDTH_MM * c["width"] / whole for c in columns], press)
    table.rows[0]._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))
    for cell, column in zip(table.rows[0].cells, columns, strict=True):
        _cell(cell, column["title"], press, align="center", bold=True)
    for i, (line, values) in enumerate(zip(list(table.rows)[1:], rows, strict=True)):
        is_total = block["total"] and i == len(rows) - 1
        for cell, column, value in zip(line.cells, columns, values, strict=True):
            _cell(cell, value, press, align=column["align"], bold=is_total)
    _gap(press)


def _gap(press: _Press) -> None:
    _space(press.line("", _Type("body", Pt(6))), Pt(8))


def _facts(block: dict[str, Any], press: _Press) -> None:
    lines = block["lines"]
    unit = _WIDTH_MM / 14
    table = _grid(len(lines), [unit * 2, unit * 5] * 2, press)
    for row, line in zip(table.rows, lines, strict=True):
        cells = list(row.cells)
        if len(line) == 1:
            wide = cells[1].merge(cells[-1])
            _cell(cells[0], line[0][0], press, align="center", bold=True)
            _cell(wide, line[0][1], press)
            continue
        for i, (label, value) in enumerate(line):
            _cell(cells[2 * i], label, press, align="center", bold=True)
            _cell(cells[2 * i + 1], value, press)
    _gap(press)


def _signatures(block: dict[str, Any], press: _Press) -> None:
    places = block["places"]
    table = _grid(3, [_WIDTH_MM / len(places)] * len(places), press)
    table.rows[1].height, table.rows[1].height_rule = Mm(14), WD_ROW_HEIGHT_RULE.AT_LEAST
    for i, place in enumerate(places):
        _cell(table.cell(0, i), place["role"], press, align="center", bold=True)
        _cell(table.cell(1, i), place["name"], press, align="center")
        _cell(table.cell(2, i), block["day"], press, align="center")
    for row in list(table.rows)[:2]:
        for cell in row.cells:
            cell.paragraphs[0].paragraph_format.keep_with_next = True
    _gap(press)


def _picture(block: dict[str, Any], pictures: Sequence[bytes], press: _Press) -> None:
    paragraph = press.docx.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(4)
    paragraph.add_run().add_picture(BytesIO(pictures[block["index"]]), width=Mm(block["width"]))
    if block["caption"]:
        press.line(block["caption"], _Type("body", Pt(12)), align="center")


_HEADING = {1: "hei", 2: "kai"}


def _print(block: dict[str, Any], pictures: Sequence[bytes], press: _Press) -> None:
    match block["kind"]:
        case "paragraph":
            how = _Type("hei" if block["bold"] else "body")
            press.line(block["text"], how, align=block["align"], indent=block["indent"])
        case "heading":
            paragraph = press.line(block["text"], _Type(_HEADING.get(block["level"], "body")), indent=True)
            paragraph.paragraph_format.keep_with_next = True
        case "note":
            _space(press.line(block["text"], _Type("body", Pt(10.5))), Pt(16), before=2, after=2)
        case "table":
            _table(block, press)
        case "facts":
            _facts(block, press)
        case "signatures":
            _signatures(block, press)
        case "picture":
            _picture(block, pictures, press)
        case _:
            press.docx.add_page_break()


def _font_table(faces: dict[str, str]) -> bytes:
    """Name each face with its alternatives, so that a machine without it takes the next best."""
    fonts = "".join(
        f"<w:font w:name={quoteattr(faces[role])}>"
        f"<w:altName w:val={quoteattr(','.join([*(n for n in names if n != faces[role]), VENDORED[role]]))}/></w:font>"
        for role, names in WANTED.items()
    )
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:fonts {nsdecls("w")}>{fonts}</w:fonts>'.encode()


def docx_bytes(sheets: Sequence[Sheet], fonts: Path | None) -> bytes:
    """Write sheets into one DOCX, each from a new page numbered from 1."""
    press = _Press(fonts)
    docx = press.docx
    docx.settings.odd_and_even_pages_header_footer = True
    for i, one in enumerate(sheets):
        section = docx.sections[0] if i == 0 else docx.add_section(WD_SECTION.NEW_PAGE)
        press.use(is_form=one.fields["form"])
        _page(section)
        _foot(section, one, press)
        _opening(one.fields, press)
        for block in one.body:
            _print(block, one.pictures, press)
        _closing(one.fields, press)
        if one.after:
            press.line(one.fields["annex_mark"], _Type("hei")).paragraph_format.page_break_before = True
            for block in one.after:
                _print(block, one.pictures, press)
        _imprint(one.fields, press)
    core = docx.core_properties
    core.title, core.author, core.comments = sheets[0].fields["title"], sheets[0].fields["issuer"], ""
    core.created = core.modified = _EPOCH
    docx.part.part_related_by(RELATIONSHIP_TYPE.FONT_TABLE)._blob = _font_table(press.faces)
    out = BytesIO()
    docx.save(out)
    return steady_zip(out.getvalue())
