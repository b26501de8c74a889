"""Read a hazard's footprint: polygons of any file, mended and counted once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
from pyproj import CRS

from geo_minzheng.errors import InputError, ManyInputError
from geo_minzheng.geo import STORE_CRS
from geo_minzheng.layers import geometry
from geo_minzheng.layers.faults import refusal_of
from geo_minzheng.layers.options import NEAR_KM, ReadOptions
from geo_minzheng.layers.read import check_sheet, choose_sheet, read_sheets
from geo_minzheng.model.layer import ColumnSpec, Fault, LayerSpec

GRADES: Mapping[str, tuple[str, ...]] = {
    "low": ("低", "轻", "低风险", "1"),
    "medium": ("中", "中等", "中风险", "2"),
    "high": ("高", "重", "高风险", "3"),
    "extreme": ("极高", "特重", "极高风险", "4"),
}
FOOTPRINT = LayerSpec(
    name="footprint",
    geometry="Polygon",
    key=(),
    visibility="wide",
    source="",
    licence="",
    columns=(
        ColumnSpec(
            "depth_m", "float", ("水深", "淹没水深", "最大水深", "水深（米）", "depth"), unit="米", min=0, max=200
        ),
        ColumnSpec("grade", "enum", ("等级", "烈度等级", "危险等级"), values=GRADES),
    ),
)


@dataclass(frozen=True)
class Footprint:
    """Where the hazard is.

    Parameters
    ----------
    frame
        ``depth_m`` [m, NaN where unsaid], ``grade`` (``None`` where unsaid), valid multipolygons in CGCS2000, no two
        the same; they may overlap where the file draws them so.
    polygons
        Shapes in the file [1].
    duplicates
        Shapes that repeated an earlier one and were left out [1].
    repaired
        Invalid shapes that were mended [1].
    faults
        Warnings: what was mended and by how much the area changed.
    source_crs
        The system the file was in.
    """

    frame: gpd.GeoDataFrame
    polygons: int
    duplicates: int
    repaired: int
    faults: tuple[Fault, ...]
    source_crs: str

    @property
    def stats(self) -> dict[str, int]:
        """Counts for the answer of the command."""
        return {"polygons": self.polygons, "duplicates": self.duplicates, "repaired": self.repaired}

    def area_km2(self, metres: CRS) -> float:
        """Measure the ground covered [km2] in the district's metres; overlaps count once."""
        return geometry.union_area_km2(self.frame.geometry.to_numpy(), metres)


def read_footprint(path: Path, options: ReadOptions | None = None) -> Footprint:
    """Read a footprint from GeoJSON, KML, GeoPackage, shapefile or a table with WKT.

    A footprint may reach beyond the district, and may miss it; one that lies quite elsewhere is refused, for then the
    coordinates are wrong. Invalid polygons are mended and duplicates left out, always, because water that is drawn
    twice is not twice the water; both are counted and told.

    Parameters
    ----------
    options
        ``crs, encoding, sheet, mapping, box``.

    Raises
    ------
    ManyInputError
        ``layers.refused`` with every fault that forbids the file.
    InputError
        The file is refused as a whole.
    """
    options = options or ReadOptions()
    asked = ReadOptions(
        crs=options.crs,
        encoding=options.encoding,
        sheet=options.sheet,
        mapping=options.mapping,
        repair=True,
        box=options.box,
        near_km=NEAR_KM,
    )
    sheet = choose_sheet(read_sheets(path, encoding=asked.encoding), asked.sheet, path.name)
    checked = check_sheet(sheet, path, FOOTPRINT, asked)
    if checked.is_refused:
        errors = tuple(refusal_of(f) for f in checked.faults if f.severity == "error")
        raise ManyInputError("layers.refused", errors, file=path.name)
    codes = [f.code for f in checked.faults]
    if not len(checked.frame):
        raise InputError("layers.no_rows", file=path.name)
    return Footprint(
        frame=_frame(checked.frame),
        polygons=checked.rows,
        duplicates=codes.count("duplicate_shape_dropped"),
        repaired=codes.count("geometry_repaired"),
        faults=tuple(f for f in checked.faults if f.code != "columns_ignored"),
        source_crs=str(checked.frame["source_crs"].iloc[0]),
    )


def _frame(rows: pd.DataFrame) -> gpd.GeoDataFrame:
    rows = rows.reindex(columns=["depth_m", "grade", "geometry"]).astype(object)
    depth = pd.to_numeric(rows["depth_m"]).astype(float).reset_index(drop=True)
    grade = pd.Series([None if pd.isna(g) else g for g in rows["grade"]], dtype=object)
    data: dict[str, Any] = {"depth_m": depth, "grade": grade}
    return gpd.GeoDataFrame(data, geometry=gpd.GeoSeries(list(rows["geometry"]), crs=STORE_CRS), crs=STORE_CRS)
