"""OpenStreetMap extracts: bombs, cuts, entities, roads without points."""

import gzip
import tempfile
from pathlib import Path

from .case import case

NODES = "".join(f'<node id="{i}" lat="{30.4 + i / 1000}" lon="114.7" version="1"/>' for i in range(1, 6))
WAY = (
    '<way id="1" version="1">'
    + "".join(f'<nd ref="{i}"/>' for i in range(1, 6))
    + '<tag k="highway" v="primary"/></way>'
)


def _osm(body, head='<?xml version="1.0"?>'):
    return f'{head}<osm version="0.6">{body}</osm>'


def _pbf():
    import osmium

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "a.osm", Path(folder) / "a.osm.pbf"
        source.write_text(_osm(NODES + WAY), encoding="utf-8")
        with osmium.SimpleWriter(str(target)) as sink:
            for thing in osmium.FileProcessor(str(source)):
                sink.add(thing)
        return target.read_bytes()


def cases(rng, bait):
    to = {"route": "district"}
    text = _osm(NODES + WAY)
    for name, head in {
        "laughs": '<!DOCTYPE o [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>', "file": f'<!DOCTYPE o [<!ENTITY x SYSTEM "file://{bait.file}">]>',
        "url": f'<!DOCTYPE o SYSTEM "{bait.url}">',
    }.items():  # fmt: skip
        yield case(f"{name}.osm", _osm(NODES + WAY, '<?xml version="1.0"?>' + head), "xml_dtd", **to)
        yield case(
            f"{name}.osm.gz", gzip.compress(_osm(NODES + WAY, '<?xml version="1.0"?>' + head).encode()), "xml_dtd", **to
        )
    hurt = {"kind": "damage", **to}
    yield case("cut.osm", text[:300], "file_broken", **hurt)
    yield case("cut.osm.gz", gzip.compress(text.encode())[:-40], "file_broken", **hurt)
    yield case("noise.osm.gz", b"\x1f\x8b" + rng.randbytes(900), "file_broken", **hurt)
    yield case("not_osm.osm.gz", gzip.compress(b"hello"), "file_broken", **hurt)
    yield case("tail.osm.gz", gzip.compress(text.encode()) + b"garbage", **{**hurt, "kind": "any"})
    pbf = _pbf()
    for share in (30, 60, 90, 99):
        yield case(
            f"cut{share}.osm.pbf",
            pbf[: len(pbf) * share // 100],
            "file_broken",
            "content_mismatch",
            "osm_empty",
            **hurt,
        )
    for number in range(4):
        torn = bytearray(pbf)
        for _ in range(20):
            torn[rng.randrange(40, len(torn))] = rng.randrange(256)
        yield case(f"torn{number}.osm.pbf", bytes(torn), **hurt)
    yield case("lying_length.osm.pbf", b"\x00\x00\xff\xff" + pbf[4:], "file_broken", "content_mismatch", **hurt)
    yield case(
        "lying_block.osm.pbf",
        b"\x00\x00\x00\x0d\x0a\x09OSMHeader\x18\xff\xff\xff\x7f",
        "file_broken",
        "content_mismatch",
        **hurt,
    )
    yield case("noise.osm.pbf", rng.randbytes(2000), "content_mismatch", **hurt)
    yield case("empty.osm", b"", "file_empty", **hurt)
    yield case("no_roads.osm", _osm(NODES), "osm_empty", **hurt)
    yield case("no_nodes.osm", _osm(WAY), "osm_incomplete", "osm_empty", **hurt)
    yield case("lost_nodes.osm", _osm('<node id="1" lat="30" lon="114" version="1"/>' + WAY), "osm_incomplete", **hurt)
    yield case("bad_place.osm", _osm(NODES.replace('lon="114.7"', 'lon="9999"') + WAY), **hurt)
    yield case("nan_place.osm", _osm(NODES.replace('lon="114.7"', 'lon="nan"') + WAY), **hurt)
    yield case("id_words.osm", _osm(NODES.replace('id="1"', 'id="x"') + WAY), **hurt)
    yield case("deep.osm", _osm("<a>" * 50_000 + "</a>" * 50_000 + NODES + WAY), kind="any", **to)
    yield case("other_root.osm", "<!-- <osm --><gpx/>", **hurt)
    yield case("geojson.osm", '{"type":"FeatureCollection","features":[]}', "content_mismatch", **hurt)
    yield case("vrt.pbf", '<OGRVRTDataSource><OGRVRTLayer name="a"/></OGRVRTDataSource>', "content_mismatch", **to)
