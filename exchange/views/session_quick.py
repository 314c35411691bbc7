"""The quick sizes of a session's ticket: a share of what somebody has free, up to all of it."""

from dataclasses import dataclass

from django.http import QueryDict

from exchange.engines import outcome
from exchange.selectors.outcome import sizes
from exchange.session_forms import SessionTicketForm
from exchange.templatetags.sessions import tokens_plain
from exchange.views.session_seat import Seat

SHARES = (25, 50, 75, 100)
WHY_NOT_MORE = {
    "slippage": "More would slip further than the maximum you set.",
    "above_par": "More would cost 1 USDC or more a token.",
    "bad_size": "No order may be larger.",
}


@dataclass(frozen=True, slots=True)
class Sized:
    """A ticket whose size was worked out from a share, and why it is not more, if it is news."""

    form: SessionTicketForm
    size: str = ""
    note: str = ""


def sized(seat: Seat, posted: QueryDict) -> Sized:
    """Return a posted ticket; one that names a share of the balance is given its size.

    Where nothing can be had for that share, the size is one lot: its preview says what is missing.
    """
    shares = {str(share): share for share in SHARES}
    share = shares.get(posted.get("share", ""))
    if share is None or seat.participant is None or seat.session.started_ms is None:
        return Sized(SessionTicketForm(posted))
    data = posted.copy()
    data["size"] = tokens_plain(outcome.LOT)
    form = SessionTicketForm(data)
    if not form.is_valid() or form.cleaned_data["outcome"] >= len(seat.session.outcomes):
        return Sized(form)
    found = sizes.largest(seat.session, seat.participant, form.asked, share)
    data["size"] = size = tokens_plain(found.size_micro or outcome.LOT)
    note = WHY_NOT_MORE.get(found.stopped_by, "") if found.size_micro else ""
    return Sized(SessionTicketForm(data), size, note)
