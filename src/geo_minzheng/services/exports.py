"""Layers out: the rows as a person reads them, as a workbook, CSV or geodata, with where and when they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.errors import InputError
from geo_minzheng.present.tables import layer_rows
from geo_minzheng.present.taken import TakenTable, table_bytes
from geo_minzheng.present.write import write_bytes
from geo_minzheng.services import duty, imports
from geo_minzheng.store import frames

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.layer import LayerSpec
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text

PLAIN, PLACED = ("xlsx", "csv"), ("xlsx", "csv", "gpkg", "geojson")


def export_layer(
    session: Session, act: Act, catalogue: Mapping[str, LayerSpec], policy: Policy, text: Text, *, layer: str, out: Path
) -> dict[str, Any]:
    """Write the rows of a layer to a file; its suffix chooses the format.

    Returns
    -------
    ``{layer, rows, file}``.

    Raises
    ------
    NotFoundError
        ``imports.unknown_layer``.
    InputError
        ``tables.format_unknown``: another suffix, or geodata of a layer without places.
    """
    spec = imports.spec_of(catalogue, policy, layer)
    ending, allowed = out.suffix.lower().lstrip("."), PLAIN if spec.geometry == "none" else PLACED
    if ending not in allowed:
        raise InputError("tables.format_unknown", file=out.name, allowed=" ".join(f".{one}" for one in allowed))
    frame: Any = frames.read_layer(session, layer)
    facts = [duty.district_name(session), text("pages.frame.data_time", at=text.moment(act.at, screen=True))]
    if frames.count_rows(session, layer, coord_source="synthetic"):
        facts.append(text("pages.frame.synthetic"))
    shapes = () if spec.geometry == "none" else list(frame.geometry)
    taken = TakenTable(text(f"layer.{layer}"), layer_rows(frame, spec), facts, shapes)
    write_bytes(table_bytes(taken, ending), out)
    return {"layer": layer, "rows": len(taken.rows), "file": str(out)}
