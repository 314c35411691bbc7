"""What is wrong with how the chains are set up, told before it can cost anything."""

from typing import Any

from django.core import checks
from django.db import DatabaseError

from chain.services import lag


@checks.register(checks.Tags.security, deploy=True)
def networks_have_two_endpoints(**_: Any) -> list[checks.CheckMessage]:
    """Warn of networks that are read through one endpoint, whose word nobody compares."""
    try:
        rows = lag.read_alone()
    except DatabaseError:
        # no database, or one without tables yet: then there is no network either
        return []
    return [
        checks.Warning(
            f"{row.name} is read through one endpoint alone, so that nobody would notice its lie.",
            hint="Give the network two endpoints, of two providers.",
            obj=str(row.chain_id),
            id="chain.W001",
        )
        for row in rows
    ]
