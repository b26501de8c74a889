"""Which welfare home is upgraded first, and which must be put right at once."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo_minzheng.engine.scoring import Flags, Floats, codes, flags, joined, looked_up, numbers, points, ratio
from geo_minzheng.model.housing_rules import Ranking


def score_homes(
    homes: pd.DataFrame,
    defects: pd.DataFrame,
    ranking: Ranking,
    *,
    exposure: pd.Series | None = None,
    reach: pd.Series | None = None,
) -> pd.DataFrame:
    """Rank welfare homes for upgrading; red lines stand outside the ranking.

    - safety: (5 x open major + open general defects) / cap; + 0.2 per required sprinkler, alarm, refuge room missing
    - pressure: (occupancy - 0.8) / 0.2, full or closed to admission 1; + waiting / beds
    - care: (dependent residents - nursing beds) / dependent; + missing staff / required staff (1:5, 1:12, 1:20)
    - condition: grade; + 0.4 x shortfall of area per bed
    - hazard: ``exposure``; reach: share of the catchment beyond the time limit without another home

    Parameters
    ----------
    homes
        Welfare homes as in the layer, any index; ``home_id``.
    defects
        Rows ``home_id, hazard_grade, defect_kind, closed_on``; open where ``closed_on`` is empty.
    ranking
        ``Policy.home_ranking``.
    exposure, reach
        By ``home_id`` [1]; unknown homes count 0.

    Returns
    -------
    pandas.DataFrame
        Index of ``homes``: ``home_id, score``, the parts [points], ``occupancy`` [1], ``is_full``, ``open_major``,
        ``open_general``, ``red_lines`` (codes joined by ``|``), ``rank`` (1 first; missing for red lines).
    """
    ids = homes["home_id"].astype(str)
    counts = open_defects(defects).reindex(ids, fill_value=0)
    major, general = counts["major"].to_numpy(float), counts["general"].to_numpy(float)
    beds, residents = numbers(homes, "bed_total"), numbers(homes, "resident_count")
    occupancy = ratio(residents, beds, when_zero=(residents > 0).astype(float))
    is_full = (residents >= beds) & (residents > 0) | flags(homes, "is_admission_closed")
    parts = {
        "safety": _home_safety(homes, major, general, ranking),
        "pressure": _pressure(homes, occupancy, is_full, ranking),
        "care": _care(homes, ranking),
        "condition": _condition(homes, ranking),
        "hazard": _by_home(exposure, ids),
        "reach": _by_home(reach, ids),
    }
    frame = points(homes.index, parts, ranking)
    frame.insert(0, "home_id", ids)
    frame["occupancy"], frame["is_full"] = occupancy, is_full
    frame["open_major"], frame["open_general"] = major.astype(int), general.astype(int)
    lines = {
        "open_major_fire": counts["major_fire"].to_numpy(float) > 0,
        "basement_bedroom": flags(homes, "has_basement_bedroom"),
        "grade_d": codes(homes, "safety_grade") == "D",
    }
    frame["red_lines"] = joined({code: lines[code] for code in ranking.red_lines}, len(homes))
    ranked = frame[frame["red_lines"] == ""].sort_values(["score", "home_id"], ascending=[False, True]).index
    frame["rank"] = pd.Series(range(1, len(ranked) + 1), index=ranked, dtype="Int64").reindex(frame.index)
    return frame


def open_defects(defects: pd.DataFrame) -> pd.DataFrame:
    """Count open defects by home: ``major``, ``general``, ``major_fire``."""
    still = defects[defects["closed_on"].isna()] if "closed_on" in defects else defects
    major = still["hazard_grade"] == "major"
    table = pd.DataFrame(
        {
            "home_id": still["home_id"].astype(str),
            "major": major.astype(int),
            "general": (still["hazard_grade"] == "general").astype(int),
            "major_fire": (major & (still["defect_kind"] == "fire")).astype(int),
        }
    )
    return table.groupby("home_id").sum()


def _home_safety(homes: pd.DataFrame, major: Floats, general: Floats, ranking: Ranking) -> Floats:
    weighed = major * ranking.param("defect_major") + general * ranking.param("defect_general")
    is_care_home = numbers(homes, "bed_total") >= ranking.param("equipment_min_beds")
    is_large = (numbers(homes, "storeys") >= ranking.param("refuge_min_storeys")) & (
        numbers(homes, "floor_area_m2") > ranking.param("refuge_min_area_m2")
    )
    required = {"has_sprinkler": is_care_home, "has_smoke_detector": is_care_home, "has_refuge_room": is_large}
    missing = np.zeros(len(homes))
    for name, needed in required.items():
        missing += needed & ~flags(homes, name)
    return np.asarray(weighed / ranking.param("defect_cap") + missing * ranking.param("missing_equipment"))


def _pressure(homes: pd.DataFrame, occupancy: Floats, is_full: Flags, ranking: Ranking) -> Floats:
    start, full = ranking.param("pressure_start"), ranking.param("pressure_full")
    pressed = np.clip((occupancy - start) / (full - start), 0.0, 1.0)
    waiting = ratio(numbers(homes, "waiting_count"), numbers(homes, "bed_total"))
    return np.asarray(np.where(is_full, 1.0, pressed) + waiting)


def _care(homes: pd.DataFrame, ranking: Ranking) -> Floats:
    total, partial = numbers(homes, "self_care_total_loss"), numbers(homes, "self_care_partial_loss")
    able = np.maximum(0.0, numbers(homes, "resident_count") - total - partial)
    beds_gap = ratio(np.maximum(0.0, total + partial - numbers(homes, "nursing_beds")), total + partial)
    required = (
        total / ranking.param("residents_per_staff_total")
        + partial / ranking.param("residents_per_staff_partial")
        + able / ranking.param("residents_per_staff_able")
    )
    staff_gap = ratio(np.maximum(0.0, required - numbers(homes, "care_staff")), required)
    return beds_gap + staff_gap


def _condition(homes: pd.DataFrame, ranking: Ranking) -> Floats:
    grades = {grade: ranking.param(f"grade_{grade}") for grade in "ABCD"} | {"": ranking.param("grade_unknown")}
    standard = ranking.param("area_per_bed_m2")
    area = numbers(homes, "floor_area_m2")
    # An unknown area is no shortfall: the figure is asked for, not guessed.
    per_bed = np.where(area > 0, ratio(area, numbers(homes, "bed_total"), when_zero=standard), standard)
    short = np.clip(1.0 - per_bed / standard, 0.0, 1.0)
    return looked_up(codes(homes, "safety_grade"), grades) + ranking.param("area_share") * short


def _by_home(values: pd.Series | None, ids: pd.Series) -> Floats:
    if values is None:
        return np.zeros(len(ids))
    return values.set_axis(values.index.astype(str)).reindex(ids.to_numpy()).fillna(0.0).to_numpy(float)
