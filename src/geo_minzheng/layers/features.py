"""Gather the features of one file as text cells and encoded shapes, within its limits."""

from __future__ import annotations

import json
from typing import Any

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import Limits
from geo_minzheng.layers.transfer import RawFault, RawSheet, plain_text


class Budget:
    """Counts features and vertices of one file against the limits."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.vertices = 0
        self.features = 0

    def spend(self, vertices: int = 0, features: int = 0) -> None:
        """Count what was read; one too many refuses the file."""
        self.vertices += vertices
        self.features += features
        if self.vertices > self.limits.vertices:
            raise InputError("layers.too_many_vertices", limit=self.limits.vertices)
        if self.features > self.limits.features:
            raise InputError("layers.too_many_rows", limit=self.limits.features)


class Rows:
    """Gathers features whose properties differ from row to row."""

    def __init__(self) -> None:
        self.headings: dict[str, list[str | None]] = {}
        self.wkb: list[bytes | None] = []
        self.faults: list[RawFault] = []
        self._kinds: dict[str, set[type]] = {}

    def add(self, properties: dict[str, Any], wkb: bytes | None) -> None:
        """Append one feature."""
        done = len(self.wkb)
        for name, value in properties.items():
            cells = self.headings.setdefault(name, [None] * done)
            if len(cells) == done:
                nested = isinstance(value, dict | list)
                cells.append(json.dumps(value, ensure_ascii=False) if nested else plain_text(value))
                self._kinds.setdefault(name, set()).add(type(value))
        self.wkb.append(wkb)
        for cells in self.headings.values():
            if len(cells) == done:
                cells.append(None)

    def sheet(self, name: str, crs: str, **notes: object) -> RawSheet:
        """Return what was gathered."""
        count = len(self.wkb)
        return RawSheet(
            name,
            tuple(self.headings),
            tuple(self.headings.values()),
            tuple(range(1, count + 1)),
            tuple(self.wkb),
            crs,
            tuple(self.faults),
            notes | {"kinds": self._column_kinds()},
        )

    def _column_kinds(self) -> dict[str, str]:
        """Name, for columns whose values are all alike and no text, what they are."""
        told = {}
        for name, kinds in self._kinds.items():
            seen = kinds - {type(None)}
            for kind, types in (("number", {int, float}), ("switch", {bool}), ("nested", {dict, list})):
                if seen and seen <= types:
                    told[name] = kind
        return told
