"""Writers that play on a ledger, honest and faulty, and the stores they play on."""

from __future__ import annotations

import multiprocessing
import random
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from geo_minzheng.errors import RefusedError
from geo_minzheng.model.act import Act
from geo_minzheng.model.ledger import LotHold, LotLine, LotReceipt, LotTransfer
from geo_minzheng.store import ledger, migrate, reservations
from geo_minzheng.store.session import create_store, make_engine, store_session

ACT = Act("保管员甲", datetime(2026, 7, 15, 2, 30, tzinfo=UTC), role="仓库保管员", scope="420704")
HOUSES = ("W1", "W2")
LOTS = ("L1", "L2", "L3")


def receipt(warehouse: str, lot_no: str, quantity: float, **other: Any) -> LotReceipt:
    given = {"item": "tent_12", "unit": "顶", "received_on": date(2026, 1, 1), "releasing_authority": "区应急局"}
    return LotReceipt(warehouse=warehouse, lot_no=lot_no, quantity=quantity, **(given | other))


def fresh_file(template: Path, target: Path) -> str:
    """Copy an empty store, made once."""
    if not template.exists():
        create_store(f"sqlite:///{template}").dispose()
    shutil.copy(template, target)
    return f"sqlite:///{target}"


def old_store(path: Path, revision: str) -> None:
    """Make a store as an earlier version left it."""
    engine = make_engine(f"sqlite:///{path}")
    with engine.begin() as link:
        config = Config(attributes={"connection": link})
        config.set_main_option("script_location", str(migrate.__file__).replace("migrate.py", "migrations"))
        config.set_main_option("path_separator", "os")
        command.upgrade(config, revision)
    engine.dispose()


def stock_up(url: str, quantity: float = 400) -> None:
    engine = make_engine(url)
    with store_session(engine) as session:
        lots = [receipt(house, lot, quantity) for house in HOUSES for lot in LOTS]
        ledger.receive(session, ACT, "入-0", lots)
        session.commit()
    engine.dispose()


def one_operation(engine: sa.Engine, rng: random.Random, name: str, stocked: int) -> bool:
    """Do something a keeper does; whether it was acknowledged (a refusal is an answer, not an error).

    A stock-take counts about what the lot was stocked with, so that plenty stays plenty.
    """
    house, other = rng.sample(HOUSES, 2)
    lot, amount = rng.choice(LOTS), rng.randint(1, 25) / rng.choice((1, 2, 4, 8, 1000))
    counted = rng.randint(stocked - stocked // 10, stocked + stocked // 10)
    kind = rng.choice(("receive", "issue", "issue", "issue", "transfer", "stocktake", "reverse", "order", "order"))
    try:
        with store_session(engine) as session:
            if kind == "receive":
                ledger.receive(session, ACT, name, [receipt(house, lot, amount)])
            elif kind == "issue":
                ledger.issue(session, ACT, name, [LotLine(house, lot, amount)])
            elif kind == "transfer":
                ledger.transfer(session, ACT, name, [LotTransfer(house, other, lot, amount)])
            elif kind == "stocktake":
                ledger.take_stock(session, ACT, name, [LotLine(house, lot, counted)], reason="盘点")
            elif kind == "reverse":
                ledger.issue(session, ACT, f"{name}-原", [LotLine(house, lot, amount)])
                ledger.reverse(session, ACT, name, f"{name}-原", reason="错单")
            else:
                reservations.reserve(session, ACT, name, [LotHold(1, house, lot, amount)])
                if rng.random() < 0.5:
                    reservations.pick(session, ACT, name, name, {1: amount if rng.random() < 0.7 else 0})
                elif rng.random() < 0.5:
                    reservations.release(session, ACT, name, reason="改派")
            session.commit()
    except RefusedError as refused:
        if refused.key not in {"ledger.short", "ledger.reserved_already"}:
            raise
        return False
    return True


def honest_writer(url: str, writer: int, operations: int, stocked: int = 400) -> int:
    engine = make_engine(url)
    rng = random.Random(writer)
    try:
        return sum(one_operation(engine, rng, f"{writer}-{number}", stocked) for number in range(operations))
    finally:
        engine.dispose()


def careless_writer(url: str, writer: int, operations: int) -> int:
    """Planted bug: read the balance, compute, write it back, in a transaction that does not wait for its turn."""
    engine = sa.create_engine(url, isolation_level="READ COMMITTED") if "postgresql" in url else sa.create_engine(url)
    rng = random.Random(writer)
    done = 0
    for number in range(operations):
        try:
            with engine.connect() as link:
                row = link.execute(sa.text("SELECT quantity_milli FROM lot_balance WHERE lot_fid = 1")).scalar_one()
                link.commit()
                left = max(row - rng.randint(1, 5), 0)
                voucher = link.execute(
                    sa.text(
                        "INSERT INTO voucher (number, kind, incident, order_id, note, who, role, at) VALUES "
                        "(:n, 'stocktake', '', '', '', 'x', '', '2026-07-15T00:00:00.000Z') RETURNING fid"
                    ),
                    {"n": f"{writer}-{number}"},
                ).scalar_one()
                link.execute(
                    sa.text(
                        "INSERT INTO movement (voucher_fid, line_no, lot_fid, kind, quantity_milli, balance_milli) "
                        "VALUES (:v, 1, 1, 'stocktake', :q, :b)"
                    ),
                    {"v": voucher, "q": left - row, "b": left},
                )
                link.execute(sa.text("UPDATE lot_balance SET quantity_milli = :q WHERE lot_fid = 1"), {"q": left})
                link.commit()
                done += 1
        except sa.exc.OperationalError:
            continue
    engine.dispose()
    return done


def _report(work: Callable[[str, int, int], int], url: str, writer: int, operations: int, results: Any) -> None:
    try:
        results.put((writer, work(url, writer, operations), ""))
    except BaseException as error:
        results.put((writer, 0, repr(error)))
        raise


def run_writers(work: Callable[[str, int, int], int], url: str, *, writers: int, operations: int) -> int:
    """Run writers in processes of their own; give what they were acknowledged, fail on any other error."""
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    team = [context.Process(target=_report, args=(work, url, w, operations, results)) for w in range(1, writers + 1)]
    for process in team:
        process.start()
    said = [results.get(timeout=300) for _ in team]
    for process in team:
        process.join(60)
    errors = [error for _, _, error in said if error]
    assert not errors, errors
    return sum(count for _, count, _ in said)
