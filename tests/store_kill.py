"""Kill the writer at random moments and look what became of what it had acknowledged."""

from __future__ import annotations

import os
import random
import select
import signal
import sqlite3
import time
from collections.abc import Callable

import sqlalchemy as sa
from store_play import ACT, receipt

from geo_minzheng.model.ledger import LotLine
from geo_minzheng.store import ledger
from geo_minzheng.store.session import make_engine, read_session, store_session
from geo_minzheng.store.tables import Voucher
from geo_minzheng.store.verify import verify


def honest_life(url: str, life: int, told: int) -> None:
    """Book voucher after voucher and tell the number of each after its commit."""
    engine = make_engine(url)
    for number in range(1_000_000):
        with store_session(engine) as session:
            name = f"{life}.{number}"
            if number % 3:
                ledger.issue(session, ACT, name, [LotLine("W1", "L1", 0.5), LotLine("W1", "L2", 0.25)])
            else:
                ledger.receive(session, ACT, name, [receipt("W1", "L1", 2), receipt("W1", "L2", 1)])
            session.commit()
        os.write(told, f"{name}\n".encode())


def forgetful_life(url: str, life: int, told: int) -> None:
    """Planted bug: tells before it has committed."""
    engine = make_engine(url)
    for number in range(1_000_000):
        with store_session(engine) as session:
            name = f"{life}.{number}"
            ledger.receive(session, ACT, name, [receipt("W1", "L1", 2)])
            os.write(told, f"{name}\n".encode())
            time.sleep(0.001)
            session.commit()


def torn_life(url: str, life: int, _told: int) -> None:
    """Planted bug: moves the balance in one transaction and books the movement in the next."""
    path = url.removeprefix("sqlite:///")
    link = sqlite3.connect(path, timeout=10)
    for number in range(1_000_000):
        link.execute("UPDATE lot_balance SET quantity_milli = quantity_milli + 1")
        link.commit()
        time.sleep(0.001)
        link.execute(
            "INSERT INTO voucher (number, kind, incident, order_id, note, who, role, at) "
            "VALUES (?, 'receipt', '', '', '', '', '', '2026-07-15T00:00:00.000Z')",
            (f"{life}.{number}",),
        )
        link.execute(
            "INSERT INTO movement (voucher_fid, line_no, lot_fid, kind, quantity_milli, balance_milli) "
            "SELECT (SELECT max(fid) FROM voucher), b.fid, b.lot_fid, 'receipt', 1, b.quantity_milli FROM lot_balance b"
        )
        link.commit()


def _live_and_die(work: Callable[[str, int, int], None], url: str, life: int, rng: random.Random) -> list[str]:
    """Let a writer acknowledge some vouchers, or run a while where it acknowledges none, then kill it anywhere."""
    ear, mouth = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(ear)
            work(url, life, mouth)
        finally:
            os._exit(1)
    os.close(mouth)
    said, wanted, deadline = b"", rng.randint(10, 20), time.monotonic() + 1.5
    while said.count(b"\n") < wanted and (left := deadline - time.monotonic()) > 0:
        if select.select([ear], [], [], left)[0]:
            said += os.read(ear, 4096)
    time.sleep(rng.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the writer died by itself"
    with os.fdopen(ear, "rb") as rest:
        return (said + rest.read()).decode().split()


def kill_many(work: Callable[[str, int, int], None], url: str, *, kills: int) -> tuple[int, list[str], dict[str, str]]:
    """Start and kill a writer again and again.

    Returns
    -------
    How many vouchers were acknowledged, which of them are lost, and what ``verify`` found wrong, over all kills.
    """
    engine = make_engine(url)
    with store_session(engine) as session:
        ledger.receive(session, ACT, "入-0", [receipt("W1", "L1", 100), receipt("W1", "L2", 100)])
        session.commit()
    engine.dispose()
    rng = random.Random(11)
    told: list[str] = []
    wrong: dict[str, str] = {}
    for life in range(1, kills + 1):
        told += _live_and_die(work, url, life, rng)
        engine = make_engine(url)
        with read_session(engine) as session:
            wrong |= {name: found.key for name, found in verify(session).items() if not found.is_ok}
        engine.dispose()
    with read_session(make_engine(url)) as session:
        kept = set(session.scalars(sa.select(Voucher.number)))
    return len(told), [name for name in told if name not in kept], wrong
