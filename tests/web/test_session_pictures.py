"""Pictures of outcomes: drawn anew, served under a hash, and whatever else is sent refused."""

import zlib
from collections.abc import Callable
from io import BytesIO
from struct import pack

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from exchange import pictures
from exchange.errors import Malformed
from exchange.models import Picture, Session, StaffAction, User
from exchange.services.sessions import drafts
from exchange.services.sessions import pictures as kept
from tests.factories import draft, funded_user, host_user
from tests.web.pages import body, form, text

pytestmark = pytest.mark.django_db
SCRIPT = b"<script>alert(1)</script>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


def _picture(kind: str = "PNG", size: tuple[int, int] = (300, 200), **more: object) -> bytes:
    drawn = BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(drawn, kind, **more)
    return drawn.getvalue()


def _with_place() -> bytes:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "taken at home", 6
    return _picture("JPEG", exif=exif)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))


def _bomb(side: int) -> bytes:
    """Return a PNG of a few kilobytes that says it has `side` by `side` pixels."""
    head = _chunk(b"IHDR", pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    data = zlib.compress(bytes(min(side, 20_000) * (side // 8 + 1)), 9)
    return b"\x89PNG\r\n\x1a\n" + head + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    """Return a good PNG with a note that unpacks to far more than it is."""
    good = _picture(size=(8, 8))
    note = _chunk(b"zTXt", b"note\x00\x00" + zlib.compress(bytes(200 * 2**20), 9))
    return good[:33] + note + good[33:]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("size", [(1, 1), (300, 200), (40, 4_000)])
def test_what_is_kept_is_small_square_and_drawn_here(kind: str, size: tuple[int, int]) -> None:
    drawn = pictures.redrawn(_picture(kind, size))

    with Image.open(BytesIO(drawn)) as found:
        assert (found.format, found.size) == ("WEBP", (pictures.SIDE, pictures.SIDE))
    assert len(drawn) <= pictures.KEPT_MAX


def test_nothing_but_pixels_comes_through() -> None:
    polyglot = _picture("JPEG", comment=SCRIPT) + SCRIPT
    profiled = _picture("PNG", icc_profile=SCRIPT * 9)

    for raw in (_with_place(), polyglot, profiled):
        drawn = pictures.redrawn(raw)
        assert b"script" not in drawn
        assert b"home" not in drawn
        with Image.open(BytesIO(drawn)) as found:
            assert not dict(found.getexif())
            assert not found.info.get("icc_profile")


def test_a_picture_is_set_upright() -> None:
    exif, drawn = Image.Exif(), BytesIO()
    exif[0x0112] = 3
    lying = Image.new("RGB", (64, 64), "white")
    lying.paste("black", (0, 0, 64, 32))
    lying.save(drawn, "JPEG", exif=exif)

    with Image.open(BytesIO(pictures.redrawn(drawn.getvalue()))) as found:
        top, bottom = (found.convert("L").getpixel((64, y)) for y in (10, 118))

    assert isinstance(top, int)
    assert isinstance(bottom, int)
    assert top > 200
    assert bottom < 60


@pytest.mark.parametrize(
    "make",
    [
        lambda: b"",
        lambda: SVG,
        lambda: SCRIPT,
        lambda: b"\x89PNG\r\n\x1a\n" + SVG,
        lambda: b"RIFF\x10\x00\x00\x00WEBPVP8 " + SCRIPT,
        lambda: _picture("GIF"),
        lambda: _picture("BMP"),
        lambda: _picture("TIFF"),
        lambda: _picture("PDF"),
        lambda: _picture()[:200],
        lambda: _bomb(60_000),
        lambda: _bomb(7_999),
        _text_bomb,
        lambda: _picture("PNG") + bytes(pictures.UPLOAD_MAX),
    ],
)
def test_what_is_no_good_picture_is_refused(make: Callable[[], bytes]) -> None:
    raw = make()

    with pytest.raises(Malformed) as refused:
        pictures.redrawn(raw)

    assert refused.value.code == "picture_refused"


def _posted(client: Client, address: str, raw: bytes, **more: str) -> dict[str, object]:
    fields = form(client.get(address), "")
    file = SimpleUploadedFile("../x.svg", raw, content_type="image/svg+xml")
    return {**fields, "outcome_0_file": file, "keep": "1", **more}


def test_a_host_gives_an_outcome_a_picture(client: Client) -> None:
    client.force_login(host_user())

    client.post("/sessions/new/", _posted(client, "/sessions/new/", _picture()))

    session = Session.objects.get()
    digest = session.outcomes[0]["picture"]
    address = f"/pictures/{digest}.webp"
    assert address in body(client.get(f"/sessions/{session.code}/host/"))
    served = Client().get(address)
    assert served.content == bytes(Picture.objects.get().image)
    assert served["Content-Type"] == "image/webp"
    assert served["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in served["Content-Security-Policy"]
    assert "immutable" in served["Cache-Control"]
    clone = drafts.session_clone(host=session.host, session=session)
    assert clone.outcomes[0]["picture"] == digest
    edit = f"/sessions/{clone.code}/edit/"
    bare = {**form(client.get(edit), ""), "outcome_0_bare": "on", "keep": "1"}
    client.post(edit, bare)
    clone.refresh_from_db()
    assert clone.outcomes[0]["picture"] == ""


def test_a_bad_file_is_said_at_its_outcome_and_the_rest_is_kept(client: Client) -> None:
    client.force_login(host_user())

    page = client.post("/sessions/new/", _posted(client, "/sessions/new/", SVG, name="Mine"))

    assert page.status_code == 422
    assert "A picture is a PNG, JPEG or WebP that can be read." in text(page)
    assert 'value="Mine"' in body(page)
    # The summary leads to where the file is chosen again.
    assert 'href="#id_outcome_0_file"' in body(page)
    assert not Picture.objects.exists()
    assert not Session.objects.exists()


@pytest.mark.parametrize("name", ["f" * 64, "../secret", "a/b", "\x00", "☃"])
def test_a_hash_of_nothing_is_refused(client: Client, name: str) -> None:
    client.force_login(host_user())
    posted = {**form(client.get("/sessions/new/"), ""), "keep": "1"}

    page = client.post("/sessions/new/", {**posted, "outcome_0_picture": name})

    assert page.status_code == 422
    assert "There is no such picture" in text(page)
    assert 'class="outcome-picture"' not in body(page)


def test_only_hosts_reach_the_form_and_nothing_is_found_under_no_hash(
    client: Client, alice: User
) -> None:
    assert client.get(f"/pictures/{'f' * 64}.webp").status_code == 404
    client.force_login(alice)
    assert client.get("/sessions/new/").status_code == 403


def test_staff_take_a_picture_off_the_site(client: Client) -> None:
    host, chief = host_user(), funded_user("0", is_staff=True, is_superuser=True)
    digest = kept.picture_keep(host=host, raw=_picture())
    labels = [drafts.Label("A", picture=digest), drafts.Label("B"), drafts.Label("C")]
    session = drafts.session_create(host=host, draft=draft(labels=labels))

    kept.picture_remove(actor=chief, picture=Picture.objects.get(), reason="not a picture of it")

    assert client.get(f"/pictures/{digest}.webp").status_code == 404
    assert StaffAction.objects.get().verb == "picture.remove"
    assert drafts.draft_of(session).labels[0].picture == ""


def test_a_host_keeps_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "PER_HOST_MAX", 1)
    host = host_user()
    kept.picture_keep(host=host, raw=_picture())

    with pytest.raises(Malformed, match="as many pictures"):
        kept.picture_keep(host=host, raw=_picture())
