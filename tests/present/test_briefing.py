from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO
from pathlib import Path

import pytest
from docx import Document
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from geo_minzheng.model.document import (
    ApprovalRow,
    BriefingContent,
    Estimate,
    Figure,
    Heading,
    IsolatedVillage,
    Paragraph,
    ReliefRow,
    Table,
)
from geo_minzheng.present.briefing import briefing_document, shortages
from geo_minzheng.present.documents import write_docx, write_pdf
from geo_minzheng.present.text import Text
from geo_minzheng.settings import data_dir

FORBIDDEN = ("影子价格", "对偶", "最优性证明", "公平的代价", "配给", "点击", "提交", "按钮")
CONTENT = BriefingContent(
    "区应急管理局", "华容区", 3, 2026, "“7·3”洪涝灾害", "洪涝（江河洪水）", datetime(2026, 7, 3, 2),
    datetime(2026, 7, 3, 21, 40),
    date(2026, 7, 3), signer="DEMO-局领导", to=("市应急管理局",), reported=41, expected=100,
    confirmed=(Figure("受灾人口", 12840, "人"), Figure("因灾死亡人口", 0, "人"), Figure("因灾失踪人口", None, "人")),
    estimates=(Estimate("受淹人口", 14000, 18200, 22400, "人", "淹没范围相交"),),
    level_text="建议启动三级响应。", level_grounds=("转移3260人，已满足。",),
    isolated=(IsolatedVillage("临江乡", "粑铺村", 1830, "21时10分", "0000-0000003"),),
    relief=(
        ReliefRow("临江乡", "大米", "千克", 4750, 4750), ReliefRow("临江乡", "饮用水", "升", 8550, 6840, "库存用尽"),
        ReliefRow("庙岭镇", "饮用水", "升", 100, 50.5, "库存用尽"), ReliefRow("庙岭镇", "蚊帐", "床", 0, 0),
    ),
    approvals=(ApprovalRow("调拨方案", "已批准（系统留痕）", "DEMO-局领导", datetime(2026, 7, 3, 22, 10)),),
    synthetic=True, audit_head="a3f1", plan_hash="9f86", policy_version="seed-1", code="ZB-3",
)  # fmt: skip


def _tables(content: BriefingContent, zh: Text) -> list[Table]:
    return [b for b in briefing_document(content, zh).body if isinstance(b, Table)]


def test_confirmed_and_estimated_figures_stand_apart(zh: Text) -> None:
    confirmed, estimates, *_ = _tables(CONTENT, zh)
    assert confirmed.rows == (
        ("受灾人口", "12840", "人"),
        ("因灾死亡人口", "0", "人"),
        ("因灾失踪人口", "未掌握", "人"),
    )
    assert estimates.rows == (("受淹人口", "≈18200", "14000–22400", "人", "淹没范围相交"),)
    heads = [b.text for b in briefing_document(CONTENT, zh).body if isinstance(b, Heading)]
    assert heads[1:3] == ["二、已核定灾情", "三、模型估算（供会商参考，不入统计表）"]


def test_empty_sections_are_left_out_and_numbers_close_up(zh: Text) -> None:
    bare = replace(CONTENT, estimates=(), level_text="", relief=(), approvals=(), confirmed=(), isolated=())
    document = briefing_document(bare, zh)
    assert [b.text for b in document.body if isinstance(b, Heading)] == [
        "一、基本情况",
        "二、已核定灾情",
        "三、交通中断村（孤岛）和未报村",
    ]
    said = [b.text for b in document.body if isinstance(b, Paragraph)]
    assert any("未掌握" in s for s in said)
    assert "目前没有交通中断村（孤岛）。" in said


def test_relief_shows_coverage_shortage_and_asks_upward(zh: Text) -> None:
    relief = _tables(CONTENT, zh)[3]
    assert relief.rows[1] == ("临江乡", "饮用水", "升", "8550", "6840", "80%", "1710", "库存用尽")
    assert relief.rows[3][5] == "—"
    said = [b.text for b in briefing_document(CONTENT, zh).body if isinstance(b, Paragraph)]
    assert any("建议申请上级调拨：饮用水1759.5升" in s for s in said)


@given(st.lists(st.tuples(st.sampled_from("甲乙丙"), st.integers(0, 500), st.integers(0, 500))))
def test_shortage_by_item_is_the_sum_of_towns(rows: list[tuple[str, int, int]]) -> None:
    relief = [ReliefRow(f"镇{i}", item, "件", need, min(got, need)) for i, (item, need, got) in enumerate(rows)]
    short = shortages(relief)
    assert sum(short.values()) == sum(r.need - r.got for r in relief)
    assert all(v > 0 for v in short.values())


def test_marks_for_verification_are_printed(zh: Text, tmp_path: Path) -> None:
    pdf = write_pdf(briefing_document(CONTENT, zh), tmp_path / "b.pdf", zh)
    words = re.sub(r"\s", "", "".join(p.extract_text() for p in PdfReader(pdf).pages))
    for said in (
        "灾情专报",
        "〔2026〕第3期",
        "留痕校验：a3f1",
        "方案校验值9f86",
        "政策版本seed-1",
        "示范数据",
        "ZB-3",
        "签发人：DEMO-局领导",
    ):
        assert said in words, said
    assert not [w for w in FORBIDDEN if w in words]


def test_bulletin_with_its_map_is_an_editable_document_too(zh: Text, tmp_path: Path) -> None:
    out = BytesIO()
    Image.new("RGB", (30, 30), "#1F4E79").save(out, "PNG")
    silent = (IsolatedVillage("临江乡", "黄柏山村"),)
    content = replace(CONTENT, map_png=out.getvalue(), map_title="受灾图", silent=silent, exercise=True)
    docx = Document(str(write_docx(briefing_document(content, zh), tmp_path / "b.docx", zh)))
    words = "".join(p.text for p in docx.paragraphs) + "".join(
        c.text for t in docx.tables for r in t.rows for c in r.cells
    )
    for said in ("灾情专报", "〔2026〕第3期", "附件：受灾图", "签发人：DEMO-局领导", "未报村1个", "≈18200"):
        assert said in words, said
    assert len(docx.inline_shapes) == 1
    heads = "".join(p.text for p in docx.sections[0].header.paragraphs)
    assert "演练" in heads
    assert "示范数据" in heads


def test_full_cover_is_said_and_nothing_is_asked_upward(zh: Text) -> None:
    covered = replace(CONTENT, relief=(ReliefRow("临江乡", "大米", "千克", 4750, 4750),))
    said = [b.text for b in briefing_document(covered, zh).body if isinstance(b, Paragraph)]
    assert "可动用库存能够满足测算需求。" in said
    assert not any("申请上级" in s for s in said)


@pytest.mark.parametrize("table", ["briefing", "order", "form", "paper"])
def test_no_word_of_the_screen_or_the_solver_is_on_paper(table: str) -> None:
    sentences = tomllib.loads((data_dir("text") / "zh.toml").read_text(encoding="utf-8"))["present"][table]
    assert not [(k, w) for k, s in sentences.items() for w in FORBIDDEN if w in s]
