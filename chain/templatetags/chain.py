"""Filters of the wallet's pages: short hashes, states and kinds in words."""

from django import template

from chain.models import Network

register = template.Library()

ENDS = 6
STEPS = {
    "held": "Asked for and set aside",
    "review": "In review",
    "approved": "Approved",
    "signed": "Signed",
    "broadcast": "Sent to the chain",
    "mined": "In a block",
    "final": "Arrived for good",
    "cancelled": "Cancelled",
    "returned": "Returned to your cash",
}
KINDS = {
    "cash": "People's cash",
    "reserved": "Set aside for orders and withdrawals",
    "escrow": "Securing short positions",
    "house pool": "The markets' pools",
    "house funding": "Contributions to new markets",
    "house lp_fees": "Fees of liquidity providers",
    "house insurance": "Insurance of markets",
    "house treasury": "Treasuries of markets",
    "house fees": "Fees",
    "house seigniorage": "Seigniorage",
    "house gas": "Fees of withdrawals",
    "house pairs": "Complete pairs",
}


@register.filter
def shortened(text: str) -> str:
    """Write the beginning and the end of a hash or an address."""
    return f"{text[: ENDS + 2]}…{text[-ENDS:]}" if len(text) > 3 * ENDS else text


@register.filter
def with_network(address: str, network: Network | None) -> str:
    """Name a network in an address of ours, where there is one."""
    return f"{address}?network={network.chain_id}" if network else address


@register.filter
def step_words(state: str) -> str:
    """Write a step of a withdrawal in words."""
    return STEPS.get(state, state)


@register.filter
def kind_words(kind: str) -> str:
    """Write a kind of liability in words."""
    return KINDS.get(kind, kind)
