"""Which homes fail or are full, who is out of reach, and where the next home goes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents, small_cells, threat
from geo_minzheng.engine import network as roads_engine
from geo_minzheng.engine import welfare as welfare_engine
from geo_minzheng.engine.prioritise import score_homes
from geo_minzheng.engine.site import max_cover, p_median
from geo_minzheng.engine.solve import Deadline
from geo_minzheng.errors import InfeasibleError, InputError
from geo_minzheng.layers.arrays import read_array, read_sparse
from geo_minzheng.services import places
from geo_minzheng.services.steps import Step, quiet
from geo_minzheng.store import frames, records
from geo_minzheng.store.scope import own_place, reckoning, whole
from geo_minzheng.store.tables_housing import SitingRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.model.site import Siting


def rank_homes(session: Session, policy: Policy) -> list[dict[str, Any]]:
    """Rank the homes for upgrading, red lines apart, with occupancy, open defects and the score in parts.

    The order is reckoned over all homes; who works at one is given its row, and who may not see the defects no order.
    """
    with reckoning(session, "home") as is_known:
        defects = places.table(session, "facility_defect")
    if not is_known:
        return []
    homes = places.in_metres(session, "welfare_home")
    ranking = policy.home_ranking
    by_id = homes.set_index("home_id").geometry
    exposure = threat.hazard_exposure(
        by_id, places.in_metres(session, "hazard_zone"), threat.level_weights(ranking), ranking.param("buffer_m")
    )
    reach = _far_share(session, policy, homes, ranking.param("reach_minutes"))
    scored = score_homes(homes, defects, ranking, exposure=exposure, reach=reach)
    columns = ["name", "village_code", "facility_kind", "bed_total", "resident_count", "waiting_count"]
    ranked = documents.rows(scored.join(homes[columns]).sort_values(["rank", "home_id"], na_position="first"))
    return [row for row in ranked if row["home_id"] == (own_place(session, "home") or row["home_id"])]


# Longer than any siting takes: the watch runs backwards.
_LONGEST_S = 86400.0


def open_defects(session: Session, act: Act) -> list[dict[str, Any]]:
    """List the homes' open defects, the longest overdue first."""
    names = places.names(session, "welfare_home", "home_id")
    return welfare_engine.open_defect_list(places.table(session, "facility_defect"), names, act.at.date())


def _far_share(session: Session, policy: Policy, homes: gpd.GeoDataFrame, limit_min: float) -> pd.Series[float] | None:
    """Share of 分散供养特困 in each home's catchment beyond the limit; ``None`` without roads or homes."""
    villages = places.in_metres(session, "village")
    if homes.empty or villages.empty or places.in_metres(session, "road").empty:
        return None
    network = places.ways(session, policy).network
    minutes = roads_engine.travel_times(network, villages.geometry, homes.geometry)
    codes = list(villages["code"].astype(str))
    with whole(session):
        households = places.table(session, "household")
    persons = welfare_engine.persons_by_village(households, ("tekun_dispersed",), codes)
    return welfare_engine.far_share(minutes, persons, list(homes["home_id"].astype(str)), limit_min)


@dataclass(frozen=True, eq=False)
class Reach:
    """Who lives within reach of a facility, on foot and by car.

    Parameters
    ----------
    by_town, totals
        Persons within and beyond reach by mode; small numbers are withheld (``None``).
    areas
        Service areas for the map by mode, in metres.
    """

    by_town: dict[str, list[dict[str, Any]]]
    totals: dict[str, dict[str, int | None]]
    beyond: list[dict[str, Any]]
    areas: dict[str, gpd.GeoSeries]


def service_reach(session: Session, policy: Policy, *, with_areas: bool = True) -> Reach:
    """Measure the 15-minute walking and 30-minute driving reach of the homes on the road network.

    Walking counts houses, driving counts houses too; uncovered villages are listed by driving time.
    """
    homes = _points(session, policy)
    with whole(session):
        houses = welfare_engine.house_demand(places.in_metres(session, "house"))
    villages = welfare_engine.village_demand(places.require_metres(session, "village"))
    ways, footways = places.ways(session, policy), places.footways(session, policy)
    limits = {"walk": policy.number("access.walk_minutes"), "drive": policy.number("access.drive_minutes")}
    networks = {"walk": footways, "drive": ways.network}
    counted, areas = {}, {}
    for mode, network in networks.items():
        minutes = welfare_engine.nearest_minutes(network, homes.geometry, houses)
        table = welfare_engine.coverage_by_town(houses, minutes, limits[mode])
        counted[mode] = documents.rows(table)
        if with_areas:
            areas[mode] = roads_engine.service_area(network, homes.geometry, minutes=limits[mode])
    far = welfare_engine.nearest_minutes(ways.network, homes.geometry, villages)
    by_town, totals = small_cells.reach(counted, int(policy.number("privacy.small_cell")))
    return Reach(by_town, totals, welfare_engine.beyond(villages, far, limits["drive"]), areas)


def _points(session: Session, policy: Policy) -> gpd.GeoDataFrame:
    homes = places.in_metres(session, "welfare_home")
    return homes[homes["facility_kind"].isin(_point_kinds(policy))]


def _point_kinds(policy: Policy) -> list[str]:
    return [kind for kind, row in policy.facility_kinds.items() if row.counts_as_point]


def town_gaps(session: Session, act: Act, policy: Policy) -> list[dict[str, str]]:
    """List the towns without a point 一镇一点."""
    divisions = frames.divisions_on(session, act.at.date())
    return welfare_engine.towns_without_point(divisions, places.table(session, "welfare_home"), _point_kinds(policy))


def site_homes(
    session: Session, act: Act, policy: Policy, *, new: int | None = None, step: Step = quiet
) -> dict[str, Any]:
    """Choose the next sites among the candidates, twice: most elderly within reach, and least elderly-minutes.

    Returns
    -------
    ``siting.json``.

    Raises
    ------
    InputError
        ``welfare.no_candidates``.
    """
    step("roads")
    homes = _points(session, policy)
    candidates = places.in_metres(session, "candidate_site")
    zones = places.in_metres(session, "hazard_zone")
    safe = candidates[~threat.inside_zone(candidates.geometry, zones, frozenset({"high"}))]
    demand = welfare_engine.village_demand(places.require_metres(session, "village"))
    # The policy's number is a wish: with fewer sites to choose from, those are the answer.
    wanted = min(int(policy.number("care.next_sites")), len(safe)) if new is None else new
    question = welfare_engine.siting_question(
        places.ways(session, policy).network, demand, homes, safe, new=wanted,
        limit_min=policy.number("care.site_drive_minutes"),
    )  # fmt: skip
    step("sites")
    clock = Deadline.after(_LONGEST_S)
    answers = welfare_engine.solve_siting(question)
    seconds = round(_LONGEST_S - clock.left_s, 6)
    names = [*homes["name"].astype(str), *safe["name"].astype(str)]
    step("reach")
    reach = service_reach(session, policy, with_areas=False)
    document: dict[str, Any] = {
        "year": act.at.year, "policy_version": policy.version, "existing": [str(n) for n in homes["name"]],
        "candidates": documents.rows(safe), "excluded_in_hazard_zone": len(candidates) - len(safe),
        "town_gaps": town_gaps(session, act, policy), "reach": reach.totals, "reach_by_town": reach.by_town,
        "homes": rank_homes(session, policy),
        **welfare_engine.siting_document(question, answers, names, demand),
    }  # fmt: skip
    document = documents.tidy(document)
    step("keep")
    number = len(records.find(session, SitingRun)) + 1
    row = SitingRun(
        run_id=f"{act.at.year}/{number}", kind="homes", status=document["cover"]["status"],
        policy_version=policy.version,
        input_hash=documents.digest([policy.version, names, wanted, question.minutes, question.weights]),
        result_hash=documents.digest(document), document=document | {"seconds": seconds},
    )  # fmt: skip
    records.add(session, act, "welfare.site", row)
    return document | {"seconds": seconds}


def latest_siting(session: Session) -> dict[str, Any] | None:
    """Give the last siting on record, or ``None``."""
    row = records.latest(session, SitingRun)
    return None if row is None else dict(row.document)


# What the numbers themselves are to blame for; each has a sentence with the file's name.
_FILE_FAULTS = ("not_numbers", "bad_cost", "bad_shape", "bad_number", "unreachable", "too_few")


@contextmanager
def _naming(matrix: Path, weights: Path | None) -> Iterator[None]:
    """Name the file that the refused numbers came from."""
    try:
        yield
    except (InputError, InfeasibleError) as error:
        room, _, what = error.key.partition(".")
        if room != "site" or what not in _FILE_FAULTS:
            raise
        file = weights if weights is not None and error.facts.get("name") == "weights" else matrix
        raise type(error)(f"site_file.{what}", **error.facts, file=file.name) from error


def site_from_files(cost: Path, *, p: int, weights: Path | None) -> dict[str, Any]:
    """Solve a p-median whose times and weights stand in array files.

    Raises
    ------
    InputError, InfeasibleError
        ``site_file.*`` with the file's name; ``layers.array_*``; ``site.bad_p``.
    """
    matrix = read_array(cost, ndim=2)
    amounts = None if weights is None else read_array(weights, ndim=1)
    with _naming(cost, weights):
        return _answer(p_median(matrix, p=p, weights=amounts))


def cover_from_files(covers: Path, *, p: int, weights: Path) -> dict[str, Any]:
    """Solve a maximal cover whose cover matrix and weights stand in array files; refusals as for `site_from_files`."""
    matrix, amounts = read_sparse(covers), read_array(weights, ndim=1)
    with _naming(covers, weights):
        return _answer(max_cover(matrix, p=p, weights=amounts))


def _answer(siting: Siting) -> dict[str, Any]:
    return {
        "chosen": [int(j) for j in siting.chosen], "objective": siting.objective, "bound": siting.bound,
        "gap": siting.gap, "status": siting.status.value,
    }  # fmt: skip
