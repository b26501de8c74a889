"""Open one foreign file inside a limited process and leave what it holds in a folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from geo_minzheng.errors import InputError
from geo_minzheng.layers import sandbox
from geo_minzheng.layers.detect import Format, Limits

Job = dict[str, Any]
READY, ANSWER = "confined", "answer.json"


def _sheets(job: Job, folder: Path, limits: Limits) -> Job:
    from geo_minzheng.layers.transfer import save_sheets  # noqa: PLC0415  imported after the process is confined

    source, kind = folder / job["input"], Format(job["format"])
    if kind in (Format.CSV, Format.XLSX, Format.XLS):
        from geo_minzheng.layers import tables  # noqa: PLC0415

        sheets = tables.read_tables(source, kind, job["encoding"], limits)
    else:
        from geo_minzheng.layers import vector  # noqa: PLC0415

        sheets = vector.read_features(source, kind, job["encoding"], limits)
    save_sheets(folder, sheets)
    return {}


def _osm(job: Job, folder: Path, limits: Limits) -> Job:
    from geo_minzheng.layers.osm_extract import extract  # noqa: PLC0415

    return extract(folder / job["input"], folder, limits)


def _raster(job: Job, folder: Path, limits: Limits) -> Job:
    from geo_minzheng.layers.raster_extract import extract  # noqa: PLC0415

    return extract(folder / job["input"], folder, limits)


def _hog(_job: Job, _folder: Path, _limits: Limits) -> Job:
    """Take memory without end: what the watcher must stop."""
    kept = []
    while True:
        kept.append(bytearray(b"x" * 50_000_000))


def _spin(_job: Job, _folder: Path, _limits: Limits) -> Job:
    """Run without end: what the processor limit must stop."""
    while True:
        pass


def _sleep(_job: Job, _folder: Path, _limits: Limits) -> Job:
    """Wait without end: what the alarm must stop."""
    import threading  # noqa: PLC0415

    threading.Event().wait()
    return {}


def _crash(_job: Job, _folder: Path, _limits: Limits) -> Job:
    """Die as a broken library would."""
    import ctypes  # noqa: PLC0415

    ctypes.string_at(0)
    return {}


def _call_out(job: Job, _folder: Path, _limits: Limits) -> Job:
    """Try to reach the network past Python's own hooks."""
    import _socket  # noqa: PLC0415

    try:
        _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM).connect(("127.0.0.1", int(job["port"])))
    except OSError as error:
        return {"refused": type(error).__name__}
    return {"refused": ""}


TASKS: dict[str, Callable[[Job, Path, Limits], Job]] = {
    "sheets": _sheets,
    "osm": _osm,
    "raster": _raster,
    "drill_memory": _hog,
    "drill_loop": _spin,
    "drill_sleep": _sleep,
    "drill_crash": _crash,
    "drill_network": _call_out,
}


def run(job: Job, folder: Path) -> Job:
    """Do one job and turn every failure into an answer.

    Returns
    -------
    dict
        ``{"ok": ...}`` or ``{"refusal": {"key", "facts"}}``.
    """
    limits = Limits(**job["limits"])
    try:
        return {"ok": TASKS[job["task"]](job, folder, limits)}
    except InputError as error:
        return {"refusal": {"key": error.key, "facts": dict(error.facts)}}
    except MemoryError:
        return {"refusal": {"key": "layers.worker_memory", "facts": {"limit_mb": limits.rss_bytes // 1_000_000}}}
    except RecursionError:
        return {"refusal": {"key": "layers.file_broken", "facts": {"reason": "nesting"}}}
    except Exception as error:  # noqa: BLE001  the border: a foreign library may raise anything on foreign bytes
        return {"refusal": {"key": "layers.file_broken", "facts": {"reason": f"{type(error).__name__}: {error}"[:200]}}}


def main(folder: Path) -> int:
    """Read ``job.json`` in a folder, confine the process, do the job, write ``answer.json``."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    sys.modules["geopandas"] = None  # type: ignore[assignment]  # halves the start; nothing here needs it
    limits = Limits(**job["limits"])
    is_cut_off = sandbox.confine(cpu_s=limits.cpu_s, wall_s=limits.wall_s, output_bytes=2 * limits.rss_bytes)
    answer = run(job, folder) if is_cut_off else {"refusal": {"key": "layers.worker_network", "facts": {}}}
    text = json.dumps(answer, ensure_ascii=True, default=str)
    (folder / ANSWER).write_text(text, encoding="utf-8")
    return 0
