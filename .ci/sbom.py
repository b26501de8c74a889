"""Write the bill of materials (CycloneDX 1.6, JSON) of lock and vendored assets: ``python .ci/sbom.py [FILE]``.

The same inputs give the same bytes: no clock, and a serial number that is a name of the content. Licences stand in
``licences.csv``, because what packages say of themselves is too often a whole text or nothing; a test holds the table
to the lock, and to what the installed packages say where they say it in SPDX.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sys
import tomllib
import uuid
from pathlib import Path
from typing import Any

from locked import PRODUCT, ROOT, Pin, needed, read_lock

MANIFEST = ROOT / "src" / "geo_minzheng" / "assets" / "manifest.toml"
LICENCES = Path(__file__).with_name("licences.csv")


def licences(path: Path = LICENCES) -> dict[str, str]:
    """Read each locked package's licence, as an SPDX expression."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["package"]: row["licence"] for row in csv.DictReader(file)}


def _package(pin: Pin, licence: str, *, is_needed: bool) -> dict[str, Any]:
    address = f"pkg:pypi/{pin.name}@{pin.version}"
    return {
        "type": "library",
        "bom-ref": address,
        "name": pin.name,
        "version": pin.version,
        "scope": "required" if is_needed else "excluded",
        "licenses": [{"expression": licence}],
        "hashes": [{"alg": "SHA-256", "content": content} for content in sorted(pin.hashes)],
        "purl": address,
        **({"properties": [{"name": "marker", "value": pin.marker}]} if pin.marker else {}),
    }


def _asset(row: dict[str, str], version: str) -> dict[str, Any]:
    return {
        "type": "file",
        "bom-ref": f"asset:{row['path']}",
        "name": row["path"],
        "version": row["version"] or version,
        "description": f"{row['name']}: {row['source']}",
        "scope": "required",
        "licenses": [{"expression": row["licence"]}],
        "hashes": [{"alg": "SHA-256", "content": row["sha256"]}],
    }


def bill() -> dict[str, Any]:
    """Put the bill together: every locked package, needed here or not, and every vendored file."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    version = project["version"]
    known, wanted = licences(), needed()
    packages = [
        _package(p, known[p.name], is_needed=p.name in wanted and p.is_for_here)
        for p in sorted(read_lock(), key=lambda p: (p.name, p.version))
    ]
    files = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))["file"]
    parts = packages + [_asset(row, version) for row in sorted(files, key=lambda row: row["path"])]
    product = {
        "type": "application", "bom-ref": PRODUCT, "name": PRODUCT, "version": version,
        "licenses": [{"expression": project["license"]["text"]}],
    }  # fmt: skip
    mark = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": uuid.uuid5(uuid.NAMESPACE_OID, f"{PRODUCT} {version} {mark}").urn,
        "version": 1,
        "metadata": {"component": product},
        "components": parts,
    }


def write(path: Path) -> None:
    """Write the bill to a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(bill(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "out" / "sbom.cdx.json"
    write(out)
    print(out)
