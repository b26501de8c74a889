"""Files that GDAL would open with another driver than their name says."""

from .builders import archive, collection, feature, kml, shapefile
from .case import case

MISMATCH = ("content_mismatch", "format_unknown")


def _vrt(source, layer="passwd"):
    return f'<OGRVRTDataSource><OGRVRTLayer name="{layer}"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer></OGRVRTDataSource>'


def cases(rng, bait):
    local, remote = _vrt(f"CSV:{bait.file}"), _vrt(f"/vsicurl/{bait.url}", "a")
    for suffix in ("geojson", "json", "kml", "gpkg", "shp", "csv", "xlsx", "xls", "zip", "tsv", "txt", "et", "kmz"):
        yield case(f"vrt_file.{suffix}", local, *MISMATCH)
        yield case(f"vrt_url.{suffix}", remote, *MISMATCH)
    raster = (
        f'<VRTDataset rasterXSize="10" rasterYSize="10"><VRTRasterBand dataType="Float32" band="1"><SimpleSource>'
        f"<SourceFilename>{bait.file}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    for suffix in ("tif", "tiff", "asc", "agr"):
        yield case(f"vrt_raster.{suffix}", raster, *MISMATCH, route="footprint")
        yield case(
            f"vrt_raster_url.{suffix}", raster.replace(bait.file, f"/vsicurl/{bait.url}"), *MISMATCH, route="footprint"
        )
    yield case("vrt_raster.kml", raster, *MISMATCH)
    yield case("vrt_bom.geojson", b"\xef\xbb\xbf  \n" + local.encode(), *MISMATCH)
    yield case("vrt_utf16.csv", local.encode("utf-16"), *MISMATCH)
    yield case("vrt_comment.kml", "<!-- <kml -->" + local, "content_mismatch", "file_broken")
    yield case("vrt_says_kml.kml", local.replace("passwd", "&lt;kml <kml/>"), "content_mismatch", "file_broken")
    parts = {".shp": local, ".shx": local, ".dbf": local}
    yield case("vrt_in.zip", archive([("a" + s, d) for s, d in parts.items()]), "file_broken", *MISMATCH)
    yield case("vrt_in.kmz", archive([("doc.kml", local)]), "content_mismatch", "file_broken")
    good = shapefile()
    yield case("vrt_as_prj.zip", archive([("a" + s, d) for s, d in good.items()] + [("a.prj", local)]), "crs_unknown")
    yield case(
        "vrt_as_dbf.zip",
        archive([("a.shp", good[".shp"]), ("a.shx", good[".shx"]), ("a.dbf", local)]),
        "file_broken",
        "file_truncated",
    )
    for name, line in {
        "postgres": f"PG:host=127.0.0.1 port={bait.port} dbname=x", "mysql": "MYSQL:x,host=127.0.0.1",
        "wfs": f"WFS:{bait.url}", "curl": f"/vsicurl/{bait.url}", "stdin": "/vsistdin/", "csv": f"CSV:{bait.file}",
        "sub": f"/vsisubfile/0_100,{bait.file}", "s3": "/vsis3/bucket/a.geojson", "zip": f"/vsizip/{bait.file}",
    }.items():  # fmt: skip
        yield case(f"connect_{name}.geojson", line, *MISMATCH)
        yield case(
            f"connect_{name}.csv",
            line + "\n",
            "column_missing",
            "no_rows",
            "crs_missing",
            layer="village",
            crs="EPSG:4490",
        )
    wfs = f"<OGRWFSDataSource><URL>{bait.url}</URL></OGRWFSDataSource>"
    yield case("wfs.kml", wfs, *MISMATCH)
    yield case(
        "wms.tif",
        f"<GDAL_WMS><Service name='TMS'><ServerUrl>{bait.url}</ServerUrl></Service></GDAL_WMS>",
        *MISMATCH,
        route="footprint",
    )
    yield case("gml.kml", "<gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml'/>", *MISMATCH)
    yield case("gml_called.gml", "<gml:FeatureCollection xmlns:gml='http://www.opengis.net/gml'/>", "format_unknown")
    yield case("program.csv", b"\x7fELF\x02\x01\x01" + bytes(64), *MISMATCH, layer="village")
    yield case("windows_program.xlsx", b"MZ\x90\x00" + rng.randbytes(300), *MISMATCH, layer="village")
    yield case("page.xls", "<html><table><tr><td>1</td></tr></table></html>", *MISMATCH, layer="village")
    yield case("page.geojson", "<!DOCTYPE html><html><script>alert(1)</script></html>", *MISMATCH)
    yield case("tiff.geojson", b"II*\x00" + bytes(64), *MISMATCH)
    yield case("picture.kml", b"\x89PNG\r\n\x1a\n" + bytes(64), *MISMATCH)
    yield case("paper.xlsx", b"%PDF-1.7\n" + bytes(64), *MISMATCH, layer="village")
    yield case("rar.zip", b"Rar!\x1a\x07\x00" + bytes(64), *MISMATCH)
    yield case("seven.zip", b"7z\xbc\xaf\x27\x1c" + bytes(64), *MISMATCH)
    yield case("link.csv.lnk", b"L\x00\x00\x00", "format_unknown")
    yield case("script.py", "import os", "format_unknown")
    yield case("sheet.ods", archive([("mimetype", "application/vnd.oasis.opendocument.spreadsheet")]), *MISMATCH)
    yield case("topology.geojson", '{"type":"Topology","objects":{}}', "not_geojson")
    yield case("esri.json", '{"displayFieldName":"","geometryType":"esriGeometryPolygon","features":[]}', "not_geojson")
    yield case("stac.json", f'{{"type":"Catalog","links":[{{"href":"{bait.url}"}}]}}', "not_geojson")
    yield case("tilejson.json", f'{{"tilejson":"3.0.0","tiles":["{bait.url}"]}}', "not_geojson")
    yield case("array.geojson", "[1,2,3]", "not_geojson")
    yield case("number.geojson", "{}", "not_geojson")
    yield case("kml_in.geojson", kml(""), *MISMATCH)
    yield case("geojson_in.kml", collection(feature()), *MISMATCH)
    yield case("geojson_in.csv", collection(feature()), *MISMATCH)
    yield case("geojson_in.gpkg", collection(feature()), *MISMATCH)
    yield case("npy_in.csv", b"\x93NUMPY\x01\x00v\x00" + b" " * 117 + b"\n", *MISMATCH)
    yield case("tif_as_layer.tif", b"II*\x00" + bytes(64), "format_unknown")
    yield case("osm_as_layer.osm", "<osm version='0.6'/>", "format_unknown")
