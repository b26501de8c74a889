"""Text in the wrong clothes."""

from .archives import GOOD_ROW, TABLE
from .broken import ROWS
from .builders import VILLAGE, collection, feature, table, village_csv
from .case import case


def cases(rng, bait):
    rows = [VILLAGE, *ROWS[:4]]
    fine = {"kind": "harmless", "rows": 4, **TABLE}
    for code in ("utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16", "utf-16-le", "utf-16-be"):
        yield case(f"{code}.csv", table(rows, code), **fine)
    yield case("tabs.tsv", table(rows, "utf-8", "\t"), **fine)
    yield case("windows.csv", table(rows, "gb18030", ",", "\r\n"), **fine)
    yield case("old_mac.csv", table(rows, "utf-8", ",", "\r"), **fine)
    yield case("semicolon.csv", table(rows, "utf-8", ";"), **fine)
    yield case("wide_comma.csv", table(rows, "utf-8", "，"), **fine)
    bad = {"kind": "damage", **TABLE}
    yield case("undecodable.csv", village_csv().encode() + b"\xff\xff\xff\xff,\x80\n", "encoding_wrong", **bad)
    yield case(
        "two_encodings.csv",
        village_csv(ROWS[0]).encode() + "420703100002,乙村,1,1,114.7,30.4\n".encode("gbk")[:-1] + b"\xff\n",
        "encoding_wrong",
        "column_missing",
        **bad,
    )
    yield case(
        "utf8_then_gbk.csv",
        village_csv(*ROWS[:2]).encode() + ",".join(map(str, ROWS[5])).replace("村", "鄂州村").encode("gbk") + b"\n",
        **bad,
    )
    yield case("utf32.csv", table(rows, "utf-32"), "content_mismatch", "encoding_wrong", **bad)
    yield case("utf16_odd.csv", table(rows, "utf-16")[:-1], "encoding_wrong", **bad)
    yield case(
        "utf16_half_pair.csv",
        table(rows, "utf-16-le").replace("村".encode("utf-16-le"), b"\x00\xd8", 1),
        "encoding_wrong",
        "content_mismatch",
        **bad,
    )
    yield case(
        "surrogate_utf8.csv",
        village_csv(ROWS[0]).encode().replace("村".encode(), b"\xed\xa0\x80"),
        "encoding_wrong",
        "column_missing",
        **bad,
    )
    yield case(
        "overlong.csv",
        village_csv(ROWS[0]).encode().replace(b",114", b"\xc0\xac114"),
        "encoding_wrong",
        "column_missing",
        **bad,
    )
    yield case("bom_inside.csv", village_csv(*ROWS[:2]).replace("村2", "\ufeff村2"), kind="harmless", rows=2, **TABLE)
    yield case("two_boms.csv", b"\xef\xbb\xbf" * 2 + village_csv(*ROWS[:2]).encode(), kind="harmless", rows=2, **TABLE)
    yield case(
        "big5.csv",
        "行政村代碼,行政村名稱,常住人口,總戶數,經度,緯度\n420703100001,甲村,1,1,114.7,30.4\n".encode("big5"),
        "column_missing",
        **bad,
    )
    yield case(
        "shift_jis.csv",
        "行政村代碼,名称,人口\n420703100001,あ,1\n".encode("shift-jis"),
        "column_missing",
        "encoding_wrong",
        **bad,
    )
    row_bad = {"kind": "mistake", **TABLE}
    for name, sign in {
        "replacement": "\ufffd", "bell": "\x07", "escape": "\x1b[2J", "delete": "\x7f", "c1": "\x85", "right_to_left": "\u202e", "isolate": "\u2067", "tag": "\U000e0041",
    }.items():  # fmt: skip
        yield case(
            f"sign_{name}.csv",
            village_csv(ROWS[0], ["420703100002", f"乙{sign}村", 1, 1, 114.7, 30.4]),
            "text_unreadable",
            **row_bad,
        )
    for name, sign in {"zero_width": "\u200b", "nbsp": "\u00a0", "wide_space": "\u3000"}.items():
        yield case(
            f"code_{name}.csv",
            village_csv([f"420703100001{sign}", "甲村", 1, 1, 114.7, 30.4]),
            kind="harmless",
            rows=1,
            **TABLE,
        )
    yield case(
        "wide_digits.csv",
        village_csv(["４２０７０３１００００１", "甲村", "１０", "３", "１１４.７", "３０.４"]),
        kind="harmless",
        rows=1,
        **TABLE,
    )
    for name, text in {"half": "\\ud800", "half_low": "\\udc00", "wrong_order": "\\udc00\\ud800"}.items():
        yield case(
            f"surrogate_{name}.geojson",
            collection(feature(name="@")).replace("@", text),
            "text_unreadable",
            kind="mistake",
        )
    yield case(
        "surrogate_key.geojson", collection(feature(extra="@")).replace("extra", "\\ud800"), kind="harmless", rows=1
    )
    yield case(
        "nul_name.geojson",
        collection(feature(name="甲\x00村")).replace("\x00", "\\u0000"),
        "text_unreadable",
        kind="mistake",
    )
    yield case("gbk.geojson", collection(feature()).encode("gbk"), kind="harmless", rows=1)
    yield case("utf16.geojson", collection(feature()).encode("utf-16"), kind="harmless", rows=1)
    yield case(
        "undecodable.geojson",
        collection(feature()).encode().replace("甲".encode(), b"\xff\xff"),
        "encoding_wrong",
        kind="damage",
    )
    for number, word in enumerate(("zip", "hex", "rot13", "punycode", "no_such_code", "idna", "undefined", "../etc")):
        yield case(f"declared{number}.csv", village_csv(GOOD_ROW), options=("--encoding", word), **bad)
