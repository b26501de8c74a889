"""Files in: a dry run that lists every fault, and an import that stores all or nothing."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from geo_minzheng.errors import InputError, NotFoundError
from geo_minzheng.layers import faults as fault_words
from geo_minzheng.layers.convert import convert_file
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.read import read_layers
from geo_minzheng.layers.values import unit_word
from geo_minzheng.model.layer import Fault
from geo_minzheng.services import settings_of
from geo_minzheng.services.steps import Step, quiet
from geo_minzheng.store import frames, upsert
from geo_minzheng.store import stock as stock_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy.orm import Session

    from geo_minzheng.model.act import Act
    from geo_minzheng.model.layer import CheckedLayer, ColumnSpec, LayerSpec
    from geo_minzheng.model.policy import Policy
    from geo_minzheng.present.text import Text


@dataclass(frozen=True)
class Request:
    """What to import: a layer, its files, how to read them.

    Parameters
    ----------
    is_dry
        Check only; the counts say what an import would do.
    """

    layer: str
    files: tuple[Path, ...]
    options: ReadOptions = field(default_factory=ReadOptions)
    is_dry: bool = False


def read_options(mapping: Sequence[str], **more: Any) -> ReadOptions:
    """Build reading options from ``TARGET=SOURCE`` words.

    Raises
    ------
    InputError
        ``imports.bad_mapping``.
    """
    pairs = [word.partition("=") for word in mapping]
    wrong = [word for word, (target, _, source) in zip(mapping, pairs, strict=True) if not target or not source]
    if wrong:
        raise InputError("imports.bad_mapping", value=wrong[0])
    return ReadOptions(mapping={target.strip(): source.strip() for target, _, source in pairs}, **more)


def spec_of(catalogue: Mapping[str, LayerSpec], policy: Policy, layer: str) -> LayerSpec:
    """Give a layer's specification; columns that speak the policy's codes take its names as words.

    Raises
    ------
    NotFoundError
        ``imports.unknown_layer``.
    """
    if layer not in catalogue:
        raise NotFoundError("imports.unknown_layer", layer=layer, allowed=sorted(catalogue))
    words: dict[tuple[str, str], dict[str, tuple[str, ...]]] = {
        ("welfare_home", "facility_kind"): {
            k: (kind.name_zh, *kind.heads, kind.name_en) for k, kind in policy.facility_kinds.items()
        },
        ("stock_lot", "item"): {k: (item.name_zh, item.name_en) for k, item in policy.items.items()},
        ("hazard_zone", "hazard_kind"): {k: (kind.name_zh, kind.name_en) for k, kind in policy.hazards.items()},
    }

    def told(column: ColumnSpec) -> ColumnSpec:
        values = words.get((layer, column.name))
        return column if values is None else replace(column, type="enum", values=values)

    spec = catalogue[layer]
    return replace(spec, columns=tuple(told(column) for column in spec.columns))


def import_files(
    session: Session,
    act: Act,
    catalogue: Mapping[str, LayerSpec],
    policy: Policy,
    request: Request,
    *,
    step: Step = quiet,
) -> list[tuple[CheckedLayer, dict[str, int]]]:
    """Check every file, then store all of them or none; a dry run is rolled back.

    Returns
    -------
    For each file what checking found, and ``rows, accepted, refused, ignored, unchanged, stored`` with
    ``rows = accepted + refused + ignored + unchanged``.
    """
    spec = spec_of(catalogue, policy, request.layer)
    options = replace(_known(session, spec, request.options), extra_checks=_checks(session, spec, policy))
    step("read")
    checked = read_layers(request.files, spec, options)
    is_refused = any(c.is_refused for c in checked)
    step("keep")
    results = []
    for found in checked:
        counts = {"accepted": len(found.frame), "unchanged": 0}
        if not is_refused:
            counts = upsert.write_layer(session, spec, found.frame, act)
            settings_of.settle(session, act, spec, found.frame)
        stored = 0 if is_refused or request.is_dry else counts["accepted"]
        told = {"rows": found.rows, "refused": found.refused, "ignored": found.ignored, "stored": stored}
        results.append((found, counts | told))
    if request.is_dry or is_refused:
        session.rollback()
    return results


def _known(session: Session, spec: LayerSpec, options: ReadOptions) -> ReadOptions:
    """Tell the reader what the store knows: the district's box, village areas, and what references may name."""
    known: dict[str, Any] = {}
    for ref in {column.ref for column in spec.columns if column.ref}:
        layer, _, column = ref.partition(".")
        known[ref] = set(frames.read_layer(session, layer)[column].astype(str))
    areas: Any = frames.read_layer(session, "village_area")
    shapes = dict(zip(areas["code"].astype(str), areas.geometry, strict=True))
    box = settings_of.read(session, "box")
    return replace(options, known=known, village_areas=shapes, box=tuple(box) if box else None)


def _checks(session: Session, spec: LayerSpec, policy: Policy) -> Any:
    if spec.name != "stock_lot":
        return None

    def check_lots(frame: Any) -> Iterable[Fault]:
        for row, item, unit in zip(frame.index, frame["item"], frame["unit"], strict=True):
            expected = policy.items[item].unit
            if unit_word(unit) != unit_word(expected):
                facts = {"expected": expected, "item": policy.items[item].name_zh}
                yield Fault("wrong_unit", row=int(row), column="计量单位", value=str(unit), facts=facts)
        frame["unit"] = [policy.items[item].unit for item in frame["item"]]
        yield from _changed_lots(session, frame)

    return check_lots


def _changed_lots(session: Session, frame: Any) -> Iterable[Fault]:
    """Refuse another item or opening quantity for a lot that is on the books: that takes a stock-take or a voucher."""
    names = ("item", "quantity")
    books = {
        (move.warehouse, move.lot_no): (move.item, move.quantity)
        for move in stock_store.movement_rows(session)
        if move.voucher == f"期初-{move.warehouse}-{move.lot_no}"
    }
    rows = zip(frame.index, *(frame[n] for n in ("warehouse_id", "lot_no", *names)), strict=True)
    for row, house, lot, *given in rows:
        for name, new, old in zip(names, given, books.get((str(house), str(lot)), given), strict=True):
            if new != old:
                facts = {"lot": lot, "stored": old}
                yield Fault("lot_changed", row=int(row), column=name, value=str(new), facts=facts)


def report(found: CheckedLayer, counts: Mapping[str, int], text: Text) -> dict[str, Any]:
    """Lay the result of one file out as ``layer import --json`` promises it."""
    order = ("rows", "accepted", "refused", "ignored", "unchanged", "stored")
    return (
        {"file": str(found.file)}
        | {name: counts[name] for name in order}
        | {"faults": [_fault(fault, text) for fault in found.faults]}
    )


def _fault(fault: Fault, text: Text) -> dict[str, Any]:
    return {
        "file": fault.file, "sheet": fault.sheet, "row": fault.row, "column": fault.column, "value": fault.value,
        "code": fault.code, "severity": fault.severity, "message": fault_sentence(fault, text),
    }  # fmt: skip


def fault_sentence(fault: Fault, text: Text) -> str:
    """Say what is wrong, where, and what to do."""
    facts = fault_words.fault_facts(fault)
    reason = fault_words.reason_key(fault)
    if reason:
        facts["reason"] = text(reason)
    return text(f"error.layers.{fault.code}", **facts)


def list_layers(session: Session, catalogue: Mapping[str, LayerSpec]) -> list[dict[str, Any]]:
    """List the layers with their rows and how many of those are synthetic."""
    return [
        {
            "layer": name, "geometry": spec.geometry, "rows": frames.count_rows(session, name),
            "synthetic": frames.count_rows(session, name, coord_source="synthetic"),
        }
        for name, spec in catalogue.items()
    ]  # fmt: skip


def convert(source: Path, target: Path, *, crs: str) -> dict[str, Any]:
    """Write a file's rows in the store's system."""
    done = convert_file(source, target, crs)
    return {"rows": done.rows, "source_crs": done.source_crs, "target_crs": done.target_crs, "file": str(target)}


def report_lines(told: Mapping[str, Any], text: Text) -> list[str]:
    """Write the result of one file for a person: the counts, then every fault."""
    marks = {"error": "✗", "warning": "△"}
    return [
        text("layers.import.counts", **{k: v for k, v in told.items() if k != "faults"}),
        *(f"  {marks[fault['severity']]} {fault['message']}" for fault in told["faults"]),
    ]
