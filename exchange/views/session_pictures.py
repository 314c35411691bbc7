"""Pictures of outcomes: taken from the host's form, and served under the hash of their bytes."""

import re

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from exchange.errors import Malformed
from exchange.models import User
from exchange.pictures import CONTENT_TYPE, UPLOAD_MAX
from exchange.selectors import pictures
from exchange.services.sessions.pictures import picture_keep
from exchange.views.edge import page

OUTCOMES_MAX = 10
DIGEST = re.compile(r"[0-9a-f]{64}")
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "Content-Disposition": "inline; filename=outcome.webp",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@page
@require_safe
def outcome_picture(_: HttpRequest, digest: str) -> HttpResponse:
    """Return a picture. What the site has drawn under a hash never changes."""
    return HttpResponse(pictures.image(digest), content_type=CONTENT_TYPE, headers=HEADERS)


def taken(request: HttpRequest, host: User) -> tuple[dict[str, str], dict[str, str]]:
    """Return a posted form with what its files are kept as, and what is wrong with some of them."""
    typed = {name: str(value) for name, value in request.POST.items()}
    wrong: dict[str, str] = {}
    for number in range(OUTCOMES_MAX):
        name = f"outcome_{number}_picture"
        if typed.get(f"outcome_{number}_bare"):
            typed[name] = ""
        file = request.FILES.get(f"outcome_{number}_file")
        if file is None:
            if typed.get(name) and not _is_kept(typed[name]):
                typed[name] = ""
                wrong[name] = "There is no such picture; choose the file again."
            continue
        try:
            # Of one that is too large no more is read than shows that it is.
            typed[name] = picture_keep(host=host, raw=file.read(UPLOAD_MAX + 1))
        except Malformed as refusal:
            wrong[name] = f"{refusal.message[:1].upper()}{refusal.message[1:]}."
    return typed, wrong


def _is_kept(digest: str) -> bool:
    return DIGEST.fullmatch(digest) is not None and pictures.is_kept(digest)
