"""What helps a host to set a session up: modes, presets, a rehearsal, the way in, pictures."""

from functools import lru_cache
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from exchange import qr
from exchange.api.endpoint import body_of, query_of, trader_of
from exchange.api.schema import operation
from exchange.api.session_endpoint import InSession, Watched, hosted_by
from exchange.api.sessions import TAG, draft_in
from exchange.api.shapes import session_setup as shapes
from exchange.api.shapes.session_inputs import SessionInput
from exchange.engines import outcome
from exchange.engines.units import MICRO
from exchange.errors import Malformed
from exchange.models import Session
from exchange.pictures import UPLOAD_MAX
from exchange.selectors.outcome import rehearsal
from exchange.services.sessions import drafts, pictures, presets

OPEN = ("",)
FILE = "file"
# What stands around the file in a multipart body.
FRAME_MAX = 16 * 2**10


class Modes(Watched):
    """The modes of impact."""

    throttles = {"GET": "quote", "HEAD": "quote"}

    @operation(
        "session_modes", answer=shapes.ModeListShape, query=shapes.ModesQuery, tag=TAG, auth=OPEN
    )
    def get(self, request: Request) -> Response:
        """Return the four modes for a session of some size, each with what buying does in it."""
        wanted = query_of(request, shapes.ModesQuery)
        found = presets.mode_impacts(wanted["outcomes"], wanted["fund"] * MICRO)
        shown = {"results": [shapes.of_mode(mode) for mode in found]}
        return Response(shapes.ModeListShape(shown).data)


class Presets(Watched):
    """Ready-made sessions."""

    @operation("session_presets", answer=shapes.PresetListShape, tag=TAG, auth=OPEN)
    def get(self, request: Request) -> Response:
        """Return the ready-made sessions of the set-up form, each as the body that makes it."""
        return Response(shapes.PresetListShape({"results": _presets()}).data)


class Rehearse(InSession):
    """A session tried before there is one."""

    throttles = {"POST": "quote"}

    @operation("session_rehearse", answer=shapes.RehearsalShape, takes=SessionInput, tag=TAG)
    def post(self, request: Request) -> Response:
        """Play a session by chance traders from a fixed seed. It takes the right to host."""
        drafts.require_right(trader_of(request))
        config = drafts.parsed(draft_in(body_of(request, SessionInput)))
        found = rehearsal.rehearse(config)
        shown = {
            "people": rehearsal.TRADERS,
            "orders": found.orders,
            "refused": found.refused,
            "duration_ms": config.total_duration_ms,
            "basket": outcome.worst_basket(config),
            "parameters": config.to_mapping(),
            "frames": found.frames,
        }
        return Response(shapes.RehearsalShape(shown).data)


class Invitation(InSession):
    """The way into a session."""

    @operation("session_invitation", answer=shapes.InvitationShape, tag=TAG)
    def get(self, request: Request, code: str) -> Response:
        """Return the link by which people join, and its QR code. For the host."""
        _, session = hosted_by(request, code)
        path = reverse("session_page", kwargs={"code": session.code})
        link = request.build_absolute_uri(path)
        shown = {"code": session.code, "link": link, "qr": qr.drawn(link)}
        return Response(shapes.InvitationShape(shown).data)


class OutcomePicture(InSession):
    """The picture of a draft's outcome."""

    parser_classes = (MultiPartParser,)
    scopes = {"POST": "trade", "DELETE": "trade"}
    throttles = {"POST": "trade", "DELETE": "trade"}

    @operation(
        "session_picture_set", answer=shapes.PictureShape, takes=shapes.PictureInput, tag=TAG
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        """Give an outcome of a draft a picture: one file, which the site draws anew."""
        user, session = hosted_by(request, code)
        raw = _upload(request)
        changed = pictures.picture_set(host=user, session=session, number=number, raw=raw)
        return _pictured(changed, number)

    @operation("session_picture_remove", answer=shapes.PictureShape, tag=TAG)
    def delete(self, request: Request, code: str, number: int) -> Response:
        """Take the picture of a draft's outcome away; its colour stands there again."""
        user, session = hosted_by(request, code)
        changed = pictures.picture_set(host=user, session=session, number=number, raw=b"")
        return _pictured(changed, number)


@lru_cache(maxsize=1)
def _presets() -> list[dict[str, Any]]:
    found = []
    for preset in presets.PRESETS.values():
        config = drafts.parsed(preset.draft)
        found.append(shapes.of_preset(preset, config.to_mapping(), rehearsal.impact(config)))
    return found


def _upload(request: Request) -> bytes:
    """Return the one file of a body; of one that is too large no more is read than shows it."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal() or int(length) > UPLOAD_MAX + FRAME_MAX:
        raise Malformed(
            f"a picture is at most {UPLOAD_MAX >> 20} MB",
            code="picture_refused",
            fields={"limit": f"at most {UPLOAD_MAX >> 20} MB"},
        )
    files = request.FILES
    given = [*request.POST, *(name for name in files for _ in files.getlist(name))]
    file = files.get(FILE)
    if given != [FILE] or not isinstance(file, UploadedFile):
        raise Malformed(f"send one file, as the field {FILE!r}", fields={"field": FILE})
    raw: bytes = file.read(UPLOAD_MAX + 1)
    if not raw:
        raise Malformed("this file is empty", code="picture_refused", fields={"limit": "a picture"})
    return raw


def _pictured(session: Session, number: int) -> Response:
    digest = session.outcomes[number]["picture"]
    address = reverse("outcome_picture", kwargs={"digest": digest}) if digest else ""
    shown = {"outcome": number, "picture": digest, "address": address}
    return Response(shapes.PictureShape(shown).data)
