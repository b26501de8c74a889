"""Where a district lives and how the process was started: the only reader of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Settings:
    """Paths and switches of one process.

    Parameters
    ----------
    home
        Folder of one district: store, photos, outputs, logs.
    database_url
        SQLAlchemy URL; empty means the GeoPackage ``home/district.gpkg``.
    now
        Fixed clock as ISO 8601, or empty for the real one.
    language
        ``zh`` or ``en``.
    fonts
        The bureau's own fonts folder, or ``None``.
    keys_folder
        Folder of the keys, or ``None`` for the one in the home.
    """

    home: Path
    database_url: str = ""
    now: str = ""
    language: str = "zh"
    fonts: Path | None = None
    keys_folder: Path | None = None

    @property
    def keys(self) -> Path:
        """Folder of the keys that private columns are sealed with."""
        return self.keys_folder or self.home / "keys"

    @property
    def store_url(self) -> str:
        """SQLAlchemy URL of the store."""
        return self.database_url or file_url(self.home / "district.gpkg")

    def environment(self) -> dict[str, str]:
        """Spell the settings as environment variables, for a process of our own."""
        told = {
            "GEO_MINZHENG_HOME": str(self.home),
            "GEO_MINZHENG_DATABASE_URL": self.database_url,
            "GEO_MINZHENG_NOW": self.now,
            "GEO_MINZHENG_LANG": self.language,
            "GEO_MINZHENG_FONTS": str(self.fonts or ""),
            "GEO_MINZHENG_KEYS": str(self.keys_folder or ""),
        }
        return {name: value for name, value in told.items() if value}


def read_settings(
    environ: Mapping[str, str] | None = None, *, home: Path | None = None, now: str = "", language: str = ""
) -> Settings:
    """Read the settings from the environment; arguments win."""
    env = os.environ if environ is None else environ
    fonts, keys = env.get("GEO_MINZHENG_FONTS", ""), env.get("GEO_MINZHENG_KEYS", "")
    return Settings(
        home=(home or Path(env.get("GEO_MINZHENG_HOME") or Path.cwd() / ".home")).absolute(),
        database_url=env.get("GEO_MINZHENG_DATABASE_URL", ""),
        now=now or env.get("GEO_MINZHENG_NOW", ""),
        language=language or env.get("GEO_MINZHENG_LANG", "zh"),
        fonts=Path(fonts) if fonts else None,
        keys_folder=Path(keys).absolute() if keys else None,
    )


def file_url(path: Path) -> str:
    """SQLAlchemy URL of a store in a file: a ``%7b`` or ``?`` of its folder's name is no escape and no query."""
    return f"sqlite:///{quote(str(path))}"


def _shipped(in_wheel: str, in_tree: str) -> Path:
    wheel = _PACKAGE / in_wheel
    return wheel if wheel.is_dir() else _PACKAGE.parent.parent / in_tree


def data_dir(name: str) -> Path:
    """Folder of shipped data: ``policy``, ``text`` or ``demo``."""
    return _shipped(f"_data/{name}", f"data/{name}")


def layers_dir() -> Path:
    """Folder of the layer catalogue."""
    return _shipped("_layers", "layers")


def docs_dir() -> Path:
    """Folder of the documentation."""
    return _shipped("_docs", "docs")


def assets_dir() -> Path:
    """Folder of vendored scripts, styles and fonts."""
    return _PACKAGE / "assets"


def app_file() -> Path:
    """The web app's main file: in the source tree, or shipped beside the package."""
    tree = _PACKAGE.parent.parent / "app.py"
    return tree if tree.is_file() else _PACKAGE / "web.py"


def bench_file() -> Path:
    """The benchmark runner of the source tree."""
    return _PACKAGE.parent.parent / "bench" / "run.py"
