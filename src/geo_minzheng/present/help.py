"""The help of a page: the part of the guide that is marked for it, in the reader's language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_MARK = re.compile(r'^<a id="help-(?P<name>[a-z_.]+-[a-z]{2})(?:-\d)?"></a>[ \t]*$', re.MULTILINE)
_HEAD = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_NUMBER = re.compile(r"(?<=^)\*\*(?:\d+\. |[一二三四五六七八九十]+、)", re.MULTILINE)
_RULE = re.compile(r"^---\s*$", re.MULTILINE)
_PICTURE = re.compile(r"^!\[[^\]]*\]\([^)]*\)\s*$", re.MULTILINE)
_LINK = re.compile(r"\[([^\]]+)\]\((?!https?:)[^)]*\)")


def marked_parts(folder: Path) -> dict[str, str]:
    """Read every marked part of the guides: from its mark to the next mark, rule or heading that is no deeper.

    A page's help may stand in several places: the marks after the first are numbered.

    Returns
    -------
    Markdown by the mark's name: ``<page>-<language>``, or ``<page>.<role>-<language>`` for one role's own part.
    """
    parts: dict[str, str] = {}
    for guide in sorted(folder.glob("*.md")):
        text = guide.read_text(encoding="utf-8")
        for mark in _MARK.finditer(text):
            part = _for_a_page(text[mark.end() : _end_of(text, mark.end())])
            parts[mark["name"]] = f"{parts.get(mark['name'], '')}\n\n{part}".strip()
    return parts


def _end_of(text: str, start: int) -> int:
    first = _HEAD.match(text[start:].lstrip("\n"))
    depth = len(first[1]) if first else 6
    ends = [found.start() for pattern in (_MARK, _RULE) for found in pattern.finditer(text, start)]
    heads = [h for h in _HEAD.finditer(text, start) if len(h[1]) <= depth]
    ends += [head.start() for head in (heads[1:] if first else heads)]
    return min(ends, default=len(text))


def _for_a_page(part: str) -> str:
    """Leave out what a page has no place for: pictures, links to other files, big headings."""
    part = _LINK.sub(r"\1", _PICTURE.sub("", part))
    return re.sub(r"\n{3,}", "\n\n", _NUMBER.sub("**", _HEAD.sub(r"**\2**\n", part))).strip()


def help_of(parts: dict[str, str], page: str, role: str, language: str) -> str:
    """Choose the help of a page: the role's own part first; empty where the guides say nothing."""
    return parts.get(f"{page}.{role}-{language}") or parts.get(f"{page}-{language}", "")
