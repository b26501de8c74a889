"""Private columns at rest: sealed cell by cell, found again by a blind index, opened only on purpose.

A sealed cell is ``s1.KEY.BASE64``: AES-256-GCM under the data key of that id, a fresh nonce of 96 bits before the
ciphertext. Table, column and the row's business key are authenticated with it, so that a cell moved to another column
or another household no longer opens.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Table, bindparam, select, update
from sqlalchemy.orm import Session

from geo_minzheng.errors import InputError, StoreError
from geo_minzheng.store.keys import KeyRing, read_ring

# The engine's option that says where the keys lie.
FOLDER = "geo_minzheng_keys"
SEALED: Mapping[str, tuple[str, ...]] = {"household": ("head_of_household", "id_no", "phone", "one_card_account")}
INDEXED: Mapping[str, tuple[str, ...]] = {"household": ("id_no", "phone", "one_card_account")}
# What a reader sees who did not open: no key is needed for it.
WITHHELD = "***"
HIDDEN = "*"
_MARK = "s1"
_NONCE = 12
_PHONE_WITH_COUNTRY = 13
_AT_ONCE = 2000


def index_name(column: str) -> str:
    """Name the column of a blind index."""
    return f"{column}_index"


def index_columns(table: str) -> tuple[str, ...]:
    """Name the blind index columns of a table."""
    return tuple(index_name(column) for column in INDEXED.get(table, ()))


def folder_of(session: Session) -> Path:
    """Tell where the keys of this session's store lie.

    Raises
    ------
    StoreError
        ``keys.missing``: the store was opened without any.
    """
    folder = session.get_bind().engine.get_execution_options().get(FOLDER)
    if folder is None:
        raise StoreError("keys.missing", file="ring.json")
    return Path(folder)


def ring_of(session: Session) -> KeyRing:
    """Read the keys of this session's store, anew each time: a key that another process made is known at once.

    Raises
    ------
    StoreError
        As :func:`~geo_minzheng.store.keys.read_ring`.
    """
    return read_ring(folder_of(session))


def seal_cell(ring: KeyRing, table: str, column: str, key: str, value: str) -> str:
    """Seal a value for one column of one row."""
    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(ring.keys[ring.current]).encrypt(nonce, value.encode(), _place(table, column, key))
    return f"{_MARK}.{ring.current}.{urlsafe_b64encode(nonce + sealed).decode()}"


def open_cell(ring: KeyRing, table: str, column: str, key: str, cell: str) -> str:
    """Open a sealed value.

    Raises
    ------
    StoreError
        ``keys.unsealed``: it was never sealed; ``keys.wrong``: the ring has no such key; ``keys.tampered``: the cell
        was changed, or belongs to another place.
    """
    where = {"table": table, "column": column, "key": key}
    name = key_id(cell)
    if not name:
        raise StoreError("keys.unsealed", **where)
    if name not in ring.keys:
        raise StoreError("keys.wrong", name=name)
    try:
        raw = urlsafe_b64decode(cell.rsplit(".", 1)[1])
        return AESGCM(ring.keys[name]).decrypt(raw[:_NONCE], raw[_NONCE:], _place(table, column, key)).decode()
    except (InvalidTag, BadBase64, ValueError) as error:
        raise StoreError("keys.tampered", **where) from error


def key_id(cell: str) -> str:
    """Read which key a cell was sealed with; empty for one that is not sealed."""
    parts = cell.split(".")
    return parts[1] if len(parts) == 3 and parts[0] == _MARK else ""


def _place(table: str, column: str, key: str) -> bytes:
    return "\x1f".join((table, column, key)).encode()


def normal(column: str, value: str) -> str:
    """Spell a value as it is compared: half-width capitals and digits, no blanks, hyphens or country code."""
    told = "".join(sign for sign in unicodedata.normalize("NFKC", value).upper() if sign.isalnum())
    is_foreign = column == "phone" and len(told) == _PHONE_WITH_COUNTRY and told.startswith("86")
    return told[2:] if is_foreign else told


def blind_index(ring: KeyRing, table: str, column: str, value: str) -> str | None:
    """Give what equal values have in common and nothing else tells: a keyed digest.

    ``None`` for a value that is empty or was handed in masked: it equals nothing.
    """
    told = "" if HIDDEN in value else normal(column, value)
    return _keyed(ring, f"index\x1f{table}\x1f{column}", told)[:32] if told else None


def check_unmasked(table: str, key: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Refuse a value that was masked for reading where it would take the place of the true one.

    Raises
    ------
    InputError
        ``store.masked_value``.
    """
    for column in SEALED[table]:
        if HIDDEN in (after.get(column) or "") and before.get(column):
            raise InputError("store.masked_value", layer=table, column=column, key=key)


def audit_mark(ring: KeyRing, table: str, column: str, value: str | None) -> str | None:
    """Give what the audit keeps of a private value: equal values have equal marks, none can be turned back."""
    return None if value is None else f"sealed:{_keyed(ring, f'audit{chr(31)}{table}{chr(31)}{column}', value)[:16]}"


def _keyed(ring: KeyRing, purpose: str, value: str) -> str:
    return hmac.new(ring.index_key, f"{purpose}\x1f{value}".encode(), hashlib.sha256).hexdigest()


def seal_row(ring: KeyRing, table: str, key: str, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Seal the private columns of a row and put their blind index beside them."""
    sealed = dict(cells)
    for column in SEALED[table]:
        value = cells[column]
        sealed[column] = None if value is None else seal_cell(ring, table, column, key, value)
        if column in INDEXED[table]:
            sealed[index_name(column)] = None if value is None else blind_index(ring, table, column, value)
    return sealed


def check_ring(connection: Connection, table: Table, ring: KeyRing) -> None:
    """Refuse to write with keys that are not this store's: half of it would then be lost with either ring.

    Raises
    ------
    StoreError
        ``keys.wrong``, ``keys.tampered``, ``keys.unsealed``.
    """
    (key,) = _key_columns(table)
    column = table.columns[SEALED[table.name][0]]
    row = connection.execute(select(key, column).order_by(table.columns["fid"]).limit(1)).first()
    if row is not None:
        open_cell(ring, table.name, column.name, row[0], row[1])


def keys_in_use(connection: Connection, table: Table) -> dict[str, int]:
    """Count the sealed cells by the key they need; the empty name counts cells that are not sealed [1]."""
    found: dict[str, int] = {}
    for column in SEALED[table.name]:
        for (cell,) in connection.execute(select(table.columns[column]).where(table.columns[column].is_not(None))):
            found[key_id(cell)] = found.get(key_id(cell), 0) + 1
    return found


def reseal(connection: Connection, table: Table, ring: KeyRing) -> int:
    """Seal every row anew with the current key, and its blind index with it; give how many rows."""
    (key,) = _key_columns(table)
    names = SEALED[table.name]
    query = select(table.columns["fid"], key, *(table.columns[name] for name in names)).order_by(table.columns["fid"])
    written = [*names, *index_columns(table.name)]
    statement = update(table).where(table.columns["fid"] == bindparam("which_fid"))
    statement = statement.values({name: bindparam(name) for name in written})
    rows = connection.execute(query).all()
    for start in range(0, len(rows), _AT_ONCE):
        part = []
        for fid, of, *cells in rows[start : start + _AT_ONCE]:
            told = opened_cells(ring, table.name, of, dict(zip(names, cells, strict=True)))
            part.append(seal_row(ring, table.name, of, told) | {"which_fid": fid})
        connection.execute(statement, part)
    return len(rows)


def opened_cells(ring: KeyRing, table: str, key: str, cells: Mapping[str, Any]) -> dict[str, Any]:
    """Open the private columns among the cells of a row; the others stay as they are."""
    private = SEALED[table]
    return {
        name: open_cell(ring, table, name, key, cell) if name in private and cell is not None else cell
        for name, cell in cells.items()
    }


def _key_columns(table: Table) -> tuple[Any]:
    return (table.columns[f"{table.name}_id"],)
