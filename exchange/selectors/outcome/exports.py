"""A session as tables for spreadsheets: a header and rows, figures as exact decimals."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from exchange.models import OutcomeFill, OutcomeTick, Participant, Session
from exchange.selectors.outcome import portfolio, ranking, reports, sessions
from exchange.selectors.outcome.own_side import own_side
from exchange.spreadsheet import Cell, Figure, figure, instant

Rows = Iterator[Sequence[Cell]]
SIDES = ("YES", "NO")
ORDERS_MAX = 100_000

TRADE_HEADER = (
    "tick", "time", "kind", "outcome", "token", "buyer", "seller", "tokens", "USDC", "price", "fee",
    "partner", "partner side", "partner token", "partner USDC", "partner price", "partner fee",
)  # fmt: skip
TICK_HEADER = (
    "tick", "ms since start", "time", "status", "outcome", "YES", "NO", "volume", "risk", "profit",
    "fees", "seigniorage", "gas", "pool", "pairs", "maker subsidy", "common depth L", "cash V",
    "depth L", "subsidy", "YES supply", "NO supply", "virtual YES", "seigniorage of outcome",
)  # fmt: skip
TICK_MONEY = ("volume", "risk", "profit", "fees", "seigniorage", "gas", "pool", "pairs")
REPORT_PLACES = [12 if name.endswith("_fine") else 6 for name in reports.FIELDS]
CONFIGURATION_HEADER = ("name", "value")
RANKING_HEADER = ("place", "name", "final USDC", "gain USDC", "gain %", "trades", "gas USDC")
ORDER_HEADER = (
    "order", "time", "side", "outcome", "token", "tokens", "limit", "status", "left", "USDC", "fee",
    "rebate", "gas",
)  # fmt: skip


def trades(session: Session) -> tuple[Sequence[str], Rows]:
    """Return every execution with the names that people chose in the session.

    Where a pair is made or taken apart, nobody stands on the other side of a token: who asked is
    the buyer or seller, and what the partner did with the other token has columns of its own.
    """
    names = dict(session.participants.values_list("user_id", "name"))
    numbers = dict(
        OutcomeTick.objects.filter(market_id=session.market_id).values_list("seq", "number")
    )
    rows = OutcomeFill.objects.filter(market_id=session.market_id).order_by("batch_seq", "fill_no")

    def cells() -> Rows:
        for row in rows.iterator(2000):
            partner = _partner_of(row)
            yield (
                numbers[row.batch_seq],
                instant(row.at),
                row.kind,
                session.outcomes[row.token >> 1]["name"],
                SIDES[row.token & 1],
                "" if partner and row.kind == "merge" else _who(names, row.buyer),
                "" if partner and row.kind == "mint" else _who(names, row.seller),
                figure(row.size_micro, 6),
                figure(row.amount_micro, 6),
                figure(row.price_pico, 12),
                figure(row.fee_micro if partner else row.fee_micro + row.other_fee_micro, 6),
                *_partner(row, names, partner),
            )

    return TRADE_HEADER, cells()


def _partner_of(row: OutcomeFill) -> int | None:
    """Return who made or took a pair apart with whoever asked, or None where none was."""
    return {"mint": row.seller, "merge": row.buyer}.get(row.kind)


def _partner(row: OutcomeFill, names: Mapping[int, str], partner: int | None) -> Sequence[Cell]:
    if partner is None:
        return ("",) * 6
    own = own_side(row, partner)
    return (
        _who(names, partner),
        own.side,
        SIDES[own.token & 1],
        figure(own.amount_micro, 6),
        figure(own.price_pico, 12),
        figure(own.fee_micro, 6),
    )


def ticks(session: Session) -> tuple[Sequence[str], Rows]:
    """Return prices, money and the maker's report of every outcome at every tick with a trace."""
    rows = OutcomeTick.objects.filter(market_id=session.market_id).order_by("number")
    names = [label["name"] for label in session.outcomes]

    def cells() -> Rows:
        earned = reports.seigniorage_by_batch(session)
        sums = [0] * len(names)
        for row in rows.iterator(2000):
            for number, amount in earned.get(row.seq, {}).items():
                sums[number] += amount
            about = (row.number, row.t_ms, instant(row.at), row.status)
            money = [figure(getattr(row, f"{name}_micro"), 6) for name in TICK_MONEY]
            common, parts = _reported(row.report, len(names))
            for number, name in enumerate(names):
                pair = row.prices[number]
                prices = ("", "") if pair is None else tuple(figure(price, 12) for price in pair)
                yield (
                    *about, name, *prices, *money, *common, *parts[number], figure(sums[number], 6),
                )  # fmt: skip

    return TICK_HEADER, cells()


def _reported(report: Any, count: int) -> tuple[Sequence[Cell], Sequence[Sequence[Cell]]]:
    """Return what a tick keeps of the maker's report as cells: of the market, and by outcome."""
    if report is None:
        return ("", ""), [("",) * len(REPORT_PLACES)] * count
    rows = [row and [int(text) for text in row] for row in report["outcomes"]]
    subsidy = sum(row[reports.FIELDS.index("subsidy_fine")] for row in rows if row)
    common = figure(subsidy, 12), figure(int(report["common_depth"]), 12)
    blank = ("",) * len(REPORT_PLACES)
    return common, [
        blank if row is None else tuple(map(figure, row, REPORT_PLACES)) for row in rows
    ]


def configuration(session: Session) -> tuple[Sequence[str], Rows]:
    """Return the session's parameters, outcomes and rounds, a line each.

    Whom a round takes stands there once all is over; until then it is the host's secret.
    """
    market = session.market
    told = sessions.parameters(market, is_told=market.status in sessions.OVER)

    def cells() -> Rows:
        yield "session", market.name
        yield "money", session.get_money_display()
        for number, label in enumerate(session.outcomes, 1):
            yield f"outcome {number}", label["name"]
        for name in sorted(told.keys() - {"rounds"}):
            yield name, json.dumps(told[name]).strip('"')
        for number, (at_ms, freeze_ms, gone) in enumerate(told["rounds"], 1):
            yield f"round {number} at ms", Figure(at_ms)
            yield f"round {number} freeze ms", Figure(freeze_ms)
            names = (session.outcomes[int(one)]["name"] for one in gone)
            yield f"round {number} takes", ", ".join(names)

    return CONFIGURATION_HEADER, cells()


def standings(session: Session) -> tuple[Sequence[str], Rows]:
    """Return the ranking."""
    rows = ranking.ranking(session)
    return RANKING_HEADER, (
        (
            row.place,
            row.name,
            _if_any(row.final_micro),
            figure(row.gain_micro, 6),
            _if_any(row.gain_e8),
            row.trades,
            figure(row.gas_micro, 6),
        )
        for row in rows
    )


def orders(participant: Participant) -> tuple[Sequence[str], Rows]:
    """Return somebody's own orders, the newest first."""
    session = participant.session
    rows = portfolio.orders(participant, limit=ORDERS_MAX)
    return ORDER_HEADER, (
        (
            row.ref,
            instant(row.placed_at),
            "buy" if row.buys else "sell",
            session.outcomes[row.token >> 1]["name"],
            SIDES[row.token & 1],
            figure(row.size_micro, 6),
            _if_any(row.price_micro),
            row.status,
            *(
                figure(count, 6)
                for count in (
                    row.remaining_micro,
                    row.amount_micro,
                    row.fee_micro,
                    row.rebate_micro,
                    row.gas_micro,
                )
            ),
        )
        for row in rows
    )


def _if_any(count: int | None) -> Figure:
    return Figure("") if count is None else figure(count, 6)


def _who(names: Mapping[int, str], user: int | None) -> str:
    return "market maker" if user is None else names.get(user, str(user))


PUBLIC: Mapping[str, Callable[[Session], tuple[Sequence[str], Rows]]] = {
    "configuration": configuration,
    "trades": trades,
    "ticks": ticks,
    "ranking": standings,
}
