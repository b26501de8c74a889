"""The head of the audit chain as paper carries it: how many rows, the first signs of the hash, a word to check by."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from geo_minzheng.errors import InputError

SIGNS = 16
_FEWEST = 12
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_BRANCHES = "子丑寅卯辰巳午未申酉戌亥"
# 第1234条 9f3a… 甲子, 1234:9f3a…, 1234-9f3a…, with the word or without.
_WRITTEN = re.compile(
    rf"(?:第|no\.?)?\s*([0-9][0-9,]*)\s*条?[\s:：\-,，]*([0-9a-f]{{{_FEWEST},64}})(?:[\s,，]*([{_STEMS}][{_BRANCHES}]))?"
)


@dataclass(frozen=True)
class Anchor:
    """Count and hash of the audit chain at one moment.

    Parameters
    ----------
    count
        Number of audit rows.
    code
        First signs of the last row's hash, hexadecimal.
    """

    count: int
    code: str

    @property
    def word(self) -> str:
        """Two signs that a mistyped number or code almost surely changes (119 of 120)."""
        told = hashlib.sha256(f"{self.count}:{self.code[:SIGNS]}".encode()).digest()
        number = int.from_bytes(told[:4], "big") % (len(_STEMS) * len(_BRANCHES))
        return _STEMS[number % len(_STEMS)] + _BRANCHES[number // len(_STEMS)]


def anchor_of(count: int, whole: str) -> Anchor:
    """Shorten a head to what is printed."""
    return Anchor(count, whole[:SIGNS])


def parse_anchor(text: str) -> Anchor:
    """Read a head as it was printed or typed.

    Raises
    ------
    InputError
        ``audit.bad_anchor``: not a number and a code; ``audit.bad_word``: the check word belongs to others, so that
        something was mistyped.
    """
    found = _WRITTEN.fullmatch(text.strip().lower())
    if found is None:
        raise InputError("audit.bad_anchor", value=text[:80])
    count, code, word = found.groups()
    anchor = Anchor(int(count.replace(",", "")), code)
    if word and len(code) >= SIGNS and word != anchor.word:
        raise InputError("audit.bad_word", value=text[:80], word=word)
    return anchor
