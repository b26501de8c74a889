"""The response level of 自然灾害救助应急响应: advised by the conditions, decided by a person."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from geo_minzheng.engine import documents, respond
from geo_minzheng.errors import InputError, RefusedError
from geo_minzheng.services import incidents, needs
from geo_minzheng.store import records
from geo_minzheng.store.second_person import are_different
from geo_minzheng.store.tables_flood import LevelDecision

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.incident import LevelAdvice
    from geo_minzheng.model.policy import Policy

LEVELS = ("IV", "III", "II", "I")


@dataclass(frozen=True)
class Decision:
    """What a person decides: a level, or ``None`` not to activate; a deviation from the advice needs a reason."""

    level: str | None
    leader: str
    reason: str = ""
    order_no: str = ""


def advise_level(session: Session, policy: Policy, incident: str) -> tuple[LevelAdvice, dict[str, float | None]]:
    """Compare the figures with every condition of every level; confirmed figures first, estimates for the rest.

    Returns
    -------
    The advice, and the district's figures it was given on.
    """
    table = needs.indicators(session, policy, incident).frame
    values = respond.project_values({str(name): float(value) for name, value in table.sum().items()})
    return respond.advise_level(values, policy.response), dict(values)


def decide_level(session: Session, act: Act, policy: Policy, incident: str, decision: Decision) -> dict[str, Any]:
    """Record what was decided on the level.

    Raises
    ------
    InputError
        ``response.unknown_level``.
    RefusedError
        ``response.own_level``: nobody is named who decided, or it is who records it; ``response.reason_needed``:
        decided otherwise than advised, without a reason.
    """
    if decision.level is not None and decision.level not in LEVELS:
        raise InputError("response.unknown_level", level=decision.level, allowed=LEVELS)
    if not are_different(decision.leader, act.who):
        raise RefusedError("response.own_level", who=act.who)
    advice, _ = advise_level(session, policy, incident)
    if decision.level != advice.level and not decision.reason.strip():
        raise RefusedError("response.reason_needed", advised=advice.level or "—", decided=decision.level or "—")
    earlier = records.find(session, LevelDecision, incident=incident)
    found = incidents.get_incident(session, incident)
    row = LevelDecision(
        decision_id=f"{incident}/L{len(earlier) + 1}",
        incident=incident,
        action=_action(earlier, decision.level),
        advised=advice.level,
        decided=decision.level,
        reason=decision.reason.strip(),
        order_no=decision.order_no,
        leader=decision.leader,
        policy_version=policy.version,
        conditions=documents.plain([asdict(c) for c in advice.conditions]),
        exercise=found.exercise,
    )
    records.add(session, replace(act, incident=incident, exercise=found.exercise), "response.decide", row)
    return present_level(session, incident) or {}


def _action(earlier: list[LevelDecision], level: str | None) -> str:
    active = bool(earlier) and earlier[-1].decided is not None
    if level is None:
        return "terminate" if active else "decline"
    return "adjust" if active else "activate"


def present_level(session: Session, incident: str) -> dict[str, Any] | None:
    """Give the last decision on the level, or ``None``."""
    row = records.latest(session, LevelDecision, incident=incident)
    if row is None:
        return None
    return {
        "decision": row.decision_id, "action": row.action, "level": row.decided, "advised": row.advised,
        "leader": row.leader, "reason": row.reason, "who": row.who, "at": row.at.isoformat(), "order_no": row.order_no,
    }  # fmt: skip
