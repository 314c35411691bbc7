"""The inputs of a session's set-up in people's units, and how each is written for the engine."""

from dataclasses import dataclass

from exchange.engines.outcome.parameters import PARAMETERS
from exchange.engines.units import format_fixed, parse_fixed

USDC, PERCENT, MINUTES, SECONDS, FLAG, CHOICE = "USDC", "%", "min", "s", "flag", "choice"
# A percentage has two places less than the rate it stands for.
SHIFT = 2
MS_PLACES = 3
MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Knob:
    """One input for one parameter."""

    name: str
    label: str
    unit: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Knobs that belong together; those of a fine group are folded away at first."""

    title: str
    intro: str
    knobs: tuple[Knob, ...]
    is_fine: bool = False


CLOCK = Group(
    "Clock and money",
    "Everybody begins with the same balance. Orders are collected and settled together, batch by"
    " batch; between them nothing moves.",
    (
        Knob("starting_balance", "Everybody begins with", USDC),
        Knob("total_duration_ms", "Lasts", MINUTES),
        Knob("batch_ms", "One batch every", SECONDS, "0.1 to 60 s."),
    ),
)
MAKER = Group(
    "Market maker",
    "It always quotes both tokens of every outcome. It can lose its fund and never more.",
    (
        Knob("z", "Fund, the most it can lose", USDC),
        Knob("q0", "Half of each pool's depth", USDC, "Empty: from the mode. Smaller moves more."),
        Knob("zeta_start", "Coupling at the start", "", "Empty: from the mode."),
        Knob("initial_price", "Launch price of every YES", USDC, "1/N leaves no sure gain."),
        Knob("gamma", "Phase-out of the subsidy"),
    ),
)
FEES = Group(
    "Fees and protection",
    "Gas is charged for every order that is sent, also when it is rejected.",
    (
        Knob("f", "Trade fee", PERCENT),
        Knob("f_match", "Match fee, half per side", PERCENT),
        Knob("gas_fee", "Gas per order", USDC),
        Knob("default_max_slippage", "Default maximum slippage", PERCENT, "Empty: none."),
    ),
)
MOVING = Group(
    "Parameters that move in time",
    "Each goes evenly from its start to its end. Empty ends stay at the start.",
    (
        Knob("mu_start", "Weight of the price before, start"),
        Knob("mu_end", "Weight of the price before, end"),
        Knob("nu_start", "Weight of the price after, start"),
        Knob("nu_end", "Weight of the price after, end"),
        Knob("kappa_start", "Convexity, start", "", "USDC per token squared."),
        Knob("kappa_end", "Convexity, end"),
        Knob("zeta_end", "Coupling at the end"),
        Knob("interpolation_mode", "After an elimination", CHOICE),
    ),
    is_fine=True,
)
EDGES = Group(
    "Prices at the edge",
    "Between floor and cap a price is what the pools say; beyond them a penalty grows.",
    (
        Knob("p_max", "Price cap", USDC),
        Knob("p_min", "Price floor", USDC),
        Knob("eta", "Penalty exponent", "", "Multiples of 0.5 from 1 to 10."),
        Knob("tick_size", "Grid of limits", USDC, "A multiple of 0.0001 that divides 1."),
        Knob("allow_above_par", "Market buys may cost 1 USDC and more", FLAG),
    ),
    is_fine=True,
)
MATCHING = Group(
    "Book and auto-fill",
    "How people's orders meet, and how the maker fills those that opt in when others move prices.",
    (
        Knob("cm_enabled", "Buys of YES and NO may mint pairs", FLAG),
        Knob("af_enabled", "Auto-fill", FLAG),
        Knob("sigma", "System's part of the surplus", PERCENT),
        Knob("af_cap_frac", "Auto-fill volume cap", PERCENT),
        Knob("af_max_pools", "Pools one event fills at most"),
        Knob("af_max_surplus", "Surplus cap", PERCENT),
        Knob("vc_enabled", "Virtual YES never shrinks", FLAG),
    ),
    is_fine=True,
)
GROUPS = (CLOCK, MAKER, FEES, MOVING, EDGES, MATCHING)
KNOBS = {knob.name: knob for group in GROUPS for knob in group.knobs}
ROWS = {row.name: row for row in PARAMETERS}
CHOICES = {
    "interpolation_mode": (
        ("continue", "moves on over the whole session"),
        ("reset", "starts anew in each era"),
    )
}


def written(typed: str, knob: Knob) -> str:
    """Return the engine's text for what was typed; what is no figure stays one for no reader."""
    if knob.unit == CHOICE:
        return typed
    try:
        if knob.unit == SECONDS:
            return str(parse_fixed(typed, MS_PLACES))
        if knob.unit == MINUTES:
            return str(parse_fixed(typed, MS_PLACES) * MINUTE_S)
        places = ROWS[knob.name].places
        count = parse_fixed(typed, places - SHIFT if knob.unit == PERCENT else places)
    except ValueError:
        return f"{typed}?"
    return format_fixed(count, places)


def shown(text: object, knob: Knob) -> str:
    """Return the engine's text in the knob's unit, without needless zeros."""
    if text is None:
        return ""
    said = str(text)
    if knob.unit == CHOICE:
        return said
    if knob.unit in {SECONDS, MINUTES}:
        return time_shown(int(said), knob.unit)
    places = ROWS[knob.name].places
    count = parse_fixed(said, places)
    return _trimmed(format_fixed(count, places - SHIFT if knob.unit == PERCENT else places))


def time_shown(ms: int, unit: str) -> str:
    """Return milliseconds in minutes or seconds."""
    thousandths = ms if unit == SECONDS else ms // MINUTE_S
    return _trimmed(format_fixed(thousandths, MS_PLACES))


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text
