"""Is everything as it should be, at a glance: store, disk, last backup, audit chain, clock."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from geo_minzheng.errors import GeoMinzhengError
from geo_minzheng.model.backup import Sign
from geo_minzheng.services import backup
from geo_minzheng.store import audit, census
from geo_minzheng.store.scope import whole

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.model.policy import Policy
    from geo_minzheng.settings import Settings

OK, WARNING, BAD = "ok", "warning", "bad"
_GIB = 1 << 30


def look(session: Session, policy: Policy, settings: Settings, moment: datetime) -> list[Sign]:
    """Take the signs of health; each is cheap, and ``verify`` is the thorough one."""
    with whole(session):
        return [
            _store(session),
            _disk(policy, settings.home),
            _last_backup(policy, settings.home, moment),
            _chain(session),
            _clock(session, settings, moment),
        ]


def is_well(signs: list[Sign]) -> bool:
    """Tell whether nothing is bad; a warning is no illness."""
    return all(sign.state != BAD for sign in signs)


def _store(session: Session) -> Sign:
    found = census.glance(session)
    return Sign("store", OK if found.is_ok else BAD, {"verdict": found})


def _disk(policy: Policy, home: Path) -> Sign:
    free, least = shutil.disk_usage(home).free, policy.number("health.disk_free_gb")
    state = OK if free >= least * _GIB else BAD if free < least * _GIB / 10 else WARNING
    return Sign("disk", state, {"free_gb": round(free / _GIB, 1), "least_gb": least})


def _last_backup(policy: Policy, home: Path, moment: datetime) -> Sign:
    most = policy.number("backup.max_age_hours")
    try:
        folder = backup.folder_of(home, None)
        found = [b for b in backup.list_backups(folder, check=False) if b.state == "good" and b.card is not None]
    except GeoMinzhengError:
        return Sign("backup", BAD, {"file": "", "most_h": most})
    if not found:
        return Sign("backup", BAD, {"file": "", "most_h": most})
    card = found[-1].card
    age = (moment - card.made_at).total_seconds() / 3600 if card else most
    state = OK if age <= most else WARNING if age <= 2 * most else BAD
    return Sign("backup", state, {"file": found[-1].file.name, "age_h": round(age, 1), "most_h": most})


def _chain(session: Session) -> Sign:
    count, head = audit.chain_head(session)
    return Sign("chain", OK, {"count": count, "head": head[:16]})


def _clock(session: Session, settings: Settings, moment: datetime) -> Sign:
    last = census.last_act(session)
    behind = last is not None and moment < last
    state = BAD if behind else WARNING if settings.now else OK
    return Sign("clock", state, {"now": moment, "behind": behind, "fixed": bool(settings.now)})
