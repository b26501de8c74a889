"""The desk of the housing page: the programmes on it, on record or as a draft, and what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import streamlit as st

from geo_minzheng.bootstrap import parse_moment
from geo_minzheng.pages import frame, work
from geo_minzheng.pages.housing_household import show_household
from geo_minzheng.present.page_words import page_words
from geo_minzheng.services import housing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geo_minzheng.bootstrap import Bureau
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.services.steps import Step


@dataclass(frozen=True)
class Desk:
    """The programmes on the table: on record, or a draft with other money."""

    office: Bureau
    policy: Policy
    made: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    found: Sequence[Mapping[str, Any]]
    is_draft: bool

    @property
    def is_part(self) -> bool:
        """Whether only the cases of one's own village lie on it."""
        return bool(self.made.get("is_part"))

    def name(self, programme: str) -> str:
        """Name a programme."""
        return self.office.text.name("programmes", programme, self.policy.programmes[programme])

    def of(self, programme: str) -> list[Mapping[str, Any]]:
        """List the verdicts of a programme."""
        return [v for v in self.found if v["programme"] == programme]

    def case(self, case: str) -> Mapping[str, Any] | None:
        """Find the verdict of a case."""
        return next((v for v in self.found if v["case"] == case), None)


def load(office: Bureau) -> Desk | None:
    """Lay the last programmes, or this session's draft, on the table; ``None`` where there are none."""
    with office.reading() as session:
        on_record = housing.latest_programmes(session)
    if on_record is None:
        return None
    tried = st.session_state.get("housing_draft") or _draft_of_address(office, on_record)
    made = tried or on_record
    desk_then = office.at(parse_moment(f"{made.get('made_on', office.today().isoformat())}T09:00"))
    policy = desk_then.policy()

    def judge() -> list[dict[str, Any]]:
        with office.reading() as session:
            return housing.case_rows(session, desk_then.act(), policy)

    rows = frame.kept(office, ("housing.cases", policy.version), judge)
    with office.reading() as session:
        found = housing.verdicts(session, made, rows)
    return Desk(office, policy, made, rows, found, tried is not None)


def budgets_of(made: Mapping[str, Any]) -> dict[str, float]:
    """Read the money of each programme."""
    return {p["programme"]: p["budget_yuan"] for p in made["programmes"]}


def draft(office: Bureau, budgets: dict[str, float]) -> dict[str, Any]:
    """Work the programmes out with other money; nothing is kept."""
    with office.reading() as session:
        return housing.draft_programmes(session, office.act(), office.policy(), budgets=budgets)


def _draft_of_address(office: Bureau, made: Mapping[str, Any]) -> dict[str, Any] | None:
    """Work the draft of the address out again, so that F5 and a shared link show it."""
    programme, _, yuan = frame.asked("budget").partition(":")
    if made.get("is_part") or programme not in budgets_of(made) or not yuan.replace(".", "", 1).isdecimal():
        return None
    tried = draft(office, budgets_of(made) | {programme: float(yuan)})
    st.session_state["housing_draft"] = tried
    return tried


def make(office: Bureau, budgets: dict[str, float] | None = None) -> None:
    """Make the programmes and keep them on record."""

    def job(step: Step) -> str:
        with office.transaction() as (session, act):
            housing.make_programmes(session, act, office.policy(), budgets=budgets, step=step)
        return office.text("pages.housing.kept")

    drop_draft()
    work.begin(office.text, office.text("pages.housing.working"), job)


def drop_draft() -> None:
    """Take the draft with other money off the table."""
    st.session_state.pop("housing_draft", None)
    frame.keep("budget", "")


def show_verdicts(desk: Desk, found: Sequence[Mapping[str, Any]], title: str) -> None:
    """Show cases with where they stand and why."""
    text = desk.office.text
    heads = [text(f"pages.housing.column.{n}") for n in ("case", "village", "programme", "standing")]
    rows = [
        [v["case"], f"{v['town_name']} {v['village_name']}", desk.name(v["programme"]),
         housing.reason_of(v, desk.policy, text)]
        for v in found
    ]  # fmt: skip
    frame.words_table(heads, rows, title)


def show_case(desk: Desk, verdict: Mapping[str, Any]) -> None:
    """Show the score of a case in its named parts, which add up to it."""
    text = desk.office.text
    st.markdown(
        f"**{page_words(verdict['case'])}** · "
        + text("pages.housing.case_line", village=page_words(verdict["village_name"]),
               tier=page_words(tier_name(desk, verdict)), persons=verdict["persons"] or 0)
    )  # fmt: skip
    st.caption(page_words(housing.reason_of(verdict, desk.policy, text)))
    show_household(desk.office, desk.policy, str(verdict["household_id"] or ""))
    if verdict["score"] is None:
        return
    for part in desk.policy.house_ranking.parts:
        points = float(verdict.get(f"part_{part.part}") or 0.0)
        label = text("pages.housing.part", name=text.name("parts", part.part, part), points=f"{points:.2f}",
                     most=text.number(part.weight))  # fmt: skip
        st.progress(min(1.0, points / part.weight) if part.weight else 0.0, text=page_words(label))
    st.caption(text("pages.housing.sum", score=f"{verdict['score']:.2f}"))


def tier_name(desk: Desk, verdict: Mapping[str, Any]) -> str:
    """Name the tier of a case."""
    rule = next(
        (
            t for t in desk.policy.house_ranking.tiers
            if t.programme == verdict["programme"] and t.tier == verdict["tier"]
        ),
        None,
    )  # fmt: skip
    told = "" if rule is None else rule.name_en if desk.office.text.language == "en" else rule.name_zh
    return desk.office.text("pages.housing.tier", tier=verdict["tier"], name=told)
