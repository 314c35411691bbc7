"""What somebody proposes, read and checked as far as that goes without their money."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from exchange import figures
from exchange.engines import variable
from exchange.engines.units import MICRO, format_fixed
from exchange.engines.variable.parameters import PARAMETERS
from exchange.errors import Malformed, Unprocessable
from liquidity.core import duplicates
from liquidity.core.specification import Draft, lint
from liquidity.models.requests import WORDS
from liquidity.selectors import subjects

STAKE_MIN_MICRO = 100 * MICRO
DIFFERS_MAX = 500
# The parameters that a proposal may choose, and how far; the others keep their defaults.
OFFERED = {
    "P0_init": ("0.1", "10000"),
    "depth": ("0.02", "10"),
    "fee": ("0.003", "0.02"),
    "band": ("0.002", "0.2"),
    "soft_cap": ("100", "1000000"),
    "hard_cap": ("100", "10000000"),
    "min_lp": ("1", "1000"),
    "funding_seconds": ("86400", "2592000"),
    "interval": ("120", "1800"),
    "max_stale": ("120", "86400"),
    "quorum": ("1", "15"),
    "half_life": ("0", "86400"),
}
LISTS = ("queries", "rise_words", "fall_words")
BRIEF = ("kind", *LISTS, "sources")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What somebody proposes, after everything that can be checked without the books."""

    draft: Draft
    brief: Mapping[str, Any]
    parameters: Mapping[str, Any]
    differs: str

    @property
    def words(self) -> dict[str, str]:
        """The market's own words."""
        return {name: getattr(self.draft, name) for name in WORDS}


def proposal_of(
    words: Mapping[str, str], brief: Mapping[str, Any], parameters: Mapping[str, Any], differs: str
) -> Proposal:
    """Return a proposal from what was sent.

    Raises:  Malformed for a field that does not belong there or is no text; Unprocessable
             config_invalid.
    """
    for given, known in ((words, WORDS), (brief, BRIEF), (parameters, OFFERED)):
        stray = sorted(set(given) - set(known))
        if stray:
            raise Malformed(
                f"a proposal has no field {stray[0][:60]!r}",
                code="field_unknown",
                fields={"field": stray[0][:60]},
            )
    plain = {name: _text(name, words.get(name, "")) for name in WORDS}
    read = {name: _text(name, brief.get(name, "")) for name in ("kind", "sources")}
    lists = {name: _texts(name, brief.get(name, [])) for name in LISTS}
    spoken: dict[str, Any] = {**plain, **read, **{name: tuple(lists[name]) for name in LISTS}}
    said = _text("differs", differs)
    if len(said) > DIFFERS_MAX:
        raise Malformed(
            f"how it differs has at most {DIFFERS_MAX} characters", fields={"field": "differs"}
        )
    return Proposal(
        draft=Draft(**spoken),
        brief={**read, **lists},
        parameters=_parameters(parameters),
        differs=said,
    )


def require_fit(proposal: Proposal, stake_micro: int) -> None:
    """Refuse a proposal that cannot work, that exists, or whose stake is too small.

    Raises:  Unprocessable request_refused with every complaint, stake_out_of_range, slug_taken,
             duplicate_market with the names.
    """
    findings = lint(proposal.draft)
    if findings:
        raise Unprocessable(
            f"the proposal cannot work as it is: {findings[0].sentence}",
            code="request_refused",
            fields={"problems": [finding.sentence for finding in findings]},
        )
    _require_stake(variable.Config.parse(dict(proposal.parameters)), stake_micro)
    if subjects.is_taken(proposal.draft):
        raise taken(proposal.draft)
    found = subjects.near(proposal.draft)
    if duplicates.too_near(found, proposal.differs):
        names = [match.label for match in found]
        raise Unprocessable(
            f"there is a market or a request like this already: {', '.join(names)}",
            code="duplicate_market",
            fields={"names": names, "similarity_e8": found[0].similarity_e8},
        )


def _require_stake(config: variable.Config, stake_micro: int) -> None:
    least, most = max(STAKE_MIN_MICRO, config.min_lp_micro), config.hard_cap_micro
    if not least <= stake_micro <= most:
        raise Unprocessable(
            f"the first contribution is at least {figures.usdc_exact(least)} and at most"
            f" {figures.usdc_exact(most)} USDC",
            code="stake_out_of_range",
            fields={"least_micro": least, "most_micro": most},
        )


def taken(draft: Draft) -> Unprocessable:
    """Return the refusal of an address or a ticker that is in use."""
    return Unprocessable(
        f"the address “{draft.slug}” or the ticker “{draft.ticker}” is in use by another market"
        " or request",
        code="slug_taken",
        fields={"slug": draft.slug, "ticker": draft.ticker},
    )


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or "\x00" in value:
        raise Malformed(f"{name} is not text that can be kept", fields={"field": name})
    return value.strip()


def _texts(name: str, value: object) -> list[str]:
    if not isinstance(value, list):
        raise Malformed(f"{name} is not a list of texts", fields={"field": name})
    return [text for text in (_text(name, item) for item in value) if text]


def _parameters(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what differs from the defaults; what is free of surcharge follows the fee."""
    try:
        config = variable.Config.parse(dict(given))
        for row in PARAMETERS:
            if row.name in OFFERED:
                low, high = OFFERED[row.name]
                replace(row, low=low, high=high).check_range(getattr(config, row.field))
    except variable.ConfigError as error:
        fields = {"rule": error.code, "field": error.field, "value": error.value}
        raise Unprocessable(str(error), code="config_invalid", fields=fields) from error
    chosen = dict(given)
    if "fee" in chosen:
        chosen["lag_free"] = format_fixed(2 * config.fee_e8, 8)
    return chosen
