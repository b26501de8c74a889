"""Where the order of the programme contradicts the villagers' review 村民评议, and the written reason for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.services import housing
from geo_minzheng.store import records
from geo_minzheng.store.second_person import is_among
from geo_minzheng.store.tables_housing import ReviewReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act

LONGEST = 500


def contradictions(session: Session, made: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the pairs of a programme that the review ranks the other way round, those without a reason first.

    Returns
    -------
    ``first`` (stands before ``second`` although the review put it behind), ``second``, ``reason, who, at`` of the last
    reason given for ``first`` (empty where there is none).
    """
    given = {row.application_id: row for row in records.find(session, ReviewReason)}
    pairs = [dict(pair) | _told(given.get(pair["first"])) for pair in made["against_review"]]
    return sorted(pairs, key=lambda pair: bool(pair["reason"]))


def _told(row: ReviewReason | None) -> dict[str, Any]:
    if row is None:
        return {"reason": "", "who": "", "at": ""}
    return {"reason": row.reason, "who": row.who, "at": row.at.isoformat()}


def give_reason(session: Session, act: Act, case: str, reason: str) -> str:
    """Keep why a case stands before others that the review put before it; a later reason follows, none is changed.

    Returns
    -------
    The id of the reason.

    Raises
    ------
    InputError
        ``housing.no_reason``, ``housing.reason_too_long``.
    NotFoundError
        ``housing.not_against_review``: the last programmes have no such contradiction; ``housing.no_programme``.
    RefusedError
        ``housing.own_reason``: who made the programmes does not answer for where they leave the review.
    """
    made = housing.latest_programmes(session)
    if made is None:
        raise NotFoundError("housing.no_programme")
    if case not in {pair["first"] for pair in made["against_review"]}:
        raise NotFoundError("housing.not_against_review", case=case)
    if is_among(act.who, housing.made_by(session)):
        raise RefusedError("housing.own_reason", case=case, who=act.who)
    told = " ".join(reason.split())
    if not told:
        raise InputError("housing.no_reason", case=case)
    if len(told) > LONGEST:
        raise InputError("housing.reason_too_long", case=case, length=len(told), most=LONGEST)
    number = len(records.find(session, ReviewReason, application_id=case)) + 1
    row = ReviewReason(reason_id=f"{case}/{number}", application_id=case, reason=told)
    records.add(session, act, "housing.review_reason", row)
    return row.reason_id
