"""Made-up contents the tests of this room share; no real person."""

from __future__ import annotations

from datetime import date, datetime

import geopandas as gpd
from shapely.geometry import LineString, Point, Polygon

from geo_minzheng.model.document import OrderPaper
from geo_minzheng.model.map import LayerStyle, MapClass, MapContent, MapFlow, MapLayer
from geo_minzheng.model.relief import DispatchOrder, OrderLine, OrderState

PAYLOADS = (
    "${alert(1)}",
    "<img src=x onerror=alert(2)>",
    "</script><script>alert(3)</script>",
    "`-alert(4)-`",
    "\\u003cimg src=x onerror=alert(5)\\u003e",
    "{{7*7}}{% raw %}",
    "\"'><svg onload=alert(6)>",
    "--><!--",
    "&lt;b&gt;\u2028\u2029",
)


def frame(geometry: list[object], **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=geometry, crs="EPSG:4490")


def map_content(names: tuple[str, ...] = PAYLOADS, **change: object) -> MapContent:
    n = len(names)
    villages = frame(
        [Point(114.7 + 0.01 * i, 30.4 + 0.013 * (i % 4)) for i in range(n)],
        code=[f"42070310120{i}" for i in range(n)],
        name=list(names),
        hit=["high" if i % 2 else "low" for i in range(n)],
        coord_source=["synthetic"] * n,
    )
    roads = frame(
        [LineString([(114.7, 30.4), (114.75, 30.42)]), LineString([(114.75, 30.42), (114.8, 30.4)])],
        road_id=["r1", "r2"],
    )
    classes = (MapClass("low", f"轻{names[0]}", "#FEE8C8"), MapClass("high", "重", "#E34A33", "triangle"))
    layers = (
        MapLayer("road", "道路", roads, LayerStyle(colour="#A6A6A6", shape="line")),
        MapLayer(
            "village", f"行政村{names[0]}", villages,
            LayerStyle(by="hit", classes=classes, label="name", label_zoom=8),
            popup=(("name", f"名称{names[-1]}"), ("code", "代码")),
            id_column="code",
        ),
    )  # fmt: skip
    given: dict[str, object] = {
        "title": f"受灾图{names[0]}",
        "layers": layers,
        "footprint": frame([Polygon([(114.69, 30.39), (114.74, 30.39), (114.74, 30.43), (114.69, 30.43)])]),
        "closures": MapLayer(
            "closed",
            "中断路段",
            roads.iloc[:1],
            LayerStyle(colour="#E34A33", width=4),
            (("road_id", "路段"),),
            "road_id",
        ),
        "flows": (MapFlow(LineString([(114.75, 30.42), (114.72, 30.44)]), 1000.0, f"调运{names[0]}"),),
        "notices": (f"说明{names[1]}",),
        "source": f"来源{names[2]}",
        "data_cut": datetime(2026, 7, 3, 21, 40),
        "code": "TJ-1",
    }
    return MapContent(**(given | change))


def order(number: int = 1, **change: object) -> DispatchOrder:
    lines = (
        OrderLine("rice", "大米", "25千克/袋", "千克", "R-1", 5000, 4750, 4750, {"v1": 2000, "v2": 2750}),
        OrderLine("water", "饮用水", "24瓶/箱", "箱", "W-1", None, 648, 648, {"v1": 300, "v2": 348}),
        OrderLine("rice", "大米", "25千克/袋", "千克", "R-2", 0, 250, 250, {"v2": 250}),
    )
    given: dict[str, object] = {
        "order_id": f"DD-{number}", "number": f"华应急调〔2026〕{number}号", "incident": "I1",
        "plan_hash": "9f86d081884c7d65",
        "state": OrderState.APPROVED, "warehouse": "W1", "warehouse_name": "区救灾物资储备库", "receiver": "S1",
        "receiver_name": "中心小学安置点", "contact_name": "DEMO-联络员", "contact_phone": "0000-0000001",
        "route": ("储备库", "国道", "大桥", "小学"), "travel_min": 80.0, "deadline": datetime(2026, 7, 4, 6, 0),
        "cutoff": datetime(2026, 7, 3, 21, 40), "proposer": "DEMO-值班员", "signer": "DEMO-局领导", "lines": lines,
    }  # fmt: skip
    return DispatchOrder(**(given | change))


def paper(**change: object) -> OrderPaper:
    given: dict[str, object] = {
        "bureau": "区应急管理局", "incident_name": "“7·3”洪涝灾害", "issued_on": date(2026, 7, 3),
        "names": {"v1": "牌坊村", "v2": "芦花村"}, "to": ("区发展和改革局",), "cc": ("区防办",), "synthetic": True,
    }  # fmt: skip
    return OrderPaper(**(given | change))
