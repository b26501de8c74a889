import io
import pickle
import struct
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import sparse

from geo_minzheng.errors import InputError
from geo_minzheng.layers.arrays import read_array, read_sparse
from geo_minzheng.layers.detect import Limits


def npy(shape, descr="<f8", body=b"", order=False):
    head = repr({"descr": descr, "fortran_order": order, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + body


@given(
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int32, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=6),
    ),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_arrays_come_back(tmp_path_factory, array, fortran):
    path = tmp_path_factory.mktemp("a") / "a.npy"
    np.save(path, np.asfortranarray(array) if fortran else array)
    if array.dtype.kind == "f" and np.isnan(array).any():
        with pytest.raises(InputError, match="array_nan"):
            read_array(path, ndim=2)
        return
    found = read_array(path, ndim=2)
    assert found.dtype == np.float64
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, array.astype(float))


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (npy((10**9, 10**9)), "array_too_big"),
        (npy((3, 3), body=bytes(8)), "array_truncated"),
        (npy((1, 1), body=bytes(800)), "array_truncated"),
        (npy((2,), "|O", pickle.dumps([1, 2])), "array_objects"),
        (npy((2, 2), "<U4", bytes(64)), "array_not_numbers"),
        (npy((-1, 2)), "array_broken"),
        (npy((0, 2)), "array_empty"),
        (npy((2,), body=bytes(16)), "array_shape"),
        (b"\x93NUMPY\x01\x00\xff\xffxx", "array_broken"),
        (b"\x93NUMPY\x01\x00" + struct.pack("<H", 60) + b"__import__('os').system('true')".ljust(60), "array_broken"),
        (b"\x93NUMPY\x01\x00" + struct.pack("<H", 60) + b"(" * 60, "array_broken"),
        (pickle.dumps([1]), "content_mismatch"),
        (b"", "file_empty"),
    ],
)
def test_hostile_arrays_are_refused(tmp_path, sentences, data, code):
    path = tmp_path / "x.npy"
    path.write_bytes(data)
    with pytest.raises(InputError) as found:
        read_array(path, ndim=2)
    assert found.value.key == f"layers.{code}"
    for text in sentences.values():
        assert "x.npy" in text["error"]["layers"][code].format(**found.value.facts)


def test_shapes_are_held_and_infinity_is_kept(tmp_path):
    np.save(tmp_path / "c.npy", np.array([[1.0, np.inf]]))
    assert np.isinf(read_array(tmp_path / "c.npy", ndim=2, shape=(None, 2))).any()
    with pytest.raises(InputError, match="array_shape"):
        read_array(tmp_path / "c.npy", ndim=2, shape=(5, 2))


@given(
    hnp.arrays(np.bool_, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8)),
    st.sampled_from(["csr", "csc", "coo"]),
    st.booleans(),
)
@settings(max_examples=100, deadline=None)
def test_sparse_matrices_come_back(tmp_path_factory, dense, kind, packed):
    path = tmp_path_factory.mktemp("s") / "s.npz"
    sparse.save_npz(path, sparse.coo_array(dense).asformat(kind), compressed=packed)
    found = read_sparse(path)
    assert found.dtype == np.bool_
    np.testing.assert_array_equal(found.toarray(), dense)


def test_dense_archives_and_numbers_become_yes_and_no(tmp_path):
    np.savez(tmp_path / "d.npz", np.array([[0, 2], [1, 0]]))
    np.testing.assert_array_equal(read_sparse(tmp_path / "d.npz").toarray(), [[False, True], [True, False]])
    sparse.save_npz(tmp_path / "f.npz", sparse.csr_array(np.array([[0.0, 2.5], [1.0, 0.0]])))
    assert read_sparse(tmp_path / "f.npz").nnz == 2


def sparse_parts(**change):
    parts = {
        "format": np.array(b"csr"),
        "shape": np.array([2, 3]),
        "data": np.ones(2),
        "indices": np.array([0, 2]),
        "indptr": np.array([0, 1, 2]),
    }
    buffer = io.BytesIO()
    np.savez(buffer, **{k: v for k, v in {**parts, **change}.items() if v is not None})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (sparse_parts(indices=np.array([0, 9])), "array_broken"),
        (sparse_parts(indices=np.array([0, -1])), "array_broken"),
        (sparse_parts(indptr=np.array([0, 5, 2])), "array_broken"),
        (sparse_parts(indptr=None), "array_broken"),
        (sparse_parts(format=np.array(b"bsr")), "array_sparse_kind"),
        (sparse_parts(shape=np.array([2, 3, 4])), "array_shape"),
        (sparse_parts(shape=np.array([2, 2**40])), "array_shape"),
        (sparse_parts(data=np.array([1.0, np.nan])), "array_nan"),
        (
            sparse_parts(shape=np.array([0, 0]), data=np.ones(0), indices=np.zeros(0, int), indptr=np.array([0])),
            "array_empty",
        ),
        (b"PK\x03\x04garbage", "file_broken"),
    ],
)
def test_hostile_matrices_are_refused(tmp_path, data, code):
    path = tmp_path / "m.npz"
    path.write_bytes(data)
    with pytest.raises(InputError) as found:
        read_sparse(path)
    assert found.value.key == f"layers.{code}"


def test_pickles_and_bombs_in_archives_are_refused(tmp_path):
    path = tmp_path / "p.npz"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("a.npy", npy((1,), "|O", pickle.dumps([print])))
    with pytest.raises(InputError, match="array_objects"):
        read_sparse(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        target.writestr("a.npy", bytes(3_000_000))
    with pytest.raises(InputError, match="zip_too_big"):
        read_sparse(path, Limits(unpacked_bytes=1_000_000))
    with zipfile.ZipFile(path, "w") as target:
        for i in range(60):
            target.writestr(f"{i}.npy", b"x")
    with pytest.raises(InputError, match="zip_entries"):
        read_sparse(path, Limits(entries=8))
