"""What people change about themselves."""

from exchange.models import User


def profile_change(*, user: User, display_name: str) -> None:
    """Keep the name that other people see; empty means the number of the account."""
    User.objects.filter(pk=user.pk).update(display_name=display_name)
    user.display_name = display_name
