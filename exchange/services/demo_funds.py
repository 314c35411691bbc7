"""Play money of the demo: a fixed amount per person and day, booked like any other deposit."""

from exchange import clock
from exchange.engines.units import MICRO
from exchange.errors import Unprocessable
from exchange.models import User
from exchange.services import ledger

GRANT_MICRO = 1_000 * MICRO
DAY_S = 86_400


def grant(user: User) -> None:
    """Credit today's demo USDC.

    Raises:  Unprocessable already_granted, with the seconds until the next day (UTC).
    Locks:   the external account and the user's cash.
    """
    now_s = clock.now_s()
    booked = ledger.credit_external(
        user_id=user.pk,
        amount_micro=GRANT_MICRO,
        kind="demo",
        ref=f"{user.pk}:{now_s // DAY_S}",
    )
    if not booked:
        raise Unprocessable(
            "today's demo USDC were granted before",
            code="already_granted",
            fields={"retry_after_s": DAY_S - now_s % DAY_S},
        )
