"""What a layer is and what checking a file found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ColumnSpec:
    """One column of a layer, as written in ``layers/*.toml``."""

    name: str
    type: str
    heads: tuple[str, ...] = ()
    required: bool = False
    unit: str = ""
    min: float | None = None
    max: float | None = None
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    ref: str = ""
    default: Any = None
    private: bool = False


@dataclass(frozen=True)
class LayerSpec:
    """One layer of the catalogue."""

    name: str
    geometry: str
    key: tuple[str, ...]
    visibility: str
    source: str
    licence: str
    columns: tuple[ColumnSpec, ...]
    style: Mapping[str, Any] = field(default_factory=dict)

    def column(self, name: str) -> ColumnSpec:
        """Return the column of that name; ``KeyError`` if there is none."""
        return next(c for c in self.columns if c.name == name)


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one cell, row or file.

    Parameters
    ----------
    code
        Stable machine name; the sentence is ``error.layers.<code>`` in the language files.
    file, sheet, row, column, value
        Where: file name, sheet or layer, row as the person counts it in the file (1 = first line), heading,
        what stands there.
    severity
        ``error`` refuses the file, ``warning`` does not.
    facts
        Further values the sentence names: allowed values, the remedy's argument, place, area change.
    """

    code: str
    file: str = ""
    sheet: str = ""
    row: int | None = None
    column: str = ""
    value: str = ""
    severity: str = "error"
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CheckedLayer:
    """A file after reading and checking, ready to be stored when it has no error.

    ``rows = accepted + refused + ignored`` here; the store then splits accepted into stored and unchanged.

    Parameters
    ----------
    frame
        Accepted rows: the catalogue's columns, ``geometry`` (shapely, CGCS2000; absent for tables), ``coord_source``,
        ``source_crs``, ``source_file``.
    """

    layer: str
    file: Path
    rows: int
    refused: int
    ignored: int
    frame: pd.DataFrame
    faults: tuple[Fault, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Whether any fault forbids storing."""
        return any(f.severity == "error" for f in self.faults)
