from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data():
    return Path(__file__).resolve().parents[3] / "shared" / "data"
