"""How far behind its chain each network is: read, compared and credited, and how far others are."""

from dataclasses import dataclass

from chain.clients import endpoints
from chain.errors import NodeFault
from chain.models import Network, ScanState
from chain.services import final_line
from exchange import clock

TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """The lines of one network by our rows. `seconds_behind` is about how old the read head is."""

    head: int
    seen: int
    final: int
    verified: int
    credited: int
    seconds_behind: int


def lag_of(state: ScanState) -> Lag:
    """Return the lines of a network, without asking its nodes."""
    unread = max(0, state.head_number - state.scanned_number)
    age_s = (clock.now() - state.head_at).total_seconds() if state.head_at else 0
    # with one endpoint there is nothing to compare, and its final line is taken
    compares = len(state.network.endpoints) >= TWO
    return Lag(
        head=state.head_number,
        seen=state.scanned_number,
        final=state.final_number,
        verified=state.verified_number,
        credited=min(state.final_number, state.verified_number) if compares else state.final_number,
        seconds_behind=int(age_s) + unread * state.network.block_ms // 1_000,
    )


def read_alone() -> list[Network]:
    """Return the networks of real money whose endpoint nobody compares with another."""
    rows = Network.objects.filter(is_enabled=True, is_demo=False)
    return [row for row in rows if is_read_alone(row)]


def is_read_alone(network: Network) -> bool:
    """Say whether a network of real money is read through one endpoint."""
    return not network.is_demo and len(set(network.endpoints)) < TWO


def in_words(found: Lag) -> str:
    """Return a network's lines as one line of text."""
    return (
        f"head {found.head}, seen {found.seen}, final {found.final}, verified {found.verified},"
        f" credited {found.credited}, {found.seconds_behind} s behind"
    )


def endpoints_in_words(network: Network) -> list[str]:
    """Ask every endpoint for its newest and its final block; return a line for each."""
    try:
        nodes = endpoints.nodes_of(network)
    except NodeFault as fault:
        return [fault.message]
    told = []
    for node in nodes:
        try:
            at = final_line.lines_of(network, node)
        except NodeFault as fault:
            told.append(f"{node.name}: {fault.message}")
        else:
            told.append(f"{node.name}: head {at.head}, safe {at.safe}, final {at.final}")
    return told
