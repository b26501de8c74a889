"""What lines for people are made of: names for codes, units in the reader's language, moments in Chinese time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from geo_minzheng import bootstrap
from geo_minzheng.services import places

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text

_NAMED = {"division": "code", "village": "code", "warehouse": "warehouse_id", "site": "site_id"}


@dataclass(frozen=True)
class Words:
    """The reader's language, the policy's names, and the names of places by code."""

    text: Text
    policy: Policy
    places: Mapping[str, str] = field(repr=False, default_factory=dict)

    def place(self, code: str) -> str:
        """Name a town, village, warehouse or receiver."""
        return self.places.get(code, code)

    def named(self, codes: Iterable[str], *, most: int = 12) -> str:
        """Name places, the rest of many as a count."""
        names = [self.place(code) for code in codes]
        if len(names) <= most:
            return self.join(names)
        return self.text("cli.and_more", names=self.join(names[:most]), count=len(names))

    def join(self, words: Iterable[str]) -> str:
        """Put words in a row."""
        return self.text("cli.comma").join(words)

    def item(self, code: str) -> str:
        """Name a relief item."""
        return self.text.name("relief_items", code, self.policy.items.get(code))

    def item_unit(self, code: str) -> str:
        """Name the unit an item is counted in."""
        return self.unit(self.policy.items[code].unit) if code in self.policy.items else ""

    def vehicle(self, code: str) -> str:
        """Name a vehicle class."""
        return self.text.name("vehicles", code, self.policy.vehicles.get(code))

    def hazard(self, code: str) -> str:
        """Name a hazard."""
        return self.text.name("hazards", code, self.policy.hazards.get(code))

    def unit(self, unit: str) -> str:
        """Name a unit; a share has none."""
        return "" if unit == "1" else self.text.name("unit", unit)

    def of(self, code: str, value: float) -> str:
        """Write an amount of an item with its unit."""
        return self.amount(value, self.item_unit(code))

    def amount(self, value: float, unit: str) -> str:
        """Write a number with a unit already in the reader's language."""
        return self.text("cli.amount", value=self.text.number(value), unit=unit).strip()

    def moment(self, moment: datetime | str) -> str:
        """Write day and time as the clock on the wall says."""
        at = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return self.text.moment(at.astimezone(bootstrap.CHINA), screen=True)


def words_of(office: Bureau, session: Session) -> Words:
    """Gather the names a line may need."""
    found: dict[str, str] = {}
    for layer, key in _NAMED.items():
        found |= places.names(session, layer, key)
    return Words(office.text, office.policy(), found)
