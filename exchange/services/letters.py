"""Letters to the owner of an account, sent after the commit and never in its way."""

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction

from exchange.models import User


def write(user: User, subject: str, *lines: str) -> None:
    """Write to each confirmed address of a user once the present transaction is committed.

    Somebody who made an address of theirs the first one must not be the only one to read on.
    """
    if user.is_bot:
        return
    body, sender = "\n\n".join(lines), settings.DEFAULT_FROM_EMAIL
    confirmed = EmailAddress.objects.filter(user=user, verified=True)
    addresses = sorted({user.email, *confirmed.values_list("email", flat=True)})

    def send() -> None:
        for address in addresses:
            send_mail(subject, body, sender, [address], fail_silently=True)

    transaction.on_commit(send, robust=True)
