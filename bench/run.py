"""Run the benchmarks and print ours, the peer's, their ratio and the objective: ``python bench/run.py [name]``."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def names() -> list[str]:
    """Every benchmark is a file with a function ``run`` that returns rows."""
    return sorted(path.stem for path in HERE.glob("*.py") if path.stem != "run")


def written(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def print_table(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows that may have different columns."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [columns, *([written(row.get(column)) for column in columns] for row in rows)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(columns))]
    print(f"\n{title}")
    for line in cells:
        print("  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def main(chosen: list[str]) -> int:
    known = names()
    unknown = [name for name in chosen if name not in known]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    sys.path.insert(0, str(HERE.parent))
    for name in chosen or known:
        print_table(name, importlib.import_module(f"bench.{name}").run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
