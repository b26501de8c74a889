"""XML that declares entities, links outside, or nests without end: KML, KMZ and the parts of a workbook."""

from .archives import GOOD_ROW, TABLE, _with
from .builders import PLACEMARK, VILLAGE, archive, kml, rezip, workbook
from .case import case

LAUGHS = '<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>'


def _doctypes(bait):
    yield "laughs", LAUGHS
    yield "quadratic", f'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "{"x" * 50_000}">]>'
    yield "entity_file", f'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY x SYSTEM "file://{bait.file}">]>'
    yield "entity_url", f'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY x SYSTEM "{bait.url}">]>'
    yield "external_dtd", f'<?xml version="1.0"?><!DOCTYPE k SYSTEM "{bait.url}">'
    yield "public_dtd", f'<?xml version="1.0"?><!DOCTYPE k PUBLIC "-//x" "{bait.url}">'
    yield "parameter", f'<?xml version="1.0"?><!DOCTYPE k [<!ENTITY % p SYSTEM "{bait.url}"> %p;]>'
    yield "plain_dtd", '<?xml version="1.0"?><!DOCTYPE kml>'
    yield "attlist", '<?xml version="1.0"?><!DOCTYPE k [<!ATTLIST kml a CDATA "b">]>'
    yield "commented", '<?xml version="1.0"?><!-- a --><!DOCTYPE k [<!ENTITY a "b">]>'


def cases(rng, bait):
    book = workbook([VILLAGE, GOOD_ROW])
    for name, head in _doctypes(bait):
        document = kml(PLACEMARK.replace("甲村", "甲村&x;" if "entity" in name else "甲村"), head)
        yield case(f"{name}.kml", document, "xml_dtd")
        yield case(f"{name}.kmz", archive([("doc.kml", document)]), "xml_dtd", "zip_ratio")
        for part in (
            "sheet1.xml",
            "sharedStrings.xml",
            "workbook.xml",
            "styles.xml",
            "workbook.xml.rels",
            "[Content_Types].xml",
        ):
            if name in ("laughs", "entity_file", "external_dtd"):
                poisoned = rezip(
                    book,
                    lambda n, d, p=part, h=head: (
                        h.encode() + d.partition(b"?>")[2]
                        if n.endswith(p) and d.startswith(b"<?xml")
                        else h.encode() + d
                        if n.endswith(p)
                        else d
                    ),
                )
                stem = part.replace(".", "_").strip("[]")
                if poisoned != rezip(book, lambda n, d: d):
                    yield case(f"{name}_{stem}.xlsx", poisoned, "xml_dtd", **TABLE)
    xxe = dict(_doctypes(bait))["entity_file"]
    for code in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030", "utf-7"):
        head = xxe.replace('"1.0"', f'"1.0" encoding="{code}"')
        yield case(
            f"dtd_{code.replace('-', '')}.kml",
            kml(PLACEMARK, head).encode(code),
            "content_mismatch",
            "xml_dtd",
            "encoding_wrong",
            "file_broken",
        )
    link = f"<NetworkLink><Link><href>{bait.url}</href></Link></NetworkLink>"
    yield case("network_link.kml", kml(link), "kml_link")
    yield case("network_link_too.kml", kml(PLACEMARK + link), "kml_link")
    yield case("network_link_file.kml", kml(PLACEMARK + link.replace(bait.url, bait.file)), "kml_link")
    yield case("network_link.kmz", archive([("doc.kml", kml(PLACEMARK + link))]), "kml_link")
    yield case(
        "overlay.kml",
        kml(f"<GroundOverlay><Icon><href>{bait.url}</href></Icon></GroundOverlay>"),
        "no_rows",
        "column_missing",
    )
    yield case(
        "include.kml",
        kml(f"<x:include xmlns:x='http://www.w3.org/2001/XInclude' href='file://{bait.file}' parse='text'/>"),
        "no_rows",
        "column_missing",
    )
    yield case(
        "deep.kml",
        kml("<Folder>" * 60_000 + "</Folder>" * 60_000),
        "file_broken",
        "no_rows",
        "column_missing",
        "worker_died",
    )
    yield case(
        "deep_shape.kml",
        kml("<Placemark>" + "<MultiGeometry>" * 20_000 + "</MultiGeometry>" * 20_000 + "</Placemark>"),
        "file_broken",
        "worker_died",
        "geometry_malformed",
        "geometry_missing",
    )
    yield case("long_name.kml", kml(PLACEMARK.replace("甲村", "长" * 900_000)), "text_too_long")
    yield case(
        "attributes.kml",
        kml("<Placemark " + " ".join(f"a{i}='1'" for i in range(50_000)) + "/>"),
        "geometry_missing",
        "no_rows",
        "file_broken",
        "column_missing",
    )
    yield case("two_roots.kml", kml(PLACEMARK) + kml(PLACEMARK), "file_broken")
    yield case("script_root.kml", "<html><body><kml/></body></html>", "content_mismatch", "file_broken")
    yield case("wrong_prefix.kml", kml("<a:Placemark/>"), "file_broken")
    for name, change in {
        "style_url": lambda body: body.replace("<name>", f"<styleUrl>{bait.url}#s</styleUrl><name>"),
        "script_name": lambda body: body.replace("甲村", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        "cdata": lambda body: body.replace("甲村", "<![CDATA[甲村]]>"),
        "template_name": lambda body: body.replace("甲村", "${7*7}{{7*7}}{row}%s"),
    }.items():  # fmt: skip
        yield case(f"{name}.kml", kml(change(PLACEMARK)), kind="harmless", rows=1)
    style = f'<?xml version="1.0"?><?xml-stylesheet href="{bait.url}"?>'
    yield case("stylesheet.kml", kml(PLACEMARK, style), kind="harmless", rows=1)
    relation = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/externalLinkPath" Target="{}" TargetMode="External"/></Relationships>'
    linked = _with(book, "xl/externalLinks/_rels/externalLink1.xml.rels", relation.format(bait.url))
    yield case("external_link.xlsx", linked, kind="harmless", rows=1, **TABLE)
    yield case(
        "template_link.xlsx",
        _with(book, "xl/_rels/settings.xml.rels", relation.format(bait.file)),
        kind="harmless",
        rows=1,
        **TABLE,
    )
    yield case("macros.xlsx", _with(book, "xl/vbaProject.bin", rng.randbytes(600)), "workbook_macros", **TABLE)
    yield case("old_macros.xlsx", _with(book, "xl/macrosheets/sheet1.xml", "<a/>"), "workbook_macros", **TABLE)
    yield case(
        "dde.xlsx",
        _with(
            book,
            "xl/externalLinks/externalLink1.xml",
            '<externalLink><ddeLink ddeService="cmd" ddeTopic="/c calc"/></externalLink>',
        ),
        kind="harmless",
        rows=1,
        **TABLE,
    )
    sheet = "xl/worksheets/sheet1.xml"
    yield case(
        "deep_sheet.xlsx",
        rezip(book, lambda n, d: d.replace(b"<sheetData>", b"<a>" * 90_000 + b"<sheetData>") if n == sheet else d),
        "file_broken",
        **TABLE,
    )
    yield case("open_sheet.xlsx", rezip(book, lambda n, d: d[:-30] if n == sheet else d), "file_broken", **TABLE)
    yield case(
        "no_sheet.xlsx",
        rezip(book, lambda n, d: d.replace(b"sheet1.xml", b"sheet9.xml") if n.endswith("workbook.xml.rels") else d),
        **TABLE,
    )
    yield case(
        "rels_url.xlsx",
        rezip(
            book,
            lambda n, d: (
                d.replace(b"/xl/worksheets/sheet1.xml", bait.url.encode()) if n.endswith("workbook.xml.rels") else d
            ),
        ),
        **TABLE,
    )
    yield case(
        "rels_slip.xlsx",
        rezip(
            book,
            lambda n, d: (
                d.replace(b"/xl/worksheets/sheet1.xml", b"../../../../etc/passwd")
                if n.endswith("workbook.xml.rels")
                else d
            ),
        ),
        **TABLE,
    )
