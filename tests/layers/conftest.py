import importlib.util
import sys
from pathlib import Path

import pytest

from geo_minzheng.layers.catalogue import load_catalogue
from geo_minzheng.settings import layers_dir

HERE = Path(__file__).resolve().parent


def _load(name):
    spec = importlib.util.spec_from_file_location(f"layers_{name}", HERE / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def naughty():
    return _load("naughty")


@pytest.fixture(scope="session")
def catalogue():
    return load_catalogue(layers_dir())


@pytest.fixture(scope="session")
def shared_data():
    return HERE.parents[1].parent / "shared" / "data"


@pytest.fixture(scope="session")
def sentences():
    import tomllib

    texts = {}
    for language in ("zh", "en"):
        with (HERE.parents[1] / "data" / "text" / f"{language}.toml").open("rb") as handle:
            texts[language] = tomllib.load(handle)
    return texts
