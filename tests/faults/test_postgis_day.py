"""Both days on PostGIS: the same commands, the same models, another database."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from postgis import Cluster, postgis

__all__ = ["postgis"]

ROOT = Path(__file__).resolve().parents[2]
HELSINKI = ROOT / "tests" / "fixtures" / "helsinki.osm.pbf"


GUIDE = (ROOT / "docs" / "guide" / "operator.md").read_text(encoding="utf-8")


def run(url: str, home: Path, *words: str) -> Any:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("GEO_MINZHENG_")}
    environ |= {"GEO_MINZHENG_DATABASE_URL": url, "GEO_MINZHENG_HOME": str(home)}
    command = [sys.executable, "-m", "geo_minzheng.cli", *words, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, env=environ, cwd=ROOT, timeout=300)
    assert done.returncode == 0, (words, done.stderr)
    return json.loads(done.stdout)


@pytest.mark.postgis
def test_both_days_run_on_postgis_and_every_post_works_with_the_rights_of_the_app(
    postgis: Cluster, tmp_path: Path
) -> None:
    for user in re.findall(r"createuser --no-superuser (\w+)", GUIDE):
        postgis.run(f"CREATE ROLE {user} LOGIN NOSUPERUSER")
    postgis.run("CREATE DATABASE minzheng OWNER minzheng_owner")
    for line in re.findall(r"^psql minzheng (.*)$", GUIDE, re.M):
        for statement in re.findall(r"-c '([^']*)'", line):
            postgis.run(statement, "minzheng")
    owner, app = (postgis.url("minzheng").replace("postgres@", f"minzheng_{who}@") for who in ("owner", "app"))
    home = tmp_path / "out" / "home"
    told = run(owner, tmp_path / "home", "demo", "--osm", str(HELSINKI), "--out", str(tmp_path / "out"))
    assert told["plan"]["status"] in {"optimal", "feasible"}
    assert (tmp_path / "out" / "orders.pdf").read_bytes().startswith(b"%PDF")
    assert set(run(owner, home, "verify").values()) == {"ok"}
    assert not (tmp_path / "home" / "district.gpkg").exists()

    people = {one["login"]: one for one in run(app, home, "user", "list")}
    incident = run(app, home, "incident", "list")[0]["incident_id"]
    village, town = people["informant"]["scope"], people["reviewer"]["scope"]
    acts = [
        ("command", "incident", "declare", "演练", "--hazard", "flood", "--exercise"),
        ("keeper", "stock", "receive", people["keeper"]["place"], "rice", "500", "--unit", "千克", "--lot", "PCX",
         "--voucher", "RK-X", "--expiry", "2030-01-01"),
        ("receiver", "relief", "request", "--incident", incident, "--receiver", people["receiver"]["place"],
         "--line", "rice=25"),
        ("informant", "report", "submit", village, "--incident", incident, "--set", "injured=1"),
        ("reviewer", "report", "submit", village, "--incident", incident, "--set", "injured=2", "--behalf", "phone",
         "--caller", "村民"),
        ("command", "relief", "plan", "--incident", incident, "--reason", "补充"),
        ("admin", "user", "set", "接班人", "--role", "township_reviewer", "--scope", town),
        ("admin", "district", "rotate-keys"),
        ("admin", "district", "retire-keys"),
        ("auditor", "verify"),
        ("informant", "audit", "verify"),
    ]  # fmt: skip
    for login, *words in acts:
        run(app, home, *words, "--as", people[login]["name"])
    assert set(run(owner, home, "verify").values()) == {"ok"}
    log = run(app, home, "audit", "list", "--limit", "50")
    assert {people[login]["name"] for login, *_ in acts[:8]} <= {row["who"] for row in log}
