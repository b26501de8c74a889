"""Stock, need, the relief plan and the dispatch order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from geo_minzheng.model.solution import Stage, Status

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

SURVIVAL = "survival"
SUSTAIN = "sustain"
NEED_LAYERS = (SURVIVAL, SUSTAIN)


@dataclass(frozen=True)
class StockLot:
    """What a lot holds now and how much of it a plan may move [item unit]."""

    warehouse: str
    item: str
    lot_no: str
    quantity: float
    reserved: float
    movable: float
    expiry_on: date | None = None
    owner: str = "district"
    releasing_authority: str = ""
    condition: str = "usable"


@dataclass(frozen=True)
class Package:
    """The smallest whole unit that is moved."""

    item: str
    size: float
    unit: str
    kg: float


@dataclass(frozen=True)
class LayerCoverage:
    """What one need layer of one village and item got [item unit]."""

    layer: str
    need_packed: float
    got: float


@dataclass(frozen=True)
class Coverage:
    """What a village needs of an item, what it gets, and why not more.

    Parameters
    ----------
    need, need_packed, got
        Raw need, need in whole packages, delivered [item unit].
    weight
        Vulnerability weight [1]; a heavier village gets more.
    reason_code, reason_text
        Why not more: empty when covered.
    """

    village: str
    item: str
    need: float
    need_packed: float
    got: float
    weight: float
    layers: tuple[LayerCoverage, ...] = ()
    reason_code: str = ""
    reason_text: str = ""

    @property
    def rate(self) -> float | None:
        """Share of the packed need that is met [1]; ``None`` without need."""
        return self.got / self.need_packed if self.need_packed else None


@dataclass(frozen=True)
class PlanLine:
    """One delivery: lot, village, receiver, quantity [item unit], arrival [min from the start]."""

    warehouse: str
    village: str
    receiver: str
    item: str
    batch: str
    quantity: float
    unit: str
    arrive_min: float


@dataclass(frozen=True)
class Travel:
    """Travel time of one reachable pair [min]."""

    warehouse: str
    village: str
    minutes: float


@dataclass(frozen=True)
class PlanLimits:
    """Limits the plan obeyed; ``None`` where there was none."""

    lorry_hours: dict[str, float] | None = None
    deadline_min: float | None = None


@dataclass(frozen=True)
class ReliefPlan:
    """A proposal: who gets what from where by when, with its proof.

    ``input_hash`` covers data, policy and parameters; ``plan_hash`` the decision itself.
    """

    incident: str
    policy_version: str
    input_hash: str
    plan_hash: str
    status: Status
    stages: tuple[Stage, ...]
    stock: tuple[StockLot, ...]
    packages: tuple[Package, ...]
    travel: tuple[Travel, ...]
    coverage: tuple[Coverage, ...]
    lines: tuple[PlanLine, ...]
    isolated: tuple[str, ...]
    limits: PlanLimits = field(default_factory=PlanLimits)


class OrderState(StrEnum):
    """States of a dispatch order."""

    DRAFTED = "drafted"
    APPROVED = "approved"
    ORAL_ORDER = "oral_order"
    ISSUED = "issued"
    PICKING = "picking"
    IN_TRANSIT = "in_transit"
    ARRIVED = "arrived"
    RECEIVED = "received"
    RECEIVED_WITH_VARIANCE = "received_with_variance"
    DISTRIBUTED = "distributed"
    RECONCILED = "reconciled"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class OrderLine:
    """One row of a dispatch order; quantities in the item's unit.

    Parameters
    ----------
    requested, assessed, approved
        申请数 (``None`` when pushed without a request), 测算数, 核定数.
    villages
        Breakdown by village code, summing to ``approved``.
    """

    item: str
    item_name: str
    spec: str
    unit: str
    lot_no: str
    requested: float | None
    assessed: float
    approved: float
    villages: dict[str, float]


@dataclass(frozen=True)
class DispatchOrder:
    """A dispatch order 调拨单 from one warehouse to one receiver."""

    order_id: str
    number: str
    incident: str
    plan_hash: str
    state: OrderState
    warehouse: str
    warehouse_name: str
    receiver: str
    receiver_name: str
    contact_name: str
    contact_phone: str
    route: tuple[str, ...]
    travel_min: float
    deadline: datetime
    cutoff: datetime
    proposer: str
    signer: str
    lines: tuple[OrderLine, ...]
    is_oral: bool = False
    paper_due: datetime | None = None
    paper_signed: bool = False


@dataclass(frozen=True, eq=False)
class Routes:
    """How goods get from each warehouse to each village: by lorry to a dry receiver, from there on.

    Parameters
    ----------
    warehouses, villages
        Ids and codes, the order of the arrays.
    minutes
        Warehouse to receiver and on to the village, shape (warehouse, village) [min]; ``inf`` where there is no way.
    receiver
        Receiver on that way, shape (warehouse, village); empty where there is none.
    """

    warehouses: tuple[str, ...]
    villages: tuple[str, ...]
    minutes: NDArray[np.float64]
    receiver: NDArray[np.object_]


@dataclass(frozen=True, eq=False)
class ReliefInputs:
    """Everything a relief plan is computed from, and nothing else.

    Parameters
    ----------
    lots
        Stock that may be moved and the rest, see :func:`geo_minzheng.engine.stock.movable`.
    packages
        Package of every item.
    needs
        Need by village, item and layer, ``code, item, layer, net`` [item unit], layers in ``NEED_LAYERS``.
    weights
        Vulnerability by village code [1]; 1 where none is given.
    vehicle, payload_kg, loading_min
        Vehicle class, load of one lorry [kg], loading and unloading of one full load [min].
    """

    incident: str
    policy_version: str
    lots: tuple[StockLot, ...]
    packages: Mapping[str, Package]
    needs: pd.DataFrame
    weights: Mapping[str, float]
    routes: Routes
    limits: PlanLimits = field(default_factory=PlanLimits)
    payload_kg: float = 1000.0
    loading_min: float = 0.0
    vehicle: str = ""
