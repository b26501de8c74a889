"""Both days on PostGIS: the same commands, the same models, another database."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from postgis import Cluster, postgis

__all__ = ["postgis"]

ROOT = Path(__file__).resolve().parents[2]
HELSINKI = ROOT / "tests" / "fixtures" / "helsinki.osm.pbf"


@pytest.mark.postgis
def test_both_days_run_on_postgis(postgis: Cluster, tmp_path: Path) -> None:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
    environ |= {"GEO_MINZHENG_DATABASE_URL": postgis.empty_database(), "GEO_MINZHENG_HOME": str(tmp_path / "home")}

    def run(*words: str) -> dict[str, object]:
        command = [sys.executable, "-m", "geo_minzheng.cli", *words, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=ROOT, timeout=300)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    told = run("demo", "--osm", str(HELSINKI), "--out", str(tmp_path / "out"))
    assert told["plan"]["status"] in {"optimal", "feasible"}
    assert (tmp_path / "out" / "orders.pdf").read_bytes().startswith(b"%PDF")
    assert set(run("verify", "--home", str(tmp_path / "out" / "home")).values()) == {"ok"}
    assert not (tmp_path / "home" / "district.gpkg").exists()
