"""A seeded corpus of files that nobody should trust, by class: attacks, damage, honest mistakes, harmless look-alikes."""

import random
from dataclasses import replace

from . import (
    archives,
    arrays,
    broken,
    coordinates,
    databases,
    drivers,
    encodings,
    extracts,
    formulas,
    markup,
    photos,
    rasters,
    shapes,
    sheets,
)
from .builders import (
    BOX,
    PLACEMARK,
    PRJ,
    VILLAGE,
    archive,
    collection,
    feature,
    geopackage,
    kml,
    point,
    shape_zip,
    shapefile,
    village_csv,
    workbook,
)
from .case import Bait, Case

__all__ = [
    "BOX", "GROUPS", "PLACEMARK", "PRJ", "VILLAGE", "Bait", "Case", "archive", "collection", "feature", "geopackage",
    "kml", "point", "shape_zip", "shapefile", "village_csv", "workbook", "write",
]  # fmt: skip

GROUPS = {
    "drivers": drivers.cases, "archives": archives.cases, "markup": markup.cases, "broken": broken.cases,
    "encodings": encodings.cases, "coordinates": coordinates.cases, "sheets": sheets.cases, "formulas": formulas.cases,
    "photos": photos.cases, "databases": databases.cases, "shapes": shapes.cases, "rasters": rasters.cases,
    "extracts": extracts.cases, "arrays": arrays.cases,
}  # fmt: skip


def write(folder, seed=0, bait=None):
    """Write the corpus into a folder, one folder a class, and describe it."""
    found = []
    for group, cases in GROUPS.items():
        home = folder / group
        home.mkdir(parents=True)
        for case in cases(random.Random(f"{seed}/{group}"), bait or Bait()):
            (home / case.name).write_bytes(case.data)
            for suffix, data in case.beside:
                (home / case.name).with_suffix(suffix).write_bytes(data)
            found.append(replace(case, group=group, data=b""))
    return found
