"""What may be shown of a private value: pure, by lengths that the policy sets."""

from __future__ import annotations

from dataclasses import dataclass

SIGN = "*"


@dataclass(frozen=True)
class MaskRule:
    """How many signs of a value stay readable at its start and at its end [1]."""

    first: int
    last: int


def mask(value: str | None, rule: MaskRule) -> str | None:
    """Keep the first and last signs of a value and hide the rest; one too short for its rule is hidden whole."""
    if not value:
        return value
    hidden = len(value) - rule.first - rule.last
    if hidden <= 0:
        return SIGN * len(value)
    return value[: rule.first] + SIGN * hidden + value[len(value) - rule.last :]


def hide_signs(name: str, count: int) -> str:
    """Hide ``count`` signs of a name after its first, as a public notice may: 张*, 王*明."""
    hidden = min(count, max(len(name) - 1, 0))
    return name[:1] + SIGN * hidden + name[1 + hidden :]
