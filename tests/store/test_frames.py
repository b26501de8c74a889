"""Layers in and out: by key, the same twice changes nothing, found by box, code and day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from store_play import ACT, fresh_file

from geo_minzheng.errors import InputError, NotFoundError, RefusedError
from geo_minzheng.store import ledger, upsert
from geo_minzheng.store.frames import count_rows, divisions_on, read_layer
from geo_minzheng.store.session import make_engine, read_session, store_session
from geo_minzheng.store.stock import movement_rows, stock_rows
from geo_minzheng.store.tables import AuditRow
from geo_minzheng.store.upsert import write_layer
from geo_minzheng.store.verify import verify


def villages(n=5, start=0):
    rng = np.random.default_rng(n)
    return gpd.GeoDataFrame(
        {
            "code": [f"420704{100 + i % 3}{200 + i:03d}" for i in range(start, start + n)],
            "name": [f"村{i}" for i in range(start, start + n)],
            "resident_population": rng.integers(0, 3000, n),
            "household_count": 100,
            "coord_source": "synthetic",
            "source_crs": "EPSG:4490",
            "source_file": "村.csv",
        },
        geometry=shapely.points(114.5 + rng.random(n), 30.2 + rng.random(n)),
        crs="EPSG:4490",
    )


def lots(**other):
    given = {
        "warehouse_id": ["W1", "W1"], "lot_no": ["L1", "L2"], "item": ["tent_12", "rice"], "quantity": [100.0, 2.5],
        "unit": ["顶", "千克"], "owner": ["district", "city"], "releasing_authority": ["区应急局", "市应急局"],
        "received_on": [date(2026, 1, 1), date(2026, 1, 2)], "expiry_on": [None, date(2027, 1, 1)],
    }  # fmt: skip
    return pd.DataFrame(given | other)


def put(engine, spec, frame, act=ACT):
    with store_session(engine) as session:
        said = write_layer(session, spec, frame, act)
        session.commit()
    return said


def audit_count(engine):
    with read_session(engine) as session:
        return session.scalar(sa.select(sa.func.count()).select_from(AuditRow))


def test_the_same_rows_twice_change_nothing(engine, specs):
    assert put(engine, specs["village"], villages()) == {"accepted": 5, "unchanged": 0}
    before = audit_count(engine)
    later = replace(ACT, at=datetime.fromisoformat("2027-01-01T00:00:00+08:00"))
    again = villages().assign(source_file="另一个文件.csv").iloc[::-1]
    assert put(engine, specs["village"], again, later) == {"accepted": 0, "unchanged": 5}
    assert audit_count(engine) == before
    with read_session(engine) as session:
        frame = read_layer(session, "village")
    assert set(frame.source_file) == {"村.csv"}
    assert (frame.imported_at == pd.Timestamp("2026-07-15T02:30:00Z")).all()


def test_what_is_read_is_what_was_written(engine, specs):
    given = villages()
    put(engine, specs["village"], given)
    with read_session(engine) as session:
        frame = read_layer(session, "village")
    assert isinstance(frame, gpd.GeoDataFrame)
    assert frame.crs.to_epsg() == 4490
    given = given.sort_values("code", ignore_index=True)
    assert frame.code.tolist() == given.code.tolist()
    assert frame.resident_population.tolist() == given.resident_population.tolist()
    assert frame.geometry.geom_equals_exact(given.geometry, 0).all()
    assert frame.non_resident_population.tolist() == [0] * 5
    assert frame.dtypes.astype(str).to_dict() | {"geometry": ""} == {
        "code": "str", "name": "str", "resident_population": "int64", "non_resident_population": "int64",
        "household_count": "int64", "elderly_60": "int64", "children_14": "int64", "disabled": "int64",
        "coord_source": "str", "source_crs": "str", "source_file": "str", "imported_at": "datetime64[ms, UTC]",
        "geometry": "",
    }  # fmt: skip


def test_what_a_partial_file_does_not_say_stays(engine, specs):
    put(engine, specs["village"], villages().assign(elderly_60=7, disabled=3))
    part = villages()[["code", "name", "resident_population", "household_count", "geometry"]]
    assert put(engine, specs["village"], part.iloc[::-1]) == {"accepted": 0, "unchanged": 5}
    nearly = part.set_geometry(shapely.transform(part.geometry.to_numpy(), lambda at: at + 1e-11))
    assert put(engine, specs["village"], nearly) == {"accepted": 0, "unchanged": 5}
    part.loc[0, "resident_population"] = 9999
    part.loc[1, "geometry"] = shapely.Point(115, 30)
    fresh = villages(1, start=9)[part.columns]
    assert put(engine, specs["village"], pd.concat([part, fresh])) == {"accepted": 3, "unchanged": 3}
    with read_session(engine) as session:
        rows = read_layer(session, "village").set_index("code")
        assert count_rows(session, "village") == 6
        assert count_rows(session, "village", coord_source="synthetic") == 4
        with pytest.raises(NotFoundError):
            count_rows(session, "no_such_layer")
    old = rows.loc[list(part.code)]
    assert set(old.elderly_60) == {7}
    assert set(old.disabled) == {3}
    assert old.loc[part.code[0], ["resident_population", "coord_source"]].tolist() == [9999, "synthetic"]
    assert old.coord_source.tolist().count("imported") == 1
    assert rows.loc[fresh.code.iloc[0], ["elderly_60", "coord_source"]].tolist() == [0, "imported"]


def test_an_empty_layer_has_its_columns(engine, specs):
    with read_session(engine) as session:
        for name, spec in specs.items():
            frame = read_layer(session, name)
            assert len(frame) == 0
            assert {c.name for c in spec.columns} <= set(frame.columns)
            assert isinstance(frame, gpd.GeoDataFrame) is (spec.geometry != "none")
            if spec.geometry != "none":
                assert len(read_layer(session, name, bounds=(0, 0, 1, 1))) == 0


def test_changed_rows_change_and_leave_before_and_after(engine, specs):
    put(engine, specs["village"], villages())
    given = villages()
    given.loc[2, "name"] = "改名村"
    given.loc[3, "geometry"] = shapely.Point(115, 30)
    more = pd.concat([given, villages(3, start=5)], ignore_index=True)
    assert put(engine, specs["village"], more) == {"accepted": 5, "unchanged": 3}
    with read_session(engine) as session:
        rows = session.execute(
            sa.select(AuditRow.row_key, AuditRow.before, AuditRow.after).where(AuditRow.action == "layer.change")
        ).all()
        assert (given.code[2], '{"name":"村2"}', '{"name":"改名村"}') in [tuple(row) for row in rows]
        assert len(rows) == 2
        summary = session.scalars(sa.select(AuditRow.after).where(AuditRow.action == "layer.import")).all()[-1]
        assert '"changed":2' in summary
        assert '"inserted":3' in summary
        frame = read_layer(session, "village").set_index("code")
        assert frame.geometry[given.code[3]] == shapely.Point(115, 30)
        assert all(found.is_ok for found in verify(session).values())


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (lambda f: f.assign(code="420704100200"), "duplicate_key"),
        (lambda f: f.assign(name=None), "missing_value"),
        (lambda f: f.drop(columns="household_count"), "missing_value"),
        (lambda f: f.assign(household_count=1.5), "bad_value"),
        (lambda f: f.assign(household_count="many"), "bad_value"),
    ],
)
def test_an_unchecked_frame_is_refused_whole(engine, specs, change, key):
    with pytest.raises(InputError) as refused:
        put(engine, specs["village"], change(villages()))
    assert refused.value.key == f"store.{key}"
    with read_session(engine) as session:
        assert len(read_layer(session, "village")) == 0


def test_unknown_layers_and_columns(engine, specs):
    with read_session(engine) as session, pytest.raises(NotFoundError, match="no_layer"):
        read_layer(session, "no_such_layer")
    with pytest.raises(NotFoundError, match="no_layer"):
        put(engine, replace(specs["village"], name="no_such_layer"), villages())
    newer = replace(
        specs["village"], columns=(*specs["village"].columns, replace(specs["village"].columns[0], name="new"))
    )
    with pytest.raises(InputError, match="no_column"):
        put(engine, newer, villages())


def test_lines_and_areas_are_stored_as_multi(engine, specs):
    put(
        engine,
        specs["water"],
        gpd.GeoDataFrame({"water_id": ["A"], "water_kind": "lake"}, geometry=[shapely.box(0, 0, 1, 1)]),
    )
    line = shapely.LineString([(0, 0, 5), (1, 1, 5)])
    put(
        engine,
        specs["road"],
        gpd.GeoDataFrame({"road_id": ["R"], "road_class": "track", "kmh": [None]}, geometry=[line]),
    )
    with read_session(engine) as session:
        assert read_layer(session, "water").geom_type.tolist() == ["MultiPolygon"]
        road = read_layer(session, "road")
    assert road.geom_type.tolist() == ["MultiLineString"]
    assert not road.has_z.any()
    assert road.kmh.isna().all()
    assert road.oneway.tolist() == [False]
    assert put(engine, specs["road"], road.assign(source_file="x")) == {"accepted": 0, "unchanged": 1}


def test_codes_and_scope(engine, specs):
    given = villages(9)
    put(engine, specs["village"], given)
    with read_session(engine) as session:
        some = given.code[[1, 4]].tolist()
        assert read_layer(session, "village", codes=some).code.tolist() == sorted(some)
        assert len(read_layer(session, "village", codes=[])) == 0
        assert len(read_layer(session, "village", codes=[f"no{i}" for i in range(1500)])) == 0
        assert read_layer(session, "village", scope="420704101").code.str.startswith("420704101").all()
        assert len(read_layer(session, "village", scope="420704101")) == 3
        assert len(read_layer(session, "village", scope="%")) == 0
        for narrowed in ({"codes": ["x"]}, {"scope": "42"}):
            with pytest.raises(InputError, match="no_division"):
                read_layer(session, "road", **narrowed)
        with pytest.raises(InputError, match="no_geometry"):
            read_layer(session, "household", bounds=(0, 0, 1, 1))


def test_a_box_finds_what_a_full_look_finds(engine, specs):
    given = villages(300)
    put(engine, specs["village"], given)
    rng = np.random.default_rng(7)
    with read_session(engine) as session:
        for _ in range(20):
            x, y = 114.4 + rng.random(2).cumsum() * 0.7, 30.1 + rng.random(2).cumsum() * 0.7
            box = (x[0], y[0], x[1], y[1])
            expected = given[given.geometry.x.between(x[0], x[1]) & given.geometry.y.between(y[0], y[1])]
            assert read_layer(session, "village", bounds=box).code.tolist() == sorted(expected.code)


def test_divisions_by_day(engine, specs):
    frame = pd.DataFrame(
        {
            "code": ["420704100", "420704100", "420704101"],
            "name": ["旧镇", "新镇", "镇"],
            "valid_from": ["1949-10-01", "2020-05-01", None],
            "valid_to": ["2020-05-01", None, None],
        }
    )
    assert put(engine, specs["division"], frame) == {"accepted": 3, "unchanged": 0}
    assert put(engine, specs["division"], frame) == {"accepted": 0, "unchanged": 3}
    with read_session(engine) as session:
        assert divisions_on(session, date(2020, 4, 30)).name.tolist() == ["旧镇", "镇"]
        assert divisions_on(session, date(2020, 5, 1)).name.tolist() == ["新镇", "镇"]
        assert divisions_on(session, date(1900, 1, 1)).empty


def test_lots_are_opened_by_a_receipt_and_only_the_ledger_moves_them(engine, specs):
    assert put(engine, specs["stock_lot"], lots()) == {"accepted": 2, "unchanged": 0}
    with store_session(engine) as session:
        assert [(r.lot_no, r.quantity) for r in stock_rows(session)] == [("L1", 100), ("L2", 2.5)]
        assert {r.kind for r in movement_rows(session)} == {"receipt"}
        ledger.issue(session, ACT, "出-1", [ledger.LotLine("W1", "L1", 40)])
        session.commit()
    assert put(engine, specs["stock_lot"], lots()) == {"accepted": 0, "unchanged": 2}
    with read_session(engine) as session:
        assert read_layer(session, "stock_lot").quantity.tolist() == [60, 2.5]
    for change in ({"quantity": [60.0, 2.5]}, {"item": ["quilt", "rice"]}, {"unit": ["床", "千克"]}):
        with pytest.raises(RefusedError) as refused:
            put(engine, specs["stock_lot"], lots(**change))
        assert refused.value.key == "store.lot_changed"
        assert refused.value.facts["lot"] == "W1/L1"
    assert put(engine, specs["stock_lot"], lots(owner=["city", "city"])) == {"accepted": 1, "unchanged": 1}
    with read_session(engine) as session:
        assert [r.owner for r in stock_rows(session)] == ["city", "city"]
        assert all(found.is_ok for found in verify(session).values())


def test_lots_in_odd_amounts(engine, specs):
    assert put(engine, specs["stock_lot"], lots(quantity=[0.0, 0.1 + 0.2])) == {"accepted": 2, "unchanged": 0}
    with read_session(engine) as session:
        assert [r.quantity for r in stock_rows(session)] == [0, 0.3]
        assert verify(session)["ledger"].is_ok
    with pytest.raises(InputError, match="bad_quantity"):
        put(engine, specs["stock_lot"], lots(lot_no=["L8", "L9"], quantity=[1.0, 0.00005]))
    with read_session(engine) as session:
        assert len(stock_rows(session)) == 2


CELLS = st.fixed_dictionaries(
    {
        "house_id": st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=6),
        "village_code": st.sampled_from(["420704100201", "420704100202"]),
        "door_plate": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6),
        "structure_type": st.just("adobe"),
        "built_year": st.none() | st.integers(1800, 2100),
        "floor_area_m2": st.none() | st.floats(1, 1e5),
        "grade_date": st.none() | st.dates(date(1900, 1, 1), date(2200, 1, 1)),
        "is_occupied": st.none() | st.booleans(),
        "x": st.floats(73, 136),
        "y": st.floats(3, 54),
    }
)


@given(st.lists(CELLS, max_size=8, unique_by=lambda row: row["house_id"]), st.randoms())
@settings(max_examples=25)
def test_any_frame_round_trips_in_any_order(template, tmp_path_factory, specs, rows, rng):
    folder = tmp_path_factory.mktemp("frames")
    engine = make_engine(fresh_file(template, folder / "a.gpkg"))
    names = [name for name in (rows[0] if rows else []) if name not in {"x", "y"}]
    frame = gpd.GeoDataFrame(
        {name: [row[name] for row in rows] for name in names}, geometry=[shapely.Point(r["x"], r["y"]) for r in rows]
    )
    assert put(engine, specs["house"], frame) == {"accepted": len(rows), "unchanged": 0}
    order = list(range(len(rows)))
    rng.shuffle(order)
    assert put(engine, specs["house"], frame.iloc[order]) == {"accepted": 0, "unchanged": len(rows)}
    with read_session(engine) as session:
        back = read_layer(session, "house")
        assert put(engine, specs["house"], back) == {"accepted": 0, "unchanged": len(rows)}
        assert verify(session)["geometry_index"].is_ok
    engine.dispose()


def test_a_few_rows_into_a_large_table_look_up_only_their_keys(engine, specs, monkeypatch):
    monkeypatch.setattr(upsert, "_FEW", 3)
    put(engine, specs["village"], villages(9))
    monkeypatch.setattr(upsert, "_FEW", 100)
    assert put(engine, specs["village"], villages(9).iloc[:2]) == {"accepted": 0, "unchanged": 2}
