"""The accounts of a demo district: one or more for each role, good nowhere else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from geo_minzheng.engine.rehearsal import busiest_town
from geo_minzheng.model.account import Person
from geo_minzheng.services import demo, passwords, reports
from geo_minzheng.store import accounts, frames

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act

TOWN, VILLAGE = "township", "village"


@dataclass(frozen=True)
class Post:
    """An account of the demo before the district is known: which level it sees, at which kind of place it works."""

    login: str
    name: str
    role: str
    level: str = ""
    place: str = ""


# Names are titles, so that nobody is meant.
POSTS = (
    Post("duty", demo.DUTY, "emergency_coordinator"),
    Post("duty2", demo.WITNESS, "emergency_coordinator"),
    Post("command", demo.COORDINATOR, "emergency_coordinator"),
    Post("leader", "区领导壬", "leader"),
    Post("disaster", demo.REVIEWER, "county_disaster_officer"),
    Post("reviewer", "镇审核员癸", "township_reviewer", TOWN),
    Post("informant", "信息员子", "village_informant", VILLAGE),
    Post("consulting", "会商单位丑", "consulting_department"),
    Post("approver", demo.APPROVER, "approver"),
    Post("dispatch", "调运员寅", "dispatch_officer"),
    Post("keeper", demo.KEEPER, "warehouse_keeper", place="warehouse"),
    Post("receiver", "接收人卯", "receiver", TOWN, "site"),
    Post("housing", "危改审核辰", "housing_officer"),
    Post("panel", "评议组巳", "review_panel", VILLAGE),
    Post("planner", demo.PLANNER, "facility_planner"),
    Post("manager", "院长午", "facility_manager", place="welfare_home"),
    Post("inspector", "检查员未", "inspector"),
    Post("auditor", "审计员辛", "auditor"),
    Post("admin", "管理员申", "admin"),
)


def add_demo_people(session: Session, act: Act, incident: str) -> tuple[list[Person], str]:
    """Add an account for every role, all with one password that is drawn for this home and told once.

    The town and the village of the accounts that see no more are those with the most reports of the night.

    Returns
    -------
    The people, and their password.
    """
    reported = sorted({version.village for version in reports.list_versions(session, incident)})
    villages = frames.read_layer(session, "village")["code"].tolist()
    town, village = busiest_town(reported, villages)
    places = {
        "warehouse": frames.read_layer(session, "warehouse")["warehouse_id"].tolist(),
        "welfare_home": frames.read_layer(session, "welfare_home")["home_id"].tolist(),
        "site": _sites(session, town),
    }
    password = passwords.draw_secret()
    kept = passwords.hash_password(password)
    people = []
    for post in POSTS:
        scope = {TOWN: town, VILLAGE: village}.get(post.level, "")
        place = next(iter(places.get(post.place, [])), "")
        person = Person(post.login, post.name, post.role, scope, place, is_demo=True)
        row = accounts.add_account(session, act, person, password_hash=kept)
        accounts.change_account(session, act, "user.change", row, must_change=False)
        people.append(person)
    return people, password


def _sites(session: Session, town: str) -> list[str]:
    sites = frames.read_layer(session, "site")
    own = sites[sites["village_code"].astype(str).str.startswith(town)]
    return [*own["site_id"].tolist(), *sites["site_id"].tolist()]
