"""The reviewer's desk: what waits and how long, what changed, who is silent, and the figures by town."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents
from geo_minzheng.engine import review as review_engine
from geo_minzheng.errors import NotFoundError
from geo_minzheng.services import impact, incidents, papers, places, reports

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from geo_minzheng.engine.review import AnswerChange
    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.model.report_rules import FormFinding
    from geo_minzheng.present.text import Text
    from geo_minzheng.services.reports import Version


# Columns of the impact behind each estimated indicator: low, middle, high.
ESTIMATED = papers.ESTIMATED


@dataclass(frozen=True)
class Officer:
    """An information officer 灾害信息员 and the village reported from."""

    officer: str
    name: str
    village: str
    village_name: str
    town_name: str
    post_role: str
    phone: str
    on_duty: bool


@dataclass(frozen=True)
class Waiting:
    """A version that waits for its review.

    Parameters
    ----------
    waited_min
        Time since it arrived [min]; ``is_overdue`` past ``report.review_minutes``.
    """

    version: Version
    village_name: str
    town_name: str
    waited_min: float
    is_overdue: bool


@dataclass(frozen=True)
class Comparison:
    """A version beside the last confirmed one of its village, or while there is none beside the one before it."""

    version: Version
    before: Version | None
    changes: tuple[AnswerChange, ...]
    findings: tuple[FormFinding, ...]


@dataclass(frozen=True)
class Silent:
    """A village expected to be hit that has not reported 未报村, and the officer to call."""

    village: str
    village_name: str
    town_name: str
    people: int
    is_isolated: bool
    officer: Officer | None


def officers(session: Session) -> list[Officer]:
    """List the information officers by village, the A post first."""
    villages, towns = places.names(session, "village", "code"), places.names(session, "division", "code")
    rows = documents.rows(places.table(session, "officer"))
    found = [
        Officer(
            officer=str(row["officer_id"]), name=str(row["name"]), village=str(row["village_code"]),
            village_name=villages.get(str(row["village_code"]), str(row["village_code"])),
            town_name=towns.get(str(row["village_code"])[: review_engine.TOWN_DIGITS], ""),
            post_role=str(row["post_role"]), phone=str(row["phone"] or ""), on_duty=bool(row["is_on_duty"]),
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda o: (o.village, o.post_role, o.officer))


def assessed(session: Session, incident: str) -> Mapping[str, Any] | None:
    """Give the incident's last impact, or ``None`` while there is none."""
    try:
        return impact.latest_impact(session, incident)
    except NotFoundError:
        return None


def expected_villages(session: Session, incident: str) -> list[str]:
    """List the villages a report is expected from: hit or cut off by the impact, or all while there is none."""
    told = assessed(session, incident)
    known = set(reports.silent_villages(session, incident, told))
    return sorted(known | {version.village for version in reports.list_versions(session, incident)})


def waiting(session: Session, act: Act, policy: Policy, incident: str) -> list[Waiting]:
    """List the versions that wait for a review, the longest wait first."""
    villages, towns = places.names(session, "village", "code"), places.names(session, "division", "code")
    newest = {v.village: v for v in reports.list_versions(session, incident)}
    limit = policy.number("report.review_minutes")
    found = []
    for version in newest.values():
        if version.state == "submitted":
            waited = review_engine.minutes_since(version.at, act.at)
            found.append(
                Waiting(
                    version, villages.get(version.village, version.village),
                    towns.get(version.village[: review_engine.TOWN_DIGITS], ""), waited, waited > limit,
                )
            )  # fmt: skip
    return sorted(found, key=lambda w: (-w.waited_min, w.version.village))


def compare(session: Session, policy: Policy, incident: str, version: Version) -> Comparison:
    """Compare a version with the last confirmed one of its village, or else the one before it, and check it."""
    older = [v for v in reports.list_versions(session, incident, village=version.village) if v.number < version.number]
    before = reports.confirmed(session, incident).get(version.village) or (older[-1] if older else None)
    return Comparison(
        version=version,
        before=before,
        changes=review_engine.compare_answers(
            {} if before is None else before.values, version.values, [q.field for q in policy.questions]
        ),
        findings=reports.check_version(session, policy, incident, version.village, version.values),
    )


def silent(session: Session, incident: str) -> list[Silent]:
    """List the silent villages, cut-off and populous ones first, with the officer to call."""
    told = assessed(session, incident)
    hit = {} if told is None else {row["code"]: row for row in told["by_village"]}
    first: dict[str, Officer] = {}
    for officer in sorted(officers(session), key=lambda o: (not o.on_duty, o.post_role)):
        first.setdefault(officer.village, officer)
    names, towns = places.names(session, "village", "code"), places.names(session, "division", "code")
    rows = [
        Silent(
            code, names[code], towns.get(code[: review_engine.TOWN_DIGITS], ""),
            int(hit.get(code, {}).get("affected_population", 0)),
            bool(hit.get(code, {}).get("isolated_villages", 0)), first.get(code),
        )
        for code in reports.silent_villages(session, incident, told)
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (not row.is_isolated, -row.people, row.village))


def town_figures(session: Session, policy: Policy, incident: str) -> list[dict[str, Any]]:
    """Lay the confirmed figures and the estimates out side by side, a row per town and one for all (``code=""``).

    The last row is the district's, with an empty ``of``; to who sees a part it is that part's, and ``of`` names it.
    """
    incidents.get_incident(session, incident)
    told = assessed(session, incident)
    estimates = {} if told is None else {row["code"]: row for row in told["by_town"]} | {"": told["totals"]}
    names = places.names(session, "division", "code")
    rows = review_engine.town_figures(
        reports.confirmed_indicators(session, policy, incident),
        estimates,
        papers.ESTIMATED,
        expected_villages(session, incident),
    )
    part = places.part_name(session)
    return [row | {"name": names.get(row["code"], row["code"]), "of": part} for row in rows]


def total_name(text: Text, row: Mapping[str, Any]) -> str:
    """Name the last of :func:`town_figures`: the district's sum, or that of the part one sees."""
    return text("pages.review.total_of", place=row["of"]) if row["of"] else text("pages.review.total")
