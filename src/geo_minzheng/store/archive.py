"""A sealed archive: a tar of the manifest and its files, encrypted to age recipients; never half believed."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from threading import Thread
from typing import Any

import pyrage

from geo_minzheng.errors import InputError, StoreError
from geo_minzheng.model.backup import Kept, Manifest

MANIFEST = "manifest.json"
_CHUNK = 1 << 20
_MANIFEST_MOST = 256 << 20


def new_identity() -> tuple[str, str]:
    """Make a key pair: the secret for the safe, and the recipient that may lie anywhere."""
    identity = pyrage.x25519.Identity.generate()
    return str(identity), str(identity.to_public())


def check_recipient(recipient: str) -> str:
    """Accept an age recipient.

    Raises
    ------
    InputError
        ``backup.bad_recipient``.
    """
    try:
        return str(pyrage.x25519.Recipient.from_str(recipient.strip()))
    except pyrage.RecipientError as error:
        raise InputError("backup.bad_recipient", value=recipient) from error


def read_identity(file: Path) -> str:
    """Read the secret from a file as ``backup init`` and age-keygen write it.

    Raises
    ------
    InputError
        ``backup.no_identity``: unreadable, or there is no secret in it.
    """
    try:
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError("backup.no_identity", file=str(file)) from error
    for line in lines:
        if line.startswith("AGE-SECRET-KEY-1"):
            return line
    raise InputError("backup.no_identity", file=str(file))


def digest_file(file: Path) -> Kept:
    """Measure a file: size [bytes] and SHA-256."""
    with file.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
        return Kept(stream.tell(), sha256)


class _Feed:
    """Hands chunks to the encryption as a file would; keeps the error that it would otherwise only quote."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""
        self.error: BaseException | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            while not self._rest:
                self._rest = next(self._chunks)
        except StopIteration:
            return b""
        except BaseException as error:
            self.error = error
            raise
        cut = len(self._rest) if size < 0 else size
        given, self._rest = self._rest[:cut], self._rest[cut:]
        return given


class _Sink:
    """Takes what the encryption writes, and its SHA-256; keeps the error that it would otherwise only quote."""

    def __init__(self, stream: io.BufferedWriter) -> None:
        self._stream = stream
        self.sha256 = hashlib.sha256()
        self.bytes = 0
        self.error: BaseException | None = None

    def write(self, data: bytes) -> int:
        try:
            self._stream.write(data)
        except BaseException as error:
            self.error = error
            raise
        self.sha256.update(data)
        self.bytes += len(data)
        return len(data)

    def flush(self) -> None:
        self._stream.flush()


def seal(manifest: Manifest, files: Mapping[str, Path], target: Path, recipients: list[str]) -> Kept:
    """Write the archive and bring it to the disk; the caller gives it its final name.

    Raises
    ------
    OSError
        The folder is full or gone.
    StoreError
        ``backup.file_changed``: a file changed while it was read.
    """
    feed = _Feed(_tar(manifest, files))
    with target.open("wb") as stream:
        sink = _Sink(stream)
        try:
            keys: list[Any] = [pyrage.x25519.Recipient.from_str(r) for r in recipients]
            pyrage.encrypt_io(feed, sink, keys)
            stream.flush()
            os.fsync(stream.fileno())
        except Exception:
            cause = feed.error or sink.error
            if cause is None:
                raise
            raise cause from None
    return Kept(sink.bytes, sink.sha256.hexdigest())


def _tar(manifest: Manifest, files: Mapping[str, Path]) -> Iterator[bytes]:
    told = json.dumps(manifest.as_json(), ensure_ascii=False, indent=1).encode()
    yield _header(MANIFEST, len(told))
    yield told + _padding(len(told))
    for name, kept in manifest.files.items():
        yield _header(name, kept.bytes)
        size = 0
        with files[name].open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                size += len(chunk)
                yield chunk
        if size != kept.bytes:
            raise StoreError("backup.file_changed", file=name)
        yield _padding(size)
    yield b"\0" * 2 * tarfile.BLOCKSIZE


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info.tobuf(tarfile.GNU_FORMAT)


def _padding(size: int) -> bytes:
    return b"\0" * (-size % tarfile.BLOCKSIZE)


def unseal(file: Path, secret: str, folder: Path | None, only: tuple[str, ...] = ()) -> Manifest:
    """Read a whole archive, check every byte of it, and lay its files into an empty folder.

    Parameters
    ----------
    folder
        Where to; ``None`` checks only.
    only
        Beginnings of the names that are laid down; none means all.

    Raises
    ------
    InputError
        ``backup.wrong_identity``: not sealed to this key.
    StoreError
        ``backup.damaged``: broken, cut, or not what its manifest says.
    """
    with _opened(file, secret) as tar:
        first = tar.next()
        manifest = _manifest(file, tar, first)
        seen = set()
        while (member := tar.next()) is not None:
            kept = manifest.files.get(member.name)
            if kept is None or not member.isreg() or member.size != kept.bytes or member.name in seen:
                raise StoreError("backup.damaged", file=file.name, detail=member.name)
            seen.add(member.name)
            wanted = folder is not None and (not only or member.name.startswith(only))
            stream: Any = tar.extractfile(member)
            _lay(file, stream, kept, _place(file, folder, member.name) if folder is not None and wanted else None)
        missing = sorted(set(manifest.files) - seen)
        if missing:
            raise StoreError("backup.damaged", file=file.name, detail=missing[0])
    return manifest


def _manifest(file: Path, tar: tarfile.TarFile, first: tarfile.TarInfo | None) -> Manifest:
    if first is None or first.name != MANIFEST or not first.isreg() or first.size > _MANIFEST_MOST:
        raise StoreError("backup.damaged", file=file.name, detail=MANIFEST)
    stream: Any = tar.extractfile(first)
    told = stream.read()
    try:
        return Manifest.from_json(json.loads(told))
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError("backup.damaged", file=file.name, detail=MANIFEST) from error


def _place(file: Path, folder: Path, name: str) -> Path:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name:
        raise StoreError("backup.damaged", file=file.name, detail=name)
    target = folder / path
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _lay(file: Path, stream: Any, kept: Kept, target: Path | None) -> None:
    sha256 = hashlib.sha256()
    out = None if target is None else target.open("xb")
    try:
        if out is not None:
            os.fchmod(out.fileno(), 0o600)
        while chunk := stream.read(_CHUNK):
            sha256.update(chunk)
            if out is not None:
                out.write(chunk)
        if out is not None:
            out.flush()
            os.fsync(out.fileno())
    finally:
        if out is not None:
            out.close()
    if sha256.hexdigest() != kept.sha256:
        raise StoreError("backup.damaged", file=file.name, detail=target.name if target else "")


@contextmanager
def _opened(file: Path, secret: str) -> Iterator[tarfile.TarFile]:
    """Decrypt in a thread of its own, read the tar here, and believe nothing before the seal's end was reached."""
    try:
        identity = pyrage.x25519.Identity.from_str(secret)
    except pyrage.IdentityError as error:
        raise InputError("backup.wrong_identity", file=file.name) from error
    failed: list[BaseException] = []
    read_end, write_end = os.pipe()

    def pour() -> None:
        try:
            with os.fdopen(write_end, "wb") as plain, file.open("rb") as sealed:
                pyrage.decrypt_io(sealed, plain, [identity])
        except BaseException as error:  # noqa: BLE001  (told by the reader, who waits for the end)
            failed.append(error)

    pouring = Thread(target=pour, daemon=True)
    pouring.start()
    try:
        with os.fdopen(read_end, "rb") as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            yield tar
            while plain.read(_CHUNK):
                pass
    except (tarfile.TarError, EOFError) as error:
        pouring.join()
        raise _broken(file, failed[0] if failed else error) from error
    finally:
        pouring.join()
    if failed:
        raise _broken(file, failed[0])


def _broken(file: Path, error: BaseException) -> Exception:
    said = str(error)
    # The seal's own complaint comes as an OSError without a number; a disk's has one.
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, BrokenPipeError):
        return error
    if "No matching keys" in said:
        return InputError("backup.wrong_identity", file=file.name)
    return StoreError("backup.damaged", file=file.name, detail=said)
