"""The staff's view of the core: every table, read-only where rules decide and never staff."""

from exchange.admin import (  # noqa: F401 (each registers its tables)
    audit,
    events,
    ledger,
    markets,
    orders,
    positions,
    prices,
    sessions,
    site,
    tokens,
    users,
)
