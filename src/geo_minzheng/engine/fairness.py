"""Vulnerability weights: how much more a village counts, by policy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

_DECIMALS = 3


@dataclass(frozen=True)
class Rates:
    """What is added to the weight 1 [1]: per share of elderly and children, when cut off, in the cold."""

    elderly_children: float
    isolated: float
    cold: float


def weights(villages: pd.DataFrame, *, isolated: Collection[str], is_cold: bool, rates: Rates) -> dict[str, float]:
    """Weigh villages: ``1 + a * (elderly + children) / population + b * cut off + c * cold``, to three decimals.

    Parameters
    ----------
    villages
        ``code, resident_population, elderly_60, children_14`` [persons].

    Returns
    -------
    Weight by village code [1].
    """
    people = villages["resident_population"].to_numpy(float)
    weak = villages["elderly_60"].to_numpy(float) + villages["children_14"].to_numpy(float)
    share = np.clip(np.divide(weak, people, out=np.zeros_like(weak), where=people > 0), 0.0, 1.0)
    cut = villages["code"].astype(str).isin(list(isolated)).to_numpy(float)
    weight = 1.0 + rates.elderly_children * share + rates.isolated * cut + rates.cold * float(is_cold)
    return dict(zip(villages["code"].astype(str), np.round(weight, _DECIMALS).tolist(), strict=True))
