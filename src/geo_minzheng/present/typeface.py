"""Which faces a document uses: the bureau's own where its folder has them, else the vendored ones."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import typst

from geo_minzheng.settings import assets_dir

WANTED = {
    "title": (
        "方正小标宋简体",
        "FZXiaoBiaoSong-B05S",
        "FZXiaoBiaoSong-B05",
        "方正小标宋_GBK",
        "STZhongsong",
        "华文中宋",
    ),
    "body": ("仿宋_GB2312", "FangSong_GB2312", "方正仿宋_GBK", "FangSong", "仿宋", "STFangsong", "华文仿宋"),
    "hei": ("黑体", "SimHei", "方正黑体_GBK", "STHeiti", "华文黑体"),
    "kai": ("楷体_GB2312", "KaiTi_GB2312", "方正楷体_GBK", "KaiTi", "楷体", "STKaiti", "华文楷体"),
}
VENDORED = {"title": "Noto Serif SC", "body": "Noto Serif SC", "hei": "Noto Sans SC", "kai": "Noto Serif SC"}
LAST = "Noto Sans SC"


@dataclass(frozen=True)
class Faces:
    """Fonts on hand, and for each role (title, body, hei, kai) the bureau's own face, if any."""

    fonts: typst.Fonts
    own: dict[str, str]

    def chain(self, role: str) -> list[str]:
        """List the faces of a role, the preferred first; the last one has every letter."""
        names = [self.own[role]] if role in self.own else []
        return [*names, *dict.fromkeys((VENDORED[role], LAST))]


@lru_cache(maxsize=8)
def find_faces(folder: Path | None) -> Faces:
    """Look which of the wanted faces the bureau's folder has; ``None`` has none."""
    vendored = str(assets_dir() / "fonts")
    folders = [str(folder), vendored] if folder is not None and folder.is_dir() else [vendored]
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=folders)
    there = {name.casefold(): name for name in fonts.families()}
    own = {
        role: there[found[0]]
        for role, names in WANTED.items()
        if (found := [n.casefold() for n in names if n.casefold() in there])
    }
    return Faces(fonts, own)
