"""What every table shares: column types that GeoPackage and PostGIS both understand, and the provenance of a row."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Boolean, Date, DateTime, Dialect, Double, Integer, MetaData, Text, inspect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from geo_minzheng.store.canonical import moment_text, to_json

# 64 bits on both; SQLite accepts a self-numbering key only under the plain name INTEGER.
Whole = BigInteger().with_variant(Integer(), "sqlite")


class _TextMoment(UserDefinedType[str]):
    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "DATETIME"


class Moment(TypeDecorator[datetime]):
    """A moment with time zone, kept in UTC to the millisecond; read back in UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Use GeoPackage's text form on SQLite."""
        return dialect.type_descriptor(_TextMoment() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Refuse a moment without time zone by ``ValueError``."""
        if value is None:
            return None
        text = moment_text(value)
        return text if dialect.name == "sqlite" else datetime.fromisoformat(text)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Give the moment in UTC."""
        if value is None:
            return None
        return datetime.fromisoformat(value) if isinstance(value, str) else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A document as canonical JSON text, byte for byte the same on every database, so that its hash holds."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Write canonical JSON; SQL NULL for ``None``."""
        return None if value is None else to_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        """Read the document."""
        return None if value is None else json.loads(value)


class Base(DeclarativeBase):
    """A table with an integer row number, as GeoPackage wants it, and a business key that is unique."""

    metadata = MetaData(
        naming_convention={
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: Text(),
        int: Whole,
        float: Double(),
        bool: Boolean(),
        date: Date(),
        datetime: Moment(),
        dict[str, Any]: Json(),
        list[Any]: Json(),
    }
    KEY: ClassVar[tuple[str, ...]] = ("fid",)

    fid: Mapped[int] = mapped_column(primary_key=True, sort_order=-20)

    def key_text(self) -> str:
        """Spell the business key, parts joined by a slash."""
        return "/".join(str(getattr(self, name)) for name in self.KEY)

    def values(self) -> dict[str, Any]:
        """Give the row as a plain mapping without its row number."""
        names = [c.key for c in inspect(type(self)).column_attrs if c.key != "fid"]
        return {name: getattr(self, name) for name in names}


class Made:
    """Who made the row, in which role, and when."""

    who: Mapped[str] = mapped_column(sort_order=80)
    role: Mapped[str] = mapped_column(sort_order=81, default="")
    at: Mapped[datetime] = mapped_column(sort_order=82)


class Frozen(Made):
    """A result kept with what it was made from; never changed, only followed by another."""

    policy_version: Mapped[str] = mapped_column(sort_order=70, default="")
    seed: Mapped[int | None] = mapped_column(sort_order=71)
    input_hash: Mapped[str] = mapped_column(sort_order=72)
    result_hash: Mapped[str] = mapped_column(sort_order=73)
    document: Mapped[dict[str, Any]] = mapped_column(sort_order=74)
    exercise: Mapped[bool] = mapped_column(sort_order=75, default=False)
