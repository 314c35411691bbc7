"""Keep pictures of outcomes: drawn anew, found by the hash of what was drawn."""

import hashlib
from dataclasses import replace

from django.db import transaction

from exchange import pictures
from exchange.errors import Malformed, NotAllowed, NotFound
from exchange.models import Market, Picture, Session, StaffAction, User
from exchange.services.sessions.drafts import (
    draft_of,
    require_host,
    require_right,
    require_status,
    session_configure,
)
from exchange.services.staff import reason_of

PER_HOST_MAX = 500


def picture_keep(*, host: User, raw: bytes) -> str:
    """Keep an upload as the site draws it, and return the hash that it is known by.

    Raises:  NotAllowed without the right to host; Malformed picture_refused.
    """
    require_right(host)
    drawn = pictures.redrawn(raw)
    digest = hashlib.sha256(drawn).hexdigest()
    if Picture.objects.filter(by=host).count() >= PER_HOST_MAX:
        raise Malformed(
            "you have kept as many pictures as one may",
            code="picture_refused",
            fields={"pictures_max": PER_HOST_MAX},
        )
    Picture.objects.get_or_create(digest=digest, defaults={"image": drawn, "by": host})
    return digest


@transaction.atomic
def picture_set(*, host: User, session: Session, number: int, raw: bytes) -> Session:
    """Give an outcome of a draft an uploaded picture; nothing uploaded takes its picture away.

    Raises:  NotAllowed; NotFound for the outcome; Malformed picture_refused;
             Unprocessable session_state.
    Locks:   the session's live row.
    """
    require_host(host, session)
    require_status(session, Market.Status.DRAFT)
    draft = draft_of(session)
    if number >= len(draft.labels):
        raise NotFound(f"there is no outcome {number}")
    digest = picture_keep(host=host, raw=raw) if raw else ""
    labels = list(draft.labels)
    labels[number] = replace(labels[number], picture=digest)
    return session_configure(host=host, session=session, draft=replace(draft, labels=labels))


@transaction.atomic
def picture_remove(*, actor: User, picture: Picture, reason: str) -> StaffAction:
    """Take a picture off the site; where it stood there is the outcome's colour.

    Raises:  NotAllowed, Malformed for the reason.
    """
    if not (actor.is_staff and actor.is_active):
        raise NotAllowed("only staff may do this")
    reason = reason_of(reason)
    digest = picture.digest
    picture.delete()
    return StaffAction.objects.create(
        actor=actor, verb="picture.remove", target=f"picture {digest}", reason=reason
    )
