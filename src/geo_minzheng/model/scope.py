"""How far somebody sees: a division-code prefix, a place of work, classes of layers."""

from __future__ import annotations

import json
from dataclasses import dataclass

from geo_minzheng.errors import InputError

WIDE, BUREAU, CASEWORK = "wide", "bureau", "casework"
CLASSES = (WIDE, BUREAU, CASEWORK)
PLACES = ("", "warehouse", "site", "home")


@dataclass(frozen=True)
class Scope:
    """What a session of the store may see and change; what lies outside looks as if it were not there.

    Parameters
    ----------
    prefix
        Division-code prefix: rows of villages whose code begins so; empty for all.
    place_kind, place
        ``warehouse``, ``site`` or ``home`` and its id, for somebody who sees that one only; both empty for nobody such.
    sees
        Classes of tables: ``wide``, ``bureau``, ``casework``.
    is_everything
        No limit at all: the product itself, when it reckons, checks or saves the whole store.
    """

    prefix: str = ""
    place_kind: str = ""
    place: str = ""
    sees: frozenset[str] = frozenset(CLASSES)
    is_everything: bool = False

    def __post_init__(self) -> None:
        is_code = self.prefix == "" or (self.prefix.isascii() and self.prefix.isalnum())
        if not is_code or self.place_kind not in PLACES or bool(self.place_kind) != bool(self.place):
            raise InputError("scope.bad", prefix=self.prefix, place_kind=self.place_kind, place=self.place)
        unknown = sorted(self.sees - set(CLASSES))
        if unknown:
            raise InputError("scope.bad_class", found=unknown[0], allowed=list(CLASSES))

    @property
    def key(self) -> str:
        """Spell the scope: what was made for one is kept and handed out under this name only."""
        told = {
            "everything": self.is_everything, "prefix": self.prefix, "kind": self.place_kind, "place": self.place,
            "sees": sorted(self.sees),
        }  # fmt: skip
        return json.dumps(told, ensure_ascii=True, sort_keys=True)


EVERYTHING = Scope(is_everything=True)
