"""Why a unit of a pool is worth more or less than it was: sums by cause, constant work per batch.

Like the fee accumulator of the specification (section 16): a sum per unit grows with every batch,
and a stake is credited with the difference since its units last changed. No provider's row is
touched by a trade.
"""

from exchange.engines import variable
from exchange.engines.variable.results import ORACLE
from exchange.models.positions import CAUSES
from exchange.services.batch import Batch, History

SCALE = 10**18
# nano shares times pico prices are 1e-15 micro-USDC
SHIFT = 10**15


def attributed(batch: Batch, done: variable.Settlement) -> None:
    """Let the sums grow by what the batch brought, and credit the stakes that it changes.

    Units:   1e-18 micro-USDC per nano unit.
    Rounds:  down; what is lost is in the remainder that a page calls inventory.
    """
    _credit(batch, done)
    units = batch.state.units_nano
    if not units:
        return
    surcharges = sum(fill.surcharge_micro for fill in done.fills)
    oracle = -sum(s.supply_nano * s.delta_pico for s in done.shifts if s.reason == ORACLE)
    gains = {"surcharges": surcharges * SCALE, "oracle": oracle * SCALE // SHIFT}
    for cause in CAUSES:
        batch.pool_sums[cause] = batch.pool_sums.get(cause, 0) + gains[cause] // units


def _credit(batch: Batch, done: variable.Settlement) -> None:
    for key in done.providers:
        history = batch.histories.setdefault(key, History())
        before = batch.providers.get(key)
        held = before.units_nano if before else 0
        for cause in CAUSES:
            now = batch.pool_sums.get(cause, 0)
            had, read_at = history.gained.get(cause, (0, now))
            history.gained[cause] = [had + held * (now - read_at), now]
        if done.state.status == variable.CANCELLED:
            history.withdrawn_micro = history.contributed_micro  # to the cent, or the books halt
    for request, result in zip(batch.requests, done.results, strict=True):
        if isinstance(result, variable.Applied) and result.kind == "contribute":
            amount, user = result.fields["amount_micro"], request.user_id
            assert isinstance(amount, int)
            assert user is not None
            batch.histories[user].contributed_micro += amount
    for payout in done.payouts:
        batch.histories[payout.provider].withdrawn_micro += payout.amount_micro
