"""One oracle round: from the reports to F, T and the part of the news that the curve takes."""

from dataclasses import dataclass

from exchange.engines.engine import Refusal
from exchange.engines.rounding import clamp, div_even, div_floor, div_trunc
from exchange.engines.units import PICO, RATE
from exchange.engines.variable.book import Book
from exchange.engines.variable.commands import OracleEvent, Report
from exchange.engines.variable.config import Config
from exchange.engines.variable.curve import PRICE
from exchange.engines.variable.results import ORACLE, Applied
from exchange.engines.variable.shifts import FLOOR, shift
from exchange.engines.variable.state import ACTIVE, WINDING

# a rate of 1e-8 as a relative change of 1e-12
PICO_OF_RATE = 10**4


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a set of reports says together; the ratio is exact, the other figures are for display.

    The effective change is numerator/denominator; the rest is rounded half to even.
    """

    numerator: int
    denominator: int
    median_pico: int
    confidence_e8: int
    spread_pico: int
    reports: int
    clamped: bool

    @property
    def effective_pico(self) -> int:
        """Return the effective change, rounded half to even."""
        return div_even(self.numerator * PICO, self.denominator)


def read(config: Config, reports: tuple[Report, ...]) -> Reading:
    """Return the median of the good reports, shrunk by doubt and by disagreement.

    Raises:  Refusal no_quorum.
    Source:  specification, section 9.
    """
    good = [r for r in reports if r.confidence_e8 >= config.conf_min_e8]
    count = len(good)
    if count < config.quorum:
        raise Refusal("no_quorum", reports=count, reports_min=config.quorum)
    most = config.delta_max_e8 * PICO_OF_RATE
    deltas = sorted(clamp(r.delta_pico, -most, most) for r in good)
    # medians and deviations are kept doubled, so that the mean of two middle values is exact
    median = _middle(deltas)
    trust = sorted(r.confidence_e8 for r in good)
    confidence = min(2 * RATE, _middle(trust))
    strayed = sum(abs(2 * delta - median) for delta in deltas)
    numerator, denominator = median, 2 * PICO
    if config.conf_shrink:
        calm = 2 * count * config.mad0_e8 * PICO_OF_RATE
        numerator *= confidence * calm
        denominator *= 2 * RATE * (calm + strayed)
    return Reading(
        numerator=numerator,
        denominator=denominator,
        median_pico=div_even(median, 2),
        confidence_e8=div_even(confidence, 2),
        spread_pico=div_even(strayed, 2 * count),
        reports=count,
        clamped=any(abs(r.delta_pico) > most for r in good),
    )


def _middle(ordered: list[int]) -> int:
    """Return twice the median: the sum of the two middle values, or of the one with itself."""
    half = div_floor(len(ordered), 2)
    return ordered[half] + ordered[-1 - half]


def filtered(
    config: Config, f_pico: int, f_day_pico: int, reading: Reading
) -> tuple[int, list[str]]:
    """Return the next F and the rules that held it back.

    Units:   pico.
    Rounds:  half to even, once; rounding keeps order, so it may come before the comparisons.
    """
    fired: list[str] = []
    up, down = config.beta_e8 * reading.numerator, RATE * reading.denominator
    if abs(up) * RATE > config.step_max_e8 * down:
        up, down = (config.step_max_e8 if up > 0 else -config.step_max_e8), RATE
        fired.append("step")
    free = div_even(f_pico * (down + up), down)
    lowest = div_even(f_day_pico * (RATE - config.day_max_e8), RATE)
    highest = div_even(f_day_pico * (RATE + config.day_max_e8), RATE)
    bounded = clamp(free, lowest, highest)
    if bounded != free:
        fired.append("day")
    if bounded < config.p_min_pico:
        fired.append(FLOOR)
    return max(config.p_min_pico, bounded), fired


def oracle(book: Book, command: OracleEvent) -> Applied:
    """Set F and T from the reports and pass the news on to the curve, never beyond F.

    Raises:  Refusal; F, T and the oracle's age are then as before.
    Source:  specification, section 9.
    """
    if book.status not in (ACTIVE, WINDING):
        raise Refusal("not_active", status=book.status)
    if any(not 0 <= r.confidence_e8 <= RATE for r in command.reports):
        raise Refusal("args", reason="a confidence is outside 0..1")
    config, before = book.config, book.f
    reading = read(config, command.reports)
    total = reading.denominator + reading.numerator
    target = max(config.p_min_pico, div_even(before * total, reading.denominator))
    after, fired = filtered(config, before, book.f_day, reading)
    if reading.clamped:
        fired.insert(0, "report")
    wanted = _pass_through(after - before, after * PRICE - book.price)
    book.f, book.target, book.last_oracle_s = after, target, book.now_s
    book.surcharges.clear()
    applied, clamp_fired = shift(book, wanted, ORACLE, command.seq)
    if clamp_fired and clamp_fired not in fired:
        fired.append(clamp_fired)
    return Applied(
        "oracle",
        {
            "delta_med_pico": reading.median_pico,
            "conf_e8": reading.confidence_e8,
            "mad_pico": reading.spread_pico,
            "delta_eff_pico": reading.effective_pico,
            "reports": reading.reports,
            "fundamental_before_pico": before,
            "fundamental_pico": after,
            "target_pico": target,
            "wanted_pico": wanted,
            "applied_pico": applied,
            "clamps": tuple(fired),
        },
    )


def _pass_through(news: int, gap: int) -> int:
    """Return the part of the news (pico) that leads toward F, at most the gap (1e-27), in pico."""
    if news * gap <= 0:
        return 0
    least = min(abs(news) * PRICE, abs(gap))
    return div_trunc(least if news > 0 else -least, PRICE)
