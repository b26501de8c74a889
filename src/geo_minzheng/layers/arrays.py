"""Open ``.npy`` and ``.npz`` files for siting: headers first, own limits, never a pickle."""

from __future__ import annotations

import io
import tokenize
import zipfile
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from scipy import sparse

from geo_minzheng.errors import InputError
from geo_minzheng.layers.detect import ARCHIVE_ERRORS, ARRAY_LIMITS, MB, Format, Limits, detect

_HEADER = 64_000
# What numpy's parser of headers raises on foreign text.
_HEADER_ERRORS = (
    ValueError, EOFError, OSError, SyntaxError, TypeError, RecursionError, MemoryError, tokenize.TokenError
)  # fmt: skip


def _header(handle: IO[bytes], file: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = npy.read_magic(handle)
        reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, fortran, dtype = reader(handle, max_header_size=10_000)
    except _HEADER_ERRORS as error:
        raise InputError("layers.array_broken", file=file) from error
    if dtype.hasobject:
        raise InputError("layers.array_objects", file=file)
    if any(n < 0 for n in shape):
        raise InputError("layers.array_broken", file=file)
    return shape, fortran, dtype


def _load(handle: IO[bytes], size: int, file: str, limits: Limits) -> NDArray[Any]:
    """Read one array whose header promises exactly what follows it."""
    shape, fortran, dtype = _header(handle, file)
    promised = prod(shape) * dtype.itemsize
    if promised > limits.unpacked_bytes:
        raise InputError(
            "layers.array_too_big", file=file, size_mb=promised // MB, limit_mb=limits.unpacked_bytes // MB
        )
    if promised != size - handle.tell():
        raise InputError("layers.array_truncated", file=file)
    data = bytearray(promised)  # writable, so that no later step has to copy
    if handle.readinto(data) != promised:  # type: ignore[attr-defined]
        raise InputError("layers.array_truncated", file=file)
    try:
        flat: NDArray[Any] = np.frombuffer(data, dtype=dtype) if promised else np.empty(prod(shape), dtype)
        return flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)
    except (ValueError, TypeError, OverflowError, MemoryError) as error:
        raise InputError("layers.array_broken", file=file) from error


def read_array(
    path: Path, *, ndim: int, shape: tuple[int | None, ...] | None = None, limits: Limits = ARRAY_LIMITS
) -> NDArray[np.float64]:
    """Read a numeric array from an ``.npy`` file.

    Parameters
    ----------
    path
        File as ``numpy.save`` writes it.
    ndim
        Dimensions that are expected.
    shape
        Expected length per dimension, ``None`` where any will do.

    Returns
    -------
    array of float64
        ``inf`` is kept (unreachable); NaN is refused.

    Raises
    ------
    InputError
        ``layers.array_*``: objects, another shape, truncated, too big, not numbers, NaN.
    """
    detect(path, (Format.NPY,), limits)
    with path.open("rb") as handle:
        found = _load(handle, path.stat().st_size, path.name, limits)
    if found.dtype.kind not in "biuf":
        raise InputError("layers.array_not_numbers", file=path.name, found=str(found.dtype))
    if found.ndim != ndim or (
        shape and any(w is not None and w != n for w, n in zip(shape, found.shape, strict=False))
    ):
        wanted = "×".join("n" if w is None else str(w) for w in (shape or (None,) * ndim))
        raise InputError(
            "layers.array_shape", file=path.name, found="×".join(map(str, found.shape)) or "0", wanted=wanted
        )
    if not found.size:
        raise InputError("layers.array_empty", file=path.name)
    numbers = np.ascontiguousarray(found, dtype=np.float64)
    if np.isnan(numbers).any():
        at = "，".join(str(int(i)) for i in np.argwhere(np.isnan(numbers))[0])
        raise InputError("layers.array_nan", file=path.name, place=at)
    return numbers


def _members(path: Path, limits: Limits) -> dict[str, NDArray[Any]]:
    try:
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > limits.entries:
                raise InputError("layers.zip_entries", file=path.name, count=len(infos), limit=limits.entries)
            unpacked = sum(i.file_size for i in infos)
            if unpacked > limits.unpacked_bytes:
                raise InputError(
                    "layers.zip_too_big", file=path.name, size_mb=unpacked // MB, limit_mb=limits.unpacked_bytes // MB
                )
            found = {}
            for info in infos:
                with archive.open(info) as member:
                    # A member cannot be measured before it is unpacked: never read beyond what the directory states.
                    data = member.read(info.file_size)
                found[info.filename.removesuffix(".npy")] = _load(io.BytesIO(data), len(data), path.name, limits)
            return found
    except ARCHIVE_ERRORS as error:
        raise InputError("layers.file_broken", file=path.name, reason=type(error).__name__) from error


def _assemble(parts: dict[str, NDArray[Any]], file: str, limits: Limits) -> sparse.csr_array:
    kind = parts["format"].item() if parts["format"].ndim == 0 else ""
    name = kind.decode("ascii", errors="replace") if isinstance(kind, bytes) else str(kind)
    sides = np.atleast_1d(parts["shape"])
    if sides.dtype.kind not in "iu" or sides.ndim != 1:
        raise InputError("layers.array_broken", file=file)
    shape = tuple(int(n) for n in sides)
    if len(shape) != 2 or min(shape) < 0 or max(shape) >= 2**31:
        raise InputError("layers.array_shape", file=file, found="×".join(map(str, shape)), wanted="n×m")
    if max(shape) > limits.cells:  # the row pointers alone would fill the memory
        size_mb, limit_mb = max(shape) * 8 // MB, limits.cells * 8 // MB
        raise InputError("layers.array_too_big", file=file, size_mb=size_mb, limit_mb=limit_mb)
    try:
        if name in ("csr", "csc"):
            build = sparse.csr_array if name == "csr" else sparse.csc_array
            matrix = build((parts["data"], parts["indices"], parts["indptr"]), shape=shape)
            matrix.check_format(full_check=True)
            result = sparse.csr_array(matrix)
        elif name == "coo":
            result = sparse.csr_array((parts["data"], (parts["row"], parts["col"])), shape=shape)
        else:
            raise InputError("layers.array_sparse_kind", file=file, found=name[:20])
    except (KeyError, ValueError, TypeError, IndexError, OverflowError) as error:
        raise InputError("layers.array_broken", file=file) from error
    return result


def read_sparse(path: Path, limits: Limits = ARRAY_LIMITS) -> sparse.csr_array:
    """Read a boolean demand × site matrix from an ``.npz`` file.

    Takes what ``scipy.sparse.save_npz`` writes (csr, csc, coo), or an archive of one dense two-dimensional array.

    Returns
    -------
    scipy.sparse.csr_array of bool
        True where stored and not zero; duplicates merged.

    Raises
    ------
    InputError
        ``layers.array_*``, ``layers.zip_*``, ``layers.file_broken``.
    """
    detect(path, (Format.NPZ,), limits)
    parts = _members(path, limits)
    if {"format", "shape"} <= set(parts):
        matrix = _assemble(parts, path.name, limits)
    elif len(parts) == 1 and next(iter(parts.values())).ndim == 2:
        matrix = sparse.csr_array(next(iter(parts.values())))
    else:
        raise InputError("layers.array_sparse_kind", file=path.name, found="、".join(sorted(parts))[:80])
    if matrix.dtype.kind not in "biuf":
        raise InputError("layers.array_not_numbers", file=path.name, found=str(matrix.dtype))
    if matrix.data.dtype.kind == "f" and np.isnan(matrix.data).any():
        raise InputError("layers.array_nan", file=path.name, place="data")
    matrix.sum_duplicates()
    matrix.data = matrix.data != 0
    matrix.eliminate_zeros()
    if not min(matrix.shape):
        raise InputError("layers.array_empty", file=path.name)
    return matrix
