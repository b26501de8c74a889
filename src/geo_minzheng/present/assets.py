"""Vendored scripts, styles and fonts: where they are, and how a page carries them with no network."""

from __future__ import annotations

import base64
import hashlib
import re
import tomllib
from collections.abc import Iterable
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from geo_minzheng.settings import assets_dir

SCRIPTS = (
    "leaflet/leaflet.js",
    "leaflet-fullscreen/Control.FullScreen.js",
    "leaflet-draw/leaflet.draw.js",
    "map/map.js",
)
STYLES = (
    "leaflet/leaflet.css",
    "leaflet-fullscreen/Control.FullScreen.css",
    "leaflet-draw/leaflet.draw.css",
    "map/fonts.css",
    "map/map.css",
)
SANS, SANS_BOLD = "fonts/NotoSansSC-Regular.ttf", "fonts/NotoSansSC-Bold.ttf"
_MIME = {".png": "image/png", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
_URL = re.compile(r"""url\(\s*['"]?([^'")]+)['"]?\s*\)""")


def asset(path: str) -> Path:
    """Locate one vendored file."""
    return assets_dir() / path


def read_manifest() -> list[dict[str, str]]:
    """Read what is vendored: path, name, version, licence, licence file, source, sha256."""
    with asset("manifest.toml").open("rb") as file:
        return list(tomllib.load(file)["file"])


def digest(path: Path) -> str:
    """Compute the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def links(paths: Iterable[str], base_url: str) -> list[tuple[str, str]]:
    """Name and address of each file under the route that serves the assets."""
    return [(path.replace("/", "_"), f"{base_url.rstrip('/')}/{path}") for path in paths]


def _data_uri(path: Path) -> str:
    return f"data:{_MIME[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def _inline_urls(path: Path) -> str:
    def swap(match: re.Match[str]) -> str:
        target = match.group(1)
        return match.group(0) if target.startswith(("#", "data:")) else f'url("{_data_uri(path.parent / target)}")'

    return _URL.sub(swap, path.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def inline_script() -> str:
    """Join the map's scripts into one text that needs no other file."""
    texts = [asset(path).read_text(encoding="utf-8") for path in SCRIPTS]
    return "\n".join(re.sub(r"//# sourceMappingURL=\S+", "", text) for text in texts)


@lru_cache(maxsize=1)
def inline_style() -> str:
    """Join the map's styles into one text, images as data URIs, without the web fonts (see ``inline_font``)."""
    return "\n".join(_inline_urls(asset(path)) for path in STYLES if path != "map/fonts.css")


def inline_font(letters: str) -> str:
    """Write ``@font-face`` rules that carry just these letters, so that a file opens alike on every machine."""
    faces = []
    for path, weight in ((SANS, 400), (SANS_BOLD, 700)):
        data = base64.b64encode(font_subset(asset(path), letters)).decode("ascii")
        source = f'url("data:font/ttf;base64,{data}") format("truetype")'
        faces.append(f'@font-face {{ font-family: "Noto Sans SC"; font-weight: {weight}; src: {source}; }}')
    return "\n".join(faces)


def font_subset(path: Path, letters: str) -> bytes:
    """Cut a TrueType font down to some letters; letters the font lacks are left out."""
    from fontTools import subset  # noqa: PLC0415  (slow to import, seldom needed)

    options = subset.Options()
    options.hinting = False
    options.layout_features = ["kern", "tnum"]
    options.recalc_timestamp = False
    font = subset.load_font(str(path), options)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=sorted({ord(letter) for letter in letters} | set(range(0x20, 0x7F))))
    cutter.subset(font)
    out = BytesIO()
    font.save(out)
    return out.getvalue()
