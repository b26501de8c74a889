"""The ledger as a state machine beside a model of plain dictionaries; twins with a planted bug must differ."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from sqlalchemy import text
from store_play import ACT, HOUSES, LOTS, fresh_file, receipt

from geo_minzheng.errors import NotFoundError, RefusedError
from geo_minzheng.model.ledger import LotHold, LotLine, LotTransfer, from_milli
from geo_minzheng.store import ledger, reservations
from geo_minzheng.store.session import make_engine, read_session, store_session
from geo_minzheng.store.stock import movement_rows, stock_rows
from geo_minzheng.store.verify import verify

HOUSE, LOT = st.sampled_from(HOUSES), st.sampled_from(LOTS)
AMOUNT = st.integers(1, 5000)
Place = tuple[str, str]


class LedgerMachine(RuleBasedStateMachine):
    """Receive, issue, transfer, stock-take, reverse, duplicate voucher, reserve, pick, release, crash and reopen."""

    template: ClassVar[Path]
    ledger: ClassVar[Any] = ledger
    reservations: ClassVar[Any] = reservations

    vouchers = Bundle("vouchers")
    orders = Bundle("orders")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-"))
        self.url = fresh_file(self.template, self.folder / "district.gpkg")
        self.engine = make_engine(self.url)
        self.holds: dict[Place, list[int]] = {}
        self.booked: dict[str, list[tuple[Place, int]]] = {}
        self.reversed: set[str] = set()
        self.promised: dict[str, tuple[Place, int]] = {}
        self.number = 0

    def teardown(self) -> None:
        try:
            with read_session(self.engine) as session:
                said = {name: found for name, found in verify(session).items() if not found.is_ok}
            assert said == {}
        finally:
            self.engine.dispose()
            shutil.rmtree(self.folder)

    def _name(self) -> str:
        self.number += 1
        return f"单-{self.number}"

    def _do(self, act: Any, *, possible: bool) -> bool:
        """Act in a session of its own; the store refuses exactly when the model does."""
        try:
            with store_session(self.engine) as session:
                act(session)
                session.commit()
        except (RefusedError, NotFoundError):
            assert not possible, "the store refused what the model allows"
            return False
        assert possible, "the store allowed what the model refuses"
        return True

    def _free(self, place: Place) -> int:
        held, promised = self.holds.get(place, [0, 0])
        return held - promised

    def _book(self, number: str, steps: list[tuple[Place, int]]) -> None:
        for place, change in steps:
            self.holds.setdefault(place, [0, 0])[0] += change
        self.booked[number] = steps

    @initialize(target=vouchers)
    def open_stock(self) -> Any:
        number = self._name()
        lots = [receipt(HOUSES[0], lot, 20) for lot in LOTS]
        self._do(lambda s: self.ledger.receive(s, ACT, number, lots), possible=True)
        self._book(number, [((HOUSES[0], lot), 20_000) for lot in LOTS])
        return number

    @rule(target=vouchers, house=HOUSE, lot=LOT, amount=AMOUNT)
    def receive(self, house: str, lot: str, amount: int) -> Any:
        number = self._name()
        self._do(
            lambda s: self.ledger.receive(s, ACT, number, [receipt(house, lot, from_milli(amount))]), possible=True
        )
        self._book(number, [((house, lot), amount)])
        return number

    @rule(target=vouchers, house=HOUSE, lot=LOT, amount=AMOUNT, other=LOT, more=AMOUNT)
    def issue(self, house: str, lot: str, amount: int, other: str, more: int) -> Any:
        number, steps = self._name(), [((house, lot), -amount), ((house, other), -more)]
        asked: dict[Place, int] = {}
        for place, change in steps:
            asked[place] = asked.get(place, 0) - change
        lines = [LotLine(*place, from_milli(-change)) for place, change in steps]
        possible = all(self._free(place) >= amount for place, amount in asked.items())
        if self._do(lambda s: self.ledger.issue(s, ACT, number, lines), possible=possible):
            self._book(number, steps)
            return number
        return multiple()

    @rule(target=vouchers, house=HOUSE, lot=LOT, amount=AMOUNT)
    def transfer(self, house: str, lot: str, amount: int) -> Any:
        number, target = self._name(), next(h for h in HOUSES if h != house)
        move = LotTransfer(house, target, lot, from_milli(amount))
        if self._do(
            lambda s: self.ledger.transfer(s, ACT, number, [move]), possible=self._free((house, lot)) >= amount
        ):
            self._book(number, [((house, lot), -amount), ((target, lot), amount)])
            return number
        return multiple()

    @rule(target=vouchers, house=HOUSE, lot=LOT, counted=st.integers(0, 20_000))
    def take_stock(self, house: str, lot: str, counted: int) -> Any:
        number, place = self._name(), (house, lot)
        possible = place in self.holds and counted >= self.holds[place][1]
        line = LotLine(house, lot, from_milli(counted))
        if self._do(lambda s: self.ledger.take_stock(s, ACT, number, [line], reason="盘点"), possible=possible):
            self._book(number, [(place, counted - self.holds[place][0])])
            return number
        return multiple()

    @rule(of=vouchers)
    def reverse(self, of: str) -> None:
        number, steps = self._name(), [(place, -change) for place, change in self.booked[of]]
        net: dict[Place, int] = {}
        for place, change in steps:
            net[place] = net.get(place, 0) + change
        possible = of not in self.reversed and all(self._free(p) + change >= 0 for p, change in net.items())
        if self._do(lambda s: self.ledger.reverse(s, ACT, number, of, reason="错单"), possible=possible):
            self._book(number, steps)
            self.reversed.add(of)
            again = f"{number}-再"
            self._do(lambda s: self.ledger.reverse(s, ACT, again, of, reason="再冲"), possible=False)

    @rule(number=vouchers, house=HOUSE, lot=LOT)
    def duplicate_voucher(self, number: str, house: str, lot: str) -> None:
        self._do(lambda s: self.ledger.receive(s, ACT, number, [receipt(house, lot, 1)]), possible=False)

    @rule(target=orders, house=HOUSE, lot=LOT, amount=AMOUNT)
    def reserve(self, house: str, lot: str, amount: int) -> Any:
        order, place = self._name(), (house, lot)
        hold = LotHold(1, house, lot, from_milli(amount))
        possible = self._free(place) >= amount
        if self._do(lambda s: self.reservations.reserve(s, ACT, order, [hold]), possible=possible):
            self.holds[place][1] += amount
            self.promised[order] = (place, amount)
            return order
        return multiple()

    @rule(target=vouchers, order=consumes(orders), share=st.integers(1, 4))
    def pick(self, order: str, share: int) -> Any:
        place, amount = self.promised[order]
        number, left = self._name(), amount // share
        shipped = {1: from_milli(left)}
        self._do(lambda s: self.reservations.pick(s, ACT, order, number, shipped), possible=True)
        self._do(lambda s: self.reservations.pick(s, ACT, order, f"{number}-再", shipped), possible=False)
        self.holds[place][1] -= amount
        self._book(number, [(place, -left)] if left else [])
        return number

    @rule(order=consumes(orders))
    def release(self, order: str) -> None:
        place, amount = self.promised[order]
        self._do(lambda s: self.reservations.release(s, ACT, order, reason="改派"), possible=True)
        self.holds[place][1] -= amount

    @precondition(lambda self: bool(self.booked))
    @rule(house=HOUSE, lot=LOT, amount=AMOUNT)
    def crash_and_reopen(self, house: str, lot: str, amount: int) -> None:
        """Everything is written, the commit never comes, the process is gone."""
        number = self._name()
        with store_session(self.engine) as session:
            self.ledger.receive(session, ACT, number, [receipt(house, lot, from_milli(amount))])
            session.connection().execute(text("SELECT 1"))
        self.engine.dispose()
        self.engine = make_engine(self.url)

    @invariant()
    def the_store_holds_what_the_model_holds(self) -> None:
        with read_session(self.engine) as session:
            stock = {(r.warehouse, r.lot_no): (r.quantity, r.reserved) for r in stock_rows(session)}
            sums: dict[Place, float] = dict.fromkeys(stock, 0)
            for row in movement_rows(session):
                sums[row.warehouse, row.lot_no] += round(row.quantity * 1000)
        model = {place: (from_milli(held), from_milli(promised)) for place, (held, promised) in self.holds.items()}
        assert stock == model
        assert {place: total / 1000 for place, total in sums.items()} == {p: held for p, (held, _) in model.items()}


class _ReversesTwice:
    """Planted bug: undoes a voucher without looking whether it was undone before."""

    def __getattr__(self, name: str) -> Any:
        return getattr(ledger, name)

    @staticmethod
    def reverse(session: Any, act: Any, number: str, of: str, *, reason: str) -> None:
        rows = [row for row in movement_rows(session) if row.voucher == of]
        for at, row in enumerate(rows):
            name = number if at == 0 else f"{number}.{at}"
            if row.quantity > 0:
                ledger.issue(session, act, name, [LotLine(row.warehouse, row.lot_no, row.quantity)])
            elif row.quantity < 0:
                ledger.receive(session, act, name, [receipt(row.warehouse, row.lot_no, -row.quantity)])


class _PromisesTwice:
    """Planted bug: reads what is free, then writes the promise without holding anything."""

    def __getattr__(self, name: str) -> Any:
        return getattr(reservations, name)

    @staticmethod
    def reserve(session: Any, act: Any, order_id: str, holds: Any) -> None:
        for hold in holds:
            row = next(
                (r for r in stock_rows(session) if (r.warehouse, r.lot_no) == (hold.warehouse, hold.lot_no)), None
            )
            if row is None or row.quantity < hold.quantity:
                raise RefusedError("ledger.short")


def machine(template: Path, **parts: Any) -> type[LedgerMachine]:
    """Make a machine on an empty store, with a faulty part where one is given."""
    return type("Machine", (LedgerMachine,), {"template": template, **parts})


TWINS = [
    pytest.param({"ledger": _ReversesTwice()}, id="reverses twice"),
    pytest.param({"reservations": _PromisesTwice()}, id="promises twice"),
]
