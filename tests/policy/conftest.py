from datetime import date
from pathlib import Path

import pytest

from geo_minzheng.policy import load_policy
from geo_minzheng.settings import data_dir

DAY = date(2026, 7, 3)


@pytest.fixture(scope="session")
def policies():
    return {name: load_policy(data_dir("policy"), profile=name, day=DAY) for name in ("seed_reference", "sample_2024")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    import shutil

    return Path(shutil.copytree(data_dir("policy"), tmp_path / "policy"))
