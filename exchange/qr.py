"""Draw a link as a QR code."""

import segno


def drawn(link: str) -> str:
    """Return a link as an SVG element; a scanner needs dark on light, whatever the theme."""
    code = segno.make(link, error="m", micro=False)
    return str(code.svg_inline(scale=1, border=4, dark="#000", light="#fff", omitsize=True))
