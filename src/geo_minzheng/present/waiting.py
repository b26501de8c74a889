"""What waits and what happened, as sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from geo_minzheng.model.duty import Waiting
    from geo_minzheng.present.text import Text


def waiting_sentence(waiting: Waiting, text: Text, incident: str = "") -> str:
    """Say one thing that waits, with the name of its incident where one is handed in."""
    line = text(f"pages.overview.todo.{_kind(waiting)}", **_facts(waiting.facts, text))
    return text("pages.overview.of_incident", line=line, name=incident) if incident else line


def _kind(waiting: Waiting) -> str:
    """Name the sentence: some tasks have one more, with a number, or for when it was never done."""
    if waiting.kind == "orders_waiting":
        return "orders_to_issue"
    if waiting.kind == "chain_due" and waiting.facts["ago"] < 0:
        return "chain_never"
    if waiting.kind == "reports_waiting" and waiting.facts["overdue"]:
        return "reports_overdue"
    return waiting.kind


def _facts(facts: Mapping[str, Any], text: Text) -> dict[str, Any]:
    told = dict(facts)
    if "minutes" in facts:
        told["time"] = text.duration(facts["minutes"])
    if "first" in facts:
        told["first"] = text.day(facts["first"])
    if "signs" in facts:
        told["signs"] = [text(f"health.name.{name}") for name in facts["signs"]]
    for name in ("advised", "level"):
        if name in facts:
            told[name] = text.name("level", facts[name]) if facts[name] else text("pages.overview.no_level")
    return told
