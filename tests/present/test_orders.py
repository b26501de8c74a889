from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from papers import order, paper
from pypdf import PdfReader

from geo_minzheng.model.document import Facts, Table
from geo_minzheng.model.relief import OrderLine, OrderState
from geo_minzheng.present.documents import write_docx, write_pdf
from geo_minzheng.present.orders import order_document, order_documents, order_marks
from geo_minzheng.present.text import Text

TRACED, ORAL, SIGNED = "已批准（系统留痕）", "口头指令（书面补签时限2026年7月5日2时10分）", "已签发盖章（扫描件）"
DUE = datetime(2026, 7, 5, 2, 10)


@pytest.mark.parametrize(
    ("change", "marks"),
    [
        ({"state": OrderState.DRAFTED}, ("拟定（未批准）",)),
        ({"state": OrderState.APPROVED}, (TRACED,)),
        ({"state": OrderState.PICKING}, (TRACED,)),
        ({"state": OrderState.ORAL_ORDER, "is_oral": True, "paper_due": DUE}, (ORAL,)),
        ({"state": OrderState.IN_TRANSIT, "is_oral": True, "paper_due": DUE}, (ORAL,)),
        ({"state": OrderState.ISSUED, "is_oral": True, "paper_signed": True}, ("口头指令（书面已补签）", SIGNED)),
        ({"state": OrderState.ISSUED, "paper_signed": True}, (TRACED, SIGNED)),
        ({"state": OrderState.CANCELLED}, ("已撤销",)),
    ],
)
def test_a_click_is_not_a_signature(change: dict[str, object], marks: tuple[str, ...], zh: Text) -> None:
    assert order_marks(order(**change), zh) == marks


def _goods(zh: Text) -> Table:
    return next(b for b in order_document(order(), paper(), zh).body if isinstance(b, Table))


def test_each_line_shows_requested_assessed_approved(zh: Text) -> None:
    goods = _goods(zh)
    assert [c.title for c in goods.columns] == ["序号", "品名", "规格", "批次", "单位", "申请数", "测算数", "核定数"]
    assert [row[5:] for row in goods.rows] == [("5000", "4750", "4750"), ("无申请", "648", "648"), ("0", "250", "250")]
    assert [c.align for c in goods.columns[5:]] == ["right"] * 3


def test_breakdown_sums_to_what_is_approved(zh: Text) -> None:
    document = order_document(order(), paper(), zh)
    table = document.after[0]
    assert isinstance(table, Table)
    assert [c.title for c in table.columns] == ["行政村（社区）", "大米（千克）", "饮用水（箱）"]
    assert table.rows == (("牌坊村", "2000", "300"), ("芦花村", "3000", "348"), ("合计", "5000", "648"))
    approved = {}
    for line in order().lines:
        approved[line.item] = approved.get(line.item, 0) + line.approved
    assert table.rows[-1][1:] == tuple(f"{v:g}" for v in approved.values())


def test_many_goods_stand_in_several_tables_and_keep_their_sums(zh: Text) -> None:
    lines = tuple(
        OrderLine(f"i{k}", f"品{k}", "", "件", f"L{k}", None, 9, 9, {"v1": 4 + k % 2, "v2": 5 - k % 2})
        for k in range(11)
    )
    tables = order_document(order(lines=lines), paper(), zh).after
    assert [len(t.columns) for t in tables] == [7, 6]
    assert [title for t in tables for title in [c.title for c in t.columns][1:]] == [f"品{k}（件）" for k in range(11)]
    assert all(set(t.rows[-1][1:]) == {"9"} for t in tables)


def test_oral_instruction_names_leader_time_recorder_witness(zh: Text) -> None:
    oral = order(state=OrderState.ORAL_ORDER, is_oral=True, paper_due=DUE)
    said = paper(oral_leader="DEMO-区长", oral_at=datetime(2026, 7, 3, 2, 10), recorder="DEMO-甲", witness="DEMO-乙")
    head = next(b for b in order_document(oral, said, zh).body if isinstance(b, Facts))
    assert dict(head.wide)["口头指令"] == "DEMO-区长于2026年7月3日2时10分电话指令，记录人DEMO-甲，见证人DEMO-乙"
    head = next(b for b in order_document(oral, paper(), zh).body if isinstance(b, Facts))
    assert "未掌握" in dict(head.wide)["口头指令"]


def test_everything_the_order_needs_is_on_it(zh: Text) -> None:
    document = order_document(order(), paper(exercise=True), zh)
    head = next(b for b in document.body if isinstance(b, Facts))
    facts = dict(head.pairs) | dict(head.wide)
    assert facts["送达时限"] == "2026年7月4日6时00分"
    assert facts["截至时间"] == "2026年7月3日21时40分"
    assert facts["预计行程"] == "1小时20分"
    assert facts["运输路线"] == "储备库—国道—大桥—小学"
    assert facts["签发人"] == "DEMO-局领导"
    assert "9f86d081884c7d65" in facts["校验值"]
    assert document.number == "华应急调〔2026〕1号"
    assert document.notices[0].startswith("演练")
    assert any("示范数据" in n for n in document.notices)


def test_a_set_of_orders_is_one_file_each_order_on_its_own_page(zh: Text, tmp_path: Path) -> None:
    orders = [order(2), order(1), order(3)]
    papers = {o.order_id: paper() for o in orders}
    docs = order_documents(orders, papers, zh)
    assert [d.number for d in docs] == [f"华应急调〔2026〕{i}号" for i in (1, 2, 3)]
    pages = [p.extract_text() for p in PdfReader(write_pdf(docs, tmp_path / "orders.pdf", zh)).pages]
    assert len(pages) == 6
    assert [("救灾物资调拨单" in p, "分村明细表" in p) for p in pages[:2]] == [(True, True), (False, True)]
    assert "批准人" in pages[0]
    assert "区应急管理局" in pages[0]
    assert write_docx(docs, tmp_path / "orders.docx", zh).stat().st_size > 10_000
