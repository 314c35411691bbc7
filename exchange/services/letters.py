"""Letters to the owner of an account, sent after the commit and never in its way."""

from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from exchange.models import User


def write(user: User, subject: str, *lines: str) -> None:
    """Write to a user once the present transaction is committed."""
    if user.is_bot:
        return
    body = "\n\n".join(lines)

    def send() -> None:
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [user.email], fail_silently=True)

    transaction.on_commit(send, robust=True)
