"""Ready-made sessions to begin from, and the four modes of impact with what each does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from exchange.engines import outcome
from exchange.engines.outcome.presets import (
    HIGH_OWN_HIGH_CROSS,
    HIGH_OWN_LOW_CROSS,
    LOW_OWN_HIGH_CROSS,
    LOW_OWN_LOW_CROSS,
)
from exchange.selectors.outcome import rehearsal
from exchange.services.sessions.drafts import Draft, Label

PRICE_PARTS = 10**4


@dataclass(frozen=True, slots=True)
class Preset:
    """A named beginning."""

    name: str
    words: str
    draft: Draft


@dataclass(frozen=True, slots=True)
class ModeImpact:
    """A mode of impact in a session of some size: its parameters, and what buying does in it."""

    name: str
    label: str
    words: str
    parameters: Mapping[str, str]
    impact: rehearsal.Impact


MODES = (
    (
        HIGH_OWN_LOW_CROSS,
        "High own, low cross",
        "Thin pools that hardly hear each other: a buy moves its own price far, the rest little.",
    ),
    (
        LOW_OWN_HIGH_CROSS,
        "Low own, high cross",
        "Deep pools close to each other: a buy moves its own price a little and pushes all others.",
    ),
    (
        HIGH_OWN_HIGH_CROSS,
        "High own, high cross",
        "Thin pools close to each other: every trade is felt everywhere. Lively and costly.",
    ),
    (
        LOW_OWN_LOW_CROSS,
        "Low own, low cross",
        "Deep pools on their own: prices move slowly and apart. Calm, good for large crowds.",
    ),
)


def _labels(names: str, colours: str = "") -> list[Label]:
    tones = [*colours.split(), *[""] * 10]
    return [Label(name, tone) for name, tone in zip(names.split(), tones, strict=False)]


QUICK = Draft(
    name="Quick game",
    labels=_labels("Red Green Blue", "red green blue"),
    mode=LOW_OWN_HIGH_CROSS,
    parameters={"total_duration_ms": "300000", "f": "0.01", "default_max_slippage": "0.1"},
)
PRESETS: Mapping[str, Preset] = {
    "quick": Preset("Quick game", "3 outcomes, 5 minutes, no eliminations", QUICK),
    "knockout": Preset(
        "Knock-out",
        "5 outcomes, 12 minutes, two rounds that you decide when they come",
        replace(
            QUICK,
            name="Knock-out",
            labels=_labels("Ash Birch Cedar Douglas Elm"),
            mode=HIGH_OWN_HIGH_CROSS,
            parameters={
                "total_duration_ms": "720000",
                "initial_price": "0.2",
                "gas_fee": "0.1",
                "default_max_slippage": "0.1",
                "mr_enabled": True,
                "rounds": [["240000", "10000", []], ["480000", "10000", []]],
            },
        ),
    ),
    "lecture": Preset(
        "Lecture hall",
        "4 outcomes at fair launch prices, 30 minutes, one batch every 2 s",
        replace(
            QUICK,
            name="Lecture hall",
            labels=_labels("A B C D"),
            mode=LOW_OWN_LOW_CROSS,
            parameters={
                "total_duration_ms": "1800000",
                "batch_ms": "2000",
                "initial_price": "0.25",
                "z": "50000",
                "default_max_slippage": "0.1",
            },
        ),
    ),
}


@lru_cache(maxsize=64)
def mode_impacts(n_outcomes: int, z_micro: int) -> tuple[ModeImpact, ...]:
    """Return the modes as they would act in a session of this size, launched at fair prices."""
    found = []
    for name, label, words in MODES:
        made = outcome.preset(name, n_outcomes=n_outcomes, z_micro=z_micro)
        fair = {**made, "initial_price": f"0.{PRICE_PARTS // n_outcomes:04}"}
        acts = rehearsal.impact(outcome.Config.parse(fair))
        found.append(ModeImpact(name, label, words, made, acts))
    return tuple(found)
