"""Which houses are renovated with this year's money: the official order, the comparison, the reasons."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents
from geo_minzheng.engine import housing as housing_engine
from geo_minzheng.engine import programme as programme_engine
from geo_minzheng.engine.own_part import programme_part
from geo_minzheng.errors import InputError, MissingValueError
from geo_minzheng.model.scope import CASEWORK
from geo_minzheng.services import places, settings_of
from geo_minzheng.services.steps import Step, quiet
from geo_minzheng.store import records
from geo_minzheng.store.scope import part_of, whole
from geo_minzheng.store.tables_housing import ProgrammeRun
from geo_minzheng.store.tables_layers import RenovationApplication

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy, Programme
    from geo_minzheng.present.text import Text


def judge_cases(session: Session, act: Act, policy: Policy) -> pd.DataFrame:
    """Judge every application on record by the policy in force."""
    registers = housing_engine.HousingRegisters(
        applications=places.table(session, "renovation_application"),
        households=places.table(session, "household"),
        houses=places.in_metres(session, "house"),
        zones=places.in_metres(session, "hazard_zone"),
    )
    return housing_engine.judge_cases(registers, policy, day=act.at.date())


def draft_programmes(
    session: Session, act: Act, policy: Policy, *, budgets: dict[str, float] | None = None, step: Step = quiet
) -> dict[str, Any]:
    """Work the year's programmes out without keeping them: what other money would do.

    Parameters
    ----------
    budgets
        Money by programme [yuan] in place of the policy's.

    Returns
    -------
    ``programme.json``.

    Raises
    ------
    InputError
        ``housing.unknown_programme``.
    MissingValueError
        A programme has no budget in the policy and none was given.
    """
    step("cases")
    cases = judge_cases(session, act, policy)
    step("order")
    return _document(session, act, policy, cases, budgets or {})


def _document(
    session: Session, act: Act, policy: Policy, cases: pd.DataFrame, budgets: dict[str, float]
) -> dict[str, Any]:
    unknown = sorted(set(budgets) - set(policy.programmes))
    if unknown:
        raise InputError("housing.unknown_programme", programme=unknown[0], allowed=sorted(policy.programmes))
    villages = places.names(session, "village", "code")
    pairs = zip(cases["case"].astype(str), cases["village_code"].astype(str), strict=True)
    names = {case: villages.get(code, code) for case, code in pairs}
    ordered = sorted(policy.programmes.values(), key=lambda p: p.order)
    document: dict[str, Any] = {
        "year": act.at.year,
        "made_on": act.at.date().isoformat(),
        "policy_version": policy.version,
        "programmes": [_programme(cases, p, policy, budgets, names) for p in ordered],
        "act_now": housing_engine.act_now(cases),
        "against_review": housing_engine.against_review(cases),
        "build_together": housing_engine.build_together(
            cases,
            settings_of.require(session, "metres"),
            radius_m=policy.number("housing.cluster_radius_m"),
            min_cases=int(policy.number("housing.cluster_cases")),
        ),
    }
    return documents.tidy(document)


def make_programmes(
    session: Session, act: Act, policy: Policy, *, budgets: dict[str, float] | None = None, step: Step = quiet
) -> dict[str, Any]:
    """Make the year's programmes and keep them on record; see :func:`draft_programmes`."""
    step("cases")
    cases = judge_cases(session, act, policy)
    step("order")
    document = _document(session, act, policy, cases, budgets or {})
    step("keep")
    number = len(records.find(session, ProgrammeRun)) + 1
    row = ProgrammeRun(
        run_id=f"{act.at.year}/{number}",
        year=act.at.year,
        status="optimal",
        policy_version=policy.version,
        input_hash=documents.digest([policy.version, documents.rows(cases.drop(columns=["applied_at"]))]),
        result_hash=documents.digest(document),
        document=document,
    )
    records.add(session, act, "housing.programme", row)
    return document


def _programme(
    cases: pd.DataFrame, programme: Programme, policy: Policy, budgets: dict[str, float], names: dict[str, str]
) -> dict[str, Any]:
    budget = budgets.get(programme.programme, programme.budget_yuan)
    if budget is None:
        key = f"programmes.{programme.programme}.budget_yuan"
        raise MissingValueError("policy.missing_value", key=key, file="programmes.toml", profile=policy.profile,
                                day=policy.day.isoformat())  # fmt: skip
    mine = housing_engine.of_programme(cases, programme.programme)
    strict = programme_engine.strict_order(
        mine,
        budget_yuan=budget,
        quota=programme.quota,
        stretch_quota=programme.stretch_quota,
        must_finish=housing_engine.backlog(mine) if programme.has_must_finish else None,
    )
    limit = programme.stretch_quota if programme.stretch_quota is not None else programme.quota
    best = programme_engine.optimum(mine, budgets=budget, quotas=limit)
    cost = programme_engine.cost_of_order(strict, best)
    return housing_engine.programme_document(strict, best, cost, names) | {"programme": programme.programme}


def latest_programmes(session: Session) -> dict[str, Any] | None:
    """Give the last programmes on record, or ``None``; who sees one town or village is given its own cases."""
    if not part_of(session, CASEWORK):
        row = records.latest(session, ProgrammeRun)
        return None if row is None else dict(row.document)
    cases = {application.case_id for application in records.find(session, RenovationApplication)}
    with whole(session):
        row = records.latest(session, ProgrammeRun)
        return None if row is None else programme_part(row.document, cases)


def made_by(session: Session) -> str:
    """Name who made the last programmes; empty while there are none."""
    with whole(session):
        row = records.latest(session, ProgrammeRun)
        return "" if row is None else row.who


def case_rows(session: Session, act: Act, policy: Policy) -> list[dict[str, Any]]:
    """List the judged cases for the page: tier, score in parts, gate, subsidy, place."""
    return documents.rows(judge_cases(session, act, policy))


def verdicts(session: Session, made: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Tell of every case what became of it and why, with the names of village and town."""
    villages, towns = places.names(session, "village", "code"), places.names(session, "division", "code")
    return [
        v
        | {
            "village_name": villages.get(str(v["village_code"]), ""),
            "town_name": towns.get(str(v["village_code"])[:9], ""),
        }
        for v in housing_engine.list_verdicts(made, rows)
    ]


def search(found: Sequence[Mapping[str, Any]], words: str) -> list[Mapping[str, Any]]:
    """Find cases by any part of case, house, household or village name."""
    return housing_engine.search_verdicts(found, words)


def money_curve(found: Sequence[Mapping[str, Any]], programme: str) -> list[dict[str, float]]:
    """Give what reaching the n-th household of a programme's order costs [yuan]."""
    return housing_engine.money_curve([v for v in found if v["programme"] == programme])


def reason_of(verdict: Mapping[str, Any], policy: Policy, text: Text) -> str:
    """Say why a case is in the programme or not, in the words of the clause."""
    if verdict["state"] in ("chosen", "stretch"):
        source = next((r.source for r in policy.subsidies if r.rule == verdict["rule"]), "")
        return text(f"housing.verdict.{verdict['state']}", place=verdict["place"], rule=verdict["rule"], source=source)
    if verdict["state"] == "gate":
        return text("housing.verdict.gate", reasons=text.codes("engine.prioritise.gate", str(verdict["reason"])))
    if verdict["state"] == "missing_value":
        return text("housing.verdict.missing_value", key=verdict["reason"])
    return text(f"housing.verdict.{verdict['reason']}", place=verdict["place"])


def programme_lines(made: dict[str, Any], policy: Policy, text: Text) -> list[str]:
    """Write the programmes for a person: how many, how much, what ended the list, who is next."""
    lines = []
    for row in made["programmes"]:
        programme = policy.programmes[row["programme"]]
        if made.get("is_part"):
            name = text.name("programmes", row["programme"], programme)
            lines.append(text("housing.own_line", name=name, chosen=len(row["chosen"])))
            continue
        lines.append(
            text(
                "housing.programme_line", name=text.name("programmes", row["programme"], programme),
                chosen=len(row["chosen"]), spent=text.yuan(row["spent_yuan"]), budget=text.yuan(row["budget_yuan"]),
                stopped=text(f"housing.stopped.{row['stopped_by'].replace(' ', '_')}"),
            )
        )  # fmt: skip
        if row["next_unfunded"]:
            told = row["next_unfunded"]
            lines.append(text("housing.next_line", case=told["case"], shortfall=text.yuan(told["shortfall_yuan"])))
        if row["must_finish"]:
            must = row["must_finish"]
            lines.append(
                text(
                    "housing.must_line",
                    cases=must["cases"],
                    cost=text.yuan(must["cost_yuan"]),
                    gap=text.yuan(must["gap_yuan"]),
                )
            )
    return lines
