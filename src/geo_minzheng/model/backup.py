"""A backup and what it vouches for: what was counted when it was made, and what lies in its archive."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Census:
    """What a store holds, counted in one snapshot.

    Parameters
    ----------
    revision
        Version of its tables.
    rows
        Rows of every table.
    stock
        Sum of all movements by item [1/1000 unit].
    audit_count, audit_head
        How many audit rows there are, and the hash of the last.
    """

    revision: str
    rows: dict[str, int]
    stock: dict[str, int]
    audit_count: int
    audit_head: str


@dataclass(frozen=True)
class Kept:
    """One file of an archive: its size [bytes] and its SHA-256."""

    bytes: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """The first file of an archive: what must be found in the rest.

    Parameters
    ----------
    product
        Version of the program that made it.
    made_at
        Moment of the snapshot.
    store
        Name of the store's file in the archive: a GeoPackage, or a dump of a PostgreSQL database.
    lost
        Photos that the store names and that were not in their place when the backup was made.
    files
        Every other file of the archive by its name.
    """

    product: str
    made_at: datetime
    store: str
    census: Census
    files: dict[str, Kept]
    lost: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Write it as plain values."""
        return asdict(self) | {"format": 1, "made_at": self.made_at.isoformat()}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Manifest:
        """Read it back.

        Raises
        ------
        KeyError, TypeError, ValueError
            It is no manifest of ours.
        """
        if told["format"] != 1:
            raise ValueError(told["format"])
        files = {str(name): Kept(int(kept["bytes"]), str(kept["sha256"])) for name, kept in told["files"].items()}
        made_at = datetime.fromisoformat(told["made_at"])
        return cls(told["product"], made_at, told["store"], Census(**told["census"]), files, tuple(told["lost"]))


@dataclass(frozen=True)
class Card:
    """What stands beside a sealed archive for everybody to read; nothing of what is inside but the audit chain's head.

    Parameters
    ----------
    bytes, sha256
        Size and SHA-256 of the sealed archive.
    audit_count, audit_head
        The audit chain's head at that moment.
    """

    made_at: datetime
    product: str
    revision: str
    bytes: int
    sha256: str
    audit_count: int
    audit_head: str


@dataclass(frozen=True)
class Backup:
    """One archive in a folder.

    Parameters
    ----------
    state
        ``good``, ``damaged`` (not the bytes that were written) or ``unknown`` (its card is missing).
    """

    file: Path
    state: str
    bytes: int
    card: Card | None


@dataclass(frozen=True)
class Sign:
    """One line of the health page: ``ok``, ``warning`` or ``bad``, with what its sentence names."""

    name: str
    state: str
    facts: dict[str, Any] = field(default_factory=dict)
