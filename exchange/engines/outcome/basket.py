"""The maker's one certain loss: whoever buys a NO of every outcome is paid for all but one."""

from typing import NamedTuple

from exchange.engines.outcome.book import amm_of
from exchange.engines.outcome.config import Config
from exchange.engines.outcome.scales import LOT, RATE, SIZE_MAX, WEIGHT
from exchange.engines.outcome.schedule import rates
from exchange.engines.outcome.state import MarketState
from exchange.engines.rounding import div_ceil, div_floor


class Basket(NamedTuple):
    """The basket that costs the maker most: so many of each NO, and the loss after fees."""

    size_micro: int
    loss_micro: int


def worst_basket(config: Config) -> Basket:
    """Return the size at launch that takes most from the maker, or zeros where none does.

    Bought in small pieces a basket costs its core and the fee, nothing more; the gain per basket
    falls with the size, so that the most lies where one more lot gains nothing.

    Source:  specification, sections 2 and 10.3.
    """
    low, high = 0, div_floor(min(SIZE_MAX, 4 * config.z_micro), LOT)
    while low < high:
        middle = div_floor(low + high, 2)
        if _loss(config, (middle + 1) * LOT) > _loss(config, middle * LOT):
            low = middle + 1
        else:
            high = middle
    size = low * LOT
    return Basket(size, max(0, _loss(config, size)))


def _loss(config: Config, size: int) -> int:
    state = MarketState.opened(config)
    amm = amm_of(config, state)
    amm.set_time(rates(config, 0, 0), state.z_ref_e9)
    before = amm.potential(amm.z)
    for i in range(config.n_outcomes):
        amm.go(i, amm.moved(2 * i + 1, amm.here(i), size))
    cost = div_ceil(amm.potential(amm.z) - before, WEIGHT)
    return size * (config.n_outcomes - 1) - cost - div_ceil(config.fee_e9 * cost, RATE)
