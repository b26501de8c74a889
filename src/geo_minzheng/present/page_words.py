"""Words from outside on a page: Markdown takes them as they stand, and a table keeps them in their cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_MARKS = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=@\"'])")
_BLANKS = re.compile(r"\s+")


@dataclass(frozen=True)
class Marked:
    """A cell in a colour of the page: ``red``, ``orange``, ``green``, ``blue`` or ``gray``."""

    words: object
    colour: str


@dataclass(frozen=True)
class Shown:
    """A cell that a page writes in words, and a file keeps as the value: 「93%」 and 93."""

    words: str
    value: object


def cell_value(cell: object) -> object:
    """Give what a file keeps of a cell."""
    return cell.value if isinstance(cell, Shown) else cell.words if isinstance(cell, Marked) else cell


def page_words(value: object) -> str:
    """Escape a text so that Markdown shows it as it stands: no link, picture, formula or tag can come of it."""
    return _MARKS.sub(r"\\\1", _BLANKS.sub(" ", str(value)).strip())


def page_table(heads: Sequence[str], rows: Sequence[Sequence[object]], *, right: Sequence[int] = ()) -> str:
    """Write a Markdown table; every cell is escaped.

    Parameters
    ----------
    rows
        Cells by row; ``None`` is an empty cell, a :class:`Marked` one is coloured.
    right
        Columns of numbers, aligned to the right.
    """
    rule = "|".join("--:" if k in right else ":--" for k in range(len(heads)))
    lines = [_line([page_words(head) for head in heads]), f"|{rule}|"]
    return "\n".join([*lines, *(_line([_cell(cell) for cell in row]) for row in rows)])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: object) -> str:
    if isinstance(cell, Marked):
        words = page_words(cell.words)
        return f":{cell.colour}-background[{words}]" if words else ""
    if isinstance(cell, Shown):
        return page_words(cell.words)
    return "" if cell is None else page_words(cell)
