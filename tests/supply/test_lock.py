"""What the product is made of: the lock, the bill of materials, the audit that counts, the installer's refusals."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / ".ci"))

import audit
import locked
import sbom

ROOT = Path(__file__).resolve().parents[2]
PINS = locked.read_lock()
HASH = "a" * 64


def lock(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(text, encoding="utf-8")
    return path


def installed() -> list[metadata.Distribution]:
    return list(metadata.distributions())


def test_every_line_of_the_lock_is_a_pin_with_hashes():
    verdict = audit.check_lock(PINS)
    assert (verdict.word, verdict.faults) == ("passed", ()) and verdict.counted > 100


@pytest.mark.parametrize("line", [
    "shapely==2.2.0", "shapely>=2 --hash=sha256:" + HASH, "shapely --hash=sha256:" + HASH, "-e .",
    "shapely==2.* --hash=sha256:" + HASH, "shapely @ file:///x.whl", "--extra-index no_such_place",
    "shapely==2.2.0 --hash=md5:" + HASH[:32], "shapely==2.2.0 --hash=sha256:" + HASH[:10],
])  # fmt: skip
def test_a_line_without_version_or_hash_is_found(tmp_path, line):
    good = f"numpy==2.4.0 \\\n    --hash=sha256:{HASH} \\\n    --hash=sha256:{'b' * 64}\n    # via x\n"
    assert audit.check_lock(locked.read_lock(lock(tmp_path, good))).word == "passed"
    assert audit.check_lock(locked.read_lock(lock(tmp_path, good + line + "\n"))).word == "FAILED"


def test_what_is_installed_is_what_is_locked():
    verdict = audit.check_installed(PINS, installed())
    assert (verdict.word, verdict.faults) == ("passed", ()) and verdict.counted > 100


def test_a_package_that_is_not_locked_or_not_in_this_version_is_found():
    fewer = [p for p in PINS if p.name != "shapely"]
    assert any("shapely" in f for f in audit.check_installed(fewer, installed()).faults or ())
    other = [locked.Pin(p.name, "0.0.1" if p.name == "shapely" else p.version, p.marker, p.hashes) for p in PINS]
    assert any("0.0.1 locked" in f for f in audit.check_installed(other, installed()).faults or ())
    more = [*PINS, locked.Pin("no-such-package", "1", "", (HASH,))]
    assert any("not installed" in f for f in audit.check_installed(more, installed()).faults or ())


def test_a_check_that_counted_nothing_has_not_passed(tmp_path):
    empty = locked.read_lock(lock(tmp_path, "# nothing\n"))
    told = [audit.check_lock(empty), audit.check_installed(empty, []), audit.check_records([])]
    assert [v.word for v in told] == ["FAILED"] * 3


def fake_package(folder: Path) -> metadata.Distribution:
    """Install a package by hand: one module, and a RECORD that tells its sum."""
    import base64
    import hashlib

    (folder / "thing-1.dist-info").mkdir(parents=True)
    (folder / "thing.py").write_text("one = 1\n")
    told = base64.urlsafe_b64encode(hashlib.sha256(b"one = 1\n").digest()).rstrip(b"=").decode()
    (folder / "thing-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: thing\nVersion: 1\n")
    (folder / "thing-1.dist-info" / "RECORD").write_text(f"thing.py,sha256={told},8\nthing-1.dist-info/RECORD,,\n")
    return metadata.Distribution.at(folder / "thing-1.dist-info")


def test_a_changed_a_missing_and_an_unrecorded_file_are_found(tmp_path):
    thing = fake_package(tmp_path)
    assert audit.check_records([thing]).word == "passed"
    (tmp_path / "thing.py").write_text("one = 2\n")
    assert "changed" in (audit.check_records([thing]).faults or ("",))[0]
    (tmp_path / "thing.py").unlink()
    assert "missing" in (audit.check_records([thing]).faults or ("",))[0]
    (tmp_path / "thing-1.dist-info" / "RECORD").unlink()
    assert "no RECORD" in (audit.check_records([thing]).faults or ("",))[0]


def advisory(name: str, *versions: str, **more: str) -> str:
    hit = {"package": {"ecosystem": "PyPI", "name": name}, "versions": versions}
    return json.dumps({"id": "TEST-1", "summary": "made up", "affected": [hit], **more})


def test_known_vulnerabilities_are_not_run_without_advisories_and_found_with_them(tmp_path):
    for source in (None, tmp_path / "none", tmp_path):
        assert audit.check_known(PINS, source).word == "not run"
    pin = next(p for p in PINS if p.name == "shapely")
    (tmp_path / "a.json").write_text(advisory("No_Such", "1"))
    assert audit.check_known(PINS, tmp_path).word == "passed"
    (tmp_path / "b.json").write_text(advisory("Shapely", pin.version, withdrawn="2026-01-01T00:00:00Z"))
    assert audit.check_known(PINS, tmp_path).word == "passed"
    (tmp_path / "c.json").write_text(advisory("Shapely", "0.1", pin.version))
    assert audit.check_known(PINS, tmp_path).word == "FAILED"
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as packed:
        packed.write(tmp_path / "c.json", "c.json")
    assert audit.check_known(PINS, tmp_path / "all.zip").word == "FAILED"


def test_the_whole_audit_says_what_it_counted_and_never_passed_for_what_did_not_run(tmp_path, capsys, monkeypatch):
    thing = fake_package(tmp_path / "site")
    monkeypatch.setattr(audit.metadata, "distributions", lambda: [thing])
    good = ["--lock", str(lock(tmp_path, f"thing==1 --hash=sha256:{HASH}\n"))]
    assert audit.main(good) == 0
    said = capsys.readouterr().out
    assert "known vulnerabilities: not run (1 packages unchecked" in said and "passed: 3  FAILED: 0  not run: 1" in said
    assert audit.main([*good, "--advisories", str(tmp_path / "none")]) == 1
    assert audit.main(["--lock", str(lock(tmp_path, "thing==1\n"))]) == 1
    assert "thing: no hash" in capsys.readouterr().out


def test_the_bill_names_every_locked_package_and_every_asset_with_version_licence_and_hashes():
    parts = {p["bom-ref"]: p for p in sbom.bill()["components"]}
    for pin in PINS:
        part = parts.pop(f"pkg:pypi/{pin.name}@{pin.version}")
        assert {h["content"] for h in part["hashes"]} == set(pin.hashes) and part["licenses"][0]["expression"]
    assets = ROOT / "src" / "geo_minzheng" / "assets"
    for path in assets.rglob("*"):
        if path.is_file() and path.name != "manifest.toml":
            part = parts.pop(f"asset:{path.relative_to(assets).as_posix()}")
            assert part["version"] and part["hashes"] and part["licenses"][0]["expression"]
    assert not parts, "nothing stands in the bill that is nowhere else"


def test_the_product_needs_no_test_tool_and_every_package_it_declares():
    there = {p["name"] for p in sbom.bill()["components"] if p["type"] == "library" and p["scope"] == "required"}
    assert {"streamlit", "numpy", "argon2-cffi", "starlette"} <= there
    assert not {"pytest", "mypy", "playwright", "hatchling", "pulp"} & there


def test_the_bill_is_the_same_bytes_whatever_the_hash_seed(tmp_path):
    for seed in ("1", "2"):
        command = [sys.executable, str(ROOT / ".ci" / "sbom.py"), str(tmp_path / f"{seed}.json")]
        subprocess.run(command, check=True, capture_output=True, env=os.environ | {"PYTHONHASHSEED": seed})
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()


def test_licences_are_told_for_what_is_locked_and_as_the_packages_say():
    with sbom.LICENCES.open(encoding="utf-8", newline="") as file:
        rows = [row["package"] for row in csv.DictReader(file)]
    assert rows == sorted(set(rows)) and set(rows) == {p.name for p in PINS}
    said = {locked.canonicalize_name(d.name): d.metadata.get("License-Expression") for d in installed()}
    told = sbom.licences()
    assert {n: e for n, e in said.items() if e and told.get(n, e) != e} == {}
