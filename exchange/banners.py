"""The banners of a market: which rule holds, since when, until when, and what can still be done."""

from dataclasses import dataclass
from datetime import datetime

from exchange import clock, figures
from exchange.models import Market
from exchange.selectors import markets
from exchange.selectors.markets import MarketView

CLOSING = "You can close what you hold, take orders back, add collateral and claim fees"
RULES = {
    "price_move": "the price moved 15\u202f% within a minute",
    "invariant": "its books did not agree with themselves",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Banner:
    """One state: its sign, the rule in words, when it began and ends, and what is left to do."""

    icon: str
    title: str
    words: str
    tone: str = "warn"
    since: datetime | None = None
    until_s: int = 0
    until_words: str = ""
    heard_s: int = 0


def of(view: MarketView) -> list[Banner]:
    """Return every state that holds now, the one that stops most first."""
    if view.live.halt_rule:
        return [_halted(view)]
    return [
        banner(view)
        for holds, banner in (
            (view.state.status != Market.Status.ACTIVE, _lifecycle),
            (is_paused(view), _pause),
            (view.mode == "reduce_only", _reduce_only),
            (_stale(view), _stale_oracle),
            (view.state.clamped, _clamped),
            (view.state.backlog, _backlog),
        )
        if holds
    ]


def is_paused(view: MarketView) -> bool:
    """Return whether the breaker keeps the market from opening positions."""
    return view.state.status == Market.Status.ACTIVE and clock.now_s() < view.live.pause_until_s


def _stale(view: MarketView) -> bool:
    active = view.state.status == Market.Status.ACTIVE
    return active and view.oracle_age_s > view.config.max_stale_s


def _halted(view: MarketView) -> Banner:
    rule = view.live.halt_rule
    why = f" That is: {RULES[rule]}." if rule in RULES else ""
    return Banner(
        icon="octagon-alert",
        tone="error",
        title=f"Halted by the rule “{rule}”",
        since=view.live.halt_since,
        words=f"Nothing trades until the cause is found.{why} Balances and positions are untouched."
        " Nobody can move a price or a balance by hand.",
    )


def _pause(view: MarketView) -> Banner:
    rule = view.live.pause_rule
    return Banner(
        icon="timer",
        title=f"New positions pause: {RULES.get(rule, rule)}",
        since=clock.at(view.live.pause_since_s),
        until_s=view.live.pause_until_s,
        until_words="until the pause ends by itself",
        words=f"The rule “{rule}” stops opening only. {CLOSING}.",
    )


def _reduce_only(view: MarketView) -> Banner:
    reason = view.live.reduce_only_reason
    given = f"Reason given: “{reason}” " if reason else ""
    return Banner(
        icon="arrow-down-to-line",
        title="Closing only",
        since=view.live.reduce_only_since,
        until_words="until staff lift it, in public",
        words=f"{given}{CLOSING}; new positions are refused.",
    )


def _stale_oracle(view: MarketView) -> Banner:
    most = figures.age(view.config.max_stale_s)
    return Banner(
        icon="clock-alert",
        title="The oracle was last heard",
        heard_s=view.state.last_oracle_s,
        until_words="until the next oracle event",
        words=f"New positions pause after {most} without an oracle event and return with the next"
        f" one. {CLOSING}.",
    )


def _clamped(view: MarketView) -> Banner:
    return Banner(
        icon="shield-alert",
        title="The last rise was clamped",
        since=markets.clamped_since(view.market),
        until_words="until the next oracle event that can be paid for in full",
        words="The pool could not pay for all of it, so the curve rose only as far as the"
        " providers' capital allows. Every share stays redeemable and trading goes on. New"
        " contributions to the pool are refused meanwhile: a newcomer would pay for a rise that is"
        " not booked yet. Withdrawals wait until capital is free.",
    )


def _backlog(_: MarketView) -> Banner:
    return Banner(
        icon="list-ordered",
        tone="info",
        title="Orders that are due are still being carried out",
        words="More became due at once than one step carries out. The rest follows within a minute,"
        " in the same order.",
    )


def _lifecycle(view: MarketView) -> Banner:
    status = view.state.status
    if status == Market.Status.FUNDING:
        return Banner(
            icon="sprout",
            tone="info",
            title="Being funded",
            words="Trading starts the moment the goal is met. Until then anyone may contribute, and"
            " nothing can be bought or sold.",
        )
    if status == Market.Status.WINDING:
        return _winding(view)
    if status == Market.Status.SETTLED:
        return Banner(
            icon="check",
            tone="info",
            title="Settled",
            words="All positions were closed at one price and paid. Providers can withdraw without"
            " limits.",
        )
    return Banner(
        icon="ban",
        tone="info",
        title="Cancelled",
        words="The funding goal was missed and contributions were returned to the cent.",
    )


def _winding(view: MarketView) -> Banner:
    at = view.state.settle_at_s
    return Banner(
        icon="hourglass",
        title="Winding down",
        until_s=at,
        until_words="until everything is settled at one price" if at else "",
        words="The variable ends. Waiting orders were taken back and new positions are refused. You"
        " can close what you hold; what is still open is settled at the lower of the oracle view"
        " and what the pool can pay.",
    )
