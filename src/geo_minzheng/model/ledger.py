"""What moves stock: vouchers, their lines, what a lot holds, and exact quantities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from math import isfinite

from geo_minzheng.errors import InputError

THOUSAND = 1000
_LARGEST = 10**12

Quantity = int | float | Decimal


class VoucherKind(StrEnum):
    """Kinds of vouchers; stock changes by nothing else."""

    RECEIPT = "receipt"
    ISSUE = "issue"
    TRANSFER = "transfer"
    STOCKTAKE = "stocktake"
    REVERSAL = "reversal"


class ReservationState(StrEnum):
    """A reservation is held until it is picked or released, once."""

    HELD = "held"
    PICKED = "picked"
    RELEASED = "released"


def to_milli(quantity: Quantity) -> int:
    """Turn a quantity into whole thousandths, exactly.

    Parameters
    ----------
    quantity
        Amount [item unit], at most three decimals.

    Raises
    ------
    InputError
        ``ledger.bad_quantity``: not finite, finer than a thousandth, or beyond 10^12.
    """
    if isinstance(quantity, float) and not isfinite(quantity):
        raise InputError("ledger.bad_quantity", quantity=str(quantity))
    exact = (Decimal(repr(float(quantity))) if isinstance(quantity, float) else Decimal(quantity)) * THOUSAND
    if not exact.is_finite() or abs(exact) > _LARGEST * THOUSAND:
        raise InputError("ledger.bad_quantity", quantity=str(quantity))
    whole = int(exact.to_integral_value())
    # A float that was computed (0.1 + 0.2) is off by its own rounding; nothing larger is forgiven.
    slack = Decimal("1e-6") if isinstance(quantity, float) else Decimal(0)
    if abs(exact - whole) > slack:
        raise InputError("ledger.bad_quantity", quantity=str(quantity))
    return whole


def from_milli(thousandths: int) -> float:
    """Turn whole thousandths into a quantity [item unit]; ``to_milli`` undoes it exactly."""
    return thousandths / THOUSAND


@dataclass(frozen=True)
class LotLine:
    """An amount of one lot in one warehouse [item unit]."""

    warehouse: str
    lot_no: str
    quantity: Quantity


@dataclass(frozen=True)
class LotReceipt:
    """Goods that come in; an unknown lot is opened with these particulars, a known one grows.

    Parameters
    ----------
    quantity
        Amount received [item unit].
    unit_cost_yuan
        Cost of one unit [yuan].
    """

    warehouse: str
    lot_no: str
    item: str
    unit: str
    quantity: Quantity
    received_on: date
    owner: str = "district"
    releasing_authority: str = ""
    produced_on: date | None = None
    expiry_on: date | None = None
    condition: str = "usable"
    unit_cost_yuan: float | None = None
    contract_no: str | None = None
    acceptance_no: str | None = None


@dataclass(frozen=True)
class LotTransfer:
    """An amount of one lot that changes warehouse and keeps its lot number [item unit]."""

    source: str
    target: str
    lot_no: str
    quantity: Quantity


@dataclass(frozen=True)
class LotHold:
    """An amount of one lot promised to one line of an order [item unit]."""

    line_no: int
    warehouse: str
    lot_no: str
    quantity: Quantity


@dataclass(frozen=True)
class StockRow:
    """What a lot holds and what of it is promised [item unit].

    Which part may be moved (owner, releasing authority, 机动留底) is policy and decided elsewhere.
    """

    warehouse: str
    item: str
    lot_no: str
    unit: str
    quantity: float
    reserved: float
    owner: str
    releasing_authority: str
    condition: str
    received_on: date
    produced_on: date | None = None
    expiry_on: date | None = None
    unit_cost_yuan: float | None = None

    @property
    def free(self) -> float:
        """What is not promised yet [item unit]."""
        return from_milli(to_milli(self.quantity) - to_milli(self.reserved))


@dataclass(frozen=True)
class MovementRow:
    """One line of one voucher as it stands in the ledger [item unit].

    Parameters
    ----------
    quantity
        Signed change of the lot.
    balance
        What the lot held right after it.
    """

    voucher: str
    kind: str
    line_no: int
    warehouse: str
    item: str
    lot_no: str
    quantity: float
    balance: float
    who: str
    at: str
    order_id: str
    reverses: str
    note: str
