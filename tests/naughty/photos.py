"""Photos that are something else, too large, torn, or lie about where they were taken."""

import io
import struct
import zlib

from PIL import Image

from .builders import archive
from .case import case


def picture(size=(64, 48), mode="RGB", form="JPEG", **options):
    image = Image.radial_gradient("L").resize(size).convert(mode) if mode in ("RGB", "L") else Image.new(mode, size)
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def _png(width, height, body=b"", chunks=()):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + b"".join(chunk(k, d) for k, d in chunks)
        + chunk(b"IDAT", zlib.compress(body))
        + chunk(b"IEND", b"")
    )


def located(lat, lon, lat_ref="N", lon_ref="E"):
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: lat_ref, 2: lat, 3: lon_ref, 4: lon})
    return picture(exif=exif)


def _animated(form):
    frames = [Image.new("RGB", (32, 32), (i * 8, 0, 0)) for i in range(20)]
    buffer = io.BytesIO()
    frames[0].save(buffer, form, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def _raw_exif(body):
    data = picture()
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 8) + b"Exif\0\0" + body + data[2:]


def cases(rng, bait):
    to = {"route": "photo"}
    good = picture()
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script><image href="{bait.url}"/></svg>'
    for name, data in {
        "svg.jpg": svg.encode(), "page.jpg": b"<html><script>alert(1)</script></html>", "program.jpg": b"\x7fELF" + rng.randbytes(200),
        "paper.jpg": b"%PDF-1.7", "archive.jpg": archive([("a", "b")]), "text.png": b"hello", "empty.jpg": b"", "postscript.jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(" + bait.file.encode() + b") run",
        "gif.jpg": picture(form="GIF"), "tiff.jpg": picture(form="TIFF"), "bmp.jpg": picture(form="BMP"), "icon.png": picture((16, 16), form="ICO"),
        "head_only.jpg": b"\xff\xd8\xff\xe0", "head_only.png": b"\x89PNG\r\n\x1a\n", "webp_head.webp": b"RIFF\x00\x00\x00\x00WEBPVP8 ",
        "noise.jpg": b"\xff\xd8\xff\xe0" + rng.randbytes(4000),
    }.items():  # fmt: skip
        yield case(name, data, **to)
    for share in (5, 30, 60, 95):
        yield case(f"cut{share}.jpg", good[: len(good) * share // 100], kind="damage", **to)
    png = picture(form="PNG")
    for share in (10, 60, 95):
        yield case(f"cut{share}.png", png[: len(png) * share // 100], kind="damage", **to)
    web = picture(form="WEBP")
    yield case("cut50.webp", web[: len(web) // 2], kind="damage", **to)
    yield case("bomb.png", _png(60_000, 60_000, bytes(1000)), "too_large", "unreadable", **to)
    yield case("bomb_wide.png", _png(2_000_000_000, 1), "too_large", "unreadable", **to)
    yield case("zero.png", _png(0, 0), **to)
    yield case("hollow.png", _png(900, 900, b"\0" * 100), kind="any", **to)
    text = b"a\0\0" + zlib.compress(bytes(70_000_000), 1)
    yield case("text_bomb.png", _png(8, 8, (b"\0" + bytes(24)) * 8, [(b"zTXt", text)]), kind="any", **to)
    colour = b"a\0\0" + zlib.compress(bytes(70_000_000), 1)
    yield case("profile_bomb.png", _png(8, 8, (b"\0" + bytes(24)) * 8, [(b"iCCP", colour)]), kind="any", **to)
    huge = bytearray(good)
    place = huge.find(b"\xff\xc0")
    struct.pack_into(">HH", huge, place + 5, 65_000, 65_000)
    yield case("bomb.jpg", bytes(huge), "too_large", "unreadable", **to)
    yield case("too_big.jpg", good + bytes(21 * 1024 * 1024), "too_large", **to)
    for number in range(6):
        torn = bytearray(good)
        for _ in range(30):
            torn[rng.randrange(2, len(torn))] = rng.randrange(256)
        yield case(f"torn{number}.jpg", bytes(torn), kind="any", **to)
    fine = {"kind": "harmless", "rows": 1, **to}
    yield case("zip_behind.jpg", good + archive([("a", "b")]), **fine)
    yield case("page_behind.jpg", good + b"<script>alert(1)</script>", **fine)
    yield case("comment.jpg", picture(comment=b"<script>alert(1)</script>"), **fine)
    yield case("cmyk.jpg", picture(mode="CMYK"), **fine)
    yield case("grey.jpg", picture(mode="L"), **fine)
    yield case("one_bit.png", picture(mode="1", form="PNG"), **fine)
    yield case("palette.png", picture(mode="P", form="PNG"), **fine)
    yield case("deep_grey.png", picture(mode="I;16", form="PNG"), **fine)
    yield case("seen_through.png", picture(mode="RGBA", form="PNG"), **fine)
    yield case("animated.png", _animated("PNG"), **fine)
    yield case("animated.webp", _animated("WEBP"), **fine)
    yield case("png_called.jpg", png, **fine)
    yield case("one_pixel.jpg", picture((1, 1)), **fine)
    yield case("long.jpg", picture((8000, 4)), **fine)
    for number, (lat, lon, *refs) in enumerate((
        ((30, 24, 0), (114, 42, 0)), ((999, 0, 0), (114, 0, 0)), ((0, 0, 0), (0, 0, 0)), ((30, 99, 999), (114, 42, 0)),
        ((30, 24, 0), (114, 42, 0), "X", "Y"), ((30,), (114,)), ((4294967294, 0, 0), (114, 0, 0)),
    )):  # fmt: skip
        yield case(f"place{number}.jpg", located(lat, lon, *refs), **fine)
    for number, body in enumerate((b"", b"II*\0", b"II*\0\xff\xff\xff\x7f", b"MM\0*\0\0\0\x08\xff\xff" + bytes(40), rng.randbytes(200),
                                   b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0\0\0\0\0", b"II*\0\x08\0\0\0\x01\0\x25\x88\x04\0\x01\0\0\0\x08\0\0\0\0\0\0\0",
                                   b"II*\0\x08\0\0\0\x01\0\x69\x87\x02\0\xff\xff\xff\x0f\x08\0\0\0\0\0\0\0")):  # fmt: skip
        yield case(f"notes{number}.jpg", _raw_exif(body), **fine)
