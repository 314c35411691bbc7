"""How right claims were: hit rate, error, Brier score, CRPS and calibration, each with its count.

A claim says that a variable changes by delta with a confidence: with that probability by delta,
else not at all. All scores follow from that reading, in whole numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from exchange.engines.rounding import div_even, div_floor, root_floor
from exchange.engines.units import RATE

BINS = 10
# The square of 1.96, for intervals that hold in 95 of 100 cases.
Z2_E8 = 384_160_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One claim and what came. Changes in 1e-12; without them only the direction is judged.

    `truth_sign` is nothing where the world gave no verdict; `stated_e8` is the confidence before
    calibration, where that is another. `is_labelled` says that a person gave the verdict, of whom
    0 is one.
    """

    sign: int
    confidence_e8: int
    truth_sign: int | None
    delta_pico: int | None = None
    truth_pico: int | None = None
    stated_e8: int | None = None
    is_labelled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Claims of about one confidence, and how many of them came true."""

    count: int
    hits: int
    confidence_sum_e8: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """The card of a set of claims.

    `judged` are those with a direction and a verdict, `hits` those of them that were right;
    `agreed` counts every claim whose sign, 0 included, is the verdict's, out of `verdicts`.
    `usual_e8` is the hit rate of always claiming the more frequent direction, `zero_pico` the
    error of always claiming no change. A figure without a case is nothing.
    """

    claims: int
    verdicts: int
    agreed: int
    judged: int
    hits: int
    hit_e8: int | None
    low_e8: int | None
    high_e8: int | None
    usual_e8: int | None
    brier_e8: int | None
    error_pico: int | None
    crps_pico: int | None
    zero_pico: int | None
    bins: tuple[Bin, ...]
    stated_brier_e8: int | None
    stated_bins: tuple[Bin, ...]


def score(claims: Sequence[Claim], *, zero_is_a_verdict: bool = False) -> Score:
    """Return the card of the claims.

    `zero_is_a_verdict`: a truth of 0 proves a direction wrong (a label says neutral). Otherwise it
    says nothing (nothing happened to the market since).

    Rounds:  to nearest, half to even.
    """
    known = [claim for claim in claims if claim.truth_sign is not None]
    judged = [claim for claim in known if claim.sign and _proves(claim, zero_is_a_verdict)]
    hits = sum(claim.sign == claim.truth_sign for claim in judged)
    stated = [_as_stated(claim) for claim in judged]
    low, high = interval(hits, len(judged)) if judged else (None, None)
    ups = sum(claim.truth_sign == 1 for claim in judged)
    downs = sum(claim.truth_sign == -1 for claim in judged)
    sized = [
        (claim.delta_pico, claim.confidence_e8, claim.truth_pico)
        for claim in known
        if claim.delta_pico is not None and claim.truth_pico is not None
    ]
    return Score(
        claims=len(claims),
        verdicts=len(known),
        agreed=sum(claim.sign == claim.truth_sign for claim in known),
        judged=len(judged),
        hits=hits,
        hit_e8=_mean(hits * RATE, len(judged)),
        low_e8=low,
        high_e8=high,
        usual_e8=_mean(max(ups, downs) * RATE, len(judged)),
        brier_e8=_mean(sum(_brier(claim) for claim in judged), len(judged) * RATE),
        error_pico=_mean(sum(abs(delta - truth) for delta, _, truth in sized), len(sized)),
        crps_pico=_mean(sum(crps_e8(*one) for one in sized), len(sized) * RATE**2),
        zero_pico=_mean(sum(abs(truth) for _, _, truth in sized), len(sized)),
        bins=_bins(judged),
        stated_brier_e8=_mean(sum(_brier(claim) for claim in stated), len(stated) * RATE),
        stated_bins=_bins(stated),
    )


def interval(hits: int, count: int) -> tuple[int, int]:
    """Return the 95 % interval of a share after Wilson, in 1e-8; count > 0.

    Rounds:  outward by at most 2e-8.
    Keeps:   0 <= low <= hits / count <= high <= 1.
    """
    spread = div_floor(4 * hits * (count - hits) * RATE, count)
    reach = root_floor(Z2_E8 * (Z2_E8 + spread)) + 1
    middle, whole = 2 * hits * RATE + Z2_E8, 2 * (count * RATE + Z2_E8)
    low = div_floor((middle - reach) * RATE, whole)
    high = div_floor((middle + reach) * RATE, whole) + 1
    share = div_floor(hits * RATE, count)
    return max(0, min(low, share)), min(RATE, max(high, share + (hits * RATE % count > 0)))


def crps_e8(delta_pico: int, confidence_e8: int, truth_pico: int) -> int:
    """Return the continuous ranked probability score of one claim, in 1e-12 x 1e-16.

    The claim is two points, delta with its confidence and 0 otherwise; for such a distribution the
    score is the mean distance to the truth less half the mean distance within it, exactly.
    """
    doubt_e8 = RATE - confidence_e8
    near = confidence_e8 * abs(delta_pico - truth_pico) + doubt_e8 * abs(truth_pico)
    return near * RATE - confidence_e8 * doubt_e8 * abs(delta_pico)


def _proves(claim: Claim, zero_is_a_verdict: bool) -> bool:  # noqa: FBT001 (one flag, passed on)
    return bool(claim.truth_sign) or zero_is_a_verdict or claim.is_labelled


def _as_stated(claim: Claim) -> Claim:
    """Return the claim with the confidence that its reader gave it."""
    return claim if claim.stated_e8 is None else replace(claim, confidence_e8=claim.stated_e8)


def _brier(claim: Claim) -> int:
    came = RATE if claim.sign == claim.truth_sign else 0
    return (claim.confidence_e8 - came) ** 2


def _bins(judged: Sequence[Claim]) -> tuple[Bin, ...]:
    groups: list[list[Claim]] = [[] for _ in range(BINS)]
    for claim in judged:
        groups[min(BINS - 1, div_floor(claim.confidence_e8 * BINS, RATE))].append(claim)
    return tuple(
        Bin(
            count=len(group),
            hits=sum(claim.sign == claim.truth_sign for claim in group),
            confidence_sum_e8=sum(claim.confidence_e8 for claim in group),
        )
        for group in groups
    )


def _mean(total: int, count: int) -> int | None:
    return div_even(total, count) if count else None
