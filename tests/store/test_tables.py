"""The tables are the catalogue, the migrations make the tables, the register knows every table."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from geo_minzheng.store import migrate
from geo_minzheng.store.columns import Moment
from geo_minzheng.store.geometry import Geometry
from geo_minzheng.store.seal import index_columns
from geo_minzheng.store.session import make_engine
from geo_minzheng.store.tables import APPEND_ONLY, LAYERS, METADATA

KINDS = {"Point": "POINT", "LineString": "MULTILINESTRING", "Polygon": "MULTIPOLYGON", "none": None}
TYPES = {"int": sa.BigInteger, "float": sa.Double, "bool": sa.Boolean, "date": sa.Date}
PROVENANCE = ["coord_source", "source_crs", "source_file", "imported_at"]


def test_one_table_per_layer(specs):
    assert set(LAYERS) == set(specs)


def test_layer_tables_equal_the_catalogue(specs):
    for name, spec in specs.items():
        table = LAYERS[name].__table__
        expected = ["fid", *(["geom"] if KINDS[spec.geometry] else []), *(c.name for c in spec.columns), *PROVENANCE]
        expected += index_columns(name)
        assert [c.name for c in table.columns] == expected, name
        assert spec.key == LAYERS[name].KEY, name
        uniques = [tuple(c.name for c in u.columns) for u in table.constraints if isinstance(u, sa.UniqueConstraint)]
        assert uniques == [spec.key], name
        if KINDS[spec.geometry]:
            assert isinstance(table.c.geom.type, Geometry)
            assert table.c.geom.type.kind == KINDS[spec.geometry]
        for column in spec.columns:
            stored = table.c[column.name]
            assert isinstance(stored.type, TYPES.get(column.type, sa.Text)), (name, column.name)
            needed = column.required or column.default is not None or column.name in spec.key
            assert stored.nullable is not needed, (name, column.name)
        assert isinstance(table.c.imported_at.type, Moment)


@pytest.mark.filterwarnings("ignore:Did not recognize type")
def test_migrations_make_exactly_the_tables(engine):
    spatial_or_foreign = ("gix_", "gpkg_", "rtree_", "spatial_ref_sys", "alembic_version")

    def ours(thing, name, kind, reflected, compare_to):
        if kind in {"table", "index"} and name and name.startswith(spatial_or_foreign):
            return False
        return not (kind == "unique_constraint" and name is None)

    with engine.connect() as link:
        context = MigrationContext.configure(link, opts={"include_object": ours, "compare_type": True})
        differences = compare_metadata(context, METADATA)
        checks = {
            (table.name, check["name"])
            for table in METADATA.sorted_tables
            for check in sa.inspect(link).get_check_constraints(table.name)
        }
    assert [d for d in differences if not _is_same_type(d)] == []
    declared = {
        (table.name, str(check.name))
        for table in METADATA.sorted_tables
        for check in table.constraints
        if isinstance(check, sa.CheckConstraint)
    }
    assert checks == declared


def _is_same_type(difference) -> bool:
    """SQLite reads POINT, DATETIME and so on back as types it does not know: their words are compared elsewhere."""
    if not isinstance(difference, list) or difference[0][0] != "modify_type":
        return False
    _, _, table, column, _, found, _ = difference[0]
    words = {"NULL", "INTEGER", "POINT", "MULTIPOLYGON", "MULTILINESTRING", "DATETIME", "NUMERIC"}
    return str(found) in words and isinstance(METADATA.tables[table].c[column].type, Geometry | Moment)


def test_geometry_and_moment_columns_carry_names_gdal_knows(file_url):
    engine = make_engine(file_url)
    with engine.connect() as link:
        for table in METADATA.sorted_tables:
            declared = {row[1]: row[2] for row in link.exec_driver_sql(f'PRAGMA table_info("{table.name}")')}
            for column in table.columns:
                if isinstance(column.type, Geometry):
                    assert declared[column.name] == column.type.kind
                else:
                    assert declared[column.name] in {"INTEGER", "TEXT", "DOUBLE", "BOOLEAN", "DATE", "DATETIME"}
    engine.dispose()


def test_head_is_the_last_migration():
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(migrate.__file__).replace("migrate.py", "migrations"))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == migrate.HEAD


def test_what_a_decision_rests_on_only_grows():
    names = {table.__tablename__ for table in APPEND_ONLY}
    assert {"audit", "voucher", "movement", "plan", "approval", "report_version", "report_review", "closure"} <= names
