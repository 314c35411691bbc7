"""Draw an uploaded picture anew, so that no byte of the upload is ever kept or served."""

from io import BytesIO

from PIL import Image, ImageOps

from exchange.errors import Malformed

SIDE = 128
UPLOAD_MAX = 8 * 2**20
# What a telephone takes fits; what would fill the memory when unpacked does not.
PIXELS_MAX, EDGE_MAX = 20_000_000, 8_000
KEPT_MAX = 64 * 2**10
FORMATS = ("PNG", "JPEG", "WEBP")
CONTENT_TYPE = "image/webp"
QUALITY = 82
# What the readers raise for files that are not what they say, or that unpack to too much.
BROKEN = (
    OSError, ValueError, SyntaxError, EOFError, IndexError, OverflowError, MemoryError,
    Image.DecompressionBombError, Image.DecompressionBombWarning,
)  # fmt: skip


def redrawn(raw: bytes) -> bytes:
    """Return a square WebP of `SIDE` pixels: the middle of the picture, upright, and nothing else.

    Only pixels come through: names, places, profiles, further frames and whatever was hidden
    behind the picture stay behind. The size is read and checked before anything is unpacked.

    Raises:  Malformed picture_refused.
    """
    if len(raw) > UPLOAD_MAX:
        raise _refused(f"at most {UPLOAD_MAX >> 20} MB")
    try:
        with Image.open(BytesIO(raw), formats=FORMATS) as found:
            if max(found.size) > EDGE_MAX or found.width * found.height > PIXELS_MAX:
                raise _refused(f"at most {PIXELS_MAX // 10**6} million pixels")
            found.draft("RGB", (2 * SIDE, 2 * SIDE))
            found.load()
            upright = ImageOps.exif_transpose(found).convert("RGBA")
            square = ImageOps.fit(upright, (SIDE, SIDE), Image.Resampling.LANCZOS)
    except BROKEN as broken:
        raise _refused("a PNG, JPEG or WebP that can be read") from broken
    fresh, drawn = Image.new("RGBA", square.size), BytesIO()
    fresh.paste(square)
    fresh.save(drawn, "WEBP", quality=QUALITY)
    assert drawn.tell() <= KEPT_MAX
    return drawn.getvalue()


def _refused(limit: str) -> Malformed:
    return Malformed(f"a picture is {limit}", code="picture_refused", fields={"limit": limit})
