import pytest

from geo_minzheng.errors import ManyInputError
from geo_minzheng.layers.catalogue import load_catalogue, read_spec
from geo_minzheng.layers.values import BadValue, default_of, parse


def test_shipped_layers_load_and_refer_to_each_other(catalogue):
    assert len(catalogue) >= 19
    assert catalogue["village"].key == ("code",)
    for spec in catalogue.values():
        for column in spec.columns:
            assert column.heads, (spec.name, column.name)
            if column.default is not None:
                assert not isinstance(parse(str(default_of(column)), column), BadValue), (spec.name, column.name)


def test_no_layer_has_one_heading_for_two_columns(catalogue):
    for spec in catalogue.values():
        heads = [h for c in spec.columns for h in c.heads]
        assert len(heads) == len(set(heads)), spec.name


def test_every_fault_of_a_file_comes_in_one_message(tmp_path, sentences):
    (tmp_path / "bad.toml").write_text(
        'layer="other"\ngeometry="Blob"\nkey=["no_such"]\nvisibility="wide"\nsource=""\nextra=1\n'
        '[[column]]\nname="a"\ntype="no_such"\n[[column]]\nname="b"\ntype="int"\nmin="x"\n'
        '[[column]]\nname="c"\ntype="text"\nmax=3\n[[column]]\nname="d"\ntype="enum"\n[[column]]\ntype="text"\n'
        '[[column]]\nname="e"\ntype="float"\nmin=5\nmax=1\n[[column]]\nname="e"\ntype="text"\nrequired="yes"\nheads="x"\n',
        encoding="utf-8",
    )
    with pytest.raises(ManyInputError) as found:
        read_spec(tmp_path / "bad.toml")
    keys = {f.key.removeprefix("catalogue.") for f in found.value.faults}
    assert {
        "unknown_key", "missing_key", "name_and_file", "unknown_value", "not_a_number", "range_without_number",
        "values_and_enum", "range_reversed", "not_a_switch", "heads_not_text", "key_not_a_column",
    } <= keys  # fmt: skip
    for fault in found.value.faults:
        for text in sentences.values():
            assert text["error"]["catalogue"][fault.key.partition(".")[2]].format(**fault.facts)


def test_broken_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(ManyInputError):
        load_catalogue(tmp_path)
    (tmp_path / "x.toml").write_bytes(b"\xff\xfe not toml")
    with pytest.raises(ManyInputError) as found:
        load_catalogue(tmp_path)
    assert found.value.faults[0].key == "catalogue.not_toml"


def test_references_to_nowhere_are_refused(tmp_path):
    (tmp_path / "a.toml").write_text(
        'layer="a"\ngeometry="none"\nkey=["x"]\nvisibility="wide"\nsource=""\nlicence=""\n'
        '[[column]]\nname="x"\ntype="text"\nheads=["x"]\nref="no_such.code"\n',
        encoding="utf-8",
    )
    with pytest.raises(ManyInputError) as found:
        load_catalogue(tmp_path)
    assert found.value.faults[0].key == "catalogue.ref_unknown"
