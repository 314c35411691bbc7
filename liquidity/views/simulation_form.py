"""The form of a simulation: knobs in people's units, read as the engine's text.

It converts and nothing more; ranges and conditions are the engine's, said beside the knob.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from exchange import figures
from exchange.engines.units import format_fixed, parse_fixed
from exchange.engines.variable import Config, ConfigError
from exchange.engines.variable.parameters import PARAMETERS
from liquidity.core.simulation import SETTINGS, Scenario, ScenarioError, Setting

TYPED_MAX = 40
# A percentage has two places less than the rate it stands for.
SHIFT = 2
USDC, PERCENT, DAYS, SECONDS = "USDC", "%", "days", "s"


@dataclass(frozen=True, slots=True)
class Knob:
    """One input: a setting of the scenario or a parameter of the market."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A knob as the page shows it."""

    knob: Knob
    value: str
    complaints: list[str]


@dataclass(slots=True, kw_only=True)
class Filled:
    """What a form holds: typed text by knob, and what is wrong, by knob or under no name."""

    typed: dict[str, str]
    complaints: dict[str, list[str]] = field(default_factory=dict)


GROUPS = (
    Group(
        "How long",
        "Each path is a life of the market with news and orders of its own.",
        (
            Knob("days", "Days", DAYS),
            Knob("paths", "Paths", "", "More paths show rarer days, and take longer."),
            Knob("pool", "Providers put in", USDC, "0 is the market's goal."),
            Knob("seed", "Seed", "", "The same seed gives the same paths again."),
        ),
    ),
    Group(
        "The crowd",
        "People who trade by chance; the more they trade, the more fees there are.",
        (
            Knob("orders", "Orders a day"),
            Knob("order_size", "Usual order", USDC),
            Knob("crowd", "Traders"),
            Knob("shorts", "Of what they open, short", PERCENT),
        ),
    ),
    Group(
        "Those who know better",
        "They know the variable before the oracle does, and earn from the pool.",
        (
            Knob("informed", "Their part of all orders", PERCENT),
            Knob("informed_size", "Their order", USDC),
            Knob("informed_delay", "They know it after", SECONDS),
        ),
    ),
    Group(
        "A whale leaves",
        "One large holder builds a position over days and sells all of it in one order.",
        (
            Knob("whale", "Bought for", USDC, "0 is no whale."),
            Knob("whale_day", "Leaves on day"),
        ),
    ),
    Group(
        "A sniper of late news",
        "Somebody trades on what the oracle is about to say, a second before it does.",
        (Knob("sniper", "Money of the sniper", USDC, "0 is no sniper."),),
    ),
    Group(
        "A source lies",
        "For some days it reports the same change in every round, whatever is true.",
        (
            Knob("liars", "Sources that lie", "", "0 is none."),
            Knob("lie", "They report", PERCENT, "A minus makes it a fall."),
            Knob("lie_day", "From day"),
            Knob("lie_days", "For", DAYS),
        ),
    ),
    Group(
        "A source dies",
        "For some days it says nothing.",
        (
            Knob("dead", "Sources that fall silent", "", "0 is none."),
            Knob("dead_day", "From day"),
            Knob("dead_days", "For", DAYS),
        ),
    ),
    Group(
        "The variable and its sources",
        "How the true value moves, and how well the sources report it.",
        (
            Knob("volatility", "Wanders by, a day", PERCENT),
            Knob("drift", "Drifts by, a day", PERCENT, "A minus makes it a fall."),
            Knob("jumps", "Sudden news, a day"),
            Knob("jump", "Sudden news moves it by", PERCENT),
            Knob("sources", "Sources"),
            Knob("source_noise", "Error of a report", PERCENT),
            Knob("source_delay", "They report after", SECONDS),
            Knob("confidence", "Confidence they state", PERCENT),
        ),
        is_fine=True,
    ),
)
MARKET = Group(
    "The market",
    "What the market would be opened with. A field left empty stays as it was.",
    (
        Knob("P0_init", "Opening price", USDC),
        Knob("depth", "Depth", PERCENT, "How far a trade as large as the pool moves the price."),
        Knob("fee", "Fee", PERCENT),
        Knob("band", "Band", PERCENT, "How far from the oracle view buying at once may push."),
        Knob("soft_cap", "Goal", USDC),
        Knob("hard_cap", "Most that is taken", USDC),
        Knob("interval", "Oracle runs every", SECONDS),
        Knob("max_stale", "Opens pause without it for", SECONDS),
        Knob("quorum", "Independent readers needed"),
        Knob("half_life", "Half-life of a step", SECONDS, "How slowly the price takes in news."),
    ),
)
_SETTINGS = {setting.name: setting for setting in SETTINGS}
_PARAMETERS = {parameter.name: parameter for parameter in PARAMETERS}
_CONDITIONS = {
    "P0_init": "The opening price lies above the least price.",
    "fee_max": "The fee is higher than all fees together may be.",
    "max_stale": "Opens pause no sooner than the oracle runs.",
    "hard_cap": "The most that is taken is at least the goal.",
}


def filled(parameters: Mapping[str, Any], scenario: Mapping[str, Any]) -> Filled:
    """Return a form with these figures; what is left out has its default."""
    chosen = Config.parse(parameters).to_mapping()
    settings = {s.name: s.default for s in SETTINGS} | dict(scenario)
    typed = {}
    for knob in MARKET.knobs:
        text = chosen[knob.name]
        typed[knob.name] = "" if text is None else _shown(text, knob)
    for group in GROUPS:
        typed |= {knob.name: _shown(settings[knob.name], knob) for knob in group.knobs}
    return Filled(typed=typed)


def read(
    posted: Mapping[str, str], base: Mapping[str, Any]
) -> tuple[Filled, dict[str, Any], dict[str, str]]:
    """Return what was typed with its complaints, then the parameters and the scenario in it."""
    names = [knob.name for group in (MARKET, *GROUPS) for knob in group.knobs]
    form = Filled(typed={name: posted.get(name, "")[:TYPED_MAX].strip() for name in names})
    parameters, scenario = dict(base), {}
    for knob in MARKET.knobs:
        if form.typed[knob.name]:
            parameters[knob.name] = _text(form.typed[knob.name], knob)
    if parameters.get("fee") != _canonical(base).get("fee"):
        # what is free of surcharge follows the fee, as in a proposal
        parameters |= _lag_free(parameters)
    for group in GROUPS:
        for knob in group.knobs:
            if form.typed[knob.name]:
                scenario[knob.name] = _text(form.typed[knob.name], knob)
    _judge(form, parameters, scenario)
    return form, parameters, scenario


def rows(group: Group, form: Filled) -> list[Row]:
    """Return a group's knobs with what stands in them."""
    return [
        Row(
            knob=knob,
            value=form.typed[knob.name],
            complaints=form.complaints.get(knob.name, []),
        )
        for knob in group.knobs
    ]


def _judge(form: Filled, parameters: Mapping[str, Any], scenario: Mapping[str, str]) -> None:
    """Collect every complaint: each setting by itself, the parameters, then both together."""
    config = None
    try:
        config = Config.parse(parameters)
    except ConfigError as error:
        _complain(form, error.field, _of_config(error))
    for name, text in scenario.items():
        try:
            Scenario.parse({name: text})
        except ScenarioError as error:
            _complain(form, name, _of_setting(error, form.typed[name]))
    if config and not form.complaints:
        parsed = Scenario.parse(scenario)
        try:
            parsed.require_for(config)
        except ScenarioError as error:
            _complain(form, error.field, _of_both(error, config))


def _complain(form: Filled, name: str, text: str) -> None:
    known = name if name in form.typed else {"fee_max": "fee", "lag_free": "fee"}.get(name, "")
    form.complaints.setdefault(known, []).append(text)


def _of_config(error: ConfigError) -> str:
    if error.code == "condition":
        return _CONDITIONS.get(error.field, f"The parameters contradict each other: {error.field}.")
    knob = next((knob for knob in MARKET.knobs if knob.name == error.field), None)
    row = _PARAMETERS.get(error.field)
    if knob is None or row is None:
        return f"The parameter {error.field} cannot be {error.value}."
    if error.code == "malformed":
        return "This is no figure. Write digits with a point, like 12.5."
    low = _shown(row.low, knob)
    return _range(low, None if row.high is None else _shown(row.high, knob), knob)


def _of_setting(error: ScenarioError, typed: str) -> str:
    if error.code == "malformed":
        return f"“{typed}” is no figure. Write digits with a point, like 12.5."
    setting = _SETTINGS[error.field]
    knob = next(knob for group in GROUPS for knob in group.knobs if knob.name == error.field)
    low, high = (_shown(format_fixed(n, setting.places), knob) for n in (setting.low, setting.high))
    return _range(low, high, knob)


def _of_both(error: ScenarioError, config: Config) -> str:
    if error.code == "quorum":
        return f"The market needs {config.quorum} independent readers; there must be as many."
    if error.code == "funding":
        least, most = figures.usdc(config.soft_cap_micro), figures.usdc(config.hard_cap_micro)
        return f"The market takes from {least} to {most} USDC."
    return (
        "This takes too long: at most a million orders and oracle rounds over all paths. Take"
        " fewer days, paths or orders."
    )


def _range(low: str, high: str | None, knob: Knob) -> str:
    unit = f" {knob.unit}" if knob.unit else ""
    return f"At least {low}{unit}." if high is None else f"From {low} to {high}{unit}."


def _lag_free(parameters: Mapping[str, Any]) -> dict[str, str]:
    try:
        fee = parse_fixed(str(parameters["fee"]), 8)
    except ValueError:
        return {}
    return {"lag_free": format_fixed(2 * fee, 8)}


def _canonical(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return dict(Config.parse(parameters).to_mapping())


def _places(knob: Knob) -> int:
    row: Setting | Any = _SETTINGS.get(knob.name) or _PARAMETERS[knob.name]
    return int(row.places)


def _text(typed: str, knob: Knob) -> str:
    """Return the engine's text for what was typed; what is no figure stays one for no reader."""
    sign, digits = ("-", typed[1:]) if typed.startswith(("-", figures.MINUS)) else ("", typed)
    places = _places(knob)
    try:
        count = parse_fixed(digits, places - SHIFT if knob.unit == PERCENT else places)
    except ValueError:
        return f"{typed}?"
    return sign + format_fixed(count, places)


def _shown(text: object, knob: Knob) -> str:
    """Return the engine's text in the knob's unit, without needless zeros."""
    said = str(text)
    sign, digits = ("-", said[1:]) if said.startswith("-") else ("", said)
    places = _places(knob)
    count = parse_fixed(digits, places)
    shown = format_fixed(count, places - SHIFT if knob.unit == PERCENT else places)
    return sign + (shown.rstrip("0").rstrip(".") if "." in shown else shown)
