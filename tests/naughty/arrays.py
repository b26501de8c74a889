"""Array files that hold programs, promise memory or lie about their shape."""

import io
import pickle
import struct
import zipfile

import numpy as np
from scipy import sparse

from .case import case


class _Run:
    def __init__(self, line):
        self.line = line

    def __reduce__(self):
        import os

        return os.system, (self.line,)


def _npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def _head(text, body=b"", version=(1, 0)):
    raw = text.encode("latin-1")
    raw = raw + b" " * (-(len(raw) + 11) % 64) + b"\n"
    return b"\x93NUMPY" + bytes(version) + struct.pack("<H" if version == (1, 0) else "<I", len(raw)) + raw + body


def _npz(**arrays):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def _cover(matrix):
    buffer = io.BytesIO()
    sparse.save_npz(buffer, matrix)
    return buffer.getvalue()


def cases(rng, bait):
    cost, cover = {"route": "cost"}, {"route": "cover"}
    evil = np.array([_Run(f"cat {bait.file}")], dtype=object)
    yield case("pickle.npy", _npy(evil), "array_objects", **cost)
    yield case("pickle_plain.npy", pickle.dumps(_Run(f"cat {bait.file}")), "content_mismatch", **cost)
    yield case("pickle.npz", _npz(format=evil, shape=np.array([1, 1])), "array_objects", **cover)
    yield case("pickle_one.npz", _npz(a=evil), "array_objects", **cover)
    form = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }"
    for name, text, body, *codes in (
        ("promise", form % ("<f8", "(100000, 100000)"), b"", "array_too_big"), ("promise_small", form % ("<f8", "(10, 10)"), b"", "array_truncated"),
        ("longer", form % ("<f8", "(1, 1)"), bytes(80), "array_truncated"), ("minus", form % ("<f8", "(-1, 5)"), bytes(40), "array_broken"),
        ("overflow", form % ("<f8", "(4294967296, 4294967296)"), b"", "array_too_big"), ("nothing", form % ("<f8", "(0, 5)"), b"", "array_empty"),
        ("empty_text", form % ("<U0", "(5, 5)"), b"", "array_not_numbers", "array_broken", "array_empty"), ("text", form % ("<U1", "(1, 1)"), bytes(4), "array_not_numbers"),
        ("days", form % ("<M8[D]", "(1, 1)"), bytes(8), "array_not_numbers"), ("complex", form % ("<c16", "(1, 1)"), bytes(16), "array_not_numbers"),
        ("nested_type", form.replace("'%s'", "%s") % ("[('a', '<f8')]", "(1, 1)"), bytes(8), "array_not_numbers", "array_broken"),
        ("program_head", "__import__('os').system('true')", b"", "array_broken"), ("deep_head", "(" * 5000, b"", "array_broken"),
        ("no_type", "{'shape': (1, 1), 'fortran_order': False}", bytes(8), "array_broken"), ("bad_type", form % ("zz", "(1, 1)"), bytes(8), "array_broken"),
        ("shape_words", form % ("<f8", "'ab'"), bytes(8), "array_broken"), ("many_dimensions", form % ("<f8", "(1,) * 99"), bytes(8), "array_broken"),
        ("dimensions99", form % ("<f8", str((1,) * 99)), bytes(8), "array_shape", "array_broken"), ("zero_huge", form % ("<f8", "(0, 99999999999999999999999)"), b"", "array_empty", "array_broken", "array_shape"),
        ("shape_truth", form % ("<f8", "(True, True)"), bytes(8)), ("void", form % ("|V0", "(3, 3)"), b"", "array_not_numbers", "array_broken"),
    ):  # fmt: skip
        yield case(f"{name}.npy", _head(text, body), *codes, kind="any" if name == "shape_truth" else "attack", **cost)
    yield case("version9.npy", b"\x93NUMPY\x09\x00" + bytes(80), "array_broken", **cost)
    yield case("long_head.npy", _head(" " * 60_000 + form % ("<f8", "(1, 1)"), bytes(8)), kind="any", **cost)
    hurt = {"kind": "damage", **cost}
    good = _npy(rng_matrix(rng))
    for share in (10, 50, 99):
        yield case(
            f"cut{share}.npy",
            good[: len(good) * share // 100],
            "array_broken",
            "array_truncated",
            "content_mismatch",
            **hurt,
        )
    yield case("nan.npy", _npy(np.array([[1, np.nan]])), "array_nan", **hurt)
    yield case("minus_infinite.npy", _npy(np.array([[1, -np.inf], [1, 2]])), **hurt)
    yield case("all_infinite.npy", _npy(np.full((3, 3), np.inf)), **{**hurt, "kind": "any"})
    yield case("negative.npy", _npy(np.array([[-1.0, 2.0]])), **{**hurt, "kind": "any"})
    yield case("line.npy", _npy(np.arange(5.0)), "array_shape", **hurt)
    yield case("cube.npy", _npy(np.zeros((2, 2, 2))), "array_shape", **hurt)
    yield case("dot.npy", _npy(np.array(5.0)), "array_shape", **hurt)
    yield case("csv.npy", b"1,2\n3,4\n", "content_mismatch", **hurt)
    weights = {"route": "weights", "kind": "damage"}
    yield case("weights_short.npy", _npy(np.ones(2)), **weights)
    yield case("weights_nan.npy", _npy(np.array([1, np.nan, 1])), "array_nan", **weights)
    yield case("weights_minus.npy", _npy(np.array([1.0, -1, 1])), **weights)
    yield case("weights_infinite.npy", _npy(np.array([1.0, np.inf, 1])), **weights)
    yield case("weights_square.npy", _npy(np.ones((3, 3))), "array_shape", **weights)
    bad = {**cover}
    huge = {"format": np.array(b"coo"), "row": np.array([0]), "col": np.array([0]), "data": np.array([1])}
    yield case("huge_shape.npz", _npz(shape=np.array([2**31 - 2, 2**31 - 2]), **huge), "array_too_big", **bad)
    yield case("tall_shape.npz", _npz(shape=np.array([2**31 - 2, 1]), **huge), "array_too_big", **bad)
    yield case("minus_shape.npz", _npz(shape=np.array([-1, 1]), **huge), "array_shape", **bad)
    yield case("text_shape.npz", _npz(shape=np.array(["a", "b"]), **huge), **bad)
    yield case("nan_shape.npz", _npz(shape=np.array([np.nan, 1]), **huge), **bad)
    yield case("outside.npz", _npz(shape=np.array([3, 3]), **{**huge, "row": np.array([9])}), "array_broken", **bad)
    yield case(
        "minus_index.npz", _npz(shape=np.array([3, 3]), **{**huge, "row": np.array([-1])}), "array_broken", **bad
    )
    yield case("float_index.npz", _npz(shape=np.array([3, 3]), **{**huge, "row": np.array([0.5])}), kind="any", **cover)
    csr = {
        "format": np.array(b"csr"),
        "shape": np.array([3, 3]),
        "data": np.ones(2),
        "indices": np.array([0, 1]),
        "indptr": np.array([0, 1, 2, 2]),
    }
    for name, change in {
        "pointers_down": {"indptr": np.array([0, 2, 1, 2])}, "pointers_far": {"indptr": np.array([0, 1, 2, 900])}, "pointers_few": {"indptr": np.array([0, 2])},
        "index_far": {"indices": np.array([0, 99])}, "index_minus": {"indices": np.array([0, -9])}, "data_short": {"data": np.ones(1)},
        "kind_unknown": {"format": np.array(b"dia")}, "kind_number": {"format": np.array(5)}, "data_text": {"data": np.array(["a", "b"])},
        "data_nan": {"data": np.array([1, np.nan])}, "shape_three": {"shape": np.array([3, 3, 3])}, "format_many": {"format": np.array([b"csr", b"coo"])},
    }.items():  # fmt: skip
        yield case(f"{name}.npz", _npz(**{**csr, **change}), **bad)
    yield case("missing_parts.npz", _npz(format=np.array(b"csr"), shape=np.array([3, 3])), "array_broken", **bad)
    yield case("empty.npz", _npz(), **bad)
    yield case("not_arrays.npz", _archive({"format.npy": b"hello", "shape.npy": b"x"}), "array_broken", **bad)
    yield case("many.npz", _npz(**{f"a{i}": np.ones(1) for i in range(20)}), "zip_entries", **bad)
    whole = _cover(sparse.csr_array(np.eye(3)))
    yield case("cut.npz", whole[:-60], "file_broken", **{**bad, "kind": "damage"})
    yield case("flipped.npz", whole[:70] + b"\xff\xff\xff\xff" + whole[74:], **{**bad, "kind": "damage"})
    yield case("good.npz", whole, kind="harmless", rows=1, **cover)
    yield case("good.npy", good, kind="harmless", rows=1, **cost)


def rng_matrix(rng):
    return np.array([[rng.random() for _ in range(3)] for _ in range(3)])


def _archive(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name, data in members.items():
            target.writestr(name, data)
    return buffer.getvalue()
