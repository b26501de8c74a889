"""Plans and their approval: a new version never touches the old one, and nobody approves their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from geo_minzheng.errors import RefusedError
from geo_minzheng.model.act import Act
from geo_minzheng.store.audit import require
from geo_minzheng.store.records import add, find, latest, one
from geo_minzheng.store.second_person import are_different, is_among
from geo_minzheng.store.tables_relief import Approval, ApprovalPaper, Plan


@dataclass(frozen=True)
class PlanRecord:
    """A plan to be stored.

    Parameters
    ----------
    document
        The whole plan as JSON values.
    reason
        Why a new version was made (a road was cut, a request came).
    """

    plan_id: str
    incident: str
    document: dict[str, Any]
    input_hash: str
    plan_hash: str
    policy_version: str
    status: str
    seed: int | None = None
    reason: str = ""


def store_plan(session: Session, act: Act, plan: PlanRecord) -> Plan:
    """Add a plan as the next version of its incident; it supersedes the one before.

    Raises
    ------
    RefusedError
        ``store.duplicate``: the plan id exists.
    """
    before = latest(session, Plan, incident=plan.incident)
    row = Plan(
        plan_id=plan.plan_id,
        incident=plan.incident,
        version=1 + (before.version if before else 0),
        supersedes=before.plan_id if before else None,
        reason=plan.reason,
        status=plan.status,
        policy_version=plan.policy_version,
        seed=plan.seed,
        input_hash=plan.input_hash,
        result_hash=plan.plan_hash,
        document=plan.document,
        exercise=act.exercise,
    )
    return add(session, act, "relief.plan", row)


@dataclass(frozen=True)
class ApprovalRecord:
    """How a plan was approved or rejected.

    Parameters
    ----------
    approver
        Who decided; by phone this is the leader.
    plan_hash
        What was decided on: must be the stored plan's.
    leader, recorder, witness, paper_due
        Needed by phone: who spoke, two different people who heard it, when the paper is due.
    """

    plan_id: str
    plan_hash: str
    approver: str
    decided_at: datetime
    mode: str = "written"
    verdict: str = "approved"
    leader: str = ""
    number: str = ""
    recorder: str = ""
    witness: str = ""
    paper_due: datetime | None = None
    reason: str = ""


def approve_plan(session: Session, act: Act, approval: ApprovalRecord) -> Approval:
    """Record the decision on a plan: one per plan, by another person than the one who proposed it.

    Raises
    ------
    NotFoundError
        ``store.not_found``.
    RefusedError
        ``account.may_not``; ``store.own_plan``; ``store.plan_hash``: it is not the plan that was shown;
        ``store.plan_superseded``; ``store.oral_incomplete``; ``store.duplicate``: decided already;
        ``store.constraint``: rejected without reason.
    """
    plan = one(session, Plan, plan_id=approval.plan_id)
    if is_among(plan.who, approval.approver, approval.leader):
        raise RefusedError("store.own_plan", plan_id=plan.plan_id, who=plan.who)
    if plan.result_hash != approval.plan_hash:
        raise RefusedError("store.plan_hash", plan_id=plan.plan_id)
    if session.scalar(select(func.count()).where(Plan.supersedes == plan.plan_id)):
        raise RefusedError("store.plan_superseded", plan_id=plan.plan_id)
    if approval.mode != "oral":
        # Who decides needs more than who writes down what a leader said by phone.
        require(session, act, "relief.decide", Approval.__tablename__)
    else:
        people = (approval.leader, approval.recorder, approval.witness)
        if not are_different(*people) or approval.paper_due is None:
            raise RefusedError("store.oral_incomplete", plan_id=plan.plan_id)
    row = Approval(**{name: getattr(approval, name) for name in approval.__dataclass_fields__}, exercise=act.exercise)
    return add(session, act, "relief.approve", row)


def sign_paper(
    session: Session, act: Act, plan_id: str, *, scan: str, sha256: str, signed_at: datetime
) -> ApprovalPaper:
    """Attach the scan of the signed and sealed paper to an approved plan: 已签发.

    Raises
    ------
    NotFoundError
        ``store.not_found``: there is no decision on that plan.
    RefusedError
        ``store.duplicate``: this scan is attached already.
    """
    one(session, Approval, plan_id=plan_id, verdict="approved")
    row = ApprovalPaper(plan_id=plan_id, scan=scan, scan_sha256=sha256, signed_at=signed_at)
    return add(session, act, "relief.paper", row)


def papers_due(session: Session, moment: datetime) -> list[Approval]:
    """List approvals by phone whose paper was due by then and is still missing, most overdue first."""
    signed = {paper.plan_id for paper in find(session, ApprovalPaper)}
    due = [a for a in find(session, Approval, mode="oral", verdict="approved") if a.paper_due and a.paper_due <= moment]
    return sorted((a for a in due if a.plan_id not in signed), key=lambda a: (a.paper_due, a.plan_id))
