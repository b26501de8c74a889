"""What the person declared about a file and what the store already knows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from geo_minzheng.layers.crs import Box
from geo_minzheng.model.layer import Fault

# A hazard keeps to no border, and one that misses the district is an answer; farther off, its metres say nothing.
NEAR_KM = 1000.0


@dataclass(frozen=True)
class ReadOptions:
    """How to read a file of foreign origin.

    Parameters
    ----------
    crs
        ``EPSG:n``, ``gcj02`` or ``bd09``; empty leaves it to the file, and a file that does not say is asked for it.
    encoding
        Text encoding; empty means found out.
    sheet
        Sheet or layer of a file that has several.
    mapping
        Heading by target: a catalogue column, or ``lon lat x y north east wkt``.
    repair
        Whether to mend what a dry run offered to mend: invalid polygons, duplicates, exchanged axes.
    box
        West, south, east, north of the district with its margin [deg]; ``None`` while there is no district.
    near_km
        For hazards, which keep to no border: a shape is taken when any part of it lies within so many km of the box.
        ``None`` asks every vertex to lie inside the box.
    village_areas
        Village polygon by 12-digit code (CGCS2000), for comparing the stated with the actual village.
    known
        Values that references may name, by ``layer.column``; references without an entry are not checked.
    coord_source
        Origin of rows whose file does not state it; empty means that a known place keeps the origin it has.
    extra_checks
        Called with the accepted rows (index = row in the file); what it returns is added to the faults.
    """

    crs: str = ""
    encoding: str = ""
    sheet: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    repair: bool = False
    box: Box | None = None
    near_km: float | None = None
    village_areas: Mapping[str, Any] = field(default_factory=dict)
    known: Mapping[str, Collection[str]] = field(default_factory=dict)
    coord_source: str = ""
    extra_checks: Callable[[Any], Iterable[Fault]] | None = None
