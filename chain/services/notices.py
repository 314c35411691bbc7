"""Letters to the owner of the money at each step, sent after the commit and never in its way."""

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from exchange.models import User

IF_NOT_YOU = (
    "If this was not you, change your password now: nothing leaves for 24 hours after that."
)


def tell(user: User, subject: str, *lines: str) -> None:
    """Write to a user once the present transaction is committed."""
    if user.is_bot:
        return
    body = "\n\n".join([*lines, IF_NOT_YOU])

    def send() -> None:
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [user.email], fail_silently=True)

    transaction.on_commit(send, robust=True)
