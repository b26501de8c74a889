import collections

import pytest

from geo_minzheng.layers.faults import fault_facts
from geo_minzheng.layers.options import ReadOptions
from geo_minzheng.layers.read import read_layer


@pytest.fixture(scope="module")
def results(tmp_path_factory, naughty, catalogue):
    folder = tmp_path_factory.mktemp("naughty")
    found = {}
    for case in naughty.write(folder, seed=7):
        options = ReadOptions(**{"box": naughty.BOX, **case.options})
        found[case] = read_layer(folder / case.name, catalogue[case.layer], options)
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
                sentence = text["layers"]["fault"][fault.code].format(**fault_facts(fault))
                assert "{" not in sentence
                assert "None" not in sentence, (language, sentence)
                if fault.row is None and fault.code not in ("column_missing", "columns_ignored"):
                    assert fault.file in sentence or fault.column in sentence, sentence


def test_mistakes_name_their_row(results):
    for case, checked in results.items():
        file_wide = {"crs_missing", "crs_unknown", "sheet_needed", "column_missing", "coordinates_absent"}
        if case.kind == "mistake" and not case.codes & file_wide:
            assert any(f.row is not None and f.code in case.codes for f in checked.faults), case.name
