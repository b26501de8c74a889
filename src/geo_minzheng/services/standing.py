"""How things stand, in a few numbers that open: the district's, or those of somebody's own village, store or home."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_minzheng.engine import duty as duty_engine
from geo_minzheng.services import dispatch, duty, housing, places, stock, welfare

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.model.relief import DispatchOrder

# The states of an order between the decision and the hand that takes it.
_UNDER_WAY = {"approved", "oral_order", "issued", "picking", "in_transit", "arrived"}


@dataclass(frozen=True)
class Number:
    """One number and where it opens.

    Parameters
    ----------
    name
        Which number; its unit stands in its sentence.
    value
        ``None`` where so few are withheld.
    page, address
        Page that shows what is behind it, and what its address says.
    """

    name: str
    value: float | None
    page: str
    address: str = ""


def of_district(session: Session, act: Act, policy: Policy) -> list[Number]:
    """Give the numbers of the district."""
    found = duty.district_numbers(session, act, policy)
    return [
        Number("people", found["people"], "overview"),
        Number("incidents", found["incidents"], "incident"),
        Number("reports_waiting", found["reports_waiting"], "review"),
        Number("movable_t", found["movable_t"], "relief", "tab=stock"),
        Number("dibao_households", found["dibao_households"], "housing"),
    ]


def of_own(session: Session, act: Act, policy: Policy, place: str) -> list[Number]:
    """Give the numbers of the warehouse, site or home somebody works at, else of the villages they see."""
    role = policy.roles[act.role]
    if role.place == "warehouse":
        return list(_of_warehouse(session, act, policy, place))
    if role.place == "site":
        return list(_of_site(session, place))
    if role.place == "home" or role.pages[0] == "welfare":
        return list(_of_homes(session, act, place))
    if role.pages[0] == "housing" and not act.scope:
        return list(_of_programmes(session))
    return list(_of_villages(session, act, role.pages[0]))


def _of_warehouse(session: Session, act: Act, policy: Policy, place: str) -> Iterator[Number]:
    lots = [lot for lot in stock.movable_stock(session, policy, act.at.date()) if lot.warehouse == place]
    yield Number("lots", sum(lot.quantity > 0 for lot in lots), "relief", "tab=stock")
    yield Number("items", len({lot.item for lot in lots if lot.quantity > 0}), "relief", "tab=stock")
    yield Number("orders_out", sum(order.warehouse == place for order in _under_way(session)), "relief", "tab=orders")


def _of_site(session: Session, place: str) -> Iterator[Number]:
    sites = duty_engine.rows_of(places.table(session, "site"), "site_id", place)
    yield Number("capacity", duty_engine.total(sites, "capacity_persons"), "relief", "tab=orders")
    yield Number("orders_in", sum(order.receiver == place for order in _under_way(session)), "relief", "tab=orders")


def _under_way(session: Session) -> Sequence[DispatchOrder]:
    running = duty.open_incidents(session)
    return [o for i in running for o in dispatch.orders_of(session, i) if o.state.value in _UNDER_WAY]


def _of_homes(session: Session, act: Act, place: str) -> Iterator[Number]:
    homes = places.table(session, "welfare_home")
    homes = duty_engine.rows_of(homes, "home_id", place) if place else homes
    defects = [d for d in welfare.open_defects(session, act) if place in ("", d["home"])]
    yield Number("beds", duty_engine.total(homes, "bed_total"), "welfare")
    yield Number("residents", duty_engine.total(homes, "resident_count"), "welfare")
    yield Number("defects", len(defects), "welfare")


def _of_programmes(session: Session) -> Iterator[Number]:
    made = housing.latest_programmes(session)
    for row in [] if made is None else made["programmes"]:
        yield Number(row["programme"], len(row["chosen"]), "housing", f"programme={row['programme']}")


def _of_villages(session: Session, act: Act, page: str) -> Iterator[Number]:
    villages = duty_engine.within(places.table(session, "village"), act.scope)
    yield Number("residents_here", duty_engine.total(villages, "resident_population"), page)
    yield Number("households", duty_engine.total(villages, "household_count"), page)
    yield Number("elderly", duty_engine.total(villages, "elderly_60"), page)
