"""Keep pictures of outcomes: drawn anew, found by the hash of what was drawn."""

import hashlib

from django.db import transaction

from exchange import pictures
from exchange.errors import Malformed, NotAllowed
from exchange.models import Picture, StaffAction, User
from exchange.services.sessions.drafts import require_right
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
