"""How long a session lasts: in quiet times it ends when nobody is there; during a response its screen locks instead."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from geo_minzheng.model.account import SessionKind


class Sitting(StrEnum):
    """What a session is now."""

    OPEN = "open"
    LOCKED = "locked"
    ENDED = "ended"


@dataclass(frozen=True)
class Limits:
    """How long one may sit, from policy.

    Parameters
    ----------
    idle, absolute
        In quiet times: without a sign of life, and in all.
    lock, response
        During a response: until the screen locks, and in all.
    device
        How long a paired phone or wall stays paired.
    """

    idle: timedelta
    absolute: timedelta
    lock: timedelta
    response: timedelta
    device: timedelta


def sitting_of(
    kind: SessionKind, opened: datetime, seen: datetime, now: datetime, limits: Limits, *, is_responding: bool
) -> Sitting:
    """Tell what a session is at a moment, if nobody locked it by hand.

    A paired device lasts until it is revoked or too old. A browser's session ends after ``idle`` or ``absolute``;
    while a response is active nobody is thrown out by an idle screen: it locks after ``lock`` and ends after
    ``response``.
    """
    silence = now - seen
    if now - opened > longest_of(kind, limits, is_responding=is_responding):
        return Sitting.ENDED
    if kind is not SessionKind.BROWSER:
        return Sitting.OPEN
    if is_responding:
        return Sitting.LOCKED if silence > limits.lock else Sitting.OPEN
    return Sitting.ENDED if silence > limits.idle else Sitting.OPEN


def longest_of(kind: SessionKind, limits: Limits, *, is_responding: bool) -> timedelta:
    """Give how long a session lasts in all, however often somebody types."""
    if kind is not SessionKind.BROWSER:
        return limits.device
    return limits.response if is_responding else limits.absolute


def pause_after(failures: int) -> float:
    """Give how long the next attempt waits after so many failures in the window [s]: a delay, never a lock-out."""
    return 0.0 if failures < 5 else min(2.0 ** (failures - 5), 10.0)
