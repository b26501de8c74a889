"""``stock`` and ``verify``: vouchers book, what is wrong is refused, and whoever touches the file is found out."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from desk import Desk, desk_at

NEW = ("stock", "receive", "CK01", "rice")
WORDS = ("--unit", "千克", "--lot", "NEW1")


@pytest.fixture
def store(fresh: Path, tmp_path: Path) -> Desk:
    return desk_at(fresh, tmp_path / "home")


def _lot(desk: Desk, lot: str = "NEW1") -> dict[str, Any] | None:
    return next((r for r in desk.do("stock", "list") if (r["warehouse"], r["lot_no"]) == ("CK01", lot)), None)


def test_receipts_and_issues_move_the_balance_once(store):
    store.do(*NEW, "1000", *WORDS, "--voucher", "RK-1", "--expiry", "2027-05-01")
    lot = _lot(store)
    assert lot and (lot["quantity"], lot["reserved"], lot["expiry_on"]) == (1000, 0, "2027-05-01")
    assert store.refused(*NEW, "1000", *WORDS, "--voucher", "RK-1")["error"] == "ledger.duplicate_voucher"
    store.do("stock", "issue", "CK01", "250", "--lot", "NEW1", "--voucher", "CK-1")
    assert (
        store.refused("stock", "issue", "CK01", "751", "--lot", "NEW1", "--voucher", "CK-2")["error"] == "ledger.short"
    )
    assert (
        store.refused("stock", "issue", "CK01", "1", "--lot", "none", "--voucher", "CK-3")["error"] == "ledger.no_lot"
    )
    lot = _lot(store)
    assert lot and lot["quantity"] == 750 and lot["movable"] <= 750
    assert store.do("verify")["ledger"] == "ok"


@pytest.mark.parametrize(("words", "key"), [
    (("stock", "receive", "CK01", "no_such_item", "1", *WORDS), "stock.unknown_item"),
    (("stock", "receive", "no_such_store", "rice", "1", *WORDS), "stock.unknown_warehouse"),
    ((*NEW, "1", "--unit", "斤", "--lot", "NEW1"), "stock.wrong_unit"),
    ((*NEW, "nan", *WORDS), "stock.bad_quantity"), ((*NEW, "inf", *WORDS), "stock.bad_quantity"),
    ((*NEW, "0", *WORDS), "stock.bad_quantity"), ((*NEW, "1.0001", *WORDS), "ledger.bad_quantity"),
    ((*NEW, "1", *WORDS, "--owner", "no_such_owner"), "stock.unknown_owner"),
    ((*NEW, "1", *WORDS, "--expiry", "soon"), "settings.bad_moment"),
])  # fmt: skip
def test_what_cannot_be_booked_is_refused_and_leaves_nothing(fresh, words, key):
    desk = Desk(fresh)
    assert desk.refused(*words, "--voucher", "V-1")["error"] == key
    assert _lot(desk) is None


def test_goods_of_other_owners_are_seen_but_not_moved(store):
    store.do(*NEW, "1000", *WORDS, "--voucher", "RK-1", "--owner", "central")
    lot = _lot(store)
    assert lot and lot["quantity"] == 1000 and lot["movable"] == 0


@pytest.mark.parametrize("part", ["audit", "ledger"])
def test_tampering_is_told_with_its_reason(store, part):
    assert set(store.do("verify").values()) == {"ok"}
    assert {"ledger", "audit", "integrity"} <= set(store.do("verify"))
    with sqlite3.connect(store.home / "district.gpkg") as raw:
        tables = {r[0] for r in raw.execute("select name from sqlite_master where type = 'table'")}
        for (trigger,) in list(raw.execute("select name from sqlite_master where type = 'trigger'")):
            raw.execute(f'drop trigger "{trigger}"')
        if part == "audit":
            name = "audit" if "audit" in tables else next(t for t in tables if t.startswith("audit"))
            raw.execute(f'update "{name}" set who = ? where seq = (select max(seq) - 3 from "{name}")', ("他人",))
        else:
            raw.execute("update lot_balance set quantity_milli = quantity_milli + 1000 where rowid = 1")
    said = store.run("verify")
    assert said.code == 1 and said.json[part] != "ok" and len(said.json[part]) > 5, said
    assert said.json["ledger" if part == "audit" else "audit"] == "ok"


def test_a_broken_file_is_told_and_not_a_crash(store):
    path = store.home / "district.gpkg"
    content = bytearray(path.read_bytes())
    for at in range(100_000, len(content) - 4096, 40_960):
        content[at : at + 512] = b"\xff" * 512
    path.write_bytes(bytes(content))
    said = store.run("verify")
    assert said.code == 1 and said.out.strip() and "Traceback" not in said.err, said
    path.write_bytes(b"not a store at all" * 100)
    said = store.run("incident", "list")
    assert said.code == 1 and "Traceback" not in said.err, said
