"""Read the layer catalogue: one TOML file per layer becomes one :class:`LayerSpec`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geo_minzheng.errors import InputError, ManyInputError
from geo_minzheng.model.layer import ColumnSpec, LayerSpec

GEOMETRIES = ("Point", "LineString", "Polygon", "none")
TYPES = ("text", "int", "float", "bool", "date", "enum", "code", "code6", "code9", "code12")
VISIBILITIES = ("wide", "bureau", "casework")
_LAYER_KEYS = {"layer", "geometry", "key", "visibility", "source", "licence", "style", "column"}
_COLUMN_KEYS = {"name", "type", "heads", "required", "unit", "min", "max", "values", "ref", "default", "private"}
_NUMERIC = ("int", "float")


class _Faults:
    """Collects every fault of one file, so that the owner of the file mends it in one go."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.found: list[InputError] = []

    def add(self, key: str, **facts: object) -> None:
        self.found.append(InputError(f"catalogue.{key}", file=self.file, **facts))


def _column_shape(raw: Mapping[str, Any], name: str, faults: _Faults) -> None:
    for key in sorted(set(raw) - _COLUMN_KEYS):
        faults.add("unknown_key", place=name, name=key, allowed="、".join(sorted(_COLUMN_KEYS)))
    if raw.get("type") not in TYPES:
        faults.add("unknown_value", place=name, name="type", value=raw.get("type", ""), allowed="、".join(TYPES))
    heads = raw.get("heads", [])
    if not isinstance(heads, list) or not all(isinstance(h, str) and h.strip() for h in heads):
        faults.add("heads_not_text", place=name)
    for key in ("required", "private"):
        if not isinstance(raw.get(key, False), bool):
            faults.add("not_a_switch", place=name, name=key, value=raw[key])
    for key in ("min", "max"):
        bound = raw.get(key, 0)
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            faults.add("not_a_number", place=name, name=key, value=bound)
        elif key in raw and raw.get("type") not in _NUMERIC:
            faults.add("range_without_number", place=name, name=key)


def _column(raw: Mapping[str, Any], place: str, faults: _Faults) -> ColumnSpec | None:
    name = raw.get("name")
    if not isinstance(name, str) or not name:
        faults.add("missing_key", place=place, name="name")
        return None
    before = len(faults.found)
    _column_shape(raw, name, faults)
    values = raw.get("values", {})
    if (raw.get("type") == "enum") != bool(values):
        faults.add("values_and_enum", place=name)
    if not isinstance(values, Mapping) or not all(
        isinstance(v, list) and all(isinstance(a, str) for a in v) for v in values.values()
    ):
        faults.add("values_not_lists", place=name)
    if len(faults.found) > before:
        return None
    low, high = raw.get("min"), raw.get("max")
    if low is not None and high is not None and low > high:
        faults.add("range_reversed", place=name, low=low, high=high)
    default = raw.get("default")
    if raw["type"] == "enum" and default is not None and default not in values:
        faults.add("unknown_value", place=name, name="default", value=default, allowed="、".join(values))
    return ColumnSpec(
        name=name,
        type=raw["type"],
        heads=tuple(raw.get("heads", ())),
        required=raw.get("required", False),
        unit=raw.get("unit", ""),
        min=low,
        max=high,
        values={k: tuple(v) for k, v in values.items()},
        ref=raw.get("ref", ""),
        default=default,
        private=raw.get("private", False),
    )


def _columns(raw: Mapping[str, Any], faults: _Faults) -> tuple[ColumnSpec, ...]:
    listed = raw.get("column", [])
    if not isinstance(listed, list) or not listed:
        faults.add("missing_key", place="layer", name="column")
        return ()
    columns = [_column(c, f"column[{i}]", faults) for i, c in enumerate(listed, 1)]
    found = [c for c in columns if c is not None]
    names = [c.name for c in found]
    for name in sorted({n for n in names if names.count(n) > 1}):
        faults.add("column_twice", place=name, name=name)
    return tuple(found)


def _layer(raw: Mapping[str, Any], stem: str, faults: _Faults) -> LayerSpec | None:
    for key in sorted(set(raw) - _LAYER_KEYS):
        faults.add("unknown_key", place="layer", name=key, allowed="、".join(sorted(_LAYER_KEYS)))
    for key in ("layer", "geometry", "key", "visibility", "source", "licence"):
        if key not in raw:
            faults.add("missing_key", place="layer", name=key)
    if raw.get("layer", stem) != stem:
        faults.add("name_and_file", place="layer", value=raw["layer"], name=stem)
    for key, allowed in (("geometry", GEOMETRIES), ("visibility", VISIBILITIES)):
        if key in raw and raw[key] not in allowed:
            faults.add("unknown_value", place="layer", name=key, value=raw[key], allowed="、".join(allowed))
    columns = _columns(raw, faults)
    key_columns = raw.get("key", [])
    for name in key_columns if isinstance(key_columns, list) else []:
        if name not in {c.name for c in columns}:
            faults.add("key_not_a_column", place="layer", name=name)
    if not isinstance(key_columns, list) or not key_columns:
        faults.add("missing_key", place="layer", name="key")
    if faults.found:
        return None
    return LayerSpec(
        name=raw["layer"],
        geometry=raw["geometry"],
        key=tuple(raw["key"]),
        visibility=raw["visibility"],
        source=raw["source"],
        licence=raw["licence"],
        columns=columns,
        style=dict(raw.get("style", {})),
    )


def read_spec(path: Path) -> LayerSpec:
    """Read one catalogue file.

    Raises
    ------
    ManyInputError
        ``catalogue.faulty`` with every fault of the file.
    """
    faults = _Faults(path.name)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        faults.add("not_toml", place="", reason=str(error))
        raise ManyInputError("catalogue.faulty", tuple(faults.found), file=path.name) from error
    spec = _layer(raw, path.stem, faults)
    if spec is None:
        raise ManyInputError("catalogue.faulty", tuple(faults.found), file=path.name)
    return spec


def _check_refs(specs: Mapping[str, LayerSpec]) -> list[InputError]:
    faults = []
    for spec in specs.values():
        for column in (c for c in spec.columns if c.ref):
            layer, _, name = column.ref.partition(".")
            if layer not in specs or name not in {c.name for c in specs[layer].columns}:
                file = f"{spec.name}.toml"
                faults.append(InputError("catalogue.ref_unknown", file=file, place=column.name, value=column.ref))
    return faults


def load_catalogue(folder: Path) -> dict[str, LayerSpec]:
    """Read every ``*.toml`` of a folder.

    Returns
    -------
    dict of str to LayerSpec
        By layer name, in alphabetical order.

    Raises
    ------
    ManyInputError
        ``catalogue.faulty`` with every fault of every file, found in one pass.
    """
    specs: dict[str, LayerSpec] = {}
    faults: list[InputError] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            specs[path.stem] = read_spec(path)
        except ManyInputError as error:
            faults.extend(error.faults)
    if not faults:
        faults.extend(_check_refs(specs))
    if not specs and not faults:
        faults.append(InputError("catalogue.empty", file=str(folder), place=""))
    if faults:
        raise ManyInputError("catalogue.faulty", tuple(faults), file=str(folder))
    return specs
