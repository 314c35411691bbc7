"""What a liquidation was: told from the fills, the ticks and the moves that are kept of it."""

from dataclasses import dataclass, replace

from django.db.models import Q, Sum

from exchange.engines import variable
from exchange.engines.rounding import div_ceil
from exchange.engines.units import PRICE_OF_VALUE, RATE
from exchange.models import Command, Fill, OracleMove, Tick
from exchange.selectors.configs import config_of
from exchange.selectors.portfolio import level_of

# k in 1e-18 times nano shares is a price in 1e-27
EXACT_OF_PICO = 10**15


@dataclass(frozen=True, slots=True, kw_only=True)
class Short:
    """A short as it stood: its size, what it was sold for, and its escrow."""

    shares_nano: int = 0
    entry_micro: int = 0
    escrow_micro: int = 0

    @property
    def margin_micro(self) -> int:
        """What the trader's own money makes of the escrow."""
        return self.escrow_micro - self.entry_micro

    @property
    def average_pico(self) -> int:
        """What one share was sold for."""
        return self.entry_micro * PRICE_OF_VALUE // self.shares_nano if self.shares_nano else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidation:
    """One forced cover: the short before and after it, the price that crossed, and who paid.

    `level_pico` is the close-out price up to which the escrow met the maintenance margin,
    `close_out_pico` the one it met instead; `before_pico` is that of the batch before.
    """

    fill: Fill
    config: variable.Config
    before: Short
    after: Short
    level_pico: int
    level_after_pico: int | None
    close_out_pico: int
    before_pico: int | None
    needed_micro: int
    paid_micro: int
    gap_micro: int
    returned_micro: int
    move: OracleMove | None

    @property
    def whole(self) -> bool:
        """Whether nothing of the short was left."""
        return self.after.shares_nano == 0


def of_fill(fill: Fill) -> Liquidation:
    """Return the whole story of a liquidation's fill."""
    config = config_of(fill.market.config)
    before = _short_before(fill)
    after, paid = _covered(before, fill)
    close_out, earlier = _close_out(fill)
    released = -fill.escrow_micro
    maintenance = (RATE + config.mm_e8) * before.shares_nano * close_out
    return Liquidation(
        fill=fill,
        config=config,
        before=before,
        after=after,
        level_pico=level_of(config, -before.shares_nano, before.escrow_micro) or 0,
        level_after_pico=level_of(config, -after.shares_nano, after.escrow_micro),
        close_out_pico=close_out,
        before_pico=earlier,
        needed_micro=div_ceil(maintenance, RATE * PRICE_OF_VALUE),
        paid_micro=paid,
        gap_micro=fill.value_micro - paid,
        returned_micro=released - paid - fill.fee_micro - fill.penalty_micro,
        move=OracleMove.objects.filter(market_id=fill.market_id, batch_seq=fill.batch_seq).first(),
    )


def _short_before(fill: Fill) -> Short:
    """Follow the user's fills in the market up to this one, and what they added or took out."""
    earlier = Q(command_seq__lt=fill.command_seq)
    earlier |= Q(command_seq=fill.command_seq, leg_no__lt=fill.leg_no)
    rows = Fill.objects.filter(market_id=fill.market_id, user_id=fill.user_id).filter(earlier)
    short = Short()
    for row in rows.order_by("command_seq", "leg_no"):
        if row.leg == "open_short":
            short = Short(
                shares_nano=short.shares_nano + row.shares_nano,
                entry_micro=short.entry_micro + row.value_micro,
                escrow_micro=short.escrow_micro + row.escrow_micro,
            )
        elif row.leg in {"cover_short", "liquidation"}:
            short, _ = _covered(short, row)
    return replace(short, escrow_micro=short.escrow_micro + _collateral(fill))


def _covered(short: Short, fill: Fill) -> tuple[Short, int]:
    """Return what a cover leaves of a short, and what the escrow paid of its cost.

    What was realised is the part of the entry less what the short itself paid.
    """
    forced = fill.leg == "liquidation"
    paid = min(short.escrow_micro, fill.value_micro) if forced else fill.value_micro
    rest = Short(
        shares_nano=short.shares_nano - fill.shares_nano,
        entry_micro=short.entry_micro - fill.realised_micro - paid,
        escrow_micro=short.escrow_micro + fill.escrow_micro,
    )
    return rest, paid


def _collateral(fill: Fill) -> int:
    """Return what was added to the escrow by hand less what was taken out, while it was short."""
    total = 0
    for kind, sign in (("add_collateral", 1), ("remove_collateral", -1)):
        rows = Command.objects.filter(
            market_id=fill.market_id,
            user_id=fill.user_id,
            kind=kind,
            accepted=True,
            seq__lte=fill.command_seq,
        )
        asked = rows.values_list("payload", flat=True)
        total += sign * sum(int(payload["amount_micro"]) for payload in asked)
    return total


def _close_out(fill: Fill) -> tuple[int, int | None]:
    """Return the close-out price at the fill, and that of the batch before.

    The close-out price is the higher of M and F plus k for each share that is short. The tick
    after the batch tells how many there were in the end; the fills since tell how many then.

    Rounds:  up.
    """
    around = (fill.batch_seq - 1, fill.batch_seq)
    ticks = Tick.objects.filter(market_id=fill.market_id, at__lte=fill.at, seq__in=around)
    rows = {tick.seq: tick for tick in ticks}
    after, earlier = rows.get(fill.batch_seq), rows.get(fill.batch_seq - 1)
    k = int(fill.market.live.state["k_atto"])
    own = k * fill.shares_nano
    highest = int(fill.market_pico) * EXACT_OF_PICO - own
    before_pico = int(earlier.close_out_pico) if earlier else None
    if after is None:
        return div_ceil(highest, EXACT_OF_PICO), before_pico
    fundamental = int(after.fundamental_pico) * EXACT_OF_PICO
    in_the_end = int(after.close_out_pico) * EXACT_OF_PICO - max(
        int(after.market_pico) * EXACT_OF_PICO, fundamental
    )
    shorts = max(0, in_the_end) + own + k * _shorted_since(fill)
    return div_ceil(max(highest, fundamental) + shorts, EXACT_OF_PICO), before_pico


def _shorted_since(fill: Fill) -> int:
    """Return how many shares the fills after this one covered, less those they sold short."""
    later = Q(command_seq__gt=fill.command_seq)
    later |= Q(command_seq=fill.command_seq, leg_no__gt=fill.leg_no)
    rows = Fill.objects.filter(market_id=fill.market_id, batch_seq=fill.batch_seq).filter(later)
    sums = dict(rows.values_list("leg").annotate(Sum("shares_nano")))
    covered = int(sums.get("cover_short") or 0) + int(sums.get("liquidation") or 0)
    return covered - int(sums.get("open_short") or 0)
