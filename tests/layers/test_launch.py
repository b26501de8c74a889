import os
import re
import socket
import struct
import threading
from pathlib import Path

import pytest

from geo_minzheng.errors import InputError
from geo_minzheng.layers import sandbox, worker
from geo_minzheng.layers.detect import Limits, detect
from geo_minzheng.layers.launch import Job, work

SOURCE = Path(__file__).resolve().parents[2] / "src" / "geo_minzheng" / "layers"


def refusal(job):
    with pytest.raises(InputError) as found, work(job):
        pass
    return found.value


def test_a_memory_hog_is_stopped():
    found = refusal(Job("drill_memory", limits=Limits(rss_bytes=300_000_000)))
    assert found.key == "layers.worker_memory"
    assert found.facts["limit_mb"] == 300


def test_a_busy_loop_meets_the_processor_limit():
    assert refusal(Job("drill_loop", limits=Limits(cpu_s=1, wall_s=20))).key == "layers.worker_time"


def test_a_sleeper_meets_the_clock():
    assert refusal(Job("drill_sleep", limits=Limits(wall_s=1))).key == "layers.worker_time"


def test_a_crash_is_an_answer_not_a_crash():
    assert refusal(Job("drill_crash")).key == "layers.worker_died"


def test_the_network_is_out_of_reach_even_past_python():
    reached = threading.Event()
    server = socket.create_server(("127.0.0.1", 0))
    server.settimeout(5)

    def listen():
        try:
            server.accept()
            reached.set()
        except OSError:
            pass

    thread = threading.Thread(target=listen)
    thread.start()
    with work(Job("drill_network", parameters={"port": server.getsockname()[1]})) as (_, answer):
        assert answer["refused"] == "PermissionError"
    with socket.create_connection(server.getsockname()):
        pass
    thread.join()
    server.close()


def test_the_confined_environment_leaves_one_driver():
    environment = sandbox.gdal_environment(["ESRI Shapefile"])
    assert "ESRI Shapefile" not in environment["GDAL_SKIP"].split(",")
    assert {"OGR_VRT", "VRT", "CSV", "GeoJSON", "GTiff", "HTTP", "WFS"} <= set(environment["GDAL_SKIP"].split(","))
    assert "NewDriver" in sandbox.gdal_environment([], ["NewDriver"])["GDAL_SKIP"].split(",")


def test_every_driver_but_one_is_gone_in_both_builds(tmp_path):
    import subprocess
    import sys

    code = "import pyogrio; print(sorted(pyogrio.list_drivers()))"
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env=sandbox.gdal_environment(["ESRI Shapefile"]),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.strip() == "['ESRI Shapefile']"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64", "loongarch64"])
def test_the_call_filter_is_whole_for_every_processor(machine):
    """Eight bytes a step: four to check the processor, one a call, allow, deny; every jump lands on the denial."""
    program = sandbox._filter_program(machine)
    steps = [struct.unpack_from("HBBI", program, place) for place in range(0, len(program), 8)]
    calls = len(steps) - 6
    assert calls == 6
    for i in range(calls):
        code, hit, miss, number = steps[4 + i]
        assert (code, miss) == (0x15, 0)
        assert 4 + i + 1 + hit == len(steps) - 1
        assert number > 0
    assert steps[-1][3] == 0x00050000 | 13


def test_failures_in_a_task_become_answers(tmp_path, monkeypatch):
    from dataclasses import asdict

    job = {"task": "boom", "limits": asdict(Limits())}
    for error, key in (
        (MemoryError(), "worker_memory"),
        (RecursionError(), "file_broken"),
        (KeyError("x"), "file_broken"),
        (InputError("layers.xml_dtd"), "xml_dtd"),
    ):

        def boom(*_, error=error):
            raise error

        monkeypatch.setitem(worker.TASKS, "boom", boom)
        assert worker.run(job, tmp_path)["refusal"]["key"] == f"layers.{key}"


def test_the_worker_runs_in_this_process_too(tmp_path, naughty):
    from dataclasses import asdict

    from geo_minzheng.layers.transfer import load_sheets

    data = {
        "a.csv": "代码,名称\n420703100,甲\n".encode(),
        "a.geojson": naughty.collection(naughty.feature()).encode(),
        "a.zip": naughty.shape_zip(naughty.shapefile()),
    }
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
        kind = detect(tmp_path / name)
        if name == "a.zip":
            continue
        job = {"task": "sheets", "input": name, "format": str(kind), "encoding": "", "limits": asdict(Limits())}
        assert worker.run(job, tmp_path) == {"ok": {}}
        assert load_sheets(tmp_path)[0].rows


def test_a_broken_answer_is_refused(tmp_path):
    from geo_minzheng.layers.transfer import load_sheets

    with pytest.raises(InputError, match="worker_answer"):
        load_sheets(tmp_path)


def test_odd_paths_are_refused_before_anything_is_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    for path, code in (
        (tmp_path / "pipe.csv", "file_not_regular"),
        (tmp_path, "file_not_regular"),
        (Path("/dev/zero"), "file_not_regular"),
        (tmp_path / "no_such.csv", "file_missing"),
        (tmp_path / "pipe.csv" / "x.csv", "file_missing"),
    ):
        with pytest.raises(InputError) as found:
            detect(path)
        assert found.value.key == f"layers.{code}"
    big = tmp_path / "big.csv"
    big.write_bytes(b"a" * 100)
    with pytest.raises(InputError, match="file_too_big"):
        detect(big, limits=Limits(file_bytes=50))


def test_every_code_has_a_sentence_with_the_same_facts_in_both_languages(sentences):
    text = "".join(p.read_text(encoding="utf-8") for p in SOURCE.glob("*.py"))
    raised = set(re.findall(r'"layers\.([a-z_0-9]+)"', text)) | set(re.findall(r'\("(zip_[a-z]+)", ', text))
    noted = set(re.findall(r'(?:faults\.(?:add|warn)|RawFault|BadValue)\(\s*"([a-z_]+)"', text)) - {"zone_"}
    catalogue = set(re.findall(r'"catalogue\.([a-z_]+)"', text))
    own = set(re.findall(r'faults\.add\("([a-z_]+)"', (SOURCE / "catalogue.py").read_text(encoding="utf-8")))
    assert raised | (noted - own) <= set(sentences["zh"]["error"]["layers"])
    assert own | catalogue <= set(sentences["zh"]["error"]["catalogue"])
    for place in (("layers", "reason"), ("error", "layers"), ("error", "catalogue")):
        zh, en = (sentences[language][place[0]][place[1]] for language in ("zh", "en"))
        assert zh.keys() == en.keys()
        for key, sentence in zh.items():
            assert set(re.findall(r"{(\w+)}", sentence)) == set(re.findall(r"{(\w+)}", en[key])), key
