"""The villages, houses and homes a hazard may hit, each in its place and with its depth of water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from geo_minzheng.engine.apportion import apportion
from geo_minzheng.engine.exposure import check_metres
from geo_minzheng.engine.footprint import Water, build_water, depths
from geo_minzheng.engine.locate import Ints
from geo_minzheng.errors import InputError
from geo_minzheng.model.impact import ImpactInputs

if TYPE_CHECKING:
    import geopandas as gpd

VULNERABLE = ("elderly_60", "children_14", "disabled")


@dataclass(frozen=True, eq=False)
class Ground:
    """The villages in order of code (``""`` first), the water, and every house with its share of people."""

    inputs: ImpactInputs
    villages: pd.DataFrame
    points: NDArray[Any]
    areas: NDArray[Any]
    water: Water
    houses: pd.DataFrame
    homes: pd.DataFrame
    place: dict[str, int]

    def rows(self, codes: pd.Series[str]) -> Ints:
        """Place of each code among the villages; unknown ones belong to ``""``."""
        return np.array([self.place.get(code, 0) for code in codes], np.int64)

    def count(self, village: Ints, values: Ints | None = None) -> Ints:
        """Sum values, or rows, by village."""
        sums = np.zeros(len(self.villages), np.int64)
        np.add.at(sums, village, 1 if values is None else values)
        return sums


def build_ground(inputs: ImpactInputs) -> Ground:
    """Put everything an impact counts in its place.

    Raises
    ------
    InputError
        ``exposure.not_metres``, ``exposure.crs_differs``, ``exposure.not_polygon``, ``impact.one_footprint``,
        ``impact.bad_depth``, ``impact.duplicate_village``, ``impact.unknown_village``.
    """
    check_metres(inputs.villages, inputs.footprint, inputs.village_areas, inputs.houses, inputs.homes, inputs.roads)
    villages = _village_table(inputs.villages)
    place = {code: row for row, code in enumerate(villages.index)}
    points = np.full(len(villages), None, dtype=object)
    points[[place[c] for c in inputs.villages["code"].astype(str)]] = inputs.villages.geometry.to_numpy()
    areas = np.full(len(villages), shapely.Polygon(), dtype=object)
    if inputs.village_areas is not None:
        for code, area in zip(inputs.village_areas["code"].astype(str), inputs.village_areas.geometry, strict=True):
            if code in place and area is not None:
                areas[place[code]] = area if areas[place[code]].is_empty else areas[place[code]].union(area)
    water = build_water(inputs.footprint, inputs.raster, unknown_depth_m=inputs.assumptions.unknown_depth_m)
    houses = _with_depth(inputs.houses, water, ["house_id", "village_code"])
    homes = _with_depth(inputs.homes, water, ["home_id", "village_code"])
    stranger = set(map(str, inputs.isolated)) - set(place)
    if stranger:
        raise InputError("impact.unknown_village", codes=", ".join(sorted(stranger)))
    ground = Ground(inputs, villages, points, areas, water, houses, homes, place)
    _lay_people(ground)
    return ground


def _village_table(villages: gpd.GeoDataFrame) -> pd.DataFrame:
    codes = villages["code"].astype(str)
    if codes.duplicated().any():
        raise InputError("impact.duplicate_village", codes=", ".join(sorted(set(codes[codes.duplicated()]))))
    table = pd.DataFrame({"code": codes.to_numpy()})
    table["name"] = villages["name"].to_numpy() if "name" in villages.columns else ""
    for name in ("resident_population", "non_resident_population", "household_count", *VULNERABLE):
        table[name] = whole(villages, name)
    table["population"] = table["resident_population"] + table["non_resident_population"]
    nowhere = pd.DataFrame({name: [""] if name in ("code", "name") else [0] for name in table.columns})
    return pd.concat([nowhere, table[table["code"] != ""]]).sort_values("code").set_index("code")


def whole(frame: pd.DataFrame, name: str) -> Ints:
    """Read a column as whole numbers; an absent column or an empty cell counts 0."""
    if name not in frame.columns:
        return np.zeros(len(frame), np.int64)
    return np.asarray(pd.to_numeric(frame[name]).fillna(0).to_numpy(np.float64).round(), np.int64)


def _with_depth(frame: gpd.GeoDataFrame | None, water: Water, keys: list[str]) -> pd.DataFrame:
    if frame is None:
        return pd.DataFrame({name: pd.Series(dtype=str) for name in keys} | {"depth_m": pd.Series(dtype=float)})
    table = pd.DataFrame(frame.drop(columns=frame.geometry.name))
    known = ~(frame.geometry.is_empty | frame.geometry.isna()).to_numpy()
    depth = np.full(len(frame), np.nan)
    xy = shapely.get_coordinates(frame.geometry.to_numpy()[known])
    depth[known] = depths(water, xy[:, 0], xy[:, 1])
    return table.assign(depth_m=depth).sort_values(keys[0], kind="stable").reset_index(drop=True)


def _lay_people(ground: Ground) -> None:
    """Lay each village's population over its house points; houses of no known village keep their own persons."""
    houses, villages = ground.houses, ground.villages
    row = ground.rows(houses["village_code"].astype(str))
    own = whole(houses, "persons")
    villages.loc["", "population"] = int(own[row == 0].sum())
    houses["row"] = row
    houses["people"] = apportion(villages["population"].to_numpy(np.int64), row, own) if len(houses) else own
