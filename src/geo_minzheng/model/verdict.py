"""What a check of the store found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """``ok``, or the key of the sentence that says what is wrong, with its facts."""

    key: str = "ok"
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_ok(self) -> bool:
        """Whether nothing was found."""
        return self.key == "ok"


OK = Verdict()
