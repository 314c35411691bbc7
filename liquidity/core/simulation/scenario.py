"""What a market is put through: the world's news, the people who trade, and the sources' faults."""

from collections.abc import Mapping
from dataclasses import dataclass

from exchange.engines.rounding import div_floor
from exchange.engines.units import format_fixed, parse_fixed
from exchange.engines.variable import Config

DAY_S = 86_400
COUNT, MONEY, RATIO = 0, 6, 8
ONE = 10**RATIO
MILLION = 10**6 * 10**MONEY
# Oracle rounds and orders over all paths: what one request may cost the machine.
EVENTS_MAX = 1_000_000


class ScenarioError(Exception):
    """A scenario that cannot be run: what is wrong, where, and the value there."""

    def __init__(self, code: str, field: str, value: str) -> None:
        super().__init__(f"{code}: {field} = {value}")
        self.code, self.field, self.value = code, field, value


@dataclass(frozen=True, slots=True)
class Setting:
    """One row: text under `name` is kept as a count of 10**-places in `field`, from low to high."""

    name: str
    field: str
    places: int
    default: str
    low: int
    high: int
    meaning: str


SETTINGS = (
    Setting("days", "days", COUNT, "90", 1, 365, "days that each path lasts"),
    Setting("paths", "paths", COUNT, "20", 1, 50, "paths, each with news and orders of its own"),
    Setting("seed", "seed", COUNT, "1", 0, 2**63 - 1, "chooses the paths; the same seed repeats"),
    Setting("pool", "pool_micro", MONEY, "0", 0, 10**9 * 10**MONEY, "capital; 0 is the soft cap"),
    Setting("volatility", "volatility_e8", RATIO, "0.03", 0, ONE, "of the variable, in a day"),
    Setting("drift", "drift_e8", RATIO, "0", -ONE, ONE, "of the variable, in a day"),
    Setting("jumps", "jumps_e8", RATIO, "0.5", 0, 24 * ONE, "sudden news, in a day"),
    Setting("jump", "jump_e8", RATIO, "0.05", 0, ONE // 2, "usual size of sudden news"),
    Setting("orders", "orders", COUNT, "100", 0, 2_000, "orders of the crowd, in a day"),
    Setting("crowd", "crowd", COUNT, "40", 1, 200, "traders in the crowd"),
    Setting("order_size", "order_micro", MONEY, "25", 10**MONEY, MILLION, "usual order"),
    Setting("shorts", "shorts_e8", RATIO, "0.3", 0, ONE, "part of the crowd's opens that sells"),
    Setting("informed", "informed_e8", RATIO, "0.1", 0, ONE, "part of orders that know better"),
    Setting("informed_delay", "informed_delay_s", COUNT, "120", 0, DAY_S, "age of what they know"),
    Setting("informed_size", "informed_micro", MONEY, "100", 10**MONEY, MILLION, "their order"),
    Setting("whale", "whale_micro", MONEY, "500", 0, MILLION, "bought by one holder; 0 is none"),
    Setting("whale_day", "whale_day", COUNT, "30", 0, 365, "day on which the whale sells it all"),
    Setting("sniper", "sniper_micro", MONEY, "1000", 0, MILLION, "money of the sniper; 0 is none"),
    Setting("sources", "sources", COUNT, "5", 1, 20, "independent sources of the oracle"),
    Setting("source_noise", "source_noise_e8", RATIO, "0.007", 0, ONE // 4, "error of a report"),
    Setting("source_delay", "source_delay_s", COUNT, "120", 0, DAY_S, "age of what sources report"),
    Setting("confidence", "confidence_e8", RATIO, "0.8", 0, ONE, "stated by every source"),
    Setting("liars", "liars", COUNT, "1", 0, 20, "sources that lie for a while"),
    Setting("lie", "lie_e8", RATIO, "0.3", -ONE, ONE, "change that liars report, every round"),
    Setting("lie_day", "lie_day", COUNT, "45", 0, 365, "day on which the lying starts"),
    Setting("lie_days", "lie_days", COUNT, "2", 0, 365, "days that it lasts"),
    Setting("dead", "dead", COUNT, "1", 0, 20, "sources that are silent for a while"),
    Setting("dead_day", "dead_day", COUNT, "60", 0, 365, "day on which the silence starts"),
    Setting("dead_days", "dead_days", COUNT, "2", 0, 365, "days that it lasts"),
)
_BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Every setting of the table above; the suffix names the scale."""

    days: int
    paths: int
    seed: int
    pool_micro: int
    volatility_e8: int
    drift_e8: int
    jumps_e8: int
    jump_e8: int
    orders: int
    crowd: int
    order_micro: int
    shorts_e8: int
    informed_e8: int
    informed_delay_s: int
    informed_micro: int
    whale_micro: int
    whale_day: int
    sniper_micro: int
    sources: int
    source_noise_e8: int
    source_delay_s: int
    confidence_e8: int
    liars: int
    lie_e8: int
    lie_day: int
    lie_days: int
    dead: int
    dead_day: int
    dead_days: int

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> "Scenario":
        """Return the scenario that `values`, text by the table's names, describes.

        A name left out has its default.

        Raises:  ScenarioError for an unknown name, for text outside the grammar, and for a figure
                 outside its range.
        """
        unknown = sorted(set(values) - set(_BY_NAME))
        if unknown:
            raise ScenarioError("unknown", unknown[0], "")
        return cls(**{s.field: _parsed(s, values.get(s.name, s.default)) for s in SETTINGS})

    def to_mapping(self) -> dict[str, str]:
        """Return text by the table's names; parsing it gives an equal scenario."""
        return {s.name: format_fixed(getattr(self, s.field), s.places) for s in SETTINGS}

    def require_for(self, config: Config) -> None:
        """Raise ScenarioError where this scenario and a market's parameters do not fit."""
        if self.sources < config.quorum:
            raise ScenarioError("quorum", "sources", str(self.sources))
        if not config.soft_cap_micro <= self.capital_micro(config) <= config.hard_cap_micro:
            raise ScenarioError("funding", "pool", format_fixed(self.pool_micro, MONEY))
        if self.paths * self.events(config) > EVENTS_MAX:
            raise ScenarioError("too_long", "days", str(self.days))

    def capital_micro(self, config: Config) -> int:
        """Return what the providers put in."""
        return self.pool_micro or config.soft_cap_micro

    def events(self, config: Config) -> int:
        """Return the oracle rounds and orders of one path."""
        return div_floor(self.days * DAY_S, config.interval_s) + self.days * self.orders


def _parsed(setting: Setting, value: object) -> int:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    # Only what may fall below zero may carry a sign.
    sign = -1 if setting.low < 0 and text.startswith("-") else 1
    try:
        count = sign * parse_fixed(text.removeprefix("-") if sign < 0 else text, setting.places)
    except ValueError as error:
        raise ScenarioError("malformed", setting.name, str(value)[:40]) from error
    if not setting.low <= count <= setting.high:
        raise ScenarioError("range", setting.name, text)
    return count
