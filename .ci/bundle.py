"""Make the folder that installs the product with no network: ``python .ci/bundle.py [FOLDER] [--wheels FOLDER]``.

Wheels are fetched once, by the hashes of the lock, into ``build/wheels`` and taken from there from then on.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import sbom
from locked import PRODUCT, ROOT, Pin, needed, read_lock

OFFLINE = Path(__file__).resolve().parent / "offline"
SUMS = "SHA256SUMS"


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def wheels_for(pins: list[Pin], folder: Path) -> dict[Pin, Path]:
    """Give a wheel for each pin, fetching those that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [pin for pin, wheel in _kept(pins, folder).items() if wheel is None]
    if missing:
        with tempfile.NamedTemporaryFile("w", suffix=".txt") as asked:
            asked.writelines(f"{p.line} {' '.join(f'--hash=sha256:{h}' for h in p.hashes)}\n" for p in missing)
            asked.flush()
            _pip("download", "--require-hashes", "--no-deps", "--only-binary", ":all:", "-r", asked.name, "-d", folder)
    found = {pin: wheel for pin, wheel in _kept(pins, folder).items() if wheel is not None}
    lacking = [p.line for p in pins if p not in found]
    if lacking:
        raise SystemExit(f"no wheel with a locked hash for: {', '.join(lacking)}")
    return found


def _kept(pins: list[Pin], folder: Path) -> dict[Pin, Path | None]:
    there = {digest(path): path for path in sorted(folder.glob("*.whl"))}
    return {pin: next((there[h] for h in pin.hashes if h in there), None) for pin in pins}


def _pip(*words: object) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", *map(str, words)], cwd=ROOT, check=True)


def build_product(folder: Path) -> Path:
    """Build the product's own wheel with what is installed: the network is not asked."""
    _pip("wheel", "--no-index", "--no-deps", "--no-build-isolation", "-w", folder, ".")
    (wheel,) = folder.glob(f"{PRODUCT.replace('-', '_')}-*.whl")
    return wheel


def write_sums(out: Path) -> str:
    """List the SHA-256 of every file of the bundle; give the one of the list."""
    files = sorted(p for p in out.rglob("*") if p.is_file() and p.name != SUMS)
    lines = [f"{digest(path)}  {path.relative_to(out).as_posix()}\n" for path in files]
    (out / SUMS).write_text("".join(lines), encoding="utf-8")
    return digest(out / SUMS)


def make(out: Path, wheels: Path) -> str:
    """Make the bundle in place of an older one; give the SHA-256 of its list of sums."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    wanted = needed()
    pins = [p for p in read_lock() if p.name in wanted and p.is_for_here]
    found = wheels_for(pins, wheels)
    shutil.rmtree(out, ignore_errors=True)
    (out / "wheels").mkdir(parents=True)
    for wheel in found.values():
        shutil.copy(wheel, out / "wheels")
    product = build_product(out / "wheels")
    lines = [f"{p.name}=={p.version} --hash=sha256:{digest(w)}\n" for p, w in found.items()]
    lines.append(f"{PRODUCT}=={version} --hash=sha256:{digest(product)}\n")
    (out / "requirements.txt").write_text("".join(lines), encoding="utf-8")
    python = ".".join(platform.python_version_tuple()[:2])
    (out / "release.txt").write_text(f"{version} {python} {platform.machine()}\n", encoding="utf-8")
    sbom.write(out / "sbom.cdx.json")
    for name in ("LICENSE", "CHANGELOG.md"):
        shutil.copy(ROOT / name, out / name)
    shutil.copytree(ROOT / "docs", out / "docs")
    shutil.copytree(OFFLINE, out, dirs_exist_ok=True)
    return write_sums(out)


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description="Make the folder that installs the product with no network.")
    asked.add_argument("out", type=Path, nargs="?", default=ROOT / "out" / "bundle")
    asked.add_argument("--wheels", type=Path, default=ROOT / "build" / "wheels")
    given = asked.parse_args()
    mark = make(given.out, given.wheels)
    print(f"{given.out}  SHA256SUMS {mark}")
