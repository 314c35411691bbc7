"""What transactions paid lately, and what to offer next."""

from itertools import accumulate
from typing import Any

from chain.devnet.blocks import Block
from chain.devnet.chain import Chain
from chain.devnet.errors import bad_params

LOOK_BACK, HISTORY_MAX, PERCENTILES_MAX = 20, 1_024, 100
WHOLE = 100


def tip_suggested(chain: Chain) -> int:
    """Return the middle tip of the last blocks that held any; nothing where none did."""
    tips = sorted(
        receipt.price - block.base_fee
        for block in chain.blocks[-LOOK_BACK:]
        for receipt in block.receipts
    )
    return tips[len(tips) // 2] if tips else 0


def history(chain: Chain, count: Any, newest: Block, percentiles: Any) -> dict[str, Any]:
    """Return eth_feeHistory: base fees, how full the blocks were, and tips by gas."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise bad_params("invalid argument 0: a block count is expected")
    wanted = _percentiles(percentiles)
    first = max(0, newest.number - min(count, HISTORY_MAX) + 1)
    blocks = chain.blocks[first : newest.number + 1] if count else []
    fees = [block.base_fee for block in blocks]
    after = chain.blocks[newest.number + 1 : newest.number + 2]
    fees.append(after[0].base_fee if after else chain.base_fee_after(newest))
    answer: dict[str, Any] = {
        "oldestBlock": hex(first if count else 0),
        "baseFeePerGas": [hex(fee) for fee in fees],
        "gasUsedRatio": [block.gas_used / block.gas_limit for block in blocks],
        "baseFeePerBlobGas": ["0x1"] * len(fees),
        "blobGasUsedRatio": [0.0] * len(blocks),
    }
    if wanted:
        answer["reward"] = [[hex(tip) for tip in _tips(block, wanted)] for block in blocks]
    return answer


def _percentiles(percentiles: Any) -> list[float]:
    if not isinstance(percentiles, list) or len(percentiles) > PERCENTILES_MAX:
        raise bad_params("invalid argument 2: a list of percentiles is expected")
    for low, high in zip([0, *percentiles], [*percentiles, WHOLE], strict=True):
        if not isinstance(high, int | float) or not 0 <= low <= high <= WHOLE:
            raise bad_params("invalid reward percentile: they rise from 0 to 100")
    return list(percentiles)


def _tips(block: Block, percentiles: list[float]) -> list[int]:
    paid = sorted((r.price - block.base_fee, r.gas_used) for r in block.receipts)
    if not paid:
        return [0] * len(percentiles)
    reached = list(accumulate(gas for _, gas in paid))
    return [
        next(tip for (tip, _), sum_ in zip(paid, reached, strict=True) if sum_ * WHOLE >= share)
        for share in (percentile * block.gas_used for percentile in percentiles)
    ]
