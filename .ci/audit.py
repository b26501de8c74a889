"""Audit the dependencies and count what was audited: ``python .ci/audit.py [--advisories FOLDER_OR_ZIP]``.

Three checks run wherever the environment stands: every line of the lock is a pin with hashes; every installed package
is in the lock with the same version; every installed file is as its wheel's RECORD says. The fourth, known
vulnerabilities, needs advisories in OSV's format from elsewhere; without them it says *not run*, never *passed*.
Ends with 1 when something was found, when a check counted nothing, or when advisories were named but not there.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from locked import LOCK, PRODUCT, Pin, read_lock
from packaging.utils import canonicalize_name

# They come with the environment itself, not from the lock.
OF_PYTHON = {"pip", "setuptools"}


@dataclass(frozen=True)
class Verdict:
    """What one check looked at and found; ``None`` faults: it did not run."""

    check: str
    counted: int
    unit: str
    faults: tuple[str, ...] | None

    @property
    def word(self) -> str:
        """Passed, failed or not run; a check that counted nothing has failed."""
        if self.faults is None:
            return "not run"
        return "FAILED" if self.faults or not self.counted else "passed"


def check_lock(pins: list[Pin]) -> Verdict:
    """Every line pins one version by at least one hash."""
    faults = [f"{p.name}: pins no version" for p in pins if not p.version]
    faults += [f"{p.name}: no hash" for p in pins if p.version and not p.hashes]
    return Verdict("lock", len(pins), "lines", tuple(faults))


def check_installed(pins: list[Pin], installed: Iterable[metadata.Distribution]) -> Verdict:
    """What is installed is what is locked, no more, no less, in the same versions."""
    locked = {p.name: p.version for p in pins if p.version and p.is_for_here}
    there = {canonicalize_name(d.name): d.version for d in installed}
    there = {n: v for n, v in there.items() if n not in OF_PYTHON and n != PRODUCT}
    faults = [f"{n} {v}: not in the lock" for n, v in sorted(there.items()) if n not in locked]
    faults += [f"{n}: {v} installed, {locked[n]} locked" for n, v in sorted(there.items()) if locked.get(n, v) != v]
    faults += [f"{n} {v}: locked, not installed" for n, v in sorted(locked.items()) if n not in there]
    return Verdict("installed", len(there), "packages", tuple(faults))


def check_records(installed: Iterable[metadata.Distribution]) -> Verdict:
    """Every installed file is as its RECORD says."""
    counted, faults = 0, []
    for package in installed:
        files = [f for f in package.files or () if f.hash is not None]
        if not files and canonicalize_name(package.name) not in OF_PYTHON:
            faults.append(f"{package.name}: no RECORD")
        for file in files:
            counted += 1
            faults += [f"{package.name}: {file}: {told}" for told in _damage(Path(str(file.locate())), file.hash)]
    return Verdict("files", counted, "files", tuple(faults))


def _damage(path: Path, told: Any) -> Iterator[str]:
    if not path.is_file():
        yield "missing"
    elif (
        base64.urlsafe_b64encode(hashlib.new(told.mode, path.read_bytes()).digest()).rstrip(b"=") != told.value.encode()
    ):
        yield "changed since it was installed"


def check_known(pins: list[Pin], source: Path | None) -> Verdict:
    """No locked version is named in an advisory; without advisories it did not run."""
    wanted = {(p.name, p.version) for p in pins}
    faults, read = [], 0
    for told in _advisories(source):
        read += 1
        for hit in told.get("affected", ()):
            name = canonicalize_name(hit.get("package", {}).get("name", ""))
            for version in hit.get("versions") or ():
                if (name, version) in wanted and "withdrawn" not in told:
                    faults.append(f"{name} {version}: {told['id']} {told.get('summary', '')}".strip())
    if not read:
        return Verdict("known vulnerabilities", len(pins), "packages unchecked, no advisories", None)
    return Verdict(
        "known vulnerabilities", len(pins), f"packages against {read} advisories", tuple(sorted(set(faults)))
    )


def _advisories(source: Path | None) -> Iterator[dict[str, Any]]:
    if source is not None and zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as packed:
            for name in packed.namelist():
                if name.endswith(".json"):
                    yield json.loads(packed.read(name))
    elif source is not None and source.is_dir():
        for path in sorted(source.rglob("*.json")):
            yield json.loads(path.read_text(encoding="utf-8"))


def main(words: list[str] | None = None) -> int:
    """Run the checks and print what each counted."""
    asked = argparse.ArgumentParser(description="Audit the dependencies and count what was audited.")
    asked.add_argument("--lock", type=Path, default=LOCK)
    asked.add_argument("--advisories", type=Path, help="OSV advisories: a folder of JSON files, or a zip of them")
    given = asked.parse_args(words)
    pins, installed = read_lock(given.lock), list(metadata.distributions())
    told = [
        check_lock(pins),
        check_installed(pins, installed),
        check_records(installed),
        check_known(pins, given.advisories),
    ]
    for verdict in told:
        print(f"{verdict.check}: {verdict.word} ({verdict.counted} {verdict.unit})")
        for fault in verdict.faults or ():
            print(f"  {fault}")
    count = {word: sum(v.word == word for v in told) for word in ("passed", "FAILED", "not run")}
    print("  ".join(f"{word}: {number}" for word, number in count.items()))
    is_missed = given.advisories is not None and told[-1].faults is None
    return 1 if count["FAILED"] or is_missed else 0


if __name__ == "__main__":
    sys.exit(main())
