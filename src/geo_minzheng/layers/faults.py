"""Collect what is wrong with one file: everything is counted, a readable number is listed."""

from __future__ import annotations

from typing import Any

from geo_minzheng.errors import InputError
from geo_minzheng.model.layer import Fault

LISTED = 10_000
_LONGEST_VALUE = 120
# How the libraries' reasons and our readers' begin, by the key of their sentence, ``layers.reason.<key>``.
REASONS = {
    "self-intersection": "self_intersection",
    "ring self-intersection": "ring_self_intersection",
    "hole lies outside shell": "hole_outside",
    "holes are nested": "holes_nested",
    "nested shells": "shells_nested",
    "duplicate rings": "rings_twice",
    "interior is disconnected": "interior_disconnected",
    "too few points in geometry component": "too_few_points",
    "invalid coordinate": "invalid_coordinate",
    "a linearring requires": "too_few_points",
    "illegalargumentexception: point array": "too_few_points",
    "illegalargumentexception: invalid number of points": "too_few_points",
    "linestring": "too_few_points",
    "open ring": "ring_open",
    "coordinates": "coordinates_missing",
    "position": "coordinates_missing",
    "number": "not_numbers",
    "could not convert string to float": "not_numbers",
    "parseexception": "not_wkt",
    "type": "kind_unknown",
    "mixed": "kinds_mixed",
    "arcs": "arcs",
    "nesting": "nesting",
    "geopackage": "not_geopackage",
}


class FaultList:
    """Faults of one file in the order they were found.

    Parameters
    ----------
    file, sheet
        Names that every fault carries.
    """

    def __init__(self, file: str, sheet: str = "") -> None:
        self.file = file
        self.sheet = sheet
        self.bad_rows: set[int] = set()
        self.refuses_all = False
        self._errors: list[Fault] = []
        self._warnings: list[Fault] = []
        self._count = {"error": 0, "warning": 0}

    def add(
        self,
        code: str,
        row: int | None = None,
        column: str = "",
        value: str | None = "",
        *,
        warning: bool = False,
        **facts: Any,
    ) -> None:
        """Note one fault; an error at a row refuses the row, an error without a row refuses the file."""
        severity, target = ("warning", self._warnings) if warning else ("error", self._errors)
        self._count[severity] += 1
        if not warning and row is not None:
            self.bad_rows.add(row)
        elif not warning:
            self.refuses_all = True
        if len(target) < LISTED:
            shown = (value or "")[:_LONGEST_VALUE]
            target.append(Fault(code, self.file, self.sheet, row, column, shown, severity, facts))

    def warn(self, code: str, row: int | None = None, column: str = "", value: str | None = "", **facts: Any) -> None:
        """Note something that the person should know but that refuses nothing."""
        self.add(code, row, column, value, warning=True, **facts)

    def found(self) -> tuple[Fault, ...]:
        """Return errors by row, then warnings; a last fault counts those that were not listed."""
        listed = sorted(self._errors, key=lambda f: (f.row is not None, f.row or 0))
        hidden = self._count["error"] - len(self._errors)
        if hidden:
            facts = {"count": hidden, "total": self._count["error"]}
            listed.append(Fault("more_faults", self.file, self.sheet, facts=facts))
        return tuple(listed + sorted(self._warnings, key=lambda f: (f.row is not None, f.row or 0)))


def fault_of(error: InputError, file: str) -> Fault:
    """Turn a refusal of a whole file into a fault of that file."""
    facts = {k: v for k, v in error.facts.items() if k != "file"}
    value = str(facts.get("value", ""))[:_LONGEST_VALUE]
    return Fault(error.key.rpartition(".")[2], file, value=value, facts=facts)


def fault_facts(fault: Fault) -> dict[str, Any]:
    """Return everything that a fault's sentence ``error.layers.<code>`` may name."""
    place = {"file": fault.file, "sheet": fault.sheet, "row": fault.row, "column": fault.column, "value": fault.value}
    return {**place, **fault.facts}


def reason_key(fault: Fault) -> str:
    """Return the sentence key of the reason a geometry fault names, empty where the reason is free text."""
    said = str(fault.facts.get("reason", "")).strip().lower()
    known = next((key for start, key in REASONS.items() if said.startswith(start)), "")
    return f"layers.reason.{known}" if known else ""


def refusal_of(fault: Fault) -> InputError:
    """Turn a fault into the error that carries its sentence, for callers that raise."""
    return InputError(f"layers.{fault.code}", **fault_facts(fault))
