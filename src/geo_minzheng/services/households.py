"""Households as people may see them: masked, found by exact id or account, opened by a reason that is logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.engine.masking import MaskRule, mask
from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.services import places
from geo_minzheng.store import audit, households, seal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.store.tables_layers import Household

# A private column and the rule of the policy that masks it.
RULES = {"head_of_household": "name", "id_no": "id", "phone": "phone", "one_card_account": "account"}
SEARCHED = ("id_no", "one_card_account", "phone")
LONGEST = 500


def mask_rules(policy: Policy) -> dict[str, MaskRule]:
    """Read how each private column is masked on screen and on paper."""
    return {
        column: MaskRule(*(int(policy.number(f"mask.{rule}_{end}")) for end in ("first", "last")))
        for column, rule in RULES.items()
    }


def masked_households(session: Session, act: Act, policy: Policy, ids: Collection[str]) -> list[dict[str, Any]]:
    """List households with their private columns masked; what is outside the actor's villages is not there.

    Raises
    ------
    StoreError
        ``keys.missing`` and others of :mod:`geo_minzheng.store.seal`.
    """
    return _masked(session, policy, households.of_ids(session, ids, scope=act.scope))


def find_households(
    session: Session, act: Act, policy: Policy, *, id_no: str = "", account: str = "", phone: str = ""
) -> list[dict[str, Any]]:
    """Find households by an exact id number, account or phone; what is found is masked.

    Raises
    ------
    InputError
        ``households.nothing_asked``.
    StoreError
        As :func:`masked_households`.
    """
    asked = {"id_no": id_no, "one_card_account": account, "phone": phone}
    asked = {column: value for column, value in asked.items() if seal.normal(column, value)}
    if not asked:
        raise InputError("households.nothing_asked")
    found: dict[str, Household] = {}
    for place, (column, value) in enumerate(asked.items()):
        rows = {row.household_id: row for row in households.with_value(session, column, value, scope=act.scope)}
        found = rows if not place else {key: row for key, row in found.items() if key in rows}
    return _masked(session, policy, found.values())


def find_anywhere(session: Session, act: Act, policy: Policy, words: str) -> list[dict[str, Any]]:
    """Find households of which these words are the id number, the account or the phone; masked."""
    told = words.strip()
    found = {
        row.household_id: row
        for column in SEARCHED
        for row in households.with_value(session, column, told, scope=act.scope)
    }
    return _masked(session, policy, found.values())


def repeated_values(session: Session, act: Act, policy: Policy) -> list[dict[str, Any]]:
    """List values that several households share: one id number in two of them, one account for several.

    Returns
    -------
    ``column``, ``value`` (masked), ``households`` (masked rows).
    """
    told = []
    for column in ("id_no", "one_card_account"):
        for group in households.repeated(session, column, scope=act.scope):
            rows = _masked(session, policy, group)
            told.append({"column": column, "value": rows[0][column], "households": rows})
    return told


def _masked(session: Session, policy: Policy, rows: Iterable[Household]) -> list[dict[str, Any]]:
    found = list(rows)
    if not found:
        return []
    ring, rules = seal.ring_of(session), mask_rules(policy)
    villages = places.names(session, "village", "code")
    return [
        {
            "household_id": row.household_id, "village_code": row.village_code,
            "village_name": villages.get(row.village_code, ""), "assistance_tier": row.assistance_tier,
            "household_size": row.household_size,
            **{column: mask(value, rules[column]) for column, value in households.opened(ring, row).items()},
        }
        for row in found
    ]  # fmt: skip


def reveal_household(session: Session, act: Act, household: str, reason: str) -> dict[str, str | None]:
    """Open one household's private columns; who, when and why is on record before anybody sees them.

    The audit row names the columns and the reason, never a value; show the values only after the transaction is
    committed.

    Returns
    -------
    ``head_of_household, id_no, phone, one_card_account``.

    Raises
    ------
    InputError
        ``households.no_reason``, ``households.reason_too_long``, ``households.reason_tells``: the reason holds a value.
    NotFoundError
        ``households.unknown``: no such household, or outside the actor's villages.
    StoreError
        As :func:`masked_households`.
    """
    told = " ".join(reason.split())
    if not told:
        raise InputError("households.no_reason", household=household)
    if len(told) > LONGEST:
        raise InputError("households.reason_too_long", household=household, length=len(told), most=LONGEST)
    rows = households.of_ids(session, [household], scope=act.scope)
    if not rows:
        raise NotFoundError("households.unknown", household=household)
    values = households.opened(seal.ring_of(session), rows[0])
    if any(value and value in told for value in values.values()):
        raise InputError("households.reason_tells", household=household)
    after = {"fields": sorted(values), "reason": told}
    audit.record(session, act, audit.Change("housing.reveal", "household", household, None, after))
    return values
