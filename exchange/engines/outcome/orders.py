"""Orders and cancellations as messages: gas, validation, execution, settlement."""

from exchange.engines.engine import Refusal, Rejected
from exchange.engines.outcome import autofill
from exchange.engines.outcome.accounts import Account, Entry
from exchange.engines.outcome.book import Book
from exchange.engines.outcome.buying import Buying
from exchange.engines.outcome.commands import BUY, CancelOrder, PlaceOrder
from exchange.engines.outcome.results import Cancelled
from exchange.engines.outcome.scales import LOT, RATE, SIZE_MAX, token_of
from exchange.engines.outcome.selling import Selling
from exchange.engines.outcome.state import CANCELLED, ENDED, FROZEN, REDUCING, SETTLED, Order
from exchange.engines.outcome.transfers import fee_of, lock, value_of, withdraw
from exchange.engines.rounding import div_floor
from exchange.engines.units import MICRO, PICO


def place(book: Book, command: PlaceOrder) -> Entry | Rejected:
    """Take an order from submission to settlement; a refused one changes nothing but gas.

    Source:  specification, sections 6.2 to 6.5.
    """
    book.begin()
    account = book.account(command.trader)
    gas = min(book.config.gas_fee_micro, account.cash)
    if gas:
        book.pay(account, -gas)
        book.pay_gas(gas)
        book.begin()
    try:
        return _executed(book, command, gas)
    except Refusal as refusal:
        book.undo()
        rejected = refusal.rejected
        return Rejected(rejected.code, {**rejected.fields, "gas_micro": gas})


def cancel(book: Book, command: CancelOrder) -> Cancelled | Rejected:
    """Take back what rests of an order; only its owner can.

    Source:  specification, section 6.6.
    """
    book.begin()
    entry = book.entry(command.ref)
    if entry is None or entry.trader != command.trader or not entry.rests:
        return Rejected("nothing", {"ref": command.ref})
    back = withdraw(book, entry, CANCELLED)
    return Cancelled(entry.frozen(), back)


def _executed(book: Book, command: PlaceOrder, gas: int) -> Entry:
    account, asked = book.account(command.trader), book.config.gas_fee_micro
    if gas < asked:
        raise Refusal("insufficient_funds", needed_micro=asked, cash_micro=gas)
    entry = _admitted(book, command, account)
    entry.gas = gas
    cash = account.cash
    if entry.cap:
        lock(book, account, entry)
    before = book.amm.here(command.outcome)
    route = Buying(book, entry) if entry.buys else Selling(book, entry)
    premium = route.run()
    if premium is not None and book.config.af_enabled:
        autofill.run(book, entry, before, premium)
    if not entry.cap:
        _check_slippage(book, command, entry)
    if account.cash < 0:
        raise Refusal("insufficient_funds", needed_micro=cash - account.cash, cash_micro=cash)
    if entry.cap and entry.remaining:
        book.last_joined += 1
        entry.joined = book.last_joined
        book.ladder(entry.token, buys=entry.buys).join(entry)
    book.entries[entry.id] = entry
    return entry


def _admitted(book: Book, command: PlaceOrder, account: Account) -> Entry:
    """Check a submission in the order of the specification; return the order it makes."""
    _check_open(book, command)
    size, price = command.size_micro, command.price_micro
    if not 0 < size <= SIZE_MAX or size % LOT:
        raise Refusal("bad_size", size_micro=size, lot_micro=LOT, size_max_micro=SIZE_MAX)
    tick = book.config.tick_micro
    if price is not None and (not tick <= price <= MICRO - tick or price % tick):
        raise Refusal("bad_price", price_micro=price, tick_micro=tick)
    token, buys = token_of(command.outcome, command.token), command.side == BUY
    reserve = _check_means(book, command, account)
    return Entry(
        Order(
            id=command.seq,
            trader=command.trader,
            buys=buys,
            token=token,
            size_micro=size,
            price_micro=price,
            auto_fill=command.auto_fill,
            remaining_micro=size,
            reserve_micro=reserve,
        )
    )


def _check_open(book: Book, command: PlaceOrder) -> None:
    if book.status in {FROZEN, ENDED, SETTLED}:
        raise Refusal("frozen", status=book.status)
    if book.status == REDUCING and command.side == BUY:
        raise Refusal("reduce_only")
    if book.now_ms < book.era_start_ms:
        raise Refusal("frozen", resume_ms=book.era_start_ms)
    if command.outcome not in book.amm.active:
        raise Refusal("inactive_outcome", outcome=command.outcome)


def _check_means(book: Book, command: PlaceOrder, account: Account) -> int:
    """Check that the trader has what the order locks; return the fee reserve of a limit buy."""
    if command.side != BUY:
        held = account.held[token_of(command.outcome, command.token)]
        if held < command.size_micro:
            raise Refusal("insufficient_tokens", needed_micro=command.size_micro, held_micro=held)
        return 0
    if command.price_micro is None:
        return 0
    config = book.config
    principal = value_of(command.price_micro, command.size_micro)
    rate = max(config.fee_e9, div_floor(config.match_fee_e9, 2))
    reserve = fee_of(principal, rate)
    if account.cash < principal + reserve:
        needed = principal + reserve
        raise Refusal("insufficient_funds", needed_micro=needed, cash_micro=account.cash)
    return reserve


def _check_slippage(book: Book, command: PlaceOrder, entry: Entry) -> None:
    """Refuse a market order whose average strays too far from the last published price."""
    most = command.max_slippage_e9
    if most is None:
        most = book.config.default_max_slippage_e9
    if most is None:
        return
    filled = entry.was.size_micro - entry.remaining
    reference = book.published[entry.token]
    if entry.buys:
        exceeds = (entry.amount - entry.rebate) * PICO * RATE > reference * (RATE + most) * filled
    else:
        exceeds = (entry.amount + entry.rebate) * PICO * RATE < reference * (RATE - most) * filled
    if exceeds:
        raise Refusal(
            "slippage",
            amount_micro=entry.amount,
            rebate_micro=entry.rebate,
            filled_micro=filled,
            reference_pico=reference,
            slippage_max_e9=most,
        )
