import collections
from dataclasses import asdict

import pytest

from geo_minzheng.errors import InputError
from geo_minzheng.layers import read, shapefile
from geo_minzheng.layers.detect import Format, Limits, detect
from geo_minzheng.layers.faults import fault_facts
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.tables import read_tables
from geo_minzheng.layers.vector import read_features
from geo_minzheng.layers.worker import run


def read_here(path, *, encoding=""):
    """Read in this process: honest mistakes need no confinement, and a hundred starts take their time."""
    kind = detect(path)
    if kind in (Format.CSV, Format.XLSX, Format.XLS):
        return read_tables(path, kind, encoding, Limits())
    return read_features(path, kind, encoding, Limits())


@pytest.fixture(scope="module")
def results(tmp_path_factory, naughty, catalogue):
    folder = tmp_path_factory.mktemp("naughty")
    found = {}
    for case in naughty.write(folder, seed=7):
        options = ReadOptions(**{"box": naughty.BOX, **case.options})
        with pytest.MonkeyPatch.context() as patch:
            if case.kind == "mistake" and not case.name.endswith(".zip"):
                patch.setattr(read, "read_sheets", read_here)
            found[case] = read.read_layer(folder / case.name, catalogue[case.layer], options)
    return found


def test_corpus_has_its_size(results):
    kinds = collections.Counter(case.kind for case in results)
    assert sum(kinds.values()) >= 90
    assert kinds["attack"] >= 35


def test_no_attack_is_accepted(results):
    for case, checked in results.items():
        if case.kind == "attack":
            assert checked.is_refused, case.name
            assert len(checked.frame) == 0, case.name


def test_every_refusal_has_the_expected_reason(results):
    for case, checked in results.items():
        codes = {f.code for f in checked.faults if f.severity == "error"}
        if case.codes:
            assert codes & case.codes, (case.name, codes)
        assert checked.rows == len(checked.frame) + checked.refused + checked.ignored, case.name


def test_every_refusal_says_where_and_what_to_do(results, sentences):
    for case, checked in results.items():
        for fault in checked.faults:
            assert fault.file == case.name
            for language, text in sentences.items():
                sentence = text["error"]["layers"][fault.code].format(**fault_facts(fault))
                assert "{" not in sentence
                assert "None" not in sentence, (language, sentence)
                if fault.row is None and fault.code not in ("column_missing", "columns_ignored"):
                    assert fault.file in sentence or fault.column in sentence, sentence


def test_mistakes_name_their_row(results):
    for case, checked in results.items():
        file_wide = {"crs_missing", "crs_unknown", "sheet_needed", "column_missing", "coordinates_absent"}
        if case.kind == "mistake" and not case.codes & file_wide:
            assert any(f.row is not None and f.code in case.codes for f in checked.faults), case.name


def test_the_readers_refuse_the_same_files_in_this_process(tmp_path, naughty, catalogue, monkeypatch):
    """What is refused must not hang on the worker's limits alone."""
    monkeypatch.setattr(shapefile, "_check_drivers", lambda: None)
    heavy = {"vertices.geojson", "rows.csv", "lying_points.zip", "torn.gpkg", "deep.geojson"}
    for case in naughty.write(tmp_path, seed=3):
        folder = tmp_path / case.name.replace(".", "_")
        folder.mkdir()
        path = (tmp_path / case.name).rename(folder / case.name)
        if case.name in heavy or case.kind == "mistake":
            continue
        job = {"task": "sheets", "input": case.name, "encoding": "", "limits": asdict(Limits())}
        try:
            job["format"] = str(detect(path))
        except InputError:
            continue
        answer = run(job, folder)
        assert "refusal" in answer or not case.codes, case.name
