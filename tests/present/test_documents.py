from __future__ import annotations

import re
import zipfile
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from docx.oxml.ns import qn
from PIL import Image
from pypdf import PdfReader

from geo_minzheng.model.document import (
    Column,
    Facts,
    Heading,
    Note,
    OfficialDocument,
    PageBreak,
    Paragraph,
    Picture,
    SignaturePlace,
    Signatures,
    Table,
)
from geo_minzheng.present.assets import asset
from geo_minzheng.present.documents import sheet, write_docx, write_pdf
from geo_minzheng.present.text import Text
from geo_minzheng.present.typeface import find_faces

TRAPS = (
    '#read("/etc/passwd")', "$x$ #1 *粗* _斜_ @引用 <标签> `code`", "= 标题", "// 注释",
    '"引号" \\ 反斜 #{', "[方括号]",
    "{{ 7*7 }} {% for %}", "<w:t>&amp;</w:t>", "&<>\"'",
)  # fmt: skip


def _png() -> bytes:
    out = BytesIO()
    Image.new("RGB", (60, 40), "#1F4E79").save(out, "PNG")
    return out.getvalue()


def _document(**change: object) -> OfficialDocument:
    body = (
        Heading("一、标题一"),
        Heading("（一）标题二", level=2),
        Heading("1. 标题三", level=3),
        Paragraph("正文一段，大米4750千克。"),
        Paragraph("居中不缩进", indent=False, align="center", bold=True),
        Table(
            (Column("品名", 2), Column("数量（千克）", 1, "right")),
            (("大米", "4750"), ("合计", "4750")),
            caption="表1",
            has_total=True,
        ),
        Facts((("发货库", "区库"), ("接收点", "小学"), ("驾驶员", "")), wide=(("路线", "甲—乙"),)),
        *(Paragraph(trap) for trap in TRAPS),
        Note("小字说明"),
        Signatures((SignaturePlace("批准人", "DEMO-甲"), SignaturePlace("接收人"))),
    )
    given: dict[str, object] = {
        "title": "关于调拨救灾物资的通知",
        "masthead": "区应急管理局文件",
        "number": "华应急〔2026〕5号",
        "signer": "DEMO-局领导",
        "issuer": "区应急管理局",
        "to": ("各乡镇人民政府", "区直各单位"),
        "cc": ("区委办公室",),
        "issued_on": date(2026, 7, 3),
        "cutoff": datetime(2026, 7, 3, 6, 0),
        "body": body,
        "annexes": ("清单", "地图"),
        "after": (Picture(_png(), 100, "图1"), PageBreak(), Paragraph("附件正文")),
        "notices": ("示范数据",),
        "code": "编号 X-1",
    }
    return OfficialDocument(**(given | change))


def _squeezed(words: str) -> str:
    return re.sub(r"\s", "", words)


def _pdf_words(path: Path) -> str:
    return _squeezed("".join(page.extract_text() for page in PdfReader(path).pages))


def _docx_words(path: Path) -> str:
    docx = Document(str(path))
    return _squeezed("".join(t.text or "" for t in docx.element.body.iter(qn("w:t"))))


@pytest.fixture(scope="module")
def written(zh: Text, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("paper")
    return write_docx(_document(), folder / "a.docx", zh), write_pdf(_document(), folder / "a.pdf", zh)


SAID = (
    "关于调拨救灾物资的通知", "华应急〔2026〕5号", "签发人：DEMO-局领导", "各乡镇人民政府、区直各单位：",
    "抄送：区委办公室。",
    "2026年7月3日", "（截至2026年7月3日6时00分）", "一、标题一", "大米4750千克", "附件：1.清单", "2.地图", "年月日",
    "批准人", "DEMO-甲", "图1", "附件正文", "小字说明", "路线", "甲—乙",
)  # fmt: skip


def test_both_forms_say_the_same(written: tuple[Path, Path]) -> None:
    for words in (_docx_words(written[0]), _pdf_words(written[1])):
        for said in SAID:
            assert _squeezed(said) in words, said


def test_contents_are_never_read_as_markup(written: tuple[Path, Path]) -> None:
    for words in (_docx_words(written[0]), _pdf_words(written[1])):
        assert "root:" not in words
        for trap in TRAPS:
            assert _squeezed(trap) in words, trap


def test_numbers_keep_their_digits_together(written: tuple[Path, Path]) -> None:
    for path in written:
        words = _docx_words(path) if path.suffix == ".docx" else _pdf_words(path)
        assert not re.search("[\u2009\u202f\u2007\u200a,]\\d", words)


def test_sheet_is_that_of_the_standard(written: tuple[Path, Path]) -> None:
    section = Document(str(written[0])).sections[0]
    assert [round(v.mm) for v in (section.page_width, section.page_height)] == [210, 297]
    assert [round(v.mm) for v in (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)] == [37, 35, 28, 26]  # fmt: skip  # noqa: E501
    for page in PdfReader(written[1]).pages:
        assert [round(float(v) / 72 * 25.4) for v in page.mediabox[2:]] == [210, 297]


def test_faces_are_those_of_official_paper(written: tuple[Path, Path]) -> None:
    docx = Document(str(written[0]))
    faces = {r.get(qn("w:eastAsia")) for r in docx.element.body.iter(qn("w:rFonts"))}
    assert {"方正小标宋简体", "仿宋_GB2312", "黑体", "楷体_GB2312"} <= faces
    fonts = {f for page in PdfReader(written[1]).pages for f in _pdf_fonts(page)}
    assert fonts
    assert all("NotoSerifSC" in f or "NotoSansSC" in f for f in fonts)


def _pdf_fonts(page: object) -> list[str]:
    return [str(f.get_object()["/BaseFont"]) for f in page["/Resources"]["/Font"].values()]  # type: ignore[index]


def test_pages_are_numbered_and_marked(written: tuple[Path, Path]) -> None:
    pages = [_squeezed(page.extract_text()) for page in PdfReader(written[1]).pages]
    for number, words in enumerate(pages, start=1):
        assert f"—{number}—" in words
        assert "编号X-1" in words
        assert "示范数据" in words


def test_same_content_same_bytes(written: tuple[Path, Path], zh: Text, tmp_path: Path) -> None:
    assert write_docx(_document(), tmp_path / "b.docx", zh).read_bytes() == written[0].read_bytes()
    assert write_pdf(_document(), tmp_path / "b.pdf", zh).read_bytes() == written[1].read_bytes()


def test_many_documents_start_on_new_pages_numbered_from_one(zh: Text, tmp_path: Path) -> None:
    docs = [OfficialDocument(title=f"第{i}件", body=(Paragraph("正文"),), code=f"C{i}") for i in range(3)]
    pages = PdfReader(write_pdf(docs, tmp_path / "a.pdf", zh)).pages
    assert len(pages) == 3
    assert all("—1—" in _squeezed(p.extract_text()) for p in pages)
    docx = Document(str(write_docx(docs, tmp_path / "a.docx", zh)))
    assert len(docx.sections) == 3
    starts = [n.get(qn("w:start")) for s in docx.sections for n in s._sectPr.findall(qn("w:pgNumType"))]
    assert starts == ["1", "1", "1"]


def test_control_marks_are_taken_out(zh: Text, tmp_path: Path) -> None:
    doc = OfficialDocument(title="题\x00\x1b", body=(Paragraph("甲\x07\u202e乙\ud800\n丙\u2009丁"),))
    for words in (
        _docx_words(write_docx(doc, tmp_path / "a.docx", zh)),
        _pdf_words(write_pdf(doc, tmp_path / "a.pdf", zh)),
    ):
        assert "甲乙丙丁" in words


def test_rare_letters_print(zh: Text, tmp_path: Path) -> None:
    doc = OfficialDocument(title="名册", body=(Paragraph("峣垚燚龑"),))
    assert "峣垚燚龑" in _pdf_words(write_pdf(doc, tmp_path / "a.pdf", zh))


def test_words_give_way_to_numbers_that_must_not_break(zh: Text) -> None:
    columns = (Column("行政村", 9.0), *(Column("数", 1.0, "right") for _ in range(6)))
    doc = OfficialDocument(title="题", body=(Table(columns, (("某村", *["123456.7"] * 6),)),))
    widths = [c["width"] for c in sheet(doc, zh).body[0]["columns"]]
    assert min(widths[1:]) >= 8 * 6.3 + 8
    assert sum(widths) == pytest.approx(442, abs=0.1)


def test_a_table_with_a_crooked_row_is_refused(zh: Text, tmp_path: Path) -> None:
    doc = OfficialDocument(title="题", body=(Table((Column("甲"),), (("1", "2"),)),))
    with pytest.raises(ValueError, match="1 cells"):
        write_pdf(doc, tmp_path / "a.pdf", zh)
    assert not (tmp_path / "a.pdf").exists()
    with pytest.raises(ValueError, match="no document"):
        write_docx([], tmp_path / "a.docx", zh)


def test_the_bureaus_own_face_comes_first(zh: Text, tmp_path: Path) -> None:
    from fontTools.ttLib import TTFont

    folder = tmp_path / "fonts"
    folder.mkdir()
    font = TTFont(asset("fonts/NotoSansSC-Bold.ttf"))
    for record in font["name"].names:
        if record.nameID in {1, 4, 16}:
            record.string = "FangSong_GB2312"
        if record.nameID == 6:
            record.string = "FangSongGB"
    font.save(folder / "fs.ttf")
    faces = find_faces(folder)
    assert faces.own == {"body": "FangSong_GB2312"}
    assert faces.chain("body") == ["FangSong_GB2312", "Noto Serif SC", "Noto Sans SC"]
    doc = OfficialDocument(title="题", body=(Paragraph("正文"),))
    pdf = write_pdf(doc, tmp_path / "a.pdf", zh, fonts=folder)
    assert any("FangSongGB" in f for page in PdfReader(pdf).pages for f in _pdf_fonts(page))
    docx = Document(str(write_docx(doc, tmp_path / "a.docx", zh, fonts=folder)))
    assert "FangSong_GB2312" in {r.get(qn("w:eastAsia")) for r in docx.element.body.iter(qn("w:rFonts"))}


# ECMA-376 part 1, 17.3.1.26, 17.3.2.28, 17.4.60, 17.6.17: office programs refuse properties in another order.
ORDER = {
    "w:pPr": "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs "
    "suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi adjustRightInd "
    "snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc textDirection textAlignment outlineLvl "
    "rPr sectPr",
    "w:rPr": "rStyle rFonts b bCs i iCs caps smallCaps strike color spacing w kern position "
    "sz szCs highlight u effect vertAlign lang",
    "w:tblPr": "tblStyle tblpPr tblOverlap bidiVisual tblStyleRowBandSize tblStyleColBandSize tblW jc tblCellSpacing "
    "tblInd tblBorders shd tblLayout tblCellMar tblLook",
    "w:tcPr": "cnfStyle tcW gridSpan hMerge vMerge tcBorders shd noWrap tcMar textDirection tcFitText vAlign hideMark",
    "w:sectPr": "headerReference footerReference type pgSz pgMar paperSrc pgBorders lnNumType pgNumType cols "
    "titlePg docGrid",
}


def test_docx_properties_stand_in_the_order_of_the_standard(written: tuple[Path, Path]) -> None:
    docx = Document(str(written[0]))
    roots = [docx.element.body, docx.styles.element]
    roots += [part._element for s in docx.sections for part in (s.footer, s.even_page_footer, s.header)]
    seen = set()
    for name, order in ORDER.items():
        places = {f"w:{child}": k for k, child in enumerate(order.split())}
        if name == "w:sectPr":
            places["w:footerReference"] = places["w:headerReference"]
        for root in roots:
            for element in root.iter(qn(name)):
                ranks = [places[child.prefix + ":" + child.tag.partition("}")[2]] for child in element]
                assert ranks == sorted(ranks), (name, [child.tag for child in element])
                seen.add(name)
    assert seen == set(ORDER)


def test_docx_names_alternatives_for_its_faces(written: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(written[0]) as package:
        table = package.read("word/fontTable.xml").decode("utf-8")
    assert re.search('w:name="仿宋_GB2312"><w:altName w:val="[^"]*FangSong[^"]*Noto Serif SC"', table)
