"""The district's keys: which are in use, changing to a new one, and taking old ones off the ring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geo_minzheng.store import audit, frames, seal
from geo_minzheng.store import keys as ring_file
from geo_minzheng.store.scope import whole

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act


def describe_keys(session: Session, act: Act) -> dict[str, Any]:
    """Tell where the keys lie and how many cells need which; keys themselves are never told.

    Returns
    -------
    ``folder``, ``current``, ``keys``: ``key, cells, is_current``.

    Raises
    ------
    RefusedError
        ``account.may_not``: who may change no keys is told nothing of them.
    StoreError
        ``keys.missing`` and others of :mod:`geo_minzheng.store.keys`.
    """
    audit.require(session, act, "keys.rotate", "household")
    ring, used = seal.ring_of(session), _used(session)
    rows = [{"key": k, "cells": used.get(k, 0), "is_current": k == ring.current} for k in sorted(ring.keys)]
    lacking = [{"key": k, "cells": cells, "is_current": False} for k, cells in used.items() if k not in ring.keys]
    return {"folder": str(seal.folder_of(session)), "current": ring.current, "keys": rows, "lacking": lacking}


def rotate_keys(session: Session, act: Act) -> dict[str, Any]:
    """Make a new current key and seal every row anew with it, all or none; the old key stays on the ring.

    The ring is written first: a process that ends in between leaves rows that the ring still opens.

    Returns
    -------
    ``before``, ``current`` (ids of the keys), ``rows``.

    Raises
    ------
    RefusedError
        ``account.may_not``.
    StoreError
        ``keys.missing``, ``keys.wrong``, ``keys.tampered``, ``keys.unsealed``, ``keys.unwritable``.
    """
    audit.require(session, act, "keys.rotate", "household")
    tables = [frames.layer_table(name)[1] for name in seal.SEALED]
    before = seal.ring_of(session)
    with whole(session):  # every household, also those that who acts does not see
        for table in tables:
            seal.check_ring(session.connection(), table, before)
        ring = ring_file.add_key(seal.folder_of(session))
        rows = sum(seal.reseal(session.connection(), table, ring) for table in tables)
    told = {"before": before.current, "current": ring.current, "rows": rows}
    audit.record(session, act, audit.Change("keys.rotate", "household", "", {"key": before.current}, told))
    return told


def retire_keys(session: Session, act: Act) -> dict[str, Any]:
    """Take every key off the ring that no row needs; a backup from before the change then opens no more.

    Returns
    -------
    ``retired``, ``current``, ``kept`` (ids of the keys).

    Raises
    ------
    RefusedError
        ``account.may_not``.
    StoreError
        ``keys.missing``, ``keys.unwritable``.
    """
    audit.require(session, act, "keys.retire", "household")
    ring, used = seal.ring_of(session), _used(session)
    idle = sorted(set(ring.keys) - set(used) - {ring.current})
    if idle:
        audit.record(session, act, audit.Change("keys.retire", "household", "", {"keys": idle}, {"keys": []}))
        ring_file.drop_keys(seal.folder_of(session), idle)
    return {"retired": idle, "current": ring.current, "kept": sorted(set(ring.keys) - set(idle))}


def _used(session: Session) -> dict[str, int]:
    used: dict[str, int] = {}
    with whole(session):
        for name in seal.SEALED:
            for key, cells in seal.keys_in_use(session.connection(), frames.layer_table(name)[1]).items():
                used[key] = used.get(key, 0) + cells
    return used
