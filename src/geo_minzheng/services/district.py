"""A district's home: created empty or from an OpenStreetMap extract, described by what it holds."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import synthesise
from geo_minzheng.engine.synthesise_osm import complete_district
from geo_minzheng.engine.synthesise_places import OsmFrames
from geo_minzheng.errors import InputError
from geo_minzheng.layers.osm import read_osm
from geo_minzheng.layers.read import read_layer
from geo_minzheng.services import imports, incidents, settings_of
from geo_minzheng.store import district as district_store
from geo_minzheng.store import upsert

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.layer import LayerSpec
    from geo_minzheng.model.policy import Policy

# References first: a layer is stored after those it names.
ORDER = (
    "division", "boundary", "town_area", "village_area", "village", "water", "road", "hazard_zone", "house",
    "household", "renovation_application", "welfare_home", "facility_defect", "warehouse", "stock_lot", "site",
    "officer", "public_facility", "candidate_site",
)  # fmt: skip


def name_district(session: Session, act: Act, values: Mapping[str, Any]) -> None:
    """Set what the district is called and how it works: ``code, name, policy_profile, is_demo, ...``."""
    district_store.write_values(session, act, values)


def osm_layers(
    path: Path, plan_path: Path, policy: Policy, *, codes: Path | None, catalogue: Mapping[str, LayerSpec]
) -> tuple[dict[str, pd.DataFrame], Mapping[str, Any]]:
    """Read an extract and complete it by the labelled, seeded synthesiser.

    Returns
    -------
    A frame per layer, with ``flood``; and the synthesiser's plan.
    """
    plan = tomllib.loads(plan_path.read_text(encoding="utf-8"))
    found = read_osm(path)
    frames_ = OsmFrames(
        segments=found.segments, boundaries=found.boundaries, places=found.places, buildings=found.buildings,
        care_homes=found.care_homes, schools=found.schools, hospitals=found.hospitals, water=found.water,
        waterways=found.waterways, codes=_code_list(codes, catalogue) if codes else {},
    )  # fmt: skip
    packs = {code: synthesise.ItemPack(item.unit, item.package_size) for code, item in policy.items.items()}
    return complete_district(frames_, plan, packs, synthesise.generator(int(plan["seed"]))), plan


def _code_list(path: Path, catalogue: Mapping[str, LayerSpec]) -> dict[str, str]:
    checked = read_layer(path, catalogue["division"])
    if checked.is_refused:
        raise InputError("district.bad_code_list", file=path.name)
    return dict(zip(checked.frame["name"].astype(str), checked.frame["code"].astype(str), strict=True))


def store_layers(
    session: Session, act: Act, catalogue: Mapping[str, LayerSpec], policy: Policy, layers: Mapping[str, pd.DataFrame]
) -> dict[str, int]:
    """Store synthesised or extracted layers in the order of their references."""
    counts = {}
    for name in ORDER:
        if name in layers:
            spec = imports.spec_of(catalogue, policy, name)
            frame = layers[name]
            counts[name] = upsert.write_layer(session, spec, frame, act)["accepted"]
            settings_of.settle(session, act, spec, frame)
    return counts


def describe(session: Session, catalogue: Mapping[str, LayerSpec]) -> dict[str, Any]:
    """Describe the district: name, code, system, profile, rows by layer, incidents."""
    values = district_store.read_values(session)
    rows = imports.list_layers(session, catalogue)
    return {
        "code": values.get("code", ""), "name": values.get("name", ""), "metres": values.get("metres", ""),
        "policy_profile": values.get("policy_profile", ""), "is_demo": bool(values.get("is_demo", False)),
        "is_synthetic": any(row["synthetic"] for row in rows),
        "layers": {row["layer"]: row["rows"] for row in rows},
        "incidents": [incident.incident_id for incident in incidents.list_incidents(session)],
    }  # fmt: skip


def describe_flag(session: Session, key: str) -> bool:
    """Tell whether a flag of the district is set."""
    return bool(settings_of.read(session, key, default=False))
