"""What people need: the rules' parts and the sum behind a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Multiplicand:
    """The sum behind one need, ready to be written: base x rate x days.

    Parameters
    ----------
    rule
        ``per_base`` or ``per_household_ceil``.
    base, base_unit
        Counted people, households or sites.
    rate
        Item units per base unit (and day); for ``per_household_ceil`` the persons one piece holds.
    days
        Days supplied; ``None`` for lasting goods.
    raw, on_site, in_transit, net, packed
        Quantities [unit].
    is_lower_bound
        Whether the household list was missing, so that the figure is the least possible.
    unknown
        Indicators that some village has not yet reported (未掌握, not 0).
    """

    item: str
    rule: str
    base: float
    base_unit: str
    rate: float
    days: float | None
    unit: str
    raw: float
    on_site: float
    in_transit: float
    net: float
    packed: float
    is_lower_bound: bool = False
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class NeedResult:
    """Need by village, item and layer.

    Parameters
    ----------
    lines
        One row per village and item: ``code, item, unit, base, rate, days, raw, on_site, in_transit, net,
        package_size, packed, is_lower_bound, unknown`` [item unit]; ``unknown`` joins indicator names by a blank.
    layers
        One row per village, item and layer (``survival``, ``sustain``): ``code, item, layer, raw, net, packed``; they
        sum to the line.
    terms
        One row per village, item and indicator: ``code, item, indicator, coefficient, value, counted``.
    absent
        Indicators the rules name and the table does not carry at all: counted as 0.
    """

    lines: pd.DataFrame
    layers: pd.DataFrame
    terms: pd.DataFrame
    absent: tuple[str, ...] = ()
