"""What the tests of this room share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from geo_minzheng.present.text import Text
from geo_minzheng.settings import data_dir

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def zh() -> Text:
    return Text.load(data_dir("text"), "zh", strict=True)
