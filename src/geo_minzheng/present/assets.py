"""Vendored scripts, styles and fonts: where they are, and how a page carries them with no network."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tomllib
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
BUNDLE = "map.bundle.js"
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


@lru_cache(maxsize=2)
def bundle(base_url: str) -> str:
    """Join the map's scripts and styles into one script for the app: one request, and no map before its styles."""
    texts = []
    for path in STYLES:
        folder = asset(path).parent
        texts.append(_addressed(asset(path).read_text(encoding="utf-8"), folder, base_url.rstrip("/")))
    style = json.dumps("\n".join(texts), ensure_ascii=False)
    wear = f"(function () {{ var s = document.createElement('style'); s.textContent = {style}; "
    return f"{wear}document.head.appendChild(s); }})();\n{inline_script()}"


def bundle_link(base_url: str) -> tuple[str, str]:
    """Name and address of the bundle; the address changes with what is in it."""
    mark = hashlib.sha256(bundle(base_url).encode("utf-8")).hexdigest()[:16]
    return "map_bundle", f"{base_url.rstrip('/')}/{BUNDLE}?v={mark}"


def _addressed(style: str, folder: Path, base_url: str) -> str:
    """Point a style's files at the route that serves the assets."""

    def swap(match: re.Match[str]) -> str:
        target = match.group(1)
        if target.startswith(("#", "data:")):
            return match.group(0)
        return f"url({base_url}/{(folder / target).resolve().relative_to(assets_dir().resolve()).as_posix()})"

    return _URL.sub(swap, style)


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
