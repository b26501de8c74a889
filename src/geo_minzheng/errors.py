"""Errors carry a key and facts; the sentences live in the language files."""

from __future__ import annotations


class GeoMinzhengError(Exception):
    """Base of every error the product raises on purpose.

    Parameters
    ----------
    key
        Sentence key in ``data/text`` under ``error``, e.g. ``"division.unknown_code"``.
    facts
        Values the sentence names: the thing, the place, the remedy.
    """

    def __init__(self, key: str, /, **facts: object) -> None:
        super().__init__(key, facts)
        self.key = key
        self.facts = facts

    def __str__(self) -> str:
        return f"{self.key} {self.facts}" if self.facts else self.key


class InputError(GeoMinzhengError):
    """What was handed in cannot be accepted; nothing was stored."""


class ManyInputError(InputError):
    """All faults of one input, found in one pass."""

    def __init__(self, key: str, faults: tuple[InputError, ...], /, **facts: object) -> None:
        super().__init__(key, **facts, count=len(faults))
        self.faults = faults


class MissingValueError(InputError):
    """The policy in force has no value under a key that is needed."""


class NotFoundError(InputError):
    """No such thing, or not visible to who asks: the two look the same."""


class RefusedError(GeoMinzhengError):
    """A rule of the bureau forbids the act (second person, state, stock)."""


class StoppedError(GeoMinzhengError):
    """Somebody stopped the work before it was done; nothing was stored."""


class InfeasibleError(GeoMinzhengError):
    """No solution exists; the facts name the constraints to blame."""


class StoreError(GeoMinzhengError):
    """The store is damaged, too new, full or locked."""
