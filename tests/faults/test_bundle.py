"""The bundle: made once, installed with loopback only over an older version, served; damage and lacks are told."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from alone import alone
from desk import is_chinese
from once import once

from geo_minzheng import __version__

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    """Make the bundle; wheels are fetched the first time only."""
    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    command = [sys.executable, str(ROOT / ".ci" / "bundle.py")]
    return once(base / "bundle", lambda out: subprocess.run([*command, str(out)], check=True, capture_output=True))


@pytest.fixture
def own(bundle, tmp_path):
    """A copy of the bundle that may be damaged; the files are shared until one is replaced."""
    return Path(shutil.copytree(bundle, tmp_path / "bundle", copy_function=os.link))


def install(bundle: Path, target: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return alone("sh", bundle / "install.sh", target, env=os.environ | env, timeout=900)


def refused(bundle: Path, target: Path, word: str, **env: str) -> None:
    done = install(bundle, target, **env)
    first = done.stderr.splitlines()[0]
    assert done.returncode == 1 and is_chinese(first) and word in done.stderr and "Traceback" not in done.stderr, done
    assert done.stderr.splitlines()[-1].isascii() or word in done.stderr.splitlines()[-1]
    assert not target.exists(), "nothing is installed"


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def test_the_bundle_holds_the_product_with_its_looks_licence_and_docs_and_no_test_tool(bundle):
    names = {path.name.split("-")[0] for path in (bundle / "wheels").iterdir()}
    assert {"geo_minzheng", "streamlit", "numpy"} <= names and not {"pytest", "playwright", "mypy"} & names
    (wheel,) = (bundle / "wheels").glob("geo_minzheng-*.whl")
    with zipfile.ZipFile(wheel) as packed:
        inside = set(packed.namelist())
    dist = f"geo_minzheng-{__version__}.dist-info"
    for name in ("geo_minzheng/.streamlit/config.toml", f"{dist}/licenses/LICENSE", "geo_minzheng/web.py",
                 "geo_minzheng/_docs/guide/operator.md", "geo_minzheng/_layers/village.toml",
                 "geo_minzheng/_data/text/zh.toml", "geo_minzheng/assets/manifest.toml"):  # fmt: skip
        assert name in inside, name
    assert (bundle / "docs" / "guide" / "operator.md").is_file() and (bundle / "LICENSE").is_file()
    told = json.loads((bundle / "sbom.cdx.json").read_text(encoding="utf-8"))
    required = {p["name"].replace("-", "_") for p in told["components"] if p["scope"] == "required"}
    assert {n.lower().replace(".", "_") for n in names - {"geo_minzheng"}} <= required
    listed = {line.split("  ")[1] for line in (bundle / "SHA256SUMS").read_text(encoding="utf-8").splitlines()}
    there = {p.relative_to(bundle).as_posix() for p in bundle.rglob("*") if p.is_file()}
    assert listed == there - {"SHA256SUMS", ".done"}


def test_a_damaged_a_missing_and_a_foreign_file_are_named_and_nothing_is_installed(own, tmp_path):
    target = tmp_path / "target"
    wheel = next((own / "wheels").glob("shapely-*.whl"))
    whole = wheel.read_bytes()
    replace(wheel, whole[:-1] + bytes([whole[-1] ^ 1]))
    refused(own, target, wheel.name)
    wheel.unlink()
    refused(own, target, wheel.name)
    wheel.write_bytes(whole)
    (own / "wheels" / "no_such-1-py3-none-any.whl").write_bytes(b"")
    refused(own, target, "no_such-1")
    (own / "wheels" / "no_such-1-py3-none-any.whl").unlink()
    sums = (own / "SHA256SUMS").read_bytes()
    replace(own / "SHA256SUMS", b"")
    refused(own, target, "wheels/")
    (own / "SHA256SUMS").unlink()
    refused(own, target, "SHA256SUMS")
    (own / "SHA256SUMS").write_bytes(sums)


def test_a_missing_python_a_missing_venv_and_another_machine_are_told(own, tmp_path):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "uname", "env"):
        (tools / name).symlink_to(shutil.which(name))
    target, version = tmp_path / "target", ".".join(map(str, sys.version_info[:2]))
    shell = f'PATH="{tools}" exec "{tools}/sh" "{own}/install.sh" "{target}"'
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"没有找到 Python {version}" in done.stderr and "PYTHON=" in done.stderr, done
    lacking = tools / f"python{version}"
    lacking.write_text(f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1;; esac\nexec "{sys.executable}" "$@"\n')
    lacking.chmod(0o755)
    done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"python{version}-venv" in done.stderr and not target.exists(), done
    replace(own / "release.txt", f"{__version__} {version} no_such_machine\n".encode())
    refused(own, target, "no_such_machine")


def test_it_installs_and_serves_with_no_network_over_an_older_version_and_keeps_the_home(bundle, demo_home, tmp_path):
    target = tmp_path / "装 在这里"
    (target / "versions" / "0.0.1-old" / "bin").mkdir(parents=True)
    (target / "current").symlink_to("versions/0.0.1-old")
    shutil.copytree(demo_home, target / "home")
    before = {p.relative_to(target): p.read_bytes() for p in (target / "home").rglob("*") if p.is_file()}
    done = install(bundle, target)
    assert done.returncode == 0 and str(target / "bin" / "geo-minzheng") in done.stdout, done
    assert {p.relative_to(target): p.read_bytes() for p in (target / "home").rglob("*") if p.is_file()} == before
    assert (target / "versions" / "0.0.1-old").is_dir() and __version__ in os.readlink(target / "current")
    (code,) = target.glob("current/lib/python*/site-packages")
    for name in ("geo_minzheng", "streamlit", "geo_minzheng/cli"):
        assert list((code / name / "__pycache__").glob("__init__.*.pyc")), f"{name} has no bytecode"

    program = target / "bin" / "geo-minzheng"
    told = alone(program, "--version")
    assert told.stdout == f"geo-minzheng {__version__}\n", told
    told = alone(program, "verify", "--json")
    assert set(json.loads(told.stdout).values()) == {"ok"}, "the home beside the program is the one it opens"
    told = alone(program, "bench")
    assert told.returncode == 1 and "make bench" in told.stderr and "Traceback" not in told.stderr
    told = alone(
        program, "district", "create", "--empty", "--name", "某区", "--code", "420799", "--home", tmp_path / "d"
    )
    assert told.returncode == 0, told

    report = tmp_path / "look" / "report.json"
    report.parent.mkdir()
    look = [sys.executable, ROOT / "tests" / "no_network.py", report, target / "home", ROOT / "src", "overview"]
    told = alone(*look, "--", program, cwd=tmp_path, timeout=600)
    assert told.returncode == 0, told.stdout + told.stderr
    seen = json.loads(report.read_text(encoding="utf-8"))
    assert seen["pages"]["overview"] and "Noto Sans SC" in seen["faces"], "its own looks travelled with it"
    assert (seen["outside"], seen["failed"], seen["errors"], seen["refused"], seen["broken"]) == ([], [], [], [], 0)
    assert seen["kernel"] == 0

    again = install(bundle, target)
    assert again.returncode == 0 and not again.stderr
    if os.environ.get("GEO_MINZHENG_SOAK"):
        told = alone(program, "demo", "--out", tmp_path / "demo", timeout=900)
        assert told.returncode == 0, told
